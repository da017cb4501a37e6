/* group_admin: what the owner and admins set: names, cards, titles, admins and mutes. */
#include "backend/sandbox/api/group_act.h"

#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, name */
static const struct sb_query group_rename_sql = {
    "UPDATE qq_group SET name = ?2 WHERE group_id = ?1"
};
/* group, flag */
static const struct sb_query group_set_whole_mute_sql = {
    "UPDATE qq_group SET whole_mute = ?2 WHERE group_id = ?1"
};
/* group, uin, value */
static const struct sb_query member_set_card_sql = {
    "UPDATE member SET card = ?3 WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query member_set_title_sql = {
    "UPDATE member SET title = ?3 WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query member_set_role_sql = {
    "UPDATE member SET role = ?3 WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query member_set_mute_sql = {
    "UPDATE member SET shut_up_end_time = ?3 WHERE group_id = ?1 AND uin = ?2"
};
/* group, uin: requests that nobody has answered yet, for a new admin; 0 and 4: enum
 * sb_notice_kind */
static const struct sb_query notice_hand_over_sql = {
    "INSERT INTO group_notice_for SELECT ?2, is_filtered, seq FROM group_notice"
    " INDEXED BY group_notice_pending WHERE group_id = ?1 AND state = 0 AND kind IN (0, 4)"
    " ON CONFLICT DO NOTHING"
};

enum {
    NAME_CHARS = 60,
    TITLE_BYTES = 18,
    LONGEST_MUTE = 30 * 24 * 60 * 60,
};

/* --- names --- */

static int write_text(struct sb_request *request, sqlite3_stmt *update, int parameter,
                      struct mk_slice text)
{
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sb_text_bind(update, parameter, text);
    rc = sb_db_run(&request->sandbox->db, update);
    sqlite3_bind_null(update, parameter);
    return rc;
}

int sb_group_rename(struct sb_request *request, uint64_t actor, uint64_t group,
                    struct mk_slice name)
{
    static const struct sb_text_rule rule = { "new_group_name", 1, NAME_CHARS, false };
    static const struct mk_phrase action = { "change its name", "修改群名称" };
    yyjson_mut_doc *doc = request->doc;
    struct sb_member self;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, name);
    if (rc != 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              sb_put_text(doc, data, "new_group_name", name) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor);
    rc = sb_tell_group(request, group, 0, "group_name_change", ok ? data : NULL);
    if (rc < 0)
        return rc;
    return write_text(request, SB_DB_USE(&request->sandbox->db, &group_rename_sql, group), 2, name);
}

int sb_group_set_card(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                      struct mk_slice card)
{
    static const struct sb_text_rule rule = { "card", 0, NAME_CHARS, false };
    static const struct mk_phrase action = { "change the cards of others", "修改他人的群名片" };
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc == 0 && user != actor)
        rc = sb_require_above(request, group, &self, &other, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, card);
    if (rc != 0 || mk_slice_eq(card, other.card))
        return rc;
    return write_text(request, SB_DB_USE(&request->sandbox->db, &member_set_card_sql, group, user),
                      3, card);
}

int sb_group_set_title(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       struct mk_slice title)
{
    static const struct sb_text_rule rule = { "special_title", 0, TITLE_BYTES, false };
    static const struct mk_phrase action = { "give special titles", "设置专属头衔" };
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_OWNER, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, title);
    if (rc == 0 && title.len > TITLE_BYTES)
        return sb_refuse(
            request, SB_BAD_TEXT,
            "special_title is too long: at most %d bytes, which are 6 Chinese characters",
            "special_title 过长：最多 %d 字节，即 6 个汉字", TITLE_BYTES);
    if (rc != 0 || mk_slice_eq(title, other.title))
        return rc;
    return write_text(request, SB_DB_USE(&request->sandbox->db, &member_set_title_sql, group, user),
                      3, title);
}

/* --- admins --- */

static int write_admin(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_notice_write(db, notice);
    if (rc == 0)
        rc = sb_notice_for(db, notice, notice->target);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &member_set_role_sql, notice->group, notice->target,
                                     notice->is_set ? SB_ROLE_ADMIN : SB_ROLE_MEMBER));
    if (rc == 0 && notice->is_set)
        rc = sb_db_run(db, SB_DB_USE(db, &notice_hand_over_sql, notice->group, notice->target));
    return rc;
}

int sb_group_set_admin(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       bool is_set)
{
    static const struct mk_phrase action = { "appoint and dismiss admins", "设置或取消管理员" };
    yyjson_mut_doc *doc = request->doc;
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_OWNER, &action);
    if (rc == 0)
        rc = sb_require_above(request, group, &self, &other, &action);
    if (rc != 0 || is_set == (other.role == SB_ROLE_ADMIN))
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_bool(doc, data, "is_set", is_set);
    rc = sb_tell_group(request, group, 0, "group_admin_change", ok ? data : NULL);
    if (rc < 0)
        return rc;
    struct sb_notice notice = {
        .group = group,
        .kind = SB_NOTICE_ADMIN,
        .target = user,
        .operator_id = actor,
        .is_set = is_set,
    };
    return write_admin(request, &notice);
}

/* --- mutes --- */

static int tell_mute(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                     uint64_t duration)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_uint(doc, data, "duration", duration);
    return sb_tell_group(request, group, 0, "group_mute", ok ? data : NULL);
}

int sb_group_mute(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  uint64_t duration)
{
    static const struct mk_phrase action = { "mute members", "禁言" };
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self, other;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_member(request, group, user, &other);
    if (rc == 0)
        rc = sb_require_above(request, group, &self, &other, &action);
    if (rc != 0)
        return rc;
    if (duration > LONGEST_MUTE)
        return sb_refuse(request, SB_BAD_VALUE,
                         "a mute lasts at most %d seconds, which are 30 days",
                         "禁言时长最多 %d 秒，即 30 天", LONGEST_MUTE);
    uint64_t now = sb_request_now(request);
    if (duration == 0 && other.shut_up_end_time <= now)
        return 0;
    rc = tell_mute(request, actor, group, user, duration);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(
        db, SB_DB_USE(db, &member_set_mute_sql, group, user, duration ? now + duration : 0));
}

int sb_group_mute_all(struct sb_request *request, uint64_t actor, uint64_t group, bool is_mute)
{
    static const struct mk_phrase action = { "mute all members", "设置全员禁言" };
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    struct sb_member self;
    struct sb_group state = { 0 };
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc != 0)
        return rc;
    rc = sb_group_find(db, group, &state);
    if (rc <= 0 || state.whole_mute == is_mute)
        return rc < 0 ? rc : 0;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_bool(doc, data, "is_mute", is_mute);
    rc = sb_tell_group(request, group, 0, "group_whole_mute", ok ? data : NULL);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &group_set_whole_mute_sql, group, is_mute));
}

/* --- APIs --- */

static uint64_t group_of(struct sb_request *request)
{
    return milky_uint(request->params, "group_id");
}

static uint64_t user_of(struct sb_request *request)
{
    return milky_uint(request->params, "user_id");
}

static int set_group_name(struct sb_request *request)
{
    return sb_group_rename(request, request->self_id, group_of(request),
                           sb_text_param(request->params, "new_group_name"));
}

static int set_group_member_card(struct sb_request *request)
{
    return sb_group_set_card(request, request->self_id, group_of(request), user_of(request),
                             sb_text_param(request->params, "card"));
}

static int set_group_member_special_title(struct sb_request *request)
{
    return sb_group_set_title(request, request->self_id, group_of(request), user_of(request),
                              sb_text_param(request->params, "special_title"));
}

static int set_group_member_admin(struct sb_request *request)
{
    return sb_group_set_admin(request, request->self_id, group_of(request), user_of(request),
                              milky_bool(request->params, "is_set"));
}

static int set_group_member_mute(struct sb_request *request)
{
    return sb_group_mute(request, request->self_id, group_of(request), user_of(request),
                         milky_uint(request->params, "duration"));
}

static int set_group_whole_mute(struct sb_request *request)
{
    return sb_group_mute_all(request, request->self_id, group_of(request),
                             milky_bool(request->params, "is_mute"));
}

static const struct sb_api apis[] = {
    { "set_group_name", set_group_name },
    { "set_group_member_card", set_group_member_card },
    { "set_group_member_special_title", set_group_member_special_title },
    { "set_group_member_admin", set_group_member_admin },
    { "set_group_member_mute", set_group_member_mute },
    { "set_group_whole_mute", set_group_whole_mute },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_admin = { .apis = apis };
