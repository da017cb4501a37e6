/*
 * send: see the header. A message goes the same way in each scene: the sender may speak there, its
 * segments are translated and numbered, the event for each bot is queued, and only then is anything
 * written.
 */
#include "backend/sandbox/api/send.h"

#include "backend/sandbox/api/custom_face.h"
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/mention_all.h"
#include "backend/sandbox/model/mute.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/segment.h"
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <stdlib.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, uin, time */
static const struct sb_query member_sent_sql = {
    "UPDATE member SET last_sent_time = ?3 WHERE group_id = ?1 AND uin = ?2"
};

/* A message on its way. Its scene, sender, receiver and the segments are given. */
struct sending {
    struct sb_request *request;
    struct sb_conversation conversation; /* as the sender sees it */
    uint64_t through;                    /* the group of a temporary session */
    yyjson_mut_val *outgoing; /* what the sender wrote; NULL: message.segments are given */
    bool has_result;          /* the caller gets the number of the message */
    struct sb_compose compose;
    struct sb_message message;
    struct sb_member member; /* the sender in a group */
    yyjson_mut_val *entity;  /* otherwise: the sender as the receiver knows them, or the group */
    yyjson_mut_val *own;     /* the same as the sender has it */
    char *json;              /* the segments, as they are stored */
    size_t json_len;
};

/* --- whether the sender may speak --- */

/* Both are in the group that the session goes through. */
static int find_groups(struct sending *sending)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    uint64_t sender = sending->conversation.viewer, user = sending->conversation.with;
    int rc = sb_group_json(db, request->doc, sender, sending->through, &sending->own);
    if (rc == 0)
        return sb_refuse_no_group(request, sender, sending->through);
    if (rc > 0)
        rc = sb_group_json(db, request->doc, user, sending->through, &sending->entity);
    if (rc == 0)
        return sb_refuse_no_member(request, sending->through, user);
    return rc < 0 ? rc : 0;
}

/* The group that a session goes through may forbid sessions. */
static int check_allowed(struct sending *sending)
{
    struct sb_group_settings settings;
    int rc = sb_group_settings_find(&sending->request->sandbox->db, sending->through, &settings);
    if (rc < 0)
        return rc;
    return sb_limit_check(sending->request, SB_LIMIT_TEMP_FORBIDDEN_BY_GROUP, settings.forbids_temp,
                          NULL);
}

/* A friend, or a stranger with whom a temporary session is open. */
static int check_friend(struct sending *sending)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    struct sb_conversation *conversation = &sending->conversation;
    uint64_t sender = conversation->viewer, user = conversation->with;
    int rc = sb_private_scene(request, sender, user, &conversation->scene);
    if (rc != 0)
        return rc;
    if (conversation->scene == SB_SCENE_TEMP) {
        rc = sb_temp_session_find(db, sender, user, &sending->through);
        if (rc >= 0)
            rc = find_groups(sending);
        return rc ? rc : check_allowed(sending);
    }
    rc = sb_friend_json(db, request->doc, user, sender, &sending->entity);
    if (rc > 0)
        rc = sb_friend_json(db, request->doc, sender, user, &sending->own);
    return rc < 0 ? rc : 0;
}

static int check_group(struct sending *sending)
{
    struct sb_request *request = sending->request;
    uint64_t group = sending->conversation.with;
    struct sb_member *member = &sending->member;
    int rc = sb_member_require_self(request, group, sending->conversation.viewer, member);
    if (rc == 0)
        rc = sb_mute_check(request, group, member);
    sending->compose.role = member->role;
    return rc;
}

/* Both must be in the group. Friends talk in their private chat. */
static int check_temp(struct sending *sending)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    uint64_t sender = sending->conversation.viewer, user = sending->conversation.with;
    int rc = find_groups(sending);
    if (rc != 0)
        return rc;
    if (sender == user)
        return sb_refuse(request, MILKY_MALFORMED, "one cannot talk to oneself", "不能与自己会话");
    rc = sb_friendship_find(db, sender, user);
    if (rc <= 0)
        return rc < 0 ? rc : check_allowed(sending);
    sending->conversation.scene = SB_SCENE_FRIEND;
    return check_friend(sending);
}

/* --- preparing --- */

static int make_result(struct sb_request *request, const struct sb_message *message)
{
    yyjson_mut_val *result = yyjson_mut_obj(request->doc);
    uint64_t seq = request->is_hidden ? 0 : message->seq; /* as QQ answers then */
    bool ok = yyjson_mut_obj_add_uint(request->doc, result, "message_seq", seq) &&
              yyjson_mut_obj_add_uint(request->doc, result, "time", message->time);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

/* Translates the segments, numbers the message and makes the JSON to store, and the result. */
static int prepare(struct sending *sending)
{
    static const struct mk_json_path path = { .name = { "message", sizeof("message") - 1 } };
    struct sb_request *request = sending->request;
    struct sb_message *message = &sending->message;
    sending->compose.request = request;
    sending->compose.conversation = &sending->conversation;
    sending->compose.path = &path;
    int rc = 0;
    if (sending->outgoing)
        rc = sb_compose_message(&sending->compose, sending->outgoing, &message->segments);
    if (rc == 0 && sending->compose.mentions_all)
        rc =
            sb_mention_all_check(request, sending->conversation.with, sending->conversation.viewer);
    if (rc != 0)
        return rc;
    if (sending->conversation.last_seq == UINT32_MAX)
        return sb_refuse(request, MILKY_INTERNAL, "this conversation is full",
                         "此会话的消息数已满");
    message->seq = sending->conversation.last_seq + 1;
    message->sender = sending->conversation.viewer;
    message->time = sb_request_now(request);
    message->hidden = sending->compose.is_unsigned || request->is_hidden;
    sending->json =
        yyjson_mut_val_write(message->segments, YYJSON_WRITE_NOFLAG, &sending->json_len);
    if (!sending->json)
        return -ENOMEM;
    if (sending->json_len > SB_MESSAGE_MAX_BYTES)
        return sb_refuse(request, SB_BAD_MESSAGE, "the message is too long: at most %d bytes",
                         "消息过长：最多 %d 字节", SB_MESSAGE_MAX_BYTES);
    return sending->has_result ? make_result(request, message) : 0;
}

/* --- events --- */

static int emit_to(struct sending *sending, uint64_t bot, yyjson_mut_val *json)
{
    return json ? sb_request_event(sending->request, bot, "message_receive", sending->message.time,
                                   json)
                : -ENOMEM;
}

/* Returns whether the sender is a bot that is to hear itself. */
static bool hears_itself(const struct sending *sending)
{
    return milky_host_wants_own_messages(sending->request->sandbox->host, sending->message.sender);
}

static int emit_other_side(struct sending *sending)
{
    const struct sb_conversation *own = &sending->conversation;
    int rc = sb_person_is_bot(&sending->request->sandbox->db, own->with);
    if (sending->message.hidden)
        return rc < 0 ? rc : 0;
    if (rc > 0) {
        struct sb_conversation theirs = { own->scene, own->with, own->viewer, own->id, 0 };
        rc = emit_to(
            sending, theirs.viewer,
            sb_message_json(sending->request, &theirs, &sending->message, sending->entity, NULL));
    }
    return rc;
}

static int emit_own_side(struct sending *sending)
{
    struct sb_message message = sending->message;
    struct sb_request *request = sending->request;
    message.segments = yyjson_mut_val_mut_copy(request->doc, message.segments);
    if (!message.segments)
        return -ENOMEM;
    return emit_to(sending, message.sender,
                   sb_message_json(request, &sending->conversation, &message, sending->own, NULL));
}

/* Queues the events of a private chat or a temporary session. */
static int emit_private(struct sending *sending)
{
    int rc = emit_other_side(sending);
    return rc == 0 && hears_itself(sending) ? emit_own_side(sending) : rc;
}

/* Copies the event with another remark of the group: bots with the same remark share one event. */
static yyjson_mut_val *with_remark(yyjson_mut_doc *doc, yyjson_mut_val *json,
                                   struct mk_slice remark)
{
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(doc, json);
    yyjson_mut_val *value = yyjson_mut_strncpy(doc, remark.ptr, remark.len);
    yyjson_mut_val *group = yyjson_mut_obj_get(copy, "group");
    return yyjson_mut_obj_replace(group, yyjson_mut_str(doc, "remark"), value) ? copy : NULL;
}

static bool has_remark(yyjson_mut_val *json, struct mk_slice remark)
{
    yyjson_mut_val *group = yyjson_mut_obj_get(json, "group");
    return yyjson_mut_equals_strn(yyjson_mut_obj_get(group, "remark"), remark.ptr, remark.len);
}

static yyjson_mut_val *group_event(const struct sending *sending, uint64_t viewer)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    uint64_t group = sending->conversation.with;
    struct sb_member after = sending->member;
    after.last_sent_time = sending->message.time;
    yyjson_mut_val *entity;
    if (sb_group_json(db, doc, viewer, group, &entity) <= 0)
        return NULL;
    struct sb_message message = sending->message;
    if (sending->compose.has_media) /* each bot gets URLs of its own */
        message.segments = yyjson_mut_val_mut_copy(doc, message.segments);
    struct sb_conversation theirs = sending->conversation;
    theirs.viewer = viewer;
    return sb_message_json(request, &theirs, &message, entity,
                           sb_member_json(db, doc, group, &after));
}

/* Queues the events of the bots in the group; the JSON is made for the first of them. */
static int emit_group(struct sending *sending)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *first = NULL;
    sqlite3_stmt *row = SB_DB_USE(db, &sb_group_bots_sql, sending->conversation.with);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, SB_GROUP_BOT_UIN);
        struct mk_slice remark = sb_db_text(row, SB_GROUP_BOT_REMARK);
        bool is_sender = bot == sending->message.sender;
        if (is_sender ? !hears_itself(sending) : sending->message.hidden)
            continue;
        yyjson_mut_val *json = first;
        if (!first || sending->compose.has_media)
            json = first = group_event(sending, bot);
        else if (!has_remark(first, remark))
            json = with_remark(request->doc, first, remark);
        rc = emit_to(sending, bot, json);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

/* --- writing --- */

static int write_all(struct sending *sending)
{
    struct sb_request *request = sending->request;
    struct sb_db *db = &request->sandbox->db;
    struct sb_conversation *conversation = &sending->conversation;
    const struct sb_message *message = &sending->message;
    enum sb_scene scene = conversation->scene;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_message_add(db, conversation, message,
                            mk_slice_of(sending->json, sending->json_len));
    if (rc == 0 && scene == SB_SCENE_GROUP && sending->member.last_sent_time != message->time)
        rc = sb_db_run(db, SB_DB_USE(db, &member_sent_sql, conversation->with, message->sender,
                                     message->time));
    if (rc == 0 && scene == SB_SCENE_TEMP)
        rc = sb_conversation_set_group(db, conversation, sending->through);
    if (rc == 0 && sending->compose.mentions_all)
        rc = sb_mention_all_count(request, conversation->with, message->sender);
    if (rc == 0 && sending->compose.has_sticker)
        rc = sb_custom_face_use(request, message->sender, message->segments);
    return rc < 0 ? rc : sb_compose_write(&sending->compose);
}

/* --- the way of a message --- */

static const struct {
    int (*check)(struct sending *sending);
    int (*emit)(struct sending *sending);
} scenes[] = {
    [SB_SCENE_FRIEND] = { check_friend, emit_private },
    [SB_SCENE_GROUP] = { check_group, emit_group },
    [SB_SCENE_TEMP] = { check_temp, emit_private },
};

static int send_to(struct sending *sending, enum sb_scene scene, uint64_t sender, uint64_t with)
{
    struct sb_db *db = &sending->request->sandbox->db;
    struct sb_conversation *conversation = &sending->conversation;
    *conversation = (struct sb_conversation){ .scene = scene, .viewer = sender, .with = with };
    int rc = scenes[scene].check(sending);
    if (rc == 0)
        rc = sb_conversation_find(db, conversation->scene, sender, with, conversation);
    if (rc == 0)
        rc = prepare(sending);
    if (rc == 0)
        rc = scenes[conversation->scene].emit(sending);
    if (rc == 0)
        rc = write_all(sending);
    sb_compose_fini(&sending->compose);
    free(sending->json);
    return rc;
}

int sb_send_segments(struct sb_request *request, enum sb_scene scene, uint64_t sender,
                     uint64_t with, yyjson_mut_val *segments)
{
    struct sending sending = { .request = request, .message.segments = segments };
    return send_to(&sending, scene, sender, with);
}

int sb_send_shown(struct sb_request *request, enum sb_scene scene, uint64_t with, uint64_t through,
                  yyjson_mut_val *segments)
{
    struct sending sending = {
        .request = request,
        .message.segments = segments,
        .has_result = true,
        .through = through,
    };
    return send_to(&sending, scene, request->self_id, with);
}

int sb_send_temp(struct sb_request *request, uint64_t sender, uint64_t user, uint64_t group,
                 yyjson_mut_val *message)
{
    struct sending sending = {
        .request = request,
        .outgoing = message,
        .has_result = true,
        .through = group,
    };
    return send_to(&sending, SB_SCENE_TEMP, sender, user);
}

/* --- APIs --- */

static int send_message(struct sb_request *request, enum sb_scene scene, const char *with)
{
    struct sending sending = {
        .request = request,
        .outgoing = yyjson_mut_obj_get(request->params, "message"),
        .has_result = true,
    };
    return send_to(&sending, scene, request->self_id, milky_uint(request->params, with));
}

static int send_private_message(struct sb_request *request)
{
    return send_message(request, SB_SCENE_FRIEND, "user_id");
}

static int send_group_message(struct sb_request *request)
{
    return send_message(request, SB_SCENE_GROUP, "group_id");
}

static const struct sb_api apis[] = {
    { "send_private_message", send_private_message },
    { "send_group_message", send_group_message },
    { NULL, NULL },
};

const struct sb_feature sb_feature_send = { .apis = apis };
