/* recall: messages are recalled. */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id, operator */
static const struct sb_query recall_sql = { "UPDATE message SET recalled_by = ?2 WHERE id = ?1" };

/* The message that the params name, not recalled yet. */
static int find_message(struct sb_request *request, enum sb_scene scene, uint64_t with,
                        struct sb_conversation *conversation, struct sb_message *message)
{
    uint64_t seq = milky_uint(request->params, "message_seq");
    int rc =
        sb_conversation_find(&request->sandbox->db, scene, request->self_id, with, conversation);
    return rc < 0 ? rc : sb_message_require(request, conversation, seq, message);
}

static yyjson_mut_val *recall_json(yyjson_mut_doc *doc, const struct sb_conversation *conversation,
                                   uint64_t peer_id, const struct sb_message *message)
{
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    const char *scene = sb_scene_name(conversation->scene);
    bool ok = yyjson_mut_obj_add_str(doc, json, "message_scene", scene) &&
              yyjson_mut_obj_add_uint(doc, json, "peer_id", peer_id) &&
              yyjson_mut_obj_add_uint(doc, json, "message_seq", message->seq) &&
              yyjson_mut_obj_add_uint(doc, json, "sender_id", message->sender) &&
              yyjson_mut_obj_add_uint(doc, json, "operator_id", conversation->viewer) &&
              yyjson_mut_obj_add_str(doc, json, "display_suffix", "");
    return ok ? json : NULL;
}

static int write_recall(struct sb_request *request, const struct sb_conversation *conversation,
                        uint64_t seq)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t id = sb_message_id(conversation->id, seq);
    int rc = sb_turn_write(request);
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &recall_sql, id, request->self_id));
}

/* The age of a message, in the time of the world; 0 where the clock was set back. */
static int check_age(struct sb_request *request, enum sb_limit_id limit,
                     const struct sb_message *message)
{
    uint64_t now = sb_request_now(request);
    return sb_limit_check(request, limit, now > message->time ? now - message->time : 0, NULL);
}

/* --- private chats --- */

/* Queues the event for both sides. */
static int emit_private(struct sb_request *request, const struct sb_conversation *conversation,
                        const struct sb_message *message)
{
    uint64_t now = sb_request_now(request);
    uint64_t sides[2] = { conversation->viewer, conversation->with };
    for (int i = 0; i < 2; i++) {
        yyjson_mut_val *json = recall_json(request->doc, conversation, sides[1 - i], message);
        int rc = json ? sb_request_event(request, sides[i], "message_recall", now, json) : -ENOMEM;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int recall_private_message(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id");
    struct sb_conversation conversation = { 0 };
    struct sb_message message = { 0 };
    enum sb_scene scene;
    int rc = sb_private_scene(request, request->self_id, user, &scene);
    if (rc == 0)
        rc = find_message(request, scene, user, &conversation, &message);
    if (rc != 0)
        return rc;
    if (message.sender != request->self_id)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "in a private chat only its sender can recall a message: %llu is of %llu",
                         "私聊中只能撤回自己的消息：消息 %llu 由 %llu 发送",
                         (unsigned long long)message.seq, (unsigned long long)message.sender);
    rc = check_age(request, SB_LIMIT_RECALL_OWN_PRIVATE, &message);
    if (rc != 0)
        return rc;
    rc = emit_private(request, &conversation, &message);
    return rc < 0 ? rc : write_recall(request, &conversation, message.seq);
}

/* --- groups --- */

/* Own messages, a plain member those of the last minutes; an admin those of members, the owner
 * those of all. */
static int check_role(struct sb_request *request, uint64_t role, uint64_t group,
                      const struct sb_message *message)
{
    uint64_t sender = message->sender;
    if (sender == request->self_id && role > SB_ROLE_MEMBER)
        return 0;
    if (sender == request->self_id)
        return check_age(request, SB_LIMIT_RECALL_OWN_GROUP, message);
    struct sb_member other;
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, sender, &other);
    if (rc < 0)
        return rc;
    uint64_t other_role = rc > 0 ? other.role : SB_ROLE_MEMBER;
    if (role > other_role)
        return 0;
    if (role == SB_ROLE_MEMBER)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "only the owner or an admin of group %llu can recall messages of others",
                         "只有群 %llu 的群主或管理员可以撤回他人的消息", (unsigned long long)group);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "an admin cannot recall messages of the owner or of other admins: only the "
                     "owner of group %llu can",
                     "管理员不能撤回群主或其他管理员的消息：只有群 %llu 的群主可以",
                     (unsigned long long)group);
}

static int recall_group_message(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_conversation conversation = { 0 };
    struct sb_message message = { 0 };
    struct sb_member self = { 0 };
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = find_message(request, SB_SCENE_GROUP, group, &conversation, &message);
    if (rc == 0)
        rc = check_role(request, self.role, group, &message);
    if (rc != 0)
        return rc;
    yyjson_mut_val *json = recall_json(request->doc, &conversation, group, &message);
    rc = sb_group_event(request, group, 0, "message_recall", json);
    return rc < 0 ? rc : write_recall(request, &conversation, message.seq);
}

static const struct sb_api apis[] = {
    { "recall_private_message", recall_private_message },
    { "recall_group_message", recall_group_message },
    { NULL, NULL },
};

const struct sb_feature sb_feature_recall = { .apis = apis };
