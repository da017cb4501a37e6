/* call_stats: see the header. */
#include "protocol/call_stats.h"

#include "base/clock.h"
#include "protocol/tables.h"

#include <stdlib.h>

#define US UINT64_C(1000)
#define MS (1000 * US)

const uint64_t mk_call_bounds[MK_CALL_BUCKETS] = {
    50 * US, 100 * US, 250 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,
    10 * MS, 25 * MS,  50 * MS,  100 * MS, 250 * MS, 1000 * MS, 5000 * MS,
};

struct mk_call_stats *mk_call_stats_new(bool timed)
{
    struct mk_call_stats *stats =
        calloc(1, sizeof(*stats) + (mk_action_count + 1) * sizeof(stats->actions[0]));
    if (stats)
        stats->timed = timed;
    return stats;
}

struct mk_call_stats *mk_call_stats_free(struct mk_call_stats *stats)
{
    free(stats);
    return NULL;
}

uint64_t mk_call_stats_begin(const struct mk_call_stats *stats)
{
    return stats && stats->timed ? mk_clock_mono_ns() : 0;
}

static void count_retcode(struct mk_action_stats *action, int retcode)
{
    for (unsigned i = 0; i < action->known; i++)
        if (action->retcodes[i].retcode == retcode) {
            action->retcodes[i].count++;
            return;
        }
    if (action->known == MK_CALL_RETCODES) {
        action->others++;
        return;
    }
    action->retcodes[action->known].retcode = retcode;
    action->retcodes[action->known++].count = 1;
}

void mk_call_stats_end(struct mk_call_stats *stats, size_t number, int retcode, uint64_t began)
{
    if (!stats)
        return;
    if (number > mk_action_count)
        number = mk_action_count;
    struct mk_action_stats *action = &stats->actions[number];
    stats->calls++;
    stats->failed += retcode != 0;
    count_retcode(action, retcode);
    if (!stats->timed)
        return;
    uint64_t took = mk_clock_mono_ns() - began;
    unsigned bucket = 0;
    while (bucket < MK_CALL_BUCKETS && took > mk_call_bounds[bucket])
        bucket++;
    action->took[bucket]++;
    action->total_ns += took;
}

const struct mk_action_stats *mk_call_stats_get(const struct mk_call_stats *stats, size_t index,
                                                const char **name)
{
    if (index > mk_action_count)
        return NULL;
    *name = index < mk_action_count ? mk_actions[index].name.ptr : "unknown";
    return &stats->actions[index];
}
