/* world_clock: see the header. */
#include "backend/sandbox/world_clock.h"

#include "base/clock.h"

uint64_t mk_world_now(const struct mk_db *db)
{
    if (db->clock.stopped_at)
        return db->clock.stopped_at;
    int64_t now = (int64_t)(mk_clock_real_ms() / 1000) + db->clock.offset;
    return now > 0 ? (uint64_t)now : 0;
}

int mk_world_clock_load(struct mk_db *db)
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
    db->clock = clock;
    return 0;
}

int mk_world_clock_set(struct mk_db *db, const struct mk_world_clock *clock)
{
    int rc =
        mk_db_run(db, MK_DB_USE(db, MK_SQL_CLOCK_SET, (uint64_t)clock->offset, clock->stopped_at));
    if (rc == 0)
        db->clock = *clock;
    return rc;
}
