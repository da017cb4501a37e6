/* profile: what people show of themselves. */
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* viewer, uin */
static const struct sb_query profile_sql = {
    "SELECT p.nickname, p.qid, p.age, p.sex, f.remark, p.bio, p.level,"
    " p.country, p.city, p.school"
    " FROM person p LEFT JOIN friendship f ON f.owner = ?1 AND f.friend = p.uin"
    " WHERE p.uin = ?2"
};

enum {
    PROFILE_NICKNAME,
    PROFILE_QID,
    PROFILE_AGE,
    PROFILE_SEX,
    PROFILE_REMARK,
    PROFILE_BIO,
    PROFILE_LEVEL,
    PROFILE_COUNTRY,
    PROFILE_CITY,
    PROFILE_SCHOOL,
};
/* uin, text */
static const struct sb_query set_nickname_sql = {
    "UPDATE person SET nickname = ?2 WHERE uin = ?1"
};
static const struct sb_query set_bio_sql = { "UPDATE person SET bio = ?2 WHERE uin = ?1" };

static bool put_column(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                       sqlite3_stmt *row, int column)
{
    return sb_text_put(doc, object, key, sb_db_text(row, column));
}

static int get_user_profile(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    uint64_t user = milky_uint(request->params, "user_id");
    sqlite3_stmt *row = SB_DB_USE(db, &profile_sql, request->self_id, user);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_user(request, user);
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    bool ok =
        put_column(doc, result, "nickname", row, PROFILE_NICKNAME) &&
        put_column(doc, result, "qid", row, PROFILE_QID) &&
        yyjson_mut_obj_add_uint(doc, result, "age", sb_db_uint(row, PROFILE_AGE)) &&
        yyjson_mut_obj_add_str(doc, result, "sex", sb_person_sex(sb_db_uint(row, PROFILE_SEX))) &&
        put_column(doc, result, "remark", row, PROFILE_REMARK) &&
        put_column(doc, result, "bio", row, PROFILE_BIO) &&
        yyjson_mut_obj_add_uint(doc, result, "level", sb_db_uint(row, PROFILE_LEVEL)) &&
        put_column(doc, result, "country", row, PROFILE_COUNTRY) &&
        put_column(doc, result, "city", row, PROFILE_CITY) &&
        put_column(doc, result, "school", row, PROFILE_SCHOOL);
    sqlite3_reset(row);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

/* The param that the rule names becomes a text of the caller. */
static int set_text(struct sb_request *request, const struct sb_query *query,
                    const struct sb_text_rule *rule)
{
    struct sb_db *db = &request->sandbox->db;
    struct mk_slice text = sb_text_param(request->params, rule->field);
    int rc = sb_text_check(request, rule, text);
    if (rc == 0)
        rc = sb_person_require(request, request->self_id);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *update = SB_DB_USE(db, query, request->self_id);
    sb_text_bind(update, 2, text);
    return sb_db_run(db, update);
}

static int set_nickname(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "new_nickname", 1, SB_TEXT_BOUND, false,
                                              &sb_limits[SB_LIMIT_NICKNAME_CHARS] };
    return set_text(request, &set_nickname_sql, &rule);
}

static int set_bio(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "new_bio", 0, SB_TEXT_BOUND, true,
                                              &sb_limits[SB_LIMIT_BIO_CHARS] };
    return set_text(request, &set_bio_sql, &rule);
}

static const struct sb_api apis[] = {
    { "get_user_profile", get_user_profile },
    { "set_nickname", set_nickname },
    { "set_bio", set_bio },
    { NULL, NULL },
};

const struct sb_feature sb_feature_profile = { .apis = apis };
