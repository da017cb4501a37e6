/* group_notice: see the header. */
#include "backend/sandbox/model/group_notice.h"

#include "backend/sandbox/model/entity.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define NOTICE_COLUMNS                                                                             \
    "SELECT n.seq, n.group_id, n.kind, n.initiator, n.target, n.operator, n.state, n.is_set,"      \
    " n.is_filtered, n.source_group, n.comment"

/* seq */
static const struct sb_query notice_sql = { NOTICE_COLUMNS
                                            " FROM group_notice n WHERE n.seq = ?1" };
/* uin, is_filtered, the highest seq, limit: the newest first */
static const struct sb_query notices_sql = {
    NOTICE_COLUMNS
    " FROM group_notice_for f CROSS JOIN group_notice n ON n.seq = f.seq"
    " WHERE f.uin = ?1 AND f.is_filtered = ?2 AND f.seq <= ?3 ORDER BY f.seq DESC LIMIT ?4"
};
static const struct sb_query notice_last_sql = { "SELECT coalesce(max(seq), 0) FROM group_notice" };
/* seq, group, kind, time, initiator, target, is_set, is_filtered, source group, operator,
 * state, comment */
static const struct sb_query notice_add_sql = {
    "INSERT INTO group_notice (seq, group_id, kind, time, initiator, target,"
    " is_set, is_filtered, source_group, operator, state, comment)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
};
/* uin, is_filtered, seq */
static const struct sb_query notice_for_sql = {
    "INSERT INTO group_notice_for VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
};
/* group, is_filtered, seq: in the lists of the owner and the admins */
static const struct sb_query notice_for_managers_sql = {
    "INSERT INTO group_notice_for SELECT uin, ?2, ?3 FROM member INDEXED BY member_manager"
    " WHERE group_id = ?1 AND role >= 1 ON CONFLICT DO NOTHING"
};
/* seq, state, operator, reason */
static const struct sb_query notice_answer_sql = {
    "UPDATE group_notice SET state = ?2, operator = ?3, reason = ?4 WHERE seq = ?1"
};
/* group, target, initiator or 0: what still waits becomes ignored */
static const struct sb_query notice_lapse_sql = {
    "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
    " WHERE group_id = ?1 AND target = ?2 AND state = 0"
    " AND (?3 = 0 OR initiator = ?3)"
};
/* group */
static const struct sb_query notice_lapse_all_sql = {
    "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
    " WHERE group_id = ?1 AND state = 0"
};

enum { MAX_PAGE = 100 };

static bool is_request(uint64_t kind)
{
    return kind == SB_NOTICE_JOIN || kind == SB_NOTICE_INVITED || kind == SB_NOTICE_INVITATION;
}

/* --- writing --- */

int sb_notice_next(struct sb_db *db, uint64_t *seq)
{
    sqlite3_stmt *row = sb_db_use(db, &notice_last_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        *seq = sb_db_uint(row, 0) + 1;
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

static int insert(struct sb_db *db, const struct sb_notice *notice)
{
    enum { OPERATOR = 10, STATE, COMMENT };
    sqlite3_stmt *add =
        SB_DB_USE(db, &notice_add_sql, notice->seq, notice->group, notice->kind, sb_clock_now(db),
                  notice->initiator, notice->target, notice->is_set, notice->is_filtered,
                  notice->source_group, notice->operator_id, notice->state);
    if (notice->operator_id == 0)
        sqlite3_bind_null(add, OPERATOR);
    if (!is_request(notice->kind))
        sqlite3_bind_null(add, STATE);
    sb_text_bind(add, COMMENT, notice->comment.ptr ? notice->comment : MK_SLICE(""));
    int rc = sb_db_run(db, add);
    sqlite3_bind_null(add, COMMENT);
    return rc;
}

int sb_notice_write(struct sb_db *db, struct sb_notice *notice)
{
    int rc = sb_notice_next(db, &notice->seq);
    if (rc == 0)
        rc = insert(db, notice);
    if (rc < 0 || notice->kind == SB_NOTICE_INVITATION)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &notice_for_managers_sql, notice->group, notice->is_filtered,
                                   notice->seq));
}

int sb_notice_for(struct sb_db *db, const struct sb_notice *notice, uint64_t uin)
{
    return sb_db_run(db, SB_DB_USE(db, &notice_for_sql, uin, notice->is_filtered, notice->seq));
}

int sb_notice_answer(struct sb_db *db, const struct sb_notice *notice, enum sb_notice_state state,
                     uint64_t operator_id, struct mk_slice reason)
{
    sqlite3_stmt *answer =
        SB_DB_USE(db, &notice_answer_sql, notice->seq, (uint64_t)state, operator_id);
    sb_text_bind(answer, 4, reason.ptr ? reason : MK_SLICE(""));
    int rc = sb_db_run(db, answer);
    sqlite3_bind_null(answer, 4);
    return rc;
}

int sb_notice_lapse(struct sb_db *db, uint64_t group, uint64_t target, uint64_t initiator)
{
    return sb_db_run(db, SB_DB_USE(db, &notice_lapse_sql, group, target, initiator));
}

int sb_notice_lapse_all(struct sb_db *db, uint64_t group)
{
    return sb_db_run(db, SB_DB_USE(db, &notice_lapse_all_sql, group));
}

/* --- reading --- */

/* In the order of NOTICE_COLUMNS; the comment stays borrowed from the row. */
static void notice_of_row(sqlite3_stmt *row, struct sb_notice *notice)
{
    *notice = (struct sb_notice){
        .seq = sb_db_uint(row, 0),
        .group = sb_db_uint(row, 1),
        .kind = sb_db_uint(row, 2),
        .initiator = sb_db_uint(row, 3),
        .target = sb_db_uint(row, 4),
        .operator_id = sb_db_uint(row, 5),
        .state = sb_db_uint(row, 6),
        .is_set = sb_db_uint(row, 7) != 0,
        .is_filtered = sb_db_uint(row, 8) != 0,
        .source_group = sb_db_uint(row, 9),
        .comment = sb_db_text(row, 10),
    };
}

int sb_notice_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t seq, struct sb_notice *notice)
{
    if (seq > INT64_MAX)
        return 0;
    sqlite3_stmt *row = SB_DB_USE(db, &notice_sql, seq);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    notice_of_row(row, notice);
    bool kept = sb_text_keep(doc, &notice->comment);
    sqlite3_reset(row);
    return kept ? 1 : -ENOMEM;
}

/* What only requests have. */
static bool put_request(yyjson_mut_doc *doc, yyjson_mut_val *json, const struct sb_notice *notice)
{
    static const char *const states[] = { "pending", "accepted", "rejected", "ignored" };
    const char *state = states[notice->state <= SB_NOTICE_IGNORED ? notice->state : 0];
    return yyjson_mut_obj_add_uint(doc, json, "initiator_id", notice->initiator) &&
           yyjson_mut_obj_add_str(doc, json, "state", state) &&
           (notice->operator_id == 0 ||
            yyjson_mut_obj_add_uint(doc, json, "operator_id", notice->operator_id));
}

/* GroupNotification; NULL when memory is out. */
static yyjson_mut_val *notice_json(yyjson_mut_doc *doc, const struct sb_notice *notice)
{
    static const char *const kinds[] = { "join_request", "admin_change", "kick", "quit",
                                         "invited_join_request" };
    uint64_t kind = notice->kind;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, json, "type", kinds[kind]) &&
              yyjson_mut_obj_add_uint(doc, json, "group_id", notice->group) &&
              yyjson_mut_obj_add_uint(doc, json, "notification_seq", notice->seq);
    if (ok && kind == SB_NOTICE_JOIN)
        ok = yyjson_mut_obj_add_bool(doc, json, "is_filtered", notice->is_filtered) &&
             sb_put_text(doc, json, "comment", notice->comment);
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

/* One more than the page is read, to see whether there is a next one: it goes to `*next`. */
static int read_page(struct sb_request *request, sqlite3_stmt *row, uint64_t limit,
                     yyjson_mut_val *page, uint64_t *next)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_db_step(db, row);
    for (uint64_t count = 0; rc > 0; count++, rc = sb_db_step(db, row)) {
        struct sb_notice notice;
        notice_of_row(row, &notice);
        if (count == limit) {
            *next = notice.seq;
            rc = 0;
            break;
        }
        if (!yyjson_mut_arr_append(page, notice_json(request->doc, &notice))) {
            rc = -ENOMEM;
            break;
        }
    }
    sqlite3_reset(row);
    return rc;
}

int sb_notice_list(struct sb_request *request, uint64_t viewer, bool is_filtered,
                   const uint64_t *start, uint64_t limit)
{
    yyjson_mut_doc *doc = request->doc;
    uint64_t from = start && *start < INT64_MAX ? *start : INT64_MAX;
    uint64_t next = 0;
    if (limit > MAX_PAGE)
        limit = MAX_PAGE;
    yyjson_mut_val *page = yyjson_mut_arr(doc);
    if (!page)
        return -ENOMEM;
    int rc = read_page(
        request,
        SB_DB_USE(&request->sandbox->db, &notices_sql, viewer, is_filtered, from, limit + 1), limit,
        page, &next);
    if (rc == 0)
        rc = sb_result(request, "notifications", page);
    if (rc == 0 && next > 0 &&
        !yyjson_mut_obj_add_uint(doc, request->result, "next_notification_seq", next))
        rc = -ENOMEM;
    return rc;
}

/* --- APIs --- */

static int get_group_notifications(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    bool has_start = milky_has(params, "start_notification_seq");
    uint64_t start = has_start ? milky_uint(params, "start_notification_seq") : 0;
    return sb_notice_list(request, request->self_id, milky_bool(params, "is_filtered"),
                          has_start ? &start : NULL, milky_uint(params, "limit"));
}

static const struct sb_api apis[] = {
    { "get_group_notifications", get_group_notifications },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_notice = { .apis = apis };
