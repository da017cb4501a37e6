/* message: see the header; and the APIs that read messages and take them back. */
#include "backend/sandbox/model/message.h"

#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/model/segment_url.h"

#include "backend/sandbox/media/media.h"
#include "base/log.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* scene, low, high */
static const struct sb_query conversation_sql = {
    "SELECT id, last_seq FROM conversation WHERE scene = ?1 AND low = ?2 AND high = ?3"
};
/* id */
static const struct sb_query message_sql = {
    "SELECT id, sender, time, segments, recalled_by IS NOT NULL FROM message WHERE id = ?1"
};
/* id, operator */
static const struct sb_query message_recall_sql = {
    "UPDATE message SET recalled_by = ?2 WHERE id = ?1"
};
/* lowest id, highest id, limit */
static const struct sb_query history_sql = { "SELECT id, sender, time, segments FROM message"
                                             " WHERE id BETWEEN ?1 AND ?2 AND recalled_by IS NULL"
                                             " ORDER BY id DESC LIMIT ?3" };
/* conversation */
static const struct sb_query temp_session_sql = {
    "SELECT group_id FROM temp_session WHERE conversation = ?1"
};

enum { MAX_PAGE = 30 };

const char *sb_scene_name(enum sb_scene scene)
{
    return scene == SB_SCENE_GROUP ? "group" : scene == SB_SCENE_TEMP ? "temp" : "friend";
}

enum sb_scene sb_scene_of(const char *name)
{
    return strcmp(name, "friend") == 0  ? SB_SCENE_FRIEND
           : strcmp(name, "group") == 0 ? SB_SCENE_GROUP
                                        : SB_SCENE_TEMP;
}

/* --- looking up --- */

void sb_place_key(const struct sb_place *place, uint64_t *low, uint64_t *high)
{
    bool is_private = place->scene != SB_SCENE_GROUP;
    bool viewer_first = is_private && place->viewer < place->peer;
    *low = viewer_first ? place->viewer : place->peer;
    *high = !is_private ? 0 : viewer_first ? place->peer : place->viewer;
}

int sb_place_find(struct sb_db *db, enum sb_scene scene, uint64_t viewer, uint64_t peer,
                  struct sb_place *place)
{
    *place = (struct sb_place){ .scene = scene, .viewer = viewer, .peer = peer };
    uint64_t low, high;
    sb_place_key(place, &low, &high);
    sqlite3_stmt *row = SB_DB_USE(db, &conversation_sql, (uint64_t)scene, low, high);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    place->id = sb_db_uint(row, 0);
    place->last_seq = sb_db_uint(row, 1);
    sqlite3_reset(row);
    return 0;
}

/* The group that a temporary session goes through, if the viewer is in it; else NULL. */
static int session_group(struct sb_request *request, const struct sb_place *place,
                         yyjson_mut_val **entity)
{
    struct sb_db *db = &request->sandbox->db;
    *entity = NULL;
    sqlite3_stmt *row = SB_DB_USE(db, &temp_session_sql, place->id);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    uint64_t group = sb_db_uint(row, 0);
    sqlite3_reset(row);
    rc = sb_group_json(db, request->doc, place->viewer, group, entity);
    return rc < 0 ? rc : 0;
}

int sb_place_require(struct sb_request *request, enum sb_scene scene, uint64_t viewer,
                     uint64_t peer, struct sb_place *place, yyjson_mut_val **entity)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *made = NULL;
    int rc = 1;
    if (scene == SB_SCENE_GROUP)
        rc = sb_group_json(db, request->doc, viewer, peer, &made);
    else if (scene == SB_SCENE_FRIEND)
        rc = sb_friend_json(db, request->doc, viewer, peer, &made);
    if (rc == 0)
        return scene == SB_SCENE_GROUP ? sb_refuse_no_group(request, viewer, peer)
                                       : sb_refuse_no_friend(request, viewer, peer);
    if (rc > 0)
        rc = sb_place_find(db, scene, viewer, peer, place);
    if (rc == 0 && scene == SB_SCENE_TEMP)
        rc = session_group(request, place, &made);
    if (rc == 0 && entity)
        *entity = made;
    return rc;
}

int sb_message_of_row(yyjson_mut_doc *doc, sqlite3_stmt *row, struct sb_message *message)
{
    struct mk_slice text = sb_db_text(row, 3);
    yyjson_doc *stored = yyjson_read(text.ptr, text.len, YYJSON_READ_NOFLAG);
    if (!stored) {
        mk_log_error("sandbox", "the row of message %llu does not hold JSON",
                     "消息 %llu 的数据行不是 JSON", (unsigned long long)sb_db_uint(row, 0));
        return -EIO;
    }
    *message = (struct sb_message){
        .seq = sb_db_uint(row, 0) & UINT32_MAX,
        .sender = sb_db_uint(row, 1),
        .time = sb_db_uint(row, 2),
        .segments = yyjson_val_mut_copy(doc, yyjson_doc_get_root(stored)),
        .stored_len = text.len,
    };
    yyjson_doc_free(stored);
    return message->segments ? 0 : -ENOMEM;
}

int sb_message_find(struct sb_db *db, yyjson_mut_doc *doc, const struct sb_place *place,
                    uint64_t seq, struct sb_message *message)
{
    if (seq == 0 || seq > place->last_seq)
        return 0;
    sqlite3_stmt *row = SB_DB_USE(db, &message_sql, sb_message_id(place->id, seq));
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    rc = sb_message_of_row(doc, row, message);
    message->recalled = sb_db_uint(row, 4) != 0;
    sqlite3_reset(row);
    return rc < 0 ? rc : 1;
}

/* --- JSON --- */

yyjson_mut_val *sb_message_json(struct sb_request *request, const struct sb_place *place,
                                const struct sb_message *message, yyjson_mut_val *entity,
                                yyjson_mut_val *member)
{
    yyjson_mut_doc *doc = request->doc;
    bool in_group = place->scene == SB_SCENE_GROUP;
    const char *key = place->scene == SB_SCENE_FRIEND ? "friend" : "group";
    if (sb_segment_fill_urls(request->sandbox, place->viewer, doc, message->segments) < 0)
        return NULL;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, json, "message_scene", sb_scene_name(place->scene)) &&
              yyjson_mut_obj_add_uint(doc, json, "peer_id", place->peer) &&
              yyjson_mut_obj_add_uint(doc, json, "message_seq", message->seq) &&
              yyjson_mut_obj_add_uint(doc, json, "sender_id", message->sender) &&
              yyjson_mut_obj_add_uint(doc, json, "time", message->time) &&
              yyjson_mut_obj_add_val(doc, json, "segments", message->segments) &&
              ((place->scene == SB_SCENE_TEMP && !entity) ||
               yyjson_mut_obj_add_val(doc, json, key, entity)) &&
              (!in_group || yyjson_mut_obj_add_val(doc, json, "group_member", member));
    return ok ? json : NULL;
}

/* The GroupMemberEntity of a sender, who may have left since. */
static yyjson_mut_val *sender_json(struct sb_request *request, uint64_t group, uint64_t sender)
{
    struct sb_member member;
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, sender, &member);
    return rc > 0 ? sb_member_json(&request->sandbox->db, request->doc, group, &member) : NULL;
}

/*
 * A message as the bot sees it. `entity` is copied, since a page has many messages and a JSON value
 * only one parent.
 */
static yyjson_mut_val *seen_json(struct sb_request *request, const struct sb_place *place,
                                 const struct sb_message *message, yyjson_mut_val *entity)
{
    bool in_group = place->scene == SB_SCENE_GROUP;
    yyjson_mut_val *member = in_group ? sender_json(request, place->peer, message->sender) : NULL;
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(request->doc, entity);
    if ((in_group && !member) || (entity && !copy))
        return NULL;
    return sb_message_json(request, place, message, copy, member);
}

/* --- APIs --- */

/* The conversation that `message_scene` and `peer_id` of the params name. */
static int require_place(struct sb_request *request, struct sb_place *place,
                         yyjson_mut_val **entity)
{
    const char *scene = milky_string(request->params, "message_scene", NULL);
    return sb_place_require(request, sb_scene_of(scene), request->self_id,
                            milky_uint(request->params, "peer_id"), place, entity);
}

/* The message `seq` of a place, standing. Returns 0, SB_REFUSED or -errno. */
static int require_message(struct sb_request *request, const struct sb_place *place, uint64_t seq,
                           struct sb_message *message)
{
    int rc = sb_message_find(&request->sandbox->db, request->doc, place, seq, message);
    if (rc == 0)
        return sb_refuse_no_message(request, seq);
    if (rc > 0 && message->recalled)
        return sb_refuse(request, SB_NO_MESSAGE, "message %llu has been recalled",
                         "消息 %llu 已被撤回", (unsigned long long)seq);
    return rc < 0 ? rc : 0;
}

static int get_message(struct sb_request *request)
{
    struct sb_place place = { 0 };
    struct sb_message message = { 0 };
    yyjson_mut_val *entity = NULL;
    int rc = require_place(request, &place, &entity);
    if (rc == 0)
        rc = require_message(request, &place, milky_uint(request->params, "message_seq"), &message);
    if (rc != 0)
        return rc;
    yyjson_mut_val *json = seen_json(request, &place, &message, entity);
    return json ? sb_result(request, "message", json) : -ENOMEM;
}

/*
 * Reads at most `limit` messages from `start` backwards into `page`, oldest first, and one more to
 * see whether there is a next page: its seq goes to `*next`, which is left alone otherwise.
 */
static int read_page(struct sb_request *request, const struct sb_place *place, uint64_t start,
                     uint64_t limit, yyjson_mut_val *entity, yyjson_mut_val *page, uint64_t *next)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &history_sql, sb_message_id(place->id, 1),
                                  sb_message_id(place->id, start), limit + 1);
    uint64_t count = 0;
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        if (count++ == limit) {
            *next = sb_db_uint(row, 0) & UINT32_MAX;
            rc = 0;
            break;
        }
        struct sb_message message = { 0 };
        rc = sb_message_of_row(request->doc, row, &message);
        if (rc < 0)
            break;
        if (!yyjson_mut_arr_prepend(page, seen_json(request, place, &message, entity))) {
            rc = -ENOMEM;
            break;
        }
    }
    sqlite3_reset(row);
    return rc;
}

/*
 * From new to old: a page begins at `start_message_seq` itself, or at the newest message. Within it
 * the messages ascend, recalled ones are passed over, and `next_message_seq` is what to start the
 * next older page with; absent when there is none.
 */
static int get_history_messages(struct sb_request *request)
{
    yyjson_mut_doc *doc = request->doc;
    struct sb_place place = { 0 };
    yyjson_mut_val *entity = NULL;
    int rc = require_place(request, &place, &entity);
    if (rc != 0)
        return rc;
    uint64_t limit = milky_uint(request->params, "limit");
    uint64_t start = place.last_seq;
    if (milky_has(request->params, "start_message_seq"))
        start = milky_uint(request->params, "start_message_seq");
    if (start > place.last_seq)
        start = place.last_seq;
    yyjson_mut_val *page = yyjson_mut_arr(doc);
    uint64_t next = 0;
    if (!page)
        return -ENOMEM;
    if (start > 0)
        rc = read_page(request, &place, start, limit < MAX_PAGE ? limit : MAX_PAGE, entity, page,
                       &next);
    if (rc == 0)
        rc = sb_result(request, "messages", page);
    if (rc == 0 && next > 0 &&
        !yyjson_mut_obj_add_uint(doc, request->result, "next_message_seq", next))
        rc = -ENOMEM;
    return rc;
}

/* --- taking back --- */

static yyjson_mut_val *recall_json(yyjson_mut_doc *doc, const struct sb_place *place, uint64_t peer,
                                   const struct sb_message *message)
{
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, json, "message_scene", sb_scene_name(place->scene)) &&
              yyjson_mut_obj_add_uint(doc, json, "peer_id", peer) &&
              yyjson_mut_obj_add_uint(doc, json, "message_seq", message->seq) &&
              yyjson_mut_obj_add_uint(doc, json, "sender_id", message->sender) &&
              yyjson_mut_obj_add_uint(doc, json, "operator_id", place->viewer) &&
              yyjson_mut_obj_add_str(doc, json, "display_suffix", "");
    return ok ? json : NULL;
}

static int tell_friend_recall(struct sb_request *request, const struct sb_place *place,
                              const struct sb_message *message)
{
    uint64_t now = sb_request_now(request);
    uint64_t sides[2] = { place->viewer, place->peer };
    for (int i = 0; i < 2; i++) {
        yyjson_mut_val *json = recall_json(request->doc, place, sides[1 - i], message);
        int rc = json ? sb_request_event(request, sides[i], "message_recall", now, json) : -ENOMEM;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_recall(struct sb_request *request, const struct sb_place *place, uint64_t seq)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(
        db, SB_DB_USE(db, &message_recall_sql, sb_message_id(place->id, seq), request->self_id));
}

static int recall_private_message(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t user = milky_uint(request->params, "user_id");
    struct sb_place place = { 0 };
    struct sb_message message = { 0 };
    yyjson_mut_val *entity = NULL;
    int rc = sb_friend_json(db, request->doc, request->self_id, user, &entity);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_friend(request, request->self_id, user);
    rc = sb_place_find(db, SB_SCENE_FRIEND, request->self_id, user, &place);
    if (rc == 0)
        rc = require_message(request, &place, milky_uint(request->params, "message_seq"), &message);
    if (rc != 0)
        return rc;
    if (message.sender != request->self_id)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "in a private chat only its sender can recall a message: %llu is of %llu",
                         "私聊中只能撤回自己的消息：消息 %llu 由 %llu 发送",
                         (unsigned long long)message.seq, (unsigned long long)message.sender);
    rc = tell_friend_recall(request, &place, &message);
    return rc < 0 ? rc : write_recall(request, &place, message.seq);
}

/* Own messages always; an admin those of members, the owner those of all. */
static int check_group_recall(struct sb_request *request, uint64_t role, uint64_t group,
                              uint64_t sender)
{
    if (sender == request->self_id)
        return 0;
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
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_place place = { 0 };
    struct sb_message message = { 0 };
    struct sb_member self = { 0 };
    int rc = sb_member_find(db, request->doc, group, request->self_id, &self);
    if (rc < 0)
        return rc;
    if (rc == 0 || !self.is_member)
        return sb_refuse_no_group(request, request->self_id, group);
    rc = sb_place_find(db, SB_SCENE_GROUP, request->self_id, group, &place);
    if (rc == 0)
        rc = require_message(request, &place, milky_uint(request->params, "message_seq"), &message);
    if (rc == 0)
        rc = check_group_recall(request, self.role, group, message.sender);
    if (rc == 0)
        rc = sb_group_event(request, group, 0, "message_recall",
                            recall_json(request->doc, &place, group, &message));
    return rc != 0 ? rc : write_recall(request, &place, message.seq);
}

static const struct sb_api apis[] = {
    { "get_message", get_message },
    { "get_history_messages", get_history_messages },
    { "recall_private_message", recall_private_message },
    { "recall_group_message", recall_group_message },
    { NULL, NULL },
};

const struct sb_feature sb_feature_message = { .apis = apis };
