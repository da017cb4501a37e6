/* Streams over real sockets: input, output, sources, and how they end. TLS is in test_tls. */
#include "net_testing.h"

#include <poll.h>

static struct mk_loop loop;
static struct owner owner;
static int pair[2]; /* [0] is the stream's, [1] the peer's */
static struct mk_buf heard;

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    owner_init(&owner);
    mk_buf_init(&heard, SIZE_MAX / 2);
    pair[1] = -1;
    return mk_loop_init(&loop);
}

static int teardown(void **state)
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

static void begin(bool small)
{
    tcp_pair(pair, small);
    owner_adopt(&owner, stream_on(&loop, pair[0]));
}

static void peer_says(const char *text)
{
    assert_int_equal(send(pair[1], text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Turns the loop and reads what comes until there are `len` bytes. */
static void hear(size_t len)
{
    alarm(PATIENCE_S);
    while (heard.len < len) {
        turn(&loop);
        assert_int_equal(read_some_of(pair[1], &heard, 1500), 0);
    }
}

static void hear_end(void)
{
    int rc;
    alarm(PATIENCE_S);
    do {
        turn(&loop);
        rc = read_some_of(pair[1], &heard, 64 * 1024);
    } while (rc == 0);
    assert_int_equal(rc, -1);
}

/* --- input --- */

static void bytes_come_and_go(void **state)
{
    (void)state;
    begin(false);
    assert_string_equal(mk_stream_peer(owner.stream), "0.0.0.0:0");
    assert_ptr_equal(mk_stream_loop(owner.stream), &loop);
    peer_says("hello");
    TURN_UNTIL(&loop, owner.in.len == 5);
    assert_heard(&owner, "hello");
    owner_says(&owner, "wor");
    owner_says(&owner, "ld");
    assert_int_equal(mk_stream_backlog(owner.stream), 5);
    turn(&loop);
    assert_int_equal(mk_stream_backlog(owner.stream), 0);
    hear(5);
    assert_memory_equal(heard.data, "world", 5);
    assert_int_equal(owner.drains, 1);
}

static void an_idle_stream_is_small(void **state)
{
    (void)state;
    begin(false);
    assert_true(sizeof(struct mk_stream) <= 448);
    owner_says(&owner, "x");
    turn(&loop);
    assert_null(owner.stream->output.data);
    assert_null(owner.stream->kept);
    /* The memory is there for the next one. */
    assert_int_equal(loop.streams->spare_count, 1);
    assert_non_null(mk_stream_output(owner.stream)->data);
    assert_int_equal(loop.streams->spare_count, 0);
    mk_stream_wake(owner.stream);
    turn(&loop);
    assert_int_equal(loop.streams->spare_count, 1);
    assert_int_equal(owner.drains, 1); /* nothing was written the second time */
}

static void a_paused_stream_keeps_the_rest(void **state)
{
    (void)state;
    begin(false);
    owner.pause_at = 3;
    peer_says("abcdef");
    TURN_UNTIL(&loop, owner.reads == 1);
    assert_heard(&owner, "abc");
    assert_true(mk_stream_paused(owner.stream));
    peer_says("ghi");
    turn(&loop);
    assert_heard(&owner, "abc");
    owner.pause_at = 4;
    owner.busy = true; /* nothing comes from within */
    mk_stream_resume(owner.stream);
    mk_stream_pause(owner.stream);
    mk_stream_resume(owner.stream);
    owner.busy = false;
    turn(&loop);
    assert_heard(&owner, "abcd");
    mk_stream_resume(owner.stream);
    mk_stream_pause(owner.stream);
    turn(&loop);
    assert_heard(&owner, "abcd");
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.in.len == 9);
    assert_heard(&owner, "abcdefghi");
}

static size_t read_one_by_one(struct owner *self, char *data, size_t len)
{
    (void)len;
    mk_stream_pause(self->stream);
    mk_buf_append_char(&self->in, *data);
    mk_stream_resume(self->stream);
    return 1;
}

static void resuming_within_read_goes_on_at_once(void **state)
{
    (void)state;
    begin(false);
    owner.on_read = read_one_by_one;
    peer_says("abcd");
    TURN_UNTIL(&loop, owner.reads == 4);
    assert_heard(&owner, "abcd");
}

static size_t read_line_and_pause(struct owner *self, char *data, size_t len)
{
    char *end = memchr(data, '\n', len);
    assert_non_null(end);
    size_t taken = (size_t)(end - data) + 1;
    mk_buf_append(&self->in, data, taken);
    mk_stream_pause(self->stream);
    return taken;
}

static void answer_in_hook(struct mk_turn_hook *hook)
{
    (void)hook;
    if (!mk_stream_paused(owner.stream))
        return;
    owner_says(&owner, "ok\n");
    mk_stream_resume(owner.stream);
}

/* Requests that came together and are answered one at a time, each at the end of the turn. */
static void kept_requests_are_answered_in_one_turn(void **state)
{
    struct mk_turn_hook hook = { .run = answer_in_hook };
    (void)state;
    begin(false);
    mk_loop_add_hook(&loop, &hook);
    owner.on_read = read_line_and_pause;
    peer_says("1\n2\n3\n4\n");
    TURN_UNTIL(&loop, owner.reads > 0);
    assert_heard(&owner, "1\n2\n3\n4\n");
    assert_int_equal(owner.drains, 1); /* with one system call */
    hear(12);
    mk_loop_remove_hook(&hook);
}

static void unread_bytes_go_to_the_new_owner(void **state)
{
    struct owner second;
    (void)state;
    begin(false);
    owner_init(&second);
    second.stream = owner.stream;
    owner.pause_at = 4;
    peer_says("headbody");
    TURN_UNTIL(&loop, owner.reads == 1);
    mk_stream_hand_over(owner.stream, &owner_events, &second);
    turn(&loop);
    assert_int_equal(second.reads, 0); /* still paused */
    mk_stream_resume(second.stream);
    turn(&loop);
    assert_heard(&owner, "head");
    assert_heard(&second, "body");
    mk_stream_abort(second.stream, -EIO);
    owner.stream = NULL;
    TURN_UNTIL(&loop, second.closes == 1);
    assert_int_equal(second.error, -EIO);
    assert_int_equal(owner.closes, 0);
    owner_fini(&second);
}

static struct owner successor;

static size_t read_head_and_leave(struct owner *self, char *data, size_t len)
{
    mk_buf_append(&self->in, data, 4);
    assert_true(len > 4);
    successor.stream = self->stream;
    mk_stream_hand_over(self->stream, &owner_events, &successor);
    return 4;
}

static void handing_over_within_read_goes_on_at_once(void **state)
{
    (void)state;
    begin(false);
    owner_init(&successor);
    owner.on_read = read_head_and_leave;
    peer_says("headbody");
    TURN_UNTIL(&loop, owner.reads == 1);
    assert_heard(&owner, "head");
    assert_heard(&successor, "body");
    owner.stream = NULL;
    mk_stream_abort(successor.stream, 0);
    TURN_UNTIL(&loop, successor.closes == 1);
    owner_fini(&successor);
}

static void after_the_end_output_still_goes(void **state)
{
    (void)state;
    begin(false);
    peer_says("last words");
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_heard(&owner, "last words");
    owner_says(&owner, "answer");
    hear(6);
    turn(&loop);
    assert_int_equal(owner.ends, 1);
    assert_int_equal(owner.closes, 0);
    mk_stream_close(owner.stream);
    hear_end();
    TURN_UNTIL(&loop, owner.closes == 1); /* at once: the peer has ended already */
    assert_int_equal(owner.error, 0);
}

static void the_end_waits_for_a_paused_owner(void **state)
{
    (void)state;
    begin(false);
    owner.pause_at = 2;
    peer_says("abcd");
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, owner.reads == 1);
    turn(&loop);
    assert_int_equal(owner.ends, 0);
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_heard(&owner, "abcd");
}

static void a_reset_is_told(void **state)
{
    struct linger now = { .l_onoff = 1 };
    (void)state;
    begin(false);
    peer_says("x");
    setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(pair[1]);
    pair[1] = -1;
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ECONNRESET);
    assert_heard(&owner, "x"); /* what came before it was not lost */
}

static size_t read_and_abort(struct owner *self, char *data, size_t len)
{
    self->busy = true;
    mk_stream_abort(self->stream, -EPROTO);
    mk_stream_abort(self->stream, -EIO); /* the first one counts */
    mk_stream_close(self->stream);
    mk_stream_pause(self->stream);
    mk_stream_resume(self->stream);
    owner_says(self, "for nobody");
    memset(data, 'x', len);
    self->busy = false;
    return len;
}

static void aborting_within_read(void **state)
{
    (void)state;
    begin(false);
    owner.on_read = read_and_abort;
    peer_says("x");
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -EPROTO);
    assert_int_equal(owner.ends, 0);
}

static void aborting_while_looking_at_kept_bytes(void **state)
{
    (void)state;
    begin(false);
    owner.pause_at = 1;
    peer_says("xyz");
    TURN_UNTIL(&loop, owner.reads == 1);
    owner.on_read = read_and_abort;
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -EPROTO);
}

static void a_stream_may_die_unadopted(void **state)
{
    (void)state;
    tcp_pair(pair, false);
    struct mk_stream *stream = stream_on(&loop, pair[0]);
    mk_stream_abort(stream, 0);
    hear_end();
}

/* --- output --- */

static void fill(struct mk_buf *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        mk_buf_append_char(buf, (char)(i * 7 + i / 251));
}

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
    mk_stream_limit(owner.stream, &limits);
    assert_int_equal(mk_buf_append(mk_stream_output(owner.stream), block, LIMIT), 0);
    assert_int_equal(mk_buf_append_char(mk_stream_output(owner.stream), 'x'), -ENOBUFS);
    mk_stream_wake(owner.stream);
    turn(&loop);
    /* What the kernel took does not count. */
    size_t left = mk_stream_backlog(owner.stream);
    assert_in_range(left, 1, LIMIT - 1);
    while (mk_buf_append_char(mk_stream_output(owner.stream), 'x') == 0)
        written++;
    assert_in_range(written, LIMIT - left, 2 * LIMIT - left);
    mk_stream_abort(owner.stream, -ENOBUFS);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ENOBUFS);
}

static void who_takes_nothing_is_not_heard(void **state)
{
    const struct mk_stream_limits limits = { .output = 1 << 24, .read_pause = 1000, .input = 4 };
    static char block[1 << 20];
    (void)state;
    begin(true);
    mk_stream_limit(owner.stream, &limits);
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

/* Short questions that came together, with long answers: the next waits until the last has left. */
static void who_takes_nothing_is_asked_no_more(void **state)
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

/* Everything heard is whole frames, in order within their kind. Returns how many there are of it.
 */
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

static void frames_are_woven_without_a_tear(void **state)
{
    struct frames frames;
    uint32_t own = 0, counts[2], seed = 12345;
    (void)state;
    begin(true);
    frames_init(&frames);
    /* What the peer hears is spoiled in `bytes`: it must not move, as the contract says. */
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

/* A run of a megabyte has begun; only a part of it is gone. */
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

static void taking_a_source_away_tears_nothing(void **state)
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

static void closing_within_a_run_tears_nothing(void **state)
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

static void aborting_within_a_run_lets_go(void **state)
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

/* Both ends are in this loop: the peer takes all it can, and still nobody waits for ever. */
static void nobody_has_the_loop_for_himself(void **state)
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
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    assert_in_range(taken_of_endless, 1, 2 << 20);
    mk_stream_set_source(owner.stream, NULL);
}

/* --- how it ends --- */

static void closing_resets_nothing(void **state)
{
    static char unread[300 * 1000];
    struct mk_buf all;
    (void)state;
    begin(true);
    mk_stream_pause(owner.stream);
    mk_buf_init(&all, 1 << 20);
    fill(&all, 500 * 1000);
    owner_write(&owner, all.data, all.len);
    assert_true(send(pair[1], unread, sizeof(unread), MSG_DONTWAIT) > 1000);
    mk_stream_close(owner.stream);
    mk_stream_close(owner.stream);
    while (heard.len < all.len) {
        turn(&loop);
        send(pair[1], unread, 1000, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_int_equal(read_some_of(pair[1], &heard, 4096), 0);
    }
    hear_end();
    assert_int_equal(heard.len, all.len);
    assert_memory_equal(heard.data, all.data, all.len);
    turn(&loop);
    assert_int_equal(owner.closes, 0); /* it waits for the peer's end */
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, 0);
    assert_int_equal(owner.reads + owner.ends, 0);
    mk_buf_fini(&all);
}

static void who_does_not_end_is_not_waited_for(void **state)
{
    (void)state;
    begin(false);
    loop.streams->lingering.ms = 20;
    owner_says(&owner, "bye");
    mk_stream_close(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, 0);
    hear_end();
    assert_int_equal(heard.len, 3);
}

static void who_takes_nothing_is_not_waited_for(void **state)
{
    static char block[1 << 20];
    (void)state;
    begin(true);
    loop.streams->lingering.ms = 20;
    owner_write(&owner, block, sizeof(block));
    mk_stream_close(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ETIMEDOUT);
}

static void who_sends_without_end_is_not_waited_for(void **state)
{
    static char block[1 << 20];
    size_t sent = 0;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    owner_adopt(&owner, stream_on(&loop, pair[0]));
    mk_stream_close(owner.stream);
    alarm(PATIENCE_S);
    while (owner.closes == 0) {
        ssize_t more = send(pair[1], block, sizeof(block), MSG_NOSIGNAL);
        sent += more > 0 ? (size_t)more : 0;
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(owner.error, 0);
    assert_in_range(sent, MK_STREAM_DROP_MOST, MK_STREAM_DROP_MOST + (1 << 20));
}

static void writing_to_nobody_is_told(void **state)
{
    static char block[1 << 20];
    (void)state;
    begin(true);
    owner_write(&owner, block, sizeof(block));
    turn(&loop);
    close(pair[1]);
    pair[1] = -1;
    owner.on_end = NULL;
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_true(owner.error == -EPIPE || owner.error == -ECONNRESET);
}

static void the_peer_is_named(void **state)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(65535) };
    struct sockaddr un = { .sa_family = AF_UNIX };
    static const char *const texts[] = { "[1111:2222:3333:4444:5555:6666:7777:8888]:80",
                                         "1.2.3.4:80", "255.255.255.255:65535", "unix" };
    static const char *const addresses[] = { "1111:2222:3333:4444:5555:6666:7777:8888",
                                             "::ffff:1.2.3.4" };
    (void)state;
    inet_pton(AF_INET, "255.255.255.255", &in.sin_addr);
    for (int i = 0; i < 4; i++) {
        struct sockaddr *address = i == 3 ? &un : (struct sockaddr *)&in;
        if (i < 2) {
            inet_pton(AF_INET6, addresses[i], &in6.sin6_addr);
            address = (struct sockaddr *)&in6;
        }
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct mk_stream *stream = mk_stream_new(&loop, fd, address);
        assert_string_equal(mk_stream_peer(stream), texts[i]);
        mk_stream_abort(stream, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_come_and_go),
        TEST(an_idle_stream_is_small),
        TEST(a_paused_stream_keeps_the_rest),
        TEST(resuming_within_read_goes_on_at_once),
        TEST(kept_requests_are_answered_in_one_turn),
        TEST(unread_bytes_go_to_the_new_owner),
        TEST(handing_over_within_read_goes_on_at_once),
        TEST(after_the_end_output_still_goes),
        TEST(the_end_waits_for_a_paused_owner),
        TEST(a_reset_is_told),
        TEST(aborting_within_read),
        TEST(aborting_while_looking_at_kept_bytes),
        TEST(a_stream_may_die_unadopted),
        TEST(a_slow_peer_gets_everything),
        TEST(output_has_a_limit),
        TEST(who_takes_nothing_is_not_heard),
        TEST(who_takes_nothing_is_asked_no_more),
        TEST(hooks_come_before_output),
        TEST(hooks_come_before_what_was_blocked),
        TEST(own_output_and_source_leave_together),
        TEST(frames_are_woven_without_a_tear),
        TEST(taking_a_source_away_tears_nothing),
        TEST(closing_within_a_run_tears_nothing),
        TEST(aborting_within_a_run_lets_go),
        TEST(nobody_has_the_loop_for_himself),
        TEST(closing_resets_nothing),
        TEST(who_does_not_end_is_not_waited_for),
        TEST(who_takes_nothing_is_not_waited_for),
        TEST(who_sends_without_end_is_not_waited_for),
        TEST(writing_to_nobody_is_told),
        TEST(the_peer_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
