/* server: see the header. */
#include "transport/server.h"

#include <errno.h>
#include <stdlib.h>

struct mk_server {
    struct mk_http_port port;
    struct mk_loop *loop;
    struct mk_dispatch *dispatch;
    struct mk_hub *hub;
    struct mk_http_server http;
    struct mk_event_stream events; /* comes with an http_server */
    struct mk_websocket_server websocket;
    struct mk_resources resources;
    char *prefix;          /* "" or "/path": what every path begins with */
    char *http_token;      /* what the parts above borrow; NULL where there is no such part */
    char *websocket_token; /* the same */
    bool has_http;
    bool has_websocket;
};

enum target { TO_HTTP, TO_EVENTS, TO_WEBSOCKET, TO_RESOURCES, TO_NOBODY };

/* A connection's state: who its request is for, and what the http_server keeps of it. */
struct route {
    struct mk_http_server_state http;
    enum target target;
};

/* The path behind the prefix; empty, which is the path of nothing, where it has another one. */
static struct mk_slice path_within(const struct mk_server *server,
                                   const struct mk_http1_request *request)
{
    struct mk_slice prefix = mk_slice_str(server->prefix);
    if (!mk_slice_starts_with(request->path, prefix))
        return (struct mk_slice){ 0 };
    struct mk_slice path = mk_slice_from(request->path, prefix.len);
    if (path.len == 0)
        return MK_SLICE("/");
    return path.ptr[0] == '/' ? path : (struct mk_slice){ 0 };
}

/* A handshake, and whatever is asked of "/" where there is a WebSocket, is for the
 * websocket_server. */
static enum target target_of(const struct mk_server *server, const struct mk_http1_request *request,
                             struct mk_slice path)
{
    if (mk_resources_match(&server->resources, path))
        return TO_RESOURCES;
    if (!server->has_http && !server->has_websocket)
        return TO_NOBODY;
    if (server->has_http &&
        (mk_slice_eq(path, MK_SLICE("/event")) || mk_slice_eq(path, MK_SLICE("/event/"))))
        return TO_EVENTS;
    if (!server->has_http ||
        (server->has_websocket && (request->upgrade_websocket || mk_slice_eq(path, MK_SLICE("/")))))
        return TO_WEBSOCKET;
    return TO_HTTP;
}

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    struct mk_server *server = arg;
    struct route *route = mk_http_connection_state(connection);
    if (mk_http_answer_blocked(connection, request))
        return;
    struct mk_slice path = path_within(server, request);
    route->target = target_of(server, request, path);
    if (route->target == TO_HTTP)
        mk_http_server_head(&server->http, &route->http, request, path);
    else if (route->target == TO_EVENTS)
        mk_event_stream_head(&server->events, connection, request);
    else if (route->target == TO_RESOURCES)
        mk_resources_head(connection, request);
    else if (route->target == TO_NOBODY)
        mk_http_answer_failure(connection, 404, "only resources are served here",
                               (struct mk_slice){ 0 });
    else
        mk_websocket_server_head(&server->websocket, connection, request, path);
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_server *server = arg;
    struct route *route = mk_http_connection_state(connection);
    if (route->target == TO_HTTP)
        mk_http_server_request(&server->http, &route->http, request);
    else if (route->target == TO_EVENTS)
        mk_event_stream_request(&server->events, connection, request);
    else if (route->target == TO_RESOURCES)
        mk_resources_request(&server->resources, connection, request, path_within(server, request));
    else
        mk_websocket_server_request(&server->websocket, connection, request);
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = mk_http_answer_bad,
    .opened = mk_http_asker_opened,
    .closed = mk_http_asker_closed,
    .state_size = sizeof(struct route),
};

struct mk_server *mk_server_new(struct mk_loop *loop, const struct mk_address *address,
                                struct mk_slice prefix, struct mk_guard *guard,
                                struct mk_dispatch *dispatch, struct mk_hub *hub)
{
    struct mk_server *server = calloc(1, sizeof(*server));
    char *copy = mk_slice_dup(prefix);
    bool ok = server && copy &&
              mk_http_port_init(&server->port, loop, address, &service, server, guard) == 0;
    if (ok && mk_resources_init(&server->resources, loop, dispatch->backend) < 0) {
        mk_http_port_fini(&server->port);
        ok = false;
    }
    if (!ok) {
        free(server);
        free(copy);
        return NULL;
    }
    server->prefix = copy;
    server->loop = loop;
    server->dispatch = dispatch;
    server->hub = hub;
    return server;
}

struct mk_server *mk_server_free(struct mk_server *server)
{
    if (!server)
        return NULL;
    mk_tls_context_free(server->port.connections.tls);
    mk_http_port_fini(&server->port);
    mk_resources_fini(&server->resources);
    if (server->has_http)
        mk_event_stream_fini(&server->events);
    if (server->has_websocket)
        mk_websocket_server_fini(&server->websocket);
    free(server->prefix);
    free(server->http_token);
    free(server->websocket_token);
    free(server);
    return NULL;
}

static void limit_sessions(struct mk_server *server, struct mk_session_context *sessions)
{
    if (server->port.connections.guard)
        mk_session_context_limit(sessions, mk_guard_limits(server->port.connections.guard));
}

int mk_server_add_http(struct mk_server *server, enum mk_dialect dialect, struct mk_slice token)
{
    server->http_token = mk_slice_dup(token);
    if (!server->http_token)
        return -ENOMEM;
    token = mk_slice_str(server->http_token);
    server->http = (struct mk_http_server){
        .dispatch = server->dispatch,
        .token = token,
        .dialect = dialect,
    };
    int rc = mk_event_stream_init(&server->events, server->loop, server->hub, token);
    server->has_http = rc == 0;
    if (rc == 0)
        limit_sessions(server, &server->events.sessions);
    return rc;
}

int mk_server_add_websocket(struct mk_server *server, enum mk_dialect dialect,
                            struct mk_slice token)
{
    server->websocket_token = mk_slice_dup(token);
    if (!server->websocket_token)
        return -ENOMEM;
    int rc = mk_websocket_server_init(&server->websocket, server->loop, server->dispatch,
                                      server->hub, dialect, mk_slice_str(server->websocket_token));
    server->has_websocket = rc == 0;
    if (rc == 0)
        limit_sessions(server, &server->websocket.sessions);
    return rc;
}

void mk_server_set_compression(struct mk_server *server, bool http, bool websocket)
{
    server->events.sessions.compresses = http;
    server->websocket.sessions.compresses = websocket;
}

void mk_server_set_tls(struct mk_server *server, struct mk_tls_context *tls)
{
    mk_tls_context_free(server->port.connections.tls);
    server->port.connections.tls = tls;
}

static void swap_texts(char **a, char **b)
{
    char *text = *a;
    *a = *b;
    *b = text;
}

void mk_server_adopt(struct mk_server *server, struct mk_server *fresh)
{
    mk_server_set_tls(server, fresh->port.connections.tls);
    fresh->port.connections.tls = NULL;
    mk_server_set_compression(server, fresh->events.sessions.compresses,
                              fresh->websocket.sessions.compresses);
    swap_texts(&server->http_token, &fresh->http_token);
    swap_texts(&server->websocket_token, &fresh->websocket_token);
    server->http.token = mk_slice_str(server->http_token);
    server->events.token = server->http.token;
    server->websocket.token = mk_slice_str(server->websocket_token);
}

bool mk_server_listening(const struct mk_server *server)
{
    return server->port.listener != NULL;
}

struct mk_slice mk_server_prefix(const struct mk_server *server)
{
    return mk_slice_str(server->prefix);
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
    return mk_http_port_listen(&server->port);
}

void mk_server_listen_for(struct mk_server *server, struct mk_server *other)
{
    mk_http_port_listen_for(&server->port, &other->port);
}

const struct mk_address *mk_server_address(const struct mk_server *server)
{
    return mk_http_port_address(&server->port);
}

int mk_server_write_base(const struct mk_server *server, struct mk_buf *out)
{
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
    mk_address_reachable(mk_server_address(server), &address);
    return mk_buf_printf(out, "%s://%s%s", server->port.connections.tls ? "https" : "http",
                         mk_address_format(&address, text), server->prefix);
}

void mk_server_stop(struct mk_server *server)
{
    mk_http_port_stop(&server->port);
    if (server->has_http)
        mk_event_stream_stop(&server->events);
    if (server->has_websocket)
        mk_websocket_server_stop(&server->websocket);
}

static void abort_transports(struct mk_server *server)
{
    mk_resources_abort(&server->resources);
    if (server->has_http)
        mk_event_stream_abort(&server->events);
    if (server->has_websocket)
        mk_websocket_server_abort(&server->websocket);
}

void mk_server_drop(struct mk_server *server)
{
    mk_http_context_abort(&server->port.connections);
    abort_transports(server);
}

void mk_server_abort(struct mk_server *server)
{
    mk_http_port_abort(&server->port);
    abort_transports(server);
}

bool mk_server_idle(const struct mk_server *server)
{
    return mk_http_port_idle(&server->port) && mk_resources_idle(&server->resources) &&
           (!server->has_http || mk_event_stream_idle(&server->events)) &&
           (!server->has_websocket || mk_list_empty(&server->websocket.open));
}

void mk_server_measure(const struct mk_server *server, struct mk_server_measure *measure)
{
    *measure = (struct mk_server_measure){
        .listening = server->port.listener != NULL,
        .accepted = server->port.accepted,
    };
    MK_LIST_FOR_EACH (node, &server->port.connections.connections)
        measure->http++;
    if (server->has_websocket)
        mk_session_measure(&server->websocket.open, &measure->websockets);
    if (server->has_http)
        mk_event_stream_measure(&server->events, &measure->events);
}
