/*
 * ring: sends on many sockets with one system call (io_uring). For the sender alone.
 */
#ifndef MK_NET_RING_H
#define MK_NET_RING_H

#include "net/send.h"

struct mk_ring;

/*
 * Returns 0, or a negative errno and NULL: io_uring is not available (-ENOTSUP: built without it)
 * or forbidden, or a resource is exhausted.
 */
int mk_ring_open(struct mk_ring **ring);
/* NULL is allowed. */
struct mk_ring *mk_ring_close(struct mk_ring *ring);

/*
 * Sends up to MK_SENDER_MAX. Returns how many of the first ones were sent, with `took` set. If
 * these are not all, the ring can only be closed.
 */
size_t mk_ring_send(struct mk_ring *ring, struct mk_send *const *sends, size_t count);

#endif
