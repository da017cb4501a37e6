/*
 * limit_log: how often each limit was exceeded, and the last few times: for an operator who looks
 * for the mistakes of a bot. It is not part of the world: a restart forgets it.
 */
#ifndef SB_TURN_LIMIT_LOG_H
#define SB_TURN_LIMIT_LOG_H

#include "backend/sandbox/turn/limit_ids.h"

#include <stdint.h>

enum sb_limit_outcome { SB_LIMIT_REFUSED, SB_LIMIT_DROPPED, SB_LIMIT_WARNED, SB_LIMIT_OUTCOMES };

enum {
    SB_LIMIT_LOG_ENTRIES = 32,
    SB_LIMIT_LOG_PATH = 96,
    SB_LIMIT_LOG_ACTION = 48,
};

struct sb_limit_entry {
    enum sb_limit_id id;
    enum sb_limit_outcome outcome;
    uint64_t self_id;
    uint64_t time; /* of the world */
    uint64_t value;
    char action[SB_LIMIT_LOG_ACTION];
    char path[SB_LIMIT_LOG_PATH]; /* "": none */
};

struct sb_limit_log {
    uint64_t counts[SB_LIMIT_COUNT][SB_LIMIT_OUTCOMES];
    uint64_t total;                                      /* the next one's place is its remainder */
    struct sb_limit_entry entries[SB_LIMIT_LOG_ENTRIES]; /* a ring */
    uint64_t last_call;       /* the call and the limit of the last line in the log: ... */
    enum sb_limit_id last_id; /* ... a message with a thousand mistakes of a kind makes one line */
};

#endif
