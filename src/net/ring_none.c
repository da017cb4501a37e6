/* ring_none: replaces ring.c in builds without liburing. */
#include "net/ring.h"

#include <errno.h>

int mk_ring_open(struct mk_ring **result)
{
    *result = NULL;
    return -ENOTSUP;
}

struct mk_ring *mk_ring_close(struct mk_ring *ring)
{
    return ring;
}

size_t mk_ring_send(struct mk_ring *ring, struct mk_send *const *sends, size_t count)
{
    (void)ring;
    (void)sends;
    (void)count;
    return 0;
}
