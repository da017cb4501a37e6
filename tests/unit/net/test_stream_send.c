/* Output of streams over real sockets: their own, and that of a source in between. */
#include "stream_testing.h"

#include <poll.h>

/* --- output --- */

static void a_slow_peer_gets_everything(void **state)
{
    enum { LEN = 3 * 1000 * 1000 };
    struct mk_buf all;
    (void)state;
    begin(true);
    mk_buf_init(&all, LEN);
    fill(&all, LEN);
    for (size_t at = 0; at < LEN; at += LEN / 10) {
        owner_write(&owner, all.data + at, LEN / 10);
        hear(heard.len + LEN / 20);
    }
    assert_int_equal(owner.drains, 0);
    assert_true(mk_stream_backlog(owner.stream) > LEN / 4);
    hear(LEN);
    assert_memory_equal(heard.data, all.data, LEN);
    turn(&loop);
    assert_int_equal(owner.drains, 1);
    assert_null(owner.stream->output.data);
    mk_buf_fini(&all);
}

static void output_has_a_limit(void **state)
{
    enum { LIMIT = 100 * 1000 };
    const struct mk_stream_limits limits = { .output = LIMIT, .read_pause = 1000, .input = 10 };
    static char block[LIMIT];
    size_t written = 0;
    (void)state;
    begin(true);
    limit_stream(owner.stream, &limits);
    assert_int_equal(mk_buf_append(mk_stream_output(owner.stream), block, LIMIT), 0);
    assert_int_equal(mk_buf_append_char(mk_stream_output(owner.stream), 'x'), -ENOBUFS);
    mk_stream_wake(owner.stream);
    turn(&loop);
    /* Bytes that the kernel has accepted do not count. */
    size_t left = mk_stream_backlog(owner.stream);
    assert_in_range(left, 1, LIMIT - 1);
    while (mk_buf_append_char(mk_stream_output(owner.stream), 'x') == 0)
        written++;
    assert_in_range(written, LIMIT - left, 2 * LIMIT - left);
    mk_stream_abort(owner.stream, -ENOBUFS);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ENOBUFS);
}

static void no_input_is_read_from_a_peer_that_reads_nothing(void **state)
{
    const struct mk_stream_limits limits = { .output = 1 << 24, .read_pause = 1000, .input = 4 };
    static char block[1 << 20];
    (void)state;
    begin(true);
    limit_stream(owner.stream, &limits);
    owner_write(&owner, block, sizeof(block));
    turn(&loop);
    peer_says("question");
    turn(&loop);
    turn(&loop);
    assert_int_equal(owner.reads, 0);
    hear(sizeof(block));
    TURN_UNTIL(&loop, owner.in.len == 8);
    assert_int_equal(owner.reads, 2); /* `input` bytes at a time */
}

static char long_answer[1 << 20];

static size_t answer_at_length(struct owner *self, char *data, size_t len)
{
    size_t at = 0;
    for (; at < len && !mk_stream_congested(self->stream); at++) {
        mk_buf_append_char(&self->in, data[at]);
        owner_write(self, long_answer, sizeof(long_answer));
    }
    return at;
}

/* Short requests that came together, with long answers: the next waits until the last is sent. */
static void no_request_is_taken_from_a_peer_that_reads_nothing(void **state)
{
    (void)state;
    begin(true);
    owner.on_read = answer_at_length;
    peer_says("abc");
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    TURN_UNTIL(&loop, owner.reads > 0);
    turn(&loop);
    turn(&loop);
    assert_heard(&owner, "a");
    assert_int_equal(owner.ends, 0);
    assert_in_range(mk_stream_backlog(owner.stream), 1, sizeof(long_answer));
    hear(3 * sizeof(long_answer));
    assert_heard(&owner, "abc");
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_int_equal(owner.reads, 3);
}

static bool hook_saw_silence;

static void listen_in_hook(struct mk_turn_hook *hook)
{
    (void)hook;
    char byte;
    hook_saw_silence = recv(pair[1], &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static size_t read_and_answer(struct owner *self, char *data, size_t len)
{
    owner_write(self, data, len);
    return len;
}

static void hooks_come_before_output(void **state)
{
    struct mk_turn_hook hook = { .run = listen_in_hook };
    (void)state;
    begin(false);
    owner.on_read = read_and_answer;
    mk_loop_add_hook(&loop, &hook);
    peer_says("ping");
    TURN_UNTIL(&loop, owner.drains == 1);
    assert_true(hook_saw_silence);
    turn(&loop);
    assert_false(hook_saw_silence);
    mk_loop_remove_hook(&hook);
}

static size_t backlog_in_hook;

static void look_at_backlog(struct mk_turn_hook *hook)
{
    (void)hook;
    if (!owner.stream->blocked && backlog_in_hook == 0)
        backlog_in_hook = mk_stream_backlog(owner.stream);
}

static void hooks_come_before_what_was_blocked(void **state)
{
    struct mk_turn_hook hook = { .run = look_at_backlog };
    static char block[1 << 20];
    (void)state;
    begin(true);
    owner_write(&owner, block, sizeof(block));
    turn(&loop);
    size_t before = mk_stream_backlog(owner.stream);
    struct pollfd writable = { .fd = pair[0], .events = POLLOUT };
    while (poll(&writable, 1, 0) == 0)
        assert_int_equal(read_some_of(pair[1], &heard, sizeof(block)), 0);
    backlog_in_hook = 0;
    mk_loop_add_hook(&loop, &hook);
    turn(&loop);
    mk_loop_remove_hook(&hook);
    assert_int_equal(backlog_in_hook, before);
    assert_true(mk_stream_backlog(owner.stream) < before);
}

/* --- sources --- */

/*
 * Frames of both kinds are a letter, a length and a number that counts up within the kind, then
 * that many bytes of the letter. The source's bytes are spoiled as soon as they were advanced over.
 */
enum { HEAD = 9 };

struct frames {
    struct mk_stream_source source;
    struct mk_buf bytes;
    size_t at;
    size_t most; /* of one peek, rounded to frames; 0: all */
    size_t peeks;
    uint32_t count;
    bool gone; /* must not be touched any more */
};

static void add_frame(struct mk_buf *buf, char kind, uint32_t *count, uint32_t len)
{
    uint32_t numbers[2] = { len, (*count)++ };
    assert_int_equal(mk_buf_append_char(buf, kind), 0);
    assert_int_equal(mk_buf_append(buf, numbers, sizeof(numbers)), 0);
    assert_int_equal(mk_buf_reserve(buf, len), 0);
    memset(buf->data + buf->len, kind, len);
    buf->len += len;
}

static struct mk_slice peek_frames(struct mk_stream_source *source)
{
    struct frames *frames = MK_CONTAINER_OF(source, struct frames, source);
    assert_false(frames->gone);
    frames->peeks++;
    return mk_slice_from(mk_buf_slice(&frames->bytes), frames->at);
}

static bool advance_frames(struct mk_stream_source *source, size_t len)
{
    struct frames *frames = MK_CONTAINER_OF(source, struct frames, source);
    assert_false(frames->gone);
    assert_true(len > 0 && len <= frames->bytes.len - frames->at);
    memset(frames->bytes.data + frames->at, '!', len);
    frames->at += len;
    return frames->at < frames->bytes.len;
}

static void frames_init(struct frames *frames)
{
    *frames = (struct frames){ .source = { peek_frames, advance_frames } };
    mk_buf_init(&frames->bytes, SIZE_MAX / 2);
}

/* Checks that the received bytes are whole frames, in order within their kind. Returns their
 * number. */
static void count_frames(uint32_t counts[2])
{
    size_t at = 0;
    counts[0] = counts[1] = 0;
    while (at < heard.len) {
        uint32_t numbers[2];
        assert_true(heard.len - at >= HEAD);
        char kind = heard.data[at];
        assert_true(kind == 's' || kind == 'o');
        memcpy(numbers, heard.data + at + 1, sizeof(numbers));
        assert_int_equal(numbers[1], counts[kind == 'o']);
        counts[kind == 'o']++;
        at += HEAD;
        assert_true(heard.len - at >= numbers[0]);
        for (uint32_t i = 0; i < numbers[0]; i++)
            assert_int_equal(heard.data[at + i], kind);
        at += numbers[0];
    }
}

static void own_output_and_source_leave_together(void **state)
{
    struct frames frames;
    uint32_t own = 0, counts[2];
    (void)state;
    begin(false);
    frames_init(&frames);
    add_frame(&frames.bytes, 's', &frames.count, 100);
    add_frame(&frames.bytes, 's', &frames.count, 200);
    mk_stream_set_source(owner.stream, &frames.source);
    add_frame(mk_stream_output(owner.stream), 'o', &own, 50);
    assert_int_equal(mk_stream_backlog(owner.stream), HEAD + 50);
    turn(&loop);
    assert_int_equal(frames.at, frames.bytes.len);
    assert_int_equal(frames.peeks, 1); /* advance has said that there is no more */
    assert_int_equal(owner.drains, 1);
    hear(350 + 3 * HEAD);
    count_frames(counts);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(heard.data[0], 'o');
    mk_stream_wake(owner.stream);
    turn(&loop);
    assert_int_equal(owner.drains, 1); /* nothing was left to be sent */
    mk_stream_set_source(owner.stream, NULL);
    mk_buf_fini(&frames.bytes);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

static void frames_of_both_are_interleaved_whole(void **state)
{
    struct frames frames;
    uint32_t own = 0, counts[2], seed = 12345;
    (void)state;
    begin(true);
    frames_init(&frames);
    /* Bytes that the peer has got are overwritten in `bytes`: they must not move, as the contract
     * says. */
    assert_int_equal(mk_buf_reserve(&frames.bytes, 16 << 20), 0);
    mk_stream_set_source(owner.stream, &frames.source);
    while (frames.count + own < 2000) {
        uint32_t len = next_random(&seed) % (next_random(&seed) % 20 ? 300 : 9000);
        if (next_random(&seed) % 3 == 0)
            add_frame(mk_stream_output(owner.stream), 'o', &own, len);
        else
            add_frame(&frames.bytes, 's', &frames.count, len);
        mk_stream_wake(owner.stream);
        if (next_random(&seed) % 4 == 0) {
            turn(&loop);
            assert_int_equal(read_some_of(pair[1], &heard, next_random(&seed) % 3000 + 1), 0);
        }
    }
    assert_true(owner.stream->blocked);
    while (mk_stream_backlog(owner.stream) > 0 || frames.at < frames.bytes.len)
        hear(heard.len + 1);
    mk_stream_set_source(owner.stream, NULL);
    frames.gone = true;
    mk_stream_close(owner.stream);
    hear_end();
    count_frames(counts);
    assert_int_equal(counts[0], frames.count);
    assert_int_equal(counts[1], own);
    mk_buf_fini(&frames.bytes);
}

/* A run of a megabyte has begun; only a part of it is sent. */
static void begin_run(struct frames *frames)
{
    begin(true);
    frames_init(frames);
    for (int i = 0; i < 100; i++)
        add_frame(&frames->bytes, 's', &frames->count, 10 * 1000);
    mk_stream_set_source(owner.stream, &frames->source);
    turn(&loop);
    assert_true(owner.stream->blocked);
    assert_in_range(owner.stream->owed, 1, frames->bytes.len - 1);
}

static void removing_a_source_leaves_frames_whole(void **state)
{
    struct frames frames, other;
    uint32_t own = 0, counts[2];
    (void)state;
    begin_run(&frames);
    add_frame(mk_stream_output(owner.stream), 'o', &own, 1000);
    frames_init(&other);
    other.count = 100;
    add_frame(&other.bytes, 's', &other.count, 10);
    mk_stream_set_source(owner.stream, &other.source);
    frames.gone = true;
    mk_buf_fini(&frames.bytes);
    add_frame(mk_stream_output(owner.stream), 'o', &own, 1000);
    hear(heard.len + 101 * HEAD + 1000 * 1000 + 2 * (1000 + HEAD) + 10);
    count_frames(counts);
    assert_int_equal(counts[0], 101);
    assert_int_equal(counts[1], 2);
    mk_stream_set_source(owner.stream, NULL);
    mk_buf_fini(&other.bytes);
}

static void closing_within_a_run_leaves_frames_whole(void **state)
{
    struct frames frames;
    uint32_t own = 0, counts[2];
    (void)state;
    begin_run(&frames);
    uint32_t begun = frames.count;
    add_frame(&frames.bytes, 's', &frames.count, 1000); /* not begun: it need not come */
    add_frame(mk_stream_output(owner.stream), 'o', &own, 1000);
    mk_stream_close(owner.stream);
    frames.gone = true;
    mk_buf_fini(&frames.bytes);
    hear_end();
    count_frames(counts);
    assert_int_equal(counts[0], begun);
    assert_int_equal(counts[1], 1);
    assert_int_equal(heard.data[heard.len - 1], 'o');
}

static void aborting_within_a_run_releases_the_source(void **state)
{
    struct frames frames;
    (void)state;
    begin_run(&frames);
    mk_stream_abort(owner.stream, -EIO);
    mk_stream_wake(owner.stream);
    mk_stream_set_source(owner.stream, NULL);
    frames.gone = true;
    mk_buf_fini(&frames.bytes);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -EIO);
}

static char endless[64 * 1024];
static size_t taken_of_endless;

static struct mk_slice peek_endless(struct mk_stream_source *source)
{
    (void)source;
    return mk_slice_of(endless, sizeof(endless));
}

static bool advance_endless(struct mk_stream_source *source, size_t len)
{
    (void)source;
    taken_of_endless += len;
    return true;
}

/* Both ends are in this loop: the peer reads all it can, and others still get their turn. */
static void no_stream_monopolizes_the_loop(void **state)
{
    struct mk_stream_source source = { peek_endless, advance_endless };
    int size = 8 << 20;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    owner_adopt(&owner, stream_on(&loop, pair[0]));
    taken_of_endless = 0;
    mk_stream_set_source(owner.stream, &source);
    uv_run(loop.uv, UV_RUN_NOWAIT);
    assert_in_range(taken_of_endless, 1, 2 << 20);
    mk_stream_set_source(owner.stream, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slow_peer_gets_everything),
        TEST(output_has_a_limit),
        TEST(no_input_is_read_from_a_peer_that_reads_nothing),
        TEST(no_request_is_taken_from_a_peer_that_reads_nothing),
        TEST(hooks_come_before_output),
        TEST(hooks_come_before_what_was_blocked),
        TEST(own_output_and_source_leave_together),
        TEST(frames_of_both_are_interleaved_whole),
        TEST(removing_a_source_leaves_frames_whole),
        TEST(closing_within_a_run_leaves_frames_whole),
        TEST(aborting_within_a_run_releases_the_source),
        TEST(no_stream_monopolizes_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
