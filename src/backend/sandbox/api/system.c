/* system: who the bot is, and the people it knows. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/request.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* viewer, uin */
static const struct sb_query profile_sql = {
    "SELECT p.nickname, p.qid, p.age, p.sex, f.remark, p.bio, p.level,"
    " p.country, p.city, p.school"
    " FROM person p LEFT JOIN friendship f ON f.owner = ?1 AND f.friend = p.uin"
    " WHERE p.uin = ?2"
};

/* What is read in an open transaction may be rolled back, which counts as no change. */
static void remember_login(struct sb_sandbox *sandbox, uint64_t self_id, struct mk_slice nickname)
{
    struct sb_login *login = &sandbox->login;
    mk_buf_reset(&login->nickname, login->nickname.cap);
    if (sandbox->db.in_transaction || mk_buf_append_slice(&login->nickname, nickname) < 0)
        return;
    login->self_id = self_id;
    login->changes = sqlite3_total_changes64(sandbox->db.handle);
}

/* As sb_person_find. */
static int find_nickname(struct sb_request *request, struct mk_slice *nickname)
{
    struct sb_sandbox *sandbox = request->sandbox;
    const struct sb_login *login = &sandbox->login;
    if (login->nickname.len > 0 && login->self_id == request->self_id &&
        login->changes == sqlite3_total_changes64(sandbox->db.handle)) {
        *nickname = mk_buf_slice(&login->nickname);
        return 1;
    }
    int rc = sb_person_find(&sandbox->db, request->doc, request->self_id, nickname, NULL);
    if (rc > 0)
        remember_login(sandbox, request->self_id, *nickname);
    return rc;
}

static int get_login_info(struct sb_request *request)
{
    struct mk_slice nickname;
    int rc = find_nickname(request, &nickname);
    if (rc == 0)
        return sb_refuse(request, MILKY_OFFLINE, "%llu is not logged in", "Bot %llu 未登录",
                         (unsigned long long)request->self_id);
    if (rc < 0)
        return rc;
    yyjson_mut_val *result = yyjson_mut_obj(request->doc);
    bool ok = yyjson_mut_obj_add_uint(request->doc, result, "uin", request->self_id) &&
              sb_put_text(request->doc, result, "nickname", nickname);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

static bool put_column(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                       sqlite3_stmt *row, int column)
{
    return sb_put_text(doc, object, key, sb_db_text(row, column));
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
    bool ok = put_column(doc, result, "nickname", row, 0) &&
              put_column(doc, result, "qid", row, 1) &&
              yyjson_mut_obj_add_uint(doc, result, "age", sb_db_uint(row, 2)) &&
              yyjson_mut_obj_add_str(doc, result, "sex", sb_sex_name(sb_db_uint(row, 3))) &&
              put_column(doc, result, "remark", row, 4) && put_column(doc, result, "bio", row, 5) &&
              yyjson_mut_obj_add_uint(doc, result, "level", sb_db_uint(row, 6)) &&
              put_column(doc, result, "country", row, 7) &&
              put_column(doc, result, "city", row, 8) && put_column(doc, result, "school", row, 9);
    sqlite3_reset(row);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

static int get_friend_list(struct sb_request *request)
{
    yyjson_mut_val *friends;
    int rc = sb_friends_json(&request->sandbox->db, request->doc, request->self_id, &friends);
    return rc < 0 ? rc : sb_result(request, "friends", friends);
}

static int get_friend_info(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id");
    yyjson_mut_val *entity;
    int rc = sb_friend_json(&request->sandbox->db, request->doc, request->self_id, user, &entity);
    if (rc == 0)
        return sb_refuse_no_friend(request, request->self_id, user);
    return rc < 0 ? rc : sb_result(request, "friend", entity);
}

static const struct sb_api apis[] = {
    { "get_login_info", get_login_info },
    { "get_user_profile", get_user_profile },
    { "get_friend_list", get_friend_list },
    { "get_friend_info", get_friend_info },
    { NULL, NULL },
};

const struct sb_feature sb_feature_system = { .apis = apis };
