/*
 * moved_clock: lets a test move the clock, so that it need not sleep. The program's clock_gettime
 * replaces libc's, for libuv too. Include it in one file of a program.
 */
#ifndef MK_TESTS_MOVED_CLOCK_H
#define MK_TESTS_MOVED_CLOCK_H

#include "net/loop.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static uint64_t moved_ms;

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *now)
{
    long rc = syscall(SYS_clock_gettime, id, now);
    if (rc < 0)
        return -1;
    uint64_t ns = (uint64_t)now->tv_nsec + moved_ms % 1000 * 1000000;
    now->tv_sec += (time_t)(moved_ms / 1000 + ns / 1000000000);
    now->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

/* Moves the clock, that of the loop too. Timers that are due then run when the loop turns. */
static inline void move_clock(struct mk_loop *loop, uint64_t ms)
{
    moved_ms += ms;
    uv_update_time(loop->uv);
}

#endif
