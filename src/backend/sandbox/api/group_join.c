/*
 * group_join: how people join a group.
 *
 *   sb_group_join_ask -------------------------> request --- an admin accepts ---> member
 *   sb_group_join_invite --- a bot ---> invitation --- it accepts ---.
 *        `--------------- a person -----------------------------------+--- by an admin ---> member
 *                                                                     `--- by a member ---> request
 */
#include "backend/sandbox/api/group_join.h"

#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_block.h"
#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

enum { COMMENT_CHARS = 255 };

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, policy */
static const struct sb_query set_policy_sql = {
    "UPDATE qq_group SET join_policy = ?2 WHERE group_id = ?1"
};
/* group, uin, time */
static const struct sb_query add_member_sql = {
    "INSERT INTO member (group_id, uin, join_time, is_bot)"
    " SELECT ?1, uin, ?3, is_bot FROM person WHERE uin = ?2"
};

/* --- conditions --- */

static int require_room(struct sb_request *request, const struct sb_group *group)
{
    if (group->member_count < group->max_member_count)
        return 0;
    return sb_refuse(
        request, SB_GROUP_FULL, "group %" PRIu64 " is full: it has %" PRIu64 " members",
        "群 %" PRIu64 " 已满：已有 %" PRIu64 " 名成员", group->id, group->member_count);
}

/* A person who is not in the group. */
static int require_outsider(struct sb_request *request, uint64_t group, uint64_t user)
{
    struct sb_member member;
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, user, &member);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_user(request, user);
    if (member.is_member)
        return sb_refuse(request, SB_ALREADY, "%" PRIu64 " is in group %" PRIu64 " already",
                         "%" PRIu64 " 已是群 %" PRIu64 " 的成员", user, group);
    return 0;
}

static int require_no_block(struct sb_request *request, uint64_t group, uint64_t user)
{
    int rc = sb_group_block_find(&request->sandbox->db, group, user);
    if (rc > 0)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "%" PRIu64 " was kicked out of group %" PRIu64
                         " for good: only its owner or an admin can invite them again",
                         "%" PRIu64 " 已被移出群 %" PRIu64
                         " 且不得再次加入：只有群主或管理员可以再次邀请",
                         user, group);
    return rc;
}

/* A member can invite friends, and people who are with them in `source_group`. */
static int require_acquaintance(struct sb_request *request, uint64_t user, uint64_t source_group)
{
    struct sb_member member;
    if (source_group) {
        int rc = sb_member_require_self(request, source_group, request->self_id, &member);
        return rc != 0 ? rc : sb_member_require(request, source_group, user, &member);
    }
    return sb_friendship_require(request, request->self_id, user);
}

/* --- joining --- */

/* Makes the result {"state": state, key: seq}; key NULL: the state alone. */
static int make_result(struct sb_request *request, const char *state, const char *key, uint64_t seq)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, result, "state", state) &&
              (!key || yyjson_mut_obj_add_uint(doc, result, key, seq));
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

static int emit_joined(struct sb_request *request, uint64_t group, uint64_t user,
                       uint64_t operator_id, uint64_t invitor)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              (!operator_id || yyjson_mut_obj_add_uint(doc, data, "operator_id", operator_id)) &&
              (!invitor || yyjson_mut_obj_add_uint(doc, data, "invitor_id", invitor));
    int rc = sb_group_event(request, group, user, "group_member_increase", ok ? data : NULL);
    return rc < 0 ? rc : make_result(request, "joined", NULL, 0);
}

/* Adds the member. Pending requests and invitations about them lapse. */
static int write_joined(struct sb_request *request, uint64_t group, uint64_t user)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &add_member_sql, group, user, sb_request_now(request)));
    return rc == 0 ? sb_notice_lapse(db, group, user, 0) : rc;
}

static int join(struct sb_request *request, uint64_t group, uint64_t user, uint64_t invitor)
{
    int rc = emit_joined(request, group, user, 0, invitor);
    return rc == 0 ? write_joined(request, group, user) : rc;
}

/* --- asking --- */

static int emit_asked(struct sb_request *request, const struct sb_notice *notice)
{
    yyjson_mut_doc *doc = request->doc;
    bool is_invited = notice->kind == SB_NOTICE_INVITED;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", notice->group) &&
              yyjson_mut_obj_add_uint(doc, data, "notification_seq", notice->seq) &&
              yyjson_mut_obj_add_uint(doc, data, "initiator_id", notice->initiator);
    if (ok && is_invited)
        ok = yyjson_mut_obj_add_uint(doc, data, "target_user_id", notice->target);
    if (ok && !is_invited)
        ok = yyjson_mut_obj_add_bool(doc, data, "is_filtered", notice->is_filtered) &&
             sb_text_put(doc, data, "comment", notice->comment);
    const char *type = is_invited ? "group_invited_join_request" : "group_join_request";
    return sb_group_event_to_admins(request, notice->group, type, ok ? data : NULL);
}

/* Asks the owner and the admins. An earlier request by and about the same people lapses. */
static int ask(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_notice_next(db, &notice->seq);
    if (rc == 0)
        rc = emit_asked(request, notice);
    if (rc == 0)
        rc = make_result(request, "pending", "notification_seq", notice->seq);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_notice_lapse(db, notice->group, notice->target, notice->initiator);
    return rc == 0 ? sb_notice_write(db, notice) : rc;
}

int sb_group_join_ask(struct sb_request *request, uint64_t id, struct mk_slice comment,
                      bool is_filtered)
{
    static const struct sb_text_rule rule = { "comment", 0, COMMENT_CHARS, true };
    struct sb_group group;
    int rc = sb_group_require(request, id, &group);
    if (rc == 0)
        rc = require_outsider(request, id, request->self_id);
    if (rc == 0)
        rc = sb_text_check(request, &rule, comment);
    if (rc == 0)
        rc = sb_limit_check(request, SB_LIMIT_REQUEST_GROUP_COMMENT, sb_text_chars(comment), NULL);
    if (rc == 0)
        rc = require_no_block(request, id, request->self_id);
    if (rc == 0)
        rc = require_room(request, &group);
    if (rc != 0)
        return rc;
    if (group.join_policy == SB_JOIN_NOBODY)
        return sb_refuse(request, SB_NO_PERMISSION, "group %" PRIu64 " lets no one join",
                         "群 %" PRIu64 " 不允许任何人加入", id);
    if (group.join_policy == SB_JOIN_ANYBODY)
        return join(request, id, request->self_id, 0);
    struct sb_notice notice = {
        .group = id,
        .kind = SB_NOTICE_JOIN,
        .initiator = request->self_id,
        .target = request->self_id,
        .is_filtered = is_filtered,
        .comment = comment,
    };
    return ask(request, &notice);
}

/* --- inviting --- */

/* Asks a bot whether it wants to join. */
static int invite_bot(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    int rc = sb_notice_next(db, &notice->seq);
    if (rc < 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", notice->group) &&
              yyjson_mut_obj_add_uint(doc, data, "invitation_seq", notice->seq) &&
              yyjson_mut_obj_add_uint(doc, data, "initiator_id", notice->initiator) &&
              (!notice->source_group ||
               yyjson_mut_obj_add_uint(doc, data, "source_group_id", notice->source_group));
    rc = ok ? sb_request_event(request, notice->target, "group_invitation", sb_request_now(request),
                               data)
            : -ENOMEM;
    if (rc == 0)
        rc = make_result(request, "invited", "invitation_seq", notice->seq);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_notice_lapse(db, notice->group, notice->target, notice->initiator);
    return rc == 0 ? sb_notice_write(db, notice) : rc;
}

/* An invited person wants to join: where a mere member invited them, an admin must approve, unless
 * the group is small. */
static int join_invited(struct sb_request *request, const struct sb_group *group, uint64_t invitor,
                        uint64_t user)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_group_settings settings;
    struct sb_member member = { 0 };
    int rc = sb_group_settings_find(db, group->id, &settings);
    if (rc == 0)
        rc = sb_member_find(db, request->doc, group->id, invitor, &member);
    if (rc < 0)
        return rc;
    if (group->join_policy == SB_JOIN_ANYBODY || (rc > 0 && member.role >= SB_ROLE_ADMIN) ||
        group->member_count < settings.invite_approval_from)
        return join(request, group->id, user, invitor);
    struct sb_notice notice = {
        .group = group->id,
        .kind = SB_NOTICE_INVITED,
        .initiator = invitor,
        .target = user,
    };
    return ask(request, &notice);
}

static int require_invitable(struct sb_request *request, const struct sb_member *self,
                             const struct sb_group *group, uint64_t user, uint64_t source_group)
{
    int rc = require_outsider(request, group->id, user);
    if (rc == 0)
        rc = require_acquaintance(request, user, source_group);
    if (rc == 0 && self->role == SB_ROLE_MEMBER)
        rc = require_no_block(request, group->id, user);
    return rc == 0 ? require_room(request, group) : rc;
}

int sb_group_join_invite(struct sb_request *request, uint64_t id, uint64_t user,
                         uint64_t source_group)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self;
    struct sb_group group;
    struct sb_group_settings settings;
    struct mk_slice nickname;
    bool is_bot;
    int rc = sb_member_require_self(request, id, request->self_id, &self);
    if (rc == 0)
        rc = sb_group_require(request, id, &group);
    if (rc == 0)
        rc = sb_group_settings_find(db, id, &settings);
    if (rc == 0)
        rc = require_invitable(request, &self, &group, user, source_group);
    if (rc != 0)
        return rc;
    rc = sb_person_find(db, request->doc, user, &nickname, &is_bot);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_user(request, user);
    struct sb_notice notice = {
        .group = id,
        .kind = SB_NOTICE_INVITATION,
        .initiator = request->self_id,
        .target = user,
        .source_group = source_group,
    };
    bool asks = is_bot && group.member_count >= settings.invite_asks_from;
    rc =
        asks ? invite_bot(request, &notice) : join_invited(request, &group, request->self_id, user);
    if (rc == 0 && self.role > SB_ROLE_MEMBER)
        rc = sb_group_block_remove(db, id, user);
    return rc;
}

/* --- answering --- */

static int refuse_no_request(struct sb_request *request, uint64_t group, uint64_t seq)
{
    return sb_refuse(request, SB_NO_REQUEST,
                     "there is no such request %" PRIu64 " for group %" PRIu64,
                     "没有请求 %" PRIu64 "（群 %" PRIu64 "）", seq, group);
}

static int require_pending(struct sb_request *request, const struct sb_notice *notice)
{
    if (notice->state == SB_NOTICE_PENDING)
        return 0;
    if (notice->state == SB_NOTICE_IGNORED)
        return sb_refuse(request, SB_NO_REQUEST, "request %" PRIu64 " has lapsed",
                         "请求 %" PRIu64 " 已失效", notice->seq);
    return notice->state == SB_NOTICE_ACCEPTED
               ? sb_refuse(request, SB_NO_REQUEST,
                           "request %" PRIu64 " was accepted by %" PRIu64 " already",
                           "请求 %" PRIu64 " 已由 %" PRIu64 " 接受", notice->seq,
                           notice->operator_id)
               : sb_refuse(request, SB_NO_REQUEST,
                           "request %" PRIu64 " was rejected by %" PRIu64 " already",
                           "请求 %" PRIu64 " 已由 %" PRIu64 " 拒绝", notice->seq,
                           notice->operator_id);
}

static int write_answer(struct sb_request *request, const struct sb_notice *notice, bool accept,
                        struct mk_slice reason)
{
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_notice_answer(&request->sandbox->db, notice,
                            accept ? SB_NOTICE_ACCEPTED : SB_NOTICE_REJECTED, request->self_id,
                            reason);
}

/* A request to join, as the APIs name it. */
struct request_id {
    uint64_t group;
    uint64_t seq;
    bool is_invited; /* a member invited the person; false: the person asked */
    bool is_filtered;
};

/* Finds the request, which must be pending. */
static int require_request(struct sb_request *request, const struct request_id *asked,
                           struct sb_notice *notice)
{
    int rc = sb_notice_find(&request->sandbox->db, request->doc, asked->seq, notice);
    if (rc < 0)
        return rc;
    if (rc == 0 || notice->group != asked->group || notice->is_filtered != asked->is_filtered ||
        notice->kind != (asked->is_invited ? SB_NOTICE_INVITED : SB_NOTICE_JOIN))
        return refuse_no_request(request, asked->group, asked->seq);
    return require_pending(request, notice);
}

static int answer_request(struct sb_request *request, const struct request_id *asked, bool accept,
                          struct mk_slice reason)
{
    static const struct sb_text_rule rule = { "reason", 0, COMMENT_CHARS, true };
    static const struct mk_phrase action = { "answer requests to join", "处理入群请求" };
    struct sb_group group;
    struct sb_notice notice;
    int rc = sb_rights_require(request, asked->group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = require_request(request, asked, &notice);
    if (rc == 0)
        rc = sb_text_check(request, &rule, reason);
    if (rc == 0 && accept)
        rc = sb_group_require(request, asked->group, &group);
    if (rc == 0 && accept)
        rc = require_room(request, &group);
    if (rc == 0 && accept)
        rc = require_outsider(request, asked->group, notice.target);
    if (rc == 0 && accept)
        rc = emit_joined(request, asked->group, notice.target, request->self_id,
                         asked->is_invited ? notice.initiator : 0);
    if (rc == 0)
        rc = write_answer(request, &notice, accept, reason);
    return rc == 0 && accept ? write_joined(request, asked->group, notice.target) : rc;
}

static int answer_invitation(struct sb_request *request, uint64_t id, uint64_t seq, bool accept)
{
    struct sb_group group;
    struct sb_notice notice;
    int rc = sb_notice_find(&request->sandbox->db, request->doc, seq, &notice);
    if (rc < 0)
        return rc;
    if (rc == 0 || notice.kind != SB_NOTICE_INVITATION || notice.group != id ||
        notice.target != request->self_id)
        return refuse_no_request(request, id, seq);
    rc = require_pending(request, &notice);
    if (rc == 0)
        rc = sb_group_require(request, id, &group);
    if (rc == 0 && accept)
        rc = require_outsider(request, id, request->self_id);
    if (rc == 0 && accept)
        rc = require_room(request, &group);
    if (rc == 0)
        rc = accept ? join_invited(request, &group, notice.initiator, request->self_id)
                    : make_result(request, "rejected", NULL, 0);
    return rc == 0 ? write_answer(request, &notice, accept, MK_SLICE("")) : rc;
}

int sb_group_join_answer(struct sb_request *request, uint64_t group, uint64_t user, bool accept,
                         struct mk_slice reason)
{
    struct sb_notice notice = { 0 };
    uint64_t target = user ? user : request->self_id;
    int rc = sb_notice_find_pending(&request->sandbox->db, group, target, user == 0, &notice);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return sb_refuse(request, SB_NO_REQUEST, "no request waits for an answer there",
                         "没有待处理的请求");
    if (user == 0)
        return answer_invitation(request, group, notice.seq, accept);
    const struct request_id id = {
        .group = group,
        .seq = notice.seq,
        .is_invited = notice.kind == SB_NOTICE_INVITED,
        .is_filtered = notice.is_filtered,
    };
    return answer_request(request, &id, accept, reason);
}

/* --- policy --- */

int sb_group_join_set_policy(struct sb_request *request, uint64_t group, uint64_t policy)
{
    static const struct mk_phrase action = { "set how others join", "设置加群方式" };
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0 && policy > SB_JOIN_NOBODY)
        return sb_refuse(request, SB_BAD_VALUE, "there is no join policy %" PRIu64,
                         "没有加群方式 %" PRIu64, policy);
    if (rc == 0)
        rc = sb_turn_write(request);
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &set_policy_sql, group, policy)) : rc;
}

/* --- APIs --- */

static int answer_group_request(struct sb_request *request, bool accept, struct mk_slice reason)
{
    yyjson_mut_val *params = request->params;
    size_t len;
    struct request_id asked = {
        .group = milky_uint(params, "group_id"),
        .seq = milky_uint(params, "notification_seq"),
        .is_invited =
            strcmp(milky_string(params, "notification_type", &len), "invited_join_request") == 0,
        .is_filtered = milky_bool(params, "is_filtered"),
    };
    int rc = answer_request(request, &asked, accept, reason);
    request->result = NULL;
    return rc;
}

static int accept_group_request(struct sb_request *request)
{
    return answer_group_request(request, true, MK_SLICE(""));
}

static int reject_group_request(struct sb_request *request)
{
    bool has_reason = milky_has(request->params, "reason");
    return answer_group_request(
        request, false, has_reason ? sb_text_param(request->params, "reason") : MK_SLICE(""));
}

static int answer_group_invitation(struct sb_request *request, bool accept)
{
    yyjson_mut_val *params = request->params;
    int rc = answer_invitation(request, milky_uint(params, "group_id"),
                               milky_uint(params, "invitation_seq"), accept);
    request->result = NULL;
    return rc;
}

static int accept_group_invitation(struct sb_request *request)
{
    return answer_group_invitation(request, true);
}

static int reject_group_invitation(struct sb_request *request)
{
    return answer_group_invitation(request, false);
}

static const struct sb_api apis[] = {
    { "accept_group_request", accept_group_request },
    { "reject_group_request", reject_group_request },
    { "accept_group_invitation", accept_group_invitation },
    { "reject_group_invitation", reject_group_invitation },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_join = { .apis = apis };
