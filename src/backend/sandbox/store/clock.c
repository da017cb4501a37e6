/* clock: see the header. */
#include "backend/sandbox/store/clock.h"

#include "base/clock.h"

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

static const struct sb_query clock_sql = { "SELECT offset, stopped_at FROM clock WHERE id = 1" };
enum { CLOCK_OFFSET, CLOCK_STOPPED_AT };
/* offset, stopped_at */
static const struct sb_query clock_set_sql = {
    "INSERT INTO clock (id, offset, stopped_at) VALUES (1, ?1, ?2)"
    " ON CONFLICT DO UPDATE SET offset = ?1, stopped_at = ?2"
};

uint64_t sb_clock_now(const struct sb_db *db)
{
    if (db->clock.stopped_at)
        return db->clock.stopped_at;
    int64_t now = (int64_t)(mk_clock_real_ms() / 1000) + db->clock.offset;
    return now > 0 ? (uint64_t)now : 0;
}

uint64_t sb_clock_now_ms(const struct sb_db *db)
{
    uint64_t ms = db->clock.stopped_at ? 0 : (uint64_t)mk_clock_real_ms() % 1000;
    return sb_clock_now(db) * 1000 + ms;
}

int sb_clock_load(struct sb_db *db)
{
    struct sb_clock clock = { 0 };
    sqlite3_stmt *row = sb_db_use(db, &clock_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    if (rc > 0) {
        clock.offset = (int64_t)sb_db_uint(row, CLOCK_OFFSET);
        clock.stopped_at = sb_db_uint(row, CLOCK_STOPPED_AT);
    }
    sqlite3_reset(row);
    db->clock = clock;
    return 0;
}

int sb_clock_set(struct sb_db *db, const struct sb_clock *clock)
{
    int rc =
        sb_db_run(db, SB_DB_USE(db, &clock_set_sql, (uint64_t)clock->offset, clock->stopped_at));
    if (rc == 0)
        db->clock = *clock;
    return rc;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* One row where the clock was moved: by `offset` seconds, or stopped at stopped_at. */
    { 4, "CREATE TABLE clock ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  offset INTEGER NOT NULL,"
    "  stopped_at INTEGER NOT NULL"
    ") STRICT;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_clock = { .steps = steps };
