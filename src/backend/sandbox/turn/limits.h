/*
 * limits: the limits of QQ (spec/qq-limits.json), and the one place where they are checked. A
 * handler measures something and asks; the table decides what happens above the limit:
 *
 *   refuse   the call fails, with the reason that the table has
 *   drop     QQ drops the part, or all, without a word: so does the caller
 *   warn     nothing: the limit is doubtful, or only QQ's clients have it
 *
 * What is dropped and what is warned of goes to the log, and all of it is counted (limit_log.h). A
 * lenient sandbox warns of everything.
 */
#ifndef SB_TURN_LIMITS_H
#define SB_TURN_LIMITS_H

#include "backend/sandbox/turn/limit_ids.h"
#include "backend/sandbox/turn/request.h"

enum sb_excess {
    SB_EXCESS_NONE, /* no code checks it */
    SB_EXCESS_REFUSE,
    SB_EXCESS_DROP,
    SB_EXCESS_WARN,
};

/* The generated table. */
struct sb_limit {
    const char *id;
    uint64_t least;
    uint64_t most; /* both 0: a rule without a number, which 1 breaks */
    enum sb_excess excess;
    int retcode;
    struct mk_phrase says; /* with places: {limit} {least} {value} {subject} {given} */
};
extern const struct sb_limit sb_limits[SB_LIMIT_COUNT];

/* What was measured. */
struct sb_measured {
    enum sb_limit_id id;
    uint64_t value;
    uint64_t most;    /* a setting of the world, in place of the table's; 0: the table's */
    uint64_t subject; /* for the reason: the person or message that it is about */
    uint64_t given;   /* for the reason: of `value`, what was there before */
    const struct mk_json_path *path; /* in the params; may be NULL */
};

enum { SB_DROPPED = 2 }; /* the caller leaves out what was measured; only of a limit that drops */

/* Returns 0, SB_REFUSED or SB_DROPPED. */
int sb_limit_check(struct sb_request *request, enum sb_limit_id id, uint64_t value,
                   const struct mk_json_path *path);
int sb_limit_check_measured(struct sb_request *request, const struct sb_measured *measured);

#endif
