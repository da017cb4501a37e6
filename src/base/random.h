/* random: bytes that nobody can guess (keys, masks, jitter). */
#ifndef MK_BASE_RANDOM_H
#define MK_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `out` from the kernel's generator. It cannot fail once the machine has started. */
void mk_random_bytes(void *out, size_t len);
uint32_t mk_random_u32(void);

#endif
