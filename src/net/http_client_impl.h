/*
 * http_client_impl: what the two halves of the HTTP client share: libcurl on libuv (http_client.c)
 * and the life of one request (http_request.c). For these two alone.
 */
#ifndef MK_NET_HTTP_CLIENT_IMPL_H
#define MK_NET_HTTP_CLIENT_IMPL_H

#include "base/buf.h"
#include "net/curl.h"
#include "net/http_client.h"
#include "net/timer.h"

struct mk_http_client {
    struct mk_loop *loop;
    struct mk_streams *streams; /* whom it trusts */
    const struct mk_curl *curl;
    CURLM *multi;
    struct mk_timer *timer;
    struct mk_list active; /* requests under way */
    struct mk_list spare;
    unsigned spare_count;
    bool freed; /* from within a `done`; the rest follows when that has returned */
    bool busy;  /* reading results */
};

struct mk_http_request {
    struct mk_list node; /* in active or spare */
    struct mk_http_client *client;
    const struct mk_curl *curl;
    CURL *easy;
    struct curl_slist *headers;
    struct mk_buf body;
    void (*done)(void *arg, const struct mk_http_response *response);
    void *arg;
    int (*body_to)(void *arg, const char *data, size_t len); /* NULL: into `body` */
    uint64_t limit;                                          /* bytes of a body */
    uint64_t body_len; /* so far, where it goes to `body_to` */
    uint32_t timeout_ms;
    int body_error;             /* why it was not taken, or 0 */
    bool refused;               /* an address that may not be connected to */
    char text[CURL_ERROR_SIZE]; /* libcurl's words for an error */
};

/* It is in neither list of the client afterwards, and not in the multi before. */
void mk_http_request_free(struct mk_http_request *request);

/* It has ended: tells its owner, who may free the client in there, and keeps it for the next. */
void mk_http_request_complete(struct mk_http_request *request, CURLcode code);

#endif
