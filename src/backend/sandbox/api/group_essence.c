/* group_essence: the essence messages of a group. A recalled message is not one any more. */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_message.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/segment_url.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

enum { MAX_PAGE = 50 };

/* clang-format off */
/* message: the id of its row. */
static const char group_essence_sql[] =
    "CREATE TABLE group_essence ("
    "  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  operator INTEGER NOT NULL,"
    "  time INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX group_essence_of ON group_essence (group_id, time, message);";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id of the message */
static const struct sb_query find_sql = { "SELECT 1 FROM group_essence WHERE message = ?1" };

/* group, limit, offset: the newest first */
static const struct sb_query list_sql = {
    "SELECT m.id, m.sender, m.time, m.segments, e.operator, e.time"
    " FROM group_essence e CROSS JOIN message m ON m.id = e.message"
    " WHERE e.group_id = ?1 AND m.recalled_by IS NULL"
    " ORDER BY e.time DESC, e.message DESC LIMIT ?2 OFFSET ?3"
};
enum { LIST_OPERATOR = 4, LIST_OPERATION_TIME }; /* sb_message_of_row reads those before */

/* id of the message, group, operator, time */
static const struct sb_query add_sql = { "INSERT INTO group_essence VALUES (?1, ?2, ?3, ?4)" };
/* id of the message */
static const struct sb_query remove_sql = { "DELETE FROM group_essence WHERE message = ?1" };

/* --- setting --- */

/* Returns 1, 0 or -errno. */
static int is_essence(struct sb_db *db, uint64_t message)
{
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, message);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    return rc;
}

static int emit_change(struct sb_request *request, uint64_t group, uint64_t seq, bool is_set)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "message_seq", seq) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", request->self_id) &&
              yyjson_mut_obj_add_bool(doc, data, "is_set", is_set);
    return sb_group_event(request, group, 0, "group_essence_message_change", ok ? data : NULL);
}

static int write_essence(struct sb_request *request, uint64_t group, uint64_t id, bool is_set)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db,
                     is_set ? SB_DB_USE(db, &add_sql, id, group, request->self_id, sb_clock_now(db))
                            : SB_DB_USE(db, &remove_sql, id));
}

/* An admin or the owner. */
static int set_group_essence_message(struct sb_request *request)
{
    static const struct mk_phrase action = { "choose essence messages", "设置精华消息" };
    uint64_t group = milky_uint(request->params, "group_id"), id;
    uint64_t seq = milky_uint(request->params, "message_seq");
    bool is_set = milky_bool(request->params, "is_set");
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_group_message_require(request, group, seq, &id);
    if (rc != 0)
        return rc;
    rc = is_essence(&request->sandbox->db, id);
    if (rc < 0 || is_set == (rc > 0))
        return rc < 0 ? rc : 0;
    rc = emit_change(request, group, seq, is_set);
    return rc == 0 ? write_essence(request, group, id, is_set) : rc;
}

/* --- reading --- */

/* The present card or nickname; "" where the person does not exist any more. 0 or -errno. */
static int put_name(struct sb_request *request, uint64_t group, uint64_t user, const char *key,
                    yyjson_mut_val *json)
{
    struct sb_member member = { 0 };
    int rc = sb_member_find(&request->sandbox->db, request->doc, group, user, &member);
    if (rc < 0)
        return rc;
    struct mk_slice name = rc > 0 ? sb_member_name(&member) : MK_SLICE("");
    return sb_text_put(request->doc, json, key, name) ? 0 : -ENOMEM;
}

/* GroupEssenceMessage. */
static int add_essence(sqlite3_stmt *row, void *arg, yyjson_mut_val *list)
{
    struct sb_request *request = arg;
    yyjson_mut_doc *doc = request->doc;
    struct sb_message message;
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t operator_id = sb_db_uint(row, LIST_OPERATOR);
    uint64_t operation_time = sb_db_uint(row, LIST_OPERATION_TIME);
    yyjson_mut_val *json = yyjson_mut_arr_add_obj(doc, list);
    int rc = json ? sb_message_read(doc, row, &message) : -ENOMEM;
    if (rc == 0)
        rc = sb_segment_fill_urls(request->sandbox, request->self_id, doc, message.segments);
    if (rc < 0)
        return rc;
    bool ok = yyjson_mut_obj_add_uint(doc, json, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, json, "message_seq", message.seq) &&
              yyjson_mut_obj_add_uint(doc, json, "message_time", message.time) &&
              yyjson_mut_obj_add_uint(doc, json, "sender_id", message.sender) &&
              yyjson_mut_obj_add_uint(doc, json, "operator_id", operator_id) &&
              yyjson_mut_obj_add_uint(doc, json, "operation_time", operation_time) &&
              yyjson_mut_obj_add_val(doc, json, "segments", message.segments);
    rc = ok ? put_name(request, group, message.sender, "sender_name", json) : -ENOMEM;
    return rc == 0 ? put_name(request, group, operator_id, "operator_name", json) : rc;
}

/* Pages begin with the newest; one message more is read to see whether another page follows. */
static int get_group_essence_messages(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t index = milky_uint(request->params, "page_index");
    uint64_t size = milky_uint(request->params, "page_size");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc != 0)
        return rc;
    if (size > MAX_PAGE)
        size = MAX_PAGE;
    uint64_t offset = index < INT64_MAX / MAX_PAGE ? index * size : INT64_MAX;
    sqlite3_stmt *row = SB_DB_USE(db, &list_sql, group, size + 1, offset);
    rc = sb_rows_page(db, row, size, add_essence, request, list);
    bool is_end = rc == 0;
    sqlite3_reset(row);
    if (rc >= 0)
        rc = sb_result(request, "messages", list);
    if (rc == 0 && !yyjson_mut_obj_add_bool(request->doc, request->result, "is_end", is_end))
        rc = -ENOMEM;
    return rc;
}

static const struct sb_api apis[] = {
    { "get_group_essence_messages", get_group_essence_messages },
    { "set_group_essence_message", set_group_essence_message },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_essence = {
    .name = "essence",
    .within = &sb_message_list,
    .select = "SELECT 0, operator, time FROM group_essence WHERE message = ?1",
    .insert = "INSERT INTO group_essence (message, group_id, operator, time)"
              " SELECT ?1, low, ?2, ?3 FROM conversation WHERE id = ?1 >> 32 AND scene = 1",
    .columns = (const struct sb_column[]){ SB_COLUMN_ID("operator_id"), SB_COLUMN_TIME("time"), { NULL } },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 5, group_essence_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_essence, NULL };

const struct sb_feature sb_feature_group_essence = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
