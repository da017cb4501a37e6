/* The bounds of kept connections: their number, their time, and what ends them. */
#include "moved_clock.h"
#include "net_testing.h"
#include "web/http_pool.h"

static struct mk_loop loop;
static struct mk_http_pool pool;
static int peers[MK_HTTP_POOL_MAX + 1];

static const struct mk_http_origin origin = { .host = { "example.org", 11 }, .port = 80 };

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    for (size_t i = 0; i <= MK_HTTP_POOL_MAX; i++)
        peers[i] = -1;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    return mk_http_pool_init(&pool, &loop);
}

static int teardown(void **state)
{
    (void)state;
    mk_http_pool_fini(&pool);
    for (size_t i = 0; i <= MK_HTTP_POOL_MAX; i++)
        if (peers[i] >= 0)
            close(peers[i]);
    mk_loop_fini(&loop);
    alarm(0);
    return 0;
}

/* Keeps a new connection, whose other end is peers[index]. */
static void put(size_t index, const struct mk_http_origin *to)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peers[index] = pair[1];
    mk_http_pool_put(&pool, to, stream_on(&loop, pair[0]));
}

static bool is_open(size_t index)
{
    char byte;
    return recv(peers[index], &byte, 1, 0) != 0;
}

/* Takes a connection, and returns the index of its peer, or -1. */
static int take(const struct mk_http_origin *of)
{
    struct mk_stream *stream = mk_http_pool_take(&pool, of);
    if (!stream)
        return -1;
    mk_stream_adopt(stream, NULL, NULL);
    char byte = 0;
    assert_int_equal(send(stream->fd, "x", 1, MSG_NOSIGNAL), 1);
    for (int i = 0; i <= MK_HTTP_POOL_MAX; i++) {
        if (peers[i] < 0 || recv(peers[i], &byte, 1, 0) != 1)
            continue;
        mk_stream_abort(stream, 0);
        return i;
    }
    fail();
    return -1;
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < MK_HTTP_POOL_MAX; i++)
        put(i, &origin);
    assert_int_equal(pool.count, MK_HTTP_POOL_MAX);
    assert_true(is_open(0));
    put(MK_HTTP_POOL_MAX, &origin);
    turn(&loop);
    assert_int_equal(pool.count, MK_HTTP_POOL_MAX);
    assert_false(is_open(0));
    assert_true(is_open(1));
    assert_int_equal(take(&origin), MK_HTTP_POOL_MAX); /* the one that was used last */
    assert_int_equal(take(&origin), MK_HTTP_POOL_MAX - 1);
    assert_int_equal(pool.count, MK_HTTP_POOL_MAX - 2);
    mk_http_pool_clear(&pool);
    turn(&loop);
    assert_int_equal(pool.count, 0);
    assert_false(is_open(1));
}

static void idle_ones_are_closed(void **state)
{
    (void)state;
    put(0, &origin);
    move_clock(&loop, 1000);
    put(1, &origin);
    move_clock(&loop, MK_HTTP_POOL_IDLE_MS - 1500);
    turn(&loop);
    assert_true(is_open(0));
    move_clock(&loop, 1000);
    turn(&loop);
    assert_false(is_open(0));
    assert_true(is_open(1));
    move_clock(&loop, 1000);
    turn(&loop);
    assert_false(is_open(1));
    assert_int_equal(pool.count, 0);
    assert_int_equal(take(&origin), -1);
}

static void other_origins_have_others(void **state)
{
    int proxy;
    struct mk_http_origin other[] = { origin, origin, origin, origin };
    struct mk_http_origin same = origin;
    (void)state;
    other[0].host = MK_SLICE("example.com");
    other[1].port = 81;
    other[2].tls = true;
    other[3].proxy = &proxy;
    put(0, &origin);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(take(&other[i]), -1);
    for (size_t i = 0; i < 4; i++)
        put(i + 1, &other[i]);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(take(&other[i]), (int)i + 1);
    same.host = MK_SLICE("EXAMPLE.org");
    assert_int_equal(take(&same), 0);
}

/* The loop has not polled since: a request would be lost, or answered by what was there before. */
static void what_the_peer_has_ended_is_not_taken(void **state)
{
    (void)state;
    put(0, &origin);
    put(1, &origin);
    put(2, &origin);
    close(peers[2]);
    peers[2] = -1;
    assert_int_equal(send(peers[1], "HTTP/1.1 200 OK\r\n", 17, 0), 17);
    assert_int_equal(take(&origin), 0);
    assert_int_equal(take(&origin), -1);
}

/* ... and those that nothing takes are dropped when the loop polls. */
static void the_loop_drops_what_the_peer_has_ended(void **state)
{
    (void)state;
    put(0, &origin);
    put(1, &origin);
    put(2, &origin);
    shutdown(peers[0], SHUT_WR);
    assert_int_equal(send(peers[1], "x", 1, 0), 1);
    turn(&loop);
    assert_int_equal(pool.count, 1);
    assert_int_equal(take(&origin), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_makes_room),
        TEST(idle_ones_are_closed),
        TEST(other_origins_have_others),
        TEST(what_the_peer_has_ended_is_not_taken),
        TEST(the_loop_drops_what_the_peer_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
