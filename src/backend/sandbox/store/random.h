/*
 * world_random: the random numbers of a world, of which ids are made. They are the machine's, until
 * a seed makes them repeat themselves. Each world has its own, in its sb_db.
 */
#ifndef SB_STORE_RANDOM_H
#define SB_STORE_RANDOM_H

#include "backend/sandbox/store/db.h"

#include <stddef.h>

/* Bytes for an id. They cannot be guessed, unless the world was seeded. */
void sb_random_bytes(struct sb_db *db, void *out, size_t len);

/*
 * From here on they are a sequence that `seed` and what is in the world decide: the same world,
 * seed and calls bring the same ids. NULL makes it unguessable again. Returns 0 or -errno.
 */
int sb_random_seed(struct sb_db *db, const uint64_t *seed);

#endif
