/* group_rights: see the header. */
#include "backend/sandbox/group_rights.h"

#include "backend/sandbox/message.h"

#include <errno.h>
#include <inttypes.h>

int mk_group_find(struct mk_db *db, uint64_t id, struct mk_group *group)
{
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_GROUP_STATE, id);
    int rc = mk_db_step(db, row);
    if (rc <= 0)
        return rc;
    *group = (struct mk_group){
        .id = id,
        .member_count = mk_db_uint(row, 0),
        .max_member_count = mk_db_uint(row, 1),
        .join_policy = mk_db_uint(row, 2),
        .whole_mute = mk_db_uint(row, 3) != 0,
    };
    sqlite3_reset(row);
    return 1;
}

/* --- members --- */

int mk_require_self(struct mk_request *request, uint64_t group, uint64_t actor,
                    struct mk_member *self)
{
    int rc = mk_member_find(&request->sandbox->db, request->doc, group, actor, self);
    if (rc < 0)
        return rc;
    return rc > 0 && self->is_member ? 0 : mk_refuse_no_group(request, actor, group);
}

int mk_require_member(struct mk_request *request, uint64_t group, uint64_t user,
                      struct mk_member *member)
{
    int rc = mk_member_find(&request->sandbox->db, request->doc, group, user, member);
    if (rc < 0)
        return rc;
    return rc > 0 && member->is_member ? 0 : mk_refuse_no_member(request, group, user);
}

/* --- rights --- */

int mk_require_role(struct mk_request *request, uint64_t group, const struct mk_member *self,
                    enum mk_role least, const struct mk_deed *deed)
{
    if (self->role >= least)
        return 0;
    if (least == MK_ROLE_OWNER)
        return mk_refuse(request, MK_SANDBOX_NO_PERMISSION,
                         "需要群主权限才能%s (only the owner of group %" PRIu64 " can %s)",
                         deed->chinese, group, deed->english);
    return mk_refuse(request, MK_SANDBOX_NO_PERMISSION,
                     "需要群主或管理员权限才能%s (only the owner or an admin of group %" PRIu64
                     " can %s)",
                     deed->chinese, group, deed->english);
}

int mk_require_above(struct mk_request *request, uint64_t group, const struct mk_member *self,
                     const struct mk_member *other, const struct mk_deed *deed)
{
    int rc = mk_require_role(request, group, self, MK_ROLE_ADMIN, deed);
    if (rc != 0 || self->role > other->role)
        return rc;
    if (self->uin == other->uin)
        return mk_refuse(request, MK_SANDBOX_NO_PERMISSION,
                         "不能对自己%s (%" PRIu64 " can %s, but not themselves)", deed->chinese,
                         self->uin, deed->english);
    return mk_refuse(request, MK_SANDBOX_NO_PERMISSION,
                     "管理员不能对群主或其他管理员%s (an admin can %s, but %" PRIu64
                     " is the owner or another admin of group %" PRIu64 ")",
                     deed->chinese, deed->english, other->uin, group);
}

int mk_require_voice(struct mk_request *request, uint64_t group, const struct mk_member *self)
{
    struct mk_group state;
    if (self->shut_up_end_time > mk_request_now(request))
        return mk_refuse(request, MK_SANDBOX_MUTED,
                         "已被禁言 (%" PRIu64 " is muted in group %" PRIu64 " until %" PRIu64 ")",
                         self->uin, group, self->shut_up_end_time);
    if (self->role > MK_ROLE_MEMBER)
        return 0;
    int rc = mk_group_find(&request->sandbox->db, group, &state);
    if (rc > 0 && state.whole_mute)
        return mk_refuse(request, MK_SANDBOX_MUTED,
                         "群已开启全员禁言 (all members of group %" PRIu64
                         " are muted: only its owner and admins can speak)",
                         group);
    return rc < 0 ? rc : 0;
}

int mk_require_group_message(struct mk_request *request, uint64_t group, uint64_t seq, uint64_t *id)
{
    struct mk_db *db = &request->sandbox->db;
    struct mk_place place;
    struct mk_message message = { 0 };
    int rc = mk_place_find(db, MK_SCENE_GROUP, 0, group, &place);
    if (rc == 0)
        rc = mk_message_find(db, request->doc, &place, seq, &message);
    if (rc < 0)
        return rc;
    if (rc == 0 || message.recalled)
        return mk_refuse_no_message(request, seq);
    *id = mk_message_id(place.id, seq);
    return 0;
}

/* --- telling --- */

static int tell(struct mk_request *request, enum mk_sql sql, uint64_t group, uint64_t also,
                const char *type, yyjson_mut_val *data)
{
    struct mk_db *db = &request->sandbox->db;
    uint64_t now = mk_request_now(request);
    sqlite3_stmt *row = MK_DB_USE(db, sql, group);
    int rc = data ? mk_db_step(db, row) : -ENOMEM;
    for (; rc > 0; rc = mk_db_step(db, row)) {
        uint64_t bot = mk_db_uint(row, 0);
        also = also == bot ? 0 : also;
        rc = sql == MK_SQL_GROUP_BOTS || mk_db_uint(row, 1)
                 ? mk_request_event(request, bot, type, now, data)
                 : 0;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc == 0 && also ? mk_request_event(request, also, type, now, data) : rc;
}

int mk_tell_group(struct mk_request *request, uint64_t group, uint64_t also, const char *type,
                  yyjson_mut_val *data)
{
    return tell(request, MK_SQL_GROUP_BOTS, group, also, type, data);
}

int mk_tell_managers(struct mk_request *request, uint64_t group, const char *type,
                     yyjson_mut_val *data)
{
    return tell(request, MK_SQL_GROUP_MANAGERS, group, 0, type, data);
}
