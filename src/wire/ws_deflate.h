/*
 * ws_deflate: the negotiation of permessage-deflate (RFC 7692, 7.1), for both roles. Pure functions
 * over parsed heads; wire/deflate compresses.
 *
 * We reset our window with each message, so that an event that was compressed once fits all peers.
 * The peer is asked to do the same only where it has offered that: it is free not to support it
 * (7.1.1.2), and some ignore it. The window of any other is kept (struct mk_inflate_window), small
 * where room is scarce and it lets us choose the size. A server must accept our request to reset
 * its own (7.1.1.1).
 */
#ifndef MK_WIRE_WS_DEFLATE_H
#define MK_WIRE_WS_DEFLATE_H

#include "base/language.h"
#include "wire/http1.h"

/* What was agreed upon. */
struct mk_ws_deflate_terms {
    bool accepted;      /* false: messages are not compressed */
    unsigned peer_bits; /* log2 of the window that the peer continues; 0: it begins each anew */
};

enum { MK_WS_DEFLATE_LINE = 160 };

/*
 * A server's choice: accepts the first acceptable offer of the request. Offers that it cannot meet
 * (an unknown or repeated parameter, an invalid value, a window that is smaller than ours, or one
 * of the client that is larger than `room` bytes) are declined, and so are all other extensions
 * (7.1.1 to 7.1.3). Writes the header line of the answer with its CRLF and a NUL into `line`; ""
 * where no offer was accepted.
 */
struct mk_ws_deflate_terms mk_ws_deflate_accept(const struct mk_http1_request *request, size_t room,
                                                char line[MK_WS_DEFLATE_LINE]);

/* The header line of a client's offer, with its CRLF. */
struct mk_slice mk_ws_deflate_offer(void);

/* A server's answer to that offer. */
struct mk_ws_deflate_answer {
    bool accepted;
    unsigned client_bits; /* log2 of the largest window that we may compress with */
    /* --- where it is refused --- */
    const struct mk_phrase *why; /* static */
    struct mk_slice seen;        /* the element of the header */
};

/*
 * Checks it, or (`offered` is false) the answer to none. Returns false, with the reason, where the
 * connection must fail: an extension that was not offered, or parameters that we cannot meet
 * (RFC 6455, 4.1; RFC 7692, 7.1).
 */
bool mk_ws_deflate_verify(const struct mk_http1_response *response, bool offered,
                          struct mk_ws_deflate_answer *answer);

#endif
