/* server: see the header. */
#include "transport/server.h"

#include "transport/http_answer.h"

#include <stdlib.h>

struct mk_server {
    struct mk_loop *loop;
    struct mk_address address;
    struct mk_dispatch *dispatch;
    struct mk_hub *hub;
    struct mk_listener *listener;
    struct mk_http_context connections;
    struct mk_http_server http;
    struct mk_websocket_server websocket;
    bool has_http;
    bool has_websocket;
};

/* A connection's state: which of the two its request is for, and what the http_server keeps. */
struct route {
    struct mk_http_server_state http;
    bool to_websocket;
};

/* A handshake, and whatever is asked of "/" where there is a WebSocket, is for the
 * websocket_server. */
static bool is_for_websocket(const struct mk_server *server, const struct mk_http1_request *request)
{
    if (!server->has_websocket)
        return false;
    return !server->has_http || request->upgrade_websocket ||
           mk_slice_eq(request->path, MK_SLICE("/"));
}

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    struct mk_server *server = arg;
    struct route *route = mk_http_connection_state(connection);
    route->to_websocket = is_for_websocket(server, request);
    if (route->to_websocket)
        mk_websocket_server_head(&server->websocket, connection, request);
    else
        mk_http_server_head(&server->http, &route->http, connection, request);
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_server *server = arg;
    struct route *route = mk_http_connection_state(connection);
    if (route->to_websocket)
        mk_websocket_server_request(&server->websocket, connection, request);
    else
        mk_http_server_request(&server->http, &route->http, request);
}

static void on_failure(void *arg, struct mk_http_connection *connection, unsigned status,
                       const char *reason)
{
    (void)arg;
    mk_http_answer_failure(connection, status, reason, (struct mk_slice){ 0 });
}

static void on_opened(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    struct route *route = mk_http_connection_state(connection);
    mk_http_server_opened(&route->http, connection);
}

static void on_closed(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    struct route *route = mk_http_connection_state(connection);
    mk_http_server_closed(&route->http);
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = on_failure,
    .opened = on_opened,
    .closed = on_closed,
    .state_size = sizeof(struct route),
};

static void on_accepted(void *arg, struct mk_stream *stream)
{
    struct mk_server *server = arg;
    mk_http_connection_open(&server->connections, stream);
}

struct mk_server *mk_server_new(struct mk_loop *loop, const struct mk_address *address,
                                struct mk_dispatch *dispatch, struct mk_hub *hub)
{
    struct mk_server *server = calloc(1, sizeof(*server));
    if (!server || mk_http_context_init(&server->connections, loop, &service, server) < 0) {
        free(server);
        return NULL;
    }
    server->loop = loop;
    server->address = *address;
    server->dispatch = dispatch;
    server->hub = hub;
    return server;
}

struct mk_server *mk_server_free(struct mk_server *server)
{
    if (!server)
        return NULL;
    mk_listener_free(server->listener);
    mk_http_context_fini(&server->connections);
    if (server->has_websocket)
        mk_websocket_server_fini(&server->websocket);
    free(server);
    return NULL;
}

int mk_server_add_http(struct mk_server *server, enum mk_dialect dialect, struct mk_slice token)
{
    server->http = (struct mk_http_server){
        .dispatch = server->dispatch,
        .token = token,
        .dialect = dialect,
    };
    server->has_http = true;
    return 0;
}

int mk_server_add_websocket(struct mk_server *server, enum mk_dialect dialect,
                            struct mk_slice token)
{
    int rc = mk_websocket_server_init(&server->websocket, server->loop, server->dispatch,
                                      server->hub, dialect, token);
    server->has_websocket = rc == 0;
    return rc;
}

bool mk_server_has_http(const struct mk_server *server)
{
    return server->has_http;
}

bool mk_server_has_websocket(const struct mk_server *server)
{
    return server->has_websocket;
}

int mk_server_listen(struct mk_server *server)
{
    return mk_listener_open(server->loop, &server->address, on_accepted, server, &server->listener);
}

const struct mk_address *mk_server_address(const struct mk_server *server)
{
    return server->listener ? mk_listener_address(server->listener) : &server->address;
}

void mk_server_stop(struct mk_server *server)
{
    server->address = *mk_server_address(server);
    server->listener = mk_listener_free(server->listener);
    mk_http_context_stop(&server->connections);
    if (server->has_websocket)
        mk_websocket_server_stop(&server->websocket);
}

void mk_server_abort(struct mk_server *server)
{
    server->listener = mk_listener_free(server->listener);
    mk_http_context_abort(&server->connections);
    if (server->has_websocket)
        mk_websocket_server_abort(&server->websocket);
}

bool mk_server_idle(const struct mk_server *server)
{
    return !server->listener && mk_list_empty(&server->connections.connections) &&
           (!server->has_websocket || mk_list_empty(&server->websocket.open));
}
