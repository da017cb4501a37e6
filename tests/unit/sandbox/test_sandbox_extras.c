/* What people do beyond the APIs of bots: markdown, disbanding; and how long private files live. */
#include "sandbox_world.h"

#include <stdio.h>
#include <string.h>

#define HELLO "base64://aGVsbG8="
#define MARKDOWN "[{\"type\":\"markdown\",\"data\":{\"content\":\"# hi\"}}]"

static void markdown_is_received(void **state)
{
    struct world *w = *state;
    control(w, "say_markdown", "{\"as\":10003001,\"group\":700000001,\"markdown\":\"# hi\"}");
    assert_int_equal(num(w, "/message_seq"), 1);
    assert_int_equal(w->host.event_count, 2);
    assert_json(event_at(w, 0, "/segments"), MARKDOWN);
    assert_json(event_at(w, 1, "/segments"), MARKDOWN);
    fake_host_forget(&w->host);
    control(w, "say_markdown", "{\"as\":10003001,\"to\":10001000,\"markdown\":\"# hi\"}");
    assert_string_equal(event_str(w, 0, "/message_scene"), "friend");
    assert_json(event_at(w, 0, "/segments"), MARKDOWN);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"message_seq\":1}");
    assert_json(at(w, "/message/segments"), MARKDOWN);
    control_refused(w, MILKY_MALFORMED, "one of to and group", "say_markdown",
                    "{\"as\":10003001,\"to\":10001000,\"group\":700000001,\"markdown\":\"x\"}");
    control_refused(w, SB_NO_USER, "10009999", "say_markdown",
                    "{\"as\":10003001,\"to\":10009999,\"markdown\":\"x\"}");
}

static void the_owner_disbands(void **state)
{
    struct world *w = *state;
    control_refused(w, SB_NO_PERMISSION, "only the owner", "disband",
                    "{\"as\":10003001,\"group\":700000001}");
    control(w, "disband", "{\"as\":10001000,\"group\":700000001}");
    refused(w, BOT, SB_NO_GROUP, "700000001", "get_group_info", "{\"group_id\":700000001}");
    control_refused(w, SB_NO_GROUP, "700000001", "disband",
                    "{\"as\":10001000,\"group\":700000001}");
}

/* The last second of the week, and the first one after it. */
static void private_files_live_a_week(void **state)
{
    struct world *w = *state;
    char params[128];
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    ask(w, BOT, "upload_private_file",
        "{\"user_id\":10003001,\"file_uri\":\"" HELLO "\",\"file_name\":\"x\"}");
    snprintf(params, sizeof(params), "{\"user_id\":10003001,\"file_hash\":\"\",\"file_id\":\"%s\"}",
             str(w, "/file_id"));
    control(w, "clock", "{\"advance\":604799}");
    ask(w, BOT, "get_private_file_download_url", params);
    control(w, "clock", "{\"advance\":1}");
    refused(w, BOT, SB_NO_FILE, "a private file lives 7 days", "get_private_file_download_url",
            params);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(markdown_is_received),
        TEST(the_owner_disbands),
        TEST(private_files_live_a_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
