/*
 * handshakes: the TLS handshakes that are under way on all servers of an endpoint, and how many may
 * be: each costs about 45 KiB before anybody has shown who it is.
 *
 * When there is one too many, the oldest ends. It is the likeliest to lead nowhere, for an honest
 * one is done within a few round trips; refusing the newest would let few who never get on keep
 * everybody out until their time is over.
 */
#ifndef MK_WEB_HANDSHAKES_H
#define MK_WEB_HANDSHAKES_H

#include "base/list.h"

#include <stdint.h>

struct mk_handshakes {
    struct mk_list under_way; /* of mk_handshake, the oldest first */
    uint64_t count;
    uint64_t most;
    uint64_t ended; /* before they were done, to make room */
};

/* One of them: embedded in its connection. */
struct mk_handshake {
    struct mk_list node;
    struct mk_handshakes *of; /* NULL: not under way */
};

void mk_handshakes_init(struct mk_handshakes *handshakes, uint64_t most);

/*
 * One begins (zeroed, or done before). Returns NULL, or the one that the caller must end to make
 * room for it; that is not under way any more.
 */
struct mk_handshake *mk_handshake_begin(struct mk_handshakes *handshakes,
                                        struct mk_handshake *handshake);

/* It is done, or its connection gone. Does nothing where it is not under way. */
void mk_handshake_done(struct mk_handshake *handshake);

#endif
