/* Sending: the receivers, each kind of segment, and refusals. */
#include "sandbox_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) "[{\"type\":\"text\",\"data\":{\"text\":\"" text "\"}}]"

static void group_message(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("大家好"));
    assert_int_equal(num(w, "/message_seq"), 1);
    uint64_t time = num(w, "/time");
    assert_true(time > 1700000000);
    assert_int_equal(yyjson_obj_size(at(w, "")), 2);
    /* The other bot gets the event, the sender does not. */
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(w->host.events[0].self_id, BOT2);
    assert_string_equal(w->host.events[0].type, "message_receive");
    assert_int_equal(w->host.events[0].time, time);
    assert_int_equal(w->reply.events_before, 1);
    assert_string_equal(event_str(w, 0, "/message_scene"), "group");
    assert_int_equal(event_num(w, 0, "/peer_id"), GROUP);
    assert_int_equal(event_num(w, 0, "/message_seq"), 1);
    assert_int_equal(event_num(w, 0, "/sender_id"), BOT);
    assert_int_equal(event_num(w, 0, "/time"), time);
    assert_json(event_at(w, 0, "/segments"), TEXT("大家好"));
    assert_int_equal(event_num(w, 0, "/group/member_count"), 7);
    assert_int_equal(event_num(w, 0, "/group_member/user_id"), BOT);
    assert_string_equal(event_str(w, 0, "/group_member/role"), "owner");
    assert_int_equal(event_num(w, 0, "/group_member/last_sent_time"), time);
    assert_int_equal(yyjson_obj_size(event_at(w, 0, "")), 8);
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10001000,\"no_cache\":false}");
    assert_int_equal(num(w, "/member/last_sent_time"), time);
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("hi"));
    assert_int_equal(num(w, "/message_seq"), 2);
    assert_int_equal(w->host.events[1].self_id, BOT);
}

/* Both sides have the same sequence number, and each has the other as peer_id. */
static void private_message(void **state)
{
    struct world *w = *state;
    world_sql(w, "UPDATE friendship SET remark='二号' WHERE owner=10001000 AND friend=10002000;"
                 "UPDATE friendship SET remark='一号' WHERE owner=10002000 AND friend=10001000");
    ask(w, BOT, "send_private_message", "{\"user_id\":10002000,\"message\":%s}", TEXT("1"));
    assert_int_equal(num(w, "/message_seq"), 1);
    ask(w, BOT2, "send_private_message", "{\"user_id\":10001000,\"message\":%s}", TEXT("2"));
    assert_int_equal(num(w, "/message_seq"), 2);
    assert_int_equal(w->host.event_count, 2);
    assert_int_equal(w->host.events[0].self_id, BOT2);
    assert_string_equal(event_str(w, 0, "/message_scene"), "friend");
    assert_int_equal(event_num(w, 0, "/peer_id"), BOT);
    assert_int_equal(event_num(w, 0, "/sender_id"), BOT);
    assert_int_equal(event_num(w, 0, "/friend/user_id"), BOT);
    assert_string_equal(event_str(w, 0, "/friend/remark"), "一号");
    assert_int_equal(yyjson_obj_size(event_at(w, 0, "")), 7);
    assert_int_equal(w->host.events[1].self_id, BOT);
    assert_int_equal(event_num(w, 1, "/peer_id"), BOT2);
    assert_int_equal(event_num(w, 1, "/message_seq"), 2);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        ask(w, BOT, "get_message",
            "{\"message_scene\":\"friend\",\"peer_id\":10002000,\"message_seq\":%d}", (int)seq);
        uint64_t sender = num(w, "/message/sender_id");
        assert_int_equal(num(w, "/message/peer_id"), BOT2);
        assert_string_equal(str(w, "/message/friend/remark"), "二号");
        ask(w, BOT2, "get_message",
            "{\"message_scene\":\"friend\",\"peer_id\":10001000,\"message_seq\":%d}", (int)seq);
        assert_int_equal(num(w, "/message/sender_id"), sender);
        assert_int_equal(num(w, "/message/peer_id"), BOT);
        assert_int_equal(num(w, "/message/message_seq"), seq);
    }
    /* Another conversation has its own sequence; no bot but the sender is in it. */
    ask(w, BOT, "send_private_message", "{\"user_id\":10003001,\"message\":%s}", TEXT("1"));
    assert_int_equal(num(w, "/message_seq"), 1);
    assert_int_equal(w->host.event_count, 2);
}

/* The group's own name for each bot, though they share one event. */
static void remarks_of_groups(void **state)
{
    struct world *w = *state;
    world_sql(w, "UPDATE person SET is_bot=1 WHERE uin IN (10003001, 10003002);"
                 "UPDATE member SET is_bot=1 WHERE uin IN (10003001, 10003002);"
                 "UPDATE member SET remark='家' WHERE uin=10003001");
    w->host.bots[2] = MING;
    w->host.bots[3] = HONG;
    w->host.bot_count = 4;
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    assert_int_equal(w->host.event_count, 3);
    for (size_t i = 0; i < 3; i++) {
        bool is_ming = w->host.events[i].self_id == MING;
        assert_string_equal(event_str(w, i, "/group/remark"), is_ming ? "家" : "");
        assert_json(event_at(w, i, "/segments"), TEXT("x"));
    }
}

static void refused_peers(void **state)
{
    struct world *w = *state;
    refused(w, BOT, -100, "10009999 is not a friend of 10001000", "send_private_message",
            "{\"user_id\":10009999,\"message\":%s}", TEXT("x"));
    refused(w, BOT, -100, "is not a friend of", "send_private_message",
            "{\"user_id\":10001000,\"message\":%s}", TEXT("x"));
    refused(w, BOT, SB_NO_GROUP, "10001000 is not in a group 700000002", "send_group_message",
            "{\"group_id\":700000002,\"message\":%s}", TEXT("x"));
    world_sql(w, "DELETE FROM member WHERE uin=10002000");
    refused(w, BOT2, SB_NO_GROUP, "is not in a group", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    /* and gets no more events of it */
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    assert_int_equal(w->host.event_count, 0);
}

static void muted(void **state)
{
    struct world *w = *state;
    world_sql(w, "UPDATE member SET shut_up_end_time=4000000000 WHERE uin=10002000");
    refused(w, BOT2, SB_MUTED, "muted in group 700000001 until 4000000000", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    world_sql(w, "UPDATE member SET shut_up_end_time=1000 WHERE uin=10002000"); /* long over */
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
}

/* Sends segments to the group and reads them back as the other bot. */
static void round_trip(struct world *w, const char *segments)
{
    fake_host_forget(&w->host);
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", segments);
    uint64_t seq = num(w, "/message_seq");
    ask(w, BOT2, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%d}", (int)seq);
    /* The message of the event equals the stored one. */
    assert_true(yyjson_equals(event_at(w, 0, "/segments"), at(w, "/message/segments")));
}

static void simple_segments(void **state)
{
    struct world *w = *state;
    world_sql(w, "UPDATE member SET card='明明' WHERE uin=10003001");
    round_trip(w, "[{\"type\":\"mention\",\"data\":{\"user_id\":10003001}},"
                  "{\"type\":\"mention\",\"data\":{\"user_id\":10003002}},"
                  "{\"type\":\"text\",\"data\":{\"text\":\"\\u0000\\\"引号\\\"\\n\"}},"
                  "{\"type\":\"mention_all\",\"data\":{}},"
                  "{\"type\":\"face\",\"data\":{\"face_id\":\"178\",\"is_large\":false}},"
                  "{\"type\":\"face\",\"data\":{\"face_id\":\"1\",\"is_large\":true}}]");
    assert_json(at(w, "/message/segments"),
                "[{\"type\":\"mention\",\"data\":{\"user_id\":10003001,\"name\":\"明明\"}},"
                "{\"type\":\"mention\",\"data\":{\"user_id\":10003002,\"name\":\"小红\"}},"
                "{\"type\":\"text\",\"data\":{\"text\":\"\\u0000\\\"引号\\\"\\n\"}},"
                "{\"type\":\"mention_all\",\"data\":{}},"
                "{\"type\":\"face\",\"data\":{\"face_id\":\"178\",\"is_large\":false}},"
                "{\"type\":\"face\",\"data\":{\"face_id\":\"1\",\"is_large\":true}}]");
}

static void refused_segments(void **state)
{
    struct world *w = *state;
    static const struct {
        int retcode;
        const char *part;
        const char *segments;
    } cases[] = {
        { SB_BAD_MESSAGE, "the message is empty", "[]" },
        { SB_BAD_MESSAGE, "the message is empty", TEXT("") },
        { SB_BAD_MESSAGE, "reply_to_unknown",
          "[{\"type\":\"reply\",\"data\":{\"message_seq\":7}}]" },
        { SB_BAD_MESSAGE, "reply_to_unknown",
          "[{\"type\":\"reply\",\"data\":{\"message_seq\":0}}]" },
        { SB_BAD_MEDIA, "message[0].data.uri",
          "[{\"type\":\"image\",\"data\":{\"uri\":\"base64://\",\"sub_type\":\"normal\"}}]" },
        { SB_BAD_URI, "must be a file://",
          "[{\"type\":\"record\",\"data\":{\"uri\":\"base64:\"}}]" },
        { SB_BAD_MEDIA, "it is empty", "[{\"type\":\"video\",\"data\":{\"uri\":\"base64://\"}}]" },
        { SB_BAD_MESSAGE, "not valid JSON",
          "[{\"type\":\"light_app\",\"data\":{\"json_payload\":\"{\"}}]" },
        { SB_BAD_MESSAGE, "needs a string \"app\"",
          "[{\"type\":\"light_app\",\"data\":{\"json_payload\":\"{\\\"app\\\":1}\"}}]" },
        { SB_BAD_MESSAGE, "needs a string \"app\"",
          "[{\"type\":\"light_app\",\"data\":{\"json_payload\":\"[]\"}}]" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        refused(w, BOT, cases[i].retcode, cases[i].part, "send_group_message",
                "{\"group_id\":700000001,\"message\":%s}", cases[i].segments);
        refused(w, BOT, cases[i].retcode, cases[i].part, "send_private_message",
                "{\"user_id\":10002000,\"message\":%s}", cases[i].segments);
    }
}

static void mention_all_rights(void **state)
{
    struct world *w = *state;
    const char *all = "[{\"type\":\"mention_all\",\"data\":{}}]";
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner or an admin of group 700000001",
            "send_group_message", "{\"group_id\":700000001,\"message\":%s}", all);
    world_sql(w, "UPDATE member SET role=1 WHERE uin=10002000");
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", all);
    refused(w, BOT, SB_BAD_MESSAGE, "the message is empty", "send_private_message",
            "{\"user_id\":10002000,\"message\":%s}", all);
}

/* `times` times the three bytes of one Chinese character, as a text segment. */
static char *long_text(size_t times)
{
    char *text = malloc(times * 3 + 64);
    assert_non_null(text);
    char *end = text + sprintf(text, "[{\"type\":\"text\",\"data\":{\"text\":\"");
    for (size_t i = 0; i < times; i++)
        end += sprintf(end, "牛");
    sprintf(end, "\"}}]");
    return text;
}

static void long_messages(void **state)
{
    struct world *w = *state;
    char *most = long_text(5000);
    char *more = long_text(5001);
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", most);
    refused(w, BOT, SB_BAD_MESSAGE, "at most 5000 characters", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s}", more);
    /* The limit is that of the message, not of each segment. */
    most[strlen(most) - 1] = ',';
    refused(w, BOT, SB_BAD_MESSAGE, "at most 5000 characters", "send_group_message",
            "{\"group_id\":700000001,\"message\":%s%s}", most, TEXT("a") + 1);
    free(most);
    free(more);
    char *face = malloc(300000);
    assert_non_null(face);
    memset(face, 'x', 299999);
    face[299999] = '\0';
    world_make_lenient(w); /* QQ knows no such face */
    refused(w, BOT, SB_BAD_MESSAGE, "at most 262144 bytes", "send_group_message",
            "{\"group_id\":700000001,\"message\":[{\"type\":\"face\",\"data\":{\"face_id\":\"%s\","
            "\"is_large\":false}}]}",
            face);
    free(face);
}

static void replies(void **state)
{
    struct world *w = *state;
    const char *reply = "[{\"type\":\"reply\",\"data\":{\"message_seq\":%d}},"
                        "{\"type\":\"text\",\"data\":{\"text\":\"re\"}}]";
    char segments[256];
    world_sql(w, "UPDATE member SET card='二号' WHERE uin=10002000");
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("问"));
    uint64_t time = num(w, "/time");
    snprintf(segments, sizeof(segments), reply, 1);
    round_trip(w, segments);
    assert_int_equal(num(w, "/message/segments/0/data/message_seq"), 1);
    assert_int_equal(num(w, "/message/segments/0/data/sender_id"), BOT2);
    assert_string_equal(str(w, "/message/segments/0/data/sender_name"), "二号");
    assert_int_equal(num(w, "/message/segments/0/data/time"), time);
    assert_json(at(w, "/message/segments/0/data/segments"), TEXT("问"));
    /* A reply to a reply quotes its text, not the quotation in it. */
    snprintf(segments, sizeof(segments), reply, 2);
    round_trip(w, segments);
    assert_json(at(w, "/message/segments/0/data/segments"), TEXT("re"));
    /* Recalled messages cannot be replied to, nor those of another conversation. */
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
    refused(
        w, BOT, SB_BAD_MESSAGE, "reply_to_unknown", "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"reply\",\"data\":{\"message_seq\":1}}]}");
    refused(
        w, BOT, SB_BAD_MESSAGE, "reply_to_unknown", "send_private_message",
        "{\"user_id\":10002000,\"message\":[{\"type\":\"reply\",\"data\":{\"message_seq\":2}}]}");
    /* In a private conversation the name is the nickname. */
    ask(w, BOT2, "send_private_message", "{\"user_id\":10001000,\"message\":%s}", TEXT("p"));
    fake_host_forget(&w->host);
    ask(w, BOT, "send_private_message",
        "{\"user_id\":10002000,\"message\":[{\"type\":\"reply\",\"data\":{\"message_seq\":1}}]}");
    assert_string_equal(event_str(w, 0, "/segments/0/data/sender_name"), "Milky 10002000");
}

static void forwards(void **state)
{
    struct world *w = *state;
    round_trip(w,
               "[{\"type\":\"forward\",\"data\":{\"messages\":["
               "{\"user_id\":12345,\"sender_name\":\"谁\",\"segments\":"
               "[{\"type\":\"text\",\"data\":{\"text\":\"你好\"}},"
               "{\"type\":\"mention\",\"data\":{\"user_id\":54321}},"
               "{\"type\":\"mention_all\",\"data\":{}},"
               "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}}]},"
               "{\"user_id\":10003001,\"sender_name\":\"小明\",\"segments\":"
               "[{\"type\":\"forward\",\"data\":{\"title\":\"T\",\"summary\":\"S\","
               "\"preview\":[\"P\"],\"prompt\":\"x\",\"messages\":"
               "[{\"user_id\":10001,\"sender_name\":\"n\",\"segments\":" TEXT("深") "}]}}]}]}}]");
    assert_string_equal(str(w, "/message/segments/0/data/title"), "群聊的聊天记录");
    assert_string_equal(str(w, "/message/segments/0/data/summary"), "查看2条转发消息");
    assert_json(at(w, "/message/segments/0/data/preview"),
                "[\"谁: 你好@54321@全体成员[表情]\",\"小明: [聊天记录]\"]");
    assert_int_equal(yyjson_obj_size(at(w, "/message/segments/0/data")), 4);
    ask(w, BOT2, "get_forwarded_messages", "{\"forward_id\":\"%s\"}",
        str(w, "/message/segments/0/data/forward_id"));
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 2);
    assert_int_equal(num(w, "/messages/0/message_seq"), 1);
    assert_string_equal(str(w, "/messages/0/sender_name"), "谁");
    assert_non_null(strstr(str(w, "/messages/0/avatar_url"), "/avatar.png"));
    assert_true(num(w, "/messages/0/time") > 1700000000);
    assert_string_equal(str(w, "/messages/0/segments/1/data/name"), "54321");
    assert_int_equal(num(w, "/messages/1/message_seq"), 2);
    assert_string_equal(str(w, "/messages/1/segments/0/data/title"), "T");
    assert_string_equal(str(w, "/messages/1/segments/0/data/summary"), "S");
    assert_json(at(w, "/messages/1/segments/0/data/preview"), "[\"P\"]");
    char inner[32];
    snprintf(inner, sizeof(inner), "%s", str(w, "/messages/1/segments/0/data/forward_id"));
    world_make_lenient(w); /* QQ does not show it */
    ask(w, BOT2, "get_forwarded_messages", "{\"forward_id\":\"%s\"}", inner);
    assert_json(at(w, "/messages/0/segments"), TEXT("深"));
}

#define FORWARD(messages) "[{\"type\":\"forward\",\"data\":{\"messages\":[" messages "]}}]"
#define ONE(segments) "{\"user_id\":10001,\"sender_name\":\"n\",\"segments\":" segments "}"

static void refused_forwards(void **state)
{
    struct world *w = *state;
    static const struct {
        int retcode;
        const char *part;
        const char *segments;
    } cases[] = {
        { SB_BAD_MESSAGE, "1 to 200 messages", FORWARD("") },
        { SB_BAD_MESSAGE, "is empty", FORWARD(ONE("[]")) },
        { SB_BAD_URI, "message[0].data.messages[1].segments[0].data.uri",
          FORWARD(ONE(TEXT("a")) "," ONE("[{\"type\":\"image\",\"data\":{\"uri\":\"x\"}}]")) },
        { SB_BAD_MESSAGE, "at most 3 deep",
          FORWARD(ONE(FORWARD(ONE(FORWARD(ONE(FORWARD(ONE(TEXT("x"))))))))) },
        { SB_BAD_MESSAGE, "1 to 4 lines",
          "[{\"type\":\"forward\",\"data\":{\"preview\":[\"\",\"\",\"\",\"\",\"\"],"
          "\"messages\":[" ONE(TEXT("x")) "]}}]" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(w, BOT, cases[i].retcode, cases[i].part, "send_group_message",
                "{\"group_id\":700000001,\"message\":%s}", cases[i].segments);
    ask(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":%s}",
        FORWARD(ONE(FORWARD(ONE(FORWARD(ONE(TEXT("x"))))))));
    static const char *const ids[] = { "",
                                       "0",
                                       "0000000000000000",
                                       "zzzzzzzzzzzzzzzz",
                                       "00000000000000000",
                                       "ABCDEF0123456789",
                                       "ffffffffffffffff",
                                       "000000000000000\\u0000" };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        refused(w, BOT, SB_NO_MESSAGE, "no forward", "get_forwarded_messages",
                "{\"forward_id\":\"%s\"}", ids[i]);
}

static char *many_replies(char *out, size_t count)
{
    *out++ = '[';
    for (size_t i = 0; i < count; i++)
        out += sprintf(out, "%s{\"type\":\"reply\",\"data\":{\"message_seq\":1}}", i ? "," : "");
    return strcpy(out, "]");
}

/* Few bytes can quote much: the bound is far below the memory, in forwards for all of them
 * together. */
static void many_quotes(void **state)
{
    struct world *w = *state;
    char segments[8192];
    char *text = long_text(4000); /* 12 KB */
    world_make_lenient(w);        /* of more than one reply */
    static const char in_forward[] =
        "{\"user_id\":10002000,\"message\":" FORWARD(ONE("%s") "," ONE(FORWARD(ONE("%s")))) "}";
    ask(w, BOT, "send_private_message", "{\"user_id\":10002000,\"message\":%s}", text);
    free(text);
    many_replies(segments, 21);
    ask(w, BOT, "send_private_message", "{\"user_id\":10002000,\"message\":%s}", segments);
    many_replies(segments, 22);
    refused(w, BOT, SB_BAD_MESSAGE, "the replies quote are too long: at most 262144",
            "send_private_message", "{\"user_id\":10002000,\"message\":%s}", segments);
    many_replies(segments, 40);
    ask(w, BOT, "send_private_message", in_forward, segments, segments);
    many_replies(segments, 44);
    refused(w, BOT, SB_BAD_MESSAGE, "the replies quote are too long: at most 1048576",
            "send_private_message", in_forward, segments, segments);
}

/* The lines of a preview end between characters, however long the texts are. */
static void long_previews(void **state)
{
    struct world *w = *state;
    char *text = long_text(4000);
    ask(w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"forward\",\"data\":{\"messages\":"
        "[{\"user_id\":10001,\"sender_name\":\"ab\",\"segments\":%s}]}}]}",
        text);
    free(text);
    size_t len = strlen(event_str(w, 0, "/segments/0/data/preview/0"));
    assert_true(len <= 192 && len > 186);
    assert_int_equal((len - strlen("ab: ")) % strlen("牛"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(group_message, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(private_message, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(remarks_of_groups, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_peers, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(muted, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(simple_segments, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_segments, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(mention_all_rights, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(long_messages, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(replies, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(forwards, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_forwards, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(many_quotes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(long_previews, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
