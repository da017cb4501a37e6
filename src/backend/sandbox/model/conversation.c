/* conversation: see the header. */
#include "backend/sandbox/model/conversation.h"

#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* scene, low, high */
static const struct sb_query conversation_sql = {
    "SELECT id, last_seq FROM conversation WHERE scene = ?1 AND low = ?2 AND high = ?3"
};
enum { CONVERSATION_ID, CONVERSATION_LAST_SEQ };
static const struct sb_query conversation_add_sql = {
    "INSERT INTO conversation (scene, low, high, last_seq) VALUES (?1, ?2, ?3, 0)"
};
/* id, seq */
static const struct sb_query conversation_grow_sql = {
    "UPDATE conversation SET last_seq = ?2 WHERE id = ?1"
};
/* conversation */
static const struct sb_query temp_session_sql = {
    "SELECT group_id FROM temp_session WHERE conversation = ?1"
};
enum { TEMP_SESSION_GROUP };
/* conversation, group */
static const struct sb_query temp_session_set_sql = { "INSERT INTO temp_session VALUES (?1, ?2)"
                                                      " ON CONFLICT DO UPDATE SET group_id = ?2" };
/* low, high: the group of their session, where both are in it */
static const struct sb_query temp_session_open_sql = {
    "SELECT t.group_id FROM conversation c JOIN temp_session t ON t.conversation = c.id"
    " JOIN member a ON a.group_id = t.group_id AND a.uin = ?1"
    " JOIN member b ON b.group_id = t.group_id AND b.uin = ?2"
    " WHERE c.scene = 2 AND c.low = ?1 AND c.high = ?2"
};
/* low, high */
static const struct sb_query temp_session_close_sql = {
    "DELETE FROM temp_session WHERE conversation ="
    " (SELECT id FROM conversation WHERE scene = 2 AND low = ?1 AND high = ?2)"
};

const char *const sb_scene_names[] = { "friend", "group", "temp", NULL };

const char *sb_scene_name(enum sb_scene scene)
{
    return sb_scene_names[scene];
}

enum sb_scene sb_scene_of(const char *name)
{
    enum sb_scene scene = SB_SCENE_FRIEND;
    while (scene < SB_SCENE_TEMP && strcmp(name, sb_scene_names[scene]) != 0)
        scene++;
    return scene;
}

/* --- looking up --- */

/* The key of the row: the two of a private chat in order, or the group and 0. */
static void key_of(const struct sb_conversation *conversation, uint64_t *low, uint64_t *high)
{
    bool is_private = conversation->scene != SB_SCENE_GROUP;
    bool viewer_first = is_private && conversation->viewer < conversation->with;
    *low = viewer_first ? conversation->viewer : conversation->with;
    *high = !is_private ? 0 : viewer_first ? conversation->with : conversation->viewer;
}

int sb_conversation_find(struct sb_db *db, enum sb_scene scene, uint64_t viewer, uint64_t with,
                         struct sb_conversation *conversation)
{
    *conversation = (struct sb_conversation){ .scene = scene, .viewer = viewer, .with = with };
    uint64_t low, high;
    key_of(conversation, &low, &high);
    sqlite3_stmt *row = SB_DB_USE(db, &conversation_sql, (uint64_t)scene, low, high);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    conversation->id = sb_db_uint(row, CONVERSATION_ID);
    conversation->last_seq = sb_db_uint(row, CONVERSATION_LAST_SEQ);
    sqlite3_reset(row);
    return 0;
}

/* The GroupEntity of a temporary session, if the viewer is in the group; else NULL. */
static int session_group(struct sb_request *request, const struct sb_conversation *conversation,
                         yyjson_mut_val **entity)
{
    struct sb_db *db = &request->sandbox->db;
    *entity = NULL;
    sqlite3_stmt *row = SB_DB_USE(db, &temp_session_sql, conversation->id);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    uint64_t group = sb_db_uint(row, TEMP_SESSION_GROUP);
    sqlite3_reset(row);
    rc = sb_group_json(db, request->doc, conversation->viewer, group, entity);
    return rc < 0 ? rc : 0;
}

int sb_temp_session_find(struct sb_db *db, uint64_t one, uint64_t other, uint64_t *group)
{
    uint64_t low = one < other ? one : other, high = one < other ? other : one;
    sqlite3_stmt *row = SB_DB_USE(db, &temp_session_open_sql, low, high);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        *group = sb_db_uint(row, TEMP_SESSION_GROUP);
    sqlite3_reset(row);
    return rc;
}

int sb_private_scene(struct sb_request *request, uint64_t viewer, uint64_t user,
                     enum sb_scene *scene)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group;
    int rc = sb_friendship_find(db, viewer, user);
    *scene = SB_SCENE_FRIEND;
    if (rc == 0) {
        *scene = SB_SCENE_TEMP;
        rc = sb_temp_session_find(db, viewer, user, &group);
    }
    return rc == 0 ? sb_refuse_no_friend(request, viewer, user) : rc < 0 ? rc : 0;
}

int sb_conversation_require(struct sb_request *request, enum sb_scene scene, uint64_t viewer,
                            uint64_t with, struct sb_conversation *conversation,
                            yyjson_mut_val **entity)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *made = NULL;
    int rc = scene == SB_SCENE_FRIEND ? sb_private_scene(request, viewer, with, &scene) : 0;
    if (rc != 0)
        return rc;
    rc = 1;
    if (scene == SB_SCENE_GROUP)
        rc = sb_group_json(db, request->doc, viewer, with, &made);
    else if (scene == SB_SCENE_FRIEND)
        rc = sb_friend_json(db, request->doc, viewer, with, &made);
    if (rc == 0)
        return sb_refuse_no_group(request, viewer, with);
    if (rc > 0)
        rc = sb_conversation_find(db, scene, viewer, with, conversation);
    if (rc == 0 && scene == SB_SCENE_TEMP)
        rc = session_group(request, conversation, &made);
    if (rc == 0 && entity)
        *entity = made;
    return rc;
}

int sb_conversation_param(struct sb_request *request, struct sb_conversation *conversation,
                          yyjson_mut_val **entity)
{
    enum sb_scene scene = sb_scene_of(milky_string(request->params, "message_scene", NULL));
    uint64_t with = milky_uint(request->params, "peer_id");
    return sb_conversation_require(request, scene, request->self_id, with, conversation, entity);
}

/* --- writing --- */

int sb_conversation_add(struct sb_db *db, struct sb_conversation *conversation)
{
    uint64_t low, high;
    if (conversation->id != 0)
        return 0;
    key_of(conversation, &low, &high);
    int rc = sb_db_run(
        db, SB_DB_USE(db, &conversation_add_sql, (uint64_t)conversation->scene, low, high));
    if (rc == 0)
        conversation->id = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    return rc;
}

int sb_conversation_grow(struct sb_db *db, struct sb_conversation *conversation, uint64_t seq)
{
    int rc = sb_db_run(db, SB_DB_USE(db, &conversation_grow_sql, conversation->id, seq));
    if (rc == 0)
        conversation->last_seq = seq;
    return rc;
}

int sb_conversation_set_group(struct sb_db *db, const struct sb_conversation *conversation,
                              uint64_t group)
{
    return sb_db_run(db, SB_DB_USE(db, &temp_session_set_sql, conversation->id, group));
}

int sb_temp_session_close(struct sb_db *db, uint64_t one, uint64_t other)
{
    uint64_t low = one < other ? one : other, high = one < other ? other : one;
    return sb_db_run(db, SB_DB_USE(db, &temp_session_close_sql, low, high));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* scene 0, friend: low and high are the two QQ numbers in order, so that both sides share one
     * row. scene 1, group: low is the group, high is 0. scene 2, temp: as friend. */
    { 1, "CREATE TABLE conversation ("
    "  id INTEGER PRIMARY KEY,"
    "  scene INTEGER NOT NULL,"
    "  low INTEGER NOT NULL,"
    "  high INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL,"
    "  UNIQUE (scene, low, high)"
    ") STRICT;" },

    /* Of a temporary session that is open. group_id: the group that it went through last. */
    { 3, "CREATE TABLE temp_session ("
    "  conversation INTEGER PRIMARY KEY REFERENCES conversation ON DELETE CASCADE,"
    "  group_id INTEGER NOT NULL"
    ") STRICT;" },
    { 0 },
};
/* clang-format on */

/* --- in the JSON of a world --- */

enum { SCENE, USER, PEER };

static int check_conversation(struct sb_request *request, const struct mk_json_path *path,
                              yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    bool in_group = values[SCENE].number == SB_SCENE_GROUP;
    if (in_group && values[USER].given)
        return sb_refuse_field(request, path, "user_id", "expected none with a group, got one",
                               "有群时不应给出");
    if (!in_group && (!values[USER].given || values[USER].number == values[PEER].number))
        return sb_refuse_field(request, path, "user_id", "expected the other one of the two",
                               "应为二者中的另一方");
    return 0;
}

/* ?1: the conversation; the ids of its messages (model/message.c). */
#define FIRST "?1 << 32"
#define LAST "(?1 << 32 | 4294967295)"

/* clang-format off */
/* last_message_seq: where it is beyond the last message. */
const struct sb_world_list sb_conversation_list = {
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
        [SCENE] = { "message_scene", SB_KIND_CHOICE, true, .choices = sb_scene_names },
        [USER] = SB_COLUMN_NULLABLE("user_id"),
        [PEER] = SB_COLUMN_ID("peer_id"),
        SB_COLUMN_NUMBER("last_message_seq"),
        { NULL },
    },
    .check = check_conversation,
    .after = "UPDATE conversation SET last_seq = max(last_seq, coalesce((SELECT max(id) &"
             " 4294967295 FROM message WHERE id BETWEEN " FIRST " AND " LAST "), 0)) WHERE id = ?1",
};

static const struct sb_world_list world_through = {
    .name = "through",
    .within = &sb_conversation_list,
    .select = "SELECT 0, group_id FROM temp_session WHERE conversation = ?1",
    .insert = "INSERT INTO temp_session (conversation, group_id) VALUES (?1, ?2)",
    .columns = (const struct sb_column[]){ SB_COLUMN_ID("group_id"), { NULL } },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &sb_conversation_list, &world_through, NULL };

const struct sb_feature sb_feature_conversation = { .steps = steps, .lists = lists };
