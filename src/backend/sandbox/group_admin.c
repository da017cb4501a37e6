/* group_admin: what the owner and admins set: names, cards, titles, admins and mutes. */
#include "backend/sandbox/group_act.h"
#include "backend/sandbox/group_notice.h"
#include "backend/sandbox/group_rights.h"
#include "backend/sandbox/text.h"

#include <errno.h>

enum {
    NAME_CHARS = 60,
    TITLE_BYTES = 18,
    LONGEST_MUTE = 30 * 24 * 60 * 60,
};

/* --- names --- */

static int write_text(struct mk_request *request, sqlite3_stmt *update, int parameter,
                      struct mk_slice text)
{
    int rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    mk_text_bind(update, parameter, text);
    rc = mk_db_run(&request->sandbox->db, update);
    sqlite3_bind_null(update, parameter);
    return rc;
}

int mk_group_rename(struct mk_request *request, uint64_t actor, uint64_t group,
                    struct mk_slice name)
{
    static const struct mk_text_rule rule = { "new_group_name", 1, NAME_CHARS, false };
    static const struct mk_deed deed = { "修改群名称", "change its name" };
    yyjson_mut_doc *doc = request->doc;
    struct mk_member self;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_ADMIN, &deed);
    if (rc == 0)
        rc = mk_text_check(request, &rule, name);
    if (rc != 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              mk_put_text(doc, data, "new_group_name", name) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor);
    rc = mk_tell_group(request, group, 0, "group_name_change", ok ? data : NULL);
    if (rc < 0)
        return rc;
    return write_text(request, MK_DB_USE(&request->sandbox->db, MK_SQL_GROUP_RENAME, group), 2,
                      name);
}

int mk_group_set_card(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                      struct mk_slice card)
{
    static const struct mk_text_rule rule = { "card", 0, NAME_CHARS, false };
    static const struct mk_deed deed = { "修改他人的群名片", "change the cards of others" };
    struct mk_member self, other;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_member(request, group, user, &other);
    if (rc == 0 && user != actor)
        rc = mk_require_above(request, group, &self, &other, &deed);
    if (rc == 0)
        rc = mk_text_check(request, &rule, card);
    if (rc != 0 || mk_slice_eq(card, other.card))
        return rc;
    return write_text(
        request, MK_DB_USE(&request->sandbox->db, MK_SQL_MEMBER_SET_CARD, group, user), 3, card);
}

int mk_group_set_title(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       struct mk_slice title)
{
    static const struct mk_text_rule rule = { "special_title", 0, TITLE_BYTES, false };
    static const struct mk_deed deed = { "设置专属头衔", "give special titles" };
    struct mk_member self, other;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_member(request, group, user, &other);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_OWNER, &deed);
    if (rc == 0)
        rc = mk_text_check(request, &rule, title);
    if (rc == 0 && title.len > TITLE_BYTES)
        return mk_refuse(request, MK_SANDBOX_BAD_TEXT,
                         "special_title 过长，最多 6 个汉字 (special_title is too long: at most %d "
                         "bytes, which are 6 汉字)",
                         TITLE_BYTES);
    if (rc != 0 || mk_slice_eq(title, other.title))
        return rc;
    return write_text(
        request, MK_DB_USE(&request->sandbox->db, MK_SQL_MEMBER_SET_TITLE, group, user), 3, title);
}

/* --- admins --- */

static int write_admin(struct mk_request *request, struct mk_notice *notice)
{
    struct mk_db *db = &request->sandbox->db;
    int rc = mk_request_write(request);
    if (rc == 0)
        rc = mk_notice_write(db, notice);
    if (rc == 0)
        rc = mk_notice_for(db, notice, notice->target);
    if (rc == 0)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_MEMBER_SET_ROLE, notice->group, notice->target,
                                     notice->is_set ? MK_ROLE_ADMIN : MK_ROLE_MEMBER));
    if (rc == 0 && notice->is_set)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_NOTICE_HAND_OVER, notice->group, notice->target));
    return rc;
}

int mk_group_set_admin(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       bool is_set)
{
    static const struct mk_deed deed = { "设置或取消管理员", "appoint and dismiss admins" };
    yyjson_mut_doc *doc = request->doc;
    struct mk_member self, other;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_member(request, group, user, &other);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_OWNER, &deed);
    if (rc == 0)
        rc = mk_require_above(request, group, &self, &other, &deed);
    if (rc != 0 || is_set == (other.role == MK_ROLE_ADMIN))
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_bool(doc, data, "is_set", is_set);
    rc = mk_tell_group(request, group, 0, "group_admin_change", ok ? data : NULL);
    if (rc < 0)
        return rc;
    struct mk_notice notice = {
        .group = group,
        .kind = MK_NOTICE_ADMIN,
        .target = user,
        .operator_id = actor,
        .is_set = is_set,
    };
    return write_admin(request, &notice);
}

/* --- mutes --- */

static int tell_mute(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                     uint64_t duration)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", user) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_uint(doc, data, "duration", duration);
    return mk_tell_group(request, group, 0, "group_mute", ok ? data : NULL);
}

int mk_group_mute(struct mk_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  uint64_t duration)
{
    static const struct mk_deed deed = { "禁言", "mute members" };
    struct mk_db *db = &request->sandbox->db;
    struct mk_member self, other;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_member(request, group, user, &other);
    if (rc == 0)
        rc = mk_require_above(request, group, &self, &other, &deed);
    if (rc != 0)
        return rc;
    if (duration > LONGEST_MUTE)
        return mk_refuse(request, MK_SANDBOX_BAD_VALUE,
                         "禁言时长最多 30 天 (a mute lasts at most %d seconds, which are 30 days)",
                         LONGEST_MUTE);
    uint64_t now = mk_request_now(request);
    if (duration == 0 && other.shut_up_end_time <= now)
        return 0;
    rc = tell_mute(request, actor, group, user, duration);
    if (rc == 0)
        rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    return mk_db_run(
        db, MK_DB_USE(db, MK_SQL_MEMBER_SET_MUTE, group, user, duration ? now + duration : 0));
}

int mk_group_mute_all(struct mk_request *request, uint64_t actor, uint64_t group, bool is_mute)
{
    static const struct mk_deed deed = { "设置全员禁言", "mute everybody" };
    struct mk_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    struct mk_member self;
    struct mk_group state = { 0 };
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_ADMIN, &deed);
    if (rc != 0)
        return rc;
    rc = mk_group_find(db, group, &state);
    if (rc <= 0 || state.whole_mute == is_mute)
        return rc < 0 ? rc : 0;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", actor) &&
              yyjson_mut_obj_add_bool(doc, data, "is_mute", is_mute);
    rc = mk_tell_group(request, group, 0, "group_whole_mute", ok ? data : NULL);
    if (rc == 0)
        rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    return mk_db_run(db, MK_DB_USE(db, MK_SQL_GROUP_SET_WHOLE_MUTE, group, is_mute));
}

/* --- APIs --- */

static uint64_t group_of(struct mk_request *request)
{
    return milky_uint(request->params, "group_id");
}

static uint64_t user_of(struct mk_request *request)
{
    return milky_uint(request->params, "user_id");
}

static int set_group_name(struct mk_request *request)
{
    return mk_group_rename(request, request->self_id, group_of(request),
                           mk_text_param(request->params, "new_group_name"));
}

static int set_group_member_card(struct mk_request *request)
{
    return mk_group_set_card(request, request->self_id, group_of(request), user_of(request),
                             mk_text_param(request->params, "card"));
}

static int set_group_member_special_title(struct mk_request *request)
{
    return mk_group_set_title(request, request->self_id, group_of(request), user_of(request),
                              mk_text_param(request->params, "special_title"));
}

static int set_group_member_admin(struct mk_request *request)
{
    return mk_group_set_admin(request, request->self_id, group_of(request), user_of(request),
                              milky_bool(request->params, "is_set"));
}

static int set_group_member_mute(struct mk_request *request)
{
    return mk_group_mute(request, request->self_id, group_of(request), user_of(request),
                         milky_uint(request->params, "duration"));
}

static int set_group_whole_mute(struct mk_request *request)
{
    return mk_group_mute_all(request, request->self_id, group_of(request),
                             milky_bool(request->params, "is_mute"));
}

const struct mk_sandbox_api mk_group_admin_apis[] = {
    { "set_group_name", set_group_name },
    { "set_group_member_card", set_group_member_card },
    { "set_group_member_special_title", set_group_member_special_title },
    { "set_group_member_admin", set_group_member_admin },
    { "set_group_member_mute", set_group_member_mute },
    { "set_group_whole_mute", set_group_whole_mute },
    { NULL, NULL },
};
