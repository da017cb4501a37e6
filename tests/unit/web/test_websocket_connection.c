/*
 * websocket_connection: keep-alive, the closing handshake and its end, in both roles, with a peer
 * that is a socket and a parser. What is said over it is for the end-to-end tests.
 */
#include "web/websocket_connection.h"

#include "net_testing.h"

#include <stdio.h>

enum { SOON = 20, LATE = 10 * 1000, LIMIT = 1000, MOST_FRAMES = 16 };

struct frame {
    enum mk_ws_opcode opcode;
    uint16_t code;
    char payload[128];
};

struct peer {
    struct mk_loop *loop;
    struct mk_websocket_context context;
    struct mk_websocket *websocket;
    struct owner shaker; /* the stream's owner before the handshake was done */
    enum mk_ws_role role;
    int fd;
    uv_poll_t poll; /* it is on the same loop, so that the loop turns for it too */
    struct mk_ws_parser parser;
    struct frame frames[MOST_FRAMES];
    size_t frame_count;
    bool ended; /* it read the end of the connection */
    int messages;
    int closes;
    uint16_t code;
    bool gave_up;
    char why[64];
    bool closes_in_message;
    bool forgotten; /* `poll` is closed */
};

/* --- milky's side --- */

static void on_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct peer *peer = owner;
    (void)opcode;
    assert_int_equal(peer->closes, 0);
    peer->messages++;
    if (peer->closes_in_message)
        mk_websocket_close(peer->websocket, MK_WS_GOING_AWAY, MK_SLICE("bye"));
    else
        mk_websocket_send(peer->websocket, MK_WS_TEXT, payload);
}

static void on_closed(void *owner, uint16_t code, const char *why)
{
    struct peer *peer = owner;
    peer->closes++;
    peer->code = code;
    peer->gave_up = mk_websocket_gave_up(peer->websocket);
    snprintf(peer->why, sizeof(peer->why), "%s", why);
    peer->websocket = NULL;
}

static const struct mk_websocket_events events = { .message = on_message, .closed = on_closed };

static void on_pong(void *owner, struct mk_slice payload)
{
    struct peer *peer = owner;
    snprintf(peer->why, sizeof(peer->why), "%.*s", (int)payload.len, payload.ptr);
}

static struct mk_slice on_asking(void *owner)
{
    (void)owner;
    return MK_SLICE("7");
}

static const struct mk_websocket_events events_that_ask = {
    .message = on_message,
    .closed = on_closed,
    .pong = on_pong,
    .asking = on_asking,
};

/* --- the other side --- */

static void see(struct peer *peer, const struct mk_ws_event *event)
{
    assert_true(peer->frame_count < MOST_FRAMES);
    struct frame *frame = &peer->frames[peer->frame_count++];
    frame->opcode = event->opcode;
    frame->code = event->code;
    snprintf(frame->payload, sizeof(frame->payload), "%.*s", (int)event->payload.len,
             event->payload.ptr);
}

static void on_readable(uv_poll_t *poll, int status, int what)
{
    struct peer *peer = MK_CONTAINER_OF(poll, struct peer, poll);
    char data[4096];
    (void)status;
    (void)what;
    ssize_t got = recv(peer->fd, data, sizeof(data), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        peer->ended = true;
        uv_poll_stop(poll);
    }
    for (size_t at = 0, consumed; got > 0 && at < (size_t)got; at += consumed) {
        int state = mk_ws_parser_feed(&peer->parser, data + at, (size_t)got - at, &consumed);
        assert_int_not_equal(state, MK_WS_FAIL);
        if (state != MK_WS_NEED_MORE)
            see(peer, &peer->parser.event);
    }
}

/* False when the connection is gone. */
static bool try_say(struct peer *peer, enum mk_ws_opcode opcode, const char *text)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct mk_random random = { 0 };
    struct mk_random *masks = peer->role == MK_WS_CLIENT ? &random : NULL;
    assert_int_equal(mk_ws_write_frame(&out, masks, opcode, mk_slice_str(text)), 0);
    bool sent = send(peer->fd, out.data, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
    mk_buf_fini(&out);
    return sent;
}

static void say(struct peer *peer, enum mk_ws_opcode opcode, const char *text)
{
    assert_true(try_say(peer, opcode, text));
}

static void say_close(struct peer *peer, uint16_t code)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct mk_random random = { 0 };
    struct mk_random *masks = peer->role == MK_WS_CLIENT ? &random : NULL;
    assert_int_equal(mk_ws_write_close(&out, masks, code, MK_SLICE("")), 0);
    assert_int_equal(send(peer->fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    mk_buf_fini(&out);
}

/* A connection on which milky's side has the role `role`. */
static void open_with(struct peer *peer, struct mk_loop *loop, enum mk_ws_role role,
                      uint64_t idle_ms, uint64_t patience_ms,
                      const struct mk_websocket_events *told)
{
    int pair[2];
    *peer =
        (struct peer){ .loop = loop, .role = role == MK_WS_SERVER ? MK_WS_CLIENT : MK_WS_SERVER };
    tcp_pair(pair, false);
    peer->fd = pair[1];
    mk_ws_parser_init(&peer->parser, peer->role, LIMIT);
    uv_poll_init(loop->uv, &peer->poll, peer->fd);
    uv_poll_start(&peer->poll, UV_READABLE, on_readable);
    assert_int_equal(
        mk_websocket_context_init(&peer->context, loop, role, LIMIT, idle_ms, patience_ms), 0);
    owner_init(&peer->shaker);
    owner_adopt(&peer->shaker, stream_on(loop, pair[0]));
    peer->websocket = mk_websocket_new(&peer->context, peer->shaker.stream, told, peer);
    assert_non_null(peer->websocket);
}

static void open_one(struct peer *peer, struct mk_loop *loop, enum mk_ws_role role,
                     uint64_t idle_ms, uint64_t patience_ms)
{
    open_with(peer, loop, role, idle_ms, patience_ms, &events);
}

static void on_poll_closed(uv_handle_t *poll)
{
    MK_CONTAINER_OF((uv_poll_t *)poll, struct peer, poll)->forgotten = true;
}

static void end_one(struct peer *peer)
{
    if (peer->websocket)
        mk_websocket_abort(peer->websocket, 0);
    TURN_UNTIL(peer->loop, peer->closes == 1);
    uv_close((uv_handle_t *)&peer->poll, on_poll_closed);
    TURN_UNTIL(peer->loop, peer->forgotten);
    assert_int_equal(peer->shaker.closes, 0);
    mk_websocket_context_fini(&peer->context);
    owner_fini(&peer->shaker);
    mk_ws_parser_fini(&peer->parser);
    close(peer->fd);
}

static const enum mk_ws_role roles[] = { MK_WS_SERVER, MK_WS_CLIENT };

/* --- keep-alive --- */

/* Answers in time, however busy the machine is, yet waits for nobody long. */
enum { PATIENT = 300 };

static void check_stays(enum mk_ws_role role, enum mk_ws_opcode answer)
{
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, role, SOON, PATIENT);
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].opcode, MK_WS_PING);
    say(&peer, answer, "here");
    peer.frame_count = 0;
    if (answer == MK_WS_TEXT) {
        TURN_UNTIL(&loop, peer.frame_count == 1);
        assert_string_equal(peer.frames[0].payload, "here");
        peer.frame_count = 0;
    }
    /* Asked again: so it was not dropped when the patience had ended. */
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].opcode, MK_WS_PING);
    assert_int_equal(peer.closes, 0);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_idle_peer_is_asked_and_stays(void **state)
{
    (void)state;
    check_stays(MK_WS_SERVER, MK_WS_PONG);
    check_stays(MK_WS_CLIENT, MK_WS_PONG);
    check_stays(MK_WS_SERVER, MK_WS_TEXT); /* whatever it says, it is alive */
}

static void test_silent_peer_is_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mk_loop loop;
        struct peer peer;
        assert_int_equal(mk_loop_init(&loop, NULL), 0);
        open_one(&peer, &loop, roles[i], SOON, SOON);
        TURN_UNTIL(&loop, peer.closes == 1);
        assert_int_equal(peer.code, MK_WS_ABNORMAL);
        assert_string_equal(peer.why, "no answer to a ping");
        assert_true(peer.gave_up);
        TURN_UNTIL(&loop, peer.ended);
        assert_int_equal(peer.frame_count, 1);
        assert_int_equal(peer.frames[0].opcode, MK_WS_PING);
        end_one(&peer);
        mk_loop_fini(&loop);
    }
}

static void say_unasked(void *peer)
{
    say(peer, MK_WS_PONG, "unasked");
}

static void test_busy_peer_is_not_asked(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer busy, idle;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&busy, &loop, MK_WS_SERVER, PATIENT, LATE);
    open_one(&idle, &loop, MK_WS_SERVER, PATIENT, LATE);
    struct mk_timer *timer = mk_timer_new(&loop, say_unasked, &busy);
    mk_timer_start(timer, PATIENT / 2);
    TURN_UNTIL(&loop, idle.frame_count == 1);
    assert_int_equal(idle.frames[0].opcode, MK_WS_PING);
    uint64_t first = mk_loop_now(&loop);
    assert_int_equal(busy.frame_count, 0);
    /* It is, once it has been silent for as long. */
    TURN_UNTIL(&loop, busy.frame_count == 1);
    assert_int_equal(busy.frames[0].opcode, MK_WS_PING);
    assert_true(mk_loop_now(&loop) - first >= PATIENT / 4);
    mk_timer_free(timer);
    end_one(&busy);
    end_one(&idle);
    mk_loop_fini(&loop);
}

static void test_owner_says_what_is_asked(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_with(&peer, &loop, MK_WS_SERVER, SOON, PATIENT, &events_that_ask);
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].opcode, MK_WS_PING);
    assert_string_equal(peer.frames[0].payload, "7");
    say(&peer, MK_WS_PONG, peer.frames[0].payload);
    TURN_UNTIL(&loop, strcmp(peer.why, "7") == 0);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void on_time(void *passed)
{
    *(bool *)passed = true;
}

static void let_pass(struct mk_loop *loop, uint64_t ms)
{
    bool passed = false;
    struct mk_timer *timer = mk_timer_new(loop, on_time, &passed);
    mk_timer_start(timer, ms);
    TURN_UNTIL(loop, passed);
    mk_timer_free(timer);
}

static void test_paused_peer_is_not_asked(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, SOON, SOON);
    mk_websocket_pause(peer.websocket);
    let_pass(&loop, 10 * SOON);
    assert_int_equal(peer.frame_count, 0);
    assert_int_equal(peer.closes, 0);
    /* Its silence counts again. */
    mk_websocket_resume(peer.websocket);
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.frame_count, 1);
    assert_true(peer.gave_up);
    end_one(&peer);
    mk_loop_fini(&loop);
}

/* The answer to a ping comes, but is not read before the patience ends, or only just after it. */
static void test_paused_answer_is_waited_for(void **state)
{
    (void)state;
    for (int resumed = 0; resumed < 2; resumed++) {
        struct mk_loop loop;
        struct peer peer;
        assert_int_equal(mk_loop_init(&loop, NULL), 0);
        open_one(&peer, &loop, MK_WS_SERVER, SOON, PATIENT);
        TURN_UNTIL(&loop, peer.frame_count == 1);
        mk_websocket_pause(peer.websocket);
        say(&peer, MK_WS_TEXT, "here");
        if (resumed) { /* at the very moment: its timeout comes before what is to be read */
            uv_sleep(2 * PATIENT);
            uv_update_time(loop.uv);
            mk_websocket_resume(peer.websocket);
        } else {
            let_pass(&loop, 2 * PATIENT);
            assert_int_equal(peer.closes, 0);
            mk_websocket_resume(peer.websocket);
        }
        TURN_UNTIL(&loop, peer.messages == 1 || peer.closes == 1);
        assert_int_equal(peer.closes, 0);
        end_one(&peer);
        mk_loop_fini(&loop);
    }
}

static void test_ping_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mk_loop loop;
        struct peer peer;
        assert_int_equal(mk_loop_init(&loop, NULL), 0);
        open_one(&peer, &loop, roles[i], LATE, LATE);
        say(&peer, MK_WS_PING, "still there?");
        TURN_UNTIL(&loop, peer.frame_count == 1);
        assert_int_equal(peer.frames[0].opcode, MK_WS_PONG);
        assert_string_equal(peer.frames[0].payload, "still there?");
        assert_int_equal(peer.messages, 0);
        end_one(&peer);
        mk_loop_fini(&loop);
    }
}

/* --- closing --- */

static void test_close_is_answered(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, LATE);
    say(&peer, MK_WS_TEXT, "one");
    say_close(&peer, 4001);
    say(&peer, MK_WS_TEXT, "behind the close frame");
    TURN_UNTIL(&loop, peer.frame_count == 2);
    assert_string_equal(peer.frames[0].payload, "one");
    assert_int_equal(peer.frames[1].opcode, MK_WS_CLOSE);
    assert_int_equal(peer.frames[1].code, 4001);
    TURN_UNTIL(&loop, peer.ended);
    shutdown(peer.fd, SHUT_WR);
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.messages, 1);
    assert_int_equal(peer.code, 4001);
    assert_string_equal(peer.why, "closed by the peer");
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_own_close_waits_for_the_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mk_loop loop;
        struct peer peer;
        assert_int_equal(mk_loop_init(&loop, NULL), 0);
        open_one(&peer, &loop, roles[i], LATE, LATE);
        mk_websocket_send(peer.websocket, MK_WS_TEXT, MK_SLICE("before"));
        assert_false(mk_websocket_closing(peer.websocket));
        mk_websocket_close(peer.websocket, MK_WS_GOING_AWAY, MK_SLICE("bye"));
        assert_true(mk_websocket_closing(peer.websocket));
        mk_websocket_close(peer.websocket, MK_WS_NORMAL, MK_SLICE("again"));
        mk_websocket_send(peer.websocket, MK_WS_TEXT, MK_SLICE("after"));
        TURN_UNTIL(&loop, peer.frame_count == 2);
        assert_string_equal(peer.frames[0].payload, "before");
        assert_int_equal(peer.frames[1].code, MK_WS_GOING_AWAY);
        assert_string_equal(peer.frames[1].payload, "bye");
        /* What still comes is dropped, and a ping not answered any more. */
        say(&peer, MK_WS_TEXT, "late");
        say(&peer, MK_WS_PING, "late");
        turn(&loop);
        assert_int_equal(peer.closes, 0);
        say_close(&peer, MK_WS_GOING_AWAY);
        TURN_UNTIL(&loop, peer.ended);
        shutdown(peer.fd, SHUT_WR);
        TURN_UNTIL(&loop, peer.closes == 1);
        assert_int_equal(peer.frame_count, 2);
        assert_int_equal(peer.messages, 0);
        assert_int_equal(peer.code, MK_WS_GOING_AWAY);
        end_one(&peer);
        mk_loop_fini(&loop);
    }
}

static void test_close_without_an_answer_ends(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_CLIENT, LATE, SOON);
    mk_websocket_close(peer.websocket, MK_WS_GOING_AWAY, MK_SLICE("bye"));
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.code, MK_WS_ABNORMAL);
    assert_string_equal(peer.why, "no answer to a close frame");
    end_one(&peer);
    mk_loop_fini(&loop);
}

/* Talk is no answer to a close frame, however much of it there is. */
static void test_chatter_does_not_put_off_the_end(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, SOON);
    mk_websocket_close(peer.websocket, MK_WS_GOING_AWAY, MK_SLICE("bye"));
    alarm(PATIENCE_S);
    while (peer.closes == 0) {
        try_say(&peer, MK_WS_TEXT, "but");
        uv_run(loop.uv, UV_RUN_ONCE);
    }
    alarm(0);
    assert_string_equal(peer.why, "no answer to a close frame");
    assert_int_equal(peer.messages, 0);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_close_from_within_a_message(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, LATE);
    peer.closes_in_message = true;
    say(&peer, MK_WS_TEXT, "one");
    say(&peer, MK_WS_TEXT, "two");
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].code, MK_WS_GOING_AWAY);
    assert_int_equal(peer.messages, 1);
    end_one(&peer);
    mk_loop_fini(&loop);
}

/* --- other ends --- */

static void test_broken_framing_is_told(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, LATE);
    assert_int_equal(send(peer.fd, "\x81\x01x", 3, MSG_NOSIGNAL), 3); /* not masked */
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].opcode, MK_WS_CLOSE);
    assert_int_equal(peer.frames[0].code, MK_WS_PROTOCOL_ERROR);
    shutdown(peer.fd, SHUT_WR);
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.code, MK_WS_ABNORMAL);
    assert_string_equal(peer.why, peer.frames[0].payload);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_peer_that_leaves_without_a_word(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, LATE);
    shutdown(peer.fd, SHUT_WR);
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.code, MK_WS_ABNORMAL);
    assert_string_equal(peer.why, "the peer went away without a close frame");
    end_one(&peer);
    open_one(&peer, &loop, MK_WS_SERVER, LATE, LATE);
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    uv_poll_stop(&peer.poll);
    close(peer.fd);
    peer.fd = -1;
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_int_equal(peer.code, MK_WS_ABNORMAL);
    assert_string_equal(peer.why, strerror(ECONNRESET));
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_peer_that_takes_nothing(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_CLIENT, LATE, LATE);
    const struct mk_stream_limits limits = { .output = 8192, .read_pause = 4096, .input = 4096 };
    mk_stream_limit(mk_websocket_stream(peer.websocket), &limits);
    char text[4096];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 3; i++)
        mk_websocket_send(peer.websocket, MK_WS_TEXT, mk_slice_of(text, sizeof(text)));
    assert_true(mk_websocket_closing(peer.websocket));
    assert_int_equal(peer.closes, 0); /* never from within a call */
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_string_equal(peer.why, "it does not take what it is sent");
    end_one(&peer);
    mk_loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_peer_is_asked_and_stays),
        cmocka_unit_test(test_silent_peer_is_dropped),
        cmocka_unit_test(test_busy_peer_is_not_asked),
        cmocka_unit_test(test_owner_says_what_is_asked),
        cmocka_unit_test(test_paused_peer_is_not_asked),
        cmocka_unit_test(test_paused_answer_is_waited_for),
        cmocka_unit_test(test_ping_is_answered),
        cmocka_unit_test(test_close_is_answered),
        cmocka_unit_test(test_own_close_waits_for_the_answer),
        cmocka_unit_test(test_close_without_an_answer_ends),
        cmocka_unit_test(test_chatter_does_not_put_off_the_end),
        cmocka_unit_test(test_close_from_within_a_message),
        cmocka_unit_test(test_broken_framing_is_told),
        cmocka_unit_test(test_peer_that_leaves_without_a_word),
        cmocka_unit_test(test_peer_that_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
