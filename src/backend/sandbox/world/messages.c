/* world_messages: what was said in a world: see world.h. */
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/world/fields.h"
#include "base/hex.h"

#include <errno.h>

static const char *const reactions[] = { "face", "emoji", NULL };

/* The path in a problem, "messages[0].segments[1].data", begins where the element stands. */
static int refuse_segments(struct sb_request *request, const struct mk_json_path *path,
                           const char *problem, const char *prefix)
{
    size_t len = strlen(prefix);
    return sb_refuse_field(request, path, NULL, "%s", "%s",
                           strncmp(problem, prefix, len) == 0 ? problem + len : problem);
}

/* Messages are stored without the URLs that those who read them get. */
static bool fill_urls(yyjson_mut_doc *doc, yyjson_mut_val *value)
{
    static const char *const kinds[] = { "image", "record", "video" };
    size_t i, count;
    yyjson_mut_val *key, *inner;
    bool ok = true;
    yyjson_mut_val *type = yyjson_mut_obj_get(value, "type");
    yyjson_mut_val *data = yyjson_mut_obj_get(value, "data");
    for (size_t k = 0; type && k < sizeof(kinds) / sizeof(kinds[0]); k++)
        if (yyjson_mut_equals_str(type, kinds[k]) && yyjson_mut_is_obj(data))
            ok = yyjson_mut_obj_put(data, yyjson_mut_str(doc, "temp_url"), yyjson_mut_str(doc, ""));
    if (yyjson_mut_obj_get(value, "sender_name") && !yyjson_mut_obj_get(value, "avatar_url"))
        ok = yyjson_mut_obj_add_str(doc, value, "avatar_url", "");
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_foreach (value, i, count, key, inner) {
            (void)key;
            ok = ok && fill_urls(doc, inner);
        }
    } else if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach (value, i, count, inner) {
            ok = ok && fill_urls(doc, inner);
        }
    }
    return ok;
}

/*
 * Holds IncomingForwardedMessages against the tables: segments are nowhere else alone. Memory of
 * the request's document is only given back with it, so what is made here has one of its own.
 */
static int check_messages(struct sb_request *request, const struct mk_json_path *path,
                          yyjson_mut_val *messages, const char *prefix)
{
    char problem[192];
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(doc, messages), *checked;
    int rc = -ENOMEM;
    if (copy && fill_urls(doc, copy) && yyjson_mut_obj_add_val(doc, result, "messages", copy))
        rc = milky_check_result("get_forwarded_messages", result, doc, &checked, problem,
                                sizeof(problem));
    yyjson_mut_doc_free(doc);
    return rc == -EINVAL ? refuse_segments(request, path, problem, prefix) : rc;
}

enum { SEQ, SENDER, SENT, RECALLED_BY, SEGMENTS };

static int check_message(struct sb_request *request, const struct mk_json_path *path,
                         struct sb_value *values)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *messages = yyjson_mut_arr(doc);
    yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);
    yyjson_mut_val *segments = yyjson_mut_val_mut_copy(doc, values[SEGMENTS].json);
    bool ok = yyjson_mut_obj_add_uint(doc, message, "message_seq", 1) &&
              yyjson_mut_obj_add_str(doc, message, "sender_name", "") &&
              yyjson_mut_obj_add_str(doc, message, "avatar_url", "") &&
              yyjson_mut_obj_add_uint(doc, message, "time", 0) &&
              yyjson_mut_obj_add_val(doc, message, "segments", segments);
    int rc = ok ? check_messages(request, path, messages, "messages[0].") : -ENOMEM;
    yyjson_mut_doc_free(doc);
    return rc;
}

static int check_forward(struct sb_request *request, const struct mk_json_path *path,
                         struct sb_value *values)
{
    uint64_t id;
    if (!mk_hex_read_u64(values[0].text, &id))
        return sb_refuse_field(request, path, "forward_id", "expected 16 hexadecimal digits",
                               "应为 16 位十六进制数字");
    return check_messages(request, path, values[1].json, "");
}

enum { SCENE, USER, PEER };

static int check_conversation(struct sb_request *request, const struct mk_json_path *path,
                              struct sb_value *values)
{
    bool in_group = values[SCENE].number == SB_SCENE_GROUP;
    if (in_group && values[USER].given)
        return sb_refuse_field(request, path, "user_id", "expected none with a group, got one",
                               "有群时不应给出");
    if (!in_group && (!values[USER].given || values[USER].number == values[PEER].number))
        return sb_refuse_field(request, path, "user_id", "expected the other one of the two",
                               "应为二者中的另一方");
    return 0;
}

#define FIRST "?1 << 32"
#define LAST "(?1 << 32 | 4294967295)"

/* clang-format off */
static const struct sb_world_list essence = {
    .name = "essence",
    .select = "SELECT 0, operator, time FROM group_essence WHERE message = ?1",
    .insert = "INSERT INTO group_essence (message, group_id, operator, time)"
              " SELECT ?1, low, ?2, ?3 FROM conversation WHERE id = ?1 >> 32 AND scene = 1",
    .columns = (const struct sb_column[]){ SOMEBODY("operator_id"), TIME("time"), END },
};

static const struct sb_world_list message_reactions = {
    .name = "reactions",
    .select = "SELECT 0, uin, is_emoji, face_id, time FROM group_reaction WHERE message = ?1"
              " ORDER BY is_emoji, face_id, uin",
    .insert = "INSERT INTO group_reaction (message, uin, is_emoji, face_id, time)"
              " VALUES (?1, ?2, ?3, ?4, ?5)",
    .columns = (const struct sb_column[]){
        SOMEBODY("user_id"),
        { "reaction_type", SB_COLUMN_CHOICE, .choices = reactions },
        NAME("reaction"),
        TIME("time"),
        END,
    },
};

static const struct sb_world_list messages = {
    .name = "messages",
    .select = "SELECT id, id & 4294967295, sender, time, recalled_by, segments FROM message"
              " WHERE id BETWEEN " FIRST " AND " LAST " ORDER BY id",
    .insert = "INSERT INTO message (id, sender, time, recalled_by, segments) VALUES (" FIRST " |"
              " coalesce(?2, 1 + coalesce((SELECT max(id) & 4294967295 FROM message"
              " WHERE id BETWEEN " FIRST " AND " LAST "), 0)), ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        [SEQ] = { "message_seq", SB_COLUMN_NUMBER, .nullable = true },
        [SENDER] = PERSON("sender_id"),
        [SENT] = TIME("time"),
        [RECALLED_BY] = { "recalled_by", SB_COLUMN_NUMBER, .nullable = true },
        [SEGMENTS] = { "segments", SB_COLUMN_JSON, true },
        LIST("essence"),
        LIST("reactions"),
        END,
    },
    .lists = (const struct sb_world_list *const[]){ &essence, &message_reactions, NULL },
    .check = check_message,
};

static const struct sb_world_list read_marks = {
    .name = "read_marks",
    .select = "SELECT 0, owner, seq FROM read_mark WHERE conversation = ?1 ORDER BY owner",
    .insert = "INSERT INTO read_mark (conversation, owner, seq) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ PERSON("user_id"), COUNT("message_seq"), END },
};

static const struct sb_world_list through = {
    .name = "through",
    .select = "SELECT 0, group_id FROM temp_session WHERE conversation = ?1",
    .insert = "INSERT INTO temp_session (conversation, group_id) VALUES (?1, ?2)",
    .columns = (const struct sb_column[]){ SOMEBODY("group_id"), END },
};

/* last_message_seq: where it is beyond the last message. */
const struct sb_world_list sb_world_conversations = {
    .name = "conversations",
    .select = "SELECT c.id, c.scene, CASE c.scene WHEN 1 THEN NULL ELSE c.low END,"
              " CASE c.scene WHEN 1 THEN c.low ELSE c.high END, CASE WHEN c.last_seq ="
              " (SELECT max(id) & 4294967295 FROM message"
              " WHERE id BETWEEN c.id << 32 AND (c.id << 32 | 4294967295))"
              " THEN 0 ELSE c.last_seq END FROM conversation c ORDER BY c.scene, c.low, c.high",
    .insert = "INSERT INTO conversation (scene, low, high, last_seq) VALUES (?2,"
              " CASE ?2 WHEN 1 THEN ?4 ELSE min(?3, ?4) END,"
              " CASE ?2 WHEN 1 THEN 0 ELSE max(?3, ?4) END, ?5)",
    .columns = (const struct sb_column[]){
        [SCENE] = { "message_scene", SB_COLUMN_CHOICE, true, .choices = sb_world_scenes },
        [USER] = { "user_id", SB_COLUMN_NUMBER, .nullable = true },
        [PEER] = SOMEBODY("peer_id"),
        COUNT("last_message_seq"),
        LIST("through"),
        LIST("messages"),
        LIST("read_marks"),
        END,
    },
    .lists = (const struct sb_world_list *const[]){ &through, &messages, &read_marks, NULL },
    .check = check_conversation,
    .after = "UPDATE conversation SET last_seq = max(last_seq, coalesce((SELECT max(id) &"
             " 4294967295 FROM message WHERE id BETWEEN " FIRST " AND " LAST "), 0)) WHERE id = ?1",
};

/* from_hex is a function that world_load.c gives to SQLite. */
const struct sb_world_list sb_world_forwards = {
    .name = "forwards",
    .select = "SELECT 0, printf('%016x', id), messages FROM forward ORDER BY id",
    .insert = "INSERT INTO forward (id, messages) VALUES (from_hex(?2), ?3)",
    .columns = (const struct sb_column[]){
        { "forward_id", SB_COLUMN_TEXT, true },
        { "messages", SB_COLUMN_JSON, true },
        END,
    },
    .check = check_forward,
};
/* clang-format on */
