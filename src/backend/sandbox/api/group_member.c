/*
 * group_member: the members of groups, and what the owner and admins set for them: cards, special
 * titles, and who is an admin. Mutes are in group_mute.c, kicks in group_leave.c.
 *
 * Setting a value that is set already succeeds without an event.
 */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

enum { TITLE_BYTES = 18 }; /* 6 Chinese characters, as in QQ */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, uin, value */
static const struct sb_query set_card_sql = {
    "UPDATE member SET card = ?3 WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query set_title_sql = {
    "UPDATE member SET title = ?3 WHERE group_id = ?1 AND uin = ?2"
};
static const struct sb_query set_role_sql = {
    "UPDATE member SET role = ?3 WHERE group_id = ?1 AND uin = ?2"
};
/* group */
static const struct sb_query admin_count_sql = {
    "SELECT count(*) FROM member WHERE group_id = ?1 AND role = 1"
};
enum { ADMIN_COUNT };

/* --- reading --- */

static int get_group_member_list(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *members;
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_members_json(&request->sandbox->db, request->doc, group, &members);
    return rc ? rc : sb_result(request, "members", members);
}

static int get_group_member_info(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_member self, member;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_member_require(request, group, milky_uint(request->params, "user_id"), &member);
    if (rc != 0)
        return rc;
    yyjson_mut_val *json = sb_member_json(&request->sandbox->db, request->doc, group, &member);
    return json ? sb_result(request, "member", json) : -ENOMEM;
}

/* --- cards and titles --- */

/* The caller and the member that the params name. Returns 0, SB_REFUSED or -errno. */
static int require_both(struct sb_request *request, uint64_t group, struct sb_member *self,
                        struct sb_member *other)
{
    int rc = sb_member_require_self(request, group, request->self_id, self);
    if (rc == 0)
        rc = sb_member_require(request, group, milky_uint(request->params, "user_id"), other);
    return rc;
}

static int write_text(struct sb_request *request, const struct sb_query *query, uint64_t group,
                      uint64_t user, struct mk_slice text)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *update = SB_DB_USE(db, query, group, user);
    sb_text_bind(update, 3, text);
    return sb_db_run(db, update);
}

/* One's own; an admin or the owner those of members with a lower role. "" removes it. */
static int set_group_member_card(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "card", 0, SB_TEXT_BOUND, false, NULL };
    static const struct mk_phrase action = { "change the cards of others", "修改他人的群名片" };
    uint64_t group = milky_uint(request->params, "group_id");
    struct mk_slice card = sb_text_param(request->params, "card");
    struct sb_member self, other;
    int rc = require_both(request, group, &self, &other);
    if (rc == 0 && other.uin != self.uin)
        rc = sb_rights_require_above(request, group, &self, &other, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, card);
    if (rc == 0)
        rc = sb_limit_check(request, SB_LIMIT_MEMBER_CARD_BYTES, card.len, NULL);
    if (rc == SB_DROPPED)
        return 0; /* as QQ: it answers well and changes nothing */
    if (rc != 0 || mk_slice_eq(card, other.card))
        return rc;
    return write_text(request, &set_card_sql, group, other.uin, card);
}

/* The owner, also for themselves. "" removes it. */
static int set_group_member_special_title(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "special_title", 0, TITLE_BYTES, false };
    static const struct mk_phrase action = { "give special titles", "设置专属头衔" };
    uint64_t group = milky_uint(request->params, "group_id");
    struct mk_slice title = sb_text_param(request->params, "special_title");
    struct sb_member self, other;
    int rc = require_both(request, group, &self, &other);
    if (rc == 0)
        rc = sb_rights_require_role(request, group, &self, SB_ROLE_OWNER, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, title);
    if (rc == 0 && title.len > TITLE_BYTES)
        return sb_refuse(
            request, SB_BAD_TEXT,
            "special_title is too long: at most %d bytes, which are 6 Chinese characters",
            "special_title 过长：最多 %d 字节，即 6 个汉字", TITLE_BYTES);
    if (rc != 0 || mk_slice_eq(title, other.title))
        return rc;
    return write_text(request, &set_title_sql, group, other.uin, title);
}

/* --- admins --- */

static int emit_admin_change(struct sb_request *request, const struct sb_notice *notice)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", notice->group) &&
              yyjson_mut_obj_add_uint(doc, data, "user_id", notice->target) &&
              yyjson_mut_obj_add_uint(doc, data, "operator_id", notice->operator_id) &&
              yyjson_mut_obj_add_bool(doc, data, "is_set", notice->is_set);
    return sb_group_event(request, notice->group, 0, "group_admin_change", ok ? data : NULL);
}

static int write_admin(struct sb_request *request, struct sb_notice *notice)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_notice_write(db, notice);
    if (rc == 0)
        rc = sb_notice_for(db, notice, notice->target);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &set_role_sql, notice->group, notice->target,
                                     notice->is_set ? SB_ROLE_ADMIN : SB_ROLE_MEMBER));
    if (rc == 0 && notice->is_set)
        rc = sb_notice_hand_over(db, notice->group, notice->target);
    return rc;
}

/* Another admin is allowed: QQ has a maximum, by the size of the group. */
static int require_admin_room(struct sb_request *request, uint64_t id)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_group_settings settings;
    struct sb_group group;
    int rc = sb_group_require(request, id, &group);
    if (rc == 0)
        rc = sb_group_settings_find(db, id, &settings);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &admin_count_sql, id);
    rc = sb_db_step(db, row);
    uint64_t count = rc > 0 ? sb_db_uint(row, ADMIN_COUNT) : 0;
    uint64_t most = sb_group_most_admins(&settings, group.max_member_count);
    sqlite3_reset(row);
    if (rc < 0)
        return rc;
    const struct sb_measured measured = {
        .id = SB_LIMIT_ADMIN_COUNT,
        .value = count + 1,
        .most = most,
        .subject = id,
        .given = count,
    };
    return sb_limit_check_measured(request, &measured);
}

/* The owner. Event group_admin_change, and a notification. */
static int set_group_member_admin(struct sb_request *request)
{
    static const struct mk_phrase action = { "appoint and dismiss admins", "设置或取消管理员" };
    struct sb_member self, other;
    struct sb_notice notice = {
        .group = milky_uint(request->params, "group_id"),
        .kind = SB_NOTICE_ADMIN,
        .target = milky_uint(request->params, "user_id"),
        .operator_id = request->self_id,
        .is_set = milky_bool(request->params, "is_set"),
    };
    int rc = require_both(request, notice.group, &self, &other);
    if (rc == 0)
        rc = sb_rights_require_role(request, notice.group, &self, SB_ROLE_OWNER, &action);
    if (rc == 0)
        rc = sb_rights_require_above(request, notice.group, &self, &other, &action);
    if (rc != 0 || notice.is_set == (other.role == SB_ROLE_ADMIN))
        return rc;
    if (notice.is_set)
        rc = require_admin_room(request, notice.group);
    if (rc != 0)
        return rc;
    rc = emit_admin_change(request, &notice);
    return rc == 0 ? write_admin(request, &notice) : rc;
}

static const struct sb_api apis[] = {
    { "get_group_member_list", get_group_member_list },
    { "get_group_member_info", get_group_member_info },
    { "set_group_member_card", set_group_member_card },
    { "set_group_member_special_title", set_group_member_special_title },
    { "set_group_member_admin", set_group_member_admin },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_member = { .apis = apis };
