/* replays: readers of the journal take turns, share what is encoded, and get gaps for damage. */
#include "hub/reader.h"

#include "journal_testing.h"

enum { EVENTS = 2000, LONG_AGO = 1700000000 };

/* A reader that takes all it can have, and what it has got: numbers, and how many gaps. */
struct client {
    struct mk_reader reader;
    uint64_t last;
    uint64_t missing; /* numbers reported as gaps */
    size_t bytes;
    bool ready;
};

static void on_ready(struct mk_sink *sink)
{
    MK_CONTAINER_OF(sink, struct client, reader.sink)->ready = true;
}

static void on_overrun(struct mk_sink *sink)
{
    (void)sink;
    fail();
}

static const struct mk_event_format lines = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE,
                                              MK_FRAMING_LINE };

static void client_open(struct client *client, struct mk_hub *hub, uint64_t since)
{
    *client = (struct client){ .reader.sink = { .ready = on_ready, .overrun = on_overrun },
                               .last = since };
    assert_int_equal(mk_reader_start(&client->reader, hub, &lines, since, UINT64_MAX), 0);
}

static uint64_t number_after(const char *line, size_t len, const char *key)
{
    const char *found = memmem(line, len, key, strlen(key));
    assert_non_null(found);
    return strtoull(found + strlen(key), NULL, 10);
}

static void take_line(struct client *client, const char *line, size_t len)
{
    uint64_t number = strtoull(line, NULL, 10);
    if (number == 0) {
        assert_int_equal(number_after(line, len, "\"from\":"), client->last + 1);
        number = number_after(line, len, "\"to\":");
        client->missing += number - client->last;
    } else {
        assert_int_equal(number, client->last + 1);
    }
    client->last = number;
}

/* Takes what is there, event by event. */
static void client_read(struct client *client)
{
    struct mk_slice ready;
    client->ready = false;
    while ((ready = mk_reader_peek(&client->reader)).len > 0) {
        size_t len = (size_t)((const char *)memchr(ready.ptr, '\n', ready.len) - ready.ptr) + 1;
        take_line(client, ready.ptr, len);
        client->bytes += len;
        mk_reader_advance(&client->reader, len);
    }
}

static void emit_many(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(emit_at(world, "some reason that takes some bytes", LONG_AGO), 0);
}

struct scene {
    struct mk_replays replays;
    struct client clients[300];
    size_t count;
    uint64_t turn;
    unsigned asked;
};

static void on_asked(void *arg)
{
    ((struct scene *)arg)->asked++;
}

static struct scene *scene_new(struct world *world)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    mk_replays_init(&scene->replays);
    scene->replays.asked = on_asked;
    scene->replays.arg = scene;
    world->hub.replays = &scene->replays;
    return scene;
}

static void scene_free(struct scene *scene, struct world *world)
{
    for (size_t i = 0; i < scene->count; i++)
        mk_reader_stop(&scene->clients[i].reader);
    assert_true(mk_list_empty(&scene->replays.pieces));
    assert_int_equal(scene->replays.kept, 0);
    mk_replays_fini(&scene->replays);
    world->hub.replays = NULL;
    free(scene);
}

static size_t bytes_of_all(const struct scene *scene)
{
    size_t bytes = 0;
    for (size_t i = 0; i < scene->count; i++)
        bytes += scene->clients[i].bytes;
    return bytes;
}

/* One turn: readers get pieces, and all that were notified take them. Returns whether any did. */
static bool run_turn(struct scene *scene)
{
    size_t before = bytes_of_all(scene);
    bool any = mk_replays_run(&scene->replays, scene->turn++);
    for (size_t i = 0; i < scene->count; i++)
        if (scene->clients[i].ready)
            client_read(&scene->clients[i]);
    assert_true(bytes_of_all(scene) - before <= MK_TURN_BYTES + MK_PIECE_BYTES + 1024);
    assert_true(scene->replays.kept <= MK_PIECES_KEPT);
    return any;
}

static void open_clients(struct scene *scene, struct mk_hub *hub, size_t count, uint64_t step)
{
    for (; count > 0; count--, scene->count++)
        client_open(&scene->clients[scene->count], hub, scene->count * step);
}

static void assert_all_have(const struct scene *scene, uint64_t last)
{
    for (size_t i = 0; i < scene->count; i++) {
        assert_int_equal(scene->clients[i].last, last);
        assert_false(scene->clients[i].reader.replaying);
    }
}

static void test_many_readers_share_one_encoding(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 300, 0);
    assert_int_equal(mk_reader_peek(&scene->clients[0].reader).len, 0); /* not its turn yet */
    while (run_turn(scene)) {
    }
    assert_all_have(scene, EVENTS);
    assert_int_equal(scene->replays.read, EVENTS);
    assert_int_equal(world->hub.replayed, 300 * EVENTS);
    scene_free(scene, world);
}

static void test_readers_at_nearby_places_share_too(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 300, 3);
    while (run_turn(scene)) {
    }
    assert_all_have(scene, EVENTS);
    assert_int_equal(scene->replays.read, EVENTS);
    scene_free(scene, world);
}

static void test_a_turn_reads_a_bounded_number_of_rows(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 8, 230); /* nothing to share for a while */
    for (bool any = true; any;) {
        uint64_t before = scene->replays.read;
        any = run_turn(scene);
        assert_true(scene->replays.read - before <= MK_TURN_ROWS);
    }
    assert_all_have(scene, EVENTS);
    scene_free(scene, world);
}

static void test_the_budget_of_a_turn_is_spent_once(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 300, 0);
    size_t bytes = 0;
    for (int i = 0; i < 20; i++) {
        mk_replays_run(&scene->replays, 7);
        for (size_t j = 0; j < scene->count; j++)
            if (scene->clients[j].ready)
                client_read(&scene->clients[j]);
        bytes = bytes_of_all(scene);
    }
    assert_true(bytes <= MK_TURN_BYTES + MK_PIECE_BYTES);
    scene_free(scene, world);
}

static void test_who_waits_is_asked_for_again(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 300, 0);
    unsigned turns = 0;
    do {
        turns++;
        scene->asked = 0;
        run_turn(scene);
    } while (scene->asked > 0); /* as the endpoint does */
    assert_all_have(scene, EVENTS);
    assert_true(turns > 1);
    scene_free(scene, world);
}

static void test_a_slow_reader_holds_nobody_up(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 2, 0);
    struct client slow;
    client_open(&slow, &world->hub, 0);
    while (run_turn(scene)) {
    }
    assert_all_have(scene, EVENTS);
    assert_true(slow.ready);
    size_t waits = mk_reader_peek(&slow.reader).len;
    assert_in_range(waits, 1, MK_PIECE_BYTES + 1024);
    client_read(&slow);
    while (mk_replays_run(&scene->replays, scene->turn++))
        client_read(&slow);
    assert_int_equal(slow.last, EVENTS);
    mk_reader_stop(&slow.reader);
    scene_free(scene, world);
}

static void test_a_reader_that_leaves_while_it_waits(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 3, 0);
    mk_reader_stop(&scene->clients[0].reader);
    run_turn(scene);
    mk_reader_stop(&scene->clients[1].reader); /* it has asked for its second piece */
    while (run_turn(scene)) {
    }
    assert_int_equal(scene->clients[0].last, 0);
    assert_int_equal(scene->clients[2].last, EVENTS);
    scene_free(scene, world);
}

static void test_events_of_now_follow_those_of_the_journal(void **state)
{
    struct world *world = *state;
    emit_many(world, 500);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 20, 7);
    for (int i = 0; i < 400; i++) {
        run_turn(scene);
        emit_many(world, 1);
    }
    while (run_turn(scene)) {
    }
    for (size_t i = 0; i < scene->count; i++)
        client_read(&scene->clients[i]);
    assert_all_have(scene, 900);
    scene_free(scene, world);
}

/* --- damage --- */

/* While it is open, no other connection can write. */
static void change(struct world *world, const char *sql)
{
    sqlite3 *db;
    close_world(world);
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_world(world);
}

static void assert_gaps(struct world *world, const char *sql, uint64_t missing)
{
    emit_many(world, 100);
    change(world, sql);
    world->hub.events = 100;
    struct client alone;
    client_open(&alone, &world->hub, 0);
    client_read(&alone);
    assert_int_equal(alone.last, 100);
    assert_int_equal(alone.missing, missing);
    mk_reader_stop(&alone.reader);
    struct scene *scene = scene_new(world);
    open_clients(scene, &world->hub, 3, 0);
    while (run_turn(scene)) {
    }
    assert_all_have(scene, 100);
    assert_int_equal(scene->clients[2].missing, missing);
    scene_free(scene, world);
}

static void test_damaged_json_is_a_gap(void **state)
{
    assert_gaps(*state, "UPDATE event SET data = substr(data, 2) WHERE number IN (1, 50, 51, 100)",
                4);
}

static void test_an_unknown_type_is_a_gap(void **state)
{
    assert_gaps(*state, "UPDATE event SET type = 'cot_offline' WHERE number = 7", 1);
}

static void test_data_of_another_type_is_a_gap(void **state)
{
    assert_gaps(*state, "UPDATE event SET data = '{\"reasom\":1}' WHERE number = 7", 1);
}

static void test_invalid_utf8_is_a_gap(void **state)
{
    assert_gaps(*state,
                "UPDATE event SET data = CAST(x'7b22726561736f6e223a22ff227d' AS TEXT)"
                " WHERE number = 7",
                1);
}

static void test_a_number_that_was_never_given_is_none(void **state)
{
    assert_gaps(*state, "UPDATE event SET number = number + 1099511627776 WHERE number > 97", 3);
}

/* Overwrites the page of the file that has the event in the middle. */
static void damage_page(struct world *world)
{
    close_world(world);
    FILE *file = fopen(world->path, "r+b");
    char page[4096], marked[] = "the marked one";
    bool done = false;
    while (!done && fread(page, sizeof(page), 1, file) == 1) {
        done = memmem(page, sizeof(page), marked, sizeof(marked) - 1) != NULL;
        if (!done)
            continue;
        memset(page, 0xff, 64);
        fseek(file, -(long)sizeof(page), SEEK_CUR);
        fwrite(page, sizeof(page), 1, file);
    }
    fclose(file);
    assert_true(done);
    open_world(world);
}

static void test_a_damaged_page_is_one_gap(void **state)
{
    struct world *world = *state;
    emit_many(world, EVENTS / 2);
    emit(world, "the marked one");
    emit_many(world, EVENTS / 2);
    damage_page(world);
    struct client client;
    client_open(&client, &world->hub, 0);
    client_read(&client);
    assert_int_equal(client.last, EVENTS + 1);
    assert_in_range(client.missing, 5, 200);
    assert_int_equal(world->hub.gaps, 1);
    mk_reader_stop(&client.reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_readers_share_one_encoding),
        TEST(test_readers_at_nearby_places_share_too),
        TEST(test_a_turn_reads_a_bounded_number_of_rows),
        TEST(test_the_budget_of_a_turn_is_spent_once),
        TEST(test_who_waits_is_asked_for_again),
        TEST(test_a_slow_reader_holds_nobody_up),
        TEST(test_a_reader_that_leaves_while_it_waits),
        TEST(test_events_of_now_follow_those_of_the_journal),
        TEST(test_damaged_json_is_a_gap),
        TEST(test_an_unknown_type_is_a_gap),
        TEST(test_data_of_another_type_is_a_gap),
        TEST(test_invalid_utf8_is_a_gap),
        TEST(test_a_number_that_was_never_given_is_none),
        TEST(test_a_damaged_page_is_one_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
