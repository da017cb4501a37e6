/*
 * journal_testing: a journal in a file of its own, the hub of a bot that writes into it, and events
 * to emit. One per test, made by `setup`.
 */
#ifndef MK_TESTS_JOURNAL_TESTING_H
#define MK_TESTS_JOURNAL_TESTING_H

#include "hub/reader.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { BOT = 10001000, OTHER = 10002000 };

struct world {
    char path[64];
    struct mk_journal_config config;
    struct mk_journal *journal;
    struct mk_hub hub;
    bool is_kept; /* what `emit` emits from now on */
};

static inline void open_world(struct world *world)
{
    world->config.path = world->path;
    assert_int_equal(mk_journal_open(&world->config, &world->journal), 0);
    assert_int_equal(mk_hub_init(&world->hub, BOT, world->journal), 0);
}

static inline void close_world(struct world *world)
{
    mk_hub_fini(&world->hub);
    world->journal = mk_journal_close(world->journal);
}

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    snprintf(world->path, sizeof(world->path), "/tmp/milky-journal-XXXXXX");
    int file = mkstemp(world->path);
    assert_true(file >= 0);
    close(file);
    world->config = (struct mk_journal_config){ .max_events = 1000000, .max_age = 1000000 };
    open_world(world);
    *state = world;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    char name[80];
    close_world(world);
    const char *const endings[] = { "", "-wal", "-shm", "-numbers-wal" };
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", world->path, endings[i]);
        unlink(name);
    }
    free(world);
    return 0;
}

static inline int emit_at(struct world *world, const char *reason, uint64_t time)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, data, "reason", reason);
    struct mk_event event = {
        .type = mk_event_type_find(MK_SLICE("bot_offline")),
        .self_id = BOT,
        .time = time,
        .data = data,
        .is_kept = world->is_kept,
    };
    int rc = mk_hub_emit(&world->hub, &event);
    yyjson_mut_doc_free(doc);
    return rc;
}

static inline void emit(struct world *world, const char *reason)
{
    assert_int_equal(emit_at(world, reason, mk_clock_real_ms() / 1000), 0);
}

static inline uint64_t last_of(struct world *world, uint64_t bot)
{
    uint64_t number;
    assert_int_equal(mk_journal_last(world->journal, bot, &number), 0);
    return number;
}

/* How many events a crash would leave: another process reads a copy of the files. */
static inline int left_by_a_crash(struct world *world)
{
    sqlite3 *db;
    sqlite3_stmt *count;
    char copy[400];
    snprintf(copy, sizeof(copy), "cp %s %s.copy; cp %s-wal %s.copy-wal", world->path, world->path,
             world->path, world->path);
    assert_int_equal(system(copy), 0);
    snprintf(copy, sizeof(copy), "%s.copy", world->path);
    assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM event", -1, &count, NULL), 0);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int left = sqlite3_column_int(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(db);
    unlink(copy);
    snprintf(copy, sizeof(copy), "%s.copy-wal", world->path);
    unlink(copy);
    return left;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
