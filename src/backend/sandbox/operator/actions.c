/*
 * actions: what people do that no API lets a bot do: they ask to join groups, invite others, ask
 * for friendship, and write to those whom they know from a group only. Everything else that they do
 * is an API, called by them (operator.c).
 */
#include "backend/sandbox/api/friend_request.h"
#include "backend/sandbox/api/group_join.h"
#include "backend/sandbox/api/send.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/operator/operator.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, target: the newest first */
static const struct sb_query control_pending_sql = {
    "SELECT seq, kind, is_filtered FROM group_notice"
    " WHERE group_id = ?1 AND target = ?2 AND state = 0"
    " ORDER BY seq DESC"
};

static int say_temp(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    uint64_t to = milky_uint(params, "user_id");
    int rc = sb_person_require(request, to);
    return rc ? rc
              : sb_send_temp(request, request->self_id, to, milky_uint(params, "through"),
                             yyjson_mut_obj_get(params, "message"));
}

/* --- groups --- */

static int join(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    return sb_group_join_ask(request, request->self_id, milky_uint(params, "group"),
                             sb_text_param(params, "comment"), milky_bool(params, "is_filtered"));
}

static int invite(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    bool has_source = milky_has(params, "source_group");
    return sb_group_join_invite(request, request->self_id, milky_uint(params, "group"),
                                milky_uint(params, "user"),
                                has_source ? milky_uint(params, "source_group") : 0);
}

static int set_join_policy(struct sb_request *request)
{
    static const char *const policies[] = {
        [SB_JOIN_APPROVED] = "approval",
        [SB_JOIN_ANYBODY] = "anybody",
        [SB_JOIN_NOBODY] = "nobody",
    };
    yyjson_mut_val *params = request->params;
    const char *given = milky_string(params, "policy", NULL);
    uint64_t policy = 0;
    while (policy < SB_JOIN_NOBODY && strcmp(policies[policy], given) != 0)
        policy++;
    return sb_group_join_set_policy(request, request->self_id, milky_uint(params, "group"), policy);
}

/* --- friends --- */

static int friend_request(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    const struct sb_friend_wish wish = {
        .target = milky_uint(params, "to"),
        .comment = sb_text_param(params, "comment"),
        .via = sb_text_param(params, "via"),
        .is_filtered = milky_bool(params, "is_filtered"),
    };
    return sb_friend_request_send(request, request->self_id, &wish);
}

/* --- answers --- */

/* The newest request to let `target` into the group, or invitation of them. 0 or -errno. */
static int find_pending(struct sb_db *db, uint64_t group, uint64_t target, bool is_invitation,
                        struct sb_group_request *asked)
{
    sqlite3_stmt *row = SB_DB_USE(db, &control_pending_sql, group, target);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t kind = sb_db_uint(row, 1);
        if ((kind == SB_NOTICE_INVITATION) != is_invitation)
            continue;
        asked->seq = sb_db_uint(row, 0);
        asked->is_invited = kind == SB_NOTICE_INVITED;
        asked->is_filtered = sb_db_uint(row, 2) != 0;
        rc = 0;
        break;
    }
    sqlite3_reset(row);
    return rc;
}

/* `from`: who asked to join; 0: the actor has been invited. */
static int answer_group(struct sb_request *request, uint64_t group, uint64_t from,
                        enum sb_request_state answer, struct mk_slice reason)
{
    uint64_t actor = request->self_id;
    struct sb_group_request asked = { .group = group };
    int rc = find_pending(&request->sandbox->db, group, from ? from : actor, from == 0, &asked);
    if (rc < 0)
        return rc;
    if (asked.seq == 0)
        return sb_refuse(request, SB_NO_REQUEST, "no request waits for an answer there",
                         "没有待处理的请求");
    if (from == 0)
        return sb_group_join_answer_invitation(request, actor, group, asked.seq,
                                               answer == SB_ACCEPTED);
    return sb_group_join_answer(request, actor, &asked, answer == SB_ACCEPTED, reason);
}

static int answer(struct sb_request *request, enum sb_request_state how)
{
    yyjson_mut_val *params = request->params;
    uint64_t from = milky_has(params, "from") ? milky_uint(params, "from") : 0;
    struct mk_slice reason = sb_text_param(params, "reason");
    if (milky_has(params, "group"))
        return answer_group(request, milky_uint(params, "group"), from, how, reason);
    if (from == 0)
        return sb_refuse(request, MILKY_MALFORMED, "from, or group, or both must be given",
                         "需要 from 或 group，或二者");
    return sb_friend_request_answer_any(request, request->self_id, from, how, reason);
}

static int accept(struct sb_request *request)
{
    return answer(request, SB_ACCEPTED);
}

static int reject(struct sb_request *request)
{
    return answer(request, SB_REJECTED);
}

static int ignore(struct sb_request *request)
{
    return answer(request, SB_IGNORED);
}

const struct sb_api sb_operator_actions[] = {
    { "say_temp", say_temp },
    { "join", join },
    { "invite", invite },
    { "set_join_policy", set_join_policy },
    { "friend_request", friend_request },
    { "accept", accept },
    { "reject", reject },
    { "ignore", ignore },
    { NULL, NULL },
};
