/* message: see the header. */
#include "backend/sandbox/model/message.h"

#include "backend/sandbox/model/segment_url.h"
#include "backend/sandbox/model/world_messages.h"
#include "base/log.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id */
static const struct sb_query message_sql = {
    "SELECT " SB_MESSAGE_COLUMNS ", recalled_by IS NOT NULL, hidden FROM message WHERE id = ?1"
};
enum { MESSAGE_IS_RECALLED = SB_MESSAGE_MORE, MESSAGE_IS_HIDDEN };
/* id, sender, time, hidden, segments */
static const struct sb_query message_add_sql = {
    "INSERT INTO message (id, sender, time, hidden, segments) VALUES (?1, ?2, ?3, ?4, ?5)"
};

/* --- looking up --- */

int sb_message_read(yyjson_mut_doc *doc, sqlite3_stmt *row, struct sb_message *message)
{
    struct mk_slice text = sb_db_text(row, SB_MESSAGE_SEGMENTS);
    yyjson_doc *stored = yyjson_read(text.ptr, text.len, YYJSON_READ_NOFLAG);
    if (!stored) {
        mk_log_error("sandbox", "the row of message %llu does not hold JSON",
                     "消息 %llu 的数据行不是 JSON",
                     (unsigned long long)sb_db_uint(row, SB_MESSAGE_ID));
        return -EIO;
    }
    *message = (struct sb_message){
        .seq = sb_db_uint(row, SB_MESSAGE_ID) & UINT32_MAX,
        .sender = sb_db_uint(row, SB_MESSAGE_SENDER),
        .time = sb_db_uint(row, SB_MESSAGE_TIME),
        .segments = yyjson_val_mut_copy(doc, yyjson_doc_get_root(stored)),
        .stored_len = text.len,
    };
    yyjson_doc_free(stored);
    return message->segments ? 0 : -ENOMEM;
}

int sb_message_find(struct sb_db *db, yyjson_mut_doc *doc,
                    const struct sb_conversation *conversation, uint64_t seq,
                    struct sb_message *message)
{
    if (seq == 0 || seq > conversation->last_seq)
        return 0;
    sqlite3_stmt *row = SB_DB_USE(db, &message_sql, sb_message_id(conversation->id, seq));
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    rc = sb_message_read(doc, row, message);
    message->recalled = sb_db_uint(row, MESSAGE_IS_RECALLED) != 0;
    message->hidden = sb_db_uint(row, MESSAGE_IS_HIDDEN) != 0;
    sqlite3_reset(row);
    if (rc == 0 && message->hidden && message->sender != conversation->viewer)
        return 0;
    return rc < 0 ? rc : 1;
}

int sb_message_require(struct sb_request *request, const struct sb_conversation *conversation,
                       uint64_t seq, struct sb_message *message)
{
    int rc = sb_message_find(&request->sandbox->db, request->doc, conversation, seq, message);
    if (rc == 0)
        return sb_refuse_no_message(request, seq);
    if (rc > 0 && message->recalled)
        return sb_refuse(request, SB_NO_MESSAGE, "message %llu has been recalled",
                         "消息 %llu 已被撤回", (unsigned long long)seq);
    return rc < 0 ? rc : 0;
}

/* --- JSON --- */

yyjson_mut_val *sb_message_json(struct sb_request *request,
                                const struct sb_conversation *conversation,
                                const struct sb_message *message, yyjson_mut_val *entity,
                                yyjson_mut_val *member)
{
    yyjson_mut_doc *doc = request->doc;
    bool in_group = conversation->scene == SB_SCENE_GROUP;
    const char *key = conversation->scene == SB_SCENE_FRIEND ? "friend" : "group";
    if (sb_segment_fill_urls(request->sandbox, conversation->viewer, doc, message->segments) < 0)
        return NULL;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_str(doc, json, "message_scene", sb_scene_name(conversation->scene)) &&
        yyjson_mut_obj_add_uint(doc, json, "peer_id", conversation->with) &&
        yyjson_mut_obj_add_uint(doc, json, "message_seq", message->seq) &&
        yyjson_mut_obj_add_uint(doc, json, "sender_id", message->sender) &&
        yyjson_mut_obj_add_uint(doc, json, "time", message->time) &&
        yyjson_mut_obj_add_val(doc, json, "segments", message->segments) &&
        ((conversation->scene == SB_SCENE_TEMP && !entity) ||
         yyjson_mut_obj_add_val(doc, json, key, entity)) &&
        (!in_group || yyjson_mut_obj_add_val(doc, json, "group_member", member));
    return ok ? json : NULL;
}

/* --- writing --- */

int sb_message_add(struct sb_db *db, struct sb_conversation *conversation,
                   const struct sb_message *message, struct mk_slice json)
{
    int rc = sb_conversation_add(db, conversation);
    if (rc < 0)
        return rc;
    uint64_t id = sb_message_id(conversation->id, message->seq);
    sqlite3_stmt *insert =
        SB_DB_USE(db, &message_add_sql, id, message->sender, message->time, message->hidden);
    sqlite3_bind_text(insert, 5, json.ptr, (int)json.len, SQLITE_STATIC);
    rc = sb_db_run(db, insert);
    sqlite3_bind_null(insert, 5);
    return rc < 0 ? rc : sb_conversation_grow(db, conversation, message->seq);
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* id is conversation.id << 32 | message_seq: a conversation lies together, in order, without a
     * second tree. segments: a JSON array of IncomingSegment. recalled_by: NULL until then. */
    { 1, "CREATE TABLE message ("
    "  id INTEGER PRIMARY KEY,"
    "  sender INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  recalled_by INTEGER,"
    "  segments TEXT NOT NULL"
    ") STRICT;" },
    /* hidden: it was accepted, and only its sender sees it. */
    { 10, "ALTER TABLE message ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;" },
    { 0 },
};
/* clang-format on */

/* --- in the JSON of a world --- */

enum { SEQ, SENDER, SENT, RECALLED_BY, SEGMENTS };

static int check_message(struct sb_request *request, const struct mk_json_path *path,
                         yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *messages = yyjson_mut_arr(doc);
    yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);
    yyjson_mut_val *segments = yyjson_mut_val_mut_copy(doc, values[SEGMENTS].json);
    bool ok = yyjson_mut_obj_add_uint(doc, message, "message_seq", 1) &&
              yyjson_mut_obj_add_str(doc, message, "sender_name", "") &&
              yyjson_mut_obj_add_str(doc, message, "avatar_url", "") &&
              yyjson_mut_obj_add_uint(doc, message, "time", 0) &&
              yyjson_mut_obj_add_val(doc, message, "segments", segments);
    int rc = ok ? sb_world_messages_check(request, path, messages, "messages[0].") : -ENOMEM;
    yyjson_mut_doc_free(doc);
    return rc;
}

/* ?1: the conversation; the ids of its messages. */
#define FIRST "?1 << 32"
#define LAST "(?1 << 32 | 4294967295)"

/* clang-format off */
/* clang-format off */
const struct sb_world_list sb_message_list = {
    .name = "messages",
    .within = &sb_conversation_list,
    .select = "SELECT id, id & 4294967295, sender, time, recalled_by, segments, hidden FROM message"
              " WHERE id BETWEEN " FIRST " AND " LAST " ORDER BY id",
    .insert = "INSERT INTO message (id, sender, time, recalled_by, segments, hidden) VALUES (" FIRST " |"
              " coalesce(?2, 1 + coalesce((SELECT max(id) & 4294967295 FROM message"
              " WHERE id BETWEEN " FIRST " AND " LAST "), 0)), ?3, ?4, ?5, ?6, ?7)",
    .columns = (const struct sb_column[]){
        [SEQ] = SB_COLUMN_NULLABLE("message_seq"),
        [SENDER] = SB_COLUMN_PERSON("sender_id"),
        [SENT] = SB_COLUMN_TIME("time"),
        [RECALLED_BY] = SB_COLUMN_NULLABLE("recalled_by"),
        [SEGMENTS] = SB_COLUMN_JSON("segments"),
        SB_COLUMN_FLAG("is_hidden"),
        { NULL },
    },
    .check = check_message,
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &sb_message_list, NULL };

const struct sb_feature sb_feature_message = { .steps = steps, .lists = lists };
