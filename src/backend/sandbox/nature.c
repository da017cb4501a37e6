/* nature: see the header. */
#include "backend/sandbox/nature.h"

#include "base/clock.h"
#include "base/random.h"

#include <string.h>

static struct mk_world_clock clock_now;
static uint64_t state; /* of the sequence */
static bool seeded;

/* --- time --- */

uint64_t mk_now(void)
{
    if (clock_now.stopped_at)
        return clock_now.stopped_at;
    int64_t now = (int64_t)(mk_clock_real_ms() / 1000) + clock_now.offset;
    return now > 0 ? (uint64_t)now : 0;
}

const struct mk_world_clock *mk_world_clock(void)
{
    return &clock_now;
}

int mk_nature_load(struct mk_db *db)
{
    struct mk_world_clock clock = { 0 };
    sqlite3_stmt *row = mk_db_use(db, MK_SQL_CLOCK, 0, NULL);
    int rc = mk_db_step(db, row);
    if (rc < 0)
        return rc;
    if (rc > 0) {
        clock.offset = (int64_t)mk_db_uint(row, 0);
        clock.stopped_at = mk_db_uint(row, 1);
    }
    sqlite3_reset(row);
    clock_now = clock;
    return 0;
}

int mk_nature_set_clock(struct mk_db *db, const struct mk_world_clock *clock)
{
    int rc =
        mk_db_run(db, MK_DB_USE(db, MK_SQL_CLOCK_SET, (uint64_t)clock->offset, clock->stopped_at));
    if (rc == 0)
        clock_now = *clock;
    return rc;
}

/* --- chance --- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(void)
{
    uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void mk_chance(void *out, size_t len)
{
    if (!seeded) {
        mk_random_bytes(out, len);
        return;
    }
    char *to = out;
    for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
        uint64_t number = next();
        size_t left = len - done;
        memcpy(to + done, &number, left < sizeof(number) ? left : sizeof(number));
    }
}

/* What was said moves the sequence on: else a world that was dumped and loaded repeats its ids. */
int mk_nature_seed(struct mk_db *db, const uint64_t *seed)
{
    uint64_t said = 0;
    seeded = seed != NULL;
    if (!seeded)
        return 0;
    sqlite3_stmt *row = mk_db_use(db, MK_SQL_SAID, 0, NULL);
    int rc = mk_db_step(db, row);
    if (rc > 0)
        said = mk_db_uint(row, 0);
    sqlite3_reset(row);
    state = *seed;
    state = next() ^ said;
    return rc < 0 ? rc : 0;
}
