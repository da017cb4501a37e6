/* overview: see the header. */
#include "backend/sandbox/operator/overview.h"

#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>
#include <inttypes.h>

static const struct sb_query people_sql = {
    "SELECT uin, nickname, is_bot FROM person ORDER BY uin",
};
enum { PERSON_UIN, PERSON_NICKNAME, PERSON_IS_BOT };

static const struct sb_query groups_sql = {
    "SELECT group_id, name, member_count FROM qq_group WHERE dissolved = 0 ORDER BY group_id",
};
enum { GROUP_ID, GROUP_NAME, GROUP_MEMBER_COUNT };

/* group: its owner, its admins, and the bots in it */
static const struct sb_query roles_sql = {
    "SELECT uin, role FROM member WHERE group_id = ?1 AND (role > 0 OR is_bot = 1) ORDER BY uin",
};
enum { ROLE_UIN, ROLE_ROLE };

/* bot: the first of its groups */
static const struct sb_query first_group_sql = {
    "SELECT g.group_id, g.name, p.uin, p.nickname, m.role FROM member m"
    " CROSS JOIN qq_group g ON g.group_id = m.group_id"
    " CROSS JOIN member o ON o.group_id = m.group_id AND o.role = 2"
    " CROSS JOIN person p ON p.uin = o.uin"
    " WHERE m.uin = ?1 AND g.dissolved = 0 ORDER BY m.group_id LIMIT 1",
};
enum { FIRST_ID, FIRST_NAME, FIRST_OWNER, FIRST_OWNER_NAME, FIRST_ROLE };

/* --- the operation --- */

static int list_people(struct sb_request *request, yyjson_mut_val *people)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    sqlite3_stmt *row = sb_db_use(db, &people_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        yyjson_mut_val *person = yyjson_mut_arr_add_obj(doc, people);
        if (!yyjson_mut_obj_add_uint(doc, person, "user_id", sb_db_uint(row, PERSON_UIN)) ||
            !sb_text_put(doc, person, "nickname", sb_db_text(row, PERSON_NICKNAME)) ||
            !yyjson_mut_obj_add_bool(doc, person, "is_bot", sb_db_uint(row, PERSON_IS_BOT) != 0)) {
            sqlite3_reset(row);
            return -ENOMEM;
        }
    }
    return rc;
}

static int list_roles(struct sb_request *request, uint64_t group, yyjson_mut_val *roles)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    sqlite3_stmt *row = SB_DB_USE(db, &roles_sql, group);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        yyjson_mut_val *role = yyjson_mut_arr_add_obj(doc, roles);
        if (!yyjson_mut_obj_add_uint(doc, role, "user_id", sb_db_uint(row, ROLE_UIN)) ||
            !yyjson_mut_obj_add_str(doc, role, "role", sb_role_name(sb_db_uint(row, ROLE_ROLE)))) {
            sqlite3_reset(row);
            return -ENOMEM;
        }
    }
    return rc;
}

static int list_groups(struct sb_request *request, yyjson_mut_val *groups)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    sqlite3_stmt *row = sb_db_use(db, &groups_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t id = sb_db_uint(row, GROUP_ID);
        yyjson_mut_val *group = yyjson_mut_arr_add_obj(doc, groups);
        bool ok = yyjson_mut_obj_add_uint(doc, group, "group_id", id) &&
                  sb_text_put(doc, group, "group_name", sb_db_text(row, GROUP_NAME)) &&
                  yyjson_mut_obj_add_uint(doc, group, "member_count",
                                          sb_db_uint(row, GROUP_MEMBER_COUNT));
        yyjson_mut_val *roles = ok ? yyjson_mut_obj_add_arr(doc, group, "roles") : NULL;
        rc = roles ? list_roles(request, id, roles) : -ENOMEM;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

static int world(struct sb_request *request)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_val *people = yyjson_mut_obj_add_arr(doc, result, "people");
    yyjson_mut_val *groups = yyjson_mut_obj_add_arr(doc, result, "groups");
    if (!people || !groups)
        return -ENOMEM;
    request->result = result;
    int rc = list_people(request, people);
    return rc < 0 ? rc : list_groups(request, groups);
}

const struct sb_api sb_operator_overview[] = { { "world", world }, { NULL } };

/* --- the line --- */

static int append_line(sqlite3_stmt *row, uint64_t bot, enum mk_language language,
                       struct mk_buf *out)
{
    static const char *const roles[][3] = {
        [MK_ENGLISH] = { "a member", "an admin", "the owner" },
        [MK_CHINESE] = { "普通成员", "管理员", "群主" },
    };
    struct mk_slice name = sb_db_text(row, FIRST_NAME);
    struct mk_slice owner = sb_db_text(row, FIRST_OWNER_NAME);
    return mk_buf_printf(
        out,
        mk_tr_in(language,
                 "group %" PRIu64 " %.*s: its owner is %.*s (%" PRIu64 "), bot %" PRIu64 " is %s",
                 "群 %" PRIu64 " %.*s：群主是 %.*s（%" PRIu64 "），Bot %" PRIu64 " 是%s"),
        sb_db_uint(row, FIRST_ID), (int)name.len, name.ptr, (int)owner.len, owner.ptr,
        sb_db_uint(row, FIRST_OWNER), bot, roles[language][sb_db_uint(row, FIRST_ROLE) % 3]);
}

int sb_overview_line(struct sb_db *db, uint64_t bot, enum mk_language language, struct mk_buf *out)
{
    sqlite3_stmt *row = SB_DB_USE(db, &first_group_sql, bot);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        rc = append_line(row, bot, language, out);
    sqlite3_reset(row);
    return rc;
}
