/*
 * http_client: posts over HTTP and HTTPS, on streams of the loop: connects, or takes a kept
 * connection (web/http_pool), goes through a proxy where one is configured (web/http_proxy), and
 * reads the response (wire/response_reader), of which everything is limited. At most 64 KiB of a
 * connection are handled in a turn (MK_STREAM_READ_BUFFER).
 *
 * A request on a kept connection that ends before a byte of the response has come, or with a 408
 * that closes it, is sent once more on a fresh one (RFC 9110, 9.2.2): so only requests may be
 * posted that a receiver recognises when they come twice.
 */
#ifndef MK_WEB_HTTP_CLIENT_H
#define MK_WEB_HTTP_CLIENT_H

#include "net/failure.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "web/http_proxy.h"

struct mk_web_client;

/* `proxies` is copied, and may be NULL. Returns NULL when out of memory. */
struct mk_web_client *mk_web_client_new(struct mk_loop *loop, const struct mk_proxy_texts *proxies);
/*
 * Drops requests under way without calling their `done`. May be called from within a `done`. NULL
 * is allowed.
 */
struct mk_web_client *mk_web_client_free(struct mk_web_client *client);

/* Closes the connections that no request uses. NULL is allowed. */
void mk_web_client_close_idle(struct mk_web_client *client);

struct mk_web_response {
    const struct mk_failure *failure; /* NULL, or why the rest is empty */
    unsigned status;
    uint64_t retry_after; /* seconds of the Retry-After header; 0: none */
    struct mk_slice body;
};

struct mk_web_post {
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value" lines; NULL-terminated */
    struct mk_slice body;       /* borrowed until `done` */
    struct mk_tls_context *tls; /* NULL: the system's roots, no certificate */
    uint32_t timeout_ms;        /* for the whole exchange */
    size_t response_limit;      /* a longer response body is an error */
    /* Called once; the response is borrowed for the call, which may start another request. */
    void (*done)(void *arg, const struct mk_web_response *response);
    void *arg;
};

struct mk_web_request; /* one under way */

/*
 * Starts a POST. Does not follow redirects. Adds the user and the password of the URL as
 * Authorization where `headers` have none. `done` is never called from within this function.
 * Returns NULL when out of memory; then `done` is not called.
 */
struct mk_web_request *mk_web_client_post(struct mk_web_client *client,
                                          const struct mk_web_post *post);

/* Drops it: `done` will not be called. Not allowed after it was called. NULL is allowed. */
struct mk_web_request *mk_web_request_cancel(struct mk_web_request *request);

#endif
