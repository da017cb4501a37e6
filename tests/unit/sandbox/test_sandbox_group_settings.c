/* What an operator sets of a group: its space for files, who uploads, its admins, invitations. */
#include "sandbox_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "base64://aGVsbG8=" /* 5 bytes */
#define DAY 86400

static void set(struct world *w, const char *fields)
{
    char params[256];
    snprintf(params, sizeof(params), "{\"group\":700000001,%s}", fields);
    control(w, "group_settings", params);
}

static void upload(struct world *w, const char *folder, char file_id[32])
{
    ask(w, BOT, "upload_group_file",
        "{\"group_id\":700000001,\"parent_folder_id\":\"%s\",\"file_uri\":\"" HELLO
        "\",\"file_name\":\"x\"}",
        folder);
    strcpy(file_id, str(w, "/file_id"));
}

static void list(struct world *w, const char *folder)
{
    ask(w, BOT, "get_group_files", "{\"group_id\":700000001,\"parent_folder_id\":\"%s\"}", folder);
}

static void shown_and_set(void **state)
{
    struct world *w = *state;
    control(w, "group_settings", "{\"group\":700000001}");
    assert_json(at(w, ""), "{\"uploads\":\"members\",\"file_space\":10737418240,"
                           "\"large_file_bytes\":0,\"temporary_file_days\":14,"
                           "\"max_admin_count\":0,\"invite_asks_from\":0,"
                           "\"invite_approval_from\":0,\"forbids_temp\":false}");
    set(w, "\"file_space\":7,\"uploads\":\"admins\"");
    assert_int_equal(num(w, "/file_space"), 7);
    assert_int_equal(num(w, "/temporary_file_days"), 14);
    assert_string_equal(str(w, "/uploads"), "admins");
    control_refused(w, SB_NO_GROUP, "no group 700000009", "group_settings",
                    "{\"group\":700000009}");
}

/* The last byte that fits is permanent; a file more is temporary. */
static void files_beyond_the_space_are_temporary(void **state)
{
    struct world *w = *state;
    char file[32];
    set(w, "\"file_space\":10");
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    for (int i = 0; i < 2; i++)
        upload(w, "/", file);
    list(w, "/");
    for (int i = 0; i < 2; i++)
        assert_null(at(w, i == 0 ? "/files/0/expire_time" : "/files/1/expire_time"));
    upload(w, "/", file);
    ask(w, BOT, "get_group_files", "{\"group_id\":700000001,\"parent_folder_id\":\"/\"}");
    uint64_t found = 0;
    for (int i = 0; i < 3; i++) {
        char pointer[64];
        snprintf(pointer, sizeof(pointer), "/files/%d/expire_time", i);
        if (at(w, pointer))
            found = num(w, pointer);
    }
    assert_int_equal(found, 2000000000 + 14 * DAY);
}

static void temporary_files_expire(void **state)
{
    struct world *w = *state;
    char folder[32], file[32];
    set(w, "\"file_space\":0,\"temporary_file_days\":2");
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    ask(w, BOT, "create_group_folder", "{\"group_id\":700000001,\"folder_name\":\"f\"}");
    strcpy(folder, str(w, "/folder_id"));
    upload(w, folder, file);
    control(w, "clock", "{\"advance\":172799}");
    ask(w, BOT, "get_group_file_download_url", "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    list(w, "/");
    assert_int_equal(num(w, "/folders/0/file_count"), 1);
    control(w, "clock", "{\"advance\":1}");
    refused(w, BOT, SB_NO_FILE, "no such file", "get_group_file_download_url",
            "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    refused(w, BOT, SB_NO_FILE, "no such file", "delete_group_file",
            "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    list(w, "/");
    assert_int_equal(num(w, "/folders/0/file_count"), 0);
    list(w, folder);
    assert_int_equal(yyjson_arr_size(at(w, "/files")), 0);
    uint64_t left;
    sb_db_number(world_db(w), "SELECT count(*) FROM group_file", &left);
    assert_int_equal(left, 0);
}

static void large_files_are_temporary(void **state)
{
    struct world *w = *state;
    char file[32];
    set(w, "\"large_file_bytes\":5");
    upload(w, "/", file);
    list(w, "/");
    assert_null(at(w, "/files/0/expire_time"));
    set(w, "\"large_file_bytes\":4");
    ask(w, BOT, "delete_group_file", "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    upload(w, "/", file);
    list(w, "/");
    assert_non_null(at(w, "/files/0/expire_time"));
}

static void uploads_of_admins_only(void **state)
{
    struct world *w = *state;
    char file[32];
    set(w, "\"uploads\":\"admins\"");
    upload(w, "/", file);
    refused(w, BOT2, SB_NO_PERMISSION, "upload files to this group", "upload_group_file",
            "{\"group_id\":700000001,\"file_uri\":\"" HELLO "\",\"file_name\":\"x\"}");
    set(w, "\"uploads\":\"members\"");
    ask(w, BOT2, "upload_group_file",
        "{\"group_id\":700000001,\"file_uri\":\"" HELLO "\",\"file_name\":\"x\"}");
}

static void admins_have_a_maximum(void **state)
{
    struct world *w = *state;
    const char *params = "{\"group_id\":700000001,\"user_id\":%d}";
    set(w, "\"max_admin_count\":2");
    ask(w, BOT, "set_group_member_admin", params, BOT2);
    ask(w, BOT, "set_group_member_admin", params, MING);
    refused(w, BOT, SB_TOO_MUCH, "has 2 admins", "set_group_member_admin", params, HONG);
    ask(w, BOT, "set_group_member_admin", params, MING); /* is one already */
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":10003001,\"is_set\":false}");
    ask(w, BOT, "set_group_member_admin", params, HONG);
}

/* By the size of the group where nothing is set: 10, 15, 20. */
static void admins_by_size(void **state)
{
    struct world *w = *state;
    static const struct {
        int size, most;
    } cases[] = { { 500, 10 }, { 501, 15 }, { 1000, 15 }, { 2000, 20 } };
    for (size_t i = 0; i < 4; i++) {
        char sql[512], problem[32];
        snprintf(sql, sizeof(sql),
                 "UPDATE qq_group SET max_member_count = %d;"
                 "DELETE FROM member WHERE uin > 10005000;"
                 "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                 " INSERT INTO member (group_id, uin, join_time, role)"
                 " SELECT 700000001, 10005000 + i, 1, 1 FROM n",
                 cases[i].size, cases[i].most - 1);
        world_sql(w, "INSERT OR IGNORE INTO person (uin, nickname) WITH n(i) AS (VALUES (1) UNION "
                     "ALL SELECT i + 1 FROM n WHERE i < 30) SELECT 10005000 + i, 'x' FROM n");
        world_sql(w, sql);
        ask(w, BOT, "set_group_member_admin", "{\"group_id\":700000001,\"user_id\":10003001}");
        snprintf(problem, sizeof(problem), "has %d admins", cases[i].most);
        refused(w, BOT, SB_TOO_MUCH, problem, "set_group_member_admin",
                "{\"group_id\":700000001,\"user_id\":10003002}");
        ask(w, BOT, "set_group_member_admin",
            "{\"group_id\":700000001,\"user_id\":10003001,\"is_set\":false}");
    }
}

/* Below the numbers, those who are invited are put into the group. The group has 7 members. */
static void invitations_into_small_groups(void **state)
{
    struct world *w = *state;
    const char *invite = "{\"as\":10003001,\"group\":700000001,\"user\":%d}";
    const char *leave = "{\"group_id\":700000001}";
    uint64_t members;
    sb_db_number(world_db(w), "SELECT count(*) FROM member WHERE group_id = 700000001", &members);
    ask(w, BOT2, "quit_group", leave);
    for (int asks = 0; asks < 2; asks++) {
        char fields[96];
        snprintf(fields, sizeof(fields), "\"invite_asks_from\":%d,\"invite_approval_from\":1000",
                 (int)members - asks);
        set(w, fields);
        control(w, "invite", invite, BOT2);
        assert_string_equal(str(w, "/state"), asks ? "invited" : "joined");
        if (!asks)
            ask(w, BOT2, "quit_group", leave);
    }
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10002000, 1)");
    ask(w, HONG, "quit_group", leave);
    set(w, "\"invite_approval_from\":1");
    control(w, "invite", invite, HONG);
    assert_string_equal(str(w, "/state"), "pending");
    set(w, "\"invite_approval_from\":1000");
    control(w, "invite", invite, HONG);
    assert_string_equal(str(w, "/state"), "joined");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shown_and_set),          TEST(files_beyond_the_space_are_temporary),
        TEST(temporary_files_expire), TEST(large_files_are_temporary),
        TEST(uploads_of_admins_only), TEST(admins_have_a_maximum),
        TEST(admins_by_size),         TEST(invitations_into_small_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
