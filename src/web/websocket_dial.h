/*
 * websocket_dial: the client's side of a WebSocket's opening handshake, from the URL to a stream of
 * frames: connects (net/connect), sends the request, and checks the answer (wire/ws_handshake). The
 * caller uses the stream, and retries after a failure.
 */
#ifndef MK_WEB_WEBSOCKET_DIAL_H
#define MK_WEB_WEBSOCKET_DIAL_H

#include "net/failure.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "wire/url.h"

struct mk_websocket_dial_options {
    const struct mk_url *url; /* borrowed until the end */
    const char *token;        /* as access_token in its query; NULL: none. Borrowed until the end */
    struct mk_slice extra;    /* whole header lines with CRLF. Borrowed until the end */
    struct mk_tls_context *tls; /* as in mk_connect_options */
    uint32_t connect_ms;
    uint32_t handshake_ms;
    bool offers_deflate;
};

/* The step that was reached. */
enum mk_dial_step {
    MK_DIAL_CONNECTING,
    MK_DIAL_HANDSHAKING, /* connected, but without a complete answer to the handshake */
    MK_DIAL_ANSWERED,    /* answered with a refusal, or not according to RFC 6455 */
    MK_DIAL_DONE,
};

struct mk_dial_outcome {
    enum mk_dial_step step;
    struct mk_failure failure; /* of another step than MK_DIAL_DONE; `status` of a refusal */
    uint32_t retry_after_ms; /* the server asks to wait so long (at most an hour); 0: it does not */
    bool offered_deflate;
    bool deflate;         /* permessage-deflate was negotiated */
    unsigned client_bits; /* log2 of the largest window that we may compress with (15) */
};

struct mk_websocket_dial;

/*
 * Starts. `done` is called once, never from within this function, and ends it: with a stream that
 * it must pass to a new owner or abort before it returns (the new owner gets the bytes behind the
 * handshake), or with NULL and the failure. Returns NULL when out of memory; then `done` is not
 * called.
 */
struct mk_websocket_dial *mk_websocket_dial_start(
    struct mk_loop *loop, const struct mk_websocket_dial_options *options,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome),
    void *arg);

/*
 * Cancels: `done` will not be called. Not allowed after it was called. NULL is allowed; returns
 * NULL.
 */
struct mk_websocket_dial *mk_websocket_dial_cancel(struct mk_websocket_dial *dial);

#endif
