/*
 * websocket_dial: from a URL to a stream whose WebSocket handshake is done: connects (net/connect),
 * asks, and reads the answer (wire/ws_handshake). What is spoken then, and when to try again, is
 * the caller's.
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

/* How far it came. */
enum mk_dial_step {
    MK_DIAL_CONNECTING,
    MK_DIAL_ASKING,   /* it was connected, and no whole answer came to the handshake */
    MK_DIAL_ANSWERED, /* with a refusal, or not as RFC 6455 asks for */
    MK_DIAL_DONE,
};

struct mk_dial_outcome {
    enum mk_dial_step step;
    struct mk_failure failure; /* where it is not done; `status` where the answer was a refusal */
    bool deflate;              /* permessage-deflate was agreed upon */
};

struct mk_websocket_dial;

/*
 * Starts. `done` is called once, never from within this function, and ends it: with a stream that
 * it must hand over or abort before it returns (what has come behind the handshake goes to the new
 * owner), or with NULL and what went wrong. Returns NULL when out of memory; then `done` is not
 * called.
 */
struct mk_websocket_dial *mk_websocket_dial_start(
    struct mk_loop *loop, const struct mk_websocket_dial_options *options,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome),
    void *arg);

/* Gives up: `done` will not be called. Not allowed after it was. NULL is allowed; returns NULL. */
struct mk_websocket_dial *mk_websocket_dial_cancel(struct mk_websocket_dial *dial);

#endif
