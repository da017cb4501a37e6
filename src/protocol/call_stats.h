/*
 * call_stats: how many calls of each API ended with which retcode, and how long they took, for
 * whoever watches the endpoint. Counted where a call ends; a count is an increment.
 */
#ifndef MK_PROTOCOL_CALL_STATS_H
#define MK_PROTOCOL_CALL_STATS_H

#include "base/slice.h"

#include <stdint.h>

enum { MK_CALL_BUCKETS = 14, MK_CALL_RETCODES = 15 };

/* The upper bounds of the buckets, in nanoseconds; above the last there is one more. */
extern const uint64_t mk_call_bounds[MK_CALL_BUCKETS];

struct mk_action_stats {
    struct {
        int retcode;
        uint64_t count;
    } retcodes[MK_CALL_RETCODES]; /* the first `known` */
    unsigned known;
    uint64_t others; /* calls with a retcode that found no place any more */
    uint64_t took[MK_CALL_BUCKETS + 1];
    uint64_t total_ns;
};

struct mk_call_stats {
    bool timed; /* the clock is read for each call */
    uint64_t calls;
    uint64_t failed;
    struct mk_action_stats actions[]; /* by number in 1.2; behind them, what was none */
};

/* Returns NULL when out of memory. */
struct mk_call_stats *mk_call_stats_new(bool timed);
/* NULL is allowed. */
struct mk_call_stats *mk_call_stats_free(struct mk_call_stats *stats);

/* The time that a call begins with, in nanoseconds; 0 where it is not asked for. NULL is allowed.
 */
uint64_t mk_call_stats_begin(const struct mk_call_stats *stats);

/* A call of the action of this number (any other: of none) has ended. NULL is allowed. */
void mk_call_stats_end(struct mk_call_stats *stats, size_t number, int retcode, uint64_t began);

/* The index-th and its name ("unknown" for what was no action); NULL when there are no more. */
const struct mk_action_stats *mk_call_stats_get(const struct mk_call_stats *stats, size_t index,
                                                const char **name);

#endif
