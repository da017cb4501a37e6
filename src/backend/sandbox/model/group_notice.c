/* group_notice: see the header. */
#include "backend/sandbox/model/group_notice.h"

#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/model/world_list.h"

#include <errno.h>

/* clang-format off */
/*
 * kind: enum sb_notice_kind. initiator: the person who asks or invites, or 0. target: the person
 * concerned. state: enum sb_notice_state, NULL where nothing is to be answered. operator: the
 * person who acted or answered, NULL where there is none. source_group: of an invitation.
 */
static const char group_notice_sql[] =
    "CREATE TABLE group_notice ("
    "  seq INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  kind INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  initiator INTEGER NOT NULL DEFAULT 0,"
    "  target INTEGER NOT NULL,"
    "  operator INTEGER,"
    "  state INTEGER,"
    "  is_set INTEGER NOT NULL DEFAULT 0,"
    "  is_filtered INTEGER NOT NULL DEFAULT 0,"
    "  source_group INTEGER NOT NULL DEFAULT 0,"
    "  comment TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX group_notice_pending ON group_notice (group_id, target) WHERE state = 0;"

    /* The lists: which notifications a person finds, in the order of the list. */
    "CREATE TABLE group_notice_for ("
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  is_filtered INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  PRIMARY KEY (uin, is_filtered, seq)"
    ") STRICT, WITHOUT ROWID;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define NOTICE_COLUMNS                                                                             \
    "SELECT n.seq, n.group_id, n.kind, n.initiator, n.target, n.operator, n.state, n.is_set,"      \
    " n.is_filtered, n.source_group, n.comment"
enum {
    NOTICE_SEQ,
    NOTICE_GROUP,
    NOTICE_KIND,
    NOTICE_INITIATOR,
    NOTICE_TARGET,
    NOTICE_OPERATOR,
    NOTICE_STATE,
    NOTICE_IS_SET,
    NOTICE_IS_FILTERED,
    NOTICE_SOURCE_GROUP,
    NOTICE_COMMENT,
};

/* seq */
static const struct sb_query find_sql = { NOTICE_COLUMNS " FROM group_notice n WHERE n.seq = ?1" };
/* group, target, is an invitation: the newest; 5: SB_NOTICE_INVITATION */
static const struct sb_query find_pending_sql = {
    "SELECT seq, kind, is_filtered FROM group_notice"
    " WHERE group_id = ?1 AND target = ?2 AND state = 0 AND (kind = 5) = ?3"
    " ORDER BY seq DESC LIMIT 1"
};
enum { PENDING_SEQ, PENDING_KIND, PENDING_IS_FILTERED };

/* uin, is_filtered, the highest seq, limit: the newest first */
static const struct sb_query list_sql = {
    NOTICE_COLUMNS
    " FROM group_notice_for f CROSS JOIN group_notice n ON n.seq = f.seq"
    " WHERE f.uin = ?1 AND f.is_filtered = ?2 AND f.seq <= ?3 ORDER BY f.seq DESC LIMIT ?4"
};

static const struct sb_query last_sql = { "SELECT coalesce(max(seq), 0) FROM group_notice" };
enum { LAST_SEQ };

/* seq, group, kind, time, initiator, target, is_set, is_filtered, source group, operator, state,
 * comment */
static const struct sb_query add_sql = {
    "INSERT INTO group_notice (seq, group_id, kind, time, initiator, target,"
    " is_set, is_filtered, source_group, operator, state, comment)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
};
enum { ADD_OPERATOR = 10, ADD_STATE, ADD_COMMENT };

/* uin, is_filtered, seq */
static const struct sb_query list_add_sql = {
    "INSERT INTO group_notice_for VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
};
/* group, is_filtered, seq: to the lists of the owner and the admins */
static const struct sb_query admins_add_sql = {
    "INSERT INTO group_notice_for SELECT uin, ?2, ?3 FROM member INDEXED BY member_manager"
    " WHERE group_id = ?1 AND role >= 1 ON CONFLICT DO NOTHING"
};
/* group, uin; 0 and 4: SB_NOTICE_JOIN and SB_NOTICE_INVITED, pending */
static const struct sb_query hand_over_sql = {
    "INSERT INTO group_notice_for SELECT ?2, is_filtered, seq FROM group_notice"
    " INDEXED BY group_notice_pending WHERE group_id = ?1 AND state = 0 AND kind IN (0, 4)"
    " ON CONFLICT DO NOTHING"
};

/* seq, state, operator, reason */
static const struct sb_query answer_sql = {
    "UPDATE group_notice SET state = ?2, operator = ?3, reason = ?4 WHERE seq = ?1"
};
enum { ANSWER_REASON = 4 };

/* group, target, initiator or 0; 3: SB_NOTICE_IGNORED */
static const struct sb_query lapse_sql = {
    "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
    " WHERE group_id = ?1 AND target = ?2 AND state = 0"
    " AND (?3 = 0 OR initiator = ?3)"
};
/* group */
static const struct sb_query lapse_all_sql = {
    "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
    " WHERE group_id = ?1 AND state = 0"
};

enum { MAX_PAGE = 100 };

/* By enum sb_notice_kind and enum sb_notice_state. */
static const char *const kinds[] = { "join_request",         "admin_change", "kick", "quit",
                                     "invited_join_request", "invitation",   NULL };
static const char *const states[] = { "pending", "accepted", "rejected", "ignored", NULL };

static bool is_request(uint64_t kind)
{
    return kind == SB_NOTICE_JOIN || kind == SB_NOTICE_INVITED || kind == SB_NOTICE_INVITATION;
}

/* --- writing --- */

int sb_notice_next(struct sb_db *db, uint64_t *seq)
{
    sqlite3_stmt *row = sb_db_use(db, &last_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        *seq = sb_db_uint(row, LAST_SEQ) + 1;
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

static int insert(struct sb_db *db, const struct sb_notice *notice)
{
    sqlite3_stmt *add =
        SB_DB_USE(db, &add_sql, notice->seq, notice->group, notice->kind, sb_clock_now(db),
                  notice->initiator, notice->target, notice->is_set, notice->is_filtered,
                  notice->source_group, notice->operator_id, notice->state);
    if (notice->operator_id == 0)
        sqlite3_bind_null(add, ADD_OPERATOR);
    if (!is_request(notice->kind))
        sqlite3_bind_null(add, ADD_STATE);
    sb_text_bind(add, ADD_COMMENT, notice->comment.ptr ? notice->comment : MK_SLICE(""));
    int rc = sb_db_run(db, add);
    sqlite3_bind_null(add, ADD_COMMENT);
    return rc;
}

int sb_notice_write(struct sb_db *db, struct sb_notice *notice)
{
    int rc = sb_notice_next(db, &notice->seq);
    if (rc == 0)
        rc = insert(db, notice);
    if (rc < 0 || notice->kind == SB_NOTICE_INVITATION)
        return rc;
    return sb_db_run(
        db, SB_DB_USE(db, &admins_add_sql, notice->group, notice->is_filtered, notice->seq));
}

int sb_notice_for(struct sb_db *db, const struct sb_notice *notice, uint64_t uin)
{
    return sb_db_run(db, SB_DB_USE(db, &list_add_sql, uin, notice->is_filtered, notice->seq));
}

int sb_notice_hand_over(struct sb_db *db, uint64_t group, uint64_t admin)
{
    return sb_db_run(db, SB_DB_USE(db, &hand_over_sql, group, admin));
}

int sb_notice_answer(struct sb_db *db, const struct sb_notice *notice, enum sb_notice_state state,
                     uint64_t operator_id, struct mk_slice reason)
{
    sqlite3_stmt *answer = SB_DB_USE(db, &answer_sql, notice->seq, (uint64_t)state, operator_id);
    sb_text_bind(answer, ANSWER_REASON, reason.ptr ? reason : MK_SLICE(""));
    int rc = sb_db_run(db, answer);
    sqlite3_bind_null(answer, ANSWER_REASON);
    return rc;
}

int sb_notice_lapse(struct sb_db *db, uint64_t group, uint64_t target, uint64_t initiator)
{
    return sb_db_run(db, SB_DB_USE(db, &lapse_sql, group, target, initiator));
}

int sb_notice_lapse_all(struct sb_db *db, uint64_t group)
{
    return sb_db_run(db, SB_DB_USE(db, &lapse_all_sql, group));
}

/* --- reading --- */

/* The comment stays borrowed from the row. */
static void read_notice(sqlite3_stmt *row, struct sb_notice *notice)
{
    *notice = (struct sb_notice){
        .seq = sb_db_uint(row, NOTICE_SEQ),
        .group = sb_db_uint(row, NOTICE_GROUP),
        .kind = sb_db_uint(row, NOTICE_KIND),
        .initiator = sb_db_uint(row, NOTICE_INITIATOR),
        .target = sb_db_uint(row, NOTICE_TARGET),
        .operator_id = sb_db_uint(row, NOTICE_OPERATOR),
        .state = sb_db_uint(row, NOTICE_STATE),
        .is_set = sb_db_uint(row, NOTICE_IS_SET) != 0,
        .is_filtered = sb_db_uint(row, NOTICE_IS_FILTERED) != 0,
        .source_group = sb_db_uint(row, NOTICE_SOURCE_GROUP),
        .comment = sb_db_text(row, NOTICE_COMMENT),
    };
}

int sb_notice_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t seq, struct sb_notice *notice)
{
    if (seq > INT64_MAX)
        return 0;
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, seq);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    read_notice(row, notice);
    bool is_kept = sb_text_keep(doc, &notice->comment);
    sqlite3_reset(row);
    return is_kept ? 1 : -ENOMEM;
}

int sb_notice_find_pending(struct sb_db *db, uint64_t group, uint64_t target, bool is_invitation,
                           struct sb_notice *notice)
{
    sqlite3_stmt *row = SB_DB_USE(db, &find_pending_sql, group, target, is_invitation);
    int rc = sb_db_step(db, row);
    if (rc > 0) {
        notice->seq = sb_db_uint(row, PENDING_SEQ);
        notice->kind = sb_db_uint(row, PENDING_KIND);
        notice->is_filtered = sb_db_uint(row, PENDING_IS_FILTERED) != 0;
    }
    sqlite3_reset(row);
    return rc;
}

/* The fields that only requests have. */
static bool put_request(yyjson_mut_doc *doc, yyjson_mut_val *json, const struct sb_notice *notice)
{
    const char *state = states[notice->state <= SB_NOTICE_IGNORED ? notice->state : 0];
    return yyjson_mut_obj_add_uint(doc, json, "initiator_id", notice->initiator) &&
           yyjson_mut_obj_add_str(doc, json, "state", state) &&
           (notice->operator_id == 0 ||
            yyjson_mut_obj_add_uint(doc, json, "operator_id", notice->operator_id));
}

/* GroupNotification. Returns NULL when out of memory. */
static yyjson_mut_val *notice_json(yyjson_mut_doc *doc, const struct sb_notice *notice)
{
    uint64_t kind = notice->kind;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, json, "type", kinds[kind]) &&
              yyjson_mut_obj_add_uint(doc, json, "group_id", notice->group) &&
              yyjson_mut_obj_add_uint(doc, json, "notification_seq", notice->seq);
    if (ok && kind == SB_NOTICE_JOIN)
        ok = yyjson_mut_obj_add_bool(doc, json, "is_filtered", notice->is_filtered) &&
             sb_text_put(doc, json, "comment", notice->comment);
    if (ok && kind != SB_NOTICE_JOIN)
        ok = yyjson_mut_obj_add_uint(doc, json, "target_user_id", notice->target);
    if (ok && kind == SB_NOTICE_ADMIN)
        ok = yyjson_mut_obj_add_bool(doc, json, "is_set", notice->is_set);
    if (ok && (kind == SB_NOTICE_ADMIN || kind == SB_NOTICE_KICK))
        ok = yyjson_mut_obj_add_uint(doc, json, "operator_id", notice->operator_id);
    if (ok && is_request(kind))
        ok = put_request(doc, json, notice);
    return ok ? json : NULL;
}

static int add_notice(sqlite3_stmt *row, void *doc, yyjson_mut_val *list)
{
    struct sb_notice notice;
    read_notice(row, &notice);
    return yyjson_mut_arr_append(list, notice_json(doc, &notice)) ? 0 : -ENOMEM;
}

/* --- APIs --- */

/* One notification more than asked for is read: its number begins the next page. */
static int get_group_notifications(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *params = request->params;
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    uint64_t start = INT64_MAX, limit = milky_uint(params, "limit"), next = 0;
    if (milky_has(params, "start_notification_seq"))
        start = milky_uint(params, "start_notification_seq");
    if (start > INT64_MAX)
        start = INT64_MAX;
    if (limit > MAX_PAGE)
        limit = MAX_PAGE;
    sqlite3_stmt *row = SB_DB_USE(db, &list_sql, request->self_id,
                                  milky_bool(params, "is_filtered"), start, limit + 1);
    int rc = sb_rows_page(db, row, limit, add_notice, request->doc, list);
    if (rc > 0)
        next = sb_db_uint(row, NOTICE_SEQ);
    sqlite3_reset(row);
    if (rc >= 0)
        rc = sb_result(request, "notifications", list);
    if (rc == 0 && next > 0 &&
        !yyjson_mut_obj_add_uint(request->doc, request->result, "next_notification_seq", next))
        rc = -ENOMEM;
    return rc;
}

static const struct sb_api apis[] = {
    { "get_group_notifications", get_group_notifications },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_notices = {
    .name = "group_notifications",
    .select = "SELECT seq, seq, group_id, kind, time, initiator, target, operator, state, is_set,"
              " is_filtered, source_group, comment, reason FROM group_notice ORDER BY seq",
    .insert = "INSERT INTO group_notice (seq, group_id, kind, time, initiator, target, operator,"
              " state, is_set, is_filtered, source_group, comment, reason)"
              " VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_NULLABLE("notification_seq"),
        { "group_id", SB_KIND_NUMBER, true, .refers = SB_REFERS_GROUP },
        { "type", SB_KIND_CHOICE, true, .choices = kinds },
        SB_COLUMN_TIME("time"),
        SB_COLUMN_NUMBER("initiator_id"),
        SB_COLUMN_ID("target_user_id"),
        SB_COLUMN_NULLABLE("operator_id"),
        { "state", SB_KIND_CHOICE, .choices = states, .nullable = true },
        SB_COLUMN_FLAG("is_set"),
        SB_COLUMN_FLAG("is_filtered"),
        SB_COLUMN_NUMBER("source_group_id"),
        SB_COLUMN_TEXT("comment"),
        SB_COLUMN_TEXT("reason"),
        { NULL },
    },
};

static const struct sb_world_list world_seen_by = {
    .name = "seen_by",
    .within = &world_notices,
    .select = "SELECT 0, uin, is_filtered FROM group_notice_for WHERE seq = ?1"
              " ORDER BY uin, is_filtered",
    .insert = "INSERT INTO group_notice_for (seq, uin, is_filtered) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ SB_COLUMN_PERSON("user_id"), SB_COLUMN_FLAG("is_filtered"), { NULL } },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 5, group_notice_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_notices, &world_seen_by, NULL };

const struct sb_feature sb_feature_group_notice = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
