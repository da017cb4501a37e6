/* Worlds are made, opened again, and refused. */
#include "sandbox_world.h"

#include "backend/sandbox/api/features.h"
#include "backend/sandbox/sandbox.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO                                                                                      \
    "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}}]}"
#define LIST "{\"no_cache\":false}"

/* The last line of the log. */
static char logged[1024];

static void keep_log(const char *line, size_t len)
{
    snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

static void assert_logged(const char *part)
{
    if (!strstr(logged, part))
        fail_msg("logged \"%s\", expected \"%s\"", logged, part);
}

/* --- opening --- */

static void reopened(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_group_message", HELLO);
    uint64_t before = world_print(w);
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    assert_true(world_print(w) == before); /* no bot joins twice */
    ask(w, BOT2, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}");
    assert_string_equal(str(w, "/message/segments/0/data/text"), "hi");
    ask(w, BOT2, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 2);
}

/* A bot that is added to the configuration is a friend of all and in the group, but not its owner.
 */
static void bot_added(void **state)
{
    struct world *w = *state;
    world_stop(w);
    w->host.bots[2] = 10005000;
    w->host.bots[3] = MING; /* a person may become one */
    w->host.bot_count = 4;
    assert_int_equal(world_start(w), 0);
    ask(w, 10005000, "get_friend_list", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 7);
    ask(w, HONG, "get_friend_list", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 7);
    ask(w, 10005000, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10005000,\"no_cache\":false}");
    assert_string_equal(str(w, "/member/role"), "member");
    ask(w, 10005000, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 8);
    ask(w, MING, "get_login_info", "{}");
    assert_string_equal(str(w, "/nickname"), "小明");
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(w->host.event_count, 3);
    uint64_t before = world_print(w);
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    assert_true(world_print(w) == before);
}

/* The group may not exist any more. */
static void bot_added_without_group(void **state)
{
    struct world *w = *state;
    world_sql(w, "DELETE FROM member; DELETE FROM qq_group");
    world_stop(w);
    w->host.bots[2] = 10005000;
    w->host.bot_count = 3;
    assert_int_equal(world_start(w), 0);
    ask(w, 10005000, "get_group_list", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 0);
    ask(w, 10005000, "get_friend_list", LIST);
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 7);
}

static void world_without_bots(void **state)
{
    struct world *w = *state;
    world_stop(w);
    unlink(w->path);
    w->host.bot_count = 0;
    assert_int_equal(world_start(w), 0);
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/people")), 8);
    ask(w, MING, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10003001,\"no_cache\":false}");
    assert_string_equal(str(w, "/member/role"), "owner");
}

static void newer_schema(void **state)
{
    struct world *w = *state;
    world_sql(w, "PRAGMA user_version = 1000");
    world_stop(w);
    assert_int_equal(world_start(w), -ENOTSUP);
    assert_logged("tables are of version 1000 and this milky knows version");
}

/* The tables, indexes and triggers, one after the other; free it. */
static char *schema_of(struct world *w)
{
    sqlite3_stmt *all;
    assert_int_equal(sqlite3_prepare_v2(world_db(w)->handle,
                                        "SELECT group_concat(sql, ';') FROM"
                                        " (SELECT sql FROM sqlite_schema ORDER BY type, name)",
                                        -1, &all, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(all), SQLITE_ROW);
    char *text = strdup((const char *)sqlite3_column_text(all, 0));
    sqlite3_finalize(all);
    assert_non_null(text);
    return text;
}

/* Runs the steps of all features that make tables of `version`; false where there are none. */
static bool make_version(sqlite3 *db, uint64_t version)
{
    bool is_there = false;
    for (size_t i = 0; sb_features[i]; i++) {
        for (const struct sb_schema_step *step = sb_features[i]->steps; step && step->sql; step++) {
            if (step->version != version)
                continue;
            is_there = true;
            assert_int_equal(sqlite3_exec(db, step->sql, NULL, NULL, NULL), SQLITE_OK);
        }
    }
    return is_there;
}

/* A world of each older version opens, and has the tables of a new one. */
static void older_schema(void **state)
{
    struct world *w = *state;
    char *newest = schema_of(w);
    for (uint64_t version = 1; version < 8; version++) {
        world_stop(w);
        unlink(w->path);
        sqlite3 *old;
        assert_int_equal(sqlite3_open(w->path, &old), SQLITE_OK);
        for (uint64_t i = 1; i <= version; i++)
            assert_true(make_version(old, i));
        char marks[256];
        snprintf(marks, sizeof(marks),
                 "PRAGMA application_id = %d; PRAGMA user_version = %d;"
                 "INSERT INTO person (uin, nickname) VALUES (10004001, 'Old');"
                 "INSERT INTO friend_category VALUES (10004001, 0, 'F')",
                 SB_DB_APPLICATION, (int)version);
        assert_int_equal(sqlite3_exec(old, marks, NULL, NULL, NULL), SQLITE_OK);
        bool has_unsent = version >= 7;
        if (has_unsent)
            assert_int_equal(
                sqlite3_exec(old, "INSERT INTO unsent VALUES (1, '[]')", NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(old);
        assert_int_equal(world_start(w), 0);
        uint64_t unsent = 0;
        sb_db_number(world_db(w), "SELECT count(*) FROM unsent WHERE events = '[]'", &unsent);
        assert_int_equal(unsent, has_unsent);
        char *updated = schema_of(w);
        assert_string_equal(updated, newest);
        free(updated);
        ask(w, BOT, "get_friend_info", "{\"user_id\":10004001,\"no_cache\":false}");
        assert_string_equal(str(w, "/friend/nickname"), "Old");
    }
    free(newest);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void no_database(void **state)
{
    struct world *w = *state;
    world_stop(w);
    write_file(w->path, "this is some text, and no database at all, however long "
                        "one looks at it; SQLite wants to see a hundred bytes before it says so.");
    assert_int_equal(world_start(w), -EINVAL);
    assert_logged("it is not an SQLite database");
    struct stat left;
    assert_int_equal(stat(w->path, &left), 0);
    assert_true(left.st_size < 200); /* untouched */
}

static void other_database(void **state)
{
    struct world *w = *state;
    world_stop(w);
    unlink(w->path);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(w->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(world_start(w), -EINVAL);
    assert_logged("a database of another program");
}

static void bad_paths(void **state)
{
    struct world *w = *state;
    char good[sizeof(w->path)];
    strcpy(good, w->path);
    world_stop(w);
    snprintf(w->path, sizeof(w->path), "%s/none/world.db", w->dir);
    assert_int_equal(world_start(w), -ENOENT);
    assert_logged("its directory does not exist");
    strcpy(w->path, w->dir);
    assert_int_equal(world_start(w), -EISDIR);
    assert_logged("it is a directory");
    strcpy(w->path, good);
    if (geteuid() == 0)
        return; /* root may write everywhere */
    chmod(good, 0400);
    assert_int_equal(world_start(w), -EACCES);
    assert_logged("may not be written");
    chmod(w->dir, 0500);
    unlink(good);
    assert_int_equal(world_start(w), -EACCES);
    chmod(w->dir, 0700);
}

static void locked(void **state)
{
    struct world *w = *state;
    struct world other = *w;
    other.backend.self = NULL;
    other.host.supported = NULL;
    assert_int_equal(world_start(&other), -EBUSY);
    fake_host_fini(&other.host);
    assert_logged("another process has this world open");
    /* and really from another process */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sb_sandbox_config config = { .path = w->path };
        void *sandbox = sb_sandbox_new(&config);
        _exit(sb_backend.start(sandbox, &w->host) == -EBUSY ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ask(w, BOT, "send_group_message", HELLO); /* the first one still works */
}

static int setup_file_with_log(void **state)
{
    logged[0] = '\0';
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, keep_log);
    return world_setup_file(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_file_with_log, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reopened),
        TEST(bot_added),
        TEST(bot_added_without_group),
        TEST(world_without_bots),
        TEST(newer_schema),
        TEST(older_schema),
        TEST(no_database),
        TEST(other_database),
        TEST(bad_paths),
        TEST(locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
