/*
 * server: see the header. A server is made for the first entry of the configuration that names its
 * address; an entry of the other kind with the same address joins it.
 */
#include "transport/server.h"

#include "base/error_text.h"
#include "base/log.h"
#include "transport/listen_error.h"
#include "transport/server_routes.h"
#include "web/cors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The kinds of entries of an address, at most one of each. */
enum kind { HTTP, WEBSOCKET, KINDS };

static const char *const kind_names[KINDS] = { "http_server", "websocket_server" };

struct entry {
    bool is_there;
    size_t number; /* in the configuration */
    enum mk_dialect dialect;
    bool compresses; /* for its WebSockets; those of an http_server are at /event */
    char *token;     /* "": none is required; the routes borrow it */
    char *origins;   /* of pages (web/cors.h); borrowed as well */
    const struct mk_event_filter *filter;
};

struct server {
    struct mk_transport transport;
    struct mk_transport_context context;
    struct mk_http_port port;
    struct mk_server_routes routes;
    struct entry entries[KINDS];
    char *prefix; /* the routes borrow it */
    char listen[MK_ADDRESS_TEXT];
};

static struct server *server_of(struct mk_transport *transport)
{
    return MK_CONTAINER_OF(transport, struct server, transport);
}

/* --- making --- */

static struct server *server_new(const struct mk_transport_context *context,
                                 const struct mk_address *address, struct mk_slice prefix)
{
    struct server *server = calloc(1, sizeof(*server));
    char *copy = mk_slice_dup(prefix);
    bool ok = server && copy &&
              mk_http_port_init(&server->port, context->loop, address, &mk_server_routes_service,
                                &server->routes, context->guard) == 0;
    if (ok && mk_resources_init(&server->routes.resources, context->loop, context->files) < 0) {
        mk_http_port_fini(&server->port);
        ok = false;
    }
    if (!ok) {
        free(server);
        free(copy);
        return NULL;
    }
    mk_transport_init(&server->transport, &mk_server_class);
    server->transport.listen = mk_address_format(address, server->listen);
    server->transport.port = &server->port;
    server->context = *context;
    server->prefix = copy;
    server->routes.prefix = mk_slice_str(copy);
    return server;
}

struct mk_transport *mk_server_new_for_files(const struct mk_transport_context *context,
                                             const struct mk_address *address)
{
    struct server *server = server_new(context, address, MK_SLICE(""));
    return server ? &server->transport : NULL;
}

static void free_server(struct mk_transport *transport)
{
    struct server *server = server_of(transport);
    mk_tls_context_free(server->port.connections.tls);
    mk_http_port_fini(&server->port);
    mk_server_routes_fini(&server->routes);
    for (size_t i = 0; i < KINDS; i++) {
        free(server->entries[i].token);
        free(server->entries[i].origins);
        mk_event_filter_unref(server->entries[i].filter);
    }
    free(server->prefix);
    free(server);
}

static struct mk_access access_of(const struct entry *entry)
{
    return (struct mk_access){ mk_slice_str(entry->token), mk_slice_str(entry->origins) };
}

/* Applies the entries to its parts, and the limits of clients to its sessions. */
static void configure(struct server *server)
{
    struct mk_server_routes *routes = &server->routes;
    const struct entry *http = &server->entries[HTTP], *websocket = &server->entries[WEBSOCKET];
    if (http->is_there) {
        routes->http.access = access_of(http);
        routes->events.access = routes->http.access;
        routes->cache.access = routes->http.access;
        routes->events.sessions.compresses = http->compresses;
        routes->events.sessions.filter = http->filter;
    }
    if (websocket->is_there) {
        routes->websocket.access = access_of(websocket);
        routes->websocket.sessions.compresses = websocket->compresses;
        routes->websocket.sessions.filter = websocket->filter;
    }
}

static void limit_sessions(const struct server *server, struct mk_session_context *sessions)
{
    if (server->context.limits)
        mk_session_context_limit(sessions, server->context.limits);
}

static int add_http(struct server *server, const struct entry *entry)
{
    const struct mk_transport_context *context = &server->context;
    struct mk_server_routes *routes = &server->routes;
    routes->http = (struct mk_http_server){
        .dispatch = context->dispatch,
        .dialect = entry->dialect,
        .dialect_1_x = entry->dialect == MK_DIALECT_DRAFT ? MK_DIALECT_NEWEST : entry->dialect,
    };
    mk_cache_server_init(&routes->cache, context->cache, context->dispatch->self_id);
    routes->cache.is_refused = !context->takes_cached;
    int rc = mk_event_stream_init(&routes->events, context->loop, context->hub,
                                  routes->http.dialect_1_x);
    routes->has_http = rc == 0;
    if (rc == 0)
        limit_sessions(server, &routes->events.sessions);
    return rc;
}

static int add_websocket(struct server *server, const struct entry *entry)
{
    const struct mk_transport_context *context = &server->context;
    struct mk_server_routes *routes = &server->routes;
    int rc = mk_websocket_server_init(&routes->websocket, context->loop, context->dispatch,
                                      context->hub, entry->dialect);
    routes->has_websocket = rc == 0;
    if (rc == 0)
        limit_sessions(server, &routes->websocket.sessions);
    routes->websocket.sessions.unanswered_pings = context->unanswered_pings;
    return rc;
}

/* --- from the configuration --- */

static const struct milky_server *entries_of(const struct milky_bot *config, enum kind kind,
                                             size_t *count)
{
    *count = kind == HTTP ? config->http_server_count : config->websocket_server_count;
    return kind == HTTP ? config->http_server : config->websocket_server;
}

static bool is_same_text(const char *a, const char *b)
{
    return mk_slice_eq(mk_slice_str(a), mk_slice_str(b));
}

/* Returns the first entry of a server. */
static const struct milky_server *first_entry(const struct server *server,
                                              const struct milky_bot *config)
{
    enum kind kind = server->entries[HTTP].is_there ? HTTP : WEBSOCKET;
    size_t count;
    return &entries_of(config, kind, &count)[server->entries[kind].number];
}

/* Returns whether this existing server can serve the entry. */
static bool agrees(const struct server *server, const struct milky_bot *all, enum kind kind,
                   const struct milky_server *config)
{
    const struct milky_server *first = first_entry(server, all);
    return !server->entries[kind].is_there && is_same_text(first->prefix, config->prefix) &&
           is_same_text(first->tls.certificate, config->tls.certificate) &&
           is_same_text(first->tls.key, config->tls.key);
}

/* Returns 0 with a context, or NULL for none; else -EINVAL, logged. */
static int load_tls(const struct milky_server *config, struct mk_tls_context **tls)
{
    struct mk_tls_fault fault;
    *tls = NULL;
    if (!config->tls.certificate)
        return 0;
    *tls = mk_tls_context_server(config->tls.certificate, config->tls.key, &fault);
    return *tls ? 0 : mk_transport_refuse("server", fault.path, fault.why);
}

static int make_server(const struct mk_transport_context *context, const struct mk_address *address,
                       const struct milky_server *config, struct mk_list *transports,
                       struct server **result)
{
    struct mk_tls_context *tls;
    int rc = load_tls(config, &tls);
    if (rc < 0)
        return rc;
    struct server *server = server_new(context, address, mk_slice_str(config->prefix));
    if (!server) {
        mk_tls_context_free(tls);
        return -ENOMEM;
    }
    server->port.connections.tls = tls;
    mk_list_push(transports, &server->transport.node);
    *result = server;
    return 0;
}

/*
 * Returns the server of this entry, which is made if there is none yet. Entries with the same
 * address have the same settings (config/rules.h), except those with port 0, which is another port
 * for each server: the first such http_server shares one with the first matching websocket_server,
 * the second with the second.
 */
static int server_for(const struct mk_transport_context *context, const struct milky_bot *all,
                      enum kind kind, const struct milky_server *config, struct mk_list *transports,
                      struct server **result)
{
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
    const char *error = mk_address_parse(mk_slice_str(config->listen), &address);
    if (error) {
        mk_transport_refuse(kind_names[kind], config->listen, error);
        return -EINVAL;
    }
    mk_address_format(&address, text);
    MK_LIST_FOR_EACH (node, transports) {
        struct mk_transport *transport = mk_transport_of(node);
        if (transport->class != &mk_server_class || strcmp(transport->listen, text) != 0 ||
            !agrees(server_of(transport), all, kind, config))
            continue;
        *result = server_of(transport);
        return 0;
    }
    return make_server(context, &address, config, transports, result);
}

static int add_entry(const struct mk_transport_context *context, const struct milky_bot *all,
                     enum kind kind, size_t number, struct mk_list *transports)
{
    size_t count;
    const struct milky_server *config = &entries_of(all, kind, &count)[number];
    struct server *server;
    int rc = server_for(context, all, kind, config, transports, &server);
    if (rc < 0)
        return rc;
    struct entry *entry = &server->entries[kind];
    entry->number = number;
    entry->dialect = mk_transport_dialect(config->dialect);
    entry->compresses = !config->no_compression;
    entry->token = mk_slice_dup(mk_slice_str(config->access_token));
    entry->origins = mk_cors_join(config->origins, config->origin_count);
    server->transport.own_messages |= config->own_messages;
    rc = mk_event_filter_new(&config->events, config->own_messages, &entry->filter);
    if (rc < 0 || !entry->token || !entry->origins)
        return -ENOMEM;
    entry->is_there = true;
    return kind == HTTP ? add_http(server, entry) : add_websocket(server, entry);
}

/*
 * Sets the identity and the details by which a reload compares servers. The connections of a server
 * stay valid with the settings of another one of the same identity, which therefore includes
 * whether TLS is used. The contents of certificate and key may differ: they are read again in any
 * case.
 */
static int set_keys(struct server *server, const struct milky_bot *config)
{
    const struct milky_server_tls *tls = &first_entry(server, config)->tls;
    const struct entry *http = &server->entries[HTTP], *websocket = &server->entries[WEBSOCKET];
    struct mk_transport *transport = &server->transport;
    transport->identity = mk_transport_key("%s\n%s\n%d %d %d %d %d", server->listen, server->prefix,
                                           tls->certificate != NULL, http->is_there, http->dialect,
                                           websocket->is_there, websocket->dialect);
    transport->details = mk_transport_key("%s\n%s", tls->certificate ? tls->certificate : "",
                                          tls->key ? tls->key : "");
    return transport->identity && transport->details ? 0 : -ENOMEM;
}

static int add_servers(const struct mk_transport_context *context, const struct milky_bot *config,
                       struct mk_list *transports)
{
    int rc = 0;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        size_t count;
        entries_of(config, kind, &count);
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = add_entry(context, config, kind, i, transports);
    }
    MK_LIST_FOR_EACH (node, transports) {
        struct mk_transport *transport = mk_transport_of(node);
        if (rc < 0 || transport->class != &mk_server_class)
            continue;
        configure(server_of(transport));
        rc = set_keys(server_of(transport), config);
    }
    return rc;
}

/* --- life --- */

static int start(struct mk_transport *transport)
{
    struct server *server = server_of(transport);
    int rc = mk_http_port_listen(&server->port);
    char text[MK_LISTEN_ERROR];
    if (rc < 0)
        mk_log_error("server", "bot %llu: %s", "Bot %llu：%s",
                     (unsigned long long)server->context.dispatch->self_id,
                     mk_listen_error(&server->port.address, rc, text));
    return rc;
}

static void adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    struct server *server = server_of(transport), *other = server_of(fresh);
    struct mk_tls_context *tls = server->port.connections.tls;
    server->port.connections.tls = other->port.connections.tls;
    other->port.connections.tls = tls;
    for (size_t i = 0; i < KINDS; i++) {
        const struct entry entry = server->entries[i];
        server->entries[i] = other->entries[i];
        other->entries[i] = entry;
    }
    configure(server);
}

static void drop(struct mk_transport *transport)
{
    struct server *server = server_of(transport);
    mk_http_context_abort(&server->port.connections);
    mk_server_routes_abort(&server->routes);
}

/* Stops listening, answers the open requests, closes its connections. */
static void stop(struct mk_transport *transport)
{
    struct server *server = server_of(transport);
    mk_http_port_stop(&server->port);
    mk_server_routes_stop(&server->routes);
}

static void abort_server(struct mk_transport *transport)
{
    struct server *server = server_of(transport);
    mk_http_port_abort(&server->port);
    mk_server_routes_abort(&server->routes);
}

static bool is_idle(const struct mk_transport *transport)
{
    const struct server *server = MK_CONTAINER_OF(transport, const struct server, transport);
    return mk_http_port_idle(&server->port) && mk_server_routes_idle(&server->routes);
}

/* --- reporting --- */

static struct mk_transport_stats stats_of(const struct server *server, const char *transport)
{
    return (struct mk_transport_stats){
        .transport = transport,
        .name = server->port.text,
        .state = server->port.listener ? "listening" : "closed",
        .has_connections = true,
        .accepted = server->port.accepted,
    };
}

/* Counts the connections of a kind that get events. */
static void add_connections(struct mk_transport_stats *stats,
                            const struct mk_connection_stats *connections)
{
    stats->connections = connections->count;
    stats->has_events = true;
    stats->lag = connections->most;
}

static size_t report(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS])
{
    const struct server *server = MK_CONTAINER_OF(transport, const struct server, transport);
    const struct mk_server_routes *routes = &server->routes;
    struct mk_connection_stats events = { 0 }, websockets = { 0 };
    size_t count = 0;
    if (routes->has_http) {
        stats[count] = stats_of(server, kind_names[HTTP]);
        MK_LIST_FOR_EACH (node, &server->port.connections.connections)
            stats[count].connections++;
        stats[++count] = stats_of(server, "event_stream");
        mk_event_stream_measure(&routes->events, &events);
        add_connections(&stats[count++], &events);
    }
    if (routes->has_websocket) {
        stats[count] = stats_of(server, kind_names[WEBSOCKET]);
        mk_session_measure(&routes->websocket.open, &websockets);
        add_connections(&stats[count++], &websockets);
    }
    if (count > 0)
        stats[0].has_accepted = true;
    return count;
}

static int write_base(const struct mk_transport *transport, struct mk_buf *out)
{
    const struct server *server = MK_CONTAINER_OF(transport, const struct server, transport);
    const struct mk_address *listening = mk_http_port_address(&server->port);
    if (listening->socket.ss_family == AF_UNIX)
        return -ENOENT;
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
    mk_address_reachable(listening, &address);
    return mk_buf_printf(out, "%s://%s%s", server->port.connections.tls ? "https" : "http",
                         mk_address_format(&address, text), server->prefix);
}

static bool get_port(const struct mk_transport *transport, size_t index, struct milky_port *port)
{
    const struct server *server = MK_CONTAINER_OF(transport, const struct server, transport);
    for (size_t i = 0; i < KINDS; i++) {
        if (!server->entries[i].is_there || index-- > 0)
            continue;
        *port = (struct milky_port){
            .transport = kind_names[i],
            .address = server->port.text,
            .entry = server->entries[i].number,
        };
        return true;
    }
    return false;
}

const struct mk_transport_class mk_server_class = {
    .name = "server",
    .add = add_servers,
    .start = start,
    .adopt = adopt,
    .drop = drop,
    .stop = stop,
    .abort = abort_server,
    .idle = is_idle,
    .report = report,
    .free = free_server,
    .write_base = write_base,
    .get_port = get_port,
};
