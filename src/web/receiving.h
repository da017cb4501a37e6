/*
 * receiving: the bytes of bodies and messages that have begun to arrive, on all connections of an
 * endpoint together: each may be long, and a client may stop in the middle of it. Beyond the limit
 * a connection that holds more than MK_RECEIVING_SMALL is to be ended; less is always admitted, so
 * usual calls pass while others fill the limit.
 */
#ifndef MK_WEB_RECEIVING_H
#define MK_WEB_RECEIVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MK_RECEIVING_SMALL = 64 * 1024 };

struct mk_receiving {
    uint64_t most;
    uint64_t held;
    uint64_t refused; /* connections that were ended for it */
};

/*
 * Counts `bytes` for a connection instead of `*own`, which it changes. Returns false if they are
 * too many: then the caller ends the connection, drops them, and counts 0. `receiving` may be NULL.
 */
bool mk_receiving_count(struct mk_receiving *receiving, size_t *own, size_t bytes);

#endif
