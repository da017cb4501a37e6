/* Messages: reading one, pages of the history, and recalls, with the rights of QQ. */
#include "sandbox_world.h"

#include <stdio.h>
#include <string.h>

static uint64_t say_group(struct world *w, uint64_t bot, const char *text)
{
    ask(w, bot, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%s\"}}]}",
        text);
    return num(w, "/message_seq");
}

static uint64_t say_private(struct world *w, uint64_t from, uint64_t to, const char *text)
{
    ask(w, from, "send_private_message",
        "{\"user_id\":%d,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%s\"}}]}", (int)to,
        text);
    return num(w, "/message_seq");
}

static void fill_group(struct world *w, int count)
{
    char text[16];
    for (int i = 1; i <= count; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(say_group(w, i % 2 ? BOT : BOT2, text), i);
    }
    fake_host_forget(&w->host);
}

/* The page holds exactly the messages first..last, ascending, each whole. */
static void assert_page(struct world *w, uint64_t first, uint64_t last)
{
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), last < first ? 0 : last - first + 1);
    for (uint64_t seq = first; seq <= last; seq++) {
        char pointer[64], text[32];
        snprintf(pointer, sizeof(pointer), "/messages/%d", (int)(seq - first));
        yyjson_val *message = at(w, pointer);
        assert_int_equal(yyjson_get_uint(yyjson_obj_get(message, "message_seq")), seq);
        assert_int_equal(yyjson_obj_size(message), 8);
        assert_int_equal(yyjson_get_uint(yyjson_ptr_get(message, "/group/group_id")), GROUP);
        assert_int_equal(yyjson_get_uint(yyjson_ptr_get(message, "/group_member/user_id")),
                         seq % 2 ? BOT : BOT2);
        snprintf(text, sizeof(text), "%d", (int)seq);
        assert_string_equal(yyjson_get_str(yyjson_ptr_get(message, "/segments/0/data/text")), text);
    }
}

static void page(struct world *w, const char *start, int limit)
{
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"group\",\"peer_id\":700000001%s,\"limit\":%d}", start, limit);
}

static void paging(void **state)
{
    struct world *w = *state;
    page(w, "", 20);
    assert_page(w, 1, 0); /* nothing yet */
    assert_null(at(w, "/next_message_seq"));
    fill_group(w, 45);
    page(w, "", 20);
    assert_page(w, 26, 45);
    assert_int_equal(num(w, "/next_message_seq"), 25);
    page(w, ",\"start_message_seq\":25", 20);
    assert_page(w, 6, 25);
    assert_int_equal(num(w, "/next_message_seq"), 5);
    page(w, ",\"start_message_seq\":5", 20);
    assert_page(w, 1, 5);
    assert_null(at(w, "/next_message_seq"));
}

static void edges_of_paging(void **state)
{
    struct world *w = *state;
    fill_group(w, 40);
    page(w, "", 30);
    assert_page(w, 11, 40);
    assert_int_equal(num(w, "/next_message_seq"), 10);
    page(w, ",\"start_message_seq\":10", 10); /* exactly the rest */
    assert_page(w, 1, 10);
    assert_null(at(w, "/next_message_seq"));
    page(w, ",\"start_message_seq\":0", 20); /* as if there were none */
    assert_page(w, 21, 40);
    page(w, ",\"start_message_seq\":99999999999", 1); /* beyond the newest is the newest */
    assert_page(w, 40, 40);
    assert_int_equal(num(w, "/next_message_seq"), 39);
    page(w, ",\"start_message_seq\":null", 1);
    assert_page(w, 40, 40);
    page(w, "", 0);
    assert_page(w, 21, 40);
}

static void history_without_recalled(void **state)
{
    struct world *w = *state;
    fill_group(w, 5);
    for (int seq = 4; seq >= 2; seq -= 2)
        ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":%d}", seq);
    page(w, "", 2);
    assert_int_equal(num(w, "/messages/0/message_seq"), 3);
    assert_int_equal(num(w, "/messages/1/message_seq"), 5);
    assert_int_equal(num(w, "/next_message_seq"), 1);
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
    page(w, "", 2);
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 2);
    assert_null(at(w, "/next_message_seq")); /* only recalled ones are older */
}

/* Conversations share one table, and never have each other's messages. */
static void conversations_apart(void **state)
{
    struct world *w = *state;
    say_private(w, BOT, MING, "a");
    say_group(w, BOT, "b");
    say_private(w, BOT, HONG, "c");
    say_private(w, BOT, MING, "d");
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 2);
    assert_string_equal(str(w, "/messages/0/segments/0/data/text"), "a");
    assert_string_equal(str(w, "/messages/1/segments/0/data/text"), "d");
    assert_int_equal(num(w, "/messages/1/peer_id"), MING);
    assert_int_equal(num(w, "/messages/0/friend/user_id"), MING);
    assert_int_equal(num(w, "/messages/1/friend/user_id"), MING);
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 1);
    page(w, "", 20);
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 1);
    /* A group whose number is that of a person is still another conversation. */
    refused(w, BOT, SB_NO_GROUP, "10003001", "get_message",
            "{\"message_scene\":\"group\",\"peer_id\":10003001,\"message_seq\":1}");
}

static void reading_refused(void **state)
{
    struct world *w = *state;
    say_group(w, BOT, "x");
    static const char *const apis[] = { "get_message", "get_history_messages" };
    for (int i = 0; i < 2; i++) {
        const char *rest = i == 0 ? "\"message_seq\":1" : "\"limit\":20";
        refused(w, BOT, -100, "10009999 is not a friend of 10001000", apis[i],
                "{\"message_scene\":\"friend\",\"peer_id\":10009999,%s}", rest);
        refused(w, BOT, -101, "10001000 is not in a group 700000002", apis[i],
                "{\"message_scene\":\"group\",\"peer_id\":700000002,%s}", rest);
    }
    static const char *const seqs[] = { "0", "2", "4294967297", "9223372036854775807" };
    for (size_t i = 0; i < 4; i++)
        refused(w, BOT, SB_NO_MESSAGE, "there is no message", "get_message",
                "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%s}", seqs[i]);
    refused(w, BOT, SB_NO_MESSAGE, "there is no message", "get_message",
            "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"message_seq\":1}");
    refused(w, BOT, SB_NO_MESSAGE, "there is no message", "get_message",
            "{\"message_scene\":\"temp\",\"peer_id\":10003001,\"message_seq\":1}");
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"temp\",\"peer_id\":10003001,\"limit\":20}");
    assert_json(at(w, ""), "{\"messages\":[]}");
}

/* A message outlives its sender's stay in the group. */
static void sender_has_left(void **state)
{
    struct world *w = *state;
    say_group(w, BOT2, "bye");
    world_sql(w, "DELETE FROM member WHERE uin=10002000");
    page(w, "", 20);
    assert_string_equal(str(w, "/messages/0/group_member/nickname"), "Milky 10002000");
    assert_string_equal(str(w, "/messages/0/group_member/role"), "member");
    assert_int_equal(num(w, "/messages/0/group_member/join_time"), 0);
    assert_int_equal(num(w, "/messages/0/group/member_count"), 6);
}

static void assert_recall_event(struct world *w, size_t i, uint64_t bot, const char *scene,
                                uint64_t peer, uint64_t sender, uint64_t operator_id)
{
    assert_int_equal(w->host.events[i].self_id, bot);
    assert_string_equal(w->host.events[i].type, "message_recall");
    assert_true(w->host.events[i].time > 1700000000);
    assert_string_equal(event_str(w, i, "/message_scene"), scene);
    assert_int_equal(event_num(w, i, "/peer_id"), peer);
    assert_int_equal(event_num(w, i, "/message_seq"), 1);
    assert_int_equal(event_num(w, i, "/sender_id"), sender);
    assert_int_equal(event_num(w, i, "/operator_id"), operator_id);
    assert_string_equal(event_str(w, i, "/display_suffix"), "");
    assert_int_equal(yyjson_obj_size(event_at(w, i, "")), 6);
}

static void recall_private(void **state)
{
    struct world *w = *state;
    say_private(w, BOT, BOT2, "x");
    fake_host_forget(&w->host);
    refused(w, BOT2, SB_NO_PERMISSION, "only its sender can recall", "recall_private_message",
            "{\"user_id\":10001000,\"message_seq\":1}");
    ask(w, BOT, "recall_private_message", "{\"user_id\":10002000,\"message_seq\":1}");
    assert_null(w->reply.data); /* {} */
    assert_int_equal(w->host.event_count, 2);
    assert_recall_event(w, 0, BOT, "friend", BOT2, BOT, BOT);
    assert_recall_event(w, 1, BOT2, "friend", BOT, BOT, BOT);
    refused(w, BOT, SB_NO_MESSAGE, "message 1 has been recalled", "recall_private_message",
            "{\"user_id\":10002000,\"message_seq\":1}");
    refused(w, BOT, SB_NO_MESSAGE, "message 1 has been recalled", "get_message",
            "{\"message_scene\":\"friend\",\"peer_id\":10002000,\"message_seq\":1}");
    refused(w, BOT, SB_NO_MESSAGE, "no message 2", "recall_private_message",
            "{\"user_id\":10002000,\"message_seq\":2}");
    refused(w, BOT, SB_NO_FRIEND, "10009999", "recall_private_message",
            "{\"user_id\":10009999,\"message_seq\":1}");
    /* The number is not given out again. */
    assert_int_equal(say_private(w, BOT2, BOT, "y"), 2);
}

static void recall_group_own(void **state)
{
    struct world *w = *state;
    say_group(w, BOT2, "x");
    fake_host_forget(&w->host);
    ask(w, BOT2, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
    assert_int_equal(w->host.event_count, 2);
    assert_recall_event(w, 0, BOT, "group", GROUP, BOT2, BOT2);
    assert_recall_event(w, 1, BOT2, "group", GROUP, BOT2, BOT2);
    refused(w, BOT2, SB_NO_MESSAGE, "has been recalled", "recall_group_message",
            "{\"group_id\":700000001,\"message_seq\":1}");
    refused(w, BOT2, SB_NO_MESSAGE, "no message 2", "recall_group_message",
            "{\"group_id\":700000001,\"message_seq\":2}");
    refused(w, BOT2, SB_NO_GROUP, "700000002", "recall_group_message",
            "{\"group_id\":700000002,\"message_seq\":1}");
}

/* Rights to recall: rows are the role of the caller, columns that of the sender. */
static void recall_group_rights(void **state)
{
    struct world *w = *state;
    static const char *const reasons[3][3] = {
        { "only the owner or an admin", "only the owner or an admin",
          "only the owner or an admin" },
        { NULL, "an admin cannot recall", "an admin cannot recall" },
        { NULL, NULL, NULL },
    };
    for (int caller = 0; caller < 3; caller++) {
        for (int sender = 0; sender < 3; sender++) {
            if (caller == 2 && sender == 2)
                continue; /* there is one owner */
            char sql[160];
            world_sql(w, "UPDATE member SET role=0");
            snprintf(sql, sizeof(sql),
                     "UPDATE member SET role=%d WHERE uin=10001000;"
                     "UPDATE member SET role=%d WHERE uin=10002000",
                     caller, sender);
            world_sql(w, sql);
            int seq = (int)say_group(w, BOT2, "x");
            if (reasons[caller][sender])
                refused(w, BOT, SB_NO_PERMISSION, reasons[caller][sender], "recall_group_message",
                        "{\"group_id\":700000001,\"message_seq\":%d}", seq);
            else
                ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":%d}",
                    seq);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paging, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(edges_of_paging, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(history_without_recalled, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(conversations_apart, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(reading_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(sender_has_left, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recall_private, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recall_group_own, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(recall_group_rights, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
