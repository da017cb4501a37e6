/* group_essence: the messages that a group keeps. One that was recalled is none any more. */
#include "backend/sandbox/api/group_act.h"

#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/segment_url.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id of the message */
static const struct sb_query essence_sql = { "SELECT 1 FROM group_essence WHERE message = ?1" };
/* group, limit, offset: the newest first */
static const struct sb_query essences_sql = {
    "SELECT m.id, m.sender, m.time, m.segments, e.operator, e.time"
    " FROM group_essence e CROSS JOIN message m ON m.id = e.message"
    " WHERE e.group_id = ?1 AND m.recalled_by IS NULL"
    " ORDER BY e.time DESC, e.message DESC LIMIT ?2 OFFSET ?3"
};
/* id of the message, group, operator, time */
static const struct sb_query essence_add_sql = {
    "INSERT INTO group_essence VALUES (?1, ?2, ?3, ?4)"
};
/* id of the message */
static const struct sb_query essence_remove_sql = {
    "DELETE FROM group_essence WHERE message = ?1"
};

enum { MAX_PAGE = 50 };

/* --- setting --- */

static int is_essence(struct sb_db *db, uint64_t message)
{
    sqlite3_stmt *row = SB_DB_USE(db, &essence_sql, message);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    return rc;
}

static int tell_essence(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                        bool is_set)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "message_seq", seq) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_bool(doc, data, "is_set", is_set);
    return sb_tell_group(request, group, 0, "group_essence_message_change", ok ? data : NULL);
}

static int write_essence(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t id,
                         bool is_set)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, is_set
                             ? SB_DB_USE(db, &essence_add_sql, id, group, actor, sb_clock_now(db))
                             : SB_DB_USE(db, &essence_remove_sql, id));
}

int sb_group_set_essence(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                         bool is_set)
{
    static const struct mk_phrase action = { "choose essence messages", "设置精华消息" };
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self;
    uint64_t id;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_require_group_message(request, group, seq, &id);
    if (rc != 0)
        return rc;
    rc = is_essence(db, id);
    if (rc < 0 || is_set == (rc > 0))
        return rc < 0 ? rc : 0;
    rc = tell_essence(request, actor, group, seq, is_set);
    return rc == 0 ? write_essence(request, actor, group, id, is_set) : rc;
}

/* --- reading --- */

/* The card or nickname of now; whoever is gone altogether has none. Returns 0 or -errno. */
static int put_name(struct sb_request *request, uint64_t group, uint64_t user, const char *key,
                    yyjson_mut_val *json)
{
    struct sb_member member = { 0 };
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, user, &member);
    if (rc < 0)
        return rc;
    struct mk_slice name = rc > 0 ? sb_member_name(&member) : MK_SLICE("");
    return sb_put_text(request->doc, json, key, name) ? 0 : -ENOMEM;
}

/* GroupEssenceMessage. Returns 0 or -errno. */
static int put_essence(struct sb_request *request, uint64_t group, sqlite3_stmt *row,
                       yyjson_mut_val *list)
{
    yyjson_mut_doc *doc = request->doc;
    struct sb_message message;
    uint64_t operator_id = sb_db_uint(row, 4);
    yyjson_mut_val *json = yyjson_mut_arr_add_obj(doc, list);
    int rc = json ? sb_message_of_row(doc, row, &message) : -ENOMEM;
    if (rc == 0)
        rc = sb_segment_fill_urls(request->sandbox, request->self_id, doc, message.segments);
    if (rc < 0)
        return rc;
    bool ok = yyjson_mut_obj_add_uint(doc, json, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, json, "message_seq", message.seq) &&
              yyjson_mut_obj_add_uint(doc, json, "message_time", message.time) &&
              yyjson_mut_obj_add_uint(doc, json, "sender_id", message.sender) &&
              yyjson_mut_obj_add_uint(doc, json, "operator_id", operator_id) &&
              yyjson_mut_obj_add_uint(doc, json, "operation_time", sb_db_uint(row, 5)) &&
              yyjson_mut_obj_add_val(doc, json, "segments", message.segments);
    rc = ok ? put_name(request, group, message.sender, "sender_name", json) : -ENOMEM;
    return rc == 0 ? put_name(request, group, operator_id, "operator_name", json) : rc;
}

/* Pages begin with the newest; one message more is read to see whether it goes on. */
static int get_group_essence_messages(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t index = milky_uint(request->params, "page_index");
    uint64_t size = milky_uint(request->params, "page_size");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    struct sb_member self;
    bool is_end = true;
    int rc = sb_require_self(request, group, request->self_id, &self);
    if (rc != 0)
        return rc;
    if (size > MAX_PAGE)
        size = MAX_PAGE;
    uint64_t offset = index < INT64_MAX / MAX_PAGE ? index * size : INT64_MAX;
    sqlite3_stmt *row = SB_DB_USE(db, &essences_sql, group, size + 1, offset);
    rc = list ? sb_db_step(db, row) : -ENOMEM;
    for (uint64_t count = 0; rc > 0; count++, rc = sb_db_step(db, row)) {
        is_end = count < size;
        rc = is_end ? put_essence(request, group, row, list) : 0;
        if (rc < 0 || !is_end)
            break;
    }
    sqlite3_reset(row);
    if (rc == 0)
        rc = sb_result(request, "messages", list);
    if (rc == 0 && !yyjson_mut_obj_add_bool(request->doc, request->result, "is_end", is_end))
        rc = -ENOMEM;
    return rc;
}

/* --- APIs --- */

static int set_group_essence_message(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    return sb_group_set_essence(request, request->self_id, milky_uint(params, "group_id"),
                                milky_uint(params, "message_seq"), milky_bool(params, "is_set"));
}

static const struct sb_api apis[] = {
    { "get_group_essence_messages", get_group_essence_messages },
    { "set_group_essence_message", set_group_essence_message },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_essence = { .apis = apis };
