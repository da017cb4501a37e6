/* clock: wall time, for messages, and monotonic time, for timers. */
#ifndef MK_BASE_CLOCK_H
#define MK_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 (UTC); jumps when the clock is set. */
uint64_t mk_clock_real_ms(void);

/* Milliseconds since some point in the past; never goes back. */
uint64_t mk_clock_mono_ms(void);

/* The same in nanoseconds. */
uint64_t mk_clock_mono_ns(void);

#endif
