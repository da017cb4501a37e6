/*
 * ws_deflate: the negotiation of permessage-deflate (RFC 7692, 7.1), for both roles. Pure functions
 * over parsed heads; wire/deflate compresses.
 *
 * We always negotiate the same: both sides reset the window with each message. So no state is kept
 * for a connection between two messages, and an event that was compressed once fits all clients.
 */
#ifndef MK_WIRE_WS_DEFLATE_H
#define MK_WIRE_WS_DEFLATE_H

#include "wire/http1.h"

/*
 * A server's choice: accepts the first acceptable offer of the request. Offers that it cannot meet
 * (an unknown or repeated parameter, an invalid value, a window that is smaller than ours) are
 * declined, and so are all other extensions (7.1.1 to 7.1.3). Returns the header line of the answer
 * with its CRLF, static; empty where no offer was accepted.
 */
struct mk_slice mk_ws_deflate_accept(const struct mk_http1_request *request);

/* The header line of a client's offer, with its CRLF. */
struct mk_slice mk_ws_deflate_offer(void);

/*
 * Checks a server's answer to that offer, or (`offered` is false) to none. Returns NULL, with
 * `*accepted` set; or the reason why the connection must fail, one English clause, static: an
 * extension that was not offered, or parameters that we cannot meet (RFC 6455, 4.1; RFC 7692, 7.1).
 */
const char *mk_ws_deflate_verify(const struct mk_http1_response *response, bool offered,
                                 bool *accepted);

#endif
