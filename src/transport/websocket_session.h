/*
 * websocket_session: one bot's calls and events on one WebSocket, the same for a client that
 * connected to us (websocket_server) and a server that we connected to (websocket_client).
 *
 * In: each text message is a call. Out: replies go into the stream's own output, events come
 * straight from the hub's feed.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_SESSION_H
#define MK_TRANSPORT_WEBSOCKET_SESSION_H

#include "hub/hub.h"
#include "protocol/dispatch.h"
#include "transport/subscription.h"
#include "web/websocket_connection.h"

/* What the sessions of one transport share. */
struct mk_session_context {
    struct mk_websocket_context websocket;
    struct mk_dispatch *dispatch; /* NULL: events only, what comes in is dropped */
    struct mk_hub *hub;
    enum mk_dialect dialect;
    enum mk_envelope envelope;
    const char *transport; /* "websocket_server": for logs */
    bool compresses;       /* permessage-deflate is offered and accepted (true) */
    /*
     * NULL, or: the peer has received every event up to this number. To learn of it, a session asks
     * with pings whose payload is the number. `arg` is the session's.
     */
    void (*received)(void *arg, uint64_t number);
    uint64_t *unanswered_pings; /* counts connections that ended for want of a pong; or NULL */
    uint64_t most_calls;        /* in flight on one connection; then it is not read */
    uint64_t most_lag;          /* bytes of events that one may be behind */
};

struct mk_session;

/* What one session may use up. */
struct mk_session_limits {
    uint64_t message_bytes;   /* of a message that comes */
    uint64_t calls_in_flight; /* then no more is read */
    uint64_t lag_bytes;       /* of events that it is behind; then it is closed */
};

int mk_session_context_init(struct mk_session_context *context, struct mk_loop *loop,
                            enum mk_ws_role role, struct mk_dispatch *dispatch, struct mk_hub *hub,
                            enum mk_dialect dialect, enum mk_envelope envelope,
                            const char *transport);
/* By what connections compress where they agree to; NULL: they must not agree. */
struct mk_deflate *mk_session_context_deflate(const struct mk_session_context *context);
/* To be called before the first session. */
void mk_session_context_limit(struct mk_session_context *context,
                              const struct mk_session_limits *limits);
void mk_session_context_fini(struct mk_session_context *context);

/*
 * Starts a session on a stream whose handshake is done, with the events behind number `since`
 * (MK_READER_LIVE: from now on; else every event carries its number); `deflate` as
 * mk_session_context_deflate gives it, where the handshake has agreed to it. Adds it to `list`,
 * which it leaves when it has ended; then `gone` is called, unless it is NULL. Returns NULL when
 * out of memory; then the stream still belongs to the caller.
 */
struct mk_session *mk_session_new(struct mk_session_context *context, struct mk_stream *stream,
                                  uint64_t since, struct mk_deflate *deflate, struct mk_list *list,
                                  void (*gone)(void *arg), void *arg);

/* No more calls are taken; those in flight are answered, then all of the list close with 1001. */
void mk_session_stop_all(struct mk_list *list);

/* Adds all of the list. */
void mk_session_measure(const struct mk_list *list, struct mk_connection_stats *stats);

/* Ends all of the list at once. */
void mk_session_abort_all(struct mk_list *list);

#endif
