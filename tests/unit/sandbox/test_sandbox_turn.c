/* Turns of the loop: one commit for all calls of a turn, and turns that fail, as a whole or in
 * part. */
#include "sandbox_turns.h"

#define LIST "{\"no_cache\":false}"

static uint64_t messages_in(struct world *w)
{
    sqlite3_stmt *count;
    assert_int_equal(
        sqlite3_prepare_v2(world_db(w)->handle, "SELECT count(*) FROM message", -1, &count, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    uint64_t messages = sb_db_uint(count, 0);
    sqlite3_finalize(count);
    return messages;
}

static void one_commit_per_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply replies[64];
    for (int i = 0; i < 64; i++) {
        call(w, BOT, "send_group_message", HELLO, &replies[i]);
        assert_false(replies[i].done);
    }
    assert_int_equal(w->host.event_count, 0);
    end_turn(w);
    assert_int_equal(w->host.event_count, 64);
    for (int i = 0; i < 64; i++) {
        assert_true(replies[i].done);
        assert_int_equal(replies[i].retcode, 0);
        assert_int_equal(replies[i].events_before, i + 1); /* each with its own, in order */
        assert_int_equal(event_num(w, (size_t)i, "/message_seq"), i + 1);
        fake_reply_fini(&replies[i]);
    }
    end_turn(w); /* an idle turn is nothing */
    assert_int_equal(w->host.event_count, 64);
}

/* Replies that wait are in memory, and each may be long: with so many, the turn is committed. */
static void a_long_turn_is_committed_early(void **state)
{
    enum { HELD = 256, READS = HELD - 1, LATE = 3 };
    struct world *w = *state;
    struct fake_reply sent, reads[READS], late[LATE];
    call(w, BOT, "send_group_message", HELLO, &sent);
    for (int i = 0; i < READS; i++)
        call(w, BOT, "get_login_info", "{}", &reads[i]);
    assert_false(sent.done);
    assert_false(reads[READS - 1].done);
    for (int i = 0; i < LATE; i++)
        call(w, BOT, "get_login_info", "{}", &late[i]);
    assert_true(sent.done);
    assert_true(reads[READS - 1].done);
    assert_true(late[0].done); /* nothing has been written any more */
    assert_int_equal(w->host.event_count, 1);
    end_turn(w);
    fake_reply_fini(&sent);
    for (int i = 0; i < READS; i++)
        fake_reply_fini(&reads[i]);
    for (int i = 0; i < LATE; i++)
        fake_reply_fini(&late[i]);
}

/* A read within the turn of a write may be undone with it: its reply waits too, in order. */
static void reads_wait_for_writes(void **state)
{
    struct world *w = *state;
    struct fake_reply read_before, sent, read_after, refusal;
    call(w, BOT, "get_login_info", "{}", &read_before);
    assert_true(read_before.done);
    call(w, BOT, "send_group_message", HELLO, &sent);
    call(w, BOT, "get_message",
         "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}", &read_after);
    call(w, BOT, "get_user_profile", "{\"user_id\":10009999}", &refusal);
    assert_false(sent.done || read_after.done || refusal.done);
    end_turn(w);
    assert_true(sent.done && read_after.done && refusal.done);
    assert_int_equal(read_after.retcode, 0);
    assert_int_equal(refusal.retcode, SB_NO_USER);
    assert_non_null(strstr(refusal.message, "10009999"));
    fake_reply_fini(&read_before);
    fake_reply_fini(&sent);
    fake_reply_fini(&read_after);
}

/* A call that is refused in the middle of a turn leaves the others alone. */
static void refusal_within_a_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply first, bad, last;
    call(w, BOT, "send_group_message", HELLO, &first);
    call(w, BOT2, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}", &bad);
    call(w, BOT2, "send_group_message", HELLO, &last);
    end_turn(w);
    assert_int_equal(first.retcode, 0);
    assert_int_equal(bad.retcode, SB_NO_PERMISSION);
    assert_int_equal(last.retcode, 0);
    assert_int_equal(w->host.event_count, 2);
    assert_int_equal(messages_in(w), 2);
    fake_reply_fini(&first);
    fake_reply_fini(&last);
}

static int refuse_commit(void *context)
{
    (void)context;
    return 1;
}

static void commit_fails(void **state)
{
    struct world *w = *state;
    uint64_t before = world_print(w);
    struct fake_reply sent, read, more;
    sqlite3_commit_hook(world_db(w)->handle, refuse_commit, NULL);
    call(w, BOT, "send_group_message", HELLO, &sent);
    call(w, BOT, "get_login_info", "{}", &read);
    call(w, BOT2, "send_private_message",
         "{\"user_id\":10001000,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]}",
         &more);
    end_turn(w);
    assert_int_equal(sent.retcode, MILKY_INTERNAL);
    assert_int_equal(read.retcode, MILKY_INTERNAL);
    assert_int_equal(more.retcode, MILKY_INTERNAL);
    assert_int_equal(w->host.event_count, 0);
    assert_true(world_print(w) == before);
    assert_logged("cannot commit");
    /* The next turn is a new one. */
    sqlite3_commit_hook(world_db(w)->handle, NULL, NULL);
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 1);
    assert_int_equal(w->host.event_count, 1);
}

/* The disk fills up in the middle of a turn. */
static void disk_full(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_group_message", HELLO);
    world_sql(w, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA max_page_count = 1");
    uint64_t before = world_print(w);
    struct fake_reply replies[64];
    int failed = 0;
    char params[512];
    snprintf(
        params, sizeof(params),
        "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%0300d\"}}]}",
        0);
    for (int i = 0; i < 64; i++)
        call(w, BOT, "send_group_message", params, &replies[i]);
    end_turn(w);
    uint64_t sent = 0;
    for (int i = 0; i < 64; i++) {
        assert_true(replies[i].done);
        failed += replies[i].retcode == MILKY_INTERNAL;
        sent += replies[i].retcode == 0;
        if (replies[i].retcode != 0)
            assert_non_null(strstr(replies[i].message, "the disk of the sandbox is full"));
        fake_reply_fini(&replies[i]);
    }
    assert_true(failed > 0);
    assert_int_equal(failed + (int)sent, 64);
    assert_int_equal(messages_in(w),
                     1 + sent); /* acknowledged messages are stored, and no others */
    assert_int_equal(w->host.event_count, 1 + sent);
    if (sent == 0)
        assert_true(world_print(w) == before);
    world_sql(w, "PRAGMA max_page_count = 1000000");
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 2 + sent);
}

static void calls_from_within_replies(void **state)
{
    struct pipeline line = { .world = *state };
    call_next(&line);
    end_turn(*state);
    for (int i = 0; i < 3; i++) {
        assert_true(line.replies[i].done);
        assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(line.replies[i].data, "/message_seq")),
                         i + 1);
        fake_reply_fini(&line.replies[i]);
    }
}

/* The reply refers to the log: it has a line. */
static void the_reason_of_a_rollback_is_logged(void **state)
{
    struct world *w = *state;
    struct sb_unsent *unsent = &((struct sb_sandbox *)w->backend.self)->unsent;
    size_t max = unsent->events.max;
    unsent->events.max = 16;
    refused(w, BOT, MILKY_INTERNAL, "see the log", "send_group_message", HELLO);
    assert_logged("a turn was rolled back");
    unsent->events.max = max;
    ask(w, BOT, "send_group_message", HELLO);
}

/* As SQLite leaves it when it is out of memory in the middle of BEGIN or ROLLBACK. */
static void a_transaction_left_open_is_undone(void **state)
{
    struct world *w = *state;
    uint64_t before = world_print(w);
    world_sql(w, "BEGIN IMMEDIATE; UPDATE person SET nickname = 'x'");
    assert_true(world_print(w) != before);
    ask(w, BOT, "set_nickname", "{\"new_nickname\":\"y\"}");
    ask(w, BOT2, "get_user_profile", "{\"user_id\":10003001}");
    assert_string_not_equal(str(w, "/nickname"), "x");
}

/* A bot that is added by a reload joins completely or not at all. */
static void a_bot_is_added_completely_or_not_at_all(void **state)
{
    struct world *w = *state;
    uint64_t before = world_print(w);
    struct fake_reply sent;
    world_sql(w, "CREATE TEMP TRIGGER broken BEFORE INSERT ON member"
                 " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    call(w, BOT, "send_group_message", HELLO, &sent);
    w->host.bots[w->host.bot_count++] = 10005000;
    w->backend.table->bots_changed(w->backend.self);
    end_turn(w);
    assert_int_equal(sent.retcode, MILKY_INTERNAL);
    assert_logged("not in the world until milky starts again");
    assert_true(world_print(w) == before);
    world_sql(w, "DROP TRIGGER temp.broken");
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    ask(w, 10005000, "send_group_message", HELLO);
}

/* All calls end first, and calls that were executed in the turn keep their effect. */
static void freed_in_a_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply sent;
    call(w, BOT, "send_group_message", HELLO, &sent);
    world_stop(w);
    assert_true(sent.done);
    assert_int_equal(sent.retcode, MILKY_INTERNAL);
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(messages_in(w), 1);
}

/* --- memory --- */

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    w->host.bots[2] = MING;
    w->host.bot_count = 3;
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    world_sql(w, "UPDATE member SET remark='家' WHERE uin=10003001");
    ask(w, BOT, "send_group_message", HELLO);
    ask_with_little_memory(
        w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":["
        "{\"type\":\"reply\",\"data\":{\"message_seq\":1}},"
        "{\"type\":\"text\",\"data\":{\"text\":\"a text that is longer than a small pool\"}},"
        "{\"type\":\"mention\",\"data\":{\"user_id\":10003001}},"
        "{\"type\":\"mention_all\",\"data\":{}},"
        "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}}]}");
    ask_with_little_memory(
        w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":["
        "{\"type\":\"light_app\",\"data\":{\"json_payload\":\"{\\\"app\\\":\\\"x\\\"}\"}}]}");
    ask_with_little_memory(
        w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":["
        "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10001,\"sender_name\":\"n\","
        "\"segments\":[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]}]}}]}");
    ask_with_little_memory(w, BOT, "send_private_message",
                           "{\"user_id\":10002000,\"message\":[{\"type\":\"text\",\"data\":{"
                           "\"text\":\"x\"}}]}");
    ask_with_little_memory(w, BOT, "get_history_messages",
                           "{\"message_scene\":\"group\",\"peer_id\":700000001,\"limit\":20}");
    ask_with_little_memory(w, BOT, "get_friend_list", LIST);
    ask_with_little_memory(w, BOT, "get_group_list", LIST);
    ask_with_little_memory(w, BOT, "get_group_member_list",
                           "{\"group_id\":700000001,\"no_cache\":false}");
    ask_with_little_memory(w, BOT, "get_user_profile", "{\"user_id\":10003001}");
    ask_with_little_memory(w, BOT, "recall_group_message",
                           "{\"group_id\":700000001,\"message_seq\":2}");
    ask_with_little_memory(w, BOT, "recall_private_message",
                           "{\"user_id\":10002000,\"message_seq\":1}");
    ask_with_little_memory(w, 0, "say",
                           "{\"as\":10003002,\"group\":700000001,\"message\":["
                           "{\"type\":\"text\",\"data\":{\"text\":\"x\"}},"
                           "{\"type\":\"mention\",\"data\":{\"user_id\":10003001}},"
                           "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}}]}");
    ask_with_little_memory(w, 0, "world", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_commit_per_turn),
        TEST(a_long_turn_is_committed_early),
        TEST(reads_wait_for_writes),
        TEST(refusal_within_a_turn),
        TEST(commit_fails),
        TEST(disk_full),
        TEST(calls_from_within_replies),
        TEST(the_reason_of_a_rollback_is_logged),
        TEST(a_transaction_left_open_is_undone),
        TEST(a_bot_is_added_completely_or_not_at_all),
        TEST(freed_in_a_turn),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
