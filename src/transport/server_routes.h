/*
 * server_routes: the parts that one listening address serves, and the routing of requests to them:
 * calls (http_server), events of 1.x at /event (event_stream) and uploads at /cache (cache), both
 * with an http_server, WebSockets (websocket_server), and files at /resource/ in any case. server.c
 * listens, and reads the configuration.
 */
#ifndef MK_TRANSPORT_SERVER_ROUTES_H
#define MK_TRANSPORT_SERVER_ROUTES_H

#include "transport/cache.h"
#include "transport/event_stream.h"
#include "transport/http_server.h"
#include "transport/resource.h"
#include "transport/websocket_server.h"

struct mk_server_routes {
    struct mk_slice prefix; /* "" or "/path": the beginning of all paths; borrowed */
    struct mk_http_server http;
    struct mk_event_stream events;
    struct mk_cache_server cache;
    struct mk_websocket_server websocket;
    struct mk_resources resources;
    bool has_http; /* and events, and uploads */
    bool has_websocket;
};

/* The service of the address; its `arg` is the routes. */
extern const struct mk_http_service mk_server_routes_service;

/* These apply to all existing parts. */
void mk_server_routes_stop(struct mk_server_routes *routes);
void mk_server_routes_abort(struct mk_server_routes *routes);
bool mk_server_routes_idle(const struct mk_server_routes *routes);
/* It must be idle. */
void mk_server_routes_fini(struct mk_server_routes *routes);

#endif
