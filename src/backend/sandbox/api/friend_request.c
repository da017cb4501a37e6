/* friend_request: see the header. */
#include "backend/sandbox/api/friend_request.h"

#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/model/uid.h"
#include "backend/sandbox/model/world_list.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* person */
static const struct sb_query friend_count_sql = {
    "SELECT count(*) FROM friendship WHERE owner = ?1"
};
enum { FRIEND_COUNT };
/* target, initiator */
static const struct sb_query friend_request_sql = { "SELECT state, is_filtered FROM friend_request"
                                                    " WHERE target = ?1 AND initiator = ?2" };
enum { REQUEST_STATE, REQUEST_IS_FILTERED };
/* target, is_filtered, limit: the newest first */
static const struct sb_query friend_requests_sql = {
    "SELECT initiator, time, state, comment, via FROM friend_request"
    " WHERE target = ?1 AND is_filtered = ?2 ORDER BY id DESC LIMIT ?3"
};
enum { REQUESTS_INITIATOR, REQUESTS_TIME, REQUESTS_STATE, REQUESTS_COMMENT, REQUESTS_VIA };
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

/* --- asking --- */

static const char *const states[] = { "pending", "accepted", "rejected", "ignored", NULL };

static const char *state_name(uint64_t state)
{
    return states[state <= SB_IGNORED ? state : SB_PENDING];
}

static int emit_request(struct sb_request *request, uint64_t actor,
                        const struct sb_friend_wish *wish)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    char uid[SB_UID_LEN + 1];
    sb_uid_write(actor, uid);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "initiator_id", actor) &&
              yyjson_mut_obj_add_strcpy(doc, json, "initiator_uid", uid) &&
              sb_text_put(doc, json, "comment", wish->comment) &&
              sb_text_put(doc, json, "via", wish->via);
    return ok ? sb_request_event(request, wish->target, "friend_request", sb_request_now(request),
                                 json)
              : -ENOMEM;
}

static int check_wish(struct sb_request *request, uint64_t actor, const struct sb_friend_wish *wish)
{
    static const struct sb_text_rule comment = { "comment", 0, SB_REQUEST_TEXT_MAX_CHARS, true };
    static const struct sb_text_rule via = { "via", 0, SB_REQUEST_TEXT_MAX_CHARS, false };
    int rc = sb_text_check(request, &comment, wish->comment);
    if (rc == 0)
        rc = sb_limit_check(request, SB_LIMIT_REQUEST_FRIEND_COMMENT, sb_text_chars(wish->comment),
                            NULL);
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

int sb_friend_request_send(struct sb_request *request, uint64_t actor,
                           const struct sb_friend_wish *wish)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = check_wish(request, actor, wish);
    if (rc == 0 && !wish->is_filtered)
        rc = emit_request(request, actor, wish);
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

struct request_reader {
    uint64_t target;
    bool is_filtered;
};

/* FriendRequest. */
static yyjson_mut_val *read_request(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    const struct request_reader *reader = arg;
    uint64_t initiator = sb_db_uint(row, REQUESTS_INITIATOR);
    const char *state = state_name(sb_db_uint(row, REQUESTS_STATE));
    char initiator_uid[SB_UID_LEN + 1], target_uid[SB_UID_LEN + 1];
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    sb_uid_write(initiator, initiator_uid);
    sb_uid_write(reader->target, target_uid);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "time", sb_db_uint(row, REQUESTS_TIME)) &&
              yyjson_mut_obj_add_uint(doc, json, "initiator_id", initiator) &&
              yyjson_mut_obj_add_strcpy(doc, json, "initiator_uid", initiator_uid) &&
              yyjson_mut_obj_add_uint(doc, json, "target_user_id", reader->target) &&
              yyjson_mut_obj_add_strcpy(doc, json, "target_user_uid", target_uid) &&
              yyjson_mut_obj_add_str(doc, json, "state", state) &&
              sb_text_put(doc, json, "comment", sb_db_text(row, REQUESTS_COMMENT)) &&
              sb_text_put(doc, json, "via", sb_db_text(row, REQUESTS_VIA)) &&
              yyjson_mut_obj_add_bool(doc, json, "is_filtered", reader->is_filtered);
    return ok ? json : NULL;
}

/* The requests of others to the caller, the newest first. */
static int get_friend_requests(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t limit = milky_uint(request->params, "limit");
    const struct request_reader reader = {
        .target = request->self_id,
        .is_filtered = milky_bool(request->params, "is_filtered"),
    };
    yyjson_mut_val *requests;
    sqlite3_stmt *row =
        SB_DB_USE(db, &friend_requests_sql, reader.target, (uint64_t)reader.is_filtered,
                  limit < MOST_REQUESTS ? limit : MOST_REQUESTS);
    int rc = sb_rows_read(db, row, request->doc, read_request, &reader, &requests);
    return rc < 0 ? rc : sb_result(request, "requests", requests);
}

/* --- answering --- */

static int require_pending(struct sb_request *request, uint64_t actor, uint64_t initiator,
                           bool is_filtered)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &friend_request_sql, actor, initiator);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    bool is_there = rc > 0 && (sb_db_uint(row, REQUEST_IS_FILTERED) != 0) == is_filtered;
    uint64_t state = is_there ? sb_db_uint(row, REQUEST_STATE) : SB_PENDING;
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
        return sb_refuse(request, SB_NO_REQUEST,
                         "the friend request of %" PRIu64 " has been %s already",
                         "%" PRIu64 " 的好友请求已处理（%s）", initiator, state_name(state));
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

static int check_friends(struct sb_request *request, uint64_t person)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &friend_count_sql, person);
    int rc = sb_db_step(db, row);
    uint64_t count = rc > 0 ? sb_db_uint(row, FRIEND_COUNT) : 0;
    sqlite3_reset(row);
    const struct sb_measured measured = {
        .id = SB_LIMIT_FRIENDS_MAX,
        .value = count + 1,
        .subject = person,
        .given = count,
    };
    return rc < 0 ? rc : sb_limit_check_measured(request, &measured);
}

int sb_friend_request_answer(struct sb_request *request, uint64_t actor, uint64_t initiator,
                             bool is_filtered, enum sb_request_state answer, struct mk_slice reason)
{
    static const struct sb_text_rule rule = { "reason", 0, SB_REQUEST_TEXT_MAX_CHARS, true };
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_text_check(request, &rule, reason);
    if (rc == 0)
        rc = require_pending(request, actor, initiator, is_filtered);
    if (rc == 0 && answer == SB_ACCEPTED)
        rc = check_friends(request, actor);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = write_answer(db, actor, initiator, answer, reason);
    if (rc != 0 || answer != SB_ACCEPTED)
        return rc;
    rc = sb_friendship_begin(db, actor, initiator);
    /* A request of the actor to the initiator is fulfilled as well. */
    return rc < 0 ? rc : write_answer(db, initiator, actor, SB_ACCEPTED, mk_slice_str(""));
}

int sb_friend_request_answer_any(struct sb_request *request, uint64_t actor, uint64_t initiator,
                                 enum sb_request_state answer, struct mk_slice reason)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &friend_request_sql, actor, initiator);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    bool is_filtered = rc > 0 && sb_db_uint(row, REQUEST_IS_FILTERED) != 0;
    sqlite3_reset(row);
    return sb_friend_request_answer(request, actor, initiator, is_filtered, answer, reason);
}

static int answer_request(struct sb_request *request, enum sb_request_state answer)
{
    struct mk_slice uid = sb_text_param(request->params, "initiator_uid");
    uint64_t initiator;
    if (!sb_uid_read(uid, &initiator))
        return sb_refuse(request, SB_NO_REQUEST, "no one has this initiator_uid",
                         "没有用户使用此 initiator_uid");
    return sb_friend_request_answer(request, request->self_id, initiator,
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

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* The last request of each to each; a new one takes the place of the old one. state: enum
     * sb_request_state. reason: of the rejection. */
    { 3, "CREATE TABLE friend_request ("
    "  id INTEGER PRIMARY KEY,"
    "  initiator INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  target INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  time INTEGER NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0,"
    "  is_filtered INTEGER NOT NULL,"
    "  comment TEXT NOT NULL,"
    "  via TEXT NOT NULL,"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  UNIQUE (target, initiator)"
    ") STRICT;"
    "CREATE INDEX friend_request_to ON friend_request (target, is_filtered, id);" },
    { 0 },
};
/* clang-format on */

static const struct sb_api apis[] = {
    { "get_friend_requests", get_friend_requests },
    { "accept_friend_request", accept_friend_request },
    { "reject_friend_request", reject_friend_request },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_requests = {
    .name = "friend_requests",
    .select = "SELECT 0, initiator, target, time, state, is_filtered, comment, via, reason"
              " FROM friend_request ORDER BY id",
    .insert = "INSERT INTO friend_request (initiator, target, time, state, is_filtered, comment,"
              " via, reason) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_PERSON("initiator_id"),
        SB_COLUMN_PERSON("target_user_id"),
        SB_COLUMN_TIME("time"),
        SB_COLUMN_CHOICE("state", states),
        SB_COLUMN_FLAG("is_filtered"),
        SB_COLUMN_TEXT("comment"),
        SB_COLUMN_TEXT("via"),
        SB_COLUMN_TEXT("reason"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_requests, NULL };

const struct sb_feature sb_feature_friend_request = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
