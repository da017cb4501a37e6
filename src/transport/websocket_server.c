/* websocket_server: see the header. */
#include "transport/websocket_server.h"

#include "transport/http_answer.h"
#include "wire/ws_handshake.h"

#include <errno.h>

int mk_websocket_server_init(struct mk_websocket_server *server, struct mk_loop *loop,
                             struct mk_dispatch *dispatch, struct mk_hub *hub,
                             enum mk_dialect dialect, struct mk_slice token)
{
    mk_list_init(&server->open);
    server->token = token;
    return mk_session_context_init(&server->sessions, loop, MK_WS_SERVER, dispatch, hub, dialect,
                                   MK_ENVELOPE_WRAPPED, "websocket_server");
}

void mk_websocket_server_fini(struct mk_websocket_server *server)
{
    mk_session_context_fini(&server->sessions);
}

void mk_websocket_server_head(struct mk_websocket_server *server,
                              struct mk_http_connection *connection,
                              const struct mk_http1_request *request)
{
    enum mk_auth auth = mk_auth_check(request, server->token, MK_AUTH_QUERY_OR_HEADER);
    if (auth != MK_AUTH_OK) {
        mk_http_answer_auth(connection, auth, MK_AUTH_QUERY_OR_HEADER);
        return;
    }
    if (!mk_slice_eq(request->path, MK_SLICE("/"))) {
        mk_http_answer_failure(connection, 404, "the WebSocket is at /", (struct mk_slice){ 0 });
        return;
    }
    if (!request->upgrade_websocket) {
        mk_http_answer_failure(connection, 426, "connect with a WebSocket",
                               MK_SLICE("Upgrade: websocket\r\n"));
        return;
    }
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = "";
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    if (status == 426)
        mk_http_answer_failure(connection, status, reason,
                               MK_SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
    else if (status != 101)
        mk_http_answer_failure(connection, status, reason, (struct mk_slice){ 0 });
}

void mk_websocket_server_request(struct mk_websocket_server *server,
                                 struct mk_http_connection *connection,
                                 const struct mk_http1_request *request)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = "";
    struct mk_stream *stream = mk_http_connection_stream(connection);
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    int rc = status == 101 ? mk_ws_handshake_accept(mk_stream_output(stream), accept) : -EINVAL;
    if (rc < 0 || !mk_session_new(&server->sessions, stream, &server->open, NULL, NULL)) {
        mk_stream_abort(stream, rc < 0 ? rc : -ENOMEM);
        return;
    }
    mk_stream_wake(stream);
    mk_http_connection_release(connection);
}

void mk_websocket_server_stop(struct mk_websocket_server *server)
{
    mk_session_stop_all(&server->open);
}

void mk_websocket_server_abort(struct mk_websocket_server *server)
{
    mk_session_abort_all(&server->open);
}
