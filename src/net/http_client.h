/*
 * http_client: outgoing HTTP requests, with libcurl's multi interface on the loop. Connections are
 * kept alive and shared by requests to the same host.
 */
#ifndef MK_NET_HTTP_CLIENT_H
#define MK_NET_HTTP_CLIENT_H

#include "net/failure.h"
#include "net/loop.h"
#include "net/tls_context.h"

#include "base/slice.h"

struct mk_http_client;

/* Loads libcurl at the first call. Returns NULL when out of memory, or without libcurl (logged). */
struct mk_http_client *mk_http_client_new(struct mk_loop *loop);
/*
 * Drops requests under way without calling their `done`. May be called from within a `done`. NULL
 * is allowed.
 */
struct mk_http_client *mk_http_client_free(struct mk_http_client *client);

struct mk_http_response {
    const struct mk_failure *failure; /* NULL, or why the rest is empty */
    unsigned status;
    uint64_t retry_after;         /* seconds of the Retry-After header; 0: none */
    struct mk_slice content_type; /* "" where there is none */
    struct mk_slice body;
};

struct mk_http_post {
    const char *url;
    const char *const *headers;     /* "Name: value" lines; NULL-terminated */
    struct mk_slice body;           /* borrowed until `done` */
    const struct mk_tls_files *tls; /* copied; NULL: the system's roots, no certificate */
    uint32_t timeout_ms;            /* for the whole exchange */
    size_t response_limit;          /* a longer response body is an error */
    /* Called once; the response is borrowed for the call, which may start another request. */
    void (*done)(void *arg, const struct mk_http_response *response);
    void *arg;
};

struct mk_http_request; /* one under way */

/*
 * Starts a POST. Does not follow redirects; allows only http and https; trusts the same roots as
 * mk_connect; takes a proxy from the environment as libcurl does (http_proxy, no_proxy). `done` is
 * never called from within this function. Returns NULL when out of memory; then `done` is not
 * called.
 */
struct mk_http_request *mk_http_client_post(struct mk_http_client *client,
                                            const struct mk_http_post *post);

struct mk_http_get {
    const char *url;
    const char *const *headers;
    uint32_t connect_ms; /* to connect, each time */
    uint32_t timeout_ms; /* for the whole exchange, redirects included */
    unsigned redirects;  /* the most that are followed, to http and https only */
    uint64_t body_limit; /* bytes; a longer one is an error */
    /*
     * Connect only to public addresses (mk_address_is_public), each checked after the name has been
     * resolved and again for every redirect; never through a proxy, whose connections cannot be
     * checked.
     */
    bool public_only;
    /*
     * Receives the body as it arrives, of a success (2xx) only. Returns 0, or a negative errno to
     * end the request. Must not cancel or free.
     */
    int (*body)(void *arg, const char *data, size_t len);
    /* As in mk_http_post; `body` is empty. */
    void (*done)(void *arg, const struct mk_http_response *response);
    void *arg;
};

/*
 * Starts a GET; otherwise as mk_http_client_post. `public_only` requests need a client that has no
 * others, since connections are shared.
 */
struct mk_http_request *mk_http_client_get(struct mk_http_client *client,
                                           const struct mk_http_get *get);

/* Drops it: `done` will not be called. Not allowed after it was called. NULL is allowed. */
struct mk_http_request *mk_http_request_cancel(struct mk_http_request *request);

#endif
