/* friend: how friendships begin and end, and nudges between friends. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/social.h"

#include "backend/sandbox/model/text.h"
#include "backend/sandbox/model/uid.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* target, initiator */
const struct sb_query sb_friend_request_sql = { "SELECT id, state, is_filtered FROM friend_request"
                                                " WHERE target = ?1 AND initiator = ?2" };
/* target, is_filtered, limit: the newest first */
static const struct sb_query friend_requests_sql = {
    "SELECT initiator, time, state, comment, via FROM friend_request"
    " WHERE target = ?1 AND is_filtered = ?2 ORDER BY id DESC LIMIT ?3"
};
/* target, initiator */
static const struct sb_query friend_request_remove_sql = {
    "DELETE FROM friend_request WHERE target = ?1 AND initiator = ?2"
};
/* target, initiator, time, is_filtered, comment, via */
static const struct sb_query friend_request_add_sql = {
    "INSERT INTO friend_request (target, initiator, time, is_filtered, comment, via)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
};
/* target, initiator, state, reason: if it is pending */
static const struct sb_query friend_request_answer_sql = {
    "UPDATE friend_request SET state = ?3, reason = coalesce(?4, '')"
    " WHERE target = ?1 AND initiator = ?2 AND state = 0"
};

enum { MOST_REQUESTS = 500 }; /* of one get_friend_requests */

/* --- nudges --- */

static int tell_nudge(struct sb_request *request, uint64_t viewer, uint64_t peer, bool is_self_send,
                      bool is_self_receive)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "user_id", peer) &&
              yyjson_mut_obj_add_bool(doc, json, "is_self_send", is_self_send) &&
              yyjson_mut_obj_add_bool(doc, json, "is_self_receive", is_self_receive) &&
              yyjson_mut_obj_add_str(doc, json, "display_action", "戳了戳") &&
              yyjson_mut_obj_add_str(doc, json, "display_suffix", "") &&
              yyjson_mut_obj_add_str(doc, json, "display_action_img_url", "");
    return ok ? sb_request_event(request, viewer, "friend_nudge", sb_request_now(request), json)
              : -ENOMEM;
}

int sb_nudge_friend(struct sb_request *request, uint64_t actor, uint64_t friend, bool is_self)
{
    int rc = sb_friendship_require(request, actor, friend);
    if (rc == 0)
        rc = tell_nudge(request, actor, friend, true, is_self);
    if (rc == 0)
        rc = tell_nudge(request, friend, actor, false, !is_self);
    return rc;
}

static int send_friend_nudge(struct sb_request *request)
{
    return sb_nudge_friend(request, request->self_id, milky_uint(request->params, "user_id"),
                           milky_bool(request->params, "is_self"));
}

/* --- the end of a friendship --- */

int sb_delete_friend(struct sb_request *request, uint64_t actor, uint64_t friend)
{
    int rc = sb_friendship_require(request, actor, friend);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_friendship_end(&request->sandbox->db, actor, friend);
    return rc;
}

static int delete_friend(struct sb_request *request)
{
    return sb_delete_friend(request, request->self_id, milky_uint(request->params, "user_id"));
}

/* --- asking --- */

const char *sb_request_state_name(uint64_t state)
{
    static const char *const names[] = { "pending", "accepted", "rejected", "ignored" };
    return names[state <= SB_IGNORED ? state : SB_PENDING];
}

static int tell_request(struct sb_request *request, uint64_t actor,
                        const struct sb_friend_wish *wish)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    char uid[SB_UID_LEN + 1];
    sb_uid_write(actor, uid);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "initiator_id", actor) &&
              yyjson_mut_obj_add_strcpy(doc, json, "initiator_uid", uid) &&
              sb_put_text(doc, json, "comment", wish->comment) &&
              sb_put_text(doc, json, "via", wish->via);
    return ok ? sb_request_event(request, wish->target, "friend_request", sb_request_now(request),
                                 json)
              : -ENOMEM;
}

/* Whether the actor may ask that. */
static int check_wish(struct sb_request *request, uint64_t actor, const struct sb_friend_wish *wish)
{
    static const struct sb_text_rule comment = { "comment", 0, SB_REQUEST_TEXT_MAX_CHARS, true };
    static const struct sb_text_rule via = { "via", 0, SB_REQUEST_TEXT_MAX_CHARS, false };
    int rc = sb_text_check(request, &comment, wish->comment);
    if (rc == 0)
        rc = sb_text_check(request, &via, wish->via);
    if (rc == 0)
        rc = sb_person_require(request, actor);
    if (rc == 0)
        rc = sb_person_require(request, wish->target);
    if (rc == 0 && actor == wish->target)
        return sb_refuse(request, MILKY_MALFORMED, "one cannot become a friend of oneself",
                         "不能添加自己为好友");
    if (rc != 0)
        return rc;
    rc = sb_friendship_find(&request->sandbox->db, actor, wish->target);
    if (rc > 0)
        return sb_refuse(request, SB_ALREADY, "%" PRIu64 " and %" PRIu64 " are friends already",
                         "%" PRIu64 " 与 %" PRIu64 " 已经是好友", actor, wish->target);
    return rc;
}

int sb_request_friend(struct sb_request *request, uint64_t actor, const struct sb_friend_wish *wish)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = check_wish(request, actor, wish);
    if (rc == 0 && !wish->is_filtered)
        rc = tell_request(request, actor, wish);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &friend_request_remove_sql, wish->target, actor));
    if (rc != 0)
        return rc;
    sqlite3_stmt *insert = SB_DB_USE(db, &friend_request_add_sql, wish->target, actor,
                                     sb_request_now(request), (uint64_t)wish->is_filtered);
    sb_text_bind(insert, 5, wish->comment);
    sb_text_bind(insert, 6, wish->via);
    return sb_db_run(db, insert);
}

/* FriendRequest; columns initiator, time, state, comment, via. */
static bool put_request(struct sb_request *request, sqlite3_stmt *row, bool is_filtered,
                        yyjson_mut_val *json)
{
    yyjson_mut_doc *doc = request->doc;
    char initiator[SB_UID_LEN + 1], target[SB_UID_LEN + 1];
    sb_uid_write(sb_db_uint(row, 0), initiator);
    sb_uid_write(request->self_id, target);
    return yyjson_mut_obj_add_uint(doc, json, "time", sb_db_uint(row, 1)) &&
           yyjson_mut_obj_add_uint(doc, json, "initiator_id", sb_db_uint(row, 0)) &&
           yyjson_mut_obj_add_strcpy(doc, json, "initiator_uid", initiator) &&
           yyjson_mut_obj_add_uint(doc, json, "target_user_id", request->self_id) &&
           yyjson_mut_obj_add_strcpy(doc, json, "target_user_uid", target) &&
           yyjson_mut_obj_add_str(doc, json, "state", sb_request_state_name(sb_db_uint(row, 2))) &&
           sb_put_text(doc, json, "comment", sb_db_text(row, 3)) &&
           sb_put_text(doc, json, "via", sb_db_text(row, 4)) &&
           yyjson_mut_obj_add_bool(doc, json, "is_filtered", is_filtered);
}

/* Those that others have made to the bot, the newest first. */
static int get_friend_requests(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t limit = milky_uint(request->params, "limit");
    bool is_filtered = milky_bool(request->params, "is_filtered");
    yyjson_mut_val *requests = yyjson_mut_arr(request->doc);
    if (!requests)
        return -ENOMEM;
    sqlite3_stmt *row = SB_DB_USE(db, &friend_requests_sql, request->self_id, (uint64_t)is_filtered,
                                  limit < MOST_REQUESTS ? limit : MOST_REQUESTS);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        if (!put_request(request, row, is_filtered,
                         yyjson_mut_arr_add_obj(request->doc, requests))) {
            sqlite3_reset(row);
            return -ENOMEM;
        }
    }
    return rc < 0 ? rc : sb_result(request, "requests", requests);
}

/* --- answering --- */

static int require_pending(struct sb_request *request, uint64_t actor, uint64_t initiator,
                           bool is_filtered)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &sb_friend_request_sql, actor, initiator);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    bool is_there = rc > 0 && (sb_db_uint(row, 2) != 0) == is_filtered;
    uint64_t state = is_there ? sb_db_uint(row, 1) : SB_PENDING;
    sqlite3_reset(row);
    if (!is_there)
        return is_filtered
                   ? sb_refuse(request, SB_NO_REQUEST,
                               "there is no filtered friend request of %" PRIu64 " to %" PRIu64,
                               "没有 %" PRIu64 " 对 %" PRIu64 " 的被过滤的好友请求", initiator,
                               actor)
                   : sb_refuse(request, SB_NO_REQUEST,
                               "there is no friend request of %" PRIu64 " to %" PRIu64,
                               "没有 %" PRIu64 " 对 %" PRIu64 " 的好友请求", initiator, actor);
    if (state != SB_PENDING)
        return sb_refuse(
            request, SB_NO_REQUEST, "the friend request of %" PRIu64 " has been %s already",
            "%" PRIu64 " 的好友请求已处理（%s）", initiator, sb_request_state_name(state));
    return 0;
}

static int write_answer(struct sb_db *db, uint64_t target, uint64_t initiator,
                        enum sb_request_state answer, struct mk_slice reason)
{
    sqlite3_stmt *update =
        SB_DB_USE(db, &friend_request_answer_sql, target, initiator, (uint64_t)answer);
    sb_text_bind(update, 4, reason);
    return sb_db_run(db, update);
}

int sb_answer_friend(struct sb_request *request, uint64_t actor, uint64_t initiator,
                     bool is_filtered, enum sb_request_state answer, struct mk_slice reason)
{
    static const struct sb_text_rule rule = { "reason", 0, SB_REQUEST_TEXT_MAX_CHARS, true };
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_text_check(request, &rule, reason);
    if (rc == 0)
        rc = require_pending(request, actor, initiator, is_filtered);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = write_answer(db, actor, initiator, answer, reason);
    if (rc != 0 || answer != SB_ACCEPTED)
        return rc;
    rc = sb_friendship_begin(db, actor, initiator);
    /* What the actor may have asked the other way round has come true as well. */
    return rc < 0 ? rc : write_answer(db, initiator, actor, SB_ACCEPTED, mk_slice_str(""));
}

static int answer_request(struct sb_request *request, enum sb_request_state answer)
{
    struct mk_slice uid = sb_text_param(request->params, "initiator_uid");
    uint64_t initiator;
    if (!sb_uid_read(uid, &initiator))
        return sb_refuse(request, SB_NO_REQUEST, "no one has this initiator_uid",
                         "没有用户使用此 initiator_uid");
    return sb_answer_friend(request, request->self_id, initiator,
                            milky_bool(request->params, "is_filtered"), answer,
                            sb_text_param(request->params, "reason"));
}

static int accept_friend_request(struct sb_request *request)
{
    return answer_request(request, SB_ACCEPTED);
}

static int reject_friend_request(struct sb_request *request)
{
    return answer_request(request, SB_REJECTED);
}

static const struct sb_api apis[] = {
    { "send_friend_nudge", send_friend_nudge },
    { "delete_friend", delete_friend },
    { "get_friend_requests", get_friend_requests },
    { "accept_friend_request", accept_friend_request },
    { "reject_friend_request", reject_friend_request },
    { NULL, NULL },
};

const struct sb_feature sb_feature_friend = { .apis = apis };
