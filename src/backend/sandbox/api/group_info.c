/* group_info: the groups that the bot is in, and their names. group_member.c has their members. */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

enum { NAME_CHARS = 60 };

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, name */
static const struct sb_query set_name_sql = { "UPDATE qq_group SET name = ?2 WHERE group_id = ?1" };

static int get_group_list(struct sb_request *request)
{
    yyjson_mut_val *groups;
    int rc = sb_groups_json(&request->sandbox->db, request->doc, request->self_id, &groups);
    return rc < 0 ? rc : sb_result(request, "groups", groups);
}

static int get_group_info(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *entity;
    int rc = sb_group_json(&request->sandbox->db, request->doc, request->self_id, group, &entity);
    if (rc == 0)
        return sb_refuse_no_group(request, request->self_id, group);
    return rc < 0 ? rc : sb_result(request, "group", entity);
}

/* An admin or the owner. Event group_name_change, also for the same name. */
static int set_group_name(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "new_group_name", 1, NAME_CHARS, false };
    static const struct mk_phrase action = { "change its name", "修改群名称" };
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    uint64_t group = milky_uint(request->params, "group_id");
    struct mk_slice name = sb_text_param(request->params, "new_group_name");
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, name);
    if (rc == 0)
        rc = sb_limit_check(request, SB_LIMIT_GROUP_NAME_CHARS, sb_text_chars(name), NULL);
    if (rc != 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              sb_text_put(doc, data, "new_group_name", name) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", request->self_id);
    rc = sb_group_event(request, group, 0, "group_name_change", ok ? data : NULL);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *update = SB_DB_USE(db, &set_name_sql, group);
    sb_text_bind(update, 2, name);
    return sb_db_run(db, update);
}

static const struct sb_api apis[] = {
    { "get_group_list", get_group_list },
    { "get_group_info", get_group_info },
    { "set_group_name", set_group_name },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_info = { .apis = apis };
