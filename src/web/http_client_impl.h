/*
 * http_client_impl: internals shared by http_client.c (the client, and the text of a request) and
 * http_request.c (one exchange, from its start to `done`).
 */
#ifndef MK_WEB_HTTP_CLIENT_IMPL_H
#define MK_WEB_HTTP_CLIENT_IMPL_H

#include "net/connect.h"
#include "net/timer.h"
#include "web/http_client.h"
#include "web/http_failure.h"
#include "web/http_pool.h"

enum { MK_WEB_HEAD_MAX = 64 * 1024 }; /* bytes of the head of a request */

struct mk_web_client {
    struct mk_loop *loop;
    struct mk_proxies proxies;
    struct mk_http_pool pool;
    struct mk_list active; /* requests under way */
    struct mk_list ending; /* those whose `done` is being called */
};

struct mk_web_request {
    struct mk_list node;          /* in one of the client's lists */
    struct mk_web_client *client; /* NULL: freed, in `done` */
    void (*done)(void *arg, const struct mk_web_response *response);
    void *arg;
    uint32_t timeout_ms;
    size_t response_limit;
    struct mk_timer *timer; /* of the whole exchange */
    char *text;             /* of the URL */
    struct mk_url url;      /* in that text */
    struct mk_tls_context *tls;
    const struct mk_proxy *proxy; /* or NULL */
    struct mk_buf head;           /* of the request */
    struct mk_slice body;

    enum mk_http_step step;
    bool reused; /* the connection was a kept one */
    bool doomed; /* it fails with `failure` at the next turn of the timer */
    struct mk_connect *connect;
    struct mk_stream *stream;
    struct mk_stream_source source; /* of `rest` */
    struct mk_slice rest;           /* of a long body, still to be sent */
    struct mk_response_reader reader;
    struct mk_failure failure;
};

/* Appends the head of the request to `head`. Returns 0 or a negative errno. */
int mk_web_write_head(struct mk_web_request *request, const char *const *headers);
/* The same of a CONNECT to the proxy. */
int mk_web_write_connect(const struct mk_web_request *request, struct mk_buf *out);

/* Begins a request whose settings are complete. Returns 0 or -ENOMEM. */
int mk_web_request_begin(struct mk_web_request *request);

/* Drops its connection, and frees it. */
void mk_web_request_free(struct mk_web_request *request);

#endif
