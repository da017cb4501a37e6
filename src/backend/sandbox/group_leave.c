/* group_leave: how people cease to be in a group: kicked, gone, or with the group itself. */
#include "backend/sandbox/group_act.h"
#include "backend/sandbox/group_notice.h"
#include "backend/sandbox/group_rights.h"

#include <errno.h>

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
static int write_leave(struct mk_request *request, struct mk_notice *notice)
{
    struct mk_db *db = &request->sandbox->db;
    int rc = mk_request_write(request);
    if (rc == 0)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_MEMBER_REMOVE, notice->group, notice->target));
    return rc == 0 ? mk_notice_write(db, notice) : rc;
}

/* --- kicking --- */

int mk_group_kick(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  bool for_good)
{
    static const struct mk_deed deed = { "踢出群聊", "kick members" };
    struct mk_db *db = &request->sandbox->db;
    struct mk_member self, other;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_member(request, group, user, &other);
    if (rc == 0)
        rc = mk_require_above(request, group, &self, &other, &deed);
    if (rc == 0)
        rc = mk_tell_group(request, group, 0, "group_member_decrease",
                           decrease_json(request->doc, group, user, actor));
    if (rc != 0)
        return rc;
    struct mk_notice notice = {
        .group = group,
        .kind = MK_NOTICE_KICK,
        .target = user,
        .operator_id = actor,
    };
    rc = write_leave(request, &notice);
    if (rc == 0)
        rc = mk_notice_for(db, &notice, user);
    if (rc == 0 && for_good)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_BLOCK_ADD, group, user));
    return rc;
}

/* --- quitting --- */

/* Each bot hears that it is out itself. */
static int tell_dissolved(struct mk_request *request, uint64_t owner, uint64_t group)
{
    struct mk_db *db = &request->sandbox->db;
    uint64_t now = mk_request_now(request);
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_GROUP_BOTS, group);
    int rc = mk_db_step(db, row);
    for (; rc > 0; rc = mk_db_step(db, row)) {
        uint64_t bot = mk_db_uint(row, 0);
        yyjson_mut_val *data = decrease_json(request->doc, group, bot, bot == owner ? 0 : owner);
        rc = data ? mk_request_event(request, bot, "group_member_decrease", now, data) : -ENOMEM;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

static int dissolve(struct mk_request *request, uint64_t owner, uint64_t group)
{
    struct mk_db *db = &request->sandbox->db;
    int rc = tell_dissolved(request, owner, group);
    if (rc == 0)
        rc = mk_request_write(request);
    if (rc == 0)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_GROUP_DISSOLVE, group));
    if (rc == 0)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_MEMBERS_REMOVE, group));
    return rc == 0 ? mk_notice_lapse_all(db, group) : rc;
}

int mk_group_quit(struct mk_request *request, uint64_t actor, uint64_t group)
{
    struct mk_member self;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc != 0)
        return rc;
    if (self.role == MK_ROLE_OWNER)
        return dissolve(request, actor, group);
    rc = mk_tell_group(request, group, 0, "group_member_decrease",
                       decrease_json(request->doc, group, actor, 0));
    if (rc < 0)
        return rc;
    struct mk_notice notice = { .group = group, .kind = MK_NOTICE_QUIT, .target = actor };
    return write_leave(request, &notice);
}

/* --- APIs --- */

static int kick_group_member(struct mk_request *request)
{
    yyjson_mut_val *params = request->params;
    return mk_group_kick(request, request->self_id, milky_uint(params, "group_id"),
                         milky_uint(params, "user_id"), milky_bool(params, "reject_add_request"));
}

static int quit_group(struct mk_request *request)
{
    return mk_group_quit(request, request->self_id, milky_uint(request->params, "group_id"));
}

const struct mk_sandbox_api mk_group_leave_apis[] = {
    { "kick_group_member", kick_group_member },
    { "quit_group", quit_group },
    { NULL, NULL },
};
