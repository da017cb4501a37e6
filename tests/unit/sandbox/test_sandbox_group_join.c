/* Joining groups: requests, invitations, their answers; and the notifications. */
#include "sandbox_world.h"

#include "backend/sandbox/api/group_join.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/text.h"

#include <string.h>

enum { CARL = 10004001, DORA = 10004002, SECOND = 700000002 };

/* Actions of people are requests to the control address: no API has them. */
#define JOIN "{\"as\":%d,\"group\":%d,\"comment\":\"让我进来\",\"is_filtered\":%s}"
#define INVITE "{\"as\":%d,\"group\":%d,\"user\":%d}"
#define INVITE_THROUGH "{\"as\":%d,\"group\":%d,\"user\":%d,\"source_group\":%d}"
#define POLICY "{\"as\":%d,\"group\":%d,\"policy\":\"%s\"}"
#define LIST "{\"is_filtered\":false,\"limit\":20}"
#define ANSWER                                                                                     \
    "{\"notification_seq\":%d,\"notification_type\":\"%s\",\"group_id\":%d,\"is_filtered\":%s}"
#define INVITATION "{\"group_id\":%d,\"invitation_seq\":%d}"

/*
 * Carl and Dora are in no group; Carl is a friend of 小明 and of both bots. In the second group are
 * 小明 (its owner) and 小红, but no bot. The clock is stopped.
 */
static int setup(void **state)
{
    int rc = world_setup(state);
    struct world *w = *state;
    world_sql(w, "INSERT INTO person (uin, nickname) VALUES (10004001, 'Carl'), (10004002, 'Dora');"
                 "INSERT INTO friend_category VALUES (10004001, 0, 'F');"
                 "INSERT INTO friendship (owner, friend) VALUES (10004001, 10003001),"
                 " (10003001, 10004001), (10004001, 10001000), (10001000, 10004001),"
                 " (10004001, 10002000), (10002000, 10004001);"
                 "INSERT INTO qq_group (group_id, name, created_time) VALUES (700000002, 'Two', 1);"
                 "INSERT INTO member (group_id, uin, join_time, role) VALUES"
                 " (700000002, 10003001, 1, 2), (700000002, 10003002, 1, 0)");
    return rc;
}

static void heard(struct world *w, size_t i, uint64_t bot, const char *type, const char *data)
{
    assert_true(i < w->host.event_count);
    assert_int_equal(w->host.events[i].self_id, bot);
    assert_string_equal(w->host.events[i].type, type);
    assert_int_equal(w->host.events[i].time, sb_clock_now(world_db(w)));
    assert_json(event_at(w, i, ""), data);
}

static void is_member(struct world *w, uint64_t group, uint64_t user, uint64_t viewer)
{
    ask(w, viewer, "get_group_member_info", "{\"group_id\":%d,\"user_id\":%d,\"no_cache\":false}",
        (int)group, (int)user);
    assert_string_equal(str(w, "/member/role"), "member");
    assert_in_range(num(w, "/member/join_time"), sb_clock_now(world_db(w)) - 5,
                    sb_clock_now(world_db(w)));
}

/* --- asking --- */

static void asked_and_accepted(void **state)
{
    struct world *w = *state;
    control(w, "join", JOIN, CARL, GROUP, "false");
    assert_json(at(w, ""), "{\"state\":\"pending\",\"notification_seq\":1}");
    assert_int_equal(w->host.event_count, 1); /* the other bot is no admin */
    heard(w, 0, BOT, "group_join_request",
          "{\"group_id\":700000001,\"notification_seq\":1,\"initiator_id\":10004001,"
          "\"is_filtered\":false,\"comment\":\"让我进来\"}");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_json(at(w, ""), "{\"notifications\":[{\"type\":\"join_request\",\"group_id\":700000001,"
                           "\"notification_seq\":1,\"is_filtered\":false,\"comment\":\"让我进来\","
                           "\"initiator_id\":10004001,\"state\":\"pending\"}]}");
    ask(w, BOT2, "get_group_notifications", LIST);
    assert_json(at(w, ""), "{\"notifications\":[]}");

    refused(w, BOT2, SB_NO_PERMISSION, "can answer requests to join", "accept_group_request",
            ANSWER, 1, "join_request", GROUP, "false");
    refused(w, BOT, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 2,
            "join_request", GROUP, "false");
    refused(w, BOT, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 1,
            "invited_join_request", GROUP, "false");
    refused(w, BOT, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 1,
            "join_request", GROUP, "true");
    refused(w, MING, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 1,
            "join_request", SECOND, "false");
    refused(w, BOT, SB_NO_GROUP, "700000002", "accept_group_request", ANSWER, 1, "join_request",
            SECOND, "false");

    fake_host_forget(&w->host);
    ask(w, BOT, "accept_group_request", ANSWER, 1, "join_request", GROUP, "false");
    assert_null(at(w, ""));
    assert_int_equal(w->host.event_count, 2);
    for (size_t i = 0; i < 2; i++)
        heard(w, i, i == 0 ? BOT : BOT2, "group_member_increase",
              "{\"group_id\":700000001,\"user_id\":10004001,\"operator_id\":10001000}");
    is_member(w, GROUP, CARL, BOT);
    ask(w, BOT, "get_group_notifications", LIST);
    assert_string_equal(str(w, "/notifications/0/state"), "accepted");
    assert_int_equal(num(w, "/notifications/0/operator_id"), BOT);
    refused(w, BOT, SB_NO_REQUEST, "was accepted by 10001000 already", "accept_group_request",
            ANSWER, 1, "join_request", GROUP, "false");
    control_refused(w, SB_ALREADY, "is in group 700000001 already", "join", JOIN, CARL, GROUP,
                    "false");
}

static void asked_and_rejected(void **state)
{
    struct world *w = *state;
    control(w, "join", JOIN, CARL, GROUP, "false");
    fake_host_forget(&w->host);
    ask(w, BOT, "reject_group_request",
        "{\"notification_seq\":1,\"notification_type\":\"join_request\",\"group_id\":700000001,"
        "\"is_filtered\":false,\"reason\":\"不行\"}");
    assert_int_equal(w->host.event_count, 0);
    refused(w, BOT, SB_NO_REQUEST, "was rejected by 10001000 already", "accept_group_request",
            ANSWER, 1, "join_request", GROUP, "false");
    refused(w, BOT, SB_NO_MEMBER, "10004001", "get_group_member_info",
            "{\"group_id\":700000001,\"user_id\":10004001,\"no_cache\":false}");
    /* Another request is allowed; the earlier one of two lapses. */
    control(w, "join", JOIN, CARL, GROUP, "false");
    control(w, "join", JOIN, CARL, GROUP, "false");
    assert_int_equal(num(w, "/notification_seq"), 3);
    refused(w, BOT, SB_NO_REQUEST, "has lapsed", "accept_group_request", ANSWER, 2, "join_request",
            GROUP, "false");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_string_equal(str(w, "/notifications/0/state"), "pending");
    assert_string_equal(str(w, "/notifications/1/state"), "ignored");
    assert_null(at(w, "/notifications/1/operator_id"));
    assert_string_equal(str(w, "/notifications/2/state"), "rejected");
    ask(w, BOT, "accept_group_request", ANSWER, 3, "join_request", GROUP, "false");
}

static void filtered(void **state)
{
    struct world *w = *state;
    control(w, "join", JOIN, CARL, GROUP, "true");
    assert_true(yyjson_get_bool(event_at(w, 0, "/is_filtered")));
    ask(w, BOT, "get_group_notifications", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 0);
    ask(w, BOT, "get_group_notifications", "{\"is_filtered\":true,\"limit\":20}");
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 1);
    assert_true(yyjson_get_bool(at(w, "/notifications/0/is_filtered")));
    refused(w, BOT, SB_NO_REQUEST, "no such request", "reject_group_request", ANSWER, 1,
            "join_request", GROUP, "false");
    ask(w, BOT, "accept_group_request", ANSWER, 1, "join_request", GROUP, "true");
    is_member(w, GROUP, CARL, BOT);
}

static void refused_to_ask(void **state)
{
    struct world *w = *state;
    control_refused(w, SB_NO_GROUP, "there is no group 700000009", "join", JOIN, CARL, 700000009,
                    "false");
    control_refused(w, SB_NO_USER, "10009999", "join", JOIN, 10009999, GROUP, "false");
    control(w, "set_join_policy", POLICY, BOT, GROUP, "nobody");
    control_refused(w, SB_NO_PERMISSION, "lets no one join", "join", JOIN, CARL, GROUP, "false");
    control_refused(w, SB_NO_PERMISSION, "set how others join", "set_join_policy", POLICY, BOT2,
                    GROUP, "approval");
    control_refused(w, MILKY_MALFORMED, "policy", "set_join_policy", POLICY, BOT, GROUP, "some");
    control(w, "set_join_policy", POLICY, BOT, GROUP, "anybody");
    world_sql(w, "UPDATE qq_group SET max_member_count = 7 WHERE group_id = 700000001");
    control_refused(w, SB_GROUP_FULL, "is full", "join", JOIN, CARL, GROUP, "false");
    world_sql(w, "UPDATE qq_group SET max_member_count = 8 WHERE group_id = 700000001");
    control(w, "join", JOIN, CARL, GROUP, "false");
    assert_json(at(w, ""), "{\"state\":\"joined\"}");
    heard(w, 0, BOT, "group_member_increase", "{\"group_id\":700000001,\"user_id\":10004001}");
    is_member(w, GROUP, CARL, BOT);
}

/* A group may fill up, or be dissolved, while a request is pending. */
static void too_late(void **state)
{
    struct world *w = *state;
    control(w, "join", JOIN, CARL, GROUP, "false");
    world_sql(w, "UPDATE qq_group SET max_member_count = 7 WHERE group_id = 700000001");
    refused(w, BOT, SB_GROUP_FULL, "is full", "accept_group_request", ANSWER, 1, "join_request",
            GROUP, "false");
    world_sql(w, "DELETE FROM friendship WHERE 10004001 IN (owner, friend);"
                 "DELETE FROM friend_category WHERE owner = 10004001;"
                 "DELETE FROM person WHERE uin = 10004001;"
                 "UPDATE qq_group SET max_member_count = 8 WHERE group_id = 700000001");
    refused(w, BOT, SB_NO_USER, "10004001", "accept_group_request", ANSWER, 1, "join_request",
            GROUP, "false");
    ask(w, BOT, "quit_group", "{\"group_id\":700000001}");
    refused(w, BOT, SB_NO_GROUP, "700000001", "accept_group_request", ANSWER, 1, "join_request",
            GROUP, "false");
    control_refused(w, SB_NO_GROUP, "no group 700000001", "join", JOIN, DORA, GROUP, "false");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_string_equal(str(w, "/notifications/0/state"), "ignored");
}

/* Kicked for good: only an admin lifts that. */
static void blocked(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "kick_group_member",
        "{\"group_id\":700000001,\"user_id\":10003001,\"reject_add_request\":true}");
    control_refused(w, SB_NO_PERMISSION, "was kicked out of group 700000001 for good", "join", JOIN,
                    MING, GROUP, "false");
    control_refused(w, SB_NO_PERMISSION, "was kicked out of group 700000001 for good", "invite",
                    INVITE, BOT2, GROUP, MING);
    control(w, "invite", INVITE, BOT, GROUP, MING);
    is_member(w, GROUP, MING, BOT);
    ask(w, BOT, "kick_group_member",
        "{\"group_id\":700000001,\"user_id\":10003001,\"reject_add_request\":false}");
    control(w, "join", JOIN, MING, GROUP, "false");
}

/* --- inviting --- */

static void invited_person(void **state)
{
    struct world *w = *state;
    /* By a member: the owner must agree. */
    control(w, "invite", INVITE, MING, GROUP, CARL);
    assert_json(at(w, ""), "{\"state\":\"pending\",\"notification_seq\":1}");
    assert_int_equal(w->host.event_count, 1);
    heard(w, 0, BOT, "group_invited_join_request",
          "{\"group_id\":700000001,\"notification_seq\":1,\"initiator_id\":10003001,"
          "\"target_user_id\":10004001}");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_json(at(w, "/notifications/0"),
                "{\"type\":\"invited_join_request\",\"group_id\":700000001,\"notification_seq\":1,"
                "\"target_user_id\":10004001,\"initiator_id\":10003001,\"state\":\"pending\"}");
    refused(w, BOT, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 1,
            "join_request", GROUP, "false");
    fake_host_forget(&w->host);
    ask(w, BOT, "accept_group_request", ANSWER, 1, "invited_join_request", GROUP, "false");
    for (size_t i = 0; i < 2; i++)
        heard(w, i, i == 0 ? BOT : BOT2, "group_member_increase",
              "{\"group_id\":700000001,\"user_id\":10004001,\"operator_id\":10001000,"
              "\"invitor_id\":10003001}");
    is_member(w, GROUP, CARL, BOT);
    ask(w, CARL, "quit_group", "{\"group_id\":700000001}");
    /* By the owner: at once. */
    fake_host_forget(&w->host);
    control(w, "invite", INVITE, BOT, GROUP, CARL);
    assert_json(at(w, ""), "{\"state\":\"joined\"}");
    heard(w, 0, BOT, "group_member_increase",
          "{\"group_id\":700000001,\"user_id\":10004001,\"invitor_id\":10001000}");
    is_member(w, GROUP, CARL, BOT);
}

static void refused_to_invite(void **state)
{
    struct world *w = *state;
    control_refused(w, SB_NO_GROUP, "10004001 is not in a group 700000001", "invite", INVITE, CARL,
                    GROUP, DORA);
    control_refused(w, SB_ALREADY, "10003001 is in group", "invite", INVITE, BOT, GROUP, MING);
    control_refused(w, SB_NO_FRIEND, "10004002 is not a friend", "invite", INVITE, BOT, GROUP,
                    DORA);
    control_refused(w, SB_NO_USER, "10009999", "invite", INVITE, BOT, GROUP, 10009999);
    control_refused(w, SB_NO_GROUP, "10001000 is not in a group 700000002", "invite",
                    INVITE_THROUGH, BOT, GROUP, DORA, SECOND);
    control_refused(w, SB_NO_MEMBER, "10004002 is not a member of group 700000002", "invite",
                    INVITE_THROUGH, MING, GROUP, DORA, SECOND);
    world_sql(w, "UPDATE qq_group SET max_member_count = 7 WHERE group_id = 700000001");
    control_refused(w, SB_GROUP_FULL, "is full", "invite", INVITE, BOT, GROUP, CARL);
}

static void invited_bot(void **state)
{
    struct world *w = *state;
    /* By the owner. The group is left out of the bot's list until it accepts. */
    control(w, "invite", INVITE, MING, SECOND, BOT);
    assert_json(at(w, ""), "{\"state\":\"invited\",\"invitation_seq\":1}");
    assert_int_equal(w->host.event_count, 1);
    heard(w, 0, BOT, "group_invitation",
          "{\"group_id\":700000002,\"invitation_seq\":1,\"initiator_id\":10003001}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 0);
    refused(w, BOT2, SB_NO_REQUEST, "no such request", "accept_group_invitation", INVITATION,
            SECOND, 1);
    refused(w, BOT, SB_NO_REQUEST, "no such request", "accept_group_invitation", INVITATION, GROUP,
            1);
    refused(w, BOT, SB_NO_REQUEST, "no such request", "reject_group_invitation", INVITATION, SECOND,
            2);
    refused(w, MING, SB_NO_REQUEST, "no such request", "accept_group_request", ANSWER, 1,
            "join_request", SECOND, "false");
    fake_host_forget(&w->host);
    ask(w, BOT, "accept_group_invitation", INVITATION, SECOND, 1);
    assert_null(at(w, ""));
    assert_int_equal(w->host.event_count, 1);
    heard(w, 0, BOT, "group_member_increase",
          "{\"group_id\":700000002,\"user_id\":10001000,\"invitor_id\":10003001}");
    is_member(w, SECOND, BOT, BOT);
    refused(w, BOT, SB_NO_REQUEST, "was accepted by 10001000 already", "reject_group_invitation",
            INVITATION, SECOND, 1);
    /* It is a member there, and gets events. */
    fake_host_forget(&w->host);
    ask(w, MING, "send_group_message",
        "{\"group_id\":700000002,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]}");
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(w->host.events[0].self_id, BOT);
}

static void invited_bot_rejects(void **state)
{
    struct world *w = *state;
    control(w, "invite", INVITE_THROUGH, MING, SECOND, BOT, GROUP);
    heard(w, 0, BOT, "group_invitation",
          "{\"group_id\":700000002,\"invitation_seq\":1,\"initiator_id\":10003001,"
          "\"source_group_id\":700000001}");
    ask(w, BOT, "reject_group_invitation", INVITATION, SECOND, 1);
    assert_int_equal(w->host.event_count, 1);
    refused(w, BOT, SB_NO_REQUEST, "was rejected by 10001000 already", "accept_group_invitation",
            INVITATION, SECOND, 1);
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
    /* The second invitation of the same member replaces the first. */
    control(w, "invite", INVITE, MING, SECOND, BOT);
    control(w, "invite", INVITE, HONG, SECOND, BOT);
    control(w, "invite", INVITE, MING, SECOND, BOT);
    refused(w, BOT, SB_NO_REQUEST, "has lapsed", "accept_group_invitation", INVITATION, SECOND, 2);
    /* A member needs no other invitation. */
    ask(w, BOT, "accept_group_invitation", INVITATION, SECOND, 4);
    refused(w, BOT, SB_NO_REQUEST, "has lapsed", "accept_group_invitation", INVITATION, SECOND, 3);
}

/* A member without a role invites a bot: it accepts, and then the owner has to. */
static void invited_bot_by_member(void **state)
{
    struct world *w = *state;
    control(w, "invite", INVITE, HONG, SECOND, BOT);
    fake_host_forget(&w->host);
    ask(w, BOT, "accept_group_invitation", INVITATION, SECOND, 1);
    assert_int_equal(w->host.event_count, 0); /* no bot is admin there */
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
    refused(w, BOT, SB_NO_REQUEST, "was accepted by 10001000 already", "accept_group_invitation",
            INVITATION, SECOND, 1);
    ask(w, MING, "get_group_notifications", LIST);
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 2);
    assert_string_equal(str(w, "/notifications/0/type"), "invited_join_request");
    assert_int_equal(num(w, "/notifications/0/target_user_id"), BOT);
    ask(w, MING, "accept_group_request", ANSWER, 2, "invited_join_request", SECOND, "false");
    heard(w, 0, BOT, "group_member_increase",
          "{\"group_id\":700000002,\"user_id\":10001000,\"operator_id\":10003001,"
          "\"invitor_id\":10003002}");
    is_member(w, SECOND, BOT, BOT);
}

/* --- notifications --- */

static void kinds(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":10002000,\"is_set\":true}");
    ask(w, BOT2, "kick_group_member",
        "{\"group_id\":700000001,\"user_id\":10003001,\"reject_add_request\":false}");
    ask(w, HONG, "quit_group", "{\"group_id\":700000001}");
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":10002000,\"is_set\":false}");
    ask(w, BOT, "kick_group_member",
        "{\"group_id\":700000001,\"user_id\":10002000,\"reject_add_request\":false}");
    const char *all = "{\"notifications\":["
                      "{\"type\":\"kick\",\"group_id\":700000001,\"notification_seq\":5,"
                      "\"target_user_id\":10002000,\"operator_id\":10001000},"
                      "{\"type\":\"admin_change\",\"group_id\":700000001,\"notification_seq\":4,"
                      "\"target_user_id\":10002000,\"is_set\":false,\"operator_id\":10001000},"
                      "{\"type\":\"quit\",\"group_id\":700000001,\"notification_seq\":3,"
                      "\"target_user_id\":10003002},"
                      "{\"type\":\"kick\",\"group_id\":700000001,\"notification_seq\":2,"
                      "\"target_user_id\":10003001,\"operator_id\":10002000},"
                      "{\"type\":\"admin_change\",\"group_id\":700000001,\"notification_seq\":1,"
                      "\"target_user_id\":10002000,\"is_set\":true,\"operator_id\":10001000}]}";
    ask(w, BOT, "get_group_notifications", LIST);
    assert_json(at(w, ""), all);
    ask(w, BOT2, "get_group_notifications", LIST); /* as admin, and then about itself */
    assert_json(at(w, ""), all);
    ask(w, MING, "get_group_notifications", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 1);
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 2);
}

static void pages(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++)
        control(w, "join", JOIN, CARL, GROUP, i == 2 ? "true" : "false"); /* 1 2 . 4 5 */
    ask(w, BOT, "get_group_notifications", "{\"is_filtered\":false,\"limit\":2}");
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 5);
    assert_int_equal(num(w, "/notifications/1/notification_seq"), 4);
    assert_int_equal(num(w, "/next_notification_seq"), 2);
    ask(w, BOT, "get_group_notifications",
        "{\"start_notification_seq\":2,\"is_filtered\":false,\"limit\":2}");
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 2);
    assert_int_equal(num(w, "/notifications/1/notification_seq"), 1);
    assert_null(at(w, "/next_notification_seq"));
    ask(w, BOT, "get_group_notifications",
        "{\"start_notification_seq\":0,\"is_filtered\":false,\"limit\":2}");
    assert_int_equal(num(w, "/notifications/0/notification_seq"), 5); /* 0: the newest */
    ask(w, BOT, "get_group_notifications",
        "{\"start_notification_seq\":9223372036854775807,\"is_filtered\":false,\"limit\":"
        "9223372036854775807}");
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 4);
    ask(w, BOT, "get_group_notifications", "{\"is_filtered\":false,\"limit\":0}");
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 4);
}

/* A new admin sees the pending requests, and gets the events of later ones. */
static void new_admin(void **state)
{
    struct world *w = *state;
    control(w, "join", JOIN, CARL, GROUP, "false");
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":10002000,\"is_set\":true}");
    ask(w, BOT2, "get_group_notifications", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/notifications")), 2);
    assert_string_equal(str(w, "/notifications/1/state"), "pending");
    fake_host_forget(&w->host);
    control(w, "join", JOIN, CARL, GROUP, "false");
    assert_int_equal(w->host.event_count, 2);
    ask(w, BOT2, "accept_group_request", ANSWER, 3, "join_request", GROUP, "false");
    ask(w, BOT, "get_group_notifications", LIST);
    assert_int_equal(num(w, "/notifications/0/operator_id"), BOT2);
}

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    ask_with_little_memory(w, 0, "join",
                           "{\"as\":10004001,\"group\":700000001,\"comment\":\"a long comment\","
                           "\"is_filtered\":false}");
    ask_with_little_memory(w, BOT, "accept_group_request",
                           "{\"notification_seq\":1,\"notification_type\":\"join_request\","
                           "\"group_id\":700000001,\"is_filtered\":false}");
    ask_with_little_memory(w, 0, "invite",
                           "{\"as\":10003001,\"group\":700000002,\"user\":10001000}");
    ask_with_little_memory(w, BOT, "accept_group_invitation",
                           "{\"group_id\":700000002,\"invitation_seq\":2}");
    ask_with_little_memory(
        w, 0, "invite",
        "{\"as\":10003002,\"group\":700000002,\"user\":10002000,\"source_group\":700000001}");
    ask_with_little_memory(w, BOT2, "accept_group_invitation",
                           "{\"group_id\":700000002,\"invitation_seq\":3}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asked_and_accepted),
        TEST(asked_and_rejected),
        TEST(filtered),
        TEST(refused_to_ask),
        TEST(too_late),
        TEST(blocked),
        TEST(invited_person),
        TEST(refused_to_invite),
        TEST(invited_bot),
        TEST(invited_bot_rejects),
        TEST(invited_bot_by_member),
        TEST(kinds),
        TEST(pages),
        TEST(new_admin),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
