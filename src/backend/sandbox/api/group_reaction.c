/* group_react: what is said in a group without words: reactions to messages, and nudges. */
#include "backend/sandbox/api/group_act.h"

#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id of the message, is_emoji, uin, face_id */
static const struct sb_query reaction_sql = {
    "SELECT 1 FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
    " AND uin = ?3 AND face_id = ?4"
};
/* the same, time */
static const struct sb_query reaction_add_sql = {
    "INSERT INTO group_reaction (message, is_emoji, uin, face_id, time)"
    " VALUES (?1, ?2, ?3, ?4, ?5)"
};
static const struct sb_query reaction_remove_sql = {
    "DELETE FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
    " AND uin = ?3 AND face_id = ?4"
};

enum { REACTION_BYTES = 32 };

/* --- reactions --- */

/* Faces have numbers. How an emoji is written, clients do not agree on: any short text will do. */
static int check_reaction(struct sb_request *request, struct mk_slice reaction, bool is_emoji)
{
    static const struct sb_text_rule rule = { "reaction", 1, REACTION_BYTES, false };
    int rc = sb_text_check(request, &rule, reaction);
    for (size_t i = 0; rc == 0 && !is_emoji && i < reaction.len; i++)
        if (reaction.ptr[i] < '0' || reaction.ptr[i] > '9')
            return sb_refuse(request, SB_BAD_VALUE,
                             "there is no such face: the reaction of type face is its number",
                             "没有这个表情：类型为 face 时，reaction 是表情编号");
    return rc;
}

static sqlite3_stmt *reaction_row(struct sb_db *db, const struct sb_query *query, uint64_t message,
                                  bool is_emoji, uint64_t actor, struct mk_slice reaction)
{
    sqlite3_stmt *row = SB_DB_USE(db, query, message, is_emoji, actor);
    sb_text_bind(row, 4, reaction);
    return row;
}

static int tell_reaction(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                         struct mk_slice reaction, bool is_emoji, bool is_add)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", actor) &&
              yyjson_mut_obj_add_uint(doc, data, "message_seq", seq) &&
              sb_put_text(doc, data, "face_id", reaction) &&
              yyjson_mut_obj_add_str(doc, data, "reaction_type", is_emoji ? "emoji" : "face") &&
              yyjson_mut_obj_add_bool(doc, data, "is_add", is_add);
    return sb_tell_group(request, group, 0, "group_message_reaction", ok ? data : NULL);
}

int sb_group_react(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                   struct mk_slice reaction, bool is_emoji, bool is_add)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self;
    uint64_t id;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = check_reaction(request, reaction, is_emoji);
    if (rc == 0)
        rc = sb_require_group_message(request, group, seq, &id);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = reaction_row(db, &reaction_sql, id, is_emoji, actor, reaction);
    rc = sb_db_step(db, row);
    sqlite3_reset(row);
    if (rc < 0 || is_add == (rc > 0))
        return rc < 0 ? rc : 0;
    rc = tell_reaction(request, actor, group, seq, reaction, is_emoji, is_add);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    row = reaction_row(db, is_add ? &reaction_add_sql : &reaction_remove_sql, id, is_emoji, actor,
                       reaction);
    if (is_add)
        sqlite3_bind_int64(row, 5, (sqlite3_int64)sb_clock_now(db));
    return sb_db_run(db, row);
}

/* --- nudges --- */

int sb_group_nudge(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user)
{
    yyjson_mut_doc *doc = request->doc;
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc != 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "sender_id", actor) &&
              yyjson_mut_obj_add_uint(doc, data, "receiver_id", user) &&
              yyjson_mut_obj_add_str(doc, data, "display_action", "戳了戳") &&
              yyjson_mut_obj_add_str(doc, data, "display_suffix", "") &&
              yyjson_mut_obj_add_str(doc, data, "display_action_img_url", "");
    return sb_tell_group(request, group, 0, "group_nudge", ok ? data : NULL);
}

/* --- APIs --- */

static int send_group_message_reaction(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    size_t len;
    bool is_emoji = strcmp(milky_string(params, "reaction_type", &len), "emoji") == 0;
    return sb_group_react(request, request->self_id, milky_uint(params, "group_id"),
                          milky_uint(params, "message_seq"), sb_text_param(params, "reaction"),
                          is_emoji, milky_bool(params, "is_add"));
}

static int send_group_nudge(struct sb_request *request)
{
    return sb_group_nudge(request, request->self_id, milky_uint(request->params, "group_id"),
                          milky_uint(request->params, "user_id"));
}

static const struct sb_api apis[] = {
    { "send_group_message_reaction", send_group_message_reaction },
    { "send_group_nudge", send_group_nudge },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_reaction = { .apis = apis };
