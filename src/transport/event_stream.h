/*
 * event_stream: the event connections of Milky 1.x at GET /event: a WebSocket if the request is a
 * handshake, else Server-Sent Events. Events only, bare, in 1.x (communication-1.x.md).
 */
#ifndef MK_TRANSPORT_EVENT_STREAM_H
#define MK_TRANSPORT_EVENT_STREAM_H

#include "transport/http_answer.h"
#include "transport/websocket_session.h"

struct mk_event_stream {
    struct mk_session_context sessions;
    struct mk_list websockets;
    struct mk_list streams;       /* the Server-Sent Events connections */
    struct mk_timeouts heartbeat; /* regular comments keep proxies from closing it */
    struct mk_hub *hub;
    struct mk_access access;
};

/* Returns 0 or -ENOMEM. */
int mk_event_stream_init(struct mk_event_stream *events, struct mk_loop *loop, struct mk_hub *hub,
                         enum mk_dialect dialect);
/* It must be idle. */
void mk_event_stream_fini(struct mk_event_stream *events);

/* Called at the head of a request for /event: refuses or accepts it. */
void mk_event_stream_head(struct mk_event_stream *events, struct mk_http_connection *connection,
                          const struct mk_http1_request *request);

/* Called at the whole request: takes over the stream; answers 503 if the port is being closed. */
void mk_event_stream_request(struct mk_event_stream *events, struct mk_http_connection *connection,
                             const struct mk_http1_request *request);

void mk_event_stream_stop(struct mk_event_stream *events);
void mk_event_stream_abort(struct mk_event_stream *events);

/* Adds its connections to the statistics. */
void mk_event_stream_measure(const struct mk_event_stream *events,
                             struct mk_connection_stats *stats);
bool mk_event_stream_idle(const struct mk_event_stream *events);

#endif
