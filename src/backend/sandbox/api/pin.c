/* pin: conversations that an account keeps on top. */
#include "backend/sandbox/model/conversation.h"
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* owner, scene, peer */
static const struct sb_query pin_sql = {
    "SELECT 1 FROM pin WHERE owner = ?1 AND scene = ?2 AND peer = ?3"
};
static const struct sb_query pin_add_sql = { "INSERT INTO pin VALUES (?1, ?2, ?3)" };
static const struct sb_query pin_remove_sql = {
    "DELETE FROM pin WHERE owner = ?1 AND scene = ?2 AND peer = ?3"
};

static int emit_pin(struct sb_request *request, const struct sb_conversation *conversation,
                    bool is_pinned)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_str(doc, json, "message_scene", sb_scene_name(conversation->scene)) &&
        yyjson_mut_obj_add_uint(doc, json, "peer_id", conversation->with) &&
        yyjson_mut_obj_add_bool(doc, json, "is_pinned", is_pinned);
    return ok ? sb_request_event(request, conversation->viewer, "peer_pin_change",
                                 sb_request_now(request), json)
              : -ENOMEM;
}

/* Returns 1 when it is pinned, 0, or -errno. */
static int is_pinned(struct sb_db *db, const struct sb_conversation *conversation)
{
    sqlite3_stmt *row = SB_DB_USE(db, &pin_sql, conversation->viewer, (uint64_t)conversation->scene,
                                  conversation->with);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    return rc;
}

/* A pin that is there already, or not there, is no error and makes no event. */
static int set_peer_pin(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    bool is_set = milky_bool(request->params, "is_pinned");
    struct sb_conversation conversation;
    int rc = sb_conversation_param(request, &conversation, NULL);
    if (rc != 0)
        return rc;
    if (conversation.scene == SB_SCENE_TEMP && conversation.id == 0)
        return sb_refuse(request, SB_NO_USER, "there is no temporary session with %" PRIu64,
                         "没有与 %" PRIu64 " 的临时会话", conversation.with);
    rc = is_pinned(db, &conversation);
    if (rc < 0 || (rc > 0) == is_set)
        return rc < 0 ? rc : 0;
    rc = emit_pin(request, &conversation, is_set);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, is_set ? &pin_add_sql : &pin_remove_sql, request->self_id,
                                   (uint64_t)conversation.scene, conversation.with));
}

/* The result has no field for temporary sessions that are pinned. */
static int get_peer_pins(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *friends = NULL, *groups = NULL;
    int rc = sb_pinned_friends_json(db, doc, request->self_id, &friends);
    if (rc == 0)
        rc = sb_pinned_groups_json(db, doc, request->self_id, &groups);
    if (rc < 0)
        return rc;
    rc = sb_result(request, "friends", friends);
    if (rc == 0 && !yyjson_mut_obj_add_val(doc, request->result, "groups", groups))
        rc = -ENOMEM;
    return rc;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* scene: enum sb_scene. peer: the friend, the group, or the other side of a temporary session. A
     * pin goes with the friendship or the membership. */
    { 3, "CREATE TABLE pin ("
    "  owner INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  scene INTEGER NOT NULL,"
    "  peer INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, scene, peer)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER pin_unfriended AFTER DELETE ON friendship BEGIN"
    "  DELETE FROM pin WHERE owner = old.owner AND scene = 0 AND peer = old.friend;"
    "END;"
    "CREATE TRIGGER pin_left AFTER DELETE ON member BEGIN"
    "  DELETE FROM pin WHERE owner = old.uin AND scene = 1 AND peer = old.group_id;"
    "END;" },
    { 0 },
};
/* clang-format on */

static const struct sb_api apis[] = {
    { "get_peer_pins", get_peer_pins },
    { "set_peer_pin", set_peer_pin },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_pins = {
    .name = "pins",
    .select = "SELECT 0, owner, scene, peer FROM pin ORDER BY owner, scene, peer",
    .insert = "INSERT INTO pin (owner, scene, peer) VALUES (?2, ?3, ?4)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_PERSON("user_id"),
        { "message_scene", SB_KIND_CHOICE, true, .choices = sb_scene_names },
        SB_COLUMN_ID("peer_id"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_pins, NULL };

const struct sb_feature sb_feature_pin = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
