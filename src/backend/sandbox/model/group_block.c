/* group_block: see the header. */
#include "backend/sandbox/model/group_block.h"

#include "backend/sandbox/model/group.h"

/* clang-format off */
static const char group_block_sql[] =
    "CREATE TABLE group_block ("
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  PRIMARY KEY (group_id, uin)"
    ") STRICT, WITHOUT ROWID;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, uin */
static const struct sb_query find_sql = {
    "SELECT 1 FROM group_block WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query add_sql = {
    "INSERT INTO group_block VALUES (?1, ?2) ON CONFLICT DO NOTHING"
};
static const struct sb_query remove_sql = {
    "DELETE FROM group_block WHERE group_id = ?1 AND uin = ?2"
};

int sb_group_block_find(struct sb_db *db, uint64_t group, uint64_t user)
{
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, group, user);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    return rc;
}

int sb_group_block_add(struct sb_db *db, uint64_t group, uint64_t user)
{
    return sb_db_run(db, SB_DB_USE(db, &add_sql, group, user));
}

int sb_group_block_remove(struct sb_db *db, uint64_t group, uint64_t user)
{
    return sb_db_run(db, SB_DB_USE(db, &remove_sql, group, user));
}

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_blocked = {
    .name = "blocked",
    .within = &sb_group_list,
    .select = "SELECT 0, uin FROM group_block WHERE group_id = ?1 ORDER BY uin",
    .insert = "INSERT INTO group_block (group_id, uin) VALUES (?1, ?2)",
    .columns = (const struct sb_column[]){ SB_COLUMN_PERSON("user_id"), { NULL } },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 5, group_block_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_blocked, NULL };

const struct sb_feature sb_feature_group_block = { .steps = steps, .lists = lists };
