/* profile_like: the likes that profiles get. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/world_list.h"
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/turn/turn.h"

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

/* Friends and strangers have different limits. Returns 0, SB_REFUSED or -errno. */
static int check_count(struct sb_request *request, bool is_friend, const struct sb_measured *day,
                       uint64_t count)
{
    struct sb_measured measured = *day;
    measured.id = is_friend ? SB_LIMIT_LIKE_FRIEND_DAY : SB_LIMIT_LIKE_STRANGER_DAY;
    int rc = sb_limit_check_measured(request, &measured);
    return rc ? rc : sb_limit_check(request, SB_LIMIT_LIKE_PER_CALL, count, NULL);
}

static int like(struct sb_request *request, uint64_t actor, uint64_t user, uint64_t count)
{
    struct sb_db *db = &request->sandbox->db;
    if (count == 0)
        return sb_refuse(request, MILKY_MALFORMED, "count must be at least 1", "count 至少为 1");
    if (actor == user)
        return sb_refuse_no_friend(request, actor, user);
    struct mk_slice nickname;
    int rc = sb_person_find(db, request->doc, user, &nickname, NULL);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_friend(request, actor, user);
    int is_friend = sb_friendship_find(db, actor, user);
    if (is_friend < 0)
        return is_friend;
    sqlite3_stmt *row = SB_DB_USE(db, &likes_sql, actor, user, sb_clock_day(db));
    rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t given = rc > 0 ? sb_db_uint(row, LIKES_TODAY) : 0;
    sqlite3_reset(row);
    const struct sb_measured day = { .value = given + count, .given = given, .subject = user };
    rc = check_count(request, is_friend > 0, &day, count);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &like_sql, actor, user, sb_clock_day(db), count));
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
