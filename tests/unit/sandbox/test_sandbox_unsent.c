/* Events that were not emitted before a crash, or that a loss of power removes from the journal. */
#include "sandbox_turns.h"

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

static void events_lost_by_a_crash_are_emitted(void **state)
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

/* The old world is gone, but its events were emitted. */
static void a_reset_keeps_events_of_the_old_world(void **state)
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

/* A loss of power removes unflushed events from the journal, and nothing from the world. */
static void events_stay_until_the_journal_is_flushed(void **state)
{
    struct world *w = *state;
    uint64_t turns = fill(w, 1000);
    assert_in_range(turns, 10, 999);
    fill(w, 5);
    crash_before_the_journal(w, 0);
    assert_int_equal(w->host.event_count, 6); /* the others were forgotten, and are a gap */
    assert_int_equal(w->host.last_event[1], turns + 5);
    crash_before_the_journal(w, turns - 1); /* the turn that flushed came after it */
    assert_int_equal(w->host.event_count, 6);
    w->host.flush_error = -EIO;
    fill(w, 1000); /* asks once */
    assert_int_equal(fill(w, 1), 1);
    crash_before_the_journal(w, turns - 1);
    assert_true(w->host.event_count > 6 + 1);
}

/* Only events in the journal are deleted, so none of the turn itself. */
static void a_turn_deletes_none_of_its_own_events(void **state)
{
    struct world *w = *state;
    /* each of the three could be the last one before the bound */
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

/* Events of a start are in the journal when its first turn has ended, and not before. */
static void the_first_turn_deletes_no_events_of_the_start(void **state)
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
    crash_before_the_journal(w, 0); /* now it has asked for a flush */
    assert_int_equal(w->host.event_count, 1);
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
    assert_int_equal(sb_db_number(world_db(w), "SELECT count(*) FROM unsent", &rows), 0);
    assert_int_equal(rows, 1);
}

/* A bot that was removed from the configuration stays in its groups: no events are kept for it. */
static void no_events_are_kept_for_bots_that_are_not_served(void **state)
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

/* The host emits it, and the stored event is the same under the same number. */
static void a_logout_is_emitted_once(void **state)
{
    struct world *w = *state;
    struct fake_reply first, second;
    say(w, "one", &first);
    control(w, "offline", "{\"bot\":10002000,\"reason\":\"kicked\"}"); /* commits the turn */
    assert_int_equal(first.retcode, 0);
    fake_reply_fini(&first);
    say(w, "not heard", &second);
    end_turn(w);
    fake_reply_fini(&second);
    control(w, "online", "{\"bot\":10002000}");
    say(w, "two", &first);
    end_turn(w);
    fake_reply_fini(&first);
    assert_int_equal(w->host.event_count, 3);
    assert_int_equal(w->host.last_event[1], 3);
    char *emitted = yyjson_write(w->host.events[1].data, 0, NULL);
    crash_before_the_journal(w, 3);
    assert_int_equal(w->host.event_count, 0);
    crash_before_the_journal(w, 2);
    assert_int_equal(w->host.event_count, 1);
    check_event(w, 0, "two");
    crash_before_the_journal(w, 1);
    assert_int_equal(w->host.event_count, 2);
    assert_string_equal(w->host.events[0].type, "bot_offline");
    char *stored = yyjson_write(w->host.events[0].data, 0, NULL);
    assert_string_equal(stored, emitted);
    check_event(w, 1, "two");
    ask(w, BOT2, "get_login_info", "{}"); /* a restart heals */
    free(emitted);
    free(stored);
}

static void log_out(void *context)
{
    control(context, "offline", "{\"bot\":10002000,\"reason\":\"kicked\"}");
}

/* The reply to the first of two calls brings in a request that is committed at once. */
static void a_commit_within_a_reply_comes_after_the_events_before_it(void **state)
{
    struct world *w = *state;
    struct fake_reply first, second;
    say(w, "one", &first);
    w->host.on_reply = log_out;
    w->host.context = w;
    say(w, "two", &second);
    end_turn(w);
    fake_reply_fini(&first);
    fake_reply_fini(&second);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(w->host.event_count, 3);
        check_event(w, 0, "one");
        check_event(w, 1, "two");
        assert_string_equal(w->host.events[2].type, "bot_offline");
        crash_before_the_journal(w, 0);
    }
}

/* The events of one transaction have no bound: a row has one. */
static void long_transactions_have_several_rows(void **state)
{
    enum { FACES = 4000, MANY = 44 };
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
    sb_db_number(world_db(w), "SELECT count(*) FROM unsent", &rows);
    sb_db_number(world_db(w), "SELECT max(length(events)) FROM unsent", &longest);
    assert_int_equal(rows, 2);
    assert_in_range(longest, 8 << 20, 9 << 20);
    crash_before_the_journal(w, 1);
    assert_int_equal(w->host.event_count, MANY - 1);
    for (size_t i = 0; i < MANY - 1; i++)
        assert_int_equal(event_num(w, i, "/message_seq"), i + 2);
}

static int refuse_the_second(void *context)
{
    int *commits = context;
    return ++*commits == 2;
}

/* The second of three transactions of one turn is rolled back: none of its events is kept. */
static void events_of_a_rollback_are_not_kept(void **state)
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

/* A world opens whatever the rows hold. */
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

static void events_of_an_early_commit_are_kept(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_lost_by_a_crash_are_emitted),
        TEST(a_reset_keeps_events_of_the_old_world),
        TEST(every_transaction_of_the_turn_is_kept),
        TEST(a_logout_is_emitted_once),
        TEST(a_commit_within_a_reply_comes_after_the_events_before_it),
        TEST(long_transactions_have_several_rows),
        TEST(events_of_a_rollback_are_not_kept),
        TEST(events_stay_until_the_journal_is_flushed),
        TEST(a_turn_deletes_none_of_its_own_events),
        TEST(the_first_turn_deletes_no_events_of_the_start),
        TEST(without_a_journal_nothing_is_stored),
        TEST(no_events_are_kept_for_bots_that_are_not_served),
        TEST(an_event_that_changes_nothing_is_kept),
        TEST(events_that_cannot_be_read_are_left),
        TEST(events_of_an_early_commit_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
