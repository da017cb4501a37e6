/*
 * seed: the world that the first start makes, and how bots of the configuration join it. These are
 * the only statements that walk through all people.
 */
#include "backend/sandbox/world/seed.h"
#include "backend/sandbox/model/person.h"

enum { FIRST_GROUP = 700000001, FIRST_PERSON = 10003001, PEOPLE = 5 };

/* clang-format off */
static const char people_sql[] =
    "INSERT INTO person (uin, nickname, sex, age, level, qid, bio, country, city, school) VALUES"
    " (10003001, '小明', 1, 20, 16, 'xiaoming', '今天也要加油', '中国', '北京', '牛奶大学'),"
    " (10003002, '小红', 2, 21, 18, 'xiaohong', '喜欢猫和奶茶', '中国', '上海', '牛奶大学'),"
    " (10003003, '阿杰', 1, 24, 32, 'ajie', '代码能跑就别动', '中国', '深圳', ''),"
    " (10003004, 'Alice', 2, 22, 9, 'alice', 'Curiouser and curiouser!', '英国', '牛津', ''),"
    " (10003005, 'Bob', 0, 30, 5, 'bob', 'Can we build it?', '美国', '旧金山', '')";
/* clang-format on */

/* Makes them a friend of everybody, and a member of the first group if that still exists. */
static int join_everybody(struct sb_db *db, uint64_t uin, uint64_t now)
{
    int rc = SB_DB_EXEC(db, "INSERT OR IGNORE INTO friend_category VALUES (?, 0, '我的好友')", uin);
    if (rc == 0)
        rc = SB_DB_EXEC(
            db,
            "INSERT OR IGNORE INTO friendship (owner, friend)"
            " SELECT ?1, owner FROM friend_category WHERE category_id = 0 AND owner <> ?1"
            " UNION ALL"
            " SELECT owner, ?1 FROM friend_category WHERE category_id = 0 AND owner <> ?1",
            uin);
    if (rc == 0)
        rc = SB_DB_EXEC(db,
                        "INSERT OR IGNORE INTO member (group_id, uin, join_time, is_bot)"
                        " SELECT g.group_id, p.uin, ?3, p.is_bot FROM qq_group g, person p"
                        " WHERE g.group_id = ?1 AND p.uin = ?2 AND g.dissolved = 0",
                        FIRST_GROUP, uin, now);
    return rc;
}

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

static int make_first_world(struct sb_db *db, uint64_t now)
{
    int rc = SB_DB_EXEC(db,
                        "INSERT INTO qq_group (group_id, name, max_member_count, created_time,"
                        " description) VALUES (?, '牛奶小屋', 2000, ?, '大家都在这里')",
                        FIRST_GROUP, now);
    if (rc == 0)
        rc = sb_db_exec(db, people_sql, 0, NULL);
    for (uint64_t uin = FIRST_PERSON; rc == 0 && uin < FIRST_PERSON + PEOPLE; uin++)
        rc = join_everybody(db, uin, now);
    return rc;
}

int sb_seed(struct sb_db *db, bool is_new, const uint64_t *bots, size_t count, uint64_t now)
{
    int rc = is_new ? make_first_world(db, now) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int known = sb_person_is_bot(db, bots[i]);
        if (known > 0)
            continue;
        rc = known < 0 ? known : sb_seed_bot(db, bots[i]);
        if (rc == 0)
            rc = join_everybody(db, bots[i], now);
    }
    if (rc == 0 && is_new)
        rc = SB_DB_EXEC(db, "UPDATE member SET role = 2 WHERE group_id = ? AND uin = ?",
                        FIRST_GROUP, count > 0 ? bots[0] : FIRST_PERSON);
    return rc;
}
