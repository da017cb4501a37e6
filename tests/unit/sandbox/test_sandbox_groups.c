/* Settings of groups, their rights and events; and how members leave. */
#include "sandbox_world.h"

#include <stdio.h>
#include <string.h>

#define TEXT "[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]"

enum { JIE = 10003003, ALICE = 10003004, UNKNOWN_USER = 10009999 };

static uint64_t member_num(struct world *w, uint64_t user, const char *pointer)
{
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":%llu,\"no_cache\":false}", (unsigned long long)user);
    return num(w, pointer);
}

static const char *member_str(struct world *w, uint64_t user, const char *pointer)
{
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":%llu,\"no_cache\":false}", (unsigned long long)user);
    return str(w, pointer);
}

static void say(struct world *w, uint64_t as)
{
    ask(w, as, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT);
}

static void make_admin(struct world *w, uint64_t user)
{
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":%llu,\"is_set\":true}", (unsigned long long)user);
    fake_host_forget(&w->host);
}

/* The clock is stopped, so that no second passes between an action and its check. */
static int setup(void **state)
{
    int rc = world_setup_file(state);
    control(*state, "clock", "{\"stop\":true}");
    return rc;
}

/* Both bots got exactly this event, and no other since the last fake_host_forget. */
static void both_heard(struct world *w, const char *type, const char *data)
{
    static const uint64_t bots[] = { BOT, BOT2 };
    assert_int_equal(w->host.event_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->host.events[i].self_id, bots[i]);
        assert_string_equal(w->host.events[i].type, type);
        assert_int_equal(w->host.events[i].time, sb_clock_now(world_db(w)));
        assert_json(event_at(w, i, ""), data);
    }
    fake_host_forget(&w->host);
}

/* --- names --- */

static void names(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_group_name", "{\"group_id\":700000001,\"new_group_name\":\"新名字\"}");
    assert_null(at(w, ""));
    both_heard(w, "group_name_change",
               "{\"group_id\":700000001,\"new_group_name\":\"新名字\",\"operator_id\":10001000}");
    ask(w, BOT2, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_string_equal(str(w, "/group/group_name"), "新名字");
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner or an admin of group 700000001",
            "set_group_name", "{\"group_id\":700000001,\"new_group_name\":\"x\"}");
    refused(w, BOT, SB_NO_GROUP, "is not in a group 700000002", "set_group_name",
            "{\"group_id\":700000002,\"new_group_name\":\"x\"}");
    refused(w, BOT, SB_BAD_TEXT, "new_group_name", "set_group_name",
            "{\"group_id\":700000001,\"new_group_name\":\"\"}");
    refused(w, BOT, SB_BAD_TEXT, "at most 60", "set_group_name",
            "{\"group_id\":700000001,\"new_group_name\":\"%061d\"}", 0);
    make_admin(w, BOT2);
    ask(w, BOT2, "set_group_name", "{\"group_id\":700000001,\"new_group_name\":\"%060d\"}", 0);
    assert_int_equal(event_num(w, 0, "/operator_id"), BOT2);
}

static void cards(void **state)
{
    struct world *w = *state;
    const char *card = "{\"group_id\":700000001,\"user_id\":%d,\"card\":\"%s\"}";
    ask(w, BOT2, "set_group_member_card", card, BOT2, "二号机");
    assert_string_equal(member_str(w, BOT2, "/member/card"), "二号机");
    ask(w, BOT, "set_group_member_card", card, MING, "明");
    assert_string_equal(member_str(w, MING, "/member/card"), "明");
    ask(w, BOT, "set_group_member_card", card, MING, "");
    assert_string_equal(member_str(w, MING, "/member/card"), "");
    assert_int_equal(w->host.event_count, 0);
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner or an admin", "set_group_member_card", card,
            MING, "x");
    make_admin(w, BOT2);
    make_admin(w, MING);
    ask(w, BOT2, "set_group_member_card", card, HONG, "红");
    refused(w, BOT2, SB_NO_PERMISSION, "10003001 is the owner or another admin",
            "set_group_member_card", card, MING, "x");
    refused(w, BOT2, SB_NO_PERMISSION, "10001000 is the owner or another admin",
            "set_group_member_card", card, BOT, "x");
    refused(w, BOT, SB_NO_MEMBER, "10009999", "set_group_member_card", card, UNKNOWN_USER, "x");
    refused(w, BOT, SB_BAD_TEXT, "card", "set_group_member_card", card, BOT, "\\n");
}

/* 60 bytes are the last that QQ takes; it answers well to more, and changes nothing. */
static void long_cards(void **state)
{
    struct world *w = *state;
    const char *card = "{\"group_id\":700000001,\"user_id\":%d,\"card\":\"%s\"}";
    char text[62];
    memset(text, 'x', sizeof(text));
    text[60] = '\0';
    ask(w, BOT, "set_group_member_card", card, MING, text);
    assert_string_equal(member_str(w, MING, "/member/card"), text);
    ask(w, BOT, "set_group_member_card", card, MING, "一二三四五六七八九十一二三四五六七八九十一");
    assert_string_equal(member_str(w, MING, "/member/card"), text);
    ask(w, BOT, "set_group_member_card", card, MING, "一二三四五六七八九十一二三四五六七八九十");
    assert_int_equal(strlen(member_str(w, MING, "/member/card")), 60);
}

static void titles(void **state)
{
    struct world *w = *state;
    const char *title = "{\"group_id\":700000001,\"user_id\":%d,\"special_title\":\"%s\"}";
    ask(w, BOT, "set_group_member_special_title", title, MING, "六个汉字头衔");
    assert_string_equal(member_str(w, MING, "/member/title"), "六个汉字头衔");
    ask(w, BOT, "set_group_member_special_title", title, BOT, "owner");
    ask(w, BOT, "set_group_member_special_title", title, MING, "");
    assert_string_equal(member_str(w, MING, "/member/title"), "");
    refused(w, BOT, SB_BAD_TEXT, "special_title", "set_group_member_special_title", title, MING,
            "七个汉字的头衔");
    refused(w, BOT, SB_NO_MEMBER, "10009999", "set_group_member_special_title", title, UNKNOWN_USER,
            "x");
    make_admin(w, BOT2);
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner of group 700000001",
            "set_group_member_special_title", title, BOT2, "x");
}

/* --- admins --- */

static void admins(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"user_id\":%d,\"is_set\":%s}";
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner", "set_group_member_admin", params, MING,
            "true");
    ask(w, BOT, "set_group_member_admin", params, BOT2, "true");
    both_heard(w, "group_admin_change",
               "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000,"
               "\"is_set\":true}");
    assert_string_equal(member_str(w, BOT2, "/member/role"), "admin");
    uint64_t before = world_print(w);
    ask(w, BOT, "set_group_member_admin", params, BOT2, "true"); /* is one already */
    ask(w, BOT, "set_group_member_admin", params, MING, "false");
    assert_int_equal(w->host.event_count, 0);
    assert_true(world_print(w) == before);
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner", "set_group_member_admin", params, MING,
            "true");
    refused(w, BOT, SB_NO_PERMISSION, "but not themselves", "set_group_member_admin", params, BOT,
            "true");
    refused(w, BOT, SB_NO_MEMBER, "10009999", "set_group_member_admin", params, UNKNOWN_USER,
            "true");
    ask(w, BOT, "set_group_member_admin", params, BOT2, "false");
    both_heard(w, "group_admin_change",
               "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000,"
               "\"is_set\":false}");
    assert_string_equal(member_str(w, BOT2, "/member/role"), "member");
}

/* --- mutes --- */

static void mutes(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"user_id\":%d,\"duration\":%d}";
    ask(w, BOT, "set_group_member_mute", params, BOT2, 60);
    uint64_t until = sb_clock_now(world_db(w)) + 60;
    both_heard(w, "group_mute",
               "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000,"
               "\"duration\":60}");
    assert_in_range(member_num(w, BOT2, "/member/shut_up_end_time"), until - 1, until);
    refused(w, BOT2, SB_MUTED, "is muted in group 700000001 until", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT);
    ask(w, BOT, "set_group_member_mute", params, BOT2, 0);
    both_heard(w, "group_mute",
               "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000,"
               "\"duration\":0}");
    ask(w, BOT, "set_group_member_mute", params, BOT2, 0); /* is not muted */
    assert_int_equal(w->host.event_count, 0);
    member_str(w, BOT2, "/member/role");
    assert_null(at(w, "/member/shut_up_end_time"));
    say(w, BOT2);
    refused(w, BOT2, SB_NO_PERMISSION, "can mute members", "set_group_member_mute", params, MING,
            60);
    refused(w, BOT, SB_NO_PERMISSION, "but not themselves", "set_group_member_mute", params, BOT,
            60);
    refused(w, BOT, SB_NO_MEMBER, "10009999", "set_group_member_mute", params, UNKNOWN_USER, 60);
    refused(w, BOT, SB_BAD_VALUE, "2592000", "set_group_member_mute", params, MING, 2592001);
    make_admin(w, BOT2);
    make_admin(w, MING);
    ask(w, BOT2, "set_group_member_mute", params, HONG, 2592000);
    refused(w, BOT2, SB_NO_PERMISSION, "owner or another admin", "set_group_member_mute", params,
            MING, 60);
    ask(w, BOT, "set_group_member_mute", params, MING, 60);
}

/* A mute ends by itself, to the second, and is not reported any more. */
static void mutes_end(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_group_member_mute",
        "{\"group_id\":700000001,\"user_id\":10002000,\"duration\":60}");
    assert_int_equal(member_num(w, BOT2, "/member/shut_up_end_time"),
                     sb_clock_now(world_db(w)) + 60);
    control(w, "clock", "{\"advance\":59}");
    refused(w, BOT2, SB_MUTED, "is muted in group 700000001 until", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT);
    control(w, "clock", "{\"advance\":1}");
    member_str(w, BOT2, "/member/role");
    assert_null(at(w, "/member/shut_up_end_time"));
    say(w, BOT2);
}

static void whole_mute(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"is_mute\":%s}";
    ask(w, BOT, "set_group_whole_mute", params, "true");
    both_heard(w, "group_whole_mute",
               "{\"group_id\":700000001,\"operator_id\":10001000,\"is_mute\":true}");
    ask(w, BOT, "set_group_whole_mute", params, "true");
    assert_int_equal(w->host.event_count, 0);
    refused(w, BOT2, SB_MUTED, "all members of group 700000001 are muted", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT);
    say(w, BOT);
    make_admin(w, BOT2);
    say(w, BOT2);
    fake_host_forget(&w->host);
    ask(w, BOT2, "set_group_whole_mute", params, "false");
    both_heard(w, "group_whole_mute",
               "{\"group_id\":700000001,\"operator_id\":10002000,\"is_mute\":false}");
    say(w, MING);
    refused(w, MING, SB_NO_PERMISSION, "only the owner or an admin", "set_group_whole_mute", params,
            "true");
    refused(w, BOT, SB_NO_GROUP, "700000002", "set_group_whole_mute",
            "{\"group_id\":700000002,\"is_mute\":true}");
}

/* --- leaving --- */

static void kicks(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"user_id\":%d,\"reject_add_request\":false}";
    refused(w, BOT2, SB_NO_PERMISSION, "can kick members", "kick_group_member", params, MING);
    refused(w, BOT, SB_NO_PERMISSION, "but not themselves", "kick_group_member", params, BOT);
    refused(w, BOT, SB_NO_MEMBER, "10009999", "kick_group_member", params, UNKNOWN_USER);
    ask(w, BOT, "kick_group_member", params, MING);
    both_heard(w, "group_member_decrease",
               "{\"group_id\":700000001,\"user_id\":10003001,\"operator_id\":10001000}");
    refused(w, BOT, SB_NO_MEMBER, "10003001", "kick_group_member", params, MING);
    make_admin(w, BOT2);
    make_admin(w, HONG);
    refused(w, BOT2, SB_NO_PERMISSION, "owner or another admin", "kick_group_member", params, HONG);
    /* A kicked bot gets that event, and no later one. */
    ask(w, BOT, "kick_group_member", params, BOT2);
    both_heard(w, "group_member_decrease",
               "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000}");
    refused(w, BOT2, SB_NO_GROUP, "is not in a group", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT);
    say(w, BOT);
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 5);
}

static void quits(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "quit_group", "{\"group_id\":700000001}");
    both_heard(w, "group_member_decrease", "{\"group_id\":700000001,\"user_id\":10002000}");
    refused(w, BOT2, SB_NO_GROUP, "is not in a group", "quit_group", "{\"group_id\":700000001}");
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 6);
    ask(w, BOT2, "get_group_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 0);
}

/* When the owner quits, the group is dissolved; a bot that is added later does not create it again.
 */
static void dissolved(void **state)
{
    struct world *w = *state;
    say(w, BOT);
    fake_host_forget(&w->host);
    ask(w, BOT, "quit_group", "{\"group_id\":700000001}");
    assert_int_equal(w->host.event_count, 4);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(w->host.events[i].type, "group_disband");
        assert_int_equal(w->host.events[i].self_id, i == 0 ? BOT : BOT2);
        assert_json(event_at(w, i, ""), "{\"group_id\":700000001,\"operator_id\":10001000}");
    }
    assert_int_equal(w->host.events[2].self_id, BOT);
    assert_json(event_at(w, 2, ""), "{\"group_id\":700000001,\"user_id\":10001000}");
    assert_int_equal(w->host.events[3].self_id, BOT2);
    assert_json(event_at(w, 3, ""),
                "{\"group_id\":700000001,\"user_id\":10002000,\"operator_id\":10001000}");
    refused(w, BOT2, SB_NO_GROUP, "is not in a group", "get_group_info",
            "{\"group_id\":700000001,\"no_cache\":false}");
    refused(w, BOT, SB_NO_GROUP, "is not in a group", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT);
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 0);
    world_stop(w);
    w->host.bots[2] = 10005000;
    w->host.bot_count = 3;
    assert_int_equal(world_start(w), 0);
    ask(w, 10005000, "get_group_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 0);
}

/* --- memory --- */

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    say(w, BOT);
    static const char *const calls[][2] = {
        { "set_group_name", "{\"group_id\":700000001,\"new_group_name\":\"n\"}" },
        { "set_group_member_card", "{\"group_id\":700000001,\"user_id\":10003001,\"card\":\"c\"}" },
        { "set_group_member_admin",
          "{\"group_id\":700000001,\"user_id\":10002000,\"is_set\":true}" },
        { "set_group_member_mute",
          "{\"group_id\":700000001,\"user_id\":10003001,\"duration\":60}" },
        { "set_group_whole_mute", "{\"group_id\":700000001,\"is_mute\":true}" },
        { "get_group_announcements", "{\"group_id\":700000001}" },
        { "send_group_announcement", "{\"group_id\":700000001,\"content\":\"c\"}" },
        { "get_group_announcements", "{\"group_id\":700000001}" },
        { "set_group_essence_message",
          "{\"group_id\":700000001,\"message_seq\":1,\"is_set\":true}" },
        { "get_group_essence_messages",
          "{\"group_id\":700000001,\"page_index\":0,\"page_size\":5}" },
        { "send_group_message_reaction",
          "{\"group_id\":700000001,\"message_seq\":1,\"reaction\":\"1\",\"reaction_type\":"
          "\"face\",\"is_add\":true}" },
        { "send_group_nudge", "{\"group_id\":700000001,\"user_id\":10003001}" },
        { "kick_group_member",
          "{\"group_id\":700000001,\"user_id\":10003001,\"reject_add_request\":true}" },
        { "get_group_notifications", "{\"is_filtered\":false,\"limit\":20}" },
        { "quit_group", "{\"group_id\":700000001}" },
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        ask_with_little_memory(w, BOT, calls[i][0], calls[i][1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names),  TEST(cards), TEST(long_cards), TEST(titles),
        TEST(admins), TEST(mutes), TEST(mutes_end),  TEST(whole_mute),
        TEST(kicks),  TEST(quits), TEST(dissolved),  TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
