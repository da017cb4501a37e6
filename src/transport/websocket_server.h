/*
 * websocket_server: the draft's WebSocket server: connections at "/", calls and events on each.
 *
 * A handshake is checked in this order: credentials (401, 403), path (404), and then the
 * requirements of RFC 6455 (400, 426).
 */
#ifndef MK_TRANSPORT_WEBSOCKET_SERVER_H
#define MK_TRANSPORT_WEBSOCKET_SERVER_H

#include "transport/websocket_session.h"
#include "web/auth.h"
#include "web/http_connection.h"

struct mk_websocket_server {
    struct mk_session_context sessions;
    struct mk_list open; /* open sessions */
    struct mk_access access;
};

/* Returns 0 or -ENOMEM. */
int mk_websocket_server_init(struct mk_websocket_server *server, struct mk_loop *loop,
                             struct mk_dispatch *dispatch, struct mk_hub *hub,
                             enum mk_dialect dialect);
/* All sessions must be gone. */
void mk_websocket_server_fini(struct mk_websocket_server *server);

/* Called at the head of a WebSocket handshake, or of a request that should be one (426). */
void mk_websocket_server_head(struct mk_websocket_server *server,
                              struct mk_http_connection *connection,
                              const struct mk_http1_request *request, struct mk_slice path);

/* Called at the whole handshake: answers 101 and takes over the stream. */
void mk_websocket_server_request(struct mk_websocket_server *server,
                                 struct mk_http_connection *connection,
                                 const struct mk_http1_request *request);

void mk_websocket_server_stop(struct mk_websocket_server *server);
void mk_websocket_server_abort(struct mk_websocket_server *server);

#endif
