/* websocket_server: see the header. */
#include "transport/websocket_server.h"

#include "transport/websocket_upgrade.h"

int mk_websocket_server_init(struct mk_websocket_server *server, struct mk_loop *loop,
                             struct mk_dispatch *dispatch, struct mk_hub *hub,
                             enum mk_dialect dialect)
{
    mk_list_init(&server->open);
    server->access = (struct mk_access){ 0 };
    return mk_session_context_init(&server->sessions, loop, MK_WS_SERVER, dispatch, hub, dialect,
                                   MK_ENVELOPE_WRAPPED, "websocket_server");
}

void mk_websocket_server_fini(struct mk_websocket_server *server)
{
    mk_session_context_fini(&server->sessions);
}

void mk_websocket_server_head(struct mk_websocket_server *server,
                              struct mk_http_connection *connection,
                              const struct mk_http1_request *request, struct mk_slice path)
{
    if (!mk_http_admit(connection, request, &server->access, MK_AUTH_QUERY_OR_HEADER,
                       &mk_http_rules_draft))
        return;
    if (!mk_slice_eq(path, MK_SLICE("/")))
        mk_http_answer_failure(connection, 404, "the WebSocket is at /", (struct mk_slice){ 0 });
    else if (!request->upgrade_websocket)
        mk_http_answer_failure(connection, 426, "connect with a WebSocket",
                               MK_SLICE("Upgrade: websocket\r\n"));
    else
        mk_websocket_upgrade_check(connection, request);
}

void mk_websocket_server_request(struct mk_websocket_server *server,
                                 struct mk_http_connection *connection,
                                 const struct mk_http1_request *request)
{
    mk_websocket_upgrade(connection, request, &server->sessions, &server->open);
}

void mk_websocket_server_stop(struct mk_websocket_server *server)
{
    mk_session_stop_all(&server->open);
}

void mk_websocket_server_abort(struct mk_websocket_server *server)
{
    mk_session_abort_all(&server->open);
}
