/*
 * websocket_upgrade: turns an HTTP request into a session on its stream: the opening handshake
 * (web/websocket_accept), after credentials and path were checked.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_UPGRADE_H
#define MK_TRANSPORT_WEBSOCKET_UPGRADE_H

#include "transport/http_answer.h"
#include "transport/websocket_session.h"

/*
 * Returns the number after which a client wants events: the query parameter `since`, or this header
 * (none, if empty); MK_READER_LIVE by default.
 */
uint64_t mk_event_since(const struct mk_http1_request *request, struct mk_slice header);

/* At the head of the request: refuses an invalid handshake (400, 426). */
void mk_websocket_upgrade_check(struct mk_http_connection *connection,
                                const struct mk_http1_request *request);

/*
 * At the whole request: answers 101, and starts a session in `list` on the stream; answers 503 if
 * the port is being closed.
 */
void mk_websocket_upgrade(struct mk_http_connection *connection,
                          const struct mk_http1_request *request,
                          struct mk_session_context *sessions, struct mk_list *list);

#endif
