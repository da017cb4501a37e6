/*
 * websocket_connection: keep-alive, the closing handshake and the end of connections, in both
 * roles. The peer is a socket and a parser. Most cases are dialogues, a table of steps; messages
 * are for the end-to-end tests.
 */
#include "web/websocket_connection.h"

#include "moved_clock.h"
#include "net_testing.h"

#include <stdio.h>

/* Milliseconds of the clock that the tests move. */
enum { IDLE = 60 * 1000, PATIENCE = 90 * 1000, LIMIT = 1000, MOST_FRAMES = 16, MOST_STEPS = 16 };

struct frame {
    enum mk_ws_opcode opcode;
    uint16_t code;
    char payload[128];
};

struct peer {
    struct mk_loop *loop;
    struct mk_websocket_context context;
    struct mk_websocket *websocket;
    struct owner before; /* the stream's owner until the handshake is done */
    enum mk_ws_role role;
    int fd;
    uv_poll_t poll; /* it is on the same loop, so that the loop turns for it too */
    struct mk_ws_parser parser;
    struct frame frames[MOST_FRAMES];
    size_t frame_count;
    size_t checked; /* the number of frames that a dialogue has checked */
    bool ended;     /* it read the end of the connection */
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
    peer->gave_up = mk_websocket_ping_timed_out(peer->websocket);
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

static const struct mk_websocket_events events_with_payload = {
    .message = on_message,
    .closed = on_closed,
    .pong = on_pong,
    .ping_payload = on_asking,
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

/* A close frame has a code, any other one a text. */
static void peer_sends(struct peer *peer, enum mk_ws_opcode opcode, uint16_t code, const char *text)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct mk_random random = { 0 };
    struct mk_random *masks = peer->role == MK_WS_CLIENT ? &random : NULL;
    int rc = opcode == MK_WS_CLOSE ? mk_ws_write_close(&out, masks, code, mk_slice_str(text))
                                   : mk_ws_write_frame(&out, masks, opcode, mk_slice_str(text));
    assert_int_equal(rc, 0);
    assert_int_equal(send(peer->fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    mk_buf_fini(&out);
}

/* A connection on which milky's side has the role `role`. */
static void open_with(struct peer *peer, struct mk_loop *loop, enum mk_ws_role role,
                      const struct mk_websocket_events *callbacks)
{
    int pair[2];
    *peer =
        (struct peer){ .loop = loop, .role = role == MK_WS_SERVER ? MK_WS_CLIENT : MK_WS_SERVER };
    tcp_pair(pair, false);
    peer->fd = pair[1];
    mk_ws_parser_init(&peer->parser, peer->role, LIMIT);
    uv_poll_init(loop->uv, &peer->poll, peer->fd);
    uv_poll_start(&peer->poll, UV_READABLE, on_readable);
    assert_int_equal(mk_websocket_context_init(&peer->context, loop, role, LIMIT, IDLE, PATIENCE),
                     0);
    owner_init(&peer->before);
    owner_adopt(&peer->before, stream_on(loop, pair[0]));
    peer->websocket = mk_websocket_new(&peer->context, peer->before.stream, callbacks, peer);
    assert_non_null(peer->websocket);
}

static void open_one(struct peer *peer, struct mk_loop *loop, enum mk_ws_role role)
{
    open_with(peer, loop, role, &events);
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
    assert_int_equal(peer->before.closes, 0);
    mk_websocket_context_fini(&peer->context);
    owner_fini(&peer->before);
    mk_ws_parser_fini(&peer->parser);
    close(peer->fd);
}

/* --- dialogues --- */

enum step_kind {
    END_OF_STEPS,
    PEER_SENDS,   /* a frame */
    PEER_ENDS,    /* it sends no more */
    PEER_RESETS,  /* the connection */
    WE_SEND,      /* a text */
    WE_CLOSE,     /* with a code and a reason */
    WE_PAUSE,     /* reading */
    WE_RESUME,    /* reading */
    TIME_JUMPS,   /* by `ms`, while the loop does not turn */
    TIME_PASSES,  /* by `ms`; timers that are due then run */
    ALL_IS_READ,  /* the loop processes everything that is ready */
    GETS_FRAME,   /* the peer: this one next, and none before it */
    GETS_NOTHING, /* the peer: no further frame */
    GETS_END,     /* the peer: the connection's */
    WE_GOT,       /* so many messages (`code`) in all */
    WE_CLOSED,    /* the owner was notified, once, with this code and reason */
    WE_ARE_OPEN,  /* the owner was not */
};

struct step {
    enum step_kind kind;
    enum mk_ws_opcode opcode;
    uint16_t code;
    const char *text;
    uint64_t ms;
};

/* clang-format off */
#define SENDS(opcode, text) { PEER_SENDS, opcode, 0, text, 0 }
#define SENDS_CLOSE(code) { PEER_SENDS, MK_WS_CLOSE, code, "", 0 }
#define ENDS { PEER_ENDS, 0, 0, NULL, 0 }
#define RESETS { PEER_RESETS, 0, 0, NULL, 0 }
#define SEND(text) { WE_SEND, 0, 0, text, 0 }
#define CLOSE(code, reason) { WE_CLOSE, 0, code, reason, 0 }
#define PAUSE { WE_PAUSE, 0, 0, NULL, 0 }
#define RESUME { WE_RESUME, 0, 0, NULL, 0 }
#define JUMP(ms) { TIME_JUMPS, 0, 0, NULL, ms }
#define PASS(ms) { TIME_PASSES, 0, 0, NULL, ms }
#define SETTLE { ALL_IS_READ, 0, 0, NULL, 0 }
#define GETS(opcode, text) { GETS_FRAME, opcode, 0, text, 0 }
#define GETS_CLOSE(code, reason) { GETS_FRAME, MK_WS_CLOSE, code, reason, 0 }
#define GETS_NONE { GETS_NOTHING, 0, 0, NULL, 0 }
#define GETS_EOF { GETS_END, 0, 0, NULL, 0 }
#define GOT(count) { WE_GOT, 0, count, NULL, 0 }
#define CLOSED(code, why) { WE_CLOSED, 0, code, why, 0 }
#define OPEN { WE_ARE_OPEN, 0, 0, NULL, 0 }
/* clang-format on */

struct dialogue {
    const char *name;
    struct step steps[MOST_STEPS];
    bool closes_in_message; /* the owner closes with the first message, and sends none back */
};

/* Each is run in both roles. */
static const struct dialogue dialogues[] = {
    /* keep-alive */
    { "an_idle_peer_that_answers_with_a_pong_stays",
      { PASS(IDLE), GETS(MK_WS_PING, ""), SENDS(MK_WS_PONG, "here"), SETTLE, PASS(PATIENCE), OPEN,
        PASS(IDLE), GETS(MK_WS_PING, "") } },
    { "an_idle_peer_that_sends_anything_else_stays",
      { PASS(IDLE), GETS(MK_WS_PING, ""), SENDS(MK_WS_TEXT, "here"), GETS(MK_WS_TEXT, "here"),
        PASS(PATIENCE), OPEN, PASS(IDLE), GETS(MK_WS_PING, "") } },
    { "a_peer_that_does_not_answer_a_ping_is_dropped",
      { PASS(IDLE), GETS(MK_WS_PING, ""), PASS(PATIENCE / 2), OPEN, PASS(PATIENCE / 2),
        CLOSED(MK_WS_ABNORMAL, "no answer to a ping"), GETS_NONE, GETS_EOF } },
    { "a_peer_that_sends_something_gets_no_ping",
      { PASS(IDLE / 2), SENDS(MK_WS_PONG, "unasked"), SETTLE, PASS(IDLE / 2), GETS_NONE,
        PASS(IDLE / 2), PASS(IDLE / 2), GETS(MK_WS_PING, "") } },
    { "a_paused_peer_gets_no_ping",
      { PAUSE, PASS(10 * IDLE), PASS(10 * PATIENCE), GETS_NONE, OPEN, RESUME, PASS(IDLE),
        GETS(MK_WS_PING, ""), PASS(PATIENCE), CLOSED(MK_WS_ABNORMAL, "no answer to a ping") } },
    { "an_answer_that_is_not_read_yet_is_waited_for",
      { PASS(IDLE), GETS(MK_WS_PING, ""), PAUSE, SENDS(MK_WS_TEXT, "here"), PASS(2 * PATIENCE),
        OPEN, RESUME, GETS(MK_WS_TEXT, "here"), OPEN } },
    { "an_answer_that_comes_with_the_timeout_counts",
      { PASS(IDLE), GETS(MK_WS_PING, ""), PAUSE, SENDS(MK_WS_TEXT, "here"), JUMP(2 * PATIENCE),
        RESUME, GETS(MK_WS_TEXT, "here"), OPEN } },
    { "a_ping_is_answered",
      { SENDS(MK_WS_PING, "still there?"), GETS(MK_WS_PONG, "still there?"), GOT(0) } },
    /* the closing handshake */
    { "a_close_frame_is_answered",
      { SENDS(MK_WS_TEXT, "one"), SENDS_CLOSE(4001), SENDS(MK_WS_TEXT, "behind the close frame"),
        GETS(MK_WS_TEXT, "one"), GETS_CLOSE(4001, ""), GETS_EOF, ENDS,
        CLOSED(4001, "closed by the peer"), GOT(1) } },
    { "our_close_frame_waits_for_the_answer",
      { SEND("before"), CLOSE(MK_WS_GOING_AWAY, "bye"), CLOSE(MK_WS_NORMAL, "again"), SEND("after"),
        GETS(MK_WS_TEXT, "before"), GETS_CLOSE(MK_WS_GOING_AWAY, "bye"),
        /* Messages are dropped from then on, and pings are not answered. */
        SENDS(MK_WS_TEXT, "late"), SENDS(MK_WS_PING, "late"), SETTLE, OPEN,
        SENDS_CLOSE(MK_WS_GOING_AWAY), GETS_EOF, ENDS,
        CLOSED(MK_WS_GOING_AWAY, "closed by the peer"), GETS_NONE, GOT(0) } },
    { "our_close_frame_without_an_answer_ends_the_connection",
      { CLOSE(MK_WS_GOING_AWAY, "bye"), GETS_CLOSE(MK_WS_GOING_AWAY, "bye"), PASS(PATIENCE / 2),
        OPEN, PASS(PATIENCE / 2), CLOSED(MK_WS_ABNORMAL, "no answer to a close frame") } },
    { "messages_are_no_answer_to_a_close_frame",
      { CLOSE(MK_WS_GOING_AWAY, "bye"), SENDS(MK_WS_TEXT, "but"), SETTLE, PASS(PATIENCE / 2),
        SENDS(MK_WS_TEXT, "but"), SETTLE, PASS(PATIENCE / 4), SENDS(MK_WS_TEXT, "but"), SETTLE,
        OPEN, PASS(PATIENCE / 4), CLOSED(MK_WS_ABNORMAL, "no answer to a close frame"), GOT(0) } },
    { "a_message_may_close_the_connection",
      { SENDS(MK_WS_TEXT, "one"), SENDS(MK_WS_TEXT, "two"), GETS_CLOSE(MK_WS_GOING_AWAY, "bye"),
        SETTLE, GOT(1) },
      .closes_in_message = true },
    /* other ends */
    { "a_peer_that_ends_without_a_close_frame_is_gone",
      { ENDS, CLOSED(MK_WS_ABNORMAL, "the peer disconnected without a close frame") } },
    { "a_reset_is_an_end", { RESETS, CLOSED(MK_WS_ABNORMAL, "Connection reset by peer") } },
};

static void reset(struct peer *peer)
{
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    uv_poll_stop(&peer->poll);
    close(peer->fd);
    peer->fd = -1;
}

static void take_step(struct peer *peer, const struct step *step)
{
    switch (step->kind) {
    case PEER_SENDS:
        peer_sends(peer, step->opcode, step->code, step->text);
        break;
    case PEER_ENDS:
        shutdown(peer->fd, SHUT_WR);
        break;
    case PEER_RESETS:
        reset(peer);
        break;
    case WE_SEND:
        mk_websocket_send(peer->websocket, MK_WS_TEXT, mk_slice_str(step->text));
        break;
    case WE_CLOSE:
        mk_websocket_close(peer->websocket, step->code, mk_slice_str(step->text));
        break;
    case WE_PAUSE:
        mk_websocket_pause(peer->websocket);
        break;
    case WE_RESUME:
        mk_websocket_resume(peer->websocket);
        break;
    case TIME_JUMPS:
        move_clock(peer->loop, step->ms);
        break;
    case TIME_PASSES:
        move_clock(peer->loop, step->ms);
        turn(peer->loop);
        break;
    default:
        turn(peer->loop);
        break;
    }
}

static void expect(struct peer *peer, const struct step *step)
{
    const struct frame *frame = &peer->frames[peer->checked];
    switch (step->kind) {
    case GETS_FRAME:
        TURN_UNTIL(peer->loop, peer->frame_count > peer->checked);
        peer->checked++;
        assert_int_equal(frame->opcode, step->opcode);
        assert_int_equal(frame->code, step->code);
        assert_string_equal(frame->payload, step->text);
        break;
    case GETS_NOTHING:
        assert_int_equal(peer->frame_count, peer->checked);
        break;
    case GETS_END:
        TURN_UNTIL(peer->loop, peer->ended);
        break;
    case WE_GOT:
        assert_int_equal(peer->messages, step->code);
        break;
    case WE_CLOSED:
        TURN_UNTIL(peer->loop, peer->closes > 0);
        assert_int_equal(peer->closes, 1);
        assert_int_equal(peer->code, step->code);
        assert_string_equal(peer->why, step->text);
        assert_int_equal(peer->gave_up, strcmp(peer->why, "no answer to a ping") == 0);
        break;
    default:
        assert_int_equal(peer->closes, 0);
        break;
    }
}

static void hold(const struct dialogue *dialogue, enum mk_ws_role role)
{
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, role);
    peer.closes_in_message = dialogue->closes_in_message;
    for (const struct step *step = dialogue->steps; step->kind != END_OF_STEPS; step++)
        step->kind < GETS_FRAME ? take_step(&peer, step) : expect(&peer, step);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_dialogue(void **state)
{
    hold(*state, MK_WS_SERVER);
    hold(*state, MK_WS_CLIENT);
}

/* --- what is no dialogue --- */

static void test_owner_chooses_the_payload_of_a_ping(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_with(&peer, &loop, MK_WS_SERVER, &events_with_payload);
    move_clock(&loop, IDLE);
    TURN_UNTIL(&loop, peer.frame_count == 1);
    assert_int_equal(peer.frames[0].opcode, MK_WS_PING);
    assert_string_equal(peer.frames[0].payload, "7");
    peer_sends(&peer, MK_WS_PONG, 0, peer.frames[0].payload);
    TURN_UNTIL(&loop, strcmp(peer.why, "7") == 0);
    end_one(&peer);
    mk_loop_fini(&loop);
}

static void test_broken_framing_is_answered_with_a_close_frame(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_SERVER);
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

static void test_peer_that_reads_nothing_is_dropped(void **state)
{
    (void)state;
    struct mk_loop loop;
    struct peer peer;
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    open_one(&peer, &loop, MK_WS_CLIENT);
    const struct mk_stream_limits limits = { .output = 8192, .read_pause = 4096, .input = 4096 };
    limit_stream(mk_websocket_stream(peer.websocket), &limits);
    char text[4096];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 3; i++)
        mk_websocket_send(peer.websocket, MK_WS_TEXT, mk_slice_of(text, sizeof(text)));
    assert_int_equal(peer.closes, 0); /* never from within a call */
    TURN_UNTIL(&loop, peer.closes == 1);
    assert_string_equal(peer.why, "it does not receive its messages");
    end_one(&peer);
    mk_loop_fini(&loop);
}

enum { DIALOGUES = sizeof(dialogues) / sizeof(dialogues[0]), OTHERS = 3 };

int main(void)
{
    struct CMUnitTest tests[OTHERS + DIALOGUES] = {
        cmocka_unit_test(test_owner_chooses_the_payload_of_a_ping),
        cmocka_unit_test(test_broken_framing_is_answered_with_a_close_frame),
        cmocka_unit_test(test_peer_that_reads_nothing_is_dropped),
    };
    for (size_t i = 0; i < DIALOGUES; i++)
        tests[OTHERS + i] = (struct CMUnitTest){
            .name = dialogues[i].name,
            .test_func = test_dialogue,
            .initial_state = (void *)(uintptr_t)&dialogues[i],
        };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
