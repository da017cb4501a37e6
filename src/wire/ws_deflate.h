/*
 * ws_deflate: the negotiation of permessage-deflate (RFC 7692, 7.1), for both roles. Pure functions
 * over parsed heads; what is compressed and when is wire/deflate's and its callers'.
 *
 * What we agree to is always the same: both sides begin each message anew. So nothing is kept for a
 * connection between two messages, and an event that was compressed once fits all clients.
 */
#ifndef MK_WIRE_WS_DEFLATE_H
#define MK_WIRE_WS_DEFLATE_H

#include "wire/http1.h"

/*
 * A server's choice: goes through the offers of the request in their order and takes the first that
 * can be met. An offer that cannot (an unknown or repeated parameter, a value that may not be, a
 * window that is smaller than ours) is declined, and so is any other extension (7.1.1 to 7.1.3).
 * Returns the header line of the answer with its CRLF, static; empty where nothing is agreed upon.
 */
struct mk_slice mk_ws_deflate_accept(const struct mk_http1_request *request);

/* The header line of a client's offer, with its CRLF. */
struct mk_slice mk_ws_deflate_offer(void);

/*
 * A client's look at the answer to that offer, or (`offered` is false) to none. Returns NULL and
 * whether it was `*accepted`; else why the connection must fail, one English clause, static:
 * anything that was not offered, and whatever we could not keep to (RFC 6455, 4.1; RFC 7692, 7.1).
 */
const char *mk_ws_deflate_verify(const struct mk_http1_response *response, bool offered,
                                 bool *accepted);

#endif
