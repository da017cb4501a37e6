/* From a URL to a WebSocket: the request, and the outcome of each answer. */
#include "raw_server.h"
#include "web/websocket_dial.h"
#include "wire/http1.h"
#include "wire/ws_handshake.h"

static struct mk_loop loop;
static struct raw_server server;
static struct mk_websocket_dial *dial;
static struct mk_dial_outcome outcome;
static struct owner client;
static char text[256];
static struct mk_url url;
static bool starting;
static int dones;

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *how)
{
    assert_ptr_equal(arg, &url);
    assert_false(starting);
    dial = NULL;
    dones++;
    outcome = *how;
    assert_true((how->step == MK_DIAL_DONE) == (stream != NULL));
    if (stream)
        owner_adopt(&client, stream);
}

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    raw_server_init(&server, &loop);
    owner_init(&client);
    dial = NULL;
    dones = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dial = mk_websocket_dial_cancel(dial);
    if (client.stream)
        mk_stream_abort(client.stream, 0);
    raw_server_fini(&server);
    mk_loop_fini(&loop);
    owner_fini(&client);
    alarm(0);
    return 0;
}

static void start(const char *scheme, const char *path, uint32_t handshake_ms, bool deflate)
{
    assert_null(mk_url_parse(mk_slice_str(raw_server_url(&server, scheme, path, text)), &url));
    const struct mk_websocket_dial_options options = {
        .url = &url,
        .token = "s3cret",
        .extra = MK_SLICE("X-Extra: 1\r\n"),
        .connect_ms = 5000,
        .handshake_ms = handshake_ms,
        .offers_deflate = deflate,
    };
    starting = true;
    dial = mk_websocket_dial_start(&loop, &options, on_dialled, &url);
    starting = false;
    assert_non_null(dial);
}

/* Dials, and gets this answer. */
static void dial_and_answer(const char *answer, bool bytewise)
{
    start("ws", "/path?a=b", 5000, false);
    raw_server_request(&server);
    raw_server_say(&server, answer, bytewise);
}

static void assert_failed(enum mk_dial_step step, enum mk_failure_kind kind, const char *why)
{
    TURN_UNTIL(&loop, dones > 0);
    assert_int_equal(dones, 1);
    assert_int_equal(outcome.step, step);
    assert_int_equal(outcome.failure.kind, kind);
    assert_string_equal(outcome.failure.en, why);
    dones = 0;
    TURN_UNTIL(&loop, !server.peer.stream || server.peer.ends > 0);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
}

/* The right answer to the current request, followed by `more`. */
static const char *right_answer(const char *extra, const char *more)
{
    static char answer[512];
    struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason;
    size_t consumed;
    assert_int_equal(
        mk_http1_parser_feed(parser, server.peer.in.data, server.peer.in.len, &consumed),
        MK_HTTP1_HEAD);
    assert_int_equal(mk_ws_handshake_check(mk_http1_parser_request(parser), accept, &reason), 101);
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %.*s\r\n%s\r\n%s",
             MK_WS_ACCEPT_LEN, accept, extra, more);
    mk_http1_parser_free(parser);
    return answer;
}

static void the_stream_is_handed_over(void **state)
{
    (void)state;
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        start("ws", "/path?a=b", 5000, false);
        const char *request = raw_server_request(&server);
        assert_memory_equal(request, "GET /path?a=b&access_token=s3cret HTTP/1.1\r\n", 44);
        assert_non_null(strstr(request, "\r\nX-Extra: 1\r\n"));
        assert_null(strcasestr(request, "permessage-deflate"));
        raw_server_say(&server, right_answer("", "hi"), bytewise);
        TURN_UNTIL(&loop, client.in.len == 2);
        assert_heard(&client, "hi"); /* bytes after the handshake go to the new owner */
        assert_int_equal(outcome.step, MK_DIAL_DONE);
        assert_false(outcome.deflate);
        mk_stream_abort(client.stream, 0);
        TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
        raw_server_hang_up(&server);
        TURN_UNTIL(&loop, !server.peer.stream);
        owner_fini(&client);
        owner_init(&client);
    }
}

static void compression_is_negotiated(void **state)
{
    (void)state;
    start("ws", "/", 5000, true);
    assert_non_null(strstr(raw_server_request(&server), "permessage-deflate"));
    raw_server_say(&server,
                   right_answer("Sec-WebSocket-Extensions: permessage-deflate; "
                                "server_no_context_takeover; client_no_context_takeover\r\n",
                                ""),
                   false);
    TURN_UNTIL(&loop, dones == 1);
    assert_int_equal(outcome.step, MK_DIAL_DONE);
    assert_true(outcome.deflate);
}

static void refusals_have_a_status(void **state)
{
    static const struct {
        const char *line;
        unsigned status;
        const char *why;
    } cases[] = {
        { "401 No", 401,
          "it answered 401: it wants an access_token, and does not accept this one" },
        { "403 No", 403, "it answered 403: it does not accept the access_token, or this client" },
        { "404 No", 404, "it answered 404: there is no WebSocket at this path" },
        { "302 Found", 302, "it answered 302, a redirect, which is not followed" },
        { "200 OK", 200, "it answered 200: there is no WebSocket at this path" },
        { "503 No", 503, "it answered 503" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", cases[i].line);
        char answer[256];
        memcpy(answer, text, sizeof(text));
        dial_and_answer(answer, i % 2);
        assert_failed(MK_DIAL_ANSWERED, MK_FAILURE_STATUS, cases[i].why);
        assert_int_equal(outcome.failure.status, cases[i].status);
    }
}

static void invalid_answers_have_a_reason(void **state)
{
    static char endless[20 * 1024];
    (void)state;
    dial_and_answer("SSH-2.0-OpenSSH_9.2\r\n", false);
    assert_failed(MK_DIAL_HANDSHAKING, MK_FAILURE_NOT_HTTP,
                  "its answer is not HTTP/1.1: it begins with \"SSH-2.0-OpenSSH_9.2\\r\\n\"");
    memset(endless, 'a', sizeof(endless) - 1);
    memcpy(endless, "HTTP/1.1 200 OK\r\nX: ", 20);
    dial_and_answer(endless, false);
    assert_failed(MK_DIAL_HANDSHAKING, MK_FAILURE_TOO_LONG,
                  "its answer is too long: the head has more than 16384 bytes");
    dial_and_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
                    false);
    TURN_UNTIL(&loop, dones == 1);
    assert_int_equal(outcome.failure.status, 0);
    assert_failed(MK_DIAL_ANSWERED, MK_FAILURE_HANDSHAKE,
                  "it answered 101, but Sec-WebSocket-Accept does not answer the key: \"AAAA\"");
    dial_and_answer("HTTP/1.1 101 Switch", false);
    raw_server_hang_up(&server);
    assert_failed(MK_DIAL_HANDSHAKING, MK_FAILURE_CLOSED,
                  "it closed the connection before it answered in full");
    dial_and_answer("", false);
    raw_server_hang_up(&server);
    assert_failed(MK_DIAL_HANDSHAKING, MK_FAILURE_NO_ANSWER,
                  "it closed the connection before it answered");
}

static void silence_and_unknown_certificates_have_a_reason(void **state)
{
    (void)state;
    start("ws", "/", 60, false);
    raw_server_request(&server);
    assert_failed(MK_DIAL_HANDSHAKING, MK_FAILURE_TIMEOUT, "it did not answer in time");

    server.context = server_context("IP:127.0.0.1");
    trust(NULL);
    start("wss", "/", 5000, false);
    assert_failed(MK_DIAL_CONNECTING, MK_FAILURE_CERTIFICATE_SELF_SIGNED,
                  "certificate verify failed: self-signed certificate");
    trust_fini();

    start("ws", "/", 5000, false); /* has its URL already */
    dial = mk_websocket_dial_cancel(dial);
    turn(&loop);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
    assert_int_equal(dones, 0);

    start("ws", "/", 5000, false);
    raw_server_deaf(&server);
    TURN_UNTIL(&loop, dones == 1);
    assert_int_equal(outcome.step, MK_DIAL_CONNECTING);
    assert_int_equal(outcome.failure.kind, MK_FAILURE_REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_stream_is_handed_over),
        TEST(compression_is_negotiated),
        TEST(refusals_have_a_status),
        TEST(invalid_answers_have_a_reason),
        TEST(silence_and_unknown_certificates_have_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
