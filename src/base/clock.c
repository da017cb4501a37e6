/* clock: clock_gettime in one number. */
#include "base/clock.h"

#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t mk_clock_real_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

uint64_t mk_clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

uint64_t mk_clock_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
