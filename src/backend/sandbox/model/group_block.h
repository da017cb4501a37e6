/*
 * group_block: people who were kicked out of a group for good. They cannot ask to join it any more,
 * nor be invited by a mere member; an invitation by the owner or an admin ends the block.
 */
#ifndef SB_MODEL_GROUP_BLOCK_H
#define SB_MODEL_GROUP_BLOCK_H

#include "backend/sandbox/store/db.h"

/* Returns 1 when the person is blocked, 0, or -errno. */
int sb_group_block_find(struct sb_db *db, uint64_t group, uint64_t user);

/* Inside the transaction. Return 0, also where there is nothing to change, or -errno. */
int sb_group_block_add(struct sb_db *db, uint64_t group, uint64_t user);
int sb_group_block_remove(struct sb_db *db, uint64_t group, uint64_t user);

#endif
