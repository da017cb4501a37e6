/* journal: what waits for the disk and what need not, and what becomes of a flush that fails. */
#include "journal_testing.h"

#include <sys/stat.h>
#include <sys/syscall.h>

/* Stands before the C library's: SQLite flushes with it. */
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

/* With `flush`, behind event 1: the first flush of all takes the log's head too. */
static void open_flushing(struct world *world, bool events_kept)
{
    close_world(world);
    world->config.flush = true;
    world->config.events_kept = events_kept;
    open_world(world);
    emit(world, "a");
    flushed(world);
}

static void move_cursor(struct world *world)
{
    assert_int_equal(mk_journal_set_cursor(world->journal, BOT, MK_SLICE("http://a/"), 1), 0);
}

static void test_only_what_must_last_is_flushed(void **state)
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

/* One that the loss of power made new again would miss what came since. */
static void test_a_new_sink_is_known_for_good(void **state)
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

static void test_events_that_are_kept_elsewhere_wait_for_their_flush(void **state)
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

/* What a flush within the turn could not reach is flushed with the commit. */
static void test_a_flush_in_a_turn_is_not_that_of_its_end(void **state)
{
    struct world *world = *state;
    open_flushing(world, false);
    emit(world, "b");
    assert_int_equal(mk_journal_flush(world->journal), 0);
    assert_int_equal(flushed(world), 1);
}

static void test_a_forgotten_letter_does_not_come_back(void **state)
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
    assert_int_equal(mk_journal_commit(world->journal), -EIO); /* nobody is told that it is gone */
    flush_error = 0;
}

/* After a flush that failed the next one says nothing: all is written once more. */
static void test_a_flush_that_failed_once_is_made_good(void **state)
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

static void test_what_cannot_be_flushed_is_an_error(void **state)
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
        TEST(test_only_what_must_last_is_flushed),
        TEST(test_a_flush_in_a_turn_is_not_that_of_its_end),
        TEST(test_a_forgotten_letter_does_not_come_back),
        TEST(test_a_flush_that_failed_once_is_made_good),
        TEST(test_a_new_sink_is_known_for_good),
        TEST(test_events_that_are_kept_elsewhere_wait_for_their_flush),
        TEST(test_what_cannot_be_flushed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
