/*
 * handshakes: limits the TLS handshakes that are under way on all servers of an endpoint: each
 * takes about 45 KiB before the client has authenticated.
 *
 * When there is one too many, the oldest ends. It is the least likely to succeed, since a regular
 * handshake takes a few round trips; to refuse the newest would let a few stalled clients keep all
 * others out until their timeouts expire.
 */
#ifndef MK_WEB_HANDSHAKES_H
#define MK_WEB_HANDSHAKES_H

#include "base/list.h"

#include <stdint.h>

struct mk_handshakes {
    struct mk_list under_way; /* of mk_handshake, the oldest first */
    uint64_t count;
    uint64_t most;
    uint64_t ended; /* ended early to make room */
};

/* One handshake; embedded in its connection. */
struct mk_handshake {
    struct mk_list node;
    struct mk_handshakes *of; /* NULL: not under way */
};

void mk_handshakes_init(struct mk_handshakes *handshakes, uint64_t most);

/*
 * Begins a handshake (zeroed, or done before). Returns NULL, or another one that the caller must
 * end to make room; that one is not counted as under way any more.
 */
struct mk_handshake *mk_handshake_begin(struct mk_handshakes *handshakes,
                                        struct mk_handshake *handshake);

/* Ends a handshake, successful or not. Does nothing if it is not under way. */
void mk_handshake_done(struct mk_handshake *handshake);

#endif
