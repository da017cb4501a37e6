/*
 * server_routes: see the header. A request's route is found at its head and kept in the
 * connection's state until the request is complete.
 */
#include "transport/server_routes.h"

#include "web/cors.h"

struct state;

/* A part of the address. Paths are without the prefix. */
struct route {
    void (*head)(struct mk_server_routes *routes, struct state *state,
                 const struct mk_http1_request *request, struct mk_slice path);
    /* NULL: `head` refuses all requests. */
    void (*request)(struct mk_server_routes *routes, struct state *state,
                    const struct mk_http1_request *request);
};

/* The state of a connection. */
struct state {
    struct mk_http_server_state http;
    const struct route *route;         /* of the current request */
    struct mk_resource_wait *resource; /* that the request waits for; else NULL */
    struct mk_cache_put *put;          /* an upload under way; else NULL */
};

static struct mk_http_connection *connection_of(const struct state *state)
{
    return state->http.caller.connection;
}

/* --- calls --- */

static void calls_head(struct mk_server_routes *routes, struct state *state,
                       const struct mk_http1_request *request, struct mk_slice path)
{
    mk_http_server_head(&routes->http, &state->http, request, path);
}

static void calls_request(struct mk_server_routes *routes, struct state *state,
                          const struct mk_http1_request *request)
{
    mk_http_server_request(&routes->http, &state->http, request);
}

static const struct route to_calls = { calls_head, calls_request };

/* --- /event --- */

static void events_head(struct mk_server_routes *routes, struct state *state,
                        const struct mk_http1_request *request, struct mk_slice path)
{
    (void)path;
    mk_event_stream_head(&routes->events, connection_of(state), request);
}

static void events_request(struct mk_server_routes *routes, struct state *state,
                           const struct mk_http1_request *request)
{
    mk_event_stream_request(&routes->events, connection_of(state), request);
}

static const struct route to_events = { events_head, events_request };

/* --- uploads --- */

static void cache_head(struct mk_server_routes *routes, struct state *state,
                       const struct mk_http1_request *request, struct mk_slice path)
{
    mk_cache_server_head(&routes->cache, connection_of(state), request, path, &state->put);
}

static void cache_request(struct mk_server_routes *routes, struct state *state,
                          const struct mk_http1_request *request)
{
    mk_cache_server_request(&routes->cache, connection_of(state), request,
                            mk_slice_from(request->path, routes->prefix.len), state->put);
}

static const struct route to_cache = { cache_head, cache_request };

/* --- WebSockets --- */

static void websocket_head(struct mk_server_routes *routes, struct state *state,
                           const struct mk_http1_request *request, struct mk_slice path)
{
    mk_websocket_server_head(&routes->websocket, connection_of(state), request, path);
}

static void websocket_request(struct mk_server_routes *routes, struct state *state,
                              const struct mk_http1_request *request)
{
    mk_websocket_server_request(&routes->websocket, connection_of(state), request);
}

static const struct route to_websocket = { websocket_head, websocket_request };

/* --- files --- */

/* Pages of the origins of both entries may read files. */
static void resources_head(struct mk_server_routes *routes, struct state *state,
                           const struct mk_http1_request *request, struct mk_slice path)
{
    (void)path;
    struct mk_slice origins = routes->http.access.origins;
    if (!mk_cors_lists(origins, mk_http1_find(request, MK_SLICE("Origin"))) &&
        routes->websocket.access.origins.len > 0)
        origins = routes->websocket.access.origins;
    mk_resources_head(connection_of(state), request, origins);
}

/* The head has checked the prefix. */
static void resources_request(struct mk_server_routes *routes, struct state *state,
                              const struct mk_http1_request *request)
{
    mk_resources_request(&routes->resources, connection_of(state), request,
                         mk_slice_from(request->path, routes->prefix.len), &state->resource);
}

static const struct route to_resources = { resources_head, resources_request };

/* --- all other paths of an address that serves only files --- */

static void nothing_head(struct mk_server_routes *routes, struct state *state,
                         const struct mk_http1_request *request, struct mk_slice path)
{
    (void)routes;
    (void)request;
    (void)path;
    mk_http_answer_failure(connection_of(state), 404, "only resources are served here",
                           (struct mk_slice){ 0 });
}

static const struct route to_nothing = { nothing_head, NULL };

/* --- finding the route --- */

/* Returns the path behind the prefix; empty, which matches no route, for another prefix. */
static struct mk_slice path_within(const struct mk_server_routes *routes, struct mk_slice whole)
{
    if (!mk_slice_starts_with(whole, routes->prefix))
        return (struct mk_slice){ 0 };
    struct mk_slice path = mk_slice_from(whole, routes->prefix.len);
    if (path.len == 0)
        return MK_SLICE("/");
    return path.ptr[0] == '/' ? path : (struct mk_slice){ 0 };
}

/* A handshake, and any request for "/" if there is a websocket_server, is for that. */
static const struct route *route_of(const struct mk_server_routes *routes,
                                    const struct mk_http1_request *request, struct mk_slice path)
{
    if (mk_resources_match(&routes->resources, path))
        return &to_resources;
    if (!routes->has_http && !routes->has_websocket)
        return &to_nothing;
    if (routes->has_http &&
        (mk_slice_eq(path, MK_SLICE("/event")) || mk_slice_eq(path, MK_SLICE("/event/"))))
        return &to_events;
    if (routes->has_http && mk_cache_server_match(&routes->cache, path))
        return &to_cache;
    if (!routes->has_http ||
        (routes->has_websocket && (request->upgrade_websocket || mk_slice_eq(path, MK_SLICE("/")))))
        return &to_websocket;
    return &to_calls;
}

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    struct mk_server_routes *routes = arg;
    struct state *state = mk_http_connection_state(connection);
    struct mk_slice path = path_within(routes, request->path);
    state->route = route_of(routes, request, path);
    state->route->head(routes, state, request, path);
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_server_routes *routes = arg;
    struct state *state = mk_http_connection_state(connection);
    state->route->request(routes, state, request);
}

/* Only uploads have such a body. */
static void on_piece(void *arg, struct mk_http_connection *connection, struct mk_slice piece)
{
    (void)arg;
    struct state *state = mk_http_connection_state(connection);
    mk_cache_server_piece(state->put, piece);
}

static void on_opened(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    struct state *state = mk_http_connection_state(connection);
    mk_http_caller_init(&state->http.caller, connection);
}

static void on_closed(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    struct state *state = mk_http_connection_state(connection);
    mk_resource_wait_drop(state->resource);
    mk_cache_put_drop(state->put);
    mk_http_caller_fini(&state->http.caller);
}

const struct mk_http_service mk_server_routes_service = {
    .head = on_head,
    .request = on_request,
    .piece = on_piece,
    .failure = mk_http_answer_bad,
    .opened = on_opened,
    .closed = on_closed,
    .state_size = sizeof(struct state),
};

/* --- life --- */

void mk_server_routes_stop(struct mk_server_routes *routes)
{
    if (routes->has_http) {
        mk_event_stream_stop(&routes->events);
        mk_cache_server_stop(&routes->cache);
    }
    if (routes->has_websocket)
        mk_websocket_server_stop(&routes->websocket);
}

void mk_server_routes_abort(struct mk_server_routes *routes)
{
    mk_resources_abort(&routes->resources);
    if (routes->has_http)
        mk_event_stream_abort(&routes->events);
    if (routes->has_websocket)
        mk_websocket_server_abort(&routes->websocket);
}

bool mk_server_routes_idle(const struct mk_server_routes *routes)
{
    return mk_resources_idle(&routes->resources) &&
           (!routes->has_http || mk_event_stream_idle(&routes->events)) &&
           (!routes->has_websocket || mk_list_empty(&routes->websocket.open));
}

void mk_server_routes_fini(struct mk_server_routes *routes)
{
    mk_resources_fini(&routes->resources);
    if (routes->has_http)
        mk_event_stream_fini(&routes->events);
    if (routes->has_websocket)
        mk_websocket_server_fini(&routes->websocket);
}
