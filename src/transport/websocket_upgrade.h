/*
 * websocket_upgrade: from an HTTP request to a session on its stream: the opening handshake
 * (web/websocket_accept), once credentials and path have been found right.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_UPGRADE_H
#define MK_TRANSPORT_WEBSOCKET_UPGRADE_H

#include "transport/http_answer.h"
#include "transport/websocket_session.h"

/*
 * The number that a client names to get the events behind it: the query parameter `since`, or this
 * header (none, where it is empty). MK_READER_LIVE where it names none.
 */
uint64_t mk_event_since(const struct mk_http1_request *request, struct mk_slice header);

/* At the head of the request: refuses a handshake that is not right (400, 426). */
void mk_websocket_upgrade_check(struct mk_http_connection *connection,
                                const struct mk_http1_request *request);

/* At the whole request: answers 101, and starts a session in `list` on the stream; 503 where the
 * port is being closed. */
void mk_websocket_upgrade(struct mk_http_connection *connection,
                          const struct mk_http1_request *request,
                          struct mk_session_context *sessions, struct mk_list *list);

#endif
