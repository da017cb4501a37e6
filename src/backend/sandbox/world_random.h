/*
 * world_random: the random numbers of a world, of which ids are made. They are the machine's, until
 * a seed makes them repeat themselves. Each world has its own, in its mk_db.
 */
#ifndef MK_SANDBOX_WORLD_RANDOM_H
#define MK_SANDBOX_WORLD_RANDOM_H

#include "backend/sandbox/db.h"

#include <stddef.h>

/* Bytes for an id. They cannot be guessed, unless the world was seeded. */
void mk_world_random_bytes(struct mk_db *db, void *out, size_t len);

/*
 * From here on they are a sequence that `seed` and what is in the world decide: the same world,
 * seed and calls bring the same ids. NULL makes it unguessable again. Returns 0 or -errno.
 */
int mk_world_random_seed(struct mk_db *db, const uint64_t *seed);

#endif
