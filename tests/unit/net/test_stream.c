/*
 * Streams over real sockets: input, and their ends. Output is in test_stream_send, TLS in test_tls.
 */
#include "stream_testing.h"

/* --- input --- */

static void bytes_are_read_and_written(void **state)
{
    (void)state;
    begin(false);
    assert_string_equal(mk_stream_remote(owner.stream), "0.0.0.0:0");
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
    assert_true(sizeof(struct mk_stream) <= 472);
    owner_says(&owner, "x");
    turn(&loop);
    assert_null(owner.stream->output.data);
    assert_null(owner.stream->kept);
    /* The memory is kept for the next one. */
    assert_int_equal(mk_streams_of(&loop)->spare_count, 1);
    assert_non_null(mk_stream_output(owner.stream)->data);
    assert_int_equal(mk_streams_of(&loop)->spare_count, 0);
    mk_stream_wake(owner.stream);
    turn(&loop);
    assert_int_equal(mk_streams_of(&loop)->spare_count, 1);
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

static void resuming_within_read_continues_at_once(void **state)
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
    mk_stream_adopt(owner.stream, &owner_events, &second);
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
    mk_stream_adopt(self->stream, &owner_events, &successor);
    return 4;
}

static void adopting_within_read_continues_at_once(void **state)
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

static void output_is_sent_after_the_end_of_input(void **state)
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

static void a_reset_is_an_error(void **state)
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
    assert_heard(&owner, "x"); /* the bytes before it were not lost */
}

/* The answer of a peer that does not read all, and closes: it is there when the sending fails. */
static void what_came_before_a_reset_is_read(void **state)
{
    const struct linger reset = { .l_onoff = 1 };
    (void)state;
    begin(false);
    turn(&loop);
    peer_says("413");
    assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(pair[1]);
    pair[1] = -1;
    owner_says(&owner, "the rest"); /* is sent before the loop polls */
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_true(owner.error == -EPIPE || owner.error == -ECONNRESET);
    assert_int_equal(owner.in.len, 3);
    assert_memory_equal(owner.in.data, "413", 3);
}

static size_t read_and_abort(struct owner *self, char *data, size_t len)
{
    self->busy = true;
    mk_stream_abort(self->stream, -EPROTO);
    mk_stream_abort(self->stream, -EIO); /* the first one counts */
    mk_stream_close(self->stream);
    mk_stream_pause(self->stream);
    mk_stream_resume(self->stream);
    owner_says(self, "too late");
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

static void a_peer_that_does_not_end_is_aborted(void **state)
{
    (void)state;
    begin(false);
    mk_streams_of(&loop)->lingering.ms = 20;
    owner_says(&owner, "bye");
    mk_stream_close(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, 0);
    hear_end();
    assert_int_equal(heard.len, 3);
}

static void a_peer_that_reads_nothing_is_aborted(void **state)
{
    static char block[1 << 20];
    (void)state;
    begin(true);
    mk_streams_of(&loop)->lingering.ms = 20;
    owner_write(&owner, block, sizeof(block));
    mk_stream_close(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ETIMEDOUT);
}

static void a_peer_that_sends_without_end_is_aborted(void **state)
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
        uv_run(loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(owner.error, 0);
    assert_in_range(sent, MK_STREAM_DROP_MAX, MK_STREAM_DROP_MAX + (1 << 20));
}

static void writing_after_a_disconnect_is_an_error(void **state)
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

static void the_client_address_is_known(void **state)
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
        struct mk_stream *stream = mk_stream_new(mk_streams_of(&loop), fd, address);
        assert_string_equal(mk_stream_remote(stream), texts[i]);
        mk_stream_abort(stream, 0);
    }
}

static struct {
    uint64_t turn;
    unsigned taken; /* in that turn */
} quarters;

/* Takes a byte at a time, each of which is a quarter of a share. */
static size_t take_a_quarter(struct owner *taker, char *data, size_t len)
{
    if (quarters.turn != loop.turns)
        quarters.taken = 0;
    quarters.turn = loop.turns;
    assert_true(++quarters.taken <= 4);
    assert_int_equal(mk_buf_append(&taker->in, data, len ? 1 : 0), 0);
    mk_stream_worked(taker->stream, MK_STREAM_SHARE / 4);
    return 1;
}

/* The rest of what came waits for the next turn, and the peer's end for the rest. */
static void work_is_shared_out_over_turns(void **state)
{
    (void)state;
    begin(false);
    quarters.taken = 0;
    owner.on_read = take_a_quarter;
    peer_says("abcdefghijklm");
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, owner.reads > 0);
    uint64_t first = loop.turns;
    assert_true(mk_stream_yielded(owner.stream));
    assert_int_equal(owner.reads, 4);
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_heard(&owner, "abcdefghijklm");
    assert_true(loop.turns - first >= 3);
}

static void a_stream_that_yields_may_pause_or_end(void **state)
{
    (void)state;
    begin(false);
    quarters.taken = 0;
    owner.on_read = take_a_quarter;
    peer_says("abcdef");
    TURN_UNTIL(&loop, owner.reads == 4);
    assert_true(mk_stream_yielded(owner.stream));
    mk_stream_pause(owner.stream);
    turn(&loop);
    turn(&loop);
    assert_int_equal(owner.reads, 4);
    assert_false(mk_stream_yielded(owner.stream));
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.reads == 6);
    peer_says("ghijkl");
    TURN_UNTIL(&loop, owner.stream && mk_stream_yielded(owner.stream));
    mk_stream_abort(owner.stream, 0);
    TURN_UNTIL(&loop, owner.closes == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_are_read_and_written),
        TEST(an_idle_stream_is_small),
        TEST(a_paused_stream_keeps_the_rest),
        TEST(work_is_shared_out_over_turns),
        TEST(a_stream_that_yields_may_pause_or_end),
        TEST(resuming_within_read_continues_at_once),
        TEST(kept_requests_are_answered_in_one_turn),
        TEST(unread_bytes_go_to_the_new_owner),
        TEST(adopting_within_read_continues_at_once),
        TEST(output_is_sent_after_the_end_of_input),
        TEST(the_end_waits_for_a_paused_owner),
        TEST(a_reset_is_an_error),
        TEST(what_came_before_a_reset_is_read),
        TEST(aborting_within_read),
        TEST(aborting_while_looking_at_kept_bytes),
        TEST(a_stream_may_die_unadopted),
        TEST(closing_resets_nothing),
        TEST(a_peer_that_does_not_end_is_aborted),
        TEST(a_peer_that_reads_nothing_is_aborted),
        TEST(a_peer_that_sends_without_end_is_aborted),
        TEST(writing_after_a_disconnect_is_an_error),
        TEST(the_client_address_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
