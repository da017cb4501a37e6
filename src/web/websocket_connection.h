/*
 * websocket_connection: a WebSocket over a stream after its handshake, in either role: messages
 * both ways, ping and pong, keep-alive, the closing handshake.
 */
#ifndef MK_WEB_WEBSOCKET_CONNECTION_H
#define MK_WEB_WEBSOCKET_CONNECTION_H

#include "net/failure.h"
#include "net/stream.h"
#include "net/timer.h"
#include "web/receiving.h"
#include "wire/websocket.h"

struct mk_websocket;
struct mk_compression; /* wire/deflate.h */

struct mk_websocket_events {
    /* A whole message, borrowed for the call. Not called while the connection is closing. */
    void (*message)(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload);
    /*
     * May be NULL: then the connection is closed with 1009. A message was not decompressed, because
     * it becomes so much longer (mk_ws_event.cut).
     */
    void (*cut)(void *owner);
    /*
     * The connection has ended and is freed after this returns. `code` is the peer's close code,
     * MK_WS_ABNORMAL without a closing handshake; `why` is for a log. Never called from within a
     * function that the owner calls.
     */
    void (*closed)(void *owner, uint16_t code, const char *why);
    /* May be NULL. The answer to a ping, with the same payload. */
    void (*pong)(void *owner, struct mk_slice payload);
    /*
     * May be NULL. Returns the payload of a keep-alive ping (up to 125 bytes, borrowed). A peer may
     * answer only the last of several pings (RFC 6455, 5.5.3), so an owner that waits for a pong
     * repeats its payload here.
     */
    struct mk_slice (*ping_payload)(void *owner);
    /* May be NULL. The kernel has taken all or some of the output. */
    void (*sent)(void *owner);
};

/* Shared by connections of one kind. Embedded in a transport. */
struct mk_websocket_context {
    struct mk_loop *loop;
    enum mk_ws_role role;
    struct mk_random masks;         /* for the frames of a client */
    size_t message_limit;           /* bytes; a longer message is refused with 1009 */
    struct mk_receiving *receiving; /* counts what arrives; NULL after init: it is not limited */
    struct mk_timeouts idle;        /* no bytes received: a ping is sent */
    struct mk_timeouts patience;    /* no answer to a ping or a close frame: it is dropped */
};

/*
 * `idle_ms`: the time without received bytes before a ping; `patience_ms`: the time to wait for an
 * answer to a ping or a close frame. Returns 0 or -ENOMEM.
 */
int mk_websocket_context_init(struct mk_websocket_context *context, struct mk_loop *loop,
                              enum mk_ws_role role, size_t message_limit, uint64_t idle_ms,
                              uint64_t patience_ms);
/* All connections must be gone. */
void mk_websocket_context_fini(struct mk_websocket_context *context);

/*
 * Takes over a stream on which the handshake is done. Returns NULL when out of memory; then the
 * stream still belongs to the caller.
 */
struct mk_websocket *mk_websocket_new(struct mk_websocket_context *context,
                                      struct mk_stream *stream,
                                      const struct mk_websocket_events *events, void *owner);

/*
 * To be called if permessage-deflate was negotiated: accepts compressed messages, and compresses
 * sent ones where that is worth it. `deflate` is borrowed, and may be shared by many connections.
 */
void mk_websocket_set_deflate(struct mk_websocket *websocket, struct mk_deflate *deflate);
/* The same for what was negotiated; takes over the window. */
void mk_websocket_set_compression(struct mk_websocket *websocket,
                                  const struct mk_compression *compression);

struct mk_stream *mk_websocket_stream(const struct mk_websocket *websocket);

/*
 * Stops reading until mk_websocket_resume or mk_websocket_close. The keep-alive timeout is
 * suspended meanwhile, and starts again when the connection is resumed.
 */
void mk_websocket_pause(struct mk_websocket *websocket);
/* Does nothing if the connection is not paused. */
void mk_websocket_resume(struct mk_websocket *websocket);

/* From within `closed`: returns whether the connection ended because a ping was not answered. */
bool mk_websocket_ping_timed_out(const struct mk_websocket *websocket);

/*
 * From within `closed`: says why the connection has ended, the peer's code and reason included, as
 * a failure of its own kind. An end that we have begun is MK_FAILURE_NONE.
 */
void mk_websocket_explain(const struct mk_websocket *websocket, struct mk_failure *failure);

/* Sends everything uncompressed from now on; the peer may compress still. */
void mk_websocket_send_plain(struct mk_websocket *websocket);

/* From within `message`: moves the message into `message`, as mk_ws_parser_take does. */
bool mk_websocket_take(struct mk_websocket *websocket, struct mk_buf *message);

/* Sends a message or a control frame. Ends the connection when out of memory or over a limit. */
void mk_websocket_send(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                       struct mk_slice payload);

/*
 * The same for a message that is written directly into its frame: `begin` returns the buf to append
 * the payload to, and nothing else; `end` sends it, or removes it and ends the connection if `rc`,
 * the error of writing it, is negative. `begin` returns NULL if nothing can be sent any more; then
 * `end` is not called.
 */
struct mk_buf *mk_websocket_begin(struct mk_websocket *websocket, struct mk_ws_open *open);
void mk_websocket_end(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                      const struct mk_ws_open *open, int rc);

/*
 * Begins the closing handshake: sends a close frame, drops all input but the answer to it, then
 * closes. Further calls do nothing.
 */
void mk_websocket_close(struct mk_websocket *websocket, uint16_t code, struct mk_slice reason);

/* Ends it at once, without a closing handshake. */
void mk_websocket_abort(struct mk_websocket *websocket, int error);

#endif
