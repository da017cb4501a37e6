/*
 * backoff: how long to wait before the next try. Doubles from `first_ms` up to `most_ms`; each wait
 * is drawn between half of that and all of it, so that many clients do not come back at once.
 */
#ifndef MK_BASE_BACKOFF_H
#define MK_BASE_BACKOFF_H

#include <stdint.h>

struct mk_backoff {
    uint32_t first_ms;
    uint32_t most_ms;
    uint32_t tries; /* since the last success */
};

/* Counts one more failure and returns the milliseconds to wait. */
uint32_t mk_backoff_next(struct mk_backoff *backoff);

/* After a success: the next failure waits `first_ms` again. */
void mk_backoff_reset(struct mk_backoff *backoff);

#endif
