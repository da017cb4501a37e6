/*
 * clock: the time of a world: the machine's, until an operator moves it. It is kept in the
 * database, and read once into its sb_db.
 */
#ifndef SB_STORE_CLOCK_H
#define SB_STORE_CLOCK_H

#include "backend/sandbox/store/db.h"

#define SB_WORLD_LATEST UINT64_C(253402300799) /* the end of the year 9999 */

/* Seconds since 1970: the time of all that happens in the world. */
uint64_t sb_clock_now(const struct sb_db *db);

/* The same in milliseconds; those of a clock that was stopped are 0. */
uint64_t sb_clock_now_ms(const struct sb_db *db);

/* Days since 1970 in China, where days begin at midnight. */
static inline uint64_t sb_clock_day(const struct sb_db *db)
{
    return (sb_clock_now(db) + 8 * 60 * 60) / (24 * 60 * 60);
}

/* Reads the clock from the database. Returns 0 or -errno. */
int sb_clock_load(struct sb_db *db);

/* Moves the clock. Inside the transaction. Returns 0 or -errno. */
int sb_clock_set(struct sb_db *db, const struct sb_clock *clock);

#endif
