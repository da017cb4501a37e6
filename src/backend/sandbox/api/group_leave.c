/* group_leave: how people cease to be in a group: kicked, gone, or with the group itself. */
#include "backend/sandbox/api/group_act.h"

#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group */
static const struct sb_query group_dissolve_sql = {
    "UPDATE qq_group SET dissolved = 1 WHERE group_id = ?1"
};
/* group, uin */
static const struct sb_query member_remove_sql = {
    "DELETE FROM member WHERE group_id = ?1 AND uin = ?2"
};
/* group */
static const struct sb_query members_remove_sql = { "DELETE FROM member WHERE group_id = ?1" };
static const struct sb_query block_add_sql = {
    "INSERT INTO group_block VALUES (?1, ?2) ON CONFLICT DO NOTHING"
};

/* group_member_decrease; `operator_id` 0: they left by themselves. */
static yyjson_mut_val *decrease_json(yyjson_mut_doc *doc, uint64_t group, uint64_t user,
                                     uint64_t operator_id)
{
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              (operator_id == 0 || yyjson_mut_obj_add_uint(doc, data, "operator_id", operator_id));
    return ok ? data : NULL;
}

/* Takes the member out, with a notification for those who stay. */
static int write_leave(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &member_remove_sql, notice->group, notice->target));
    return rc == 0 ? sb_notice_write(db, notice) : rc;
}

/* --- kicking --- */

int sb_group_kick(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  bool for_good)
{
    static const struct mk_phrase action = { "kick members", "踢出群聊" };
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc == 0)
        rc = sb_require_above(request, group, &self, &other, &action);
    if (rc == 0)
        rc = sb_tell_group(request, group, 0, "group_member_decrease",
                           decrease_json(request->doc, group, user, actor));
    if (rc != 0)
        return rc;
    struct sb_notice notice = {
        .group = group,
        .kind = SB_NOTICE_KICK,
        .target = user,
        .operator_id = actor,
    };
    rc = write_leave(request, &notice);
    if (rc == 0)
        rc = sb_notice_for(db, &notice, user);
    if (rc == 0 && for_good)
        rc = sb_db_run(db, SB_DB_USE(db, &block_add_sql, group, user));
    return rc;
}

/* --- quitting --- */

/* Each bot hears that it is out itself. */
static int tell_dissolved(struct sb_request *request, uint64_t owner, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t now = sb_request_now(request);
    sqlite3_stmt *row = SB_DB_USE(db, &sb_group_bots_sql, group);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, 0);
        yyjson_mut_val *data = decrease_json(request->doc, group, bot, bot == owner ? 0 : owner);
        rc = data ? sb_request_event(request, bot, "group_member_decrease", now, data) : -ENOMEM;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

static int dissolve(struct sb_request *request, uint64_t owner, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = tell_dissolved(request, owner, group);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &group_dissolve_sql, group));
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &members_remove_sql, group));
    return rc == 0 ? sb_notice_lapse_all(db, group) : rc;
}

int sb_group_quit(struct sb_request *request, uint64_t actor, uint64_t group)
{
    struct sb_member self;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc != 0)
        return rc;
    if (self.role == SB_ROLE_OWNER)
        return dissolve(request, actor, group);
    rc = sb_tell_group(request, group, 0, "group_member_decrease",
                       decrease_json(request->doc, group, actor, 0));
    if (rc < 0)
        return rc;
    struct sb_notice notice = { .group = group, .kind = SB_NOTICE_QUIT, .target = actor };
    return write_leave(request, &notice);
}

/* --- APIs --- */

static int kick_group_member(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    return sb_group_kick(request, request->self_id, milky_uint(params, "group_id"),
                         milky_uint(params, "user_id"), milky_bool(params, "reject_add_request"));
}

static int quit_group(struct sb_request *request)
{
    return sb_group_quit(request, request->self_id, milky_uint(request->params, "group_id"));
}

static const struct sb_api apis[] = {
    { "kick_group_member", kick_group_member },
    { "quit_group", quit_group },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_leave = { .apis = apis };
