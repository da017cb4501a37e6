/* send: see the header. */
#include "backend/sandbox/model/send.h"

#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/mute.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/picture.h"
#include "backend/sandbox/model/segment.h"

#include <errno.h>
#include <stdlib.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* scene, low, high */
static const struct sb_query conversation_add_sql = {
    "INSERT INTO conversation (scene, low, high, last_seq) VALUES (?1, ?2, ?3, 0)"
};
/* conversation, seq */
static const struct sb_query conversation_sent_sql = {
    "UPDATE conversation SET last_seq = ?2 WHERE id = ?1"
};
/* group, uin, time */
static const struct sb_query member_sent_sql = {
    "UPDATE member SET last_sent_time = ?3 WHERE group_id = ?1 AND uin = ?2"
};
/* id, sender, time, segments */
static const struct sb_query message_add_sql = {
    "INSERT INTO message (id, sender, time, segments) VALUES (?1, ?2, ?3, ?4)"
};
/* conversation, group */
static const struct sb_query temp_session_set_sql = { "INSERT INTO temp_session VALUES (?1, ?2)"
                                                      " ON CONFLICT DO UPDATE SET group_id = ?2" };

/* What is written of a message: all of it is ready before the first write. */
struct sending {
    yyjson_mut_val *outgoing; /* what the sender wrote; NULL: message.segments are there */
    struct sb_place place;    /* as the sender sees it */
    struct sb_compose compose;
    struct sb_message message;
    uint64_t through;        /* the group of a temporary session */
    uint64_t last_sent_time; /* of the sender in a group, before this: a second is noted once */
    char *text;              /* the segments as JSON */
    size_t text_len;
};

static int make_result(struct sb_request *request, const struct sb_message *message)
{
    yyjson_mut_val *result = yyjson_mut_obj(request->doc);
    bool ok = yyjson_mut_obj_add_uint(request->doc, result, "message_seq", message->seq) &&
              yyjson_mut_obj_add_uint(request->doc, result, "time", message->time);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

/* Translates the segments, numbers the message and makes the text to store, and the result. */
static int prepare(struct sb_request *request, struct sending *sending)
{
    struct sb_message *message = &sending->message;
    sending->compose.request = request;
    sending->compose.place = &sending->place;
    int rc = 0;
    if (sending->outgoing)
        rc = sb_compose_message(&sending->compose, sending->outgoing, &message->segments);
    if (rc != 0)
        return rc;
    if (sending->place.last_seq == UINT32_MAX)
        return sb_refuse(request, MILKY_INTERNAL, "this conversation is full",
                         "此会话的消息数已满");
    message->seq = sending->place.last_seq + 1;
    message->sender = sending->place.viewer;
    message->time = sb_request_now(request);
    sending->text =
        yyjson_mut_val_write(message->segments, YYJSON_WRITE_NOFLAG, &sending->text_len);
    if (!sending->text)
        return -ENOMEM;
    if (sending->text_len > SB_MESSAGE_MAX_BYTES)
        return sb_refuse(request, SB_BAD_MESSAGE, "the message is too long: at most %d bytes",
                         "消息过长：最多 %d 字节", SB_MESSAGE_MAX_BYTES);
    return sending->outgoing ? make_result(request, message) : 0;
}

static int add_conversation(struct sb_db *db, struct sb_place *place)
{
    uint64_t low, high;
    sb_place_key(place, &low, &high);
    int rc = sb_db_run(db, SB_DB_USE(db, &conversation_add_sql, (uint64_t)place->scene, low, high));
    if (rc == 0)
        place->id = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    return rc;
}

static int write_all(struct sb_request *request, struct sending *sending)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_place *place = &sending->place;
    const struct sb_message *message = &sending->message;
    int rc = sb_turn_write(request);
    if (rc == 0 && place->id == 0)
        rc = add_conversation(db, place);
    if (rc < 0)
        return rc;
    sqlite3_stmt *insert = SB_DB_USE(db, &message_add_sql, sb_message_id(place->id, message->seq),
                                     message->sender, message->time);
    sqlite3_bind_text(insert, 4, sending->text, (int)sending->text_len, SQLITE_STATIC);
    rc = sb_db_run(db, insert);
    sqlite3_bind_null(insert, 4);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &conversation_sent_sql, place->id, message->seq));
    if (rc == 0 && place->scene == SB_SCENE_GROUP && sending->last_sent_time != message->time)
        rc = sb_db_run(
            db, SB_DB_USE(db, &member_sent_sql, place->peer, message->sender, message->time));
    if (rc == 0 && place->scene == SB_SCENE_TEMP)
        rc = sb_db_run(db, SB_DB_USE(db, &temp_session_set_sql, place->id, sending->through));
    if (rc == 0 && sending->compose.has_sticker)
        rc = sb_use_stickers(request, message->sender, message->segments);
    return rc < 0 ? rc : sb_compose_write(&sending->compose);
}

static void finish(struct sending *sending)
{
    sb_compose_fini(&sending->compose);
    free(sending->text);
}

/* --- private --- */

/*
 * Tells the other side, if a bot is there. `entity` is the sender, as the other side knows them, or
 * the group of a temporary session.
 */
static int tell_other(struct sb_request *request, const struct sending *sending,
                      yyjson_mut_val *entity)
{
    const struct sb_place *place = &sending->place;
    struct sb_place theirs = { place->scene, place->peer, place->viewer, place->id, 0 };
    yyjson_mut_val *json = sb_message_json(request, &theirs, &sending->message, entity, NULL);
    if (!json)
        return -ENOMEM;
    return sb_request_event(request, theirs.viewer, "message_receive", sending->message.time, json);
}

static int send_private(struct sb_request *request, uint64_t sender, uint64_t user,
                        struct sending *sending)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *entity;
    struct mk_slice nickname;
    bool is_bot = false;
    int rc = sb_friend_json(db, request->doc, user, sender, &entity);
    if (rc == 0)
        return sb_refuse_no_friend(request, sender, user);
    if (rc > 0)
        rc = sb_person_find(db, request->doc, user, &nickname, &is_bot);
    if (rc > 0)
        rc = sb_place_find(db, SB_SCENE_FRIEND, sender, user, &sending->place);
    if (rc == 0)
        rc = prepare(request, sending);
    if (rc == 0 && is_bot)
        rc = tell_other(request, sending, entity);
    if (rc == 0)
        rc = write_all(request, sending);
    finish(sending);
    return rc;
}

int sb_send_private(struct sb_request *request, uint64_t sender, uint64_t user,
                    yyjson_mut_val *message)
{
    struct sending sending = { .outgoing = message };
    return send_private(request, sender, user, &sending);
}

int sb_post_private(struct sb_request *request, uint64_t sender, uint64_t user,
                    yyjson_mut_val *segments)
{
    struct sending sending = { .message.segments = segments };
    return send_private(request, sender, user, &sending);
}

/* --- temporary sessions --- */

/* Both are in the group: `entity` is the GroupEntity as `user` sees it. */
static int require_common_group(struct sb_request *request, uint64_t sender, uint64_t user,
                                uint64_t group, yyjson_mut_val **entity)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *own;
    int rc = sb_group_json(db, request->doc, sender, group, &own);
    if (rc == 0)
        return sb_refuse_no_group(request, sender, group);
    if (rc > 0 && sender == user)
        return sb_refuse(request, MILKY_MALFORMED, "one cannot talk to oneself", "不能与自己会话");
    if (rc > 0)
        rc = sb_group_json(db, request->doc, user, group, entity);
    if (rc == 0)
        return sb_refuse_no_member(request, group, user);
    return rc < 0 ? rc : 0;
}

int sb_send_temp(struct sb_request *request, uint64_t sender, uint64_t user, uint64_t group,
                 yyjson_mut_val *message)
{
    struct sb_db *db = &request->sandbox->db;
    struct sending sending = { .outgoing = message, .through = group };
    yyjson_mut_val *entity = NULL;
    int rc = require_common_group(request, sender, user, group, &entity);
    if (rc != 0)
        return rc;
    rc = sb_friendship_find(db, sender, user);
    if (rc > 0)
        return sb_send_private(request, sender, user, message);
    if (rc == 0)
        rc = sb_place_find(db, SB_SCENE_TEMP, sender, user, &sending.place);
    if (rc == 0)
        rc = prepare(request, &sending);
    if (rc == 0)
        rc = tell_other(request, &sending, entity);
    if (rc == 0)
        rc = write_all(request, &sending);
    finish(&sending);
    return rc;
}

/* --- groups --- */

/* The event with another name for the group: bots that gave it none share one. */
static yyjson_mut_val *with_remark(yyjson_mut_doc *doc, yyjson_mut_val *json,
                                   struct mk_slice remark)
{
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(doc, json);
    yyjson_mut_val *value = yyjson_mut_strncpy(doc, remark.ptr, remark.len);
    yyjson_mut_val *group = yyjson_mut_obj_get(copy, "group");
    return yyjson_mut_obj_replace(group, yyjson_mut_str(doc, "remark"), value) ? copy : NULL;
}

static yyjson_mut_val *group_event(struct sb_request *request, const struct sending *sending,
                                   const struct sb_member *sender, uint64_t viewer)
{
    yyjson_mut_doc *doc = request->doc;
    uint64_t group = sending->place.peer;
    struct sb_member after = *sender;
    after.last_sent_time = sending->message.time;
    yyjson_mut_val *entity;
    if (sb_group_json(&request->sandbox->db, doc, viewer, group, &entity) <= 0)
        return NULL;
    struct sb_message message = sending->message;
    if (sending->compose.has_media) /* each bot gets URLs of its own */
        message.segments = yyjson_mut_val_mut_copy(doc, message.segments);
    struct sb_place theirs = sending->place;
    theirs.viewer = viewer;
    return sb_message_json(request, &theirs, &message, entity,
                           sb_member_json(&request->sandbox->db, doc, group, &after));
}

/* Tells the bots of the group; the JSON is made only if there is one besides the sender. */
static int tell_group(struct sb_request *request, const struct sending *sending,
                      const struct sb_member *sender)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *first = NULL;
    sqlite3_stmt *row = SB_DB_USE(db, &sb_group_bots_sql, sending->place.peer);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, SB_GROUP_BOT_UIN);
        if (bot == sender->uin)
            continue;
        yyjson_mut_val *json = first;
        struct mk_slice remark = sb_db_text(row, SB_GROUP_BOT_REMARK);
        if (!first || sending->compose.has_media)
            json = first = group_event(request, sending, sender, bot);
        else if (!yyjson_mut_equals_strn(
                     yyjson_mut_obj_get(yyjson_mut_obj_get(first, "group"), "remark"), remark.ptr,
                     remark.len))
            json = with_remark(request->doc, first, remark);
        rc = json ? sb_request_event(request, bot, "message_receive", sending->message.time, json)
                  : -ENOMEM;
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc;
}

/* Who is not in the group, or muted in it, cannot speak there. */
static int require_voice(struct sb_request *request, uint64_t sender, uint64_t group,
                         struct sb_member *member)
{
    int rc = sb_member_require_self(request, group, sender, member);
    return rc == 0 ? sb_mute_check(request, group, member) : rc;
}

static int send_group(struct sb_request *request, uint64_t sender, uint64_t group,
                      struct sending *sending)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_member member;
    int rc = require_voice(request, sender, group, &member);
    if (rc != 0)
        return rc;
    sending->compose.role = member.role;
    sending->last_sent_time = member.last_sent_time;
    rc = sb_place_find(db, SB_SCENE_GROUP, sender, group, &sending->place);
    if (rc == 0)
        rc = prepare(request, sending);
    if (rc == 0)
        rc = tell_group(request, sending, &member);
    if (rc == 0)
        rc = write_all(request, sending);
    finish(sending);
    return rc;
}

int sb_send_group(struct sb_request *request, uint64_t sender, uint64_t group,
                  yyjson_mut_val *message)
{
    struct sending sending = { .outgoing = message };
    return send_group(request, sender, group, &sending);
}

int sb_post_group(struct sb_request *request, uint64_t sender, uint64_t group,
                  yyjson_mut_val *segments)
{
    struct sending sending = { .message.segments = segments };
    return send_group(request, sender, group, &sending);
}

/* --- APIs --- */

static int send_private_message(struct sb_request *request)
{
    return sb_send_private(request, request->self_id, milky_uint(request->params, "user_id"),
                           yyjson_mut_obj_get(request->params, "message"));
}

static int send_group_message(struct sb_request *request)
{
    return sb_send_group(request, request->self_id, milky_uint(request->params, "group_id"),
                         yyjson_mut_obj_get(request->params, "message"));
}

static const struct sb_api apis[] = {
    { "send_private_message", send_private_message },
    { "send_group_message", send_group_message },
    { NULL, NULL },
};

const struct sb_feature sb_feature_send = { .apis = apis };
