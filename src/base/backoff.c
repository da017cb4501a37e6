/* backoff: capped exponential growth with equal jitter. */
#include "base/backoff.h"

#include "base/random.h"

uint32_t mk_backoff_next(struct mk_backoff *backoff)
{
    uint64_t wait = backoff->first_ms;
    for (uint32_t i = 0; i < backoff->tries && wait < backoff->most_ms; i++)
        wait *= 2;
    if (wait > backoff->most_ms)
        wait = backoff->most_ms;
    backoff->tries++;
    uint32_t half = (uint32_t)(wait / 2);
    return half + mk_random_u32() % ((uint32_t)wait - half + 1);
}

void mk_backoff_reset(struct mk_backoff *backoff)
{
    backoff->tries = 0;
}
