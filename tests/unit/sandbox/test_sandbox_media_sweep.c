/* Contents that nothing refers to: which are removed, when, and how much at a time. */
#include "sandbox_world.h"

#include "backend/sandbox/media/private.h"
#include "backend/sandbox/turn/sandbox.h"
#include "base/base64.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct sb_media_store *store_of(struct world *w)
{
    return ((struct sb_sandbox *)w->backend.self)->media;
}

static size_t files(struct world *w)
{
    char path[128];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/media", w->dir);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        count += entry->d_type == DT_REG;
    if (dir)
        closedir(dir);
    return count;
}

static uint64_t number(struct world *w, const char *sql)
{
    uint64_t value = 0;
    assert_int_equal(sb_db_number(world_db(w), sql, &value), 0);
    return value;
}

/* Turns until nothing is left to do. Returns their number. */
static size_t settle(struct world *w)
{
    size_t turns = 0;
    do {
        w->backend.table->turn_end(w->backend.self);
        turns++;
        uv_run(w->loop.uv, UV_RUN_NOWAIT);
        assert_true(turns < 1000000);
    } while (sb_media_sweeping(store_of(w)) || world_db(w)->in_transaction);
    return turns;
}

/* A picture of its own for each number, as base64. */
static const char *picture(unsigned n, char text[64])
{
    uint8_t gif[13] = { 'G', 'I', 'F', '8', '9', 'a', (uint8_t)n, 1, (uint8_t)(n >> 8), 1 };
    memset(text, 0, 64);
    mk_base64_encode(gif, sizeof(gif), text);
    return text;
}

static uint64_t send_picture(struct world *w, unsigned n)
{
    char text[64];
    ask(w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"base64://"
        "%s\"}}]}",
        picture(n, text));
    return num(w, "/message_seq");
}

static void recall(struct world *w, uint64_t seq)
{
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":%llu}",
        (unsigned long long)seq);
}

static void recalled(void **state)
{
    struct world *w = *state;
    uint64_t a = send_picture(w, 1), b = send_picture(w, 1), c = send_picture(w, 2);
    assert_int_equal(files(w), 2);
    recall(w, a);
    settle(w);
    assert_int_equal(files(w), 2);
    recall(w, c);
    settle(w);
    assert_int_equal(files(w), 1);
    recall(w, b);
    settle(w);
    assert_int_equal(files(w), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM media"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM media_gone"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM media_loose"), 0);
}

/* However many are removed at once, a turn deletes a few. */
static void a_few_at_a_time(void **state)
{
    struct world *w = *state;
    enum { MANY = 5 * SB_MEDIA_STEP };
    for (unsigned i = 1; i <= MANY; i++)
        send_picture(w, i);
    settle(w);
    assert_int_equal(files(w), MANY);
    control(w, "reset", "{}");
    assert_int_equal(number(w, "SELECT count(*) FROM media"), 0);
    size_t before = files(w), steps = 0;
    while (before > 0 && steps++ < 100 * MANY) {
        w->backend.table->turn_end(w->backend.self);
        uv_run(w->loop.uv, UV_RUN_ONCE);
        size_t now = files(w);
        assert_true(before - now <= SB_MEDIA_STEP);
        before = now;
    }
    settle(w);
    assert_int_equal(files(w), 0);
}

/* The row is gone, the file not yet: the same content comes back. */
static void comes_back(void **state)
{
    struct world *w = *state;
    uint64_t a = send_picture(w, 1);
    settle(w);
    recall(w, a); /* committed; the file waits for the next step */
    assert_int_equal(number(w, "SELECT count(*) FROM media_gone"), 1);
    uint64_t b = send_picture(w, 1);
    settle(w);
    assert_int_equal(files(w), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM media_gone"), 0);
    recall(w, b);
    settle(w);
    assert_int_equal(files(w), 0);
    send_picture(w, 1);
    settle(w);
    assert_int_equal(files(w), 1);
}

/* It was fetched, and its call has not written yet: what it found in the world must stay. */
static void held(void **state)
{
    struct world *w = *state;
    char id[SB_MEDIA_ID];
    uint64_t a = send_picture(w, 1);
    settle(w);
    sqlite3_stmt *row;
    assert_int_equal(
        sqlite3_prepare_v2(world_db(w)->handle, "SELECT sha256 FROM media", -1, &row, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    snprintf(id, sizeof(id), "%s", sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    struct sb_media_fetch fetch = { 0 };
    struct sb_media_blob *blob = NULL;
    memcpy(fetch.media.id, id, sizeof(id));
    assert_int_equal(sb_media_store_take(store_of(w), &fetch, &blob), 0);
    assert_non_null(blob);
    recall(w, a);
    settle(w);
    assert_int_equal(files(w), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM media"), 1);
    control(w, "reset", "{}"); /* its row goes with all others, its file stays */
    settle(w);
    assert_int_equal(files(w), 1);
    sb_media_store_release(store_of(w), blob); /* without a reference */
    settle(w);
    assert_int_equal(files(w), 0);
}

static void rolled_back(void **state)
{
    struct world *w = *state;
    send_picture(w, 1);
    settle(w);
    world_sql(w, "BEGIN; DELETE FROM message; ROLLBACK");
    settle(w);
    assert_int_equal(files(w), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM media"), 1);
}

/* Files that no row names, and rows that nothing refers to, of a version without uses or a crash.
 */
static void after_a_crash(void **state)
{
    struct world *w = *state;
    char path[256];
    send_picture(w, 1);
    settle(w);
    world_sql(w, "INSERT INTO media_loose (media) SELECT sha256 FROM media");
    world_stop(w);
    for (unsigned i = 0; i < 3 * SB_MEDIA_STEP; i++) {
        snprintf(path, sizeof(path), "%s/media/%064x", w->dir, i);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fclose(file);
    }
    snprintf(path, sizeof(path), "%s/media/note.txt", w->dir); /* not a content */
    fclose(fopen(path, "we"));
    assert_int_equal(world_start(w), 0);
    settle(w);
    assert_int_equal(files(w), 2);
    assert_int_equal(number(w, "SELECT count(*) FROM media"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup_file, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recalled), TEST(a_few_at_a_time), TEST(comes_back),
        TEST(held),     TEST(rolled_back),     TEST(after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
