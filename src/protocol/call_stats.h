/*
 * call_stats: counts the calls of each API by retcode and duration, for metrics. A call is counted
 * when it ends; a count is an increment.
 */
#ifndef MK_PROTOCOL_CALL_STATS_H
#define MK_PROTOCOL_CALL_STATS_H

#include "base/slice.h"

#include <stdint.h>

enum { MK_CALL_BUCKETS = 14, MK_CALL_RETCODES = 15 };

/* The upper bounds of the buckets, in nanoseconds; one more bucket is above the last. */
extern const uint64_t mk_call_bounds[MK_CALL_BUCKETS];

struct mk_action_stats {
    struct {
        int retcode;
        uint64_t count;
    } retcodes[MK_CALL_RETCODES]; /* the first `known` */
    unsigned known;
    uint64_t others; /* calls with a retcode for which there was no entry left */
    uint64_t took[MK_CALL_BUCKETS + 1];
    uint64_t total_ns;
};

struct mk_call_stats {
    bool timed; /* the clock is read for each call */
    uint64_t calls;
    uint64_t failed;
    struct mk_action_stats actions[]; /* by number in 1.x; the last: calls of no action */
};

/* Returns NULL when out of memory. */
struct mk_call_stats *mk_call_stats_new(bool timed);
/* NULL is allowed. */
struct mk_call_stats *mk_call_stats_free(struct mk_call_stats *stats);

/* Returns the start time of a call in nanoseconds; 0 if calls are not timed. NULL is allowed. */
uint64_t mk_call_stats_begin(const struct mk_call_stats *stats);

/*
 * Counts a call that has ended: of the action of this number, or (any other number) of none. NULL
 * is allowed.
 */
void mk_call_stats_end(struct mk_call_stats *stats, size_t number, int retcode, uint64_t began);

/*
 * Returns the index-th entry and its name ("unknown" for calls of no action); NULL when there are
 * no more.
 */
const struct mk_action_stats *mk_call_stats_get(const struct mk_call_stats *stats, size_t index,
                                                const char **name);

#endif
