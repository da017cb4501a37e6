/*
 * world_clock: the time of a world. It is the machine's own until an operator moves it. Each world
 * has its own: it is in its database, and, for those who ask, in its mk_db.
 */
#ifndef MK_SANDBOX_WORLD_CLOCK_H
#define MK_SANDBOX_WORLD_CLOCK_H

#include "backend/sandbox/db.h"

#define MK_WORLD_LATEST UINT64_C(253402300799) /* the end of the year 9999 */

/* Seconds since 1970, for everything that the world remembers. */
uint64_t mk_world_now(const struct mk_db *db);

/* Takes the clock over from the database. Returns 0 or -errno. */
int mk_world_clock_load(struct mk_db *db);

/* Writes the clock, inside the open transaction, and takes it over. Returns 0 or -errno. */
int mk_world_clock_set(struct mk_db *db, const struct mk_world_clock *clock);

#endif
