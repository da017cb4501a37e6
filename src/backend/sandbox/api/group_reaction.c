/* group_reaction: members react to messages with faces and emoji. */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_message.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/segment.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

enum { REACTION_BYTES = 32 };

/* clang-format off */
static const char group_reaction_sql[] =
    "CREATE TABLE group_reaction ("
    "  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,"
    "  is_emoji INTEGER NOT NULL,"
    "  face_id TEXT NOT NULL,"
    "  uin INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  PRIMARY KEY (message, is_emoji, face_id, uin)"
    ") STRICT, WITHOUT ROWID;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id of the message, is_emoji, uin, face_id */
static const struct sb_query find_sql = {
    "SELECT 1 FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
    " AND uin = ?3 AND face_id = ?4"
};
/* the same, time */
static const struct sb_query add_sql = {
    "INSERT INTO group_reaction (message, is_emoji, uin, face_id, time)"
    " VALUES (?1, ?2, ?3, ?4, ?5)"
};
static const struct sb_query remove_sql = {
    "DELETE FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
    " AND uin = ?3 AND face_id = ?4"
};

/* id of the message, is_emoji, face_id: each other kind */
static const struct sb_query kinds_sql = {
    "SELECT DISTINCT is_emoji, face_id FROM group_reaction"
    " WHERE message = ?1 AND NOT (is_emoji = ?2 AND face_id = ?3) LIMIT 100"
};

static const char *const types[] = { "face", "emoji", NULL }; /* by is_emoji */

struct reaction {
    uint64_t group;
    uint64_t seq;
    uint64_t message; /* the id of its row */
    struct mk_slice face_id;
    bool is_emoji;
    bool is_add; /* false: to be removed */
};

static sqlite3_stmt *use(struct sb_request *request, const struct sb_query *query,
                         const struct reaction *reaction)
{
    sqlite3_stmt *row = SB_DB_USE(&request->sandbox->db, query, reaction->message,
                                  reaction->is_emoji, request->self_id);
    sb_text_bind(row, 4, reaction->face_id);
    return row;
}

/* A face is named by its number, an emoji by its code point. */
static int check_face(struct sb_request *request, const struct reaction *reaction)
{
    static const struct sb_text_rule rule = { "reaction", 1, REACTION_BYTES, false, NULL };
    struct mk_slice id = reaction->face_id;
    int rc = sb_text_check(request, &rule, id);
    bool is_known = reaction->is_emoji ? sb_emoji_is_known(id) : sb_face_is_known(id);
    return rc ? rc : sb_limit_check(request, SB_LIMIT_REACTION_FORM, !is_known, NULL);
}

/* One more kind under the message, unless it is there already. */
static int check_kinds(struct sb_request *request, const struct reaction *reaction)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &kinds_sql, reaction->message, reaction->is_emoji);
    sb_text_bind(row, 3, reaction->face_id);
    uint64_t kinds = 1;
    int rc;
    while ((rc = sb_db_step(db, row)) > 0)
        kinds++;
    return rc < 0 ? rc : sb_limit_check(request, SB_LIMIT_REACTION_KINDS, kinds, NULL);
}

/* Returns 1 when the caller has reacted like this already, 0, or -errno. */
static int find_reaction(struct sb_request *request, const struct reaction *reaction)
{
    sqlite3_stmt *row = use(request, &find_sql, reaction);
    int rc = sb_db_step(&request->sandbox->db, row);
    sqlite3_reset(row);
    return rc;
}

static int emit_reaction(struct sb_request *request, const struct reaction *reaction)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_uint(doc, data, "group_id", reaction->group) &&
        yyjson_mut_obj_add_uint(doc, data, "user_id", request->self_id) &&
        yyjson_mut_obj_add_uint(doc, data, "message_seq", reaction->seq) &&
        sb_text_put(doc, data, "face_id", reaction->face_id) &&
        yyjson_mut_obj_add_str(doc, data, "reaction_type", reaction->is_emoji ? "emoji" : "face") &&
        yyjson_mut_obj_add_bool(doc, data, "is_add", reaction->is_add);
    return sb_group_event(request, reaction->group, 0, "group_message_reaction", ok ? data : NULL);
}

static int write_reaction(struct sb_request *request, const struct reaction *reaction)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = use(request, reaction->is_add ? &add_sql : &remove_sql, reaction);
    if (reaction->is_add)
        sqlite3_bind_int64(row, 5, (sqlite3_int64)sb_clock_now(db));
    return sb_db_run(db, row);
}

static int send_group_message_reaction(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    struct sb_member self;
    struct reaction reaction = {
        .group = milky_uint(params, "group_id"),
        .seq = milky_uint(params, "message_seq"),
        .face_id = sb_text_param(params, "reaction"),
        .is_emoji = strcmp(milky_string(params, "reaction_type", NULL), "emoji") == 0,
        .is_add = milky_bool(params, "is_add"),
    };
    int rc = sb_member_require_self(request, reaction.group, request->self_id, &self);
    if (rc == 0)
        rc = check_face(request, &reaction);
    if (rc == 0)
        rc = sb_group_message_require(request, reaction.group, reaction.seq, &reaction.message);
    if (rc != 0)
        return rc;
    rc = find_reaction(request, &reaction);
    if (rc < 0 || reaction.is_add == (rc > 0))
        return rc < 0 ? rc : 0;
    rc = reaction.is_add ? check_kinds(request, &reaction) : 0;
    if (rc == 0)
        rc = emit_reaction(request, &reaction);
    return rc == 0 ? write_reaction(request, &reaction) : rc;
}

static const struct sb_api apis[] = {
    { "send_group_message_reaction", send_group_message_reaction },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_reactions = {
    .name = "reactions",
    .within = &sb_message_list,
    .select = "SELECT 0, uin, is_emoji, face_id, time FROM group_reaction WHERE message = ?1"
              " ORDER BY is_emoji, face_id, uin",
    .insert = "INSERT INTO group_reaction (message, uin, is_emoji, face_id, time)"
              " VALUES (?1, ?2, ?3, ?4, ?5)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_ID("user_id"),
        SB_COLUMN_CHOICE("reaction_type", types),
        SB_COLUMN_REQUIRED_TEXT("reaction"),
        SB_COLUMN_TIME("time"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 5, group_reaction_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_reactions, NULL };

const struct sb_feature sb_feature_group_reaction = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
