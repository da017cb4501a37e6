/* entity: see the header. Each reader takes the columns in the order of statements.c. */
#include "backend/sandbox/model/entity.h"

#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"

#include "backend/sandbox/store/clock.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define GROUP_COLUMNS                                                                              \
    "SELECT g.group_id, g.name, g.member_count, g.max_member_count, m.remark, g.created_time,"     \
    " g.description, g.question, g.announcement"                                                   \
    " FROM member m CROSS JOIN qq_group g ON g.group_id = m.group_id"

#define MEMBER_COLUMNS                                                                             \
    "SELECT p.uin, p.nickname, p.sex, m.card, m.title, m.level, m.role, m.join_time,"              \
    " m.last_sent_time, m.shut_up_end_time, m.uin IS NOT NULL"

/* group; left to itself SQLite would walk through all members */
const struct sb_query sb_group_bots_sql = { "SELECT uin, remark FROM member INDEXED BY member_bot"
                                            " WHERE group_id = ?1 AND is_bot = 1 ORDER BY uin" };
/* viewer, group */
static const struct sb_query group_sql = { GROUP_COLUMNS " WHERE m.uin = ?1 AND m.group_id = ?2" };
/* viewer */
static const struct sb_query groups_sql = { GROUP_COLUMNS " WHERE m.uin = ?1 ORDER BY m.group_id" };
/* group, uin: a person who is not (or no more) in the group has NULLs and a 0 at the end */
static const struct sb_query member_sql = {
    MEMBER_COLUMNS " FROM person p LEFT JOIN member m"
                   " ON m.group_id = ?1 AND m.uin = p.uin WHERE p.uin = ?2"
};
/* group */
static const struct sb_query members_sql = { MEMBER_COLUMNS
                                             " FROM member m CROSS JOIN person p ON p.uin = m.uin"
                                             " WHERE m.group_id = ?1 ORDER BY m.uin" };
/* owner */
static const struct sb_query pinned_groups_sql = {
    GROUP_COLUMNS " WHERE m.uin = ?1 AND m.group_id IN"
                  " (SELECT peer FROM pin WHERE owner = ?1 AND scene = 1) ORDER BY m.group_id"
};

/* --- groups --- */

static yyjson_mut_val *read_group(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    (void)arg;
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    bool ok = entity && yyjson_mut_obj_add_uint(doc, entity, "group_id", sb_db_uint(row, 0)) &&
              sb_put_text(doc, entity, "group_name", sb_db_text(row, 1)) &&
              yyjson_mut_obj_add_uint(doc, entity, "member_count", sb_db_uint(row, 2)) &&
              yyjson_mut_obj_add_uint(doc, entity, "max_member_count", sb_db_uint(row, 3)) &&
              sb_put_text(doc, entity, "remark", sb_db_text(row, 4)) &&
              yyjson_mut_obj_add_uint(doc, entity, "created_time", sb_db_uint(row, 5)) &&
              sb_put_text(doc, entity, "description", sb_db_text(row, 6)) &&
              sb_put_text(doc, entity, "question", sb_db_text(row, 7)) &&
              sb_put_text(doc, entity, "announcement", sb_db_text(row, 8));
    return ok ? entity : NULL;
}

int sb_entity_group(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                    yyjson_mut_val **entity)
{
    return sb_row_read(db, SB_DB_USE(db, &group_sql, viewer, group), doc, read_group, NULL, entity);
}

int sb_entity_groups(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &groups_sql, viewer), doc, read_group, NULL, array);
}

int sb_entity_pinned_groups(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                            yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &pinned_groups_sql, viewer), doc, read_group, NULL,
                        array);
}

/* --- members --- */

/* The texts of `member` stay borrowed from the row. */
static void member_of_row(sqlite3_stmt *row, struct sb_member *member)
{
    *member = (struct sb_member){
        .uin = sb_db_uint(row, 0),
        .nickname = sb_db_text(row, 1),
        .sex = sb_db_uint(row, 2),
        .card = sb_db_text(row, 3),
        .title = sb_db_text(row, 4),
        .level = sb_db_uint(row, 5),
        .role = sb_db_uint(row, 6),
        .join_time = sb_db_uint(row, 7),
        .last_sent_time = sb_db_uint(row, 8),
        .shut_up_end_time = sb_db_uint(row, 9),
        .is_member = sb_db_uint(row, 10) != 0,
    };
}

int sb_member_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct sb_member *member)
{
    sqlite3_stmt *row = SB_DB_USE(db, &member_sql, group, uin);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    member_of_row(row, member);
    bool is_kept = sb_text_keep(doc, &member->nickname) && sb_text_keep(doc, &member->card) &&
                   sb_text_keep(doc, &member->title);
    sqlite3_reset(row);
    return is_kept ? 1 : -ENOMEM;
}

struct mk_slice sb_member_name(const struct sb_member *member)
{
    return member->card.len > 0 ? member->card : member->nickname;
}

yyjson_mut_val *sb_entity_member(const struct sb_db *db, yyjson_mut_doc *doc, uint64_t group,
                                 const struct sb_member *member)
{
    static const char *const roles[] = { "member", "admin", "owner" };
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    bool ok = entity && yyjson_mut_obj_add_uint(doc, entity, "user_id", member->uin) &&
              sb_put_text(doc, entity, "nickname", member->nickname) &&
              yyjson_mut_obj_add_str(doc, entity, "sex", sb_sex_name(member->sex)) &&
              yyjson_mut_obj_add_uint(doc, entity, "group_id", group) &&
              sb_put_text(doc, entity, "card", member->card) &&
              sb_put_text(doc, entity, "title", member->title) &&
              yyjson_mut_obj_add_uint(doc, entity, "level", member->level) &&
              yyjson_mut_obj_add_str(doc, entity, "role",
                                     roles[member->role <= SB_ROLE_OWNER ? member->role : 0]) &&
              yyjson_mut_obj_add_uint(doc, entity, "join_time", member->join_time) &&
              yyjson_mut_obj_add_uint(doc, entity, "last_sent_time", member->last_sent_time);
    if (ok && member->shut_up_end_time > sb_clock_now(db))
        ok = yyjson_mut_obj_add_uint(doc, entity, "shut_up_end_time", member->shut_up_end_time);
    return ok ? entity : NULL;
}

struct member_reader {
    struct sb_db *db;
    uint64_t group;
};

static yyjson_mut_val *read_member(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    const struct member_reader *reader = arg;
    struct sb_member member;
    member_of_row(row, &member);
    return sb_entity_member(reader->db, doc, reader->group, &member);
}

int sb_entity_members(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, yyjson_mut_val **array)
{
    const struct member_reader reader = { db, group };
    return sb_rows_read(db, SB_DB_USE(db, &members_sql, group), doc, read_member, &reader, array);
}
