/*
 * random: the random numbers of a world, which its ids are made of. They are the machine's, until a
 * seed makes them repeatable. The state is in the sb_db of the world.
 */
#ifndef SB_STORE_RANDOM_H
#define SB_STORE_RANDOM_H

#include "backend/sandbox/store/db.h"

#include <stddef.h>

/* Makes bytes for an id. They cannot be guessed, unless the world was seeded. */
void sb_random_bytes(struct sb_db *db, void *out, size_t len);

/*
 * Begins a sequence that depends on `seed` and on the messages of the world: the same world, seed
 * and calls result in the same ids. NULL: ids cannot be guessed again. Returns 0 or -errno.
 */
int sb_random_seed(struct sb_db *db, const uint64_t *seed);

#endif
