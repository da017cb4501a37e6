/* profile_like: the likes that profiles get. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/world_list.h"
#include "backend/sandbox/turn/turn.h"

#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* liker, uin, day: how many on that day */
static const struct sb_query likes_sql = {
    "SELECT today FROM profile_like WHERE liker = ?1 AND uin = ?2 AND day = ?3"
};
enum { LIKES_TODAY };
/* liker, uin, day, count */
static const struct sb_query like_sql = { "INSERT INTO profile_like VALUES (?1, ?2, ?3, ?4, ?4)"
                                          " ON CONFLICT DO UPDATE SET total = total + ?4, day = ?3,"
                                          " today = CASE day WHEN ?3 THEN today ELSE 0 END + ?4" };

enum { LIKES_A_DAY = 10 }; /* for one friend */

/* Days begin at midnight in China. */
static uint64_t today(const struct sb_db *db)
{
    return (sb_clock_now(db) + 8 * 60 * 60) / (24 * 60 * 60);
}

static int like(struct sb_request *request, uint64_t actor, uint64_t friend, uint64_t count)
{
    struct sb_db *db = &request->sandbox->db;
    if (count == 0)
        return sb_refuse(request, MILKY_MALFORMED, "count must be at least 1", "count 至少为 1");
    int rc = sb_friendship_require(request, actor, friend);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &likes_sql, actor, friend, today(db));
    rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t given = rc > 0 ? sb_db_uint(row, LIKES_TODAY) : 0;
    sqlite3_reset(row);
    if (count > LIKES_A_DAY - given)
        return sb_refuse(request, SB_TOO_MUCH,
                         "at most %d likes a day for one friend: %" PRIu64
                         " of them have been given to %" PRIu64,
                         "每天最多给同一好友点赞 %d 次：已点赞 %" PRIu64 " 次（%" PRIu64 "）",
                         LIKES_A_DAY, given, friend);
    rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &like_sql, actor, friend, today(db), count));
}

static int send_profile_like(struct sb_request *request)
{
    return like(request, request->self_id, milky_uint(request->params, "user_id"),
                milky_uint(request->params, "count"));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* day: days since 1970 in China; today: how many on that day. */
    { 3, "CREATE TABLE profile_like ("
    "  liker INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  day INTEGER NOT NULL,"
    "  today INTEGER NOT NULL,"
    "  total INTEGER NOT NULL,"
    "  PRIMARY KEY (liker, uin)"
    ") STRICT, WITHOUT ROWID;" },
    { 0 },
};
/* clang-format on */

static const struct sb_api apis[] = {
    { "send_profile_like", send_profile_like },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_likes = {
    .name = "likes",
    .select = "SELECT 0, liker, uin, day, today, total FROM profile_like ORDER BY liker, uin",
    .insert = "INSERT INTO profile_like (liker, uin, day, today, total)"
              " VALUES (?2, ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_PERSON("user_id"),
        SB_COLUMN_PERSON("friend_id"),
        SB_COLUMN_NUMBER("day"),
        SB_COLUMN_NUMBER("today"),
        SB_COLUMN_NUMBER("total"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_likes, NULL };

const struct sb_feature sb_feature_profile_like = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
