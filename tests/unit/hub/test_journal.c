/* journal, hub and reader: events are numbered, stored, replayed, and followed by live ones. */
#include "journal_testing.h"

#include "hub/journal_private.h"

/* --- a reader, and what it got as "NUMBER:REASON " --- */

struct tap {
    struct mk_reader reader;
    struct mk_buf got;
    unsigned ready;
};

static void on_ready(struct mk_sink *sink)
{
    MK_CONTAINER_OF(sink, struct tap, reader.sink)->ready++;
}

static void on_overrun(struct mk_sink *sink)
{
    (void)sink;
    fail();
}

static const struct mk_event_format lines = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE,
                                              MK_FRAMING_LINE };

static void tap_open(struct tap *tap, struct world *world, uint64_t since)
{
    *tap = (struct tap){ .reader.sink = { .ready = on_ready, .overrun = on_overrun } };
    mk_buf_init(&tap->got, 1 << 24);
    assert_int_equal(mk_reader_start(&tap->reader, &world->hub, &lines, since, UINT64_MAX), 0);
}

static void tap_close(struct tap *tap)
{
    mk_reader_stop(&tap->reader);
    mk_buf_fini(&tap->got);
}

static void note(struct tap *tap, const char *line, size_t len)
{
    uint64_t number = strtoull(line, NULL, 10);
    const char *json = (const char *)memchr(line, ' ', len) + 1;
    yyjson_doc *doc = yyjson_read(json, len - (size_t)(json - line) - 1, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *data = yyjson_obj_get(root, "data");
    if (number > 0)
        mk_buf_printf(&tap->got, "%llu:%.*s ", (unsigned long long)number,
                      (int)yyjson_get_len(yyjson_obj_get(data, "reason")),
                      yyjson_get_str(yyjson_obj_get(data, "reason")));
    else
        mk_buf_printf(&tap->got, "gap:%llu-%llu ",
                      (unsigned long long)yyjson_get_uint(yyjson_obj_get(data, "from")),
                      (unsigned long long)yyjson_get_uint(yyjson_obj_get(data, "to")));
    yyjson_doc_free(doc);
}

/* Reads everything, whole lines, and returns the part since the last time. */
static const char *take(struct tap *tap)
{
    struct mk_slice ready;
    mk_buf_reset(&tap->got, 1 << 24);
    while ((ready = mk_reader_peek(&tap->reader)).len > 0) {
        assert_int_equal(ready.ptr[ready.len - 1], '\n');
        for (size_t at = 0; at < ready.len;) {
            size_t len = (size_t)((const char *)memchr(ready.ptr + at, '\n', ready.len - at) -
                                  (ready.ptr + at)) +
                         1;
            note(tap, ready.ptr + at, len);
            at += len;
        }
        mk_reader_advance(&tap->reader, ready.len);
    }
    mk_buf_append_char(&tap->got, '\0');
    return tap->got.data;
}

/* --- tests --- */

static void test_numbers_outlive_the_process(void **state)
{
    struct world *world = *state;
    emit(world, "a");
    emit(world, "b");
    assert_int_equal(world->hub.events, 2);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events, 2);
    assert_int_equal(last_of(world, OTHER), 0);
    emit(world, "c");
    struct tap tap;
    tap_open(&tap, world, 0);
    assert_string_equal(take(&tap), "1:a 2:b 3:c ");
    tap_close(&tap);
}

static void test_uncommitted_events_do_not_exist(void **state)
{
    struct world *world = *state;
    emit(world, "a");
    assert_int_equal(mk_journal_commit(world->journal), 0);
    emit(world, "b");
    assert_int_equal(left_by_a_crash(world), 1);
}

static void test_replays_and_continues_with_live_events(void **state)
{
    struct world *world = *state;
    struct tap all, some, live, ahead;
    emit(world, "a");
    emit(world, "b");
    emit(world, "c");
    tap_open(&all, world, 0);
    tap_open(&some, world, 2);
    tap_open(&live, world, MK_READER_LIVE);
    tap_open(&ahead, world, 99);
    emit(world, "d");
    assert_string_equal(take(&all), "1:a 2:b 3:c 4:d ");
    assert_string_equal(take(&some), "3:c 4:d ");
    assert_string_equal(take(&live), "4:d ");
    assert_string_equal(take(&ahead), "gap:4-99 4:d ");
    assert_int_equal(live.ready, 1);
    assert_int_equal(all.ready, 0);
    emit(world, "e");
    assert_int_equal(all.ready, 1);
    assert_string_equal(take(&all), "5:e ");
    assert_string_equal(take(&some), "5:e ");
    assert_string_equal(take(&live), "5:e ");
    assert_string_equal(take(&all), "");
    mk_reader_rewind(&live.reader, 1);
    emit(world, "f");
    assert_string_equal(take(&live), "2:b 3:c 4:d 5:e 6:f ");
    emit(world, "g");
    assert_string_equal(take(&live), "7:g ");
    tap_close(&all);
    tap_close(&some);
    tap_close(&live);
    tap_close(&ahead);
}

/* More than one piece of the journal, read a few bytes at a time, while new events are emitted. */
static void test_a_long_replay_in_pieces(void **state)
{
    struct world *world = *state;
    char reason[512];
    memset(reason, 'x', sizeof(reason));
    reason[511] = '\0';
    for (int i = 0; i < 1000; i++)
        emit(world, reason);
    struct tap tap;
    tap_open(&tap, world, 0);
    struct mk_slice ready;
    size_t lines_seen = 0, partial = 0;
    uint64_t emitted = 1000;
    while ((ready = mk_reader_peek(&tap.reader)).len > 0) {
        size_t len = ready.len < 777 ? ready.len : 777;
        for (size_t i = 0; i < len; i++)
            lines_seen += ready.ptr[i] == '\n';
        mk_reader_advance(&tap.reader, len);
        if (++partial % 50 == 0 && emitted < 1010) {
            emit(world, "more");
            emitted++;
        }
    }
    assert_int_equal(lines_seen, emitted);
    assert_int_equal(emitted, 1010);
    tap_close(&tap);
}

static void test_old_events_are_a_gap(void **state)
{
    struct world *world = *state;
    close_world(world);
    world->config.max_events = 100;
    open_world(world);
    for (int i = 0; i < 1024; i++)
        emit(world, "e");
    struct mk_journal_event first;
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 1024 - 100 + 1);
    struct tap tap;
    tap_open(&tap, world, 3);
    const char *got = take(&tap);
    assert_memory_equal(got, "gap:4-924 925:e 926:e ", 22);
    tap_close(&tap);
}

/* Does something to the file, and opens it again with an age bound of an hour. */
static void change(struct world *world, const char *sql)
{
    sqlite3 *db;
    close_world(world);
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    world->config.max_age = 3600;
    open_world(world);
}

/* An hour has passed since the start. */
static void trust_clock(struct world *world)
{
    world->journal->clock_jumped_at = 0;
}

static void test_old_events_are_deleted(void **state)
{
    struct world *world = *state;
    struct mk_journal_event first;
    for (int i = 0; i < 513; i++)
        emit(world, "a");
    change(world, "UPDATE event SET stored = stored - 7200 WHERE number <= 512");
    trust_clock(world);
    for (int i = 0; i < 511; i++)
        emit(world, "b");
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 512 + 1);
    assert_int_equal(last_of(world, BOT), 1024);
}

/* The events of each bot are bounded, whichever bot emits the event that triggers the deletion. */
static void test_each_bot_is_bounded(void **state)
{
    struct world *world = *state;
    const uint64_t bots[] = { BOT, OTHER };
    struct mk_journal_event first;
    close_world(world);
    world->config.max_events = 100;
    open_world(world);
    for (uint64_t number = 1; number <= 1024; number++)
        for (size_t i = 0; i < 2; i++) {
            const struct mk_journal_event event = { number, number, MK_SLICE("bot_offline"),
                                                    MK_SLICE("{\"reason\":\"a\"}") };
            assert_int_equal(mk_journal_append(world->journal, bots[i], &event), 0);
        }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mk_journal_find(world->journal, bots[i], 0, &first), 1);
        assert_int_equal(first.number, 1024 - 100 + 1);
    }
}

/* The backend has a clock of its own: a world may be in another century. */
static void test_age_is_not_the_time_of_the_event(void **state)
{
    struct world *world = *state;
    struct mk_journal_event first;
    change(world, "");
    for (int i = 0; i < 512; i++)
        assert_int_equal(emit_at(world, "old", 1000), 0);
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 1);
}

/* All events are too old: more likely the clock is wrong, and will be corrected. */
static void test_a_clock_that_is_far_ahead_deletes_nothing(void **state)
{
    struct world *world = *state;
    struct mk_journal_event first;
    emit(world, "a");
    change(world, "UPDATE event SET stored = stored - 365 * 86400");
    for (int i = 0; i < 512; i++)
        emit(world, "b");
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 1);
}

/* A jump ahead, events that are stored then, a restart: the events before the jump look old. */
static void test_a_jump_and_a_restart_delete_nothing(void **state)
{
    struct world *world = *state;
    struct mk_journal_event first;
    for (int i = 0; i < 3; i++)
        emit(world, "a");
    change(world, "UPDATE event SET stored = stored - 365 * 86400 WHERE number < 3");
    for (int i = 0; i < 512; i++)
        emit(world, "b");
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 1);
}

static void test_an_older_version_is_migrated(void **state)
{
    struct world *world = *state;
    struct mk_journal_event first;
    assert_int_equal(emit_at(world, "a", 1700000000), 0);
    change(world, "DROP TABLE event_key; ALTER TABLE event DROP COLUMN stored;"
                  "ALTER TABLE event DROP COLUMN checksum;"
                  "PRAGMA application_id = 0; PRAGMA user_version = 1");
    assert_int_equal(mk_journal_find(world->journal, BOT, 0, &first), 1);
    assert_int_equal(first.number, 1);
    assert_int_equal(first.time, 1700000000);
    emit(world, "b");
    assert_int_equal(last_of(world, BOT), 2);
}

static void test_cursors_and_dead_letters(void **state)
{
    struct world *world = *state;
    struct mk_journal *journal = world->journal;
    uint64_t number = 7;
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://a/"), &number), 0);
    assert_int_equal(number, 7);
    assert_int_equal(mk_journal_set_cursor(journal, BOT, MK_SLICE("http://a/"), 5), 0);
    assert_int_equal(mk_journal_set_cursor(journal, BOT, MK_SLICE("http://a/"), 6), 0);
    assert_int_equal(mk_journal_set_cursor(journal, OTHER, MK_SLICE("http://a/"), 9), 0);
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://a/"), &number), 1);
    assert_int_equal(number, 6);
    struct mk_dead_letter letter = {
        .self_id = BOT,
        .number = 3,
        .time = 1700000000,
        .status = 410,
        .sink = MK_SLICE("http://a/"),
        .response = MK_SLICE("不要了"),
    };
    assert_int_equal(mk_journal_add_dead_letter(journal, &letter), 0);
    letter.number = 4;
    assert_int_equal(mk_journal_add_dead_letter(journal, &letter), 0);
    struct mk_dead_letter found;
    assert_int_equal(mk_journal_find_dead_letter(journal, 0, &found), 1);
    assert_int_equal(found.number, 3);
    assert_int_equal(found.status, 410);
    assert_true(mk_slice_eq(found.response, MK_SLICE("不要了")));
    uint64_t id = found.id;
    assert_int_equal(mk_journal_find_dead_letter(journal, id + 1, &found), 1);
    assert_int_equal(found.number, 4);
    assert_int_equal(mk_journal_remove_dead_letter(journal, id), 1);
    assert_int_equal(mk_journal_remove_dead_letter(journal, id), 0);
    assert_int_equal(mk_journal_find_dead_letter(journal, 0, &found), 1);
    assert_int_equal(found.number, 4);
}

/* The sinks that are configured, in test_cursors_of_sinks_that_are_gone_expire. */
static bool is_used(void *arg, uint64_t self_id, struct mk_slice sink)
{
    return self_id == BOT && mk_slice_eq(sink, mk_slice_str(arg));
}

static void test_cursors_of_sinks_that_are_gone_expire(void **state)
{
    struct world *world = *state;
    struct mk_journal *journal = world->journal;
    char kept[] = "http://kept/";
    uint64_t number = 0;
    assert_int_equal(mk_journal_set_cursor(journal, BOT, mk_slice_str(kept), 1), 0);
    assert_int_equal(mk_journal_set_cursor(journal, BOT, MK_SLICE("http://back/"), 2), 0);
    assert_int_equal(mk_journal_set_cursor(journal, BOT, MK_SLICE("http://gone/"), 3), 0);
    assert_int_equal(mk_journal_set_cursor(journal, OTHER, mk_slice_str(kept), 4), 0);
    assert_int_equal(mk_journal_commit(journal), 0);
    /* Their age counts from when they were first found unused. */
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, kept), 0);
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, kept), 0);
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://gone/"), &number), 1);
    change(world, "UPDATE unused SET since = since - 3590"); /* of 3600 */
    trust_clock(world);
    journal = world->journal;
    /* One that is back in time is as new. */
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, "http://back/"), 0);
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, kept), 0);
    change(world, "UPDATE unused SET since = since - 20");
    journal = world->journal;
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, kept), 0);
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://gone/"), &number), 1);
    trust_clock(world);
    assert_int_equal(mk_journal_expire_sinks(journal, is_used, kept), 0);
    assert_int_equal(mk_journal_cursor(journal, BOT, mk_slice_str(kept), &number), 1);
    assert_int_equal(number, 1);
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://back/"), &number), 1);
    assert_int_equal(number, 2);
    assert_int_equal(mk_journal_cursor(journal, BOT, MK_SLICE("http://gone/"), &number), 0);
    assert_int_equal(mk_journal_cursor(journal, OTHER, mk_slice_str(kept), &number), 0);
}

static void test_dead_letters_expire(void **state)
{
    struct world *world = *state;
    uint64_t now = mk_clock_real_ms() / 1000;
    struct mk_dead_letter letter = { .self_id = BOT,
                                     .sink = MK_SLICE("http://x/"),
                                     .response = MK_SLICE("") };
    for (uint64_t age = 999990; age <= 1000010; age += 20) {
        letter.number = age;
        letter.time = now - age;
        assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    }
    assert_int_equal(mk_journal_expire_sinks(world->journal, is_used, ""), 0);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 0, &letter), 1);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, letter.id + 1, &letter), 1);
    trust_clock(world);
    assert_int_equal(mk_journal_expire_sinks(world->journal, is_used, ""), 0);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 0, &letter), 1);
    assert_int_equal(letter.number, 999990);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, letter.id + 1, &letter), 0);
}

static void test_dead_letters_of_a_bot_are_bounded(void **state)
{
    struct world *world = *state;
    struct mk_journal_measure measure;
    struct mk_dead_letter letter = { .self_id = OTHER,
                                     .number = 1,
                                     .time = mk_clock_real_ms() / 1000,
                                     .sink = MK_SLICE("http://x/"),
                                     .response = MK_SLICE("") };
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    letter.self_id = BOT;
    for (letter.number = 1; letter.number <= MK_JOURNAL_DEAD_LETTERS; letter.number++)
        assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    mk_journal_measure(world->journal, BOT, &measure);
    assert_int_equal(measure.dead_letters, MK_JOURNAL_DEAD_LETTERS);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    mk_journal_measure(world->journal, BOT, &measure);
    assert_in_range(measure.dead_letters, MK_JOURNAL_DEAD_LETTERS - 200, MK_JOURNAL_DEAD_LETTERS);
    mk_journal_measure(world->journal, OTHER, &measure);
    assert_int_equal(measure.dead_letters, 1);
    assert_int_equal(mk_journal_find_dead_letter(world->journal, 2, &letter), 1);
    assert_in_range(letter.number, 50, 200); /* the oldest are gone */
}

static void test_an_invalid_event_has_no_effect(void **state)
{
    struct world *world = *state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    struct mk_event event = {
        .type = mk_event_type_find(MK_SLICE("bot_offline")),
        .self_id = BOT,
        .data = yyjson_mut_obj(doc), /* no reason */
    };
    assert_int_equal(mk_hub_emit(&world->hub, &event), -EINVAL);
    assert_int_equal(world->hub.events, 0);
    yyjson_mut_doc_free(doc);
}

/* Events that a feed has lost are read from the journal, in order. */
static void test_events_that_a_feed_lost_come_from_the_journal(void **state)
{
    struct world *world = *state;
    struct tap slow, quick;
    tap_open(&slow, world, MK_READER_LIVE);
    tap_open(&quick, world, MK_READER_LIVE);
    emit(world, "a");
    assert_string_equal(take(&quick), "1:a ");
    struct mk_feed *feed = slow.reader.sink.feed;
    /* The second event is stored, but the feed had no memory for it. */
    assert_int_equal(mk_journal_append(world->journal, BOT,
                                       &(struct mk_journal_event){
                                           .number = ++world->hub.events,
                                           .time = 1700000000,
                                           .type = MK_SLICE("bot_offline"),
                                           .data = MK_SLICE("{\"reason\":\"b\"}"),
                                       }),
                     0);
    mk_feed_mark_lost(feed, world->hub.events);
    emit(world, "c");
    assert_string_equal(take(&quick), "2:b 3:c ");
    assert_string_equal(take(&slow), "1:a 2:b 3:c ");
    emit(world, "d");
    assert_string_equal(take(&quick), "4:d ");
    assert_string_equal(take(&slow), "4:d ");
    tap_close(&slow);
    tap_close(&quick);
}

/* One encoding per (dialect, envelope) for any number of clients, none without clients. */
static void test_an_event_is_encoded_once(void **state)
{
    struct world *world = *state;
    struct tap taps[20];
    emit(world, "a");
    assert_int_equal(world->hub.encodings, 0);
    for (size_t i = 0; i < 20; i++)
        tap_open(&taps[i], world, MK_READER_LIVE);
    emit(world, "b");
    assert_int_equal(world->hub.encodings, 1);
    for (size_t i = 0; i < 20; i++) {
        assert_string_equal(take(&taps[i]), "2:b ");
        tap_close(&taps[i]);
    }
}

static void test_refuses_files_that_it_cannot_use(void **state)
{
    struct world *world = *state;
    struct mk_journal *second = NULL;
    emit(world, "a");
    assert_int_equal(mk_journal_open(&world->config, &second), -EBUSY);
    close_world(world);
    /* A newer version. */
    sqlite3 *db;
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(mk_journal_open(&world->config, &second), -EINVAL);
    /* A database of another program. */
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA user_version = 1; PRAGMA application_id = 77", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(mk_journal_open(&world->config, &second), -EINVAL);
    /* No database at all. */
    FILE *file = fopen(world->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database ", file);
    fclose(file);
    assert_true(mk_journal_open(&world->config, &second) < 0);
    struct mk_journal_config nowhere = { .path = "/nonexistent/journal.db", .max_events = 1 };
    assert_true(mk_journal_open(&nowhere, &second) < 0);
    assert_null(second);
    unlink(world->path);
    open_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers_outlive_the_process),
        TEST(test_uncommitted_events_do_not_exist),
        TEST(test_replays_and_continues_with_live_events),
        TEST(test_a_long_replay_in_pieces),
        TEST(test_old_events_are_a_gap),
        TEST(test_old_events_are_deleted),
        TEST(test_age_is_not_the_time_of_the_event),
        TEST(test_a_clock_that_is_far_ahead_deletes_nothing),
        TEST(test_a_jump_and_a_restart_delete_nothing),
        TEST(test_an_older_version_is_migrated),
        TEST(test_cursors_and_dead_letters),
        TEST(test_cursors_of_sinks_that_are_gone_expire),
        TEST(test_dead_letters_expire),
        TEST(test_dead_letters_of_a_bot_are_bounded),
        TEST(test_each_bot_is_bounded),
        TEST(test_an_invalid_event_has_no_effect),
        TEST(test_events_that_a_feed_lost_come_from_the_journal),
        TEST(test_an_event_is_encoded_once),
        TEST(test_refuses_files_that_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
