/*
 * websocket_session: one bot's calls and events on one WebSocket, of a client that has connected to
 * us (websocket_server) or of a server that we have connected to (websocket_client).
 *
 * Input: each text message is a call. Output: replies are written to the stream's output, events
 * come directly from the hub's feed.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_SESSION_H
#define MK_TRANSPORT_WEBSOCKET_SESSION_H

#include "hub/hub.h"
#include "protocol/dispatch.h"
#include "transport/subscription.h"
#include "web/websocket_connection.h"

/* Shared by the sessions of one transport. */
struct mk_session_context {
    struct mk_websocket_context websocket;
    struct mk_dispatch *dispatch; /* NULL: events only, input is dropped */
    struct mk_hub *hub;
    enum mk_dialect dialect;
    enum mk_envelope envelope;
    const struct mk_event_filter *filter; /* of its events; borrowed; NULL: the usual one */
    const char *transport;                /* "websocket_server": for logs */
    bool compresses;                      /* permessage-deflate is offered and accepted (true) */
    /*
     * NULL, or called when the peer has received every event up to this number. The session finds
     * that out with pings whose payload is the number. `arg` is the session's.
     */
    void (*received)(void *arg, uint64_t number);
    uint64_t *unanswered_pings; /* counts connections without a pong; or NULL */
    uint64_t most_calls;        /* in flight on one connection; at the limit it is not read */
    uint64_t most_held;         /* bytes of memory of those calls; at the limit likewise */
    uint64_t most_lag;          /* bytes of events that a connection may be behind */
    bool sends_plain;           /* new sessions send everything uncompressed */
    const char *secret;         /* that no log may repeat; or NULL. Borrowed */
    struct mk_failure ended;    /* why the last session has ended; of no kind: we have ended it */
};

struct mk_session;
struct mk_compression; /* wire/deflate.h */

/* Limits of one session. */
struct mk_session_limits {
    uint64_t message_bytes;         /* of a received message */
    uint64_t calls_in_flight;       /* at the limit no more is read */
    uint64_t lag_bytes;             /* of events; a session that is further behind is closed */
    uint64_t pending_bytes;         /* of memory of calls in flight; at the limit no more is read */
    struct mk_receiving *receiving; /* of all connections; borrowed */
    uint64_t pending_bytes_of_bot;  /* of all sessions of a bot; beyond it calls are refused */
};

int mk_session_context_init(struct mk_session_context *context, struct mk_loop *loop,
                            enum mk_ws_role role, struct mk_dispatch *dispatch, struct mk_hub *hub,
                            enum mk_dialect dialect, enum mk_envelope envelope,
                            const char *transport);
/* The compressor for connections that negotiate compression; NULL: they must not. */
struct mk_deflate *mk_session_context_deflate(const struct mk_session_context *context);
/* To be called before the first session. */
void mk_session_context_limit(struct mk_session_context *context,
                              const struct mk_session_limits *limits);
void mk_session_context_fini(struct mk_session_context *context);

/*
 * Starts a session on a stream whose handshake is done, with the events behind number `since`
 * (MK_READER_LIVE: from now on; else every event carries its number). Takes over `compression`,
 * also when it fails. Adds the session to `list`, which it leaves when it ends; then `gone`, unless
 * NULL, is called. Returns NULL when out of memory; then the stream still belongs to the caller.
 */
struct mk_session *mk_session_new(struct mk_session_context *context, struct mk_stream *stream,
                                  uint64_t since, struct mk_compression *compression,
                                  struct mk_list *list, void (*gone)(void *arg), void *arg);

/* Accepts no more calls; answers those in flight, then closes all of the list with 1001. */
void mk_session_stop_all(struct mk_list *list);

/* Adds all of the list to the statistics. */
void mk_session_measure(const struct mk_list *list, struct mk_connection_stats *stats);

/* Ends all of the list at once. */
void mk_session_abort_all(struct mk_list *list);

#endif
