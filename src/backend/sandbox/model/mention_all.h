/* mention_all: how often each member has mentioned all others today, in each group. */
#ifndef SB_MODEL_MENTION_ALL_H
#define SB_MODEL_MENTION_ALL_H

#include "backend/sandbox/turn/request.h"

/* One more today. Returns 0, SB_REFUSED or -errno. */
int sb_mention_all_check(struct sb_request *request, uint64_t group, uint64_t sender);

/* Counts it. Inside the transaction. Returns 0 or -errno. */
int sb_mention_all_count(struct sb_request *request, uint64_t group, uint64_t sender);

#endif
