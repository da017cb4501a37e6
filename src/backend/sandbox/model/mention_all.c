/* mention_all: see the header. */
#include "backend/sandbox/model/mention_all.h"

#include "backend/sandbox/model/world_list.h"
#include "backend/sandbox/turn/limits.h"

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* sender, day */
static const struct sb_query of_sender_sql = {
    "SELECT coalesce(sum(today), 0) FROM mention_all WHERE uin = ?1 AND day = ?2"
};
/* group, day */
static const struct sb_query of_group_sql = {
    "SELECT coalesce(sum(today), 0) FROM mention_all WHERE group_id = ?1 AND day = ?2"
};
enum { COUNT };
/* group, sender, day */
static const struct sb_query count_sql = {
    "INSERT INTO mention_all VALUES (?1, ?2, ?3, 1)"
    " ON CONFLICT DO UPDATE SET day = ?3, today = CASE day WHEN ?3 THEN today ELSE 0 END + 1"
};

static int check_count(struct sb_request *request, const struct sb_query *query, uint64_t whose,
                       enum sb_limit_id limit)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, query, whose, sb_clock_day(db));
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t count = rc > 0 ? sb_db_uint(row, COUNT) : 0;
    sqlite3_reset(row);
    return sb_limit_check(request, limit, count + 1, NULL);
}

int sb_mention_all_check(struct sb_request *request, uint64_t group, uint64_t sender)
{
    int rc = check_count(request, &of_sender_sql, sender, SB_LIMIT_MENTION_ALL_PER_ACCOUNT_DAY);
    return rc ? rc : check_count(request, &of_group_sql, group, SB_LIMIT_MENTION_ALL_PER_GROUP_DAY);
}

int sb_mention_all_count(struct sb_request *request, uint64_t group, uint64_t sender)
{
    struct sb_db *db = &request->sandbox->db;
    return sb_db_run(db, SB_DB_USE(db, &count_sql, group, sender, sb_clock_day(db)));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* day: days since 1970 in China; today: how many on that day. */
    { 10, "CREATE TABLE mention_all ("
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  day INTEGER NOT NULL,"
    "  today INTEGER NOT NULL,"
    "  PRIMARY KEY (group_id, uin)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX mention_all_of ON mention_all (uin, day);" },
    { 0 },
};

/* --- in the JSON of a world --- */

static const struct sb_world_list world_mentions = {
    .name = "mentions_of_all",
    .select = "SELECT 0, group_id, uin, day, today FROM mention_all ORDER BY group_id, uin",
    .insert = "INSERT INTO mention_all (group_id, uin, day, today) VALUES (?2, ?3, ?4, ?5)",
    .columns = (const struct sb_column[]){
        { "group_id", SB_KIND_NUMBER, true, .refers = SB_REFERS_GROUP },
        SB_COLUMN_PERSON("user_id"),
        SB_COLUMN_NUMBER("day"),
        SB_COLUMN_NUMBER("today"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_mentions, NULL };

const struct sb_feature sb_feature_mention_all = { .steps = steps, .lists = lists };
