/* random: unpredictable bytes (for keys, masks, jitter). */
#ifndef MK_BASE_RANDOM_H
#define MK_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Fills `out` from the kernel's generator, with a system call each time. Cannot fail once the
 * machine has started.
 */
void mk_random_bytes(void *out, size_t len);
uint32_t mk_random_u32(void);

/* A supply of random bytes for an owner that often needs a few. A zeroed one is empty. */
struct mk_random {
    size_t left;
    char stock[256];
};
void mk_random_take(struct mk_random *random, void *out, size_t len);

#endif
