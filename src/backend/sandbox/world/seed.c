/*
 * seed: the world that the first start makes, and how bots of the configuration join it. It has
 * what a bot's author needs to see each event: friends, a group of a person in which the bot is an
 * admin, a group that the bot is not in, a stranger who shares only a group with it, and requests
 * that wait for an answer. These are the only statements that walk through all people.
 */
#include "backend/sandbox/world/seed.h"

#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/person.h"

enum {
    FIRST_GROUP = 700000001,
    SECOND_GROUP = 700000002,
    OWNER = 10003001,
    SECOND_OWNER = 10003002,
    /* Those whom no bot has for a friend: */
    STRANGER = 10008001,  /* is in the first group */
    ADMIRER = 10008002,   /* wants to be a friend of each bot */
    APPLICANT = 10008003, /* wants to join the first group */
};

/* clang-format off */
static const char people_sql[] =
    "INSERT INTO person (uin, nickname, sex, age, level, qid, bio, country, city, school) VALUES"
    " (10003001, '小明', 1, 20, 16, 'xiaoming', '今天也要加油', '中国', '北京', '牛奶大学'),"
    " (10003002, '小红', 2, 21, 18, 'xiaohong', '喜欢猫和奶茶', '中国', '上海', '牛奶大学'),"
    " (10003003, '阿杰', 1, 24, 32, 'ajie', '代码能跑就别动', '中国', '深圳', ''),"
    " (10003004, 'Alice', 2, 22, 9, 'alice', 'Curiouser and curiouser!', '英国', '牛津', ''),"
    " (10003005, 'Bob', 0, 30, 5, 'bob', 'Can we build it?', '美国', '旧金山', ''),"
    " (10008001, '路人', 0, 25, 3, '', '只是路过', '中国', '成都', ''),"
    " (10008002, '阿雯', 2, 19, 7, 'awen', '想认识新朋友', '中国', '杭州', ''),"
    " (10008003, '老王', 1, 45, 40, '', '住在隔壁', '中国', '广州', '')";

static const char categories_sql[] =
    "INSERT INTO friend_category SELECT uin, 0, '我的好友' FROM person";
static const char friendships_sql[] =
    "INSERT INTO friendship (owner, friend) SELECT a.uin, b.uin FROM person a, person b"
    " WHERE a.uin <> b.uin AND a.uin < 10008001 AND b.uin < 10008001";
/* clang-format on */

/* ?1: the group; ?2: the time; ?3: its owner */
static const char first_group_sql[] =
    "INSERT INTO qq_group (group_id, name, max_member_count, created_time, description)"
    " VALUES (?1, '牛奶小屋', 2000, ?2, '大家都在这里')";
static const char second_group_sql[] =
    "INSERT INTO qq_group (group_id, name, max_member_count, created_time, description)"
    " VALUES (?1, '牛奶工坊', 200, ?2, '机器人还不在这里')";
static const char first_members_sql[] =
    "INSERT INTO member (group_id, uin, join_time, role)"
    " SELECT ?1, uin, ?2, iif(uin = ?3, 2, 0) FROM person WHERE uin <= 10008001";
static const char second_members_sql[] = "INSERT INTO member (group_id, uin, join_time, role)"
                                         " SELECT ?1, uin, ?2, iif(uin = ?3, 2, 0) FROM person "
                                         "WHERE uin IN (10003002, 10003003, 10003005)";
static const char friend_request_sql[] =
    "INSERT INTO friend_request (initiator, target, time, is_filtered, comment, via)"
    " SELECT ?1, ?2, ?3, 0, '我是阿雯，可以加个好友吗？', 'QQ群' WHERE ?1 <> ?2";

static int make_people_and_groups(struct sb_db *db, uint64_t now)
{
    int rc = sb_db_exec(db, people_sql, 0, NULL);
    if (rc == 0)
        rc = sb_db_exec(db, categories_sql, 0, NULL);
    if (rc == 0)
        rc = sb_db_exec(db, friendships_sql, 0, NULL);
    if (rc == 0)
        rc = SB_DB_EXEC(db, first_group_sql, FIRST_GROUP, now);
    if (rc == 0)
        rc = SB_DB_EXEC(db, first_members_sql, FIRST_GROUP, now, OWNER);
    if (rc == 0)
        rc = SB_DB_EXEC(db, second_group_sql, SECOND_GROUP, now);
    if (rc == 0)
        rc = SB_DB_EXEC(db, second_members_sql, SECOND_GROUP, now, SECOND_OWNER);
    return rc;
}

/* Makes the first bot an admin of the first group, and the requests that wait for its answer. */
static int make_requests(struct sb_db *db, const uint64_t *bots, size_t count, uint64_t now)
{
    struct sb_notice notice = {
        .group = FIRST_GROUP,
        .kind = SB_NOTICE_JOIN,
        .initiator = APPLICANT,
        .target = APPLICANT,
        .comment = MK_SLICE("我是隔壁老王"),
    };
    int rc = 0;
    if (count > 0)
        rc =
            SB_DB_EXEC(db, "UPDATE member SET role = 1 WHERE group_id = ? AND uin = ? AND role = 0",
                       FIRST_GROUP, bots[0]);
    if (rc == 0)
        rc = sb_notice_write(db, &notice);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = SB_DB_EXEC(db, friend_request_sql, ADMIRER, bots[i], now);
    return rc;
}

/* --- bots --- */

int sb_seed_bot(struct sb_db *db, uint64_t uin)
{
    int rc = SB_DB_EXEC(db,
                        "INSERT INTO person (uin, nickname, bio, is_bot)"
                        " VALUES (?1, 'Milky ' || ?1, '我是机器人', 1)"
                        " ON CONFLICT DO UPDATE SET is_bot = 1",
                        uin);
    if (rc == 0)
        rc = SB_DB_EXEC(db, "UPDATE member SET is_bot = 1 WHERE uin = ?", uin);
    if (rc == 0)
        rc = SB_DB_EXEC(db, "INSERT OR IGNORE INTO friend_category VALUES (?, 0, '我的好友')", uin);
    return rc;
}

/* A friend of all people but the strangers, and a member of the first group if that still exists.
 */
static int join(struct sb_db *db, uint64_t uin, uint64_t now)
{
    int rc = SB_DB_EXEC(db,
                        "WITH other AS (SELECT owner AS uin FROM friend_category"
                        " WHERE category_id = 0 AND owner <> ?1 AND owner NOT BETWEEN ?2 AND ?3)"
                        " INSERT OR IGNORE INTO friendship (owner, friend)"
                        " SELECT ?1, uin FROM other UNION ALL SELECT uin, ?1 FROM other",
                        uin, STRANGER, APPLICANT);
    if (rc == 0)
        rc = SB_DB_EXEC(db,
                        "INSERT OR IGNORE INTO member (group_id, uin, join_time, is_bot)"
                        " SELECT group_id, ?2, ?3, 1 FROM qq_group"
                        " WHERE group_id = ?1 AND dissolved = 0",
                        FIRST_GROUP, uin, now);
    return rc;
}

int sb_seed(struct sb_db *db, bool is_new, const uint64_t *bots, size_t count, uint64_t now)
{
    int rc = is_new ? make_people_and_groups(db, now) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int known = sb_person_is_bot(db, bots[i]);
        if (known > 0)
            continue;
        rc = known < 0 ? known : sb_seed_bot(db, bots[i]);
        if (rc == 0)
            rc = join(db, bots[i], now);
    }
    return rc == 0 && is_new ? make_requests(db, bots, count, now) : rc;
}
