/*
 * websocket_connection: a WebSocket over a stream after its handshake, in either role: messages
 * both ways, ping and pong, keep-alive, the closing handshake.
 */
#ifndef MK_WEB_WEBSOCKET_CONNECTION_H
#define MK_WEB_WEBSOCKET_CONNECTION_H

#include "net/stream.h"
#include "net/timer.h"
#include "wire/websocket.h"

struct mk_websocket;

struct mk_websocket_events {
    /* A whole message; borrowed for the time of the call. Not called once it is closing. */
    void (*message)(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload);
    /*
     * The connection is gone and is freed after this returns. `code` is the peer's close code,
     * MK_WS_ABNORMAL where there was no closing handshake; `why` is for a log. Never called from
     * within a call of the owner's.
     */
    void (*closed)(void *owner, uint16_t code, const char *why);
    /* May be NULL. The answer to a ping, with that one's payload. */
    void (*pong)(void *owner, struct mk_slice payload);
    /*
     * May be NULL. What a ping that asks whether the peer is still there is to say (up to 125
     * bytes, borrowed for now): a peer need answer the last of several pings alone (RFC 6455,
     * 5.5.3), so an owner that waits for a pong lets it be asked the same once more.
     */
    struct mk_slice (*asking)(void *owner);
    /* May be NULL. The kernel has taken all or some of what was to be sent. */
    void (*sent)(void *owner);
};

/* What connections of one kind share. Embedded in a transport. */
struct mk_websocket_context {
    struct mk_loop *loop;
    enum mk_ws_role role;
    struct mk_random masks;      /* for the frames of a client */
    size_t message_limit;        /* bytes; a longer message is refused with 1009 */
    struct mk_timeouts idle;     /* nothing was heard: a ping is sent */
    struct mk_timeouts patience; /* no answer to a ping or a close frame: it is dropped */
};

/*
 * `idle_ms`: how long to hear nothing before asking with a ping; `patience_ms`: how long to wait
 * for an answer to it, or to a close frame. Returns 0 or -ENOMEM.
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
 * permessage-deflate was agreed upon in the handshake: compressed messages are taken, and messages
 * are sent so where that is worth it. `deflate` is borrowed, and may serve many connections.
 */
void mk_websocket_set_deflate(struct mk_websocket *websocket, struct mk_deflate *deflate);

struct mk_stream *mk_websocket_stream(const struct mk_websocket *websocket);

/*
 * Nothing is read until mk_websocket_resume, or mk_websocket_close. The peer cannot be heard
 * meanwhile, so it is not dropped for its silence: that counts from the resuming on.
 */
void mk_websocket_pause(struct mk_websocket *websocket);
/* Does nothing to one that is not paused. */
void mk_websocket_resume(struct mk_websocket *websocket);

/* From within `closed`: it ended because the peer did not answer a ping. */
bool mk_websocket_ping_timed_out(const struct mk_websocket *websocket);

/* From within `message`: gives the message away, as mk_ws_parser_take does. */
bool mk_websocket_take(struct mk_websocket *websocket, struct mk_buf *message);

/* Sends a message or a control frame. Memory or limits running out end the connection. */
void mk_websocket_send(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                       struct mk_slice payload);

/*
 * The same for a message that is written straight into its frame: `begin` returns the buf to append
 * the payload to, and nothing else; `end` sends it, or takes it back and ends the connection where
 * `rc`, the error of writing it, is negative. `begin` returns NULL where nothing can be sent any
 * more; then there is no `end`.
 */
struct mk_buf *mk_websocket_begin(struct mk_websocket *websocket, struct mk_ws_open *open);
void mk_websocket_end(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                      const struct mk_ws_open *open, int rc);

/*
 * Begins the closing handshake: sends a close frame, drops what still comes but the answer to it,
 * then closes. May be called more than once; the first counts.
 */
void mk_websocket_close(struct mk_websocket *websocket, uint16_t code, struct mk_slice reason);

/* Ends it at once, without a closing handshake. */
void mk_websocket_abort(struct mk_websocket *websocket, int error);

#endif
