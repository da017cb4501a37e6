/* forward: see the header. */
#include "backend/sandbox/model/forward.h"

#include "backend/sandbox/model/segment.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/model/world_messages.h"
#include "base/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id: its messages, and whether it is inside other forwards alone (media/uses.c) */
static const struct sb_query forward_sql = {
    "SELECT messages, EXISTS (SELECT 1 FROM forward_use WHERE forward = printf('%016x', ?1)"
    " AND kind = 2) AND NOT EXISTS (SELECT 1 FROM forward_use"
    " WHERE forward = printf('%016x', ?1) AND kind = 1) FROM forward WHERE id = ?1"
};
enum { FORWARD_MESSAGES, FORWARD_IS_INNER };
/* id, messages */
static const struct sb_query forward_add_sql = {
    "INSERT INTO forward (id, messages) VALUES (?1, ?2)"
};

enum {
    PREVIEW_LINES = 4, /* of a default preview */
    PREVIEW_BYTES = 192,
    MOST_DEPTH = 8, /* of the recursion */
};

/* One OutgoingForwardedMessage as an IncomingForwardedMessage at the end of `bundle`. */
static int compose_one(struct sb_compose *outer, const struct mk_json_path *path,
                       yyjson_mut_val *outgoing, yyjson_mut_val *bundle)
{
    const struct mk_json_path list = { .up = path, .name = MK_SLICE("segments") };
    struct sb_request *request = outer->request;
    yyjson_mut_doc *doc = request->doc;
    struct sb_compose inner =
        *outer; /* counts on its own, except for limits that all forwards share */
    yyjson_mut_val *segments;
    inner.depth++;
    inner.path = &list;
    int rc = sb_compose_message(&inner, yyjson_mut_obj_get(outgoing, "segments"), &segments);
    outer->forwards = inner.forwards;
    outer->quoted_in_forwards = inner.quoted_in_forwards;
    if (rc != 0)
        return rc;
    size_t len;
    const char *name = milky_string(outgoing, "sender_name", &len);
    uint64_t user = milky_uint(outgoing, "user_id");
    uint64_t time =
        milky_has(outgoing, "time") ? milky_uint(outgoing, "time") : sb_request_now(request);
    yyjson_mut_val *json = yyjson_mut_arr_add_obj(doc, bundle);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "message_seq", yyjson_mut_arr_size(bundle)) &&
              sb_text_put(doc, json, "sender_name", mk_slice_of(name, len)) &&
              yyjson_mut_obj_add_uint(doc, json, "user_id",
                                      user) && /* replaced by avatar_url when it is read */
              yyjson_mut_obj_add_uint(doc, json, "time", time) &&
              yyjson_mut_obj_add_val(doc, json, "segments", segments);
    return ok ? 0 : -ENOMEM;
}

/* Keeps the bundle for sb_compose_write. */
static int keep(struct sb_compose *compose, yyjson_mut_val *bundle, uint64_t *id)
{
    struct sb_forward *forward = calloc(1, sizeof(*forward));
    if (!forward)
        return -ENOMEM;
    forward->json = yyjson_mut_val_write(bundle, YYJSON_WRITE_NOFLAG, &forward->len);
    forward->next = compose->forwards;
    compose->forwards = forward;
    if (!forward->json)
        return -ENOMEM;
    int rc = sb_limit_check(compose->request, SB_LIMIT_FORWARD_BYTES, forward->len, NULL);
    if (rc != 0)
        return rc;
    sb_random_bytes(&compose->request->sandbox->db, &forward->id, sizeof(forward->id));
    forward->id >>= 1; /* SQLite's integers are signed */
    *id = forward->id;
    return 0;
}

/* "name: text" of the first few messages, as QQ shows a bundle. */
static bool put_default_preview(yyjson_mut_doc *doc, yyjson_mut_val *preview,
                                yyjson_mut_val *bundle)
{
    bool ok = true;
    size_t i, count;
    yyjson_mut_val *message;
    yyjson_mut_arr_foreach (bundle, i, count, message) {
        if (i == PREVIEW_LINES || !ok)
            break;
        struct mk_buf line;
        mk_buf_init(&line, PREVIEW_BYTES);
        size_t len;
        const char *name = milky_string(message, "sender_name", &len);
        /* A name that leaves no room is left out. */
        if (mk_buf_append(&line, name, len) == 0)
            mk_buf_append(&line, ": ", 2);
        sb_segments_preview(&line, yyjson_mut_obj_get(message, "segments"));
        ok = yyjson_mut_arr_add_strncpy(doc, preview, line.data ? line.data : "", line.len);
        mk_buf_fini(&line);
    }
    return ok;
}

/* The lines that the sender gave, or else default ones. */
static int put_preview(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *bundle,
                       yyjson_mut_val *to)
{
    yyjson_mut_doc *doc = compose->request->doc;
    yyjson_mut_val *preview = yyjson_mut_obj_add_arr(doc, to, "preview");
    if (!preview)
        return -ENOMEM;
    if (!milky_has(data, "preview"))
        return put_default_preview(doc, preview, bundle) ? 0 : -ENOMEM;
    yyjson_mut_val *given = yyjson_mut_obj_get(data, "preview");
    int rc = sb_limit_check(compose->request, SB_LIMIT_FORWARD_PREVIEW_LINES,
                            yyjson_mut_arr_size(given), NULL);
    if (rc != 0)
        return rc;
    size_t i, count;
    yyjson_mut_val *line;
    yyjson_mut_arr_foreach (given, i, count, line) {
        if (!yyjson_mut_arr_add_strncpy(doc, preview, yyjson_mut_get_str(line),
                                        yyjson_mut_get_len(line)))
            return -ENOMEM;
    }
    return 0;
}

static bool put_given(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *key,
                      yyjson_mut_val *data, const char *otherwise)
{
    struct mk_slice text = mk_slice_str(otherwise);
    if (milky_has(data, key))
        text.ptr = milky_string(data, key, &text.len);
    return sb_text_put(doc, to, key, text);
}

static int check_shape(struct sb_compose *compose, size_t count)
{
    struct sb_request *request = compose->request;
    int rc = sb_limit_check(request, SB_LIMIT_FORWARD_DEPTH, compose->depth + 1, NULL);
    if (rc == 0)
        rc = sb_limit_check(request, SB_LIMIT_FORWARD_NODES, count, NULL);
    if (rc == 0 && (compose->depth >= MOST_DEPTH || count == 0)) /* of a lenient sandbox */
        rc = sb_refuse(request, SB_BAD_MESSAGE, "a forward has messages, and nests at most %d deep",
                       "合并转发应有消息，嵌套最多 %d 层", MOST_DEPTH);
    return rc;
}

/*
 * `prompt` is not part of the message that others receive: it is for the notification of a phone.
 */
int sb_compose_forward(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    yyjson_mut_doc *doc = compose->request->doc;
    yyjson_mut_val *messages = yyjson_mut_obj_get(data, "messages");
    size_t count = yyjson_mut_arr_size(messages);
    int rc = check_shape(compose, count);
    if (rc != 0)
        return rc;
    const struct mk_json_path where = { .up = compose->path, .name = MK_SLICE("data") };
    const struct mk_json_path list = { .up = &where, .name = MK_SLICE("messages") };
    yyjson_mut_val *bundle = yyjson_mut_arr(doc);
    if (!bundle)
        return -ENOMEM;
    size_t i, max;
    yyjson_mut_val *message;
    yyjson_mut_arr_foreach (messages, i, max, message) {
        const struct mk_json_path path = { .up = &list, .index = i };
        rc = compose_one(compose, &path, message, bundle);
        if (rc != 0)
            return rc;
    }
    uint64_t id = 0;
    rc = keep(compose, bundle, &id);
    if (rc != 0)
        return rc;
    char name[MK_HEX_U64], summary[64];
    mk_hex_write_u64(id, name);
    snprintf(summary, sizeof(summary), "查看%zu条转发消息", count);
    compose->has_content = true;
    if (!yyjson_mut_obj_add_strcpy(doc, to, "forward_id", name) ||
        !put_given(doc, to, "title", data, "群聊的聊天记录"))
        return -ENOMEM;
    rc = put_preview(compose, data, bundle, to);
    if (rc == 0 && !put_given(doc, to, "summary", data, summary))
        rc = -ENOMEM;
    return rc;
}

int sb_compose_write(struct sb_compose *compose)
{
    struct sb_db *db = &compose->request->sandbox->db;
    for (struct sb_forward *forward = compose->forwards; forward; forward = forward->next) {
        sqlite3_stmt *insert = SB_DB_USE(db, &forward_add_sql, forward->id);
        sqlite3_bind_text(insert, 2, forward->json, (int)forward->len, SQLITE_STATIC);
        int rc = sb_db_run(db, insert);
        sqlite3_bind_null(insert, 2);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void sb_compose_fini(struct sb_compose *compose)
{
    while (compose->forwards) {
        struct sb_forward *forward = compose->forwards;
        compose->forwards = forward->next;
        free(forward->json);
        free(forward);
    }
}

/* --- reading --- */

int sb_forward_find(struct sb_db *db, yyjson_mut_doc *doc, struct mk_slice forward_id,
                    yyjson_mut_val **messages, bool *is_inner)
{
    uint64_t id;
    if (!mk_hex_read_u64(forward_id, &id))
        return 0;
    sqlite3_stmt *row = SB_DB_USE(db, &forward_sql, id);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    struct mk_slice text = sb_db_text(row, FORWARD_MESSAGES);
    *is_inner = sb_db_uint(row, FORWARD_IS_INNER) != 0;
    yyjson_doc *stored = yyjson_read(text.ptr, text.len, YYJSON_READ_NOFLAG);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, yyjson_doc_get_root(stored));
    yyjson_doc_free(stored);
    sqlite3_reset(row);
    if (!copy)
        return -ENOMEM;
    *messages = copy;
    return 1;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* forward_id is this number in hexadecimal. messages: a JSON array of
     * IncomingForwardedMessage. */
    { 1, "CREATE TABLE forward ("
    "  id INTEGER PRIMARY KEY,"
    "  messages TEXT NOT NULL"
    ") STRICT;" },
    { 0 },
};
/* clang-format on */

/* --- in the JSON of a world --- */

enum { LIST_ID, LIST_MESSAGES };

static int check_forward(struct sb_request *request, const struct mk_json_path *path,
                         yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    uint64_t id;
    if (!mk_hex_read_u64(values[LIST_ID].text, &id))
        return sb_refuse_field(request, path, "forward_id", "expected 16 hexadecimal digits",
                               "应为 16 位十六进制数字");
    return sb_world_messages_check(request, path, values[LIST_MESSAGES].json, "");
}

/* clang-format off */
/* from_hex is a function that world_load.c gives to SQLite. */
static const struct sb_world_list world_forwards = {
    .name = "forwards",
    .select = "SELECT 0, printf('%016x', id), messages FROM forward ORDER BY id",
    .insert = "INSERT INTO forward (id, messages) VALUES (from_hex(?2), ?3)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_REQUIRED_TEXT("forward_id"),
        SB_COLUMN_JSON("messages"),
        { NULL },
    },
    .check = check_forward,
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_forwards, NULL };

const struct sb_feature sb_feature_forward = { .steps = steps, .lists = lists };
