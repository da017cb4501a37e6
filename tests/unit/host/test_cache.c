/* The store of uploads without HTTP: disks that fail, uploads that meet, claims of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "host/cache.h"
#include "net/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOT = 10001000, OTHER = 10001001, SIZE = 9 * 1024 * 1024, PIECE = 64 * 1024 };

struct world {
    struct mk_loop *loop;
    struct mk_cache *cache;
    char folder[64];
    char *content;
};

/* One connection that uploads. */
struct client {
    struct mk_cache_listener listener;
    struct mk_cache_upload *upload;
    bool has_room, has_ended;
    enum mk_cache_end end;
    int error;
};

static void on_room(struct mk_cache_listener *listener)
{
    struct client *client = (struct client *)listener;
    client->has_room = true;
}

static void on_ended(struct mk_cache_listener *listener, enum mk_cache_end end, int error)
{
    struct client *client = (struct client *)listener;
    client->has_ended = true;
    client->end = end;
    client->error = error;
}

static void make_cache(struct world *world)
{
    const struct mk_cache_config config = {
        .folder = world->folder,
        .bytes = 64 * 1024 * 1024,
        .bytes_of_bot = 32 * 1024 * 1024,
        .idle_ms = 60 * 1000,
    };
    assert_int_equal(mk_cache_new(world->loop, &config, &world->cache), 0);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    signal(SIGXFSZ, SIG_IGN);
    strcpy(world->folder, "/tmp/milky-cache-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(mk_loop_get(NULL, &world->loop), 0);
    world->content = malloc(SIZE);
    assert_non_null(world->content);
    for (size_t i = 0; i < SIZE; i++)
        world->content[i] = (char)(i * 7 + i / 1000);
    make_cache(world);
    *state = world;
    return 0;
}

static unsigned count_files(const struct world *world)
{
    unsigned count = 0;
    struct dirent *entry;
    DIR *dir = opendir(world->folder);
    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    mk_cache_free(world->cache);
    assert_int_equal(count_files(world), 0);
    rmdir(world->folder);
    mk_loop_put(world->loop);
    free(world->content);
    free(world);
    return 0;
}

static struct mk_cached *announce(struct world *world, bool has_hash, bool once)
{
    uint8_t hash[MK_SHA256_LEN];
    struct mk_digest *digest = mk_digest_sha256();
    struct mk_cached *resource;
    mk_digest_add(digest, mk_slice_of(world->content, SIZE));
    assert_int_equal(mk_digest_end(digest, hash), 0);
    const struct mk_cache_order order = {
        .self_id = BOT, .size = SIZE, .sha256 = has_hash ? hash : NULL, .once = once
    };
    assert_int_equal(mk_cache_announce(world->cache, &order, &resource), 0);
    return resource;
}

static struct mk_cache_status status_of(const struct mk_cached *resource)
{
    struct mk_cache_status status;
    mk_cached_status(resource, &status);
    return status;
}

static int begin(struct mk_cached *resource, struct client *client, struct mk_cache_part part)
{
    *client = (struct client){ .listener = { on_room, on_ended } };
    return mk_cache_upload_begin(resource, &part, &client->listener, &client->upload);
}

static void begin_stream(struct mk_cached *resource, struct client *client, uint64_t from)
{
    assert_int_equal(begin(resource, client, (struct mk_cache_part){ .from = from, .end = SIZE }),
                     0);
}

static int begin_chunk(struct mk_cached *resource, struct client *client, uint64_t number)
{
    uint64_t from = number * MK_CACHE_CHUNK, end = from + MK_CACHE_CHUNK;
    return begin(
        resource, client,
        (struct mk_cache_part){ .from = from, .end = end < SIZE ? end : SIZE, .is_chunk = true });
}

static void run(struct world *world)
{
    uv_run(world->loop->uv, UV_RUN_ONCE);
}

/* Adds bytes until before `end`, or until the upload ends. */
static void add(struct world *world, struct client *client, uint64_t at, uint64_t end)
{
    while (at < end && !client->has_ended) {
        size_t len = end - at < PIECE ? (size_t)(end - at) : PIECE;
        client->has_room = false;
        int rc = mk_cache_upload_add(client->upload, mk_slice_of(world->content + at, len));
        assert_true(rc >= 0);
        at += len;
        while (rc == 0 && !client->has_room && !client->has_ended)
            run(world);
    }
}

static void finish(struct world *world, struct client *client)
{
    if (!client->has_ended)
        mk_cache_upload_finish(client->upload);
    while (!client->has_ended)
        run(world);
}

static void check_content(struct world *world, int fd)
{
    char *bytes = malloc(SIZE + 1);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, SIZE + 1, 0), SIZE);
    assert_memory_equal(bytes, world->content, SIZE);
    free(bytes);
}

static int claim(struct world *world, const struct mk_cached *resource, uint64_t bot, uint64_t call,
                 struct mk_cache_claim **claims)
{
    char uri[64];
    snprintf(uri, sizeof(uri), "cache://%s", status_of(resource).id);
    return mk_cache_claim(world->cache, bot, call, mk_slice_str(uri), claims);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* --- the tests --- */

static void test_full_disk(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cached *resource = announce(world, true, false);
    limit_files(5 * 1024 * 1024 + 100);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, SIZE);
    finish(world, &client);
    assert_int_equal(client.end, MK_CACHE_FAILED);
    assert_int_equal(client.error, -EFBIG);
    uint64_t offset = status_of(resource).offset;
    assert_true(offset > MK_CACHE_CHUNK && offset <= 5 * 1024 * 1024 + 100);
    /* Another file is not affected. */
    struct mk_cached *other = announce(world, false, false);
    assert_int_equal(begin_chunk(other, &client, 0), 0);
    add(world, &client, 0, MK_CACHE_CHUNK);
    finish(world, &client);
    assert_int_equal(client.end, MK_CACHE_STORED);
    /* It goes on when there is room again. */
    limit_files(RLIM_INFINITY);
    begin_stream(resource, &client, offset);
    add(world, &client, offset, SIZE);
    finish(world, &client);
    assert_int_equal(client.end, MK_CACHE_STORED);
    assert_true(status_of(resource).is_complete);
}

static void test_folder_that_is_gone(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cached *resource = announce(world, false, false);
    assert_int_equal(rmdir(world->folder), 0);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, 10);
    while (!client.has_ended)
        run(world);
    assert_int_equal(client.end, MK_CACHE_FAILED);
    assert_int_equal(client.error, -ENOENT);
    assert_int_equal(status_of(resource).received, 0);
    assert_int_equal(mkdir(world->folder, 0700), 0);
}

static void test_file_that_is_gone(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cache_claim *claims = NULL;
    char path[128];
    struct mk_cached *resource = announce(world, false, false);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, SIZE);
    finish(world, &client);
    snprintf(path, sizeof(path), "%s/%s", world->folder, status_of(resource).id);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(claim(world, resource, BOT, 1, &claims), -EIO);
    assert_null(claims);
}

/* The same file with a link in its place is not followed. */
static void test_link_in_place(void **state)
{
    struct world *world = *state;
    struct client client;
    char path[128], outside[80];
    struct mk_cached *resource = announce(world, false, false);
    snprintf(path, sizeof(path), "%s/%s", world->folder, status_of(resource).id);
    snprintf(outside, sizeof(outside), "%s-outside", world->folder);
    assert_int_equal(symlink(outside, path), 0);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, 10);
    while (!client.has_ended)
        run(world);
    assert_int_equal(client.error, -ELOOP);
    assert_int_equal(access(outside, F_OK), -1);
    assert_int_equal(unlink(path), 0);
}

/* A chunk that is sent again, and breaks off or is wrong, is not there any more. */
static void test_chunk_again(void **state)
{
    struct world *world = *state;
    struct client client;
    uint8_t wrong[MK_CACHE_SHA256] = { 0 };
    struct mk_cached *resource = announce(world, true, false);
    assert_int_equal(begin_chunk(resource, &client, 1), 0);
    add(world, &client, MK_CACHE_CHUNK, 2 * MK_CACHE_CHUNK);
    finish(world, &client);
    assert_int_equal(status_of(resource).received, MK_CACHE_CHUNK);
    const struct mk_cache_part part = { MK_CACHE_CHUNK, 2 * MK_CACHE_CHUNK, wrong, true };
    assert_int_equal(begin(resource, &client, part), 0);
    add(world, &client, MK_CACHE_CHUNK, 2 * MK_CACHE_CHUNK);
    finish(world, &client);
    assert_int_equal(client.end, MK_CACHE_WRONG_HASH);
    assert_int_equal(status_of(resource).received, 0);
}

static void test_leaving(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cached *resource = announce(world, true, false);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, MK_CACHE_CHUNK + 5000);
    mk_cache_upload_leave(client.upload);
    while (status_of(resource).received < MK_CACHE_CHUNK + 5000)
        run(world);
    assert_int_equal(status_of(resource).offset, MK_CACHE_CHUNK + 5000);
    /* With all bytes, but not the end of its body: the last one is missing. */
    begin_stream(resource, &client, MK_CACHE_CHUNK);
    add(world, &client, MK_CACHE_CHUNK, SIZE);
    mk_cache_upload_leave(client.upload);
    while (status_of(resource).received < SIZE - 1)
        run(world);
    assert_int_equal(status_of(resource).offset, SIZE - 1);
    /* After all bytes, but before the answer: it becomes complete by itself. */
    begin_stream(resource, &client, SIZE - 1);
    add(world, &client, SIZE - 1, SIZE);
    mk_cache_upload_finish(client.upload);
    mk_cache_upload_leave(client.upload);
    while (!status_of(resource).is_complete)
        run(world);
    assert_false(client.has_ended);
}

/* A chunk and a stream exclude each other, as do two of one chunk; other chunks do not. */
static void test_meeting(void **state)
{
    struct world *world = *state;
    struct client stream, chunk, same, next;
    struct mk_cached *resource = announce(world, false, false);
    begin_stream(resource, &stream, 0);
    add(world, &stream, 0, 100);
    assert_int_equal(begin_chunk(resource, &chunk, 0), 0);
    assert_true(stream.has_ended);
    assert_int_equal(stream.end, MK_CACHE_REPLACED);
    assert_int_equal(begin_chunk(resource, &next, 1), 0);
    assert_false(chunk.has_ended);
    assert_int_equal(begin_chunk(resource, &same, 0), 0);
    assert_int_equal(chunk.end, MK_CACHE_REPLACED);
    assert_false(next.has_ended);
    add(world, &next, MK_CACHE_CHUNK, MK_CACHE_CHUNK + 100);
    add(world, &same, 0, 100);
    begin_stream(resource, &stream, 0);
    assert_true(same.has_ended && next.has_ended);
    add(world, &stream, 0, SIZE);
    finish(world, &stream);
    assert_true(status_of(resource).is_complete);
    assert_int_equal(begin_chunk(resource, &chunk, 0), -EALREADY);
    struct mk_cache_claim *claims = NULL;
    int fd = claim(world, resource, BOT, 1, &claims);
    check_content(world, fd);
    close(fd);
    mk_cache_settle(&claims, true);
}

static void test_many(void **state)
{
    struct world *world = *state;
    struct client clients[MK_CACHE_UPLOADS + 1];
    struct mk_cached *resource = NULL;
    uint8_t hash[MK_CACHE_SHA256] = { 0 };
    const struct mk_cache_order order = { .self_id = BOT, .size = 1000, .sha256 = hash };
    for (unsigned i = 0; i <= MK_CACHE_UPLOADS; i++) {
        const struct mk_cache_part part = { .end = 1000 };
        assert_int_equal(mk_cache_announce(world->cache, &order, &resource), 0);
        assert_int_equal(begin(resource, &clients[i], part), i < MK_CACHE_UPLOADS ? 0 : -EBUSY);
    }
    mk_cache_upload_leave(clients[0].upload);
    assert_int_equal(begin(resource, &clients[0], (struct mk_cache_part){ .end = 1000 }), 0);
    mk_cache_forget_bot(world->cache, BOT);
    for (unsigned i = 0; i < MK_CACHE_UPLOADS; i++)
        assert_int_equal(clients[i].end, MK_CACHE_DESTROYED);
    assert_int_equal(mk_cache_room(world->cache, BOT).used, 0);
}

/* While a thread writes it, reads it for its hash, or it waits for one. */
static void test_destroyed_at_work(void **state)
{
    struct world *world = *state;
    struct client clients[4];
    for (unsigned i = 0; i < 4; i++) {
        struct mk_cached *resource = announce(world, i % 2 == 0, false);
        begin_stream(resource, &clients[i], 0);
        add(world, &clients[i], 0, i < 2 ? SIZE : PIECE);
        if (i < 2)
            mk_cache_upload_finish(clients[i].upload);
        mk_cached_destroy(resource);
        assert_true(clients[i].has_ended);
        assert_int_equal(clients[i].end, MK_CACHE_DESTROYED);
    }
    /* Chunks last to first: all of it is read again for the hash. */
    struct mk_cached *resource = announce(world, true, false);
    for (uint64_t number = 3; number-- > 0;) {
        uint64_t end = (number + 1) * MK_CACHE_CHUNK;
        assert_int_equal(begin_chunk(resource, &clients[0], number), 0);
        add(world, &clients[0], number * MK_CACHE_CHUNK, end < SIZE ? end : SIZE);
        mk_cache_upload_finish(clients[0].upload);
        while (!clients[0].has_ended && status_of(resource).missing > 0)
            run(world);
    }
    assert_false(clients[0].has_ended);
    mk_cached_destroy(resource);
    assert_int_equal(clients[0].end, MK_CACHE_DESTROYED);
}

static void test_claims(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cache_claim *first = NULL, *second = NULL;
    struct mk_cached *resource = announce(world, false, true);
    assert_int_equal(claim(world, resource, BOT, 1, &first), -EAGAIN);
    begin_stream(resource, &client, 0);
    add(world, &client, 0, SIZE);
    finish(world, &client);
    assert_int_equal(claim(world, resource, OTHER, 1, &first), -ENOENT);
    int fd = claim(world, resource, BOT, 1, &first);
    int again = claim(world, resource, BOT, 1, &first); /* twice in one call */
    assert_true(fd >= 0 && again >= 0);
    assert_int_equal(claim(world, resource, BOT, 2, &second), -EBUSY);
    mk_cache_settle(&first, false);
    int later = claim(world, resource, BOT, 2, &second);
    assert_true(later >= 0);
    mk_cached_destroy(resource); /* the call keeps what it has open */
    assert_int_equal(mk_cache_room(world->cache, BOT).count, 0);
    check_content(world, later);
    mk_cache_settle(&second, true);
    close(fd);
    close(again);
    close(later);
}

static void test_memory_of_an_upload(void **state)
{
    struct world *world = *state;
    struct client client;
    struct mk_cached *resource = announce(world, false, false);
    size_t added = 0;
    begin_stream(resource, &client, 0);
    /* Without a turn of the loop nothing is written: it takes two buffers, and no more. */
    while (mk_cache_upload_add(client.upload, mk_slice_of(world->content, PIECE)) > 0)
        added += PIECE;
    assert_in_range(added, 128 * 1024, 640 * 1024);
    mk_cache_upload_leave(client.upload);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_full_disk),
        TEST(test_folder_that_is_gone),
        TEST(test_file_that_is_gone),
        TEST(test_link_in_place),
        TEST(test_chunk_again),
        TEST(test_leaving),
        TEST(test_meeting),
        TEST(test_many),
        TEST(test_destroyed_at_work),
        TEST(test_claims),
        TEST(test_memory_of_an_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
