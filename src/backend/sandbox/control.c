/*
 * control: what an operator can do in the world from outside the protocol: let a person say
 * something, and see who is there. Nobody has checked these params, so everything is checked here.
 *
 *   say    {"as": USER, "to": USER | "group": GROUP, "text": "..." | "message": [SEGMENT, ...]}
 *          -> {"message_seq", "time"}
 *          segments: text, mention, mention_all, face, reply, in their shape of Milky 1.2
 *   world  {} -> {"people": [{"user_id", "nickname", "is_bot"}],
 *                 "groups": [{"group_id", "group_name", "member_count"}]}
 */
#include "backend/sandbox/entity.h"
#include "backend/sandbox/request.h"
#include "backend/sandbox/send.h"
#include "base/json.h"

#include <errno.h>

enum { MAX_SEGMENTS = 1000 };

/* --- reading unchecked JSON --- */

/* yyjson lays both kinds of value out alike (its own readers rely on it), so one reader will do. */
static const yyjson_val *fixed(const yyjson_mut_val *value)
{
    return (const yyjson_val *)(const void *)value;
}

static int refuse_type(struct mk_request *request, const char *path, const char *expected,
                       const yyjson_mut_val *got)
{
    return mk_refuse(request, MILKY_MALFORMED, "参数 %s 不正确 (%s must be %s, got %s)", path, path,
                     expected, mk_json_type_name(fixed(got)));
}

static int read_integer(struct mk_request *request, yyjson_mut_val *value, const char *path,
                        uint64_t least, uint64_t most, uint64_t *number)
{
    bool negative;
    uint64_t magnitude;
    if (!value || !mk_json_integer(fixed(value), &negative, &magnitude))
        return refuse_type(request, path, "an integer", value);
    if (negative || magnitude < least || magnitude > most)
        return mk_refuse(request, MILKY_MALFORMED,
                         "参数 %s 超出范围 (%s must be from %llu to %llu)", path, path,
                         (unsigned long long)least, (unsigned long long)most);
    *number = magnitude;
    return 0;
}

static int read_uin(struct mk_request *request, yyjson_mut_val *value, const char *path,
                    uint64_t *uin)
{
    return read_integer(request, value, path, 10001, UINT32_MAX, uin);
}

/* --- segments --- */

/* One kind of segment that a person can say: its field, copied into `to` if it is right. */
static int read_segment_data(struct mk_request *request, const char *type, yyjson_mut_val *data,
                             yyjson_mut_val *to)
{
    yyjson_mut_doc *doc = request->doc;
    bool is_text = strcmp(type, "text") == 0, is_face = strcmp(type, "face") == 0;
    bool ok = true;
    if (strcmp(type, "mention_all") == 0)
        return 0;
    if (is_text || is_face) {
        const char *field = is_text ? "text" : "face_id";
        yyjson_mut_val *value = yyjson_mut_obj_get(data, field);
        if (!yyjson_mut_is_str(value))
            return refuse_type(request, field, "a string", value);
        ok = yyjson_mut_obj_add_strn(doc, to, field, yyjson_mut_get_str(value),
                                     yyjson_mut_get_len(value));
        yyjson_mut_val *is_large = yyjson_mut_obj_get(data, "is_large");
        if (is_face && is_large && !yyjson_mut_is_bool(is_large))
            return refuse_type(request, "is_large", "a boolean", is_large);
        if (is_face)
            ok = ok && yyjson_mut_obj_add_bool(doc, to, "is_large", yyjson_mut_get_bool(is_large));
    } else {
        bool is_mention = strcmp(type, "mention") == 0;
        const char *field = is_mention ? "user_id" : "message_seq";
        yyjson_mut_val *value = yyjson_mut_obj_get(data, field);
        uint64_t number;
        int rc = is_mention ? read_uin(request, value, field, &number)
                            : read_integer(request, value, field, 0, UINT32_MAX, &number);
        if (rc != 0)
            return rc;
        ok = yyjson_mut_obj_add_uint(doc, to, field, number);
    }
    return ok ? 0 : -ENOMEM;
}

static int read_segment(struct mk_request *request, yyjson_mut_val *segment, yyjson_mut_val *made)
{
    static const char *const types[] = { "text", "mention", "mention_all", "face", "reply" };
    yyjson_mut_doc *doc = request->doc;
    if (!yyjson_mut_is_obj(segment))
        return refuse_type(request, "message[]", "an object", segment);
    yyjson_mut_val *type = yyjson_mut_obj_get(segment, "type");
    yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
    if (!yyjson_mut_is_str(type))
        return refuse_type(request, "message[].type", "a string", type);
    bool needs_data = !yyjson_mut_equals_str(type, "mention_all");
    if (!yyjson_mut_is_obj(data) && (needs_data || data))
        return refuse_type(request, "message[].data", "an object", data);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!yyjson_mut_equals_str(type, types[i]))
            continue;
        yyjson_mut_val *to = NULL;
        yyjson_mut_val *copy = yyjson_mut_arr_add_obj(doc, made);
        if (yyjson_mut_obj_add_str(doc, copy, "type", types[i]))
            to = yyjson_mut_obj_add_obj(doc, copy, "data");
        return to ? read_segment_data(request, types[i], data, to) : -ENOMEM;
    }
    return mk_refuse(request, MILKY_MALFORMED,
                     "不支持的消息段 (a segment is one of text, mention, mention_all, face and "
                     "reply)");
}

/* The OutgoingSegment array that `text` or `message` stands for. */
static int read_message(struct mk_request *request, yyjson_mut_val **message)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *text = yyjson_mut_obj_get(request->params, "text");
    yyjson_mut_val *given = yyjson_mut_obj_get(request->params, "message");
    if (!text == !given)
        return mk_refuse(request, MILKY_MALFORMED,
                         "需要 text 或 message 之一 (one of text and message must be given)");
    yyjson_mut_val *made = yyjson_mut_arr(doc);
    if (!made)
        return -ENOMEM;
    *message = made;
    if (text) {
        if (!yyjson_mut_is_str(text))
            return refuse_type(request, "text", "a string", text);
        yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, made);
        yyjson_mut_obj_add_str(doc, segment, "type", "text");
        yyjson_mut_val *data = yyjson_mut_obj_add_obj(doc, segment, "data");
        return yyjson_mut_obj_add_strn(doc, data, "text", yyjson_mut_get_str(text),
                                       yyjson_mut_get_len(text))
                   ? 0
                   : -ENOMEM;
    }
    if (!yyjson_mut_is_arr(given) || yyjson_mut_arr_size(given) > MAX_SEGMENTS)
        return refuse_type(request, "message", "an array of at most 1000 segments", given);
    size_t i, count;
    yyjson_mut_val *segment;
    yyjson_mut_arr_foreach (given, i, count, segment) {
        int rc = read_segment(request, segment, made);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- say --- */

static int check_person(struct mk_request *request, uint64_t uin)
{
    struct mk_db *db = &request->sandbox->db;
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_PERSON, uin);
    int rc = mk_db_step(db, row);
    sqlite3_reset(row);
    if (rc == 0)
        return mk_refuse_no_user(request, uin);
    return rc < 0 ? rc : 0;
}

static int say(struct mk_request *request)
{
    yyjson_mut_val *to = yyjson_mut_obj_get(request->params, "to");
    yyjson_mut_val *group = yyjson_mut_obj_get(request->params, "group");
    uint64_t speaker, peer;
    yyjson_mut_val *message = NULL;
    int rc = read_uin(request, yyjson_mut_obj_get(request->params, "as"), "as", &speaker);
    if (rc != 0)
        return rc;
    if (!to == !group)
        return mk_refuse(request, MILKY_MALFORMED,
                         "需要 to 或 group 之一 (one of to and group must be given)");
    rc = to ? read_uin(request, to, "to", &peer) : read_uin(request, group, "group", &peer);
    if (rc == 0)
        rc = read_message(request, &message);
    if (rc == 0)
        rc = check_person(request, speaker);
    if (rc == 0 && to)
        rc = check_person(request, peer);
    if (rc != 0)
        return rc;
    return to ? mk_send_private(request, speaker, peer, message)
              : mk_send_group(request, speaker, peer, message);
}

/* --- world --- */

static int list_people(struct mk_request *request, yyjson_mut_val *people)
{
    struct mk_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    sqlite3_stmt *row = mk_db_use(db, MK_SQL_ALL_PEOPLE, 0, NULL);
    int rc = mk_db_step(db, row);
    for (; rc > 0; rc = mk_db_step(db, row)) {
        yyjson_mut_val *person = yyjson_mut_arr_add_obj(doc, people);
        if (!yyjson_mut_obj_add_uint(doc, person, "user_id", mk_db_uint(row, 0)) ||
            !mk_put_text(doc, person, "nickname", mk_db_text(row, 1)) ||
            !yyjson_mut_obj_add_bool(doc, person, "is_bot", mk_db_uint(row, 2) != 0)) {
            sqlite3_reset(row);
            return -ENOMEM;
        }
    }
    return rc;
}

static int list_groups(struct mk_request *request, yyjson_mut_val *groups)
{
    struct mk_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    sqlite3_stmt *row = mk_db_use(db, MK_SQL_ALL_GROUPS, 0, NULL);
    int rc = mk_db_step(db, row);
    for (; rc > 0; rc = mk_db_step(db, row)) {
        yyjson_mut_val *group = yyjson_mut_arr_add_obj(doc, groups);
        if (!yyjson_mut_obj_add_uint(doc, group, "group_id", mk_db_uint(row, 0)) ||
            !mk_put_text(doc, group, "group_name", mk_db_text(row, 1)) ||
            !yyjson_mut_obj_add_uint(doc, group, "member_count", mk_db_uint(row, 2))) {
            sqlite3_reset(row);
            return -ENOMEM;
        }
    }
    return rc;
}

static int world(struct mk_request *request)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_val *people = yyjson_mut_obj_add_arr(doc, result, "people");
    yyjson_mut_val *groups = yyjson_mut_obj_add_arr(doc, result, "groups");
    if (!people || !groups)
        return -ENOMEM;
    request->result = result;
    int rc = list_people(request, people);
    return rc < 0 ? rc : list_groups(request, groups);
}

const struct mk_sandbox_api mk_control_apis[] = {
    { "say", say },
    { "world", world },
    { NULL, NULL },
};
