/* validate: types, ranges, defaults, and the messages about mistakes. */
#include "protocol_fixture.h"

#define NEW MK_DIALECT_NEWEST
#define OLD MK_DIALECT_DRAFT

static void test_defaults_are_filled_in(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    const char *cases[][4] = {
        { "get_friend_list", "{}", "{\"no_cache\":false}", NULL },
        { "get_friend_list", "{\"no_cache\":null}", "{\"no_cache\":false}", NULL },
        { "get_friend_list", "{\"no_cache\":true}", "{\"no_cache\":true}", NULL },
        { "get_friend_list", "{\"more\":[{}],\"\":1}", "{\"no_cache\":false}", NULL },
        { "get_group_files", "{\"group_id\":10001}",
          "{\"group_id\":10001,\"parent_folder_id\":\"/\"}", NULL },
        { "get_history_messages", "{\"message_scene\":\"friend\",\"peer_id\":10001}",
          "{\"message_scene\":\"friend\",\"peer_id\":10001,\"limit\":20}", NULL },
        { "get_history_messages",
          "{\"message_scene\":\"temp\",\"peer_id\":10001,\"start_message_seq\":null,\"limit\":1}",
          "{\"message_scene\":\"temp\",\"peer_id\":10001,\"limit\":1}", NULL },
        { "get_login_info", " { } ", "{}", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_asks(f, NEW, cases[i][0], cases[i][1], cases[i][0], cases[i][2]);
        mk_call_fail(f->pending, -1, "done");
    }
}

/* As a language without optional fields sends those that were not set. */
static void test_empty_is_absent_where_a_field_may_be_left_out(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum mk_dialect dialect;
        const char *action, *given, *asked, *params;
    } cases[] = {
        { NEW, "get_group_files", "{\"group_id\":10001,\"parent_folder_id\":\"\"}",
          "get_group_files", "{\"group_id\":10001,\"parent_folder_id\":\"/\"}" },
        { NEW, "move_group_file",
          "{\"group_id\":10001,\"file_id\":\"f\",\"parent_folder_id\":\"\",\"target_folder_id\":"
          "\"\"}",
          "move_group_file",
          "{\"group_id\":10001,\"file_id\":\"f\",\"parent_folder_id\":\"/"
          "\",\"target_folder_id\":\"/\"}" },
        { NEW, "get_history_messages",
          "{\"message_scene\":\"group\",\"peer_id\":10001,\"start_message_seq\":0.0,\"limit\":0}",
          "get_history_messages", "{\"message_scene\":\"group\",\"peer_id\":10001,\"limit\":20}" },
        { NEW, "get_group_notifications", "{\"start_notification_seq\":0,\"limit\":3}",
          "get_group_notifications", "{\"is_filtered\":false,\"limit\":3}" },
        { NEW, "reject_friend_request", "{\"initiator_uid\":\"u\",\"reason\":\"\"}",
          "reject_friend_request", "{\"initiator_uid\":\"u\",\"is_filtered\":false}" },
        { NEW, "send_group_message_reaction",
          "{\"group_id\":10001,\"message_seq\":1,\"reaction\":\"1\",\"reaction_type\":\"\"}",
          "send_group_message_reaction",
          "{\"group_id\":10001,\"message_seq\":1,\"reaction\":\"1\",\"reaction_type\":\"face\","
          "\"is_add\":true}" },
        { NEW, "send_private_message",
          "{\"user_id\":10001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"u\",\"sub_"
          "type\":\"\",\"summary\":\"\"}}]}",
          "send_private_message",
          "{\"user_id\":10001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"u\",\"sub_"
          "type\":\"normal\"}}]}" },
        { NEW, "send_private_message",
          "{\"user_id\":10001,\"message\":[{\"type\":\"forward\",\"data\":{\"messages\":[],"
          "\"title\":\"\",\"preview\":[],\"summary\":\"\",\"prompt\":\"\"}}]}",
          "send_private_message",
          "{\"user_id\":10001,\"message\":[{\"type\":\"forward\",\"data\":{\"messages\":[]}}]}" },
        { NEW, "set_group_member_card", "{\"group_id\":10001,\"user_id\":10002,\"card\":\"\"}",
          "set_group_member_card", "{\"group_id\":10001,\"user_id\":10002,\"card\":\"\"}" },
        { NEW, "set_bio", "{\"new_bio\":\"\"}", "set_bio", "{\"new_bio\":\"\"}" },
        { NEW, "recall_group_message", "{\"group_id\":10001,\"message_seq\":0}",
          "recall_group_message", "{\"group_id\":10001,\"message_seq\":0}" },
        { NEW, "send_group_message_reaction",
          "{\"group_id\":10001,\"message_seq\":1,\"reaction\":\"1\",\"is_add\":false}",
          "send_group_message_reaction",
          "{\"group_id\":10001,\"message_seq\":1,\"reaction\":\"1\",\"reaction_type\":\"face\","
          "\"is_add\":false}" },
        { OLD, "get_history_group_message",
          "{\"group_id\":10001,\"start_message_id\":\"Group:10001:0\",\"limit\":0}",
          "get_history_messages", "{\"message_scene\":\"group\",\"peer_id\":10001,\"limit\":20}" },
        { OLD, "get_history_private_message", "{\"user_id\":10001,\"start_message_id\":\"\"}",
          "get_history_messages", "{\"message_scene\":\"friend\",\"peer_id\":10001,\"limit\":20}" },
        { OLD, "get_history_group_message",
          "{\"group_id\":10001,\"start_message_id\":\"Group:10001:7\"}", "get_history_messages",
          "{\"message_scene\":\"group\",\"peer_id\":10001,\"start_message_seq\":7,\"limit\":20}" },
        { OLD, "get_group_files", "{\"group_id\":10001,\"parent_folder_id\":\"\"}",
          "get_group_files", "{\"group_id\":10001,\"parent_folder_id\":\"/\"}" },
    };
    f->later = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_asks(f, cases[i].dialect, cases[i].action, cases[i].given, cases[i].asked,
                    cases[i].params);
        mk_call_fail(f->pending, -1, "done");
    }
}

/* An empty value of another type is a mistake all the same. */
static void test_empty_of_another_type_is_a_mistake(void **state)
{
    struct fixture *f = *state;
    assert_malformed(f, NEW, "get_group_files", "{\"group_id\":10001,\"parent_folder_id\":0}",
                     "parent_folder_id: expected string, got number");
    assert_malformed(f, NEW, "get_group_notifications", "{\"start_notification_seq\":\"\"}",
                     "start_notification_seq: expected integer from 0 to 9223372036854775807, got "
                     "string");
    assert_malformed(f, NEW, "get_friend_list", "{\"no_cache\":\"\"}",
                     "no_cache: expected boolean, got string");
    assert_malformed(
        f, OLD, "get_history_group_message",
        "{\"group_id\":10001,\"start_message_id\":\"Group:10002:0\"}",
        "start_message_id: expected a message_id that begins with \"Group:10001:\", got "
        "\"Group:10002:0\"");
}

static void test_integers_are_any_json_number_that_is_one(void **state)
{
    struct fixture *f = *state;
    const char *good[] = { "10001", "1.0001e4", "10001.0", "100010e-1", "10001000E-3" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"user_id\":%s}", good[i]);
        assert_asks(f, NEW, "delete_friend", body, "delete_friend", "{\"user_id\":10001}");
    }
    assert_asks(f, NEW, "delete_friend", "{\"user_id\":4294967295}", "delete_friend",
                "{\"user_id\":4294967295}");
    assert_asks(f, NEW, "send_profile_like", "{\"user_id\":10001,\"count\":-0}",
                "send_profile_like", "{\"user_id\":10001,\"count\":1}");
    assert_asks(f, NEW, "recall_group_message",
                "{\"group_id\":10001,\"message_seq\":9223372036854775807}", "recall_group_message",
                "{\"group_id\":10001,\"message_seq\":9223372036854775807}");
}

static void test_numbers_out_of_range_are_quoted(void **state)
{
    struct fixture *f = *state;
    const char *bad[] = { "5",       "10000", "4294967296", "-10001",
                          "10001.5", "1e400", "-1e-9",      "100000000000000000000000000000" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char body[128], message[160];
        snprintf(body, sizeof(body), "{\"user_id\":%s}", bad[i]);
        snprintf(message, sizeof(message),
                 "user_id: expected integer from 10001 to 4294967295, got %s", bad[i]);
        assert_malformed(f, NEW, "delete_friend", body, message);
    }
    assert_malformed(f, NEW, "send_profile_like", "{\"user_id\":10001,\"count\":-1}",
                     "count: expected integer from 0 to 9223372036854775807, got -1");
    assert_malformed(f, OLD, "get_history_group_message", "{\"group_id\":10001,\"limit\":-1}",
                     "limit: expected integer from 0 to 9223372036854775807, got -1");
    assert_malformed(f, NEW, "recall_group_message",
                     "{\"group_id\":10001,\"message_seq\":9223372036854775808}",
                     "message_seq: expected integer from 0 to 9223372036854775807, got "
                     "9223372036854775808");
}

static void test_messages_name_path_expected_and_got(void **state)
{
    struct fixture *f = *state;
    const char *send = "send_group_message";
    assert_malformed(f, NEW, "delete_friend", "{}",
                     "user_id: expected integer from 10001 to 4294967295, got nothing");
    assert_malformed(f, NEW, "delete_friend", "{\"user_id\":null}",
                     "user_id: expected integer from 10001 to 4294967295, got null");
    assert_malformed(f, NEW, "delete_friend", "{\"user_id\":\"10001\"}",
                     "user_id: expected integer from 10001 to 4294967295, got string");
    assert_malformed(f, NEW, "get_friend_list", "{\"no_cache\":0}",
                     "no_cache: expected boolean, got number");
    assert_malformed(f, NEW, "set_bio", "{\"new_bio\":[]}", "new_bio: expected string, got array");
    assert_malformed(f, NEW, send, "{\"group_id\":10001,\"message\":{}}",
                     "message: expected array, got object");
    assert_malformed(f, NEW, send, "{\"group_id\":10001,\"message\":[true]}",
                     "message[0]: expected object, got boolean");
    assert_malformed(f, NEW, send,
                     "{\"group_id\":10001,\"message\":[{\"type\":\"mention_all\"},{\"type\":"
                     "\"text\",\"data\":{\"text\":7}}]}",
                     "message[1].data.text: expected string, got number");
    assert_malformed(f, NEW, send, "{\"group_id\":10001,\"message\":[{\"type\":\"text\"}]}",
                     "message[0].data: expected object, got nothing");
    assert_malformed(f, NEW, send,
                     "{\"group_id\":10001,\"message\":[{\"type\":\"text\",\"data\":[]}]}",
                     "message[0].data: expected object, got array");
    assert_malformed(
        f, NEW, send,
        "{\"group_id\":10001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"a\",\"sub_type\":"
        "\"x\"}}]}",
        "message[0].data.sub_type: expected one of \"normal\", \"sticker\", got \"x\"");
    assert_malformed(
        f, NEW, send,
        "{\"group_id\":10001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"a\",\"sub_type\":"
        "3}}]}",
        "message[0].data.sub_type: expected one of \"normal\", \"sticker\", got number");
}

static void test_unknown_segments_are_named_in_the_callers_dialect(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"group_id\":10001,\"message\":[{\"type\":\"foo\",\"data\":{}}]}";
    assert_malformed(f, NEW, "send_group_message", body,
                     "message[0].type: expected one of \"text\", \"mention\", \"mention_all\", "
                     "\"face\", \"reply\", \"image\", \"record\", \"video\", \"forward\", "
                     "\"light_app\", got \"foo\"");
    assert_malformed(f, OLD, "send_group_message", body,
                     "message[0].type: expected one of \"text\", \"at\", \"face\", \"reply\", "
                     "\"image\", \"record\", \"video\", \"forward\", got \"foo\"");
    assert_malformed(f, OLD, "send_group_message", "{\"group_id\":10001,\"message\":[{}]}",
                     "message[0].type: expected one of \"text\", \"at\", \"face\", \"reply\", "
                     "\"image\", \"record\", \"video\", \"forward\", got nothing");
}

static void test_params_must_be_an_object(void **state)
{
    struct fixture *f = *state;
    assert_malformed(f, NEW, "get_login_info", "[]", "params: expected object, got array");
    assert_malformed(f, NEW, "get_login_info", "null", "params: expected object, got null");
    assert_malformed(f, NEW, "get_login_info", "12", "params: expected object, got number");
    assert_malformed(f, OLD, "get_message", "\"x\"", "params: expected object, got \"x\"");
}

static void test_json_itself(void **state)
{
    struct fixture *f = *state;
    const char *empty = "the body is empty: it must be at least {}";
    assert_malformed(f, NEW, "get_login_info", "", empty);
    assert_malformed(f, NEW, "get_login_info", " \r\n", empty);
    assert_malformed(f, NEW, "get_login_info", "{\"a\":1,}",
                     "malformed JSON at byte 6: trailing comma is not allowed");
    const char *broken[] = { "{",       "{}x",        "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}",
                             "{'a':1}", "{\"a\":01}", "\xef\xbb\xbf{}",   "{\"a\":NaN}" };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        request(f, NEW, "get_login_info", broken[i]);
        assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
        assert_non_null(strstr(f->body.data, "malformed JSON at byte "));
    }
    assert_int_equal(f->calls, 0);
}

static void test_quoted_values_are_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char body[512] = "{\"message_scene\":\"", got[512];
    /* 63 bytes, then characters of three: a cut after 64 bytes would split one. */
    memset(body + strlen(body), 'a', 63);
    strcat(body, "\xe4\xbd\xa0\xe5\xa5\xbd\",\"peer_id\":10001}");
    snprintf(got, sizeof(got),
             "message_scene: expected one of \"friend\", \"group\", \"temp\", got "
             "\"%.63s...\"",
             body + strlen("{\"message_scene\":\""));
    assert_malformed(f, NEW, "set_peer_pin", body, got);
    assert_malformed(f, NEW, "set_peer_pin",
                     "{\"message_scene\":\"a\\\"\\u0000\\n\\u00e9\",\"peer_id\":10001}",
                     "message_scene: expected one of \"friend\", \"group\", \"temp\", got \"a\"");
}

static void test_the_last_of_duplicate_fields_counts(void **state)
{
    struct fixture *f = *state;
    assert_asks(f, NEW, "delete_friend", "{\"user_id\":\"x\",\"user_id\":10001}", "delete_friend",
                "{\"user_id\":10001}");
    assert_malformed(f, NEW, "delete_friend", "{\"user_id\":10001,\"user_id\":true}",
                     "user_id: expected integer from 10001 to 4294967295, got boolean");
    assert_asks(f, NEW, "send_group_message",
                "{\"group_id\":10001,\"message\":[{\"type\":\"face\",\"data\":{},\"type\":\"text\","
                "\"data\":{\"text\":\"b\"}}]}",
                "send_group_message",
                "{\"group_id\":10001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"b\"}}]}");
}

/* A message of `levels` forwards in each other, a text inside. */
static char *forwards(int levels)
{
    static const char open[] = "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10001,"
                               "\"sender_name\":\"a\",\"segments\":[";
    char *body = malloc((size_t)levels * 128 + 256);
    strcpy(body, "{\"group_id\":10001,\"message\":[");
    char *at = body + strlen(body);
    for (int i = 0; i < levels; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, "{\"type\":\"text\",\"data\":{\"text\":\"x\"}}");
    for (int i = 0; i < levels; i++)
        at = stpcpy(at, "]}]}}");
    strcpy(at, "]}");
    return body;
}

static void test_forwards_nest_sixteen_deep(void **state)
{
    struct fixture *f = *state;
    char *body = forwards(16);
    request(f, NEW, "send_group_message", body);
    assert_int_equal(f->calls, 1);
    free(body);
    int deep[] = { 17, 18, 5000 };
    for (size_t i = 0; i < 3; i++) {
        body = forwards(deep[i]);
        request(f, NEW, "send_group_message", body);
        assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
        assert_non_null(strstr(f->body.data, ": nested more than 16 levels deep\""));
        free(body);
    }
    assert_int_equal(f->calls, 1);
}

static void test_depth_of_unknown_fields_does_not_matter(void **state)
{
    struct fixture *f = *state;
    enum { DEEP = 100000 };
    char *body = malloc(2 * DEEP + 64);
    char *at = stpcpy(body, "{\"user_id\":10001,\"x\":");
    memset(at, '[', DEEP);
    memset(at + DEEP, ']', DEEP);
    strcpy(at + 2 * DEEP, "}");
    assert_asks(f, NEW, "delete_friend", body, "delete_friend", "{\"user_id\":10001}");
    memset(at, '[', 2 * DEEP);
    request(f, NEW, "delete_friend", body);
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
    free(body);
}

static void test_strings_keep_their_bytes(void **state)
{
    struct fixture *f = *state;
    assert_asks(f, NEW, "set_bio", "{\"new_bio\":\"\\u4f60\\u0000\xf0\x9f\x98\x80\\ud83d\\ude00\"}",
                "set_bio", "{\"new_bio\":\"\xe4\xbd\xa0\\u0000\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"}");
}

/* {"group_id":10001,"message":[one text for each]} */
static char *of_segments(const char *segment, size_t count)
{
    struct mk_buf body;
    mk_buf_init(&body, SIZE_MAX);
    mk_buf_append_slice(&body, MK_SLICE("{\"group_id\":10001,\"message\":["));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mk_buf_printf(&body, "%s%s", i ? "," : "", segment), 0);
    assert_int_equal(mk_buf_append(&body, "]}", 3), 0);
    return body.data;
}

/* Each element costs time in a backend: their number is bounded, over all lists of a call. */
static void test_elements_are_bounded(void **state)
{
    struct fixture *f = *state;
    const char *segment = "{\"type\":\"mention_all\",\"data\":{}}";
    const char *forward = "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10003001,"
                          "\"sender_name\":\"x\",\"segments\":[{\"type\":\"text\",\"data\":"
                          "{\"text\":\"x\"}}]}]}}";
    char *body = of_segments(segment, 4096);
    unsigned calls = f->calls;
    request(f, NEW, "send_group_message", body);
    assert_int_equal(f->calls, calls + 1);
    free(body);
    body = of_segments(segment, 4097);
    request(f, NEW, "send_group_message", body);
    assert_int_equal(f->calls, calls + 1);
    assert_int_equal(f->retcode, MILKY_NOT_SUPPORTED);
    assert_non_null(strstr(f->body.data, "params: more than 4096 elements"));
    free(body);
    body = of_segments(forward, 1366); /* three in each */
    request(f, NEW, "send_group_message", body);
    assert_int_equal(f->calls, calls + 1);
    assert_non_null(strstr(f->body.data, "more than 4096 elements"));
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_defaults_are_filled_in),
        FIXTURE_TEST(test_empty_is_absent_where_a_field_may_be_left_out),
        FIXTURE_TEST(test_empty_of_another_type_is_a_mistake),
        FIXTURE_TEST(test_integers_are_any_json_number_that_is_one),
        FIXTURE_TEST(test_numbers_out_of_range_are_quoted),
        FIXTURE_TEST(test_messages_name_path_expected_and_got),
        FIXTURE_TEST(test_unknown_segments_are_named_in_the_callers_dialect),
        FIXTURE_TEST(test_params_must_be_an_object),
        FIXTURE_TEST(test_json_itself),
        FIXTURE_TEST(test_quoted_values_are_cut_between_characters),
        FIXTURE_TEST(test_the_last_of_duplicate_fields_counts),
        FIXTURE_TEST(test_forwards_nest_sixteen_deep),
        FIXTURE_TEST(test_depth_of_unknown_fields_does_not_matter),
        FIXTURE_TEST(test_strings_keep_their_bytes),
        FIXTURE_TEST(test_elements_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
