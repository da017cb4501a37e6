/*
 * group_leave: members leave a group: an admin kicks them, they quit, or the owner quits, which
 * dissolves the group.
 */
#include "backend/sandbox/api/group_leave.h"

#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_block.h"
#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group */
static const struct sb_query dissolve_sql = {
    "UPDATE qq_group SET dissolved = 1 WHERE group_id = ?1"
};
/* group, uin */
static const struct sb_query remove_member_sql = {
    "DELETE FROM member WHERE group_id = ?1 AND uin = ?2"
};
/* group */
static const struct sb_query remove_members_sql = { "DELETE FROM member WHERE group_id = ?1" };

/* group_member_decrease; `operator_id` 0: the member quit. Returns NULL when out of memory. */
static yyjson_mut_val *decrease_json(yyjson_mut_doc *doc, uint64_t group, uint64_t user,
                                     uint64_t operator_id)
{
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              (operator_id == 0 || yyjson_mut_obj_add_uint(doc, data, "operator_id", operator_id));
    return ok ? data : NULL;
}

/*
 * Event group_member_decrease, also for the member who leaves, and a notification for the owner and
 * the admins who stay.
 */
static int leave(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_group_event(
        request, notice->group, 0, "group_member_decrease",
        decrease_json(request->doc, notice->group, notice->target, notice->operator_id));
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &remove_member_sql, notice->group, notice->target));
    return rc == 0 ? sb_notice_write(db, notice) : rc;
}

/* --- kicking --- */

/* An admin or the owner, members with a lower role. `reject_add_request`: see group_block.h. */
static int kick_group_member(struct sb_request *request)
{
    static const struct mk_phrase action = { "kick members", "踢出群聊" };
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self, other;
    struct sb_notice notice = {
        .group = milky_uint(request->params, "group_id"),
        .kind = SB_NOTICE_KICK,
        .target = milky_uint(request->params, "user_id"),
        .operator_id = request->self_id,
    };
    int rc = sb_member_require_self(request, notice.group, request->self_id, &self);
    if (rc == 0)
        rc = sb_member_require(request, notice.group, notice.target, &other);
    if (rc == 0)
        rc = sb_rights_require_above(request, notice.group, &self, &other, &action);
    if (rc == 0)
        rc = leave(request, &notice);
    if (rc == 0)
        rc = sb_notice_for(db, &notice, notice.target);
    if (rc == 0 && milky_bool(request->params, "reject_add_request"))
        rc = sb_group_block_add(db, notice.group, notice.target);
    return rc;
}

/* --- quitting --- */

static yyjson_mut_val *disband_json(yyjson_mut_doc *doc, uint64_t group, uint64_t owner)
{
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", owner);
    return ok ? data : NULL;
}

/*
 * Each bot gets group_disband, which 1.2 has not, and then the event that it has left itself, with
 * the owner as the operator, as in QQ.
 */
static int emit_dissolved(struct sb_request *request, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t now = sb_request_now(request), owner = request->self_id;
    int rc = sb_group_event(request, group, 0, "group_disband",
                            disband_json(request->doc, group, owner));
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &sb_group_bots_sql, group);
    rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, SB_GROUP_BOT_UIN);
        yyjson_mut_val *data = decrease_json(request->doc, group, bot, bot == owner ? 0 : owner);
        rc = data ? sb_request_event(request, bot, "group_member_decrease", now, data) : -ENOMEM;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

static int dissolve(struct sb_request *request, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = emit_dissolved(request, group);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &dissolve_sql, group));
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &remove_members_sql, group));
    return rc == 0 ? sb_notice_lapse_all(db, group) : rc;
}

int sb_group_disband(struct sb_request *request, uint64_t group)
{
    static const struct mk_phrase action = { "disband it", "解散群" };
    int rc = sb_rights_require(request, group, SB_ROLE_OWNER, &action);
    return rc ? rc : dissolve(request, group);
}

static int quit_group(struct sb_request *request)
{
    struct sb_member self;
    struct sb_notice notice = {
        .group = milky_uint(request->params, "group_id"),
        .kind = SB_NOTICE_QUIT,
        .target = request->self_id,
    };
    int rc = sb_member_require_self(request, notice.group, request->self_id, &self);
    if (rc != 0)
        return rc;
    return self.role == SB_ROLE_OWNER ? dissolve(request, notice.group) : leave(request, &notice);
}

static const struct sb_api apis[] = {
    { "kick_group_member", kick_group_member },
    { "quit_group", quit_group },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_leave = { .apis = apis };
