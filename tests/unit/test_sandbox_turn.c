/* Turns of the loop: one commit for all calls of a turn, and turns that fail, as a whole or in
 * part. */
#include "sandbox_world.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO                                                                                      \
    "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}}]}"
#define LIST "{\"no_cache\":false}"

/* What was logged last: failures are for people to read. */
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

static uint64_t messages_in(struct world *w)
{
    sqlite3_stmt *count;
    assert_int_equal(
        sqlite3_prepare_v2(world_db(w)->handle, "SELECT count(*) FROM message", -1, &count, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    uint64_t messages = mk_db_uint(count, 0);
    sqlite3_finalize(count);
    return messages;
}

static void call(struct world *w, uint64_t bot, const char *action, const char *params,
                 struct fake_reply *reply)
{
    fake_call(&w->host, w->backend, bot, action, params, reply);
}

static void end_turn(struct world *w)
{
    w->backend->turn_end(w->backend);
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

/* What is read within the turn of a write may be undone with it: it waits too, in its place. */
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
    assert_int_equal(refusal.retcode, MK_SANDBOX_NO_USER);
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
    assert_int_equal(bad.retcode, MK_SANDBOX_NO_PERMISSION);
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
    assert_int_equal(messages_in(w), 1 + sent); /* what was said to be sent is there, no more */
    assert_int_equal(w->host.event_count, 1 + sent);
    if (sent == 0)
        assert_true(world_print(w) == before);
    world_sql(w, "PRAGMA max_page_count = 1000000");
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 2 + sent);
}

struct pipeline {
    struct world *world;
    struct fake_reply replies[3];
    int count;
    int digits; /* of the text at least; the call's number otherwise */
};

/* The reply to one call brings the next one in, from within milky_call_ok. */
static void call_next(void *context)
{
    struct pipeline *line = context;
    if (line->count == 3)
        return;
    line->world->host.on_reply = call_next;
    line->world->host.context = line;
    char params[8192];
    snprintf(params, sizeof(params),
             "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":"
             "\"%0*d\"}}]}",
             line->digits, line->count);
    call(line->world, BOT, "send_group_message", params, &line->replies[line->count++]);
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

/* A crash after the world's commit: the journal has only the first `count` events of BOT2. */
static void crash_before_the_journal(struct world *w, uint64_t count)
{
    world_stop(w);
    fake_host_forget(&w->host);
    w->host.last_event[1] = count;
    assert_int_equal(world_start(w), 0);
}

static void check_event(struct world *w, size_t which, const char *text)
{
    const struct fake_event *event = &w->host.events[which];
    assert_int_equal(event->self_id, BOT2);
    assert_string_equal(event->type, "message_receive");
    assert_true(event->time > 1700000000);
    assert_string_equal(yyjson_get_str(yyjson_doc_ptr_get(event->data, "/segments/0/data/text")),
                        text);
}

static const char *const says[] = { "one", "two", "three" };

static void say(struct world *w, const char *text, struct fake_reply *reply)
{
    char params[128];
    snprintf(
        params, sizeof(params),
        "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%s\"}}]}",
        text);
    call(w, BOT, "send_group_message", params, reply);
}

static void what_a_crash_kept_back_is_emitted(void **state)
{
    struct world *w = *state;
    struct fake_reply replies[3];
    for (int i = 0; i < 3; i++)
        say(w, says[i], &replies[i]);
    end_turn(w);
    for (int i = 0; i < 3; i++)
        fake_reply_fini(&replies[i]);
    assert_int_equal(w->host.event_count, 3);
    crash_before_the_journal(w, 3); /* it has all of them */
    assert_int_equal(w->host.event_count, 0);
    crash_before_the_journal(w, 1);
    assert_int_equal(w->host.event_count, 2);
    check_event(w, 0, "two");
    check_event(w, 1, "three");
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 3);
    check_event(w, 0, "one");
    crash_before_the_journal(w, 7); /* the journal of another world */
    assert_int_equal(w->host.event_count, 0);
}

/* The world of before is gone, but what was told of it was told. */
static void a_reset_leaves_events_of_before(void **state)
{
    struct world *w = *state;
    struct fake_reply reply;
    say(w, "one", &reply);
    end_turn(w);
    fake_reply_fini(&reply);
    control(w, "reset", "{}");
    say(w, "two", &reply);
    end_turn(w);
    fake_reply_fini(&reply);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 2);
    check_event(w, 0, "one");
    check_event(w, 1, "two");
}

/* One turn may have several transactions, and only at its end is the journal committed. */
static void every_transaction_of_the_turn_is_kept(void **state)
{
    struct world *w = *state;
    struct pipeline line = { .world = w };
    call_next(&line);
    end_turn(w);
    for (int i = 0; i < 3; i++)
        fake_reply_fini(&line.replies[i]);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 3);
    ask(w, BOT, "send_group_message", HELLO);
    crash_before_the_journal(w, 3);
    assert_int_equal(w->host.event_count, 1);
    crash_before_the_journal(w, 2);
    assert_int_equal(w->host.event_count, 2);
}

/* One turn after the other, until the journal was flushed once more or `most` have passed. */
static uint64_t fill(struct world *w, uint64_t most)
{
    char params[8192];
    snprintf(params, sizeof(params),
             "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":"
             "\"%04000d\"}}]}",
             0);
    size_t flushes = w->host.flushes;
    uint64_t turns = 0;
    for (; turns < most && w->host.flushes == flushes; turns++)
        ask(w, BOT, "send_group_message", params);
    return turns;
}

/* The loss of power takes from the journal what it has not flushed, and from the world nothing. */
static void events_stay_until_the_journal_is_flushed(void **state)
{
    struct world *w = *state;
    uint64_t turns = fill(w, 1000);
    assert_in_range(turns, 10, 999);
    fill(w, 5);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 0); /* number 1 was forgotten */
    crash_before_the_journal(w, turns - 1);   /* the turn that flushed came after it */
    assert_int_equal(w->host.event_count, 6);
    w->host.flush_error = -EIO;
    fill(w, 1000); /* asks once */
    assert_int_equal(fill(w, 1), 1);
    crash_before_the_journal(w, turns - 1);
    assert_true(w->host.event_count > 6 + 1);
}

/* What is forgotten is in the journal, so nothing of the turn itself. */
static void a_turn_forgets_nothing_of_its_own(void **state)
{
    struct world *w = *state;
    /* each of the three would be the one behind which the room is full */
    for (uint64_t single = 1; single <= 3; single++) {
        size_t flushes = w->host.flushes;
        uint64_t before = 0;
        fill(w, single);
        while (w->host.flushes == flushes) {
            struct pipeline line = { .world = w, .digits = 4000 };
            before = w->host.last_event[1];
            call_next(&line);
            end_turn(w);
            for (int i = 0; i < 3; i++)
                fake_reply_fini(&line.replies[i]);
        }
        assert_int_equal(w->host.last_event[1], before + 3);
        crash_before_the_journal(w, before);
        assert_int_equal(w->host.event_count, 3);
    }
}

/* What a start emits is in the journal when its first turn has ended, and not before. */
static void the_first_turn_forgets_nothing_of_the_start(void **state)
{
    struct world *w = *state;
    w->host.flush_error = -EIO;
    uint64_t turns = fill(w, 1000);
    fill(w, 1); /* more than is kept without a flush */
    w->host.flush_error = 0;
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, turns + 1);
    ask(w, BOT, "send_group_message", HELLO);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, turns + 2);
    end_turn(w);
    ask(w, BOT, "send_group_message", HELLO);
    crash_before_the_journal(w, 0); /* now it has asked */
    assert_int_equal(w->host.event_count, 0);
}

static void without_a_journal_nothing_is_stored(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_group_message", HELLO);
    world_stop(w);
    w->host.flush_error = -ENOTSUP;
    fake_host_forget(&w->host);
    w->host.last_event[1] = 0;
    assert_int_equal(world_start(w), 0);
    assert_int_equal(w->host.event_count, 0);
    uint64_t rows = 0;
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(mk_db_number(world_db(w), "SELECT count(*) FROM unsent", &rows), 0);
    assert_int_equal(rows, 1);
}

/* A bot that was taken out of the configuration stays in its groups: nothing is kept for later. */
static void of_bots_that_are_not_served_nothing_is_stored(void **state)
{
    struct world *w = *state;
    w->host.bot_count = 1;
    ask(w, BOT, "send_group_message", HELLO);
    w->host.bot_count = 2;
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 0);
}

static void an_event_that_changes_nothing_is_kept(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_group_nudge", "{\"group_id\":700000001,\"user_id\":10002000}");
    assert_int_equal(w->host.event_count, 2);
    crash_before_the_journal(w, 0); /* for one of the two bots */
    assert_int_equal(w->host.event_count, 1);
}

/* What one transaction may tell has no bound: a row has one. */
static void long_transactions_have_several_rows(void **state)
{
    enum { FACES = 4400, MANY = 40 };
    struct world *w = *state;
    struct fake_reply replies[MANY];
    static const char face[] = "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}}";
    char *params = malloc(FACES * sizeof(face) + 100);
    char *end = params + sprintf(params, "{\"group_id\":700000001,\"message\":[");
    for (int i = 0; i < FACES; i++)
        end += sprintf(end, "%s%s", i ? "," : "", face);
    strcpy(end, "]}");
    for (int i = 0; i < MANY; i++)
        call(w, BOT, "send_group_message", params, &replies[i]);
    free(params);
    end_turn(w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(replies[i].retcode, 0);
        fake_reply_fini(&replies[i]);
    }
    uint64_t rows = 0, longest = 0;
    mk_db_number(world_db(w), "SELECT count(*) FROM unsent", &rows);
    mk_db_number(world_db(w), "SELECT max(length(events)) FROM unsent", &longest);
    assert_int_equal(rows, 2);
    assert_in_range(longest, 8 << 20, 9 << 20);
    crash_before_the_journal(w, 1);
    assert_int_equal(w->host.event_count, MANY - 1);
    for (size_t i = 0; i < MANY - 1; i++)
        assert_int_equal(event_num(w, i, "/message_seq"), i + 2);
}

/* Callers are told to look into the log: there is something. */
static void what_undoes_a_turn_is_logged(void **state)
{
    struct world *w = *state;
    struct mk_unsent *unsent = &((struct mk_sandbox *)(void *)w->backend)->unsent;
    size_t max = unsent->events.max;
    unsent->events.max = 16;
    refused(w, BOT, MILKY_INTERNAL, "see the log", "send_group_message", HELLO);
    assert_logged("a turn was undone");
    unsent->events.max = max;
    ask(w, BOT, "send_group_message", HELLO);
}

static int refuse_the_second(void *context)
{
    int *commits = context;
    return ++*commits == 2;
}

/* The second of three transactions of one turn is undone: of its events nothing is kept. */
static void what_was_undone_is_not_kept(void **state)
{
    struct world *w = *state;
    struct pipeline line = { .world = w };
    int commits = 0;
    sqlite3_commit_hook(world_db(w)->handle, refuse_the_second, &commits);
    call_next(&line);
    end_turn(w);
    assert_int_equal(commits, 3);
    assert_int_equal(line.replies[1].retcode, MILKY_INTERNAL);
    assert_int_equal(w->host.event_count, 2);
    for (int i = 0; i < 3; i++)
        fake_reply_fini(&line.replies[i]);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 2);
    check_event(w, 0, "0");
    check_event(w, 1, "2");
}

/* A world opens whatever stands there. */
static void events_that_cannot_be_read_are_left(void **state)
{
    static const char *const rows[] = {
        "[{\"bot\":", "{}", "[1]", "[{}]", "[{\"bot\":10001000,\"number\":1,\"type\":5}]", "null",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "REPLACE INTO unsent (id, events) VALUES (1, '%s')", rows[i]);
        world_sql(w, sql);
        crash_before_the_journal(w, 0);
        assert_int_equal(w->host.event_count, 0);
    }
    world_sql(w, "REPLACE INTO unsent (id, events) VALUES (1, 'x')");
    crash_before_the_journal(w, 0);
    assert_logged("cannot be read");
    ask(w, BOT, "send_group_message", HELLO);
}

static void what_was_committed_early_is_kept(void **state)
{
    enum { MANY = 300 };
    struct world *w = *state;
    struct fake_reply replies[MANY];
    for (int i = 0; i < MANY; i++)
        call(w, BOT, "send_group_message", HELLO, &replies[i]);
    assert_true(replies[0].done); /* before the turn has ended, */
    assert_false(replies[MANY - 1].done);
    end_turn(w); /* so there were two commits */
    for (int i = 0; i < MANY; i++)
        fake_reply_fini(&replies[i]);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, MANY);
}

/* As SQLite leaves it where memory runs out in the middle of BEGIN or ROLLBACK. */
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

/* A bot that a reload brings joins wholly or not at all. */
static void half_a_bot_is_none(void **state)
{
    struct world *w = *state;
    uint64_t before = world_print(w);
    struct fake_reply sent;
    world_sql(w, "CREATE TEMP TRIGGER broken BEFORE INSERT ON member"
                 " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    call(w, BOT, "send_group_message", HELLO, &sent);
    w->host.bots[w->host.bot_count++] = 10005000;
    w->backend->bots_changed(w->backend);
    end_turn(w);
    assert_int_equal(sent.retcode, MILKY_INTERNAL);
    assert_logged("no place in the world until milky starts again");
    assert_true(world_print(w) == before);
    world_sql(w, "DROP TRIGGER temp.broken");
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    ask(w, 10005000, "send_group_message", HELLO);
}

static void freed_in_a_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply sent;
    call(w, BOT, "send_group_message", HELLO, &sent);
    world_stop(w);
    assert_true(sent.done);
    assert_int_equal(sent.retcode, MILKY_INTERNAL);
    assert_int_equal(w->host.event_count, 0);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(messages_in(w), 0);
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
        "{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}},"
        "{\"type\":\"light_app\",\"data\":{\"json_payload\":\"{\\\"app\\\":\\\"x\\\"}\"}},"
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
        TEST(one_commit_per_turn),
        TEST(a_long_turn_is_committed_early),
        TEST(reads_wait_for_writes),
        TEST(refusal_within_a_turn),
        TEST(commit_fails),
        TEST(disk_full),
        TEST(calls_from_within_replies),
        TEST(what_a_crash_kept_back_is_emitted),
        TEST(a_reset_leaves_events_of_before),
        TEST(every_transaction_of_the_turn_is_kept),
        TEST(long_transactions_have_several_rows),
        TEST(what_undoes_a_turn_is_logged),
        TEST(what_was_undone_is_not_kept),
        TEST(events_stay_until_the_journal_is_flushed),
        TEST(a_turn_forgets_nothing_of_its_own),
        TEST(the_first_turn_forgets_nothing_of_the_start),
        TEST(without_a_journal_nothing_is_stored),
        TEST(of_bots_that_are_not_served_nothing_is_stored),
        TEST(an_event_that_changes_nothing_is_kept),
        TEST(events_that_cannot_be_read_are_left),
        TEST(what_was_committed_early_is_kept),
        TEST(a_transaction_left_open_is_undone),
        TEST(half_a_bot_is_none),
        TEST(freed_in_a_turn),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
