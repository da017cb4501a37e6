/* The operator: people who speak, and everything that params nobody checked can be. */
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
    /* The bot's answer goes on in the same conversation. */
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
    /* A bot's account speaks too, and does not hear itself. */
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
            "{\"type\":\"text\",\"data\":{\"text\":\"x\",\"other\":1}},"
            "{\"type\":\"mention\",\"data\":{\"user_id\":10001000}},"
            "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}},"
            "{\"type\":\"face\",\"data\":{\"face_id\":\"2\",\"is_large\":true}},"
            "{\"type\":\"mention_all\"}]}");
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
        { "as must be an integer, got nothing", "{}" },
        { "as must be an integer, got string", "{\"as\":\"10003001\"}" },
        { "as must be an integer, got number", "{\"as\":10003001.5}" },
        { "as must be from 10001 to 4294967295", "{\"as\":5}" },
        { "as must be from 10001 to 4294967295", "{\"as\":-10003001}" },
        { "as must be from 10001 to 4294967295", "{\"as\":4294967296}" },
        { "one of to and group", "{\"as\":10003001,\"text\":\"x\"}" },
        { "one of to and group", "{\"as\":10003001,\"to\":10001000,\"group\":700000001}" },
        { "to must be an integer, got null", "{\"as\":10003001,\"to\":null,\"text\":\"x\"}" },
        { "group must be an integer, got array", "{\"as\":10003001,\"group\":[],\"text\":\"x\"}" },
        { "one of text and message", "{\"as\":10003001,\"to\":10001000}" },
        { "one of text and message",
          "{\"as\":10003001,\"to\":10001000,\"text\":\"x\",\"message\":[]}" },
        { "text must be a string, got number", "{\"as\":10003001,\"to\":10001000,\"text\":1}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "say", "%s", cases[i].params);
}

static void segments_malformed(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *message;
    } cases[] = {
        { "message must be an array", "{}" },
        { "message[] must be an object, got number", "[1]" },
        { "message[].type must be a string, got nothing", "[{}]" },
        { "message[].data must be an object, got nothing", "[{\"type\":\"text\"}]" },
        { "message[].data must be an object, got array",
          "[{\"type\":\"mention_all\",\"data\":[]}]" },
        { "text must be a string, got null", "[{\"type\":\"text\",\"data\":{\"text\":null}}]" },
        { "face_id must be a string, got number",
          "[{\"type\":\"face\",\"data\":{\"face_id\":1}}]" },
        { "is_large must be a boolean",
          "[{\"type\":\"face\",\"data\":{\"face_id\":\"1\",\"is_large\":1}}]" },
        { "user_id must be an integer, got nothing", "[{\"type\":\"mention\",\"data\":{}}]" },
        { "user_id must be from 10001", "[{\"type\":\"mention\",\"data\":{\"user_id\":1}}]" },
        { "message_seq must be an integer", "[{\"type\":\"reply\",\"data\":{}}]" },
        { "one of text, mention", "[{\"type\":\"image\",\"data\":{\"uri\":\"x\"}}]" },
        { "one of text, mention", "[{\"type\":\"\",\"data\":{}}]" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "say",
                        "{\"as\":10003001,\"to\":10001000,\"message\":%s}", cases[i].message);
}

static void say_refused(void **state)
{
    struct world *w = *state;
    world_sql(w, "INSERT INTO person (uin, nickname) VALUES (10009000, 'stranger')");
    control_refused(w, MK_SANDBOX_NO_USER, "there is no user 10009999", "say",
                    "{\"as\":10009999,\"to\":10001000,\"text\":\"x\"}");
    control_refused(w, MK_SANDBOX_NO_USER, "there is no user 10009999", "say",
                    "{\"as\":10003001,\"to\":10009999,\"text\":\"x\"}");
    control_refused(w, MK_SANDBOX_NO_FRIEND, "10001000 is not a friend of 10009000", "say",
                    "{\"as\":10009000,\"to\":10001000,\"text\":\"x\"}");
    control_refused(w, MK_SANDBOX_NO_GROUP, "10009000 is not in a group 700000001", "say",
                    "{\"as\":10009000,\"group\":700000001,\"text\":\"x\"}");
    control_refused(
        w, MK_SANDBOX_NO_PERMISSION, "mention_all", "say",
        "{\"as\":10003001,\"group\":700000001,\"message\":[{\"type\":\"mention_all\"}]}");
    control_refused(w, MK_SANDBOX_BAD_MESSAGE, "the message is empty", "say",
                    "{\"as\":10003001,\"group\":700000001,\"text\":\"\"}");
    control_refused(w, MILKY_UNKNOWN, "no such operation: dance", "dance", "{}");
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
                                  "\"member_count\":7}]");
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
        cmocka_unit_test_setup_teardown(world_listed, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
