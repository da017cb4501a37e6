/* peer: what somebody does with their conversations: put them on top, and read them. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/social.h"

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
/* owner, conversation, seq: never back */
static const struct sb_query mark_read_sql = { "INSERT INTO read_mark VALUES (?1, ?2, ?3)"
                                               " ON CONFLICT DO UPDATE SET seq = max(seq, ?3)" };

/* --- pins --- */

static int tell_pin(struct sb_request *request, const struct sb_place *place, bool is_pinned)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, json, "message_scene", sb_scene_name(place->scene)) &&
              yyjson_mut_obj_add_uint(doc, json, "peer_id", place->peer) &&
              yyjson_mut_obj_add_bool(doc, json, "is_pinned", is_pinned);
    return ok ? sb_request_event(request, place->viewer, "peer_pin_change", sb_request_now(request),
                                 json)
              : -ENOMEM;
}

int sb_pin_peer(struct sb_request *request, uint64_t actor, enum sb_scene scene, uint64_t peer,
                bool is_pinned)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_place place;
    int rc = sb_place_require(request, scene, actor, peer, &place, NULL);
    if (rc != 0)
        return rc;
    if (scene == SB_SCENE_TEMP && place.id == 0)
        return sb_refuse(request, SB_NO_USER, "there is no temporary session with %" PRIu64,
                         "没有与 %" PRIu64 " 的临时会话", peer);
    sqlite3_stmt *row = SB_DB_USE(db, &pin_sql, actor, (uint64_t)scene, peer);
    rc = sb_db_step(db, row);
    sqlite3_reset(row);
    if (rc < 0)
        return rc;
    bool was_pinned = rc > 0;
    if (was_pinned == is_pinned)
        return 0;
    rc = tell_pin(request, &place, is_pinned);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    const struct sb_query *query = is_pinned ? &pin_add_sql : &pin_remove_sql;
    return sb_db_run(db, SB_DB_USE(db, query, actor, (uint64_t)scene, peer));
}

static enum sb_scene scene_param(struct sb_request *request)
{
    return sb_scene_of(milky_string(request->params, "message_scene", NULL));
}

static int set_peer_pin(struct sb_request *request)
{
    return sb_pin_peer(request, request->self_id, scene_param(request),
                       milky_uint(request->params, "peer_id"),
                       milky_bool(request->params, "is_pinned"));
}

/* Pinned temporary sessions have no place in this result. */
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

/* --- reading --- */

int sb_mark_read(struct sb_request *request, uint64_t actor, enum sb_scene scene, uint64_t peer,
                 uint64_t seq)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_place place;
    int rc = sb_place_require(request, scene, actor, peer, &place, NULL);
    if (rc != 0)
        return rc;
    if (seq == 0 || seq > place.last_seq)
        return sb_refuse_no_message(request, seq);
    rc = sb_turn_write(request);
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &mark_read_sql, actor, place.id, seq));
}

static int mark_message_as_read(struct sb_request *request)
{
    return sb_mark_read(request, request->self_id, scene_param(request),
                        milky_uint(request->params, "peer_id"),
                        milky_uint(request->params, "message_seq"));
}

static const struct sb_api apis[] = {
    { "get_peer_pins", get_peer_pins },
    { "set_peer_pin", set_peer_pin },
    { "mark_message_as_read", mark_message_as_read },
    { NULL, NULL },
};

const struct sb_feature sb_feature_conversation = { .apis = apis };
