/*
 * event_stream: the event connections of Milky 1.x at GET /event: a WebSocket where the request
 * asks for one, else Server-Sent Events. Events only, bare, in 1.2 (communication-1.x.md).
 */
#ifndef MK_TRANSPORT_EVENT_STREAM_H
#define MK_TRANSPORT_EVENT_STREAM_H

#include "transport/http_answer.h"
#include "transport/websocket_session.h"

struct mk_event_stream {
    struct mk_session_context sessions;
    struct mk_list websockets;
    struct mk_list streams;       /* the Server-Sent Events connections */
    struct mk_timeouts heartbeat; /* a comment now and then keeps proxies awake */
    struct mk_hub *hub;
    struct mk_slice token;
};

/* Returns 0 or -ENOMEM. `token` is borrowed for its life. */
int mk_event_stream_init(struct mk_event_stream *events, struct mk_loop *loop, struct mk_hub *hub,
                         struct mk_slice token);
/* It must be idle. */
void mk_event_stream_fini(struct mk_event_stream *events);

/* The head of a request for /event: refuses it, or lets it go on. */
void mk_event_stream_head(struct mk_event_stream *events, struct mk_http_connection *connection,
                          const struct mk_http1_request *request);

/* The whole request: takes the stream over; 503 where the port is being closed. */
void mk_event_stream_request(struct mk_event_stream *events, struct mk_http_connection *connection,
                             const struct mk_http1_request *request);

void mk_event_stream_stop(struct mk_event_stream *events);
void mk_event_stream_abort(struct mk_event_stream *events);

/* Adds its connections. */
void mk_event_stream_measure(const struct mk_event_stream *events,
                             struct mk_connection_stats *stats);
bool mk_event_stream_idle(const struct mk_event_stream *events);

#endif
