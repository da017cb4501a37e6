/* Announcements, essence messages, reactions and nudges. */
#include "sandbox_world.h"

#include <string.h>

#define IN_GROUP "{\"group_id\":700000001}"
#define SECOND "INSERT INTO qq_group (group_id, name, created_time) VALUES (700000002, 'Two', 1);"

static uint64_t say(struct world *w, uint64_t as, const char *text)
{
    ask(w, as, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%s\"}}]}",
        text);
    return num(w, "/message_seq");
}

/* The clock is stopped, so that no second passes between an action and its check. */
static int setup(void **state)
{
    int rc = world_setup(state);
    control(*state, "clock", "{\"stop\":true}");
    return rc;
}

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

/* --- announcements --- */

static const char *preview(struct world *w)
{
    ask(w, BOT2, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    return str(w, "/group/announcement");
}

static void announcements(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"content\":\"%s\"}";
    ask(w, BOT2, "get_group_announcements", IN_GROUP);
    assert_json(at(w, ""), "{\"announcements\":[]}");
    ask(w, BOT, "send_group_announcement", params, "第一条\\n两行");
    assert_null(at(w, ""));
    ask(w, BOT, "send_group_announcement", params, "第二条");
    assert_int_equal(w->host.event_count, 0); /* Milky has no event for it */
    assert_string_equal(preview(w), "第二条");
    ask(w, BOT2, "get_group_announcements", IN_GROUP);
    assert_int_equal(yyjson_arr_size(at(w, "/announcements")), 2);
    assert_int_equal(num(w, "/announcements/0/group_id"), GROUP);
    assert_string_equal(str(w, "/announcements/0/announcement_id"), "2");
    assert_int_equal(num(w, "/announcements/0/user_id"), BOT);
    assert_in_range(num(w, "/announcements/0/time"), sb_clock_now(world_db(w)) - 5,
                    sb_clock_now(world_db(w)));
    assert_string_equal(str(w, "/announcements/0/content"), "第二条");
    assert_int_equal(yyjson_obj_size(at(w, "/announcements/0")), 5);
    assert_string_equal(str(w, "/announcements/1/content"), "第一条\n两行");

    const char *gone = "{\"group_id\":700000001,\"announcement_id\":\"%s\"}";
    ask(w, BOT, "delete_group_announcement", gone, "2");
    assert_string_equal(preview(w), "第一条\n两行");
    static const char *const bad[] = { "2", "3", "", "0", "01", "-1", "x", "99999999999999999999" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(w, BOT, SB_NO_ANNOUNCEMENT, "has no announcement", "delete_group_announcement",
                gone, bad[i]);
    ask(w, BOT, "send_group_announcement", params, "第三条");
    ask(w, BOT, "get_group_announcements", IN_GROUP);
    assert_string_equal(str(w, "/announcements/0/announcement_id"), "3"); /* never given again */
    ask(w, BOT, "delete_group_announcement", gone, "1");
    ask(w, BOT, "delete_group_announcement", gone, "3");
    assert_string_equal(preview(w), "");
}

static void announcements_refused(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"content\":\"%s\"}";
    char longest[601] = { 0 }, longer[602] = { 0 };
    memset(longest, 'a', 600);
    memset(longer, 'a', 601);
    refused(w, BOT2, SB_NO_PERMISSION, "can make announcements", "send_group_announcement", params,
            "x");
    refused(w, BOT, SB_BAD_TEXT, "must not be empty", "send_group_announcement", params, "");
    refused(w, BOT, SB_BAD_TEXT, "at most 600", "send_group_announcement", params, longer);
    ask(w, BOT, "send_group_announcement", params, longest);
    refused(w, BOT, SB_NO_GROUP, "700000002", "send_group_announcement",
            "{\"group_id\":700000002,\"content\":\"x\"}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_announcements",
            "{\"group_id\":700000002}");
    refused(w, BOT2, SB_NO_PERMISSION, "can delete announcements", "delete_group_announcement",
            "{\"group_id\":700000001,\"announcement_id\":\"1\"}");
    /* Of another group. */
    world_sql(w, SECOND "INSERT INTO member (group_id, uin, join_time, role, is_bot)"
                        " VALUES (700000002, 10002000, 1, 2, 1)");
    refused(w, BOT2, SB_NO_ANNOUNCEMENT, "700000002", "delete_group_announcement",
            "{\"group_id\":700000002,\"announcement_id\":\"1\"}");
}

/* --- essence --- */

#define ESSENCE "{\"group_id\":700000001,\"message_seq\":%d,\"is_set\":%s}"
#define PAGE "{\"group_id\":700000001,\"page_index\":%llu,\"page_size\":%llu}"

static void essence(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "set_group_member_card",
        "{\"group_id\":700000001,\"user_id\":10002000,\"card\":\"二号机\"}");
    uint64_t seq = say(w, BOT2, "好话");
    uint64_t time = num(w, "/time");
    fake_host_forget(&w->host);
    ask(w, BOT, "set_group_essence_message", ESSENCE, (int)seq, "true");
    assert_null(at(w, ""));
    both_heard(w, "group_essence_message_change",
               "{\"group_id\":700000001,\"message_seq\":1,\"operator_id\":10001000,"
               "\"is_set\":true}");
    uint64_t before = world_print(w);
    ask(w, BOT, "set_group_essence_message", ESSENCE, (int)seq, "true");
    assert_int_equal(w->host.event_count, 0);
    assert_true(world_print(w) == before);
    ask(w, BOT2, "get_group_essence_messages", PAGE, 0ull, 10ull);
    assert_true(yyjson_get_bool(at(w, "/is_end")));
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 1);
    assert_int_equal(num(w, "/messages/0/group_id"), GROUP);
    assert_int_equal(num(w, "/messages/0/message_seq"), seq);
    assert_int_equal(num(w, "/messages/0/message_time"), time);
    assert_int_equal(num(w, "/messages/0/sender_id"), BOT2);
    assert_string_equal(str(w, "/messages/0/sender_name"), "二号机");
    assert_int_equal(num(w, "/messages/0/operator_id"), BOT);
    assert_string_equal(str(w, "/messages/0/operator_name"), "Milky 10001000");
    assert_in_range(num(w, "/messages/0/operation_time"), time, time + 5);
    assert_json(at(w, "/messages/0/segments"),
                "[{\"type\":\"text\",\"data\":{\"text\":\"好话\"}}]");
    assert_int_equal(yyjson_obj_size(at(w, "/messages/0")), 9);
    ask(w, BOT, "set_group_essence_message", ESSENCE, (int)seq, "false");
    both_heard(w, "group_essence_message_change",
               "{\"group_id\":700000001,\"message_seq\":1,\"operator_id\":10001000,"
               "\"is_set\":false}");
    ask(w, BOT, "set_group_essence_message", ESSENCE, (int)seq, "false");
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_group_essence_messages", PAGE, 0ull, 10ull);
    assert_json(at(w, ""), "{\"messages\":[],\"is_end\":true}");
}

static void essence_pages(void **state)
{
    struct world *w = *state;
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(say(w, BOT, "x"), i);
        ask(w, BOT, "set_group_essence_message", ESSENCE, i, "true");
    }
    static const struct {
        uint64_t index, size, count, first;
        bool is_end;
    } pages[] = {
        { 0, 2, 2, 5, false },        { 1, 2, 2, 3, false },
        { 2, 2, 1, 1, true },         { 3, 2, 0, 0, true },
        { 0, 5, 5, 5, true },         { 0, 4, 4, 5, false },
        { 0, 0, 0, 0, false },        { 0, INT64_MAX, 5, 5, true },
        { INT64_MAX, 2, 0, 0, true }, { INT64_MAX / 2, INT64_MAX, 0, 0, true },
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        ask(w, BOT2, "get_group_essence_messages", PAGE, (unsigned long long)pages[i].index,
            (unsigned long long)pages[i].size);
        assert_int_equal(yyjson_arr_size(at(w, "/messages")), pages[i].count);
        assert_int_equal(yyjson_get_bool(at(w, "/is_end")), pages[i].is_end);
        if (pages[i].count > 0)
            assert_int_equal(num(w, "/messages/0/message_seq"), pages[i].first);
    }
    /* Recalled messages are not essence messages. */
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":4}");
    ask(w, BOT2, "get_group_essence_messages", PAGE, 0ull, 4ull);
    assert_true(yyjson_get_bool(at(w, "/is_end")));
    assert_int_equal(num(w, "/messages/1/message_seq"), 3);
}

static void essence_refused(void **state)
{
    struct world *w = *state;
    refused(w, BOT, SB_NO_MESSAGE, "no message 1", "set_group_essence_message", ESSENCE, 1, "true");
    say(w, BOT, "x");
    refused(w, BOT, SB_NO_MESSAGE, "no message 2", "set_group_essence_message", ESSENCE, 2, "true");
    refused(w, BOT, SB_NO_MESSAGE, "no message 0", "set_group_essence_message", ESSENCE, 0, "true");
    refused(w, BOT2, SB_NO_PERMISSION, "can choose essence messages", "set_group_essence_message",
            ESSENCE, 1, "true");
    refused(w, BOT, SB_NO_GROUP, "700000002", "set_group_essence_message",
            "{\"group_id\":700000002,\"message_seq\":1,\"is_set\":true}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_essence_messages",
            "{\"group_id\":700000002,\"page_index\":0,\"page_size\":1}");
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
    refused(w, BOT, SB_NO_MESSAGE, "message 1", "set_group_essence_message", ESSENCE, 1, "true");
}

/* --- reactions --- */

#define REACT                                                                                      \
    "{\"group_id\":700000001,\"message_seq\":%d,\"reaction\":\"%s\",\"reaction_type\":\"%s\","     \
    "\"is_add\":%s}"

static void reactions(void **state)
{
    struct world *w = *state;
    say(w, MING, "x");
    fake_host_forget(&w->host);
    ask(w, BOT2, "send_group_message_reaction", REACT, 1, "76", "face", "true");
    assert_null(at(w, ""));
    both_heard(w, "group_message_reaction",
               "{\"group_id\":700000001,\"user_id\":10002000,\"message_seq\":1,\"face_id\":\"76\","
               "\"reaction_type\":\"face\",\"is_add\":true}");
    uint64_t before = world_print(w);
    ask(w, BOT2, "send_group_message_reaction", REACT, 1, "76", "face", "true");
    ask(w, BOT2, "send_group_message_reaction", REACT, 1, "77", "face", "false");
    ask(w, BOT2, "send_group_message_reaction", REACT, 1, "9728", "emoji", "false");
    ask(w, BOT, "send_group_message_reaction", REACT, 1, "76", "face", "false");
    assert_int_equal(w->host.event_count, 0);
    assert_true(world_print(w) == before);
    ask(w, MING, "send_group_message_reaction", REACT, 1, "128516", "emoji", "true");
    both_heard(w, "group_message_reaction",
               "{\"group_id\":700000001,\"user_id\":10003001,\"message_seq\":1,"
               "\"face_id\":\"128516\",\"reaction_type\":\"emoji\",\"is_add\":true}");
    ask(w, BOT2, "send_group_message_reaction", REACT, 1, "76", "face", "false");
    both_heard(w, "group_message_reaction",
               "{\"group_id\":700000001,\"user_id\":10002000,\"message_seq\":1,\"face_id\":\"76\","
               "\"reaction_type\":\"face\",\"is_add\":false}");
    refused(w, BOT, SB_NO_MESSAGE, "no message 2", "send_group_message_reaction", REACT, 2, "76",
            "face", "true");
    refused(w, BOT, SB_BAD_VALUE, "no such face", "send_group_message_reaction", REACT, 1, "smile",
            "face", "true");
    refused(w, BOT, SB_BAD_TEXT, "reaction", "send_group_message_reaction", REACT, 1, "", "emoji",
            "true");
    refused(w, BOT, SB_NO_GROUP, "700000002", "send_group_message_reaction",
            "{\"group_id\":700000002,\"message_seq\":1,\"reaction\":\"1\",\"reaction_type\":"
            "\"face\",\"is_add\":true}");
}

/* --- nudges --- */

static void nudges(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"user_id\":%d}";
    ask(w, BOT2, "send_group_nudge", params, MING);
    assert_null(at(w, ""));
    both_heard(w, "group_nudge",
               "{\"group_id\":700000001,\"sender_id\":10002000,\"receiver_id\":10003001,"
               "\"display_action\":\"戳了戳\",\"display_suffix\":\"\",\"display_action_img_url\":"
               "\"\"}");
    ask(w, BOT, "send_group_nudge", params, BOT); /* oneself, as QQ allows */
    assert_int_equal(event_num(w, 1, "/receiver_id"), BOT);
    refused(w, BOT, SB_NO_MEMBER, "10009999", "send_group_nudge", params, 10009999);
    refused(w, BOT, SB_NO_GROUP, "700000002", "send_group_nudge",
            "{\"group_id\":700000002,\"user_id\":10003001}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(announcements), TEST(announcements_refused), TEST(essence),
        TEST(essence_pages), TEST(essence_refused),       TEST(reactions),
        TEST(nudges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
