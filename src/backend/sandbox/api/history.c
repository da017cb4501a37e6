/* history: the messages of a conversation are read. */
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/turn/limits.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* lowest id, highest id, limit, viewer */
static const struct sb_query history_sql = { "SELECT " SB_MESSAGE_COLUMNS " FROM message"
                                             " WHERE id BETWEEN ?1 AND ?2 AND recalled_by IS NULL"
                                             " AND (hidden = 0 OR sender = ?4)"
                                             " ORDER BY id DESC LIMIT ?3" };

enum { MOST_ROWS = 1000 };

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
static yyjson_mut_val *seen_json(struct sb_request *request,
                                 const struct sb_conversation *conversation,
                                 const struct sb_message *message, yyjson_mut_val *entity)
{
    bool in_group = conversation->scene == SB_SCENE_GROUP;
    yyjson_mut_val *member = NULL;
    if (in_group)
        member = sender_json(request, conversation->with, message->sender);
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(request->doc, entity);
    if ((in_group && !member) || (entity && !copy))
        return NULL;
    return sb_message_json(request, conversation, message, copy, member);
}

static int get_message(struct sb_request *request)
{
    struct sb_conversation conversation = { 0 };
    struct sb_message message = { 0 };
    yyjson_mut_val *entity = NULL;
    uint64_t seq = milky_uint(request->params, "message_seq");
    int rc = sb_conversation_param(request, &conversation, &entity);
    if (rc == 0)
        rc = sb_message_require(request, &conversation, seq, &message);
    if (rc != 0)
        return rc;
    yyjson_mut_val *json = seen_json(request, &conversation, &message, entity);
    return json ? sb_result(request, "message", json) : -ENOMEM;
}

struct page_reader {
    struct sb_request *request;
    const struct sb_conversation *conversation;
    yyjson_mut_val *entity;
};

/* Rows come from new to old, messages go from old to new. */
static int add_message(sqlite3_stmt *row, void *arg, yyjson_mut_val *page)
{
    const struct page_reader *reader = arg;
    struct sb_message message = { 0 };
    int rc = sb_message_read(reader->request->doc, row, &message);
    if (rc < 0)
        return rc;
    yyjson_mut_val *json =
        seen_json(reader->request, reader->conversation, &message, reader->entity);
    return yyjson_mut_arr_prepend(page, json) ? 0 : -ENOMEM;
}

/*
 * Reads at most `limit` messages from `start` backwards. `*next` becomes the message_seq of the one
 * before them; it is left alone when there is none.
 */
static int read_page(struct page_reader *reader, uint64_t start, uint64_t limit,
                     yyjson_mut_val *page, uint64_t *next)
{
    struct sb_db *db = &reader->request->sandbox->db;
    uint64_t oldest = sb_message_id(reader->conversation->id, 1);
    uint64_t newest = sb_message_id(reader->conversation->id, start);
    sqlite3_stmt *row =
        SB_DB_USE(db, &history_sql, oldest, newest, limit + 1, reader->conversation->viewer);
    int rc = sb_rows_page(db, row, limit, add_message, reader, page);
    if (rc > 0)
        *next = sb_db_uint(row, SB_MESSAGE_ID) & UINT32_MAX;
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

/*
 * From new to old: a page begins at `start_message_seq` itself, or at the newest message. Within it
 * the messages ascend, recalled ones are left out. The next older page begins at
 * `next_message_seq`, which is absent when there is none.
 */
static int get_history_messages(struct sb_request *request)
{
    yyjson_mut_doc *doc = request->doc;
    struct sb_conversation conversation = { 0 };
    yyjson_mut_val *entity = NULL;
    int rc = sb_conversation_param(request, &conversation, &entity);
    if (rc != 0)
        return rc;
    uint64_t limit = milky_uint(request->params, "limit");
    rc = sb_limit_check(request, SB_LIMIT_HISTORY_PAGE, limit, NULL);
    if (rc != 0)
        return rc;
    if (limit > MOST_ROWS) /* of a lenient sandbox */
        limit = MOST_ROWS;
    uint64_t start = conversation.last_seq;
    if (milky_has(request->params, "start_message_seq"))
        start = milky_uint(request->params, "start_message_seq");
    if (start > conversation.last_seq)
        start = conversation.last_seq;
    yyjson_mut_val *page = yyjson_mut_arr(doc);
    uint64_t next = 0;
    if (!page)
        return -ENOMEM;
    struct page_reader reader = { request, &conversation, entity };
    if (start > 0)
        rc = read_page(&reader, start, limit, page, &next);
    if (rc == 0)
        rc = sb_result(request, "messages", page);
    if (rc == 0 && next > 0 &&
        !yyjson_mut_obj_add_uint(doc, request->result, "next_message_seq", next))
        rc = -ENOMEM;
    return rc;
}

static const struct sb_api apis[] = {
    { "get_message", get_message },
    { "get_history_messages", get_history_messages },
    { NULL, NULL },
};

const struct sb_feature sb_feature_history = { .apis = apis };
