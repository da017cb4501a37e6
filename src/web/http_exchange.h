/*
 * http_exchange: one HTTP request of a client, from the URL to the head of the answer: connects
 * (net/connect), sends a request without a body, and reads the head of the answer. The caller reads
 * the bytes behind it on the stream: frames (websocket_dial), server-sent events (sse_client).
 */
#ifndef MK_WEB_HTTP_EXCHANGE_H
#define MK_WEB_HTTP_EXCHANGE_H

#include "net/failure.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "wire/http1.h"
#include "wire/url.h"

struct mk_http_exchange_options {
    const struct mk_url *url;   /* borrowed for the call; userinfo, path and query are `write`'s */
    struct mk_tls_context *tls; /* as in mk_connect_options */
    uint32_t connect_ms;
    uint32_t answer_ms; /* from the request to the end of the answer's head */
    /* Appends the whole head of the request, when it is connected. Returns 0 or a negative errno.
     */
    int (*write)(void *arg, struct mk_buf *out);
};

enum { MK_HTTP_SHOWN = 80 }; /* bytes of a server's text that a failure shows */

struct mk_http_exchange_result {
    const struct mk_http1_response *response; /* the final one; NULL: no answer */
    struct mk_slice body;                     /* of a 400: its beginning, as it came; else empty */
    const struct mk_failure *failure;         /* why there is no answer */
    bool connected;                           /* the connection was established */
};

struct mk_http_exchange;

/*
 * Starts. `done` is called once, never from within this function, and ends the exchange: with a
 * stream that it must pass to a new owner or abort before it returns (the new owner gets the bytes
 * behind the head), or with NULL and a failure. Its arguments are borrowed. Returns NULL when out
 * of memory; then `done` is not called.
 */
struct mk_http_exchange *mk_http_exchange_start(
    struct mk_loop *loop, const struct mk_http_exchange_options *options,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_http_exchange_result *result),
    void *arg);

/*
 * Cancels: `done` will not be called. Not allowed after it was called. NULL is allowed; returns
 * NULL.
 */
struct mk_http_exchange *mk_http_exchange_cancel(struct mk_http_exchange *exchange);

/* The request, as far as its refusal depends on it. */
struct mk_http_asked {
    const char *protocol; /* the name of what was asked for: "WebSocket" */
    bool tls;
    bool token; /* it had an access_token */
};

/*
 * Fills `failure` for an answer whose status is a refusal, with what the answer says about it: the
 * target of a redirect, the time to wait.
 */
void mk_http_exchange_refused(struct mk_failure *failure,
                              const struct mk_http_exchange_result *result,
                              const struct mk_http_asked *asked);

/* The milliseconds of its Retry-After, at most an hour; 0: none. */
uint32_t mk_http_exchange_retry_after(const struct mk_http1_response *response);

/* Appends the value of the Host header: the port only where it is not the scheme's own. */
int mk_http_exchange_host(struct mk_buf *out, const struct mk_url *url);

#endif
