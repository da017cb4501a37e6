/* journal: the commits that wait for the disk, those that do not, and flushes that fail. */
#include "journal_testing.h"

#include <sys/stat.h>
#include <sys/syscall.h>

/* Replaces the C library's: SQLite flushes with it. */
static unsigned flushes;
static int flush_error;
static unsigned flush_failures; /* so many more fail */

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    flushes++;
    if (flush_failures > 0 && flush_failures-- > 0) {
        errno = EIO;
        return -1;
    }
    errno = flush_error;
    return flush_error ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* The flushes of one commit. */
static unsigned flushed(struct world *world)
{
    flushes = 0;
    assert_int_equal(mk_journal_commit(world->journal), 0);
    return flushes;
}

/* With `flush`, after event 1: the very first flush includes the head of the log. */
static void open_flushing(struct world *world, bool is_kept)
{
    close_world(world);
    world->config.flush = true;
    open_world(world);
    emit(world, "a");
    flushed(world);
    world->is_kept = is_kept;
}

static void move_cursor(struct world *world)
{
    assert_int_equal(mk_journal_set_cursor(world->journal, BOT, MK_SLICE("http://a/"), 1), 0);
}

static void test_only_events_are_flushed_and_no_cursors(void **state)
{
    struct world *world = *state;
    struct mk_dead_letter letter = { .self_id = BOT, .number = 1, .sink = MK_SLICE("http://a/") };
    emit(world, "a");
    assert_int_equal(flushed(world), 0); /* `flush` is off here */
    open_flushing(world, false);
    emit(world, "b");
    assert_int_equal(flushed(world), 1);
    move_cursor(world);
    assert_int_equal(flushed(world), 0);
    move_cursor(world);
    emit(world, "d");
    assert_int_equal(flushed(world), 1);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    assert_int_equal(flushed(world), 1);
}

/* A sink that is forgotten by a loss of power would miss later events. */
static void test_a_new_sink_is_flushed(void **state)
{
    struct world *world = *state;
    open_flushing(world, true);
    uint64_t number = 1;
    assert_int_equal(mk_journal_start_sink(world->journal, BOT, MK_SLICE("http://a/"), &number), 0);
    assert_int_equal(number, 1);
    assert_int_equal(flushed(world), 1);
    number = 7;
    assert_int_equal(mk_journal_start_sink(world->journal, BOT, MK_SLICE("http://a/"), &number), 0);
    assert_int_equal(number, 1);
    assert_int_equal(flushed(world), 0);
}

static void test_events_that_a_backend_keeps_are_flushed_on_request(void **state)
{
    struct world *world = *state;
    open_flushing(world, true);
    emit(world, "b");
    assert_int_equal(flushed(world), 0);
    assert_int_equal(mk_journal_flush(world->journal), 0);
    assert_int_equal(flushes, 1);
    emit(world, "c");
    flushes = 0;
    flush_error = EIO;
    assert_int_equal(mk_journal_commit(world->journal), 0);
    assert_int_equal(mk_journal_flush(world->journal), -EIO);
    flush_error = 0;
    assert_int_equal(flushes, 1);
    close_world(world);
    open_world(world);
    assert_int_equal(last_of(world, BOT), 3);
}

/* A flush commits the turn's events so far. Later events of the turn are flushed at its end. */
static void test_events_after_a_flush_in_a_turn_are_flushed_at_its_end(void **state)
{
    struct world *world = *state;
    open_flushing(world, false);
    emit(world, "b");
    assert_int_equal(mk_journal_flush(world->journal), 0);
    assert_int_equal(left_by_a_crash(world), 2);
    assert_int_equal(flushed(world), 0);
    emit(world, "c");
    assert_int_equal(mk_journal_flush(world->journal), 0);
    emit(world, "d");
    assert_int_equal(flushed(world), 1);
    assert_int_equal(left_by_a_crash(world), 4);
}

/* --- kept events --- */

/* A turn with events that their backend keeps. Returns how many a crash would leave then. */
static int left_after(struct world *world, const char *reason)
{
    emit(world, reason);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    return left_by_a_crash(world);
}

static void test_kept_events_wait_for_each_other(void **state)
{
    struct world *world = *state;
    open_flushing(world, true);
    assert_int_equal(left_after(world, "b"), 1);
    assert_int_equal(left_after(world, "c"), 1);
    assert_true(mk_journal_waits(world->journal));
    assert_int_equal(last_of(world, BOT), 3); /* they can be read */
    mk_journal_settle(world->journal, false);
    assert_int_equal(flushed(world), 0);
    assert_false(mk_journal_waits(world->journal));
    assert_int_equal(left_by_a_crash(world), 3);
    assert_int_equal(left_after(world, "d"), 3);
    mk_journal_settle(world->journal, true);
    assert_int_equal(flushed(world), 1);
    assert_int_equal(left_by_a_crash(world), 4);
    assert_int_equal(left_after(world, "e"), 4);
    close_world(world);
    open_world(world);
    assert_int_equal(last_of(world, BOT), 5);
}

static void test_kept_events_go_with_whatever_must_be_committed(void **state)
{
    struct world *world = *state;
    struct mk_dead_letter letter = { .self_id = BOT, .number = 1, .sink = MK_SLICE("http://a/") };
    open_flushing(world, true);
    assert_int_equal(left_after(world, "b"), 1);
    move_cursor(world);
    assert_int_equal(left_after(world, "c"), 3);
    assert_int_equal(left_after(world, "d"), 3);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    assert_int_equal(left_after(world, "e"), 5);
    assert_int_equal(left_after(world, "f"), 5);
    world->is_kept = false;
    assert_int_equal(left_after(world, "g"), 7);
    world->is_kept = true;
    assert_int_equal(left_after(world, "h"), 7);
}

static void test_kept_events_wait_while_they_are_few(void **state)
{
    struct world *world = *state;
    char reason[1001];
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    open_flushing(world, true);
    for (int i = 0; i < 50; i++)
        emit(world, reason);
    assert_int_equal(left_after(world, "b"), 1);
    for (int i = 0; i < 15; i++)
        emit(world, reason);
    assert_int_equal(left_after(world, "c"), 68);
    assert_int_equal(left_after(world, "d"), 68);
}

static void test_a_deleted_dead_letter_does_not_come_back(void **state)
{
    struct world *world = *state;
    struct mk_dead_letter letter = { .self_id = BOT, .number = 1, .sink = MK_SLICE("http://a/") };
    struct mk_dead_letter found;
    open_flushing(world, false);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    flushed(world);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 0, &found), 1);
    assert_int_equal(mk_journal_remove_dead_letter(world->journal, found.id), 1);
    assert_int_equal(flushed(world), 1);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 0, &found), 0);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    flushed(world);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 0, &found), 1);
    assert_int_equal(mk_journal_remove_dead_letter(world->journal, found.id), 1);
    flush_error = EIO;
    assert_int_equal(mk_journal_commit(world->journal), -EIO); /* its deletion was not reported */
    flush_error = 0;
}

/* After a failed flush the result of the next one means nothing: everything is written again. */
static void test_events_are_written_again_after_a_failed_flush(void **state)
{
    struct world *world = *state;
    char log[80];
    struct stat status;
    snprintf(log, sizeof(log), "%s-wal", world->path);
    open_flushing(world, false);
    emit(world, "b");
    flush_failures = 1;
    assert_true(flushed(world) >= 3); /* the one that failed, the log, the database */
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_size, 0);
    emit(world, "c");
    flushed(world);
    assert_int_equal(flush_failures, 0);
    assert_int_equal(last_of(world, BOT), 3);
}

static void test_a_flush_that_keeps_failing_is_an_error(void **state)
{
    struct world *world = *state;
    open_flushing(world, false);
    assert_true(mk_journal_is_healthy(world->journal));
    emit(world, "b");
    flush_error = EIO;
    assert_int_equal(mk_journal_commit(world->journal), -EIO);
    flush_error = 0;
    assert_false(mk_journal_is_healthy(world->journal));
    emit(world, "c");
    assert_int_equal(mk_journal_commit(world->journal), -EAGAIN); /* not at once */
    close_world(world);
    open_world(world);
    assert_int_equal(last_of(world, BOT), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_events_are_flushed_and_no_cursors),
        TEST(test_events_after_a_flush_in_a_turn_are_flushed_at_its_end),
        TEST(test_a_deleted_dead_letter_does_not_come_back),
        TEST(test_events_are_written_again_after_a_failed_flush),
        TEST(test_a_new_sink_is_flushed),
        TEST(test_events_that_a_backend_keeps_are_flushed_on_request),
        TEST(test_kept_events_wait_for_each_other),
        TEST(test_kept_events_go_with_whatever_must_be_committed),
        TEST(test_kept_events_wait_while_they_are_few),
        TEST(test_a_flush_that_keeps_failing_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
