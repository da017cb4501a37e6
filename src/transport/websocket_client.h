/*
 * websocket_client: the draft's WebSocket client: keeps one connection to a configured URL, on
 * which it answers calls and pushes events as the server does; after any loss it connects again.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_CLIENT_H
#define MK_TRANSPORT_WEBSOCKET_CLIENT_H

#include "net/tls_context.h"
#include "transport/health.h"
#include "transport/websocket_session.h"

struct mk_websocket_client;

/*
 * `url` has been parsed by mk_url_parse without an error; both texts are copied. An empty token
 * sends none. Returns NULL when memory is out.
 */
struct mk_websocket_client *mk_websocket_client_new(struct mk_loop *loop, struct mk_slice url,
                                                    struct mk_slice token, enum mk_dialect dialect,
                                                    struct mk_dispatch *dispatch,
                                                    struct mk_hub *hub);
/* How connections from now on speak TLS, where the URL says so; NULL: as mk_connect does by itself.
 * Takes it over. */
void mk_websocket_client_set_tls(struct mk_websocket_client *client, struct mk_tls_context *tls);

/* Bounds messages, calls in flight and lag, as for clients of a server. Before it is started. */
void mk_websocket_client_limit(struct mk_websocket_client *client, const struct mk_limits *limits);

/* Whether permessage-deflate is offered (it is). Before it is started. */
void mk_websocket_client_set_compression(struct mk_websocket_client *client, bool on);

/* Takes the TLS of `fresh`, which was configured the same and has not been started. */
void mk_websocket_client_adopt(struct mk_websocket_client *client,
                               struct mk_websocket_client *fresh);

/*
 * Every event counts: after a connection was lost, the next one begins behind the last event that
 * the peer has received for sure, which the journal remembers under the URL. Events then carry
 * their numbers. Before it is started.
 */
void mk_websocket_client_set_replay(struct mk_websocket_client *client);

/* It must be idle, or never have been started. NULL is allowed. */
struct mk_websocket_client *mk_websocket_client_free(struct mk_websocket_client *client);

/* Returns 0, or, with replay, what the journal says. */
int mk_websocket_client_start(struct mk_websocket_client *client);
bool mk_websocket_client_started(const struct mk_websocket_client *client);

/* Answers what it was asked, closes with 1001, connects no more; then it is idle. */
void mk_websocket_client_stop(struct mk_websocket_client *client);
void mk_websocket_client_abort(struct mk_websocket_client *client);
bool mk_websocket_client_idle(const struct mk_websocket_client *client);

/* How it is doing; texts are borrowed until the next turn. */
void mk_websocket_client_report(const struct mk_websocket_client *client,
                                struct mk_remote_report *report);

#endif
