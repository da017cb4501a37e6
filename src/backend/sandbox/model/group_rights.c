/* group_rights: see the header. */
#include "backend/sandbox/model/group_rights.h"

#include "backend/sandbox/model/message.h"

#include <errno.h>
#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group */
static const struct sb_query group_state_sql = {
    "SELECT member_count, max_member_count, join_policy, whole_mute"
    " FROM qq_group WHERE group_id = ?1 AND dissolved = 0"
};
/* group: its owner and admins */
static const struct sb_query group_managers_sql = {
    "SELECT uin, is_bot FROM member INDEXED BY member_manager"
    " WHERE group_id = ?1 AND role >= 1 ORDER BY uin"
};

int sb_group_find(struct sb_db *db, uint64_t id, struct sb_group *group)
{
    sqlite3_stmt *row = SB_DB_USE(db, &group_state_sql, id);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    *group = (struct sb_group){
        .id = id,
        .member_count = sb_db_uint(row, 0),
        .max_member_count = sb_db_uint(row, 1),
        .join_policy = sb_db_uint(row, 2),
        .whole_mute = sb_db_uint(row, 3) != 0,
    };
    sqlite3_reset(row);
    return 1;
}

/* --- members --- */

int sb_require_self(struct sb_request *request, uint64_t group, uint64_t actor,
                    struct sb_member *self)
{
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, actor, self);
    if (rc < 0)
        return rc;
    return rc > 0 && self->is_member ? 0 : sb_refuse_no_group(request, actor, group);
}

int sb_require_member(struct sb_request *request, uint64_t group, uint64_t user,
                      struct sb_member *member)
{
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, user, member);
    if (rc < 0)
        return rc;
    return rc > 0 && member->is_member ? 0 : sb_refuse_no_member(request, group, user);
}

/* --- rights --- */

int sb_require_role(struct sb_request *request, uint64_t group, const struct sb_member *self,
                    enum sb_role least, const struct mk_phrase *action)
{
    if (self->role >= least)
        return 0;
    const char *words = mk_tr_in(request->language, action->en, action->zh);
    if (least == SB_ROLE_OWNER)
        return sb_refuse(request, SB_NO_PERMISSION, "only the owner of group %" PRIu64 " can %s",
                         "只有群 %" PRIu64 " 的群主可以%s", group, words);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "only the owner or an admin of group %" PRIu64 " can %s",
                     "只有群 %" PRIu64 " 的群主或管理员可以%s", group, words);
}

int sb_require_above(struct sb_request *request, uint64_t group, const struct sb_member *self,
                     const struct sb_member *other, const struct mk_phrase *action)
{
    int rc = sb_require_role(request, group, self, SB_ROLE_ADMIN, action);
    if (rc != 0 || self->role > other->role)
        return rc;
    const char *words = mk_tr_in(request->language, action->en, action->zh);
    if (self->uin == other->uin)
        return sb_refuse(request, SB_NO_PERMISSION, "%" PRIu64 " can %s, but not themselves",
                         "%" PRIu64 " 不能对自己%s", self->uin, words);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "an admin can %s, but %" PRIu64
                     " is the owner or another admin of group %" PRIu64,
                     "管理员可以%s，但 %" PRIu64 " 是群 %" PRIu64 " 的群主或另一管理员", words,
                     other->uin, group);
}

int sb_require_voice(struct sb_request *request, uint64_t group, const struct sb_member *self)
{
    struct sb_group state;
    if (self->shut_up_end_time > sb_request_now(request))
        return sb_refuse(request, SB_MUTED,
                         "%" PRIu64 " is muted in group %" PRIu64 " until %" PRIu64,
                         "%" PRIu64 " 在群 %" PRIu64 " 中被禁言至 %" PRIu64, self->uin, group,
                         self->shut_up_end_time);
    if (self->role > SB_ROLE_MEMBER)
        return 0;
    int rc = sb_group_find(&request->sandbox->db, group, &state);
    if (rc > 0 && state.whole_mute)
        return sb_refuse(request, SB_MUTED,
                         "all members of group %" PRIu64
                         " are muted: only its owner and admins can speak",
                         "群 %" PRIu64 " 已开启全员禁言：只有群主与管理员可以发言", group);
    return rc < 0 ? rc : 0;
}

int sb_require_group_message(struct sb_request *request, uint64_t group, uint64_t seq, uint64_t *id)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_place place;
    struct sb_message message = { 0 };
    int rc = sb_place_find(db, SB_SCENE_GROUP, 0, group, &place);
    if (rc == 0)
        rc = sb_message_find(db, request->doc, &place, seq, &message);
    if (rc < 0)
        return rc;
    if (rc == 0 || message.recalled)
        return sb_refuse_no_message(request, seq);
    *id = sb_message_id(place.id, seq);
    return 0;
}

/* --- telling --- */

static int tell(struct sb_request *request, const struct sb_query *query, uint64_t group,
                uint64_t also, const char *type, yyjson_mut_val *data)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t now = sb_request_now(request);
    sqlite3_stmt *row = SB_DB_USE(db, query, group);
    int rc = data ? sb_db_step(db, row) : -ENOMEM;
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, 0);
        also = also == bot ? 0 : also;
        rc = query == &sb_group_bots_sql || sb_db_uint(row, 1)
                 ? sb_request_event(request, bot, type, now, data)
                 : 0;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc == 0 && also ? sb_request_event(request, also, type, now, data) : rc;
}

int sb_tell_group(struct sb_request *request, uint64_t group, uint64_t also, const char *type,
                  yyjson_mut_val *data)
{
    return tell(request, &sb_group_bots_sql, group, also, type, data);
}

int sb_tell_managers(struct sb_request *request, uint64_t group, const char *type,
                     yyjson_mut_val *data)
{
    return tell(request, &group_managers_sql, group, 0, type, data);
}
