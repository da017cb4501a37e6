/*
 * http_client: outgoing HTTP through libcurl's multi interface on the loop. Connections are kept
 * alive and shared among requests to the same host.
 */
#ifndef MK_NET_HTTP_CLIENT_H
#define MK_NET_HTTP_CLIENT_H

#include "net/failure.h"
#include "net/loop.h"
#include "net/tls_context.h"

#include "base/slice.h"

struct mk_http_client;

/* Loads libcurl where this is the first. NULL: out of memory, or no libcurl (logged). */
struct mk_http_client *mk_http_client_new(struct mk_loop *loop);
/* Requests under way are dropped without a call of `done`; it may be called in one. NULL is
 * allowed. */
struct mk_http_client *mk_http_client_free(struct mk_http_client *client);

struct mk_http_response {
    const struct mk_failure *failure; /* NULL, or why no response came; then nothing below */
    unsigned status;
    uint64_t retry_after;         /* seconds that a Retry-After header asks for; 0: none */
    struct mk_slice content_type; /* "" where there is none */
    struct mk_slice body;
};

struct mk_http_post {
    const char *url;
    const char *const *headers;     /* "Name: value" lines; NULL-terminated */
    struct mk_slice body;           /* borrowed until `done` */
    const struct mk_tls_files *tls; /* copied; NULL: the system's roots, nothing to present */
    uint32_t timeout_ms;            /* for the whole exchange */
    size_t response_limit;          /* a longer response body is an error */
    /* Called once; the response is borrowed for its time. It may start the next request. */
    void (*done)(void *arg, const struct mk_http_response *response);
    void *arg;
};

struct mk_http_request; /* one under way */

/*
 * Starts a POST. Redirects are not followed; only http and https are spoken; TLS trusts whom
 * mk_connect trusts; a proxy is taken from the environment as libcurl does (http_proxy, no_proxy).
 * `done` is never called from within this. Returns NULL when it cannot be started for lack of
 * memory; then `done` is not called.
 */
struct mk_http_request *mk_http_client_post(struct mk_http_client *client,
                                            const struct mk_http_post *post);

struct mk_http_get {
    const char *url;
    const char *const *headers;
    uint32_t connect_ms; /* to connect, each time */
    uint32_t timeout_ms; /* for the whole exchange, redirects included */
    unsigned redirects;  /* that many at most are followed, to http and https alone */
    uint64_t body_limit; /* bytes; a longer one is an error */
    /*
     * Connect only to addresses of the Internet at large (mk_address_is_public), each checked when
     * the name has been resolved and again for every redirect; and through no proxy, which would do
     * so unchecked.
     */
    bool public_only;
    /* The body as it comes, but of a success (2xx) only. Returns 0, or a negative errno to end it.
     * May not cancel or free. */
    int (*body)(void *arg, const char *data, size_t len);
    /* As in mk_http_post; `body` is empty. */
    void (*done)(void *arg, const struct mk_http_response *response);
    void *arg;
};

/* Starts a GET; otherwise as mk_http_client_post. One whose requests are all `public_only` needs a
 * client of its own: connections are shared. */
struct mk_http_request *mk_http_client_get(struct mk_http_client *client,
                                           const struct mk_http_get *get);

/* Drops it: `done` will not be called. Not allowed after it was. NULL is allowed. */
struct mk_http_request *mk_http_request_cancel(struct mk_http_request *request);

#endif
