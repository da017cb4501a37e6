/*
 * group_mute: mutes one member or all of them. A muted member cannot speak: model/mute.c checks
 * that when a message is sent.
 */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

enum { LONGEST_MUTE = 30 * 24 * 60 * 60 }; /* seconds */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, uin, time */
static const struct sb_query set_mute_sql = {
    "UPDATE member SET shut_up_end_time = ?3 WHERE group_id = ?1 AND uin = ?2"
};
/* group, flag */
static const struct sb_query set_whole_mute_sql = {
    "UPDATE qq_group SET whole_mute = ?2 WHERE group_id = ?1"
};

static int emit_mute(struct sb_request *request, uint64_t group, uint64_t user, uint64_t duration)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", request->self_id) &&
              yyjson_mut_obj_add_uint(doc, data, "duration", duration);
    return sb_group_event(request, group, 0, "group_mute", ok ? data : NULL);
}

/* An admin or the owner, members with a lower role. A duration of 0 ends the mute. */
static int set_group_member_mute(struct sb_request *request)
{
    static const struct mk_phrase action = { "mute members", "禁言" };
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t user = milky_uint(request->params, "user_id");
    uint64_t duration = milky_uint(request->params, "duration");
    struct sb_member self, other;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_member_require(request, group, user, &other);
    if (rc == 0)
        rc = sb_rights_require_above(request, group, &self, &other, &action);
    if (rc != 0)
        return rc;
    if (duration > LONGEST_MUTE)
        return sb_refuse(request, SB_BAD_VALUE,
                         "a mute lasts at most %d seconds, which are 30 days",
                         "禁言时长最多 %d 秒，即 30 天", LONGEST_MUTE);
    uint64_t now = sb_request_now(request);
    if (duration == 0 && other.shut_up_end_time <= now)
        return 0;
    rc = emit_mute(request, group, user, duration);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    uint64_t end = duration ? now + duration : 0;
    return sb_db_run(db, SB_DB_USE(db, &set_mute_sql, group, user, end));
}

/* An admin or the owner: only they can speak then. */
static int set_group_whole_mute(struct sb_request *request)
{
    static const struct mk_phrase action = { "mute all members", "设置全员禁言" };
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    uint64_t group = milky_uint(request->params, "group_id");
    bool is_mute = milky_bool(request->params, "is_mute");
    struct sb_group state = { 0 };
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_group_require(request, group, &state);
    if (rc != 0 || state.whole_mute == is_mute)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", request->self_id) &&
              yyjson_mut_obj_add_bool(doc, data, "is_mute", is_mute);
    rc = sb_group_event(request, group, 0, "group_whole_mute", ok ? data : NULL);
    if (rc == 0)
        rc = sb_turn_write(request);
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &set_whole_mute_sql, group, is_mute)) : rc;
}

static const struct sb_api apis[] = {
    { "set_group_member_mute", set_group_member_mute },
    { "set_group_whole_mute", set_group_whole_mute },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_mute = { .apis = apis };
