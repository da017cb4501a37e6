/*
 * http_client_impl: internals shared by http_client.c (libcurl on libuv) and http_request.c (single
 * requests).
 */
#ifndef MK_NET_HTTP_CLIENT_IMPL_H
#define MK_NET_HTTP_CLIENT_IMPL_H

#include "base/buf.h"
#include "net/curl.h"
#include "net/http_client.h"
#include "net/timer.h"

struct mk_http_client {
    struct mk_loop *loop;
    struct mk_streams *streams; /* for the trusted roots */
    const struct mk_curl *curl;
    CURLM *multi;
    struct mk_timer *timer;
    struct mk_list active; /* requests under way */
    struct mk_list spare;
    unsigned spare_count;
    bool freed; /* by a `done`; the memory is freed when that has returned */
    bool busy;  /* in a loop over libcurl's results */
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
    uint64_t body_len;                                       /* so far, with `body_to` */
    uint32_t timeout_ms;
    int body_error;             /* from `body_to`, or 0 */
    bool refused;               /* an address was not public */
    char text[CURL_ERROR_SIZE]; /* libcurl's text of an error */
};

/* Takes it out of the client's lists. It must not be in the multi handle. */
void mk_http_request_free(struct mk_http_request *request);

/* Ends it: calls `done`, which may free the client, and keeps the request for reuse. */
void mk_http_request_complete(struct mk_http_request *request, CURLcode code);

#endif
