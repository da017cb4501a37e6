/* dialect: each call of the draft as the backend gets it, and each result as the bot gets it. */
#include "protocol_fixture.h"

#define OLD MK_DIALECT_DRAFT

static void test_calls_with_other_names(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    const char *cases[][4] = {
        { "send_friend_poke", "{\"user_id\":10001}", "send_friend_nudge",
          "{\"user_id\":10001,\"is_self\":false}" },
        { "send_group_poke", "{\"group_id\":10002,\"user_id\":10001}", "send_group_nudge",
          "{\"group_id\":10002,\"user_id\":10001}" },
        { "set_group_name", "{\"group_id\":10001,\"name\":\"a\"}", "set_group_name",
          "{\"group_id\":10001,\"new_group_name\":\"a\"}" },
        { "get_group_announcement_list", "{\"group_id\":10001}", "get_group_announcements",
          "{\"group_id\":10001}" },
        { "rename_group_file", "{\"group_id\":10001,\"file_id\":\"/f\",\"new_name\":\"a\"}",
          "rename_group_file",
          "{\"group_id\":10001,\"file_id\":\"/f\",\"parent_folder_id\":\"\",\"new_file_name\":"
          "\"a\"}" },
        { "rename_group_folder", "{\"group_id\":10001,\"folder_id\":\"/d\",\"new_name\":\"a\"}",
          "rename_group_folder",
          "{\"group_id\":10001,\"folder_id\":\"/d\",\"new_folder_name\":\"a\"}" },
        { "move_group_file", "{\"group_id\":10001,\"file_id\":\"/f\",\"target_folder_id\":\"/d\"}",
          "move_group_file",
          "{\"group_id\":10001,\"file_id\":\"/f\",\"parent_folder_id\":\"\",\"target_folder_id\":"
          "\"/d\"}" },
        { "get_private_file_download_url", "{\"user_id\":10001,\"file_id\":\"/f\"}",
          "get_private_file_download_url",
          "{\"user_id\":10001,\"file_id\":\"/f\",\"file_hash\":\"\",\"is_self_send\":false}" },
        /* The draft's own default, where 1.2 has another one. */
        { "kick_group_member", "{\"group_id\":10002,\"user_id\":10001}", "kick_group_member",
          "{\"group_id\":10002,\"user_id\":10001,\"reject_add_request\":true}" },
        /* A parameter that only 1.2 has can be given under its name of 1.2. */
        { "kick_group_member",
          "{\"group_id\":10002,\"user_id\":10001,\"reject_add_request\":false}",
          "kick_group_member",
          "{\"group_id\":10002,\"user_id\":10001,\"reject_add_request\":false}" },
        { "upload_group_file",
          "{\"group_id\":10001,\"file_uri\":\"file:///x/a.txt\",\"parent_folder_id\":\"/d\","
          "\"file_name\":\"b\"}",
          "upload_group_file",
          "{\"group_id\":10001,\"file_uri\":\"file:///x/"
          "a.txt\",\"parent_folder_id\":\"/d\",\"file_name\":\"b\"}" },
        /* An API that only 1.2 has. */
        { "mark_message_as_read",
          "{\"message_scene\":\"friend\",\"peer_id\":10001,\"message_seq\":4}",
          "mark_message_as_read",
          "{\"message_scene\":\"friend\",\"peer_id\":10001,\"message_seq\":4}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_asks(f, OLD, cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
        mk_call_fail(f->pending, -1, "done");
    }
}

static void test_message_ids_are_parsed(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    const char *cases[][4] = {
        { "get_message", "Private:10001:42", "get_message",
          "{\"message_scene\":\"friend\",\"peer_id\":10001,\"message_seq\":42}" },
        { "get_message", "Group:4294967295:0", "get_message",
          "{\"message_scene\":\"group\",\"peer_id\":4294967295,\"message_seq\":0}" },
        { "get_message", "Temp:10001:9223372036854775807", "get_message",
          "{\"message_scene\":\"temp\",\"peer_id\":10001,\"message_seq\":9223372036854775807}" },
        { "recall_message", "Private:10001:42", "recall_private_message",
          "{\"user_id\":10001,\"message_seq\":42}" },
        { "recall_message", "Group:10001:42", "recall_group_message",
          "{\"group_id\":10001,\"message_seq\":42}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"message_id\":\"%s\"}", cases[i][1]);
        assert_asks(f, OLD, cases[i][0], body, cases[i][2], cases[i][3]);
        mk_call_fail(f->pending, -1, "done");
    }
    assert_asks(f, OLD, "send_group_message_reaction",
                "{\"message_id\":\"Group:10001:42\",\"reaction\":\"76\"}",
                "send_group_message_reaction",
                "{\"group_id\":10001,\"message_seq\":42,\"reaction\":\"76\",\"reaction_type\":"
                "\"face\",\"is_add\":true}");
    mk_call_fail(f->pending, -1, "done");
}

static void test_malformed_message_ids(void **state)
{
    struct fixture *f = *state;
    const char *bad[] = { "",
                          "Private",
                          "Private:",
                          "Private:10001",
                          "Private:10001:",
                          "Private:10001:1x",
                          "Private:10001:1:2",
                          "Private:10000:1",
                          "Private:4294967296:1",
                          "private:10001:1",
                          "Private: 10001:1",
                          "Private:10001:-1",
                          "Private:10001:01",
                          "Private:10001:9223372036854775808",
                          "Private:10001:99999999999999999999",
                          "Friend:10001:1" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char body[128], message[256];
        snprintf(body, sizeof(body), "{\"message_id\":\"%s\"}", bad[i]);
        snprintf(message, sizeof(message),
                 "message_id: expected \"Private:<peer_id>:<message_seq>\", "
                 "\"Group:<peer_id>:<message_seq>\" or \"Temp:<peer_id>:<message_seq>\", got "
                 "\"%s\"",
                 bad[i]);
        assert_malformed(f, OLD, "get_message", body, message);
    }
    assert_malformed(f, OLD, "recall_message", "{\"message_id\":12}",
                     "message_id: expected \"Private:<user_id>:<message_seq>\", "
                     "\"Group:<group_id>:<message_seq>\" or "
                     "\"Temp:<user_id>:<message_seq>\", got number");
    assert_malformed(f, OLD, "send_group_message_reaction",
                     "{\"message_id\":\"Private:10001:1\",\"reaction\":\"1\"}",
                     "message_id: expected \"Group:<group_id>:<message_seq>\", got "
                     "\"Private:10001:1\"");
    assert_malformed(f, OLD, "send_group_message_reaction", "{\"message_id\":\"Group:10001:1\"}",
                     "reaction: expected string, got nothing");
}

static void test_temporary_sessions_recall(void **state)
{
    assert_asks(*state, OLD, "recall_message", "{\"message_id\":\"Temp:10001:1\"}",
                "recall_private_message", "{\"user_id\":10001,\"message_seq\":1}");
}

static void test_history(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"messages\":[],\"next_message_seq\":7}";
    assert_asks(f, OLD, "get_history_private_message",
                "{\"user_id\":10001,\"start_message_id\":\"Private:10001:9\",\"limit\":5}",
                "get_history_messages",
                "{\"message_scene\":\"friend\",\"peer_id\":10001,\"start_message_seq\":9,"
                "\"limit\":5}");
    assert_json(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"messages\":[],"
                              "\"next_start_message_id\":\"Private:10001:7\"}}");
    f->result = "{\"messages\":[],\"next_message_seq\":null}";
    assert_asks(f, OLD, "get_history_group_message",
                "{\"start_message_id\":null,\"group_id\":10002}", "get_history_messages",
                "{\"message_scene\":\"group\",\"peer_id\":10002,\"limit\":20}");
    assert_json(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"messages\":[]}}");
    assert_malformed(
        f, OLD, "get_history_group_message",
        "{\"group_id\":10002,\"start_message_id\":\"Group:10003:1\"}",
        "start_message_id: expected a message_id that begins with \"Group:10002:\", got "
        "\"Group:10003:1\"");
    assert_malformed(
        f, OLD, "get_history_group_message",
        "{\"start_message_id\":\"Private:10002:1\",\"group_id\":10002}",
        "start_message_id: expected a message_id that begins with \"Group:10002:\", got "
        "\"Private:10002:1\"");
}

static void test_requests_are_distinguished(void **state)
{
    struct fixture *f = *state;
    const char *cases[][6] = {
        { "friend:u_a:b", "accept_friend_request",
          "{\"initiator_uid\":\"u_a:b\",\"is_filtered\":false}", "reject_friend_request",
          "{\"initiator_uid\":\"u_a:b\",\"is_filtered\":false,\"reason\":\"no\"}" },
        { "join:10001:5:0", "accept_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":\"join_request\","
          "\"is_filtered\":false}",
          "reject_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":\"join_request\","
          "\"is_filtered\":false,\"reason\":\"no\"}" },
        { "join:10001:5:1", "accept_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":\"join_request\","
          "\"is_filtered\":true}",
          "reject_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":\"join_request\","
          "\"is_filtered\":true,\"reason\":\"no\"}" },
        { "invited:10001:5", "accept_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":"
          "\"invited_join_request\",\"is_filtered\":false}",
          "reject_group_request",
          "{\"group_id\":10001,\"notification_seq\":5,\"notification_type\":"
          "\"invited_join_request\",\"is_filtered\":false,\"reason\":\"no\"}" },
        { "invitation:10001:5", "accept_group_invitation",
          "{\"group_id\":10001,\"invitation_seq\":5}", "reject_group_invitation",
          "{\"group_id\":10001,\"invitation_seq\":5}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"request_id\":\"%s\",\"reason\":\"no\"}", cases[i][0]);
        assert_asks(f, OLD, "accept_request", body, cases[i][1], cases[i][2]);
        assert_asks(f, OLD, "reject_request", body, cases[i][3], cases[i][4]);
    }
    const char *bad[] = {
        "", "friend:", "join:10001:5", "join:10001:5:2", "x:1", "invitation:1:5"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char body[128], message[128];
        snprintf(body, sizeof(body), "{\"request_id\":\"%s\"}", bad[i]);
        snprintf(message, sizeof(message),
                 "request_id: expected the request_id of an event, got \"%s\"", bad[i]);
        assert_malformed(f, OLD, "accept_request", body, message);
    }
    assert_malformed(f, OLD, "reject_request",
                     "{\"request_id\":\"invitation:10001:5\",\"reason\":1}",
                     "reason: expected string, got number");
}

static void test_outgoing_segments(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"message_seq\":1,\"time\":2}";
    assert_asks(
        f, OLD, "send_private_message",
        "{\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}},"
        "{\"type\":\"at\",\"data\":{\"user_id\":10009}},"
        "{\"type\":\"face\",\"data\":{\"face_id\":\"14\"}},"
        "{\"type\":\"reply\",\"data\":{\"message_id\":\"Private:10001:3\"}},"
        "{\"type\":\"reply\",\"data\":{\"message_id\":\"Temp:10001:4\"}},"
        "{\"type\":\"image\",\"data\":{\"uri\":\"u\",\"sub_type\":\"sticker\"}},"
        "{\"type\":\"video\",\"data\":{\"uri\":\"u\",\"thumb_uri\":\"t\"}},"
        "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10002,\"name\":\"n\","
        "\"segments\":[{\"type\":\"reply\",\"data\":{\"message_id\":\"Group:10007:8\"}}]}]}}],"
        "\"user_id\":10001}",
        "send_private_message",
        "{\"user_id\":10001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}},"
        "{\"type\":\"mention\",\"data\":{\"user_id\":10009}},"
        "{\"type\":\"face\",\"data\":{\"face_id\":\"14\",\"is_large\":false}},"
        "{\"type\":\"reply\",\"data\":{\"message_seq\":3}},"
        "{\"type\":\"reply\",\"data\":{\"message_seq\":4}},"
        "{\"type\":\"image\",\"data\":{\"uri\":\"u\",\"sub_type\":\"sticker\"}},"
        "{\"type\":\"video\",\"data\":{\"uri\":\"u\",\"thumb_uri\":\"t\"}},"
        "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10002,\"sender_name\":\"n\","
        "\"segments\":[{\"type\":\"reply\",\"data\":{\"message_seq\":8}}]}]}}]}");
    assert_json(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"message_id\":"
                              "\"Private:10001:1\",\"time\":2}}");
    assert_malformed(
        f, OLD, "send_group_message",
        "{\"group_id\":10001,\"message\":[{\"type\":\"reply\",\"data\":{\"message_id\":"
        "\"Private:10001:3\"}}]}",
        "message[0].data.message_id: expected a message_id that begins with "
        "\"Group:10001:\", got \"Private:10001:3\"");
    assert_malformed(
        f, OLD, "send_group_message",
        "{\"group_id\":10001,\"message\":[{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_"
        "id\":"
        "10001,\"name\":\"\",\"segments\":[{\"type\":\"reply\",\"data\":{\"message_id\":\"x\"}}]}]}"
        "}]}",
        "message[0].data.messages[0].segments[0].data.message_id: expected a message_id such as "
        "\"Group:123456:42\", got \"x\"");
}

static void test_upload_takes_the_name_from_the_uri(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"file_id\":\"/f\"}";
    const char *cases[][2] = {
        { "file:///tmp/a%20b.txt", "a b.txt" },
        { "https://h/x/y.zip?q=/1#/z", "y.zip" },
        { "https://h", "file" },
        { "https://h/x/", "file" },
        { "base64://AAAA/BBBB", "file" },
        { "BASE64://AAAA/BBBB", "file" },
        { "data:text/plain,a/b", "file" },
        { "/tmp/plain.txt", "plain.txt" },
        { "plain.txt", "plain.txt" },
        { "file:///a/%E4%BD%A0.txt", "\xe4\xbd\xa0.txt" },
        { "file:///a/%FF.txt", "file" },
        { "file:///a/%00", "file" },
        { "file:///a/b%2Fc", "c" },
        { "file:///a/%2e%2E", "file" },
        { "file:///a/50%", "50%" },
        { "file:///a/%4", "%4" },
        { "file:///a/%zz", "%zz" },
        { "", "file" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[128], params[256];
        snprintf(body, sizeof(body), "{\"user_id\":10001,\"file_uri\":\"%s\"}", cases[i][0]);
        snprintf(params, sizeof(params),
                 "{\"user_id\":10001,\"file_uri\":\"%s\",\"file_name\":\"%s\"}", cases[i][0],
                 cases[i][1]);
        assert_asks(f, OLD, "upload_private_file", body, "upload_private_file", params);
    }
}

static void test_entities_are_unwrapped(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"friend\":{\"user_id\":10001,\"nickname\":\"n\",\"sex\":\"male\",\"qid\":\"q\","
                "\"remark\":\"r\",\"category\":{\"category_id\":0,\"category_name\":\"c\"}}}";
    assert_json(request(f, OLD, "get_friend_info", "{\"user_id\":10001}"),
                "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"user_id\":10001,\"qid\":\"q\","
                "\"nickname\":\"n\",\"remark\":\"r\",\"category\":{\"category_id\":0,"
                "\"category_name\":\"c\"}}}");
    f->result = "{\"group\":{\"group_id\":10002,\"group_name\":\"g\",\"member_count\":1,"
                "\"max_member_count\":2,\"remark\":\"\",\"created_time\":1,\"description\":\"\","
                "\"question\":\"\",\"announcement\":\"\"}}";
    assert_json(request(f, OLD, "get_group_info", "{\"group_id\":10002}"),
                "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"group_id\":10002,\"name\":\"g\","
                "\"member_count\":1,\"max_member_count\":2}}");
    f->result =
        "{\"member\":{\"user_id\":10001,\"nickname\":\"n\",\"sex\":\"male\",\"group_id\":"
        "10002,\"card\":\"c\",\"title\":\"t\",\"level\":3,\"role\":\"owner\",\"join_time\":4,"
        "\"last_sent_time\":5,\"shut_up_end_time\":null}}";
    assert_json(request(f, OLD, "get_group_member_info", "{\"group_id\":10002,\"user_id\":10001}"),
                "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"group_id\":10002,\"user_id\":10001,"
                "\"nickname\":\"n\",\"card\":\"c\",\"title\":\"t\",\"sex\":\"male\",\"level\":3,"
                "\"role\":\"owner\",\"join_time\":4,\"last_sent_time\":5}}");
}

static void test_files_and_folders(void **state)
{
    struct fixture *f = *state;
    f->result =
        "{\"files\":[{\"group_id\":10001,\"file_id\":\"/f\",\"file_name\":\"n\","
        "\"parent_folder_id\":\"/\",\"file_size\":1e3,\"uploaded_time\":2,\"uploader_id\":10002,"
        "\"downloaded_times\":3}],\"folders\":[{\"group_id\":10001,\"folder_id\":\"/d\","
        "\"parent_folder_id\":\"/\",\"folder_name\":\"d\",\"created_time\":1,"
        "\"last_modified_time\":2,\"creator_id\":10002,\"file_count\":0}]}";
    assert_json(
        request(f, OLD, "get_group_files", "{\"group_id\":10001}"),
        "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"files\":[{\"group_id\":10001,\"file_id\":"
        "\"/f\",\"file_name\":\"n\",\"parent_folder_id\":\"/"
        "\",\"file_size\":1e3,\"uploaded_time\":2,"
        "\"expire_time\":0,\"uploader_id\":10002,\"downloaded_times\":3}],\"folder\":[{\"group_"
        "id\":"
        "10001,\"folder_id\":\"/d\",\"parent_folder_id\":\"/\",\"folder_name\":\"d\","
        "\"created_time\":1,\"last_modified_time\":2,\"creator_id\":10002,\"file_count\":0}]}}");
}

static void test_incoming_messages(void **state)
{
    struct fixture *f = *state;
    f->result =
        "{\"message\":{\"message_scene\":\"friend\",\"peer_id\":10001,\"message_seq\":42,"
        "\"sender_id\":10003,\"time\":5,\"segments\":["
        "{\"type\":\"mention\",\"data\":{\"user_id\":10009,\"name\":\"x\"}},"
        "{\"type\":\"mention_all\",\"data\":{}},"
        "{\"type\":\"reply\",\"data\":{\"message_seq\":7,\"sender_id\":10001,\"time\":1,"
        "\"segments\":[]}},"
        "{\"type\":\"image\",\"data\":{\"resource_id\":\"r\",\"temp_url\":\"u\",\"width\":1,"
        "\"height\":2,\"summary\":\"s\",\"sub_type\":\"normal\"}},"
        "{\"type\":\"file\",\"data\":{\"file_id\":\"f\",\"file_name\":\"n.txt\",\"file_size\":1}},"
        "{\"type\":\"hologram\",\"data\":{\"x\":[]}},"
        "{\"type\":\"market_face\",\"data\":{\"emoji_package_id\":1,\"emoji_id\":\"e\",\"key\":"
        "\"k\","
        "\"summary\":\"s\",\"url\":\"u\"}}],"
        "\"friend\":{\"user_id\":10001,\"nickname\":\"n\",\"sex\":\"male\",\"qid\":\"q\","
        "\"remark\":\"r\",\"category\":{\"category_id\":0,\"category_name\":\"c\"}}}}";
    assert_json(
        request(f, OLD, "get_message", "{\"message_id\":\"Private:10001:42\"}"),
        "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"message\":{\"message_type\":"
        "\"private\",\"message_id\":\"Private:10001:42\",\"time\":5,\"user_id\":10003,"
        "\"segments\":[{\"type\":\"at\",\"data\":{\"user_id\":10009}},"
        "{\"type\":\"text\",\"data\":{\"text\":\"@"
        "\xe5\x85\xa8\xe4\xbd\x93\xe6\x88\x90\xe5\x91\x98\"}},"
        "{\"type\":\"reply\",\"data\":{\"message_id\":\"Private:10001:7\"}},"
        "{\"type\":\"image\",\"data\":{\"resource_id\":\"r\",\"summary\":\"s\",\"sub_type\":"
        "\"normal\"}},"
        "{\"type\":\"text\",\"data\":{\"text\":\"[file: n.txt]\"}},"
        "{\"type\":\"text\",\"data\":{\"text\":\"[hologram]\"}},"
        "{\"type\":\"market_face\",\"data\":{\"url\":\"u\"}}]}}}");
    f->result = "{\"message\":{\"message_scene\":\"temp\",\"peer_id\":10001,\"message_seq\":42,"
                "\"sender_id\":10001,\"time\":5,\"segments\":[],\"group\":null}}";
    assert_json(request(f, OLD, "get_message", "{\"message_id\":\"Temp:10001:42\"}"),
                "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"message\":{\"message_type\":\"temp\","
                "\"message_id\":\"Temp:10001:42\",\"time\":5,\"user_id\":10001,\"segments\":[],"
                "\"group_id\":0}}}");
}

static void test_forwarded_messages(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"messages\":[{\"message_seq\":3,\"sender_name\":\"n\",\"avatar_url\":\"a\","
                "\"time\":4,\"segments\":[{\"type\":\"text\",\"data\":{\"text\":\"t\"}}]}]}";
    assert_json(request(f, OLD, "get_forwarded_messages", "{\"forward_id\":\"x\"}"),
                "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"messages\":[{\"message_type\":"
                "\"private\",\"message_id\":\"Private:80000000:3\",\"time\":4,\"user_id\":80000000,"
                "\"name\":\"n\",\"segments\":[{\"type\":\"text\",\"data\":{\"text\":\"t\"}}]}]}}");
}

static void test_wrong_results_become_failures(void **state)
{
    struct fixture *f = *state;
    const char *bad[][3] = {
        { "get_cookies", "{\"domain\":\"\"}", NULL },
        { "get_cookies", "{\"domain\":\"\"}", "{}" },
        { "get_cookies", "{\"domain\":\"\"}", "{\"cookies\":null}" },
        { "get_cookies", "{\"domain\":\"\"}", "{\"cookies\":1}" },
        { "get_cookies", "{\"domain\":\"\"}", "[]" },
        { "get_friend_list", "{}", "{\"friends\":[{}]}" },
        { "get_friend_list", "{}", "{\"friends\":{}}" },
        { "send_group_message", "{\"group_id\":10001,\"message\":[]}",
          "{\"message_seq\":1.5,\"time\":1}" },
        { "get_friend_info", "{\"user_id\":10001}", "{\"friend\":null}" },
        { "get_forwarded_messages", "{\"forward_id\":\"x\"}",
          "{\"messages\":[{\"message_seq\":3,\"sender_name\":\"n\",\"avatar_url\":\"a\",\"time\":4,"
          "\"segments\":[{\"data\":{}}]}]}" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f->result = bad[i][2];
        request(f, OLD, bad[i][0], bad[i][1]);
        if (f->retcode != MILKY_INTERNAL)
            fail_msg("%s %s: %s", bad[i][0], bad[i][2], f->body.data);
        assert_int_equal(f->outcome, MK_OUTCOME_DONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_calls_with_other_names),
        FIXTURE_TEST(test_message_ids_are_parsed),
        FIXTURE_TEST(test_malformed_message_ids),
        FIXTURE_TEST(test_temporary_sessions_recall),
        FIXTURE_TEST(test_history),
        FIXTURE_TEST(test_requests_are_distinguished),
        FIXTURE_TEST(test_outgoing_segments),
        FIXTURE_TEST(test_upload_takes_the_name_from_the_uri),
        FIXTURE_TEST(test_entities_are_unwrapped),
        FIXTURE_TEST(test_files_and_folders),
        FIXTURE_TEST(test_incoming_messages),
        FIXTURE_TEST(test_forwarded_messages),
        FIXTURE_TEST(test_wrong_results_become_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
