/*
 * actions: what people do that no API lets a bot do: they ask to join groups, invite others, ask
 * for friendship, and write to those whom they know from a group only. Everything else that they do
 * is an API, called by them (operator.c).
 */
#include "backend/sandbox/api/friend_request.h"
#include "backend/sandbox/api/group_join.h"
#include "backend/sandbox/api/group_leave.h"
#include "backend/sandbox/api/send.h"
#include "backend/sandbox/model/conversation.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

static int say_temp(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    uint64_t to = milky_uint(params, "user_id");
    int rc = sb_person_require(request, to);
    return rc ? rc
              : sb_send_temp(request, request->self_id, to, milky_uint(params, "through"),
                             yyjson_mut_obj_get(params, "message"));
}

/* QQ's clients cannot write markdown, but official bots send it into groups and chats. */
static yyjson_mut_val *markdown_message(yyjson_mut_doc *doc, struct mk_slice content)
{
    yyjson_mut_val *message = yyjson_mut_arr(doc);
    yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, message);
    bool ok = yyjson_mut_obj_add_str(doc, segment, "type", "markdown") &&
              sb_text_put(doc, yyjson_mut_obj_add_obj(doc, segment, "data"), "content", content);
    return ok ? message : NULL;
}

static int say_markdown(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    uint64_t group = milky_has(params, "group") ? milky_uint(params, "group") : 0;
    uint64_t to = milky_has(params, "to") ? milky_uint(params, "to") : 0;
    uint64_t through = milky_has(params, "through") ? milky_uint(params, "through") : 0;
    if (through && group)
        return sb_refuse(request, MILKY_MALFORMED, "through goes with to, not with group",
                         "through 与 to 同用，不能与 group 同用");
    yyjson_mut_val *message = markdown_message(request->doc, sb_text_param(params, "markdown"));
    if (!message)
        return -ENOMEM;
    int rc = to ? sb_person_require(request, to) : 0;
    if (rc != 0)
        return rc;
    enum sb_scene scene = group ? SB_SCENE_GROUP : through ? SB_SCENE_TEMP : SB_SCENE_FRIEND;
    return sb_send_shown(request, scene, group ? group : to, through, message);
}

static int close_temp(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id"), group;
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_temp_session_find(db, request->self_id, user, &group);
    if (rc == 0)
        return sb_refuse(request, SB_ALREADY, "no temporary session is open between %llu and %llu",
                         "%llu 与 %llu 之间没有临时会话", (unsigned long long)request->self_id,
                         (unsigned long long)user);
    if (rc > 0)
        rc = sb_turn_write(request);
    return rc < 0 ? rc : sb_temp_session_close(db, request->self_id, user);
}

/* --- groups --- */

static int join(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    return sb_group_join_ask(request, milky_uint(params, "group"), sb_text_param(params, "comment"),
                             milky_bool(params, "is_filtered"));
}

static int disband(struct sb_request *request)
{
    return sb_group_disband(request, milky_uint(request->params, "group"));
}

static int invite(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    bool has_source = milky_has(params, "source_group");
    return sb_group_join_invite(request, milky_uint(params, "group"), milky_uint(params, "user"),
                                has_source ? milky_uint(params, "source_group") : 0);
}

static int set_join_policy(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    const char *given = milky_string(params, "policy", NULL);
    uint64_t policy = 0;
    while (policy < SB_JOIN_NOBODY && strcmp(sb_join_policy_names[policy], given) != 0)
        policy++;
    return sb_group_join_set_policy(request, milky_uint(params, "group"), policy);
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

static int answer(struct sb_request *request, enum sb_request_state how)
{
    yyjson_mut_val *params = request->params;
    uint64_t from = milky_has(params, "from") ? milky_uint(params, "from") : 0;
    struct mk_slice reason = sb_text_param(params, "reason");
    if (milky_has(params, "group"))
        return sb_group_join_answer(request, milky_uint(params, "group"), from, how == SB_ACCEPTED,
                                    reason);
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
    { "say_markdown", say_markdown },
    { "close_temp", close_temp },
    { "join", join },
    { "invite", invite },
    { "disband", disband },
    { "set_join_policy", set_join_policy },
    { "friend_request", friend_request },
    { "accept", accept },
    { "reject", reject },
    { "ignore", ignore },
    { NULL, NULL },
};
