/* The operator: messages of people, and params of every wrong kind. */
#include "sandbox_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_to_a_bot(void **state)
{
    struct world *w = *state;
    control(w, "say", "{\"as\":10003001,\"to\":10001000,\"text\":\"在吗\"}");
    assert_int_equal(num(w, "/message_seq"), 1);
    assert_true(num(w, "/time") > 1700000000);
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(w->host.events[0].self_id, BOT);
    assert_int_equal(event_num(w, 0, "/peer_id"), MING);
    assert_int_equal(event_num(w, 0, "/sender_id"), MING);
    assert_string_equal(event_str(w, 0, "/friend/nickname"), "小明");
    assert_json(event_at(w, 0, "/segments"), "[{\"type\":\"text\",\"data\":{\"text\":\"在吗\"}}]");
    /* The bot's answer is in the same conversation. */
    ask(w, BOT, "send_private_message",
        "{\"user_id\":10003001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"在\"}}]}");
    assert_int_equal(num(w, "/message_seq"), 2);
}

static void say_in_the_group(void **state)
{
    struct world *w = *state;
    control(w, "say", "{\"as\":10003001.0,\"group\":7.00000001e8,\"text\":\"hi\"}");
    assert_int_equal(w->host.event_count, 2); /* both bots */
    assert_string_equal(event_str(w, 0, "/group_member/nickname"), "小明");
    /* A bot's account can send too, and does not get its own event. */
    control(w, "say", "{\"as\":10002000,\"group\":700000001,\"text\":\"hi\"}");
    assert_int_equal(w->host.event_count, 3);
    assert_int_equal(w->host.events[2].self_id, BOT);
    control(w, "say", "{\"as\":10003001,\"to\":10003002,\"text\":\"between people\"}");
    assert_int_equal(w->host.event_count, 3);
}

static void say_segments(void **state)
{
    struct world *w = *state;
    world_sql(w, "UPDATE member SET role=1 WHERE uin=10003001");
    control(w, "say",
            "{\"as\":10003001,\"group\":700000001,\"message\":["
            "{\"type\":\"text\",\"data\":{\"text\":\"x\"}},"
            "{\"type\":\"mention\",\"data\":{\"user_id\":10001000}},"
            "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}},"
            "{\"type\":\"face\",\"data\":{\"face_id\":\"2\",\"is_large\":true}},"
            "{\"type\":\"mention_all\",\"data\":{}}]}");
    assert_json(
        event_at(w, 0, "/segments"),
        "[{\"type\":\"text\",\"data\":{\"text\":\"x\"}},"
        "{\"type\":\"mention\",\"data\":{\"user_id\":10001000,\"name\":\"Milky 10001000\"}},"
        "{\"type\":\"face\",\"data\":{\"face_id\":\"1\",\"is_large\":false}},"
        "{\"type\":\"face\",\"data\":{\"face_id\":\"2\",\"is_large\":true}},"
        "{\"type\":\"mention_all\",\"data\":{}}]");
    control(w, "say",
            "{\"as\":10003002,\"group\":700000001,\"message\":["
            "{\"type\":\"reply\",\"data\":{\"message_seq\":1}}]}");
    assert_int_equal(event_num(w, 2, "/segments/0/data/sender_id"), MING);
}

static void say_malformed(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *params;
    } cases[] = {
        { "as: expected integer from 10001 to 4294967295, got nothing",
          "{\"to\":10001000,\"text\":\"x\"}" },
        { "as: expected integer from 10001 to 4294967295, got string",
          "{\"as\":\"10003001\",\"to\":10001000,\"text\":\"x\"}" },
        { "as: expected integer from 10001 to 4294967295, got 10003001.5",
          "{\"as\":10003001.5,\"to\":10001000,\"text\":\"x\"}" },
        { "as: expected integer from 10001 to 4294967295, got 5",
          "{\"as\":5,\"to\":10001000,\"text\":\"x\"}" },
        { "as: expected integer from 10001 to 4294967295, got -10003001",
          "{\"as\":-10003001,\"to\":10001000,\"text\":\"x\"}" },
        { "got 4294967296", "{\"as\":4294967296,\"to\":10001000,\"text\":\"x\"}" },
        { "one of to and group", "{\"as\":10003001,\"text\":\"x\"}" },
        { "one of to and group", "{\"as\":10003001,\"to\":10001000,\"group\":700000001}" },
        { "one of to and group must be given", "{\"as\":10003001,\"to\":null,\"text\":\"x\"}" },
        { "group: expected integer from 10001 to 4294967295, got array",
          "{\"as\":10003001,\"group\":[],\"text\":\"x\"}" },
        { "one of text and message", "{\"as\":10003001,\"to\":10001000}" },
        { "one of text and message",
          "{\"as\":10003001,\"to\":10001000,\"text\":\"x\",\"message\":[]}" },
        { "text: expected string, got number", "{\"as\":10003001,\"to\":10001000,\"text\":1}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "say", "%s", cases[i].params);
}

/* Segments are checked against the tables, like those of bots. */
static void segments_malformed(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *message;
    } cases[] = {
        { "message: expected array", "{}" },
        { "message[0]: expected object, got number", "[1]" },
        { "message[0].type: expected", "[{}]" },
        { "message[0].data.text: expected string, got null",
          "[{\"type\":\"text\",\"data\":{\"text\":null}}]" },
        { "message[0].data.user_id: expected integer from 10001",
          "[{\"type\":\"mention\",\"data\":{\"user_id\":1}}]" },
        { "message[0].data.message_seq: expected", "[{\"type\":\"reply\",\"data\":{}}]" },
        { "message[0].data.uri: expected", "[{\"type\":\"image\",\"data\":{}}]" },
        { "message[0].type: expected one of", "[{\"type\":\"dance\",\"data\":{}}]" },
        { "message[0].data.txt: unknown field; did you mean text?",
          "[{\"type\":\"text\",\"data\":{\"txt\":\"x\",\"text\":\"x\"}}]" },
        { "message[0].dat: unknown field; did you mean data?",
          "[{\"type\":\"text\",\"dat\":{},\"data\":{\"text\":\"x\"}}]" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "say",
                        "{\"as\":10003001,\"to\":10001000,\"message\":%s}", cases[i].message);
}

static void say_refused(void **state)
{
    struct world *w = *state;
    world_sql(w, "INSERT INTO person (uin, nickname) VALUES (10009000, 'stranger')");
    control_refused(w, SB_NO_USER, "there is no user 10009999", "say",
                    "{\"as\":10009999,\"to\":10001000,\"text\":\"x\"}");
    control_refused(w, SB_NO_USER, "there is no user 10009999", "say",
                    "{\"as\":10003001,\"to\":10009999,\"text\":\"x\"}");
    control_refused(w, SB_NO_FRIEND, "10001000 is not a friend of 10009000", "say",
                    "{\"as\":10009000,\"to\":10001000,\"text\":\"x\"}");
    control_refused(w, SB_NO_GROUP, "10009000 is not in a group 700000001", "say",
                    "{\"as\":10009000,\"group\":700000001,\"text\":\"x\"}");
    control_refused(
        w, SB_NO_PERMISSION, "mention_all", "say",
        "{\"as\":10003001,\"group\":700000001,\"message\":[{\"type\":\"mention_all\"}]}");
    control_refused(w, SB_BAD_MESSAGE, "the message is empty", "say",
                    "{\"as\":10003001,\"group\":700000001,\"text\":\"\"}");
    control_refused(w, MILKY_UNKNOWN, "no such operation: dance", "dance", "{}");
}

/* People can use the APIs of bots, under the same names. */
static void apis_of_people(void **state)
{
    struct world *w = *state;
    control(w, "set_nickname", "{\"as\":10003001,\"new_nickname\":\"大明\"}");
    ask(w, BOT, "get_user_profile", "{\"user_id\":10003001}");
    assert_string_equal(str(w, "/nickname"), "大明");
    control(w, "get_friend_list", "{\"as\":10003001}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 6);
    control_refused(w, SB_NO_PERMISSION, "", "set_group_name",
                    "{\"as\":10003001,\"group_id\":700000001,\"new_group_name\":\"x\"}");
    control_refused(w, MILKY_MALFORMED, "new_nickname: expected string, got nothing",
                    "set_nickname", "{\"as\":10003001}");
    control_refused(w, MILKY_MALFORMED,
                    "as: expected integer from 10001 to 4294967295, got nothing", "set_nickname",
                    "{\"new_nickname\":\"x\"}");
    control_refused(w, SB_NO_USER, "10009999", "set_nickname",
                    "{\"as\":10009999,\"new_nickname\":\"x\"}");
}

static void short_forms(void **state)
{
    struct world *w = *state;
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"oops\"}");
    control(w, "react", "{\"as\":10003002,\"group\":700000001,\"seq\":1,\"reaction\":\"76\"}");
    fake_host_forget(&w->host);
    control(w, "recall", "{\"as\":10003001,\"group\":700000001,\"seq\":1}");
    assert_string_equal(w->host.events[0].type, "message_recall");
    assert_int_equal(event_num(w, 0, "/operator_id"), MING);
    fake_host_forget(&w->host);
    control(w, "nudge", "{\"as\":10003001,\"group\":700000001,\"user\":10001000}");
    assert_string_equal(w->host.events[0].type, "group_nudge");
    assert_int_equal(event_num(w, 0, "/sender_id"), MING);
    fake_host_forget(&w->host);
    control(w, "nudge", "{\"as\":10003001,\"to\":10001000}");
    assert_string_equal(w->host.events[0].type, "friend_nudge");
    control(w, "mute", "{\"as\":10001000,\"group\":700000001,\"user\":10003002,\"duration\":60}");
    control_refused(w, SB_MUTED, "10003002", "say",
                    "{\"as\":10003002,\"group\":700000001,\"text\":\"mmh\"}");
    control(w, "kick", "{\"as\":10001000,\"group\":700000001,\"user\":10003002}");
    control(w, "leave", "{\"as\":10003001,\"group\":700000001}");
    control_refused(w, SB_NO_GROUP, "10003001", "say",
                    "{\"as\":10003001,\"group\":700000001,\"text\":\"x\"}");
    control(w, "say", "{\"as\":10003001,\"to\":10001000,\"text\":\"x\"}");
    control(w, "recall", "{\"as\":10003001,\"to\":10001000,\"seq\":1}");
    control_refused(w, SB_NO_MESSAGE, "", "recall", "{\"as\":10003001,\"to\":10001000,\"seq\":9}");
}

static void joining_groups(void **state)
{
    struct world *w = *state;
    control(w, "create_person", "{\"user_id\":10009000,\"nickname\":\"stranger\"}");
    control(w, "join", "{\"as\":10009000,\"group\":700000001,\"comment\":\"let me in\"}");
    assert_string_equal(str(w, "/state"), "pending");
    assert_string_equal(w->host.events[0].type, "group_join_request");
    assert_string_equal(event_str(w, 0, "/comment"), "let me in");
    fake_host_forget(&w->host);
    control(w, "reject", "{\"as\":10001000,\"group\":700000001,\"from\":10009000}");
    control_refused(w, SB_NO_REQUEST, "no request waits", "accept",
                    "{\"as\":10001000,\"group\":700000001,\"from\":10009000}");
    control(w, "join", "{\"as\":10009000,\"group\":700000001}");
    fake_host_forget(&w->host);
    control(w, "accept", "{\"as\":10001000,\"group\":700000001,\"from\":10009000}");
    assert_string_equal(w->host.events[0].type, "group_member_increase");
    control(w, "set_join_policy", "{\"as\":10001000,\"group\":700000001,\"policy\":\"anybody\"}");
    control(w, "create_person", "{\"nickname\":\"another\"}");
    assert_int_equal(num(w, "/user_id"), 10009001);
    control(w, "join", "{\"as\":10009001,\"group\":700000001}");
    assert_string_equal(str(w, "/state"), "joined");
    control_refused(w, MILKY_MALFORMED, "\"approval\", \"anybody\", \"nobody\"", "set_join_policy",
                    "{\"as\":10001000,\"group\":700000001,\"policy\":\"x\"}");
    control_refused(w, MILKY_MALFORMED, "gruop: unknown field; did you mean group?", "join",
                    "{\"as\":10009000,\"gruop\":700000001}");
}

static void invitations(void **state)
{
    struct world *w = *state;
    control(w, "create_group",
            "{\"group_id\":700000002,\"group_name\":\"二\",\"members\":[{\"user_id\":10003001,"
            "\"role\":\"owner\"}]}");
    control(w, "invite", "{\"as\":10003001,\"group\":700000002,\"user\":10001000}");
    assert_string_equal(str(w, "/state"), "invited");
    assert_string_equal(w->host.events[0].type, "group_invitation");
    fake_host_forget(&w->host);
    control(w, "accept", "{\"as\":10001000,\"group\":700000002}");
    assert_string_equal(str(w, "/state"), "joined");
    assert_string_equal(w->host.events[0].type, "group_member_increase");
    control_refused(w, MILKY_MALFORMED, "group: unknown field (here are: as, from)", "ignore",
                    "{\"as\":10001000,\"group\":700000002}");
}

static void friendships(void **state)
{
    struct world *w = *state;
    control(w, "create_person", "{\"user_id\":10009000,\"nickname\":\"stranger\"}");
    control(w, "friend_request",
            "{\"as\":10009000,\"to\":10001000,\"comment\":\"hello\",\"via\":\"search\"}");
    assert_string_equal(w->host.events[0].type, "friend_request");
    assert_string_equal(event_str(w, 0, "/comment"), "hello");
    control(w, "accept", "{\"as\":10001000,\"from\":10009000}");
    control(w, "say", "{\"as\":10009000,\"to\":10001000,\"text\":\"thanks\"}");
    control(w, "delete_friend", "{\"as\":10009000,\"user_id\":10001000}");
    control_refused(w, SB_NO_FRIEND, "", "say",
                    "{\"as\":10009000,\"to\":10001000,\"text\":\"still there?\"}");
    control(w, "friend_request", "{\"as\":10009000,\"to\":10001000,\"is_filtered\":true}");
    control(w, "ignore", "{\"as\":10001000,\"from\":10009000}");
    control_refused(w, SB_NO_REQUEST, "", "accept", "{\"as\":10001000,\"from\":10009000}");
    control_refused(w, MILKY_MALFORMED, "from, or group", "accept", "{\"as\":10001000}");
}

static void temporary_sessions(void **state)
{
    struct world *w = *state;
    control(w, "create_person", "{\"user_id\":10009000,\"nickname\":\"stranger\"}");
    control_refused(w, SB_NO_GROUP, "10009000", "say",
                    "{\"as\":10009000,\"to\":10001000,\"through\":700000001,\"text\":\"psst\"}");
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10009000, 1)");
    control(w, "say", "{\"as\":10009000,\"to\":10001000,\"through\":700000001,\"text\":\"psst\"}");
    assert_string_equal(event_str(w, 0, "/message_scene"), "temp");
    assert_int_equal(event_num(w, 0, "/peer_id"), 10009000);
    control_refused(w, MILKY_MALFORMED, "one of text and message", "say",
                    "{\"as\":10009000,\"to\":10001000,\"through\":700000001}");
}

static void world_listed(void **state)
{
    struct world *w = *state;
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/people")), 7);
    assert_json(at(w, "/people/0"),
                "{\"user_id\":10001000,\"nickname\":\"Milky 10001000\",\"is_bot\":true}");
    assert_json(at(w, "/people/2"),
                "{\"user_id\":10003001,\"nickname\":\"小明\",\"is_bot\":false}");
    assert_json(at(w, "/groups"), "[{\"group_id\":700000001,\"group_name\":\"牛奶小屋\","
                                  "\"member_count\":7,\"roles\":["
                                  "{\"user_id\":10001000,\"role\":\"owner\"},"
                                  "{\"user_id\":10002000,\"role\":\"member\"}]}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(say_to_a_bot, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(say_in_the_group, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(say_segments, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(say_malformed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(segments_malformed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(say_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(apis_of_people, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(short_forms, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(joining_groups, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(invitations, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(friendships, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(temporary_sessions, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(world_listed, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
