/*
 * net_testing: a loop that turns until a condition is true, and an owner of a stream that records
 * its callbacks. A test that hangs is ended by an alarm.
 */
#ifndef MK_TESTS_NET_TESTING_H
#define MK_TESTS_NET_TESTING_H

#include "net/stream_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 30 };

static inline void nothing(void *arg)
{
    (void)arg;
}

/*
 * Processes everything that is ready, and does not wait. It does not use mk_loop_stop from a timer:
 * from libuv 1.45 on, timers run before the first poll, and a loop that was stopped does not poll.
 */
static inline void turn(struct mk_loop *loop)
{
    struct mk_timer *timer = mk_timer_new(loop, nothing, NULL);
    assert_non_null(timer);
    mk_timer_start(timer, 3600 * 1000); /* a loop that waits for nothing would not turn at all */
    for (int i = 0; i < 2; i++)
        uv_run(loop->uv, UV_RUN_NOWAIT);
    mk_timer_free(timer);
}

#define TURN_UNTIL(loop, condition)                                                                \
    do {                                                                                           \
        alarm(PATIENCE_S);                                                                         \
        while (!(condition))                                                                       \
            uv_loop_alive((loop)->uv) ? (void)uv_run((loop)->uv, UV_RUN_ONCE) : turn(loop);        \
        alarm(0);                                                                                  \
    } while (0)

struct owner {
    struct mk_stream *stream;
    struct mk_buf in;
    size_t pause_at; /* takes so many bytes in all, then pauses; 0: never */
    int reads;
    int ends;
    int closes;
    int drains;
    int error;
    bool busy; /* in a call to the stream, where no `closed` and no `read` may come */
    size_t (*on_read)(struct owner *owner, char *data, size_t len); /* instead of the above */
    void (*on_end)(struct owner *owner);
    void (*on_drained)(struct owner *owner);
};

static inline size_t owner_read(void *arg, char *data, size_t len)
{
    struct owner *owner = arg;
    assert_false(owner->busy);
    assert_int_equal(owner->closes, 0);
    assert_true(len > 0);
    owner->reads++;
    if (owner->on_read)
        return owner->on_read(owner, data, len);
    if (owner->pause_at > 0 && owner->in.len + len >= owner->pause_at) {
        mk_stream_pause(owner->stream);
        len = owner->pause_at - owner->in.len;
        owner->pause_at = 0;
    }
    assert_int_equal(mk_buf_append(&owner->in, data, len), 0);
    memset(data, '#', len); /* it may be changed in place */
    return len;
}

static inline void owner_end(void *arg)
{
    struct owner *owner = arg;
    owner->ends++;
    if (owner->on_end)
        owner->on_end(owner);
}

static inline void owner_closed(void *arg, int error)
{
    struct owner *owner = arg;
    assert_false(owner->busy);
    owner->closes++;
    owner->error = error;
    owner->stream = NULL;
}

static inline void owner_drained(void *arg)
{
    struct owner *owner = arg;
    owner->drains++;
    if (owner->on_drained)
        owner->on_drained(owner);
}

static const struct mk_stream_events owner_events = {
    .read = owner_read,
    .end = owner_end,
    .closed = owner_closed,
    .drained = owner_drained,
};

static inline void owner_init(struct owner *owner)
{
    *owner = (struct owner){ 0 };
    mk_buf_init(&owner->in, SIZE_MAX / 2);
}

static inline void owner_adopt(struct owner *owner, struct mk_stream *stream)
{
    owner->stream = stream;
    mk_stream_adopt(stream, &owner_events, owner);
}

/* Sets limits for a stream that has not written anything. */
static inline void limit_stream(struct mk_stream *stream, const struct mk_stream_limits *limits)
{
    stream->limits = *limits;
    stream->output.max = limits->output;
}

static inline void owner_fini(struct owner *owner)
{
    mk_buf_fini(&owner->in);
}

static inline void owner_write(struct owner *owner, const void *data, size_t len)
{
    assert_int_equal(mk_buf_append(mk_stream_output(owner->stream), data, len), 0);
    mk_stream_wake(owner->stream);
}

static inline void owner_says(struct owner *owner, const char *text)
{
    owner_write(owner, text, strlen(text));
}

#define assert_heard(owner, text)                                                                  \
    do {                                                                                           \
        assert_int_equal((owner)->in.len, strlen(text));                                           \
        assert_memory_equal((owner)->in.data, text, strlen(text));                                 \
    } while (0)

/* Two connected TCP sockets on the loopback; with `small` their kernel buffers hold little. */
static inline void tcp_pair(int pair[2], bool small)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int size = 4096;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (small) {
        setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    assert_int_equal(bind(listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(pair[1], (struct sockaddr *)&address, len), 0);
    pair[0] = accept(listening, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listening);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
}

static inline struct mk_stream *stream_on(struct mk_loop *loop, int fd)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct mk_stream *stream = mk_stream_new(mk_streams_of(loop), fd, (struct sockaddr *)&address);
    assert_non_null(stream);
    return stream;
}

/* Reads the available bytes into `buf`. Returns -1 at the end, -errno on an error, 0 otherwise. */
static inline int read_some_of(int fd, struct mk_buf *buf, size_t most)
{
    assert_int_equal(mk_buf_reserve(buf, most), 0);
    ssize_t got = recv(fd, buf->data + buf->len, most, MSG_DONTWAIT);
    if (got == 0)
        return -1;
    if (got < 0)
        return errno == EAGAIN ? 0 : -errno;
    buf->len += (size_t)got;
    return 0;
}

#endif
