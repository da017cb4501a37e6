/*
 * nature: the time and the chance of the world. Both are the machine's own until an operator moves
 * the clock or a seed makes chance repeat itself. One process has one world, so there is one of
 * each.
 */
#ifndef MK_SANDBOX_NATURE_H
#define MK_SANDBOX_NATURE_H

#include "backend/sandbox/db.h"

#define MK_NATURE_LATEST UINT64_C(253402300799) /* the end of the year 9999 */

/* Seconds since 1970, as the clock of the world says: for everything that the world remembers. */
uint64_t mk_now(void);

/* Bytes for an id. Nobody can guess them, unless the world was seeded. */
void mk_chance(void *out, size_t len);

/* The clock: the machine's, moved by `offset` seconds, or standing at `stopped_at`. */
struct mk_world_clock {
    int64_t offset;
    uint64_t stopped_at; /* 0: it runs */
};
const struct mk_world_clock *mk_world_clock(void);

/* Takes the clock over from the database. Returns 0 or -errno. */
int mk_nature_load(struct mk_db *db);

/* Writes the clock, inside the open transaction, and takes it over. Returns 0 or -errno. */
int mk_nature_set_clock(struct mk_db *db, const struct mk_world_clock *clock);

/*
 * From here on chance is a sequence that `seed` and what stands in the world decide: the same
 * world, seed and calls bring the same ids. NULL makes it unguessable again. Returns 0 or -errno.
 */
int mk_nature_seed(struct mk_db *db, const uint64_t *seed);

#endif
