/*
 * world_clock: the time of a world. It is the machine's own until an operator moves it. Each world
 * has its own: it is in its database, and, for those who ask, in its sb_db.
 */
#ifndef SB_STORE_CLOCK_H
#define SB_STORE_CLOCK_H

#include "backend/sandbox/store/db.h"

#define SB_WORLD_LATEST UINT64_C(253402300799) /* the end of the year 9999 */

/* Seconds since 1970, for everything that the world remembers. */
uint64_t sb_clock_now(const struct sb_db *db);

/* Takes the clock over from the database. Returns 0 or -errno. */
int sb_clock_load(struct sb_db *db);

/* Writes the clock, inside the open transaction, and takes it over. Returns 0 or -errno. */
int sb_world_clock_set(struct sb_db *db, const struct sb_clock *clock);

#endif
