/* receiving: see the header. */
#include "web/receiving.h"

bool mk_receiving_count(struct mk_receiving *receiving, size_t *own, size_t bytes)
{
    if (!receiving)
        return true;
    bool grows = bytes > *own;
    receiving->held = receiving->held - *own + bytes;
    *own = bytes;
    if (!grows || bytes <= MK_RECEIVING_SMALL || receiving->held <= receiving->most)
        return true;
    receiving->refused++;
    return false;
}
