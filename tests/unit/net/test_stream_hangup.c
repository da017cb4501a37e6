/* A paused stream notices that its peer disconnects, without reading a byte. */
#include "stream_testing.h"
#include "tls_testing.h"

static int hangups;
static void (*when_hung_up)(void);

static void on_hangup(void *arg)
{
    struct owner *hung_up = arg;
    assert_false(hung_up->busy);
    assert_int_equal(hung_up->closes, 0);
    hangups++;
    if (when_hung_up)
        when_hung_up();
}

static const struct mk_stream_events events = {
    .read = owner_read,
    .end = owner_end,
    .closed = owner_closed,
    .drained = owner_drained,
    .hangup = on_hangup,
};

static void adopt(int fd)
{
    hangups = 0;
    when_hung_up = NULL;
    owner.stream = stream_on(&loop, fd);
    mk_stream_adopt(owner.stream, &events, &owner);
}

/* It has read a byte, and is paused since. */
static void begin_paused(void)
{
    tcp_pair(pair, false);
    adopt(pair[0]);
    owner.pause_at = 1;
    peer_says("a");
    TURN_UNTIL(&loop, owner.in.len == 1);
    assert_true(mk_stream_paused(owner.stream));
}

static unsigned turns;

static void count_turn(struct mk_turn_hook *hook)
{
    (void)hook;
    turns++;
}

static void stop(void *arg)
{
    mk_loop_stop(arg);
}

/* Nothing happens, and the loop sleeps meanwhile. */
static void assert_quiet(void)
{
    struct mk_turn_hook hook = { .run = count_turn };
    struct mk_timer *timer = mk_timer_new(&loop, stop, &loop);
    mk_loop_add_hook(&loop, &hook);
    mk_timer_start(timer, 30);
    turns = 0;
    mk_loop_run(&loop);
    assert_in_range(turns, 1, 40); /* not thousands */
    mk_loop_remove_hook(&hook);
    mk_timer_free(timer);
}

static void say_something(void)
{
    owner_says(&owner, "?");
}

static void hang_up(void)
{
    close(pair[1]);
    pair[1] = -1;
}

static void a_disconnected_peer_is_noticed(void **state)
{
    (void)state;
    begin_paused();
    when_hung_up = say_something;
    hang_up();
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(hangups, 1);
    assert_true(owner.error == -EPIPE || owner.error == -ECONNRESET);
    assert_int_equal(owner.reads, 1);
    assert_int_equal(owner.ends, 0);
}

static void a_peer_that_only_ended_gets_its_answer(void **state)
{
    (void)state;
    begin_paused();
    when_hung_up = say_something;
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, hangups == 1);
    assert_quiet();
    assert_int_equal(owner.closes, 0);
    owner_says(&owner, "!");
    hear(2);
    assert_memory_equal(heard.data, "?!", 2);
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_int_equal(hangups, 1);
}

/* ... also after a FIN without a notification: a later reset is noticed too. */
static void a_later_disconnect_is_noticed(void **state)
{
    (void)state;
    begin_paused();
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, hangups == 1);
    assert_quiet();
    owner_says(&owner, "?");
    turn(&loop);
    assert_quiet();
    assert_int_equal(owner.closes, 0);
    hang_up(); /* with something unread: a reset */
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(hangups, 1);
}

static void reset_by_peer(void)
{
    struct linger linger = { 1, 0 };
    setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    hang_up();
}

static void a_reset_ends_it(void **state)
{
    (void)state;
    begin_paused();
    reset_by_peer();
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ECONNRESET);
    assert_int_equal(hangups, 0);
}

static void unread_bytes_are_kept(void **state)
{
    (void)state;
    begin_paused();
    peer_says("bc");
    assert_quiet();
    peer_says("de");
    assert_quiet();
    assert_int_equal(hangups, 0);
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, hangups == 1);
    assert_quiet();
    assert_int_equal(owner.in.len, 1);
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_heard(&owner, "abcde");
}

static void urgent_data_do_not_keep_the_loop_busy(void **state)
{
    (void)state;
    begin_paused();
    for (int round = 0; round < 2; round++) {
        assert_int_equal(send(pair[1], "u", 1, MSG_OOB), 1);
        assert_quiet();
        shutdown(pair[1], round == 0 ? 1000 /* nothing */ : SHUT_WR);
    }
    assert_quiet();
    assert_int_equal(hangups, 1);
    assert_int_equal(owner.closes, 0);
}

/* Where the peer has ended after urgent data, a reset is watched for. */
static void urgent_data_do_not_hide_a_reset(void **state)
{
    (void)state;
    begin_paused();
    assert_int_equal(send(pair[1], "u", 1, MSG_OOB), 1);
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, hangups == 1);
    assert_quiet();
    say_something();
    turn(&loop);
    hang_up();
    TURN_UNTIL(&loop, owner.closes == 1);
}

static void a_disconnected_peer_on_a_unix_socket_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    adopt(pair[0]);
    owner.pause_at = 1;
    peer_says("a");
    TURN_UNTIL(&loop, owner.in.len == 1);
    shutdown(pair[1], SHUT_WR);
    TURN_UNTIL(&loop, hangups == 1);
    assert_quiet();
    hang_up();
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(hangups, 1);
}

/* An owner without `hangup` is not notified while it is paused. */
static void without_hangup_nothing_is_watched(void **state)
{
    (void)state;
    begin(false);
    owner.pause_at = 1;
    peer_says("a");
    TURN_UNTIL(&loop, owner.in.len == 1);
    peer_says("b");
    assert_quiet();
    assert_int_equal(owner.stream->interest, 0);
    reset_by_peer();
    assert_quiet();
    assert_int_equal(owner.closes, 0);
    mk_stream_resume(owner.stream);
    TURN_UNTIL(&loop, owner.closes == 1);
}

/* A stream that is resumed within the turn was watched all the time: no system call was needed. */
static void a_short_pause_needs_no_system_call(void **state)
{
    (void)state;
    begin_paused();
    assert_int_equal(owner.stream->interest, UV_READABLE);
    mk_stream_resume(owner.stream);
    turn(&loop);
    assert_int_equal(owner.stream->interest, UV_READABLE);
    mk_stream_pause(owner.stream);
    peer_says("b");
    turn(&loop);
    assert_int_equal(owner.stream->interest, UV_DISCONNECT);
    mk_stream_resume(owner.stream);
    assert_int_equal(owner.stream->interest, UV_READABLE);
    TURN_UNTIL(&loop, owner.in.len == 2);
}

static void abort_itself(void)
{
    mk_stream_abort(owner.stream, -ECANCELED);
}

static void resume_itself(void)
{
    mk_stream_resume(owner.stream);
}

static void the_owner_may_do_anything_in_hangup(void **state)
{
    (void)state;
    begin_paused();
    when_hung_up = abort_itself;
    hang_up();
    TURN_UNTIL(&loop, owner.closes == 1);
    assert_int_equal(owner.error, -ECANCELED);
    owner.closes = 0;
    owner.in.len = 0;
    begin_paused();
    when_hung_up = resume_itself;
    peer_says("b");
    hang_up();
    TURN_UNTIL(&loop, owner.ends == 1);
    assert_heard(&owner, "ab");
}

static void the_same_with_tls(void **state)
{
    struct owner client;
    (void)state;
    SSL_CTX *context = server_context("DNS:localhost");
    trust(context);
    for (int gone = 0; gone < 2; gone++) {
        tcp_pair(pair, false);
        owner_fini(&owner);
        owner_init(&owner);
        owner_init(&client);
        adopt(pair[0]);
        serve_tls(owner.stream, context);
        owner_adopt(&client, stream_on(&loop, pair[1]));
        pair[1] = -1;
        struct mk_tls *tls = mk_tls_client_new(mk_streams_roots(mk_streams_of(&loop)), "localhost");
        assert_int_equal(mk_stream_start_tls(client.stream, tls), 0);
        owner.pause_at = 1;
        owner_says(&client, "a");
        TURN_UNTIL(&loop, owner.in.len == 1);
        when_hung_up = say_something;
        turn(&loop); /* the client reads its session tickets: unread, they would be a reset */
        if (gone)
            mk_stream_abort(client.stream, 0);
        else
            mk_stream_close(client.stream); /* reads on, and drops what comes */
        TURN_UNTIL(&loop, hangups == 1);
        if (gone)
            TURN_UNTIL(&loop, owner.closes == 1);
        assert_quiet();
        assert_int_equal(owner.closes, gone);
        assert_int_equal(hangups, 1);
        if (owner.stream)
            mk_stream_abort(owner.stream, 0);
        TURN_UNTIL(&loop, owner.closes == 1 && client.closes == 1);
        owner_fini(&client);
    }
    SSL_CTX_free(context);
    trust_fini();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disconnected_peer_is_noticed),
        TEST(a_peer_that_only_ended_gets_its_answer),
        TEST(a_later_disconnect_is_noticed),
        TEST(a_reset_ends_it),
        TEST(unread_bytes_are_kept),
        TEST(urgent_data_do_not_keep_the_loop_busy),
        TEST(urgent_data_do_not_hide_a_reset),
        TEST(a_disconnected_peer_on_a_unix_socket_is_noticed),
        TEST(without_hangup_nothing_is_watched),
        TEST(a_short_pause_needs_no_system_call),
        TEST(the_owner_may_do_anything_in_hangup),
        TEST(the_same_with_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
