/*
 * control_act: what people do that no API lets a bot do: they knock at groups, bring others along,
 * ask for friendship, and write to those whom they know from a group only. Everything else that
 * they do is an API, called by them (control.c).
 */
#include "backend/sandbox/api/group_act.h"
#include "backend/sandbox/model/group_notice.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/send.h"
#include "backend/sandbox/model/social.h"
#include "backend/sandbox/operator/operator.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* control_act.c. group, target: the newest first */
static const struct sb_query control_pending_sql = {
    "SELECT seq, kind, is_filtered FROM group_notice"
    " WHERE group_id = ?1 AND target = ?2 AND state = 0"
    " ORDER BY seq DESC"
};

#define AS                                                                                         \
    {                                                                                              \
        "as", SB_RULE_UIN, true                                                                    \
    }

/* Reads the params, of which the first is the person who acts. Returns 0, SB_REFUSED or -errno. */
static int read(struct sb_request *request, const struct sb_rule *rules, struct sb_value *values)
{
    int rc = sb_rules_read(request, NULL, rules, request->params, values);
    return rc ? rc : sb_person_require(request, values[0].number);
}

static int say_temp(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        AS,
        { "to", SB_RULE_UIN, true },
        { "through", SB_RULE_UIN, true },
        { "text", SB_RULE_TEXT },
        { "message", SB_RULE_LIST },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    yyjson_mut_val *message;
    int rc = read(request, rules, v);
    if (rc == 0)
        rc = sb_person_require(request, v[1].number);
    if (rc == 0)
        rc = sb_control_message(request, &v[3], &v[4], &message);
    return rc ? rc : sb_send_temp(request, v[0].number, v[1].number, v[2].number, message);
}

/* --- groups --- */

static int join(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        AS,
        { "group", SB_RULE_UIN, true },
        { "comment", SB_RULE_TEXT },
        { "is_filtered", SB_RULE_BOOL },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = read(request, rules, v);
    return rc ? rc : sb_group_ask(request, v[0].number, v[1].number, v[2].text, v[3].number != 0);
}

static int invite(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        AS,
        { "group", SB_RULE_UIN, true },
        { "user", SB_RULE_UIN, true },
        { "source_group", SB_RULE_UIN },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = read(request, rules, v);
    return rc ? rc : sb_group_invite(request, v[0].number, v[1].number, v[2].number, v[3].number);
}

static int set_join_policy(struct sb_request *request)
{
    static const char *const policies[] = { "approval", "anybody", "nobody", NULL };
    static const struct sb_rule rules[] = {
        AS,
        { "group", SB_RULE_UIN, true },
        { "policy", SB_RULE_CHOICE, true, .choices = policies },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = read(request, rules, v);
    return rc ? rc : sb_group_set_policy(request, v[0].number, v[1].number, v[2].number);
}

/* --- friends --- */

static int friend_request(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        AS,
        { "to", SB_RULE_UIN, true },
        { "comment", SB_RULE_TEXT },
        { "via", SB_RULE_TEXT },
        { "is_filtered", SB_RULE_BOOL },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = read(request, rules, v);
    struct sb_friend_wish wish = {
        .target = v[1].number,
        .comment = v[2].text,
        .via = v[3].text,
        .is_filtered = v[4].number != 0,
    };
    return rc ? rc : sb_request_friend(request, v[0].number, &wish);
}

/* --- answers --- */

/* Whether the pending request of `initiator` was held back by the filter. */
static int answer_friend(struct sb_request *request, uint64_t actor, uint64_t initiator,
                         enum sb_request_state answer, struct mk_slice reason)
{
    struct sb_db *db = &request->sandbox->db;
    bool is_filtered = false;
    sqlite3_stmt *row = SB_DB_USE(db, &sb_friend_request_sql, actor, initiator);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        is_filtered = sb_db_uint(row, 2) != 0;
    sqlite3_reset(row);
    return rc < 0 ? rc : sb_answer_friend(request, actor, initiator, is_filtered, answer, reason);
}

/* The newest request to let `target` into the group, or invitation of them. 0 or -errno. */
static int find_pending(struct sb_db *db, uint64_t group, uint64_t target, bool is_invitation,
                        struct sb_group_request *asked)
{
    sqlite3_stmt *row = SB_DB_USE(db, &control_pending_sql, group, target);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t kind = sb_db_uint(row, 1);
        if ((kind == SB_NOTICE_INVITATION) != is_invitation)
            continue;
        asked->seq = sb_db_uint(row, 0);
        asked->is_invited = kind == SB_NOTICE_INVITED;
        asked->is_filtered = sb_db_uint(row, 2) != 0;
        rc = 0;
        break;
    }
    sqlite3_reset(row);
    return rc;
}

static int answer_group(struct sb_request *request, uint64_t actor, uint64_t group,
                        const struct sb_value *from, enum sb_request_state answer,
                        struct mk_slice reason)
{
    struct sb_group_request asked = { .group = group };
    int rc = find_pending(&request->sandbox->db, group, from->given ? from->number : actor,
                          !from->given, &asked);
    if (rc < 0)
        return rc;
    if (answer == SB_IGNORED)
        return sb_refuse(request, MILKY_MALFORMED,
                         "群请求只能 accept 或 reject (a request of a group is accepted or "
                         "rejected)");
    if (asked.seq == 0)
        return sb_refuse(request, SB_NO_REQUEST,
                         "没有待处理的请求 (nothing waits for an answer there)");
    if (!from->given)
        return sb_group_answer_invitation(request, actor, group, asked.seq, answer == SB_ACCEPTED);
    return sb_group_answer(request, actor, &asked, answer == SB_ACCEPTED, reason);
}

static int answer(struct sb_request *request, enum sb_request_state how)
{
    static const struct sb_rule rules[] = {
        AS, { "from", SB_RULE_UIN }, { "group", SB_RULE_UIN }, { "reason", SB_RULE_TEXT }, { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = read(request, rules, v);
    if (rc != 0)
        return rc;
    if (v[2].given)
        return answer_group(request, v[0].number, v[2].number, &v[1], how, v[3].text);
    if (!v[1].given)
        return sb_refuse(request, MILKY_MALFORMED,
                         "需要 from 或 group (from, or group, or both must be given)");
    return answer_friend(request, v[0].number, v[1].number, how, v[3].text);
}

static int accept(struct sb_request *request)
{
    return answer(request, SB_ACCEPTED);
}

static int reject(struct sb_request *request)
{
    return answer(request, SB_REJECTED);
}

static int ignore(struct sb_request *request)
{
    return answer(request, SB_IGNORED);
}

const struct sb_api sb_control_act_apis[] = {
    { "say_temp", say_temp },
    { "join", join },
    { "invite", invite },
    { "set_join_policy", set_join_policy },
    { "friend_request", friend_request },
    { "accept", accept },
    { "reject", reject },
    { "ignore", ignore },
    { NULL, NULL },
};
