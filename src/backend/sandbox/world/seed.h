/* seed: the world that the first start makes. */
#ifndef SB_WORLD_SEED_H
#define SB_WORLD_SEED_H

#include "backend/sandbox/store/db.h"

/* Fills a new world, or lets bots join that are not in it yet, inside the open transaction. */
int sb_seed(struct sb_db *db, bool is_new, const uint64_t *bots, size_t count, uint64_t now);

/* Makes the person a bot; creates one without friends where there is none. Returns 0 or -errno. */
int sb_seed_bot(struct sb_db *db, uint64_t uin);

#endif
