/*
 * stream_testing: a stream over a real socket, and the peer at its other end. One per test, made by
 * `setup` and `begin`.
 */
#ifndef MK_TESTS_STREAM_TESTING_H
#define MK_TESTS_STREAM_TESTING_H

#include "net_testing.h"

static struct mk_loop loop;
static struct owner owner;
static int pair[2]; /* [0] is the stream's, [1] the peer's */
static struct mk_buf heard;

static inline int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    owner_init(&owner);
    mk_buf_init(&heard, SIZE_MAX / 2);
    pair[1] = -1;
    return mk_loop_init(&loop, NULL);
}

static inline int teardown(void **state)
{
    (void)state;
    if (owner.stream)
        mk_stream_abort(owner.stream, 0);
    if (pair[1] >= 0)
        close(pair[1]);
    mk_loop_fini(&loop);
    owner_fini(&owner);
    mk_buf_fini(&heard);
    alarm(0);
    return 0;
}

static inline void begin(bool small)
{
    tcp_pair(pair, small);
    owner_adopt(&owner, stream_on(&loop, pair[0]));
}

static inline void peer_says(const char *text)
{
    assert_int_equal(send(pair[1], text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Turns the loop and reads what comes until there are `len` bytes. */
static inline void hear(size_t len)
{
    alarm(PATIENCE_S);
    while (heard.len < len) {
        turn(&loop);
        assert_int_equal(read_some_of(pair[1], &heard, 1500), 0);
    }
}

static inline void hear_end(void)
{
    int rc;
    alarm(PATIENCE_S);
    do {
        turn(&loop);
        rc = read_some_of(pair[1], &heard, 64 * 1024);
    } while (rc == 0);
    assert_int_equal(rc, -1);
}

/* Bytes without any repeated part. */
static inline void fill(struct mk_buf *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        mk_buf_append_char(buf, (char)(i * 7 + i / 251));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
