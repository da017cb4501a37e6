/*
 * ring: sends on many sockets with one system call (io_uring). For the sender alone.
 */
#ifndef MK_NET_RING_H
#define MK_NET_RING_H

#include "net/send.h"

struct mk_ring;

/*
 * Returns 0, or a negative errno and NULL: there is none (-ENOTSUP where this was built without),
 * it is forbidden, or something is out.
 */
int mk_ring_open(struct mk_ring **ring);
/* Nothing that is still in it is sent. NULL is allowed. */
struct mk_ring *mk_ring_close(struct mk_ring *ring);

/*
 * Sends up to MK_SENDER_MAX. Returns how many of them, from the first on, were sent: `took` of
 * each is set. Where that are not all, the ring is good for nothing but to be closed.
 */
size_t mk_ring_send(struct mk_ring *ring, struct mk_send *const *sends, size_t count);

#endif
