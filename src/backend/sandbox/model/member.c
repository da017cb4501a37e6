/* member: see the header. */
#include "backend/sandbox/model/member.h"

#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>

/* clang-format off */
/*
 * role: enum sb_role. remark: the name that this member gave the group. is_bot repeats
 * person.is_bot, so that the bots in a group of thousands are found at once.
 */
static const char member_sql[] =
    "CREATE TABLE member ("
    "  group_id INTEGER NOT NULL REFERENCES qq_group,"
    "  uin INTEGER NOT NULL REFERENCES person,"
    "  card TEXT NOT NULL DEFAULT '',"
    "  title TEXT NOT NULL DEFAULT '',"
    "  level INTEGER NOT NULL DEFAULT 1,"
    "  role INTEGER NOT NULL DEFAULT 0,"
    "  join_time INTEGER NOT NULL,"
    "  last_sent_time INTEGER NOT NULL DEFAULT 0,"
    "  shut_up_end_time INTEGER,"
    "  remark TEXT NOT NULL DEFAULT '',"
    "  is_bot INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (group_id, uin)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX member_of ON member (uin, group_id);"
    "CREATE UNIQUE INDEX member_owner ON member (group_id) WHERE role = 2;"
    "CREATE INDEX member_bot ON member (group_id, uin) WHERE is_bot = 1;"
    "CREATE TRIGGER member_added AFTER INSERT ON member BEGIN"
    "  UPDATE qq_group SET member_count = member_count + 1 WHERE group_id = new.group_id;"
    "END;"
    "CREATE TRIGGER member_removed AFTER DELETE ON member BEGIN"
    "  UPDATE qq_group SET member_count = member_count - 1 WHERE group_id = old.group_id;"
    "END;";

static const char member_manager_sql[] =
    "CREATE INDEX member_manager ON member (group_id, uin) WHERE role >= 1;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define ENTITY_COLUMNS                                                                             \
    "SELECT p.uin, p.nickname, p.sex, m.card, m.title, m.level, m.role, m.join_time,"              \
    " m.last_sent_time, m.shut_up_end_time, m.uin IS NOT NULL"
enum {
    ENTITY_UIN,
    ENTITY_NICKNAME,
    ENTITY_SEX,
    ENTITY_CARD,
    ENTITY_TITLE,
    ENTITY_LEVEL,
    ENTITY_ROLE,
    ENTITY_JOIN_TIME,
    ENTITY_LAST_SENT_TIME,
    ENTITY_SHUT_UP_END_TIME,
    ENTITY_IS_MEMBER,
};

/* group, uin; the columns of the member are NULL where the person is not in the group */
static const struct sb_query entity_sql = {
    ENTITY_COLUMNS " FROM person p LEFT JOIN member m"
                   " ON m.group_id = ?1 AND m.uin = p.uin WHERE p.uin = ?2"
};
/* group */
static const struct sb_query entities_sql = { ENTITY_COLUMNS
                                              " FROM member m CROSS JOIN person p ON p.uin = m.uin"
                                              " WHERE m.group_id = ?1 ORDER BY m.uin" };

/* --- looking up --- */

static const char *const roles[] = { "member", "admin", "owner", NULL };

const char *sb_role_name(uint64_t role)
{
    return roles[role <= SB_ROLE_OWNER ? role : SB_ROLE_MEMBER];
}

/* The texts of `member` stay borrowed from the row. */
static void read_member(sqlite3_stmt *row, struct sb_member *member)
{
    *member = (struct sb_member){
        .uin = sb_db_uint(row, ENTITY_UIN),
        .nickname = sb_db_text(row, ENTITY_NICKNAME),
        .sex = sb_db_uint(row, ENTITY_SEX),
        .card = sb_db_text(row, ENTITY_CARD),
        .title = sb_db_text(row, ENTITY_TITLE),
        .level = sb_db_uint(row, ENTITY_LEVEL),
        .role = sb_db_uint(row, ENTITY_ROLE),
        .join_time = sb_db_uint(row, ENTITY_JOIN_TIME),
        .last_sent_time = sb_db_uint(row, ENTITY_LAST_SENT_TIME),
        .shut_up_end_time = sb_db_uint(row, ENTITY_SHUT_UP_END_TIME),
        .is_member = sb_db_uint(row, ENTITY_IS_MEMBER) != 0,
    };
}

int sb_member_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct sb_member *member)
{
    sqlite3_stmt *row = SB_DB_USE(db, &entity_sql, group, uin);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    read_member(row, member);
    bool is_kept = sb_text_keep(doc, &member->nickname) && sb_text_keep(doc, &member->card) &&
                   sb_text_keep(doc, &member->title);
    sqlite3_reset(row);
    return is_kept ? 1 : -ENOMEM;
}

int sb_member_require(struct sb_request *request, uint64_t group, uint64_t user,
                      struct sb_member *member)
{
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, user, member);
    if (rc < 0)
        return rc;
    return rc > 0 && member->is_member ? 0 : sb_refuse_no_member(request, group, user);
}

int sb_member_require_self(struct sb_request *request, uint64_t group, uint64_t actor,
                           struct sb_member *self)
{
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, actor, self);
    if (rc < 0)
        return rc;
    return rc > 0 && self->is_member ? 0 : sb_refuse_no_group(request, actor, group);
}

struct mk_slice sb_member_name(const struct sb_member *member)
{
    return member->card.len > 0 ? member->card : member->nickname;
}

/* --- GroupMemberEntity --- */

yyjson_mut_val *sb_member_json(const struct sb_db *db, yyjson_mut_doc *doc, uint64_t group,
                               const struct sb_member *member)
{
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "user_id", member->uin) &&
              sb_text_put(doc, json, "nickname", member->nickname) &&
              yyjson_mut_obj_add_str(doc, json, "sex", sb_person_sex(member->sex)) &&
              yyjson_mut_obj_add_uint(doc, json, "group_id", group) &&
              sb_text_put(doc, json, "card", member->card) &&
              sb_text_put(doc, json, "title", member->title) &&
              yyjson_mut_obj_add_uint(doc, json, "level", member->level) &&
              yyjson_mut_obj_add_str(doc, json, "role", sb_role_name(member->role)) &&
              yyjson_mut_obj_add_uint(doc, json, "join_time", member->join_time) &&
              yyjson_mut_obj_add_uint(doc, json, "last_sent_time", member->last_sent_time);
    if (ok && member->shut_up_end_time > sb_clock_now(db))
        ok = yyjson_mut_obj_add_uint(doc, json, "shut_up_end_time", member->shut_up_end_time);
    return ok ? json : NULL;
}

struct in_group {
    const struct sb_db *db;
    uint64_t group;
};

static yyjson_mut_val *read_entity(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    const struct in_group *in = arg;
    struct sb_member member;
    read_member(row, &member);
    return sb_member_json(in->db, doc, in->group, &member);
}

int sb_members_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, yyjson_mut_val **array)
{
    const struct in_group in = { db, group };
    return sb_rows_read(db, SB_DB_USE(db, &entities_sql, group), doc, read_entity, &in, array);
}

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_members = {
    .name = "members",
    .within = &sb_group_list,
    .select = "SELECT 0, uin, role, card, title, level, join_time, last_sent_time,"
              " shut_up_end_time, remark FROM member WHERE group_id = ?1 ORDER BY uin",
    .insert = "INSERT INTO member (group_id, uin, role, card, title, level, join_time,"
              " last_sent_time, shut_up_end_time, remark, is_bot)"
              " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, is_bot FROM person WHERE uin = ?2",
    .columns = (const struct sb_column[]){
        SB_COLUMN_PERSON("user_id"),
        SB_COLUMN_CHOICE("role", roles),
        SB_COLUMN_TEXT("card"),
        SB_COLUMN_TEXT("title"),
        { "level", SB_KIND_NUMBER, .otherwise = 1 },
        SB_COLUMN_TIME("join_time"),
        SB_COLUMN_NUMBER("last_sent_time"),
        SB_COLUMN_NULLABLE("shut_up_end_time"),
        SB_COLUMN_TEXT("remark"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 1, member_sql },
                                               { 5, member_manager_sql },
                                               { 0 } };
static const struct sb_world_list *const lists[] = { &world_members, NULL };

const struct sb_feature sb_feature_member = { .steps = steps, .lists = lists };
