/*
 * server: one listening address. It may be an http_server (and then the event_stream of 1.x too),
 * a websocket_server, or both on one port, and routes each request to the one it is for.
 */
#ifndef MK_TRANSPORT_SERVER_H
#define MK_TRANSPORT_SERVER_H

#include "transport/event_stream.h"
#include "transport/http_server.h"
#include "transport/resource.h"
#include "transport/websocket_server.h"
#include "web/http_port.h"

struct mk_server;

/*
 * A server for one bot that listens nowhere yet. `address` and `prefix` are copied; every path it
 * serves begins with the prefix, "" or "/path". The guard says who may come in, and what they may
 * use up; it is borrowed, and may be NULL. The backend's resources are served on it in any
 * case. Returns NULL when memory is out.
 */
struct mk_server *mk_server_new(struct mk_loop *loop, const struct mk_address *address,
                                struct mk_slice prefix, struct mk_guard *guard,
                                struct mk_dispatch *dispatch, struct mk_hub *hub);
/* It must be idle. NULL is allowed. */
struct mk_server *mk_server_free(struct mk_server *server);

/* Adds one of the two; `token`, empty for none, is copied. Returns 0 or -ENOMEM. */
int mk_server_add_http(struct mk_server *server, enum mk_dialect dialect, struct mk_slice token);
int mk_server_add_websocket(struct mk_server *server, enum mk_dialect dialect,
                            struct mk_slice token);

/* Whether its WebSockets agree to permessage-deflate (they do): those of /event, and those of the
 * websocket_server. Connections that are open stay as they are. */
void mk_server_set_compression(struct mk_server *server, bool http, bool websocket);

/* Connections that come from now on speak TLS with this, or (NULL) none. Takes it over. */
void mk_server_set_tls(struct mk_server *server, struct mk_tls_context *tls);

/*
 * Goes on with what `fresh`, which has never listened and is only to be freed, was told: its TLS
 * and its tokens, which are taken out of it, and whether it compresses. Connections that are open
 * stay.
 */
void mk_server_adopt(struct mk_server *server, struct mk_server *fresh);

bool mk_server_listening(const struct mk_server *server);
struct mk_slice mk_server_prefix(const struct mk_server *server);
bool mk_server_has_http(const struct mk_server *server);
bool mk_server_has_websocket(const struct mk_server *server);

/* Begins to listen. Returns 0 or a negative errno. */
int mk_server_listen(struct mk_server *server);

/* Listens in the place of another one, which does not any more and goes on with what it has. */
void mk_server_listen_for(struct mk_server *server, struct mk_server *other);

/* Where it listens; before that, where it will. */
const struct mk_address *mk_server_address(const struct mk_server *server);

/*
 * Writes "http://HOST:PORT[PREFIX]", HOST being 127.0.0.1 where it listens to all addresses. It
 * listens on TCP. Returns 0 or the error of the buf.
 */
int mk_server_write_base(const struct mk_server *server, struct mk_buf *out);

/* Who is connected, for somebody who watches. */
struct mk_server_measure {
    bool listening;
    uint64_t accepted;          /* connections, since it began to listen */
    size_t http;                /* open connections that are HTTP so far */
    struct mk_crowd websockets; /* those of the websocket_server */
    struct mk_crowd events;     /* those of the event_stream */
};
void mk_server_measure(const struct mk_server *server, struct mk_server_measure *measure);

/* Ends its connections at once, and goes on listening. */
void mk_server_drop(struct mk_server *server);

/* Listens no more, answers what it was asked, closes its connections; then it is idle. */
void mk_server_stop(struct mk_server *server);
void mk_server_abort(struct mk_server *server);
bool mk_server_idle(const struct mk_server *server);

#endif
