/* Answers that the HTTP client refuses, and requests that fail, each with its reason. */
#include "http_client_testing.h"

#define OK "HTTP/1.1 200 OK\r\n"

static void expect_failure(const char *response, enum mk_failure_kind kind, const char *text)
{
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct result result = { 0 };
        ask("http", "/", &result);
        raw_server_say(&server, response, bytewise);
        raw_server_hang_up(&server);
        await(&result);
        assert_int_equal(result.failure.kind, kind);
        if (!bytewise)
            assert_string_equal(result.failure.en, text);
        assert_string_not_equal(result.failure.zh, "");
        assert_true(result.failure.is_sent);
        assert_int_equal(result.body.len, 0);
        TURN_UNTIL(&loop, !server.peer.stream);
        mk_buf_fini(&result.body);
    }
}

static void failures_name_the_wrong_part(void **state)
{
    (void)state;
    expect_failure("", MK_FAILURE_NO_ANSWER,
                   "it closed the connection before it answered (if this port speaks TLS, the URL "
                   "must begin with https://)");
    expect_failure(OK "A: b\r\n", MK_FAILURE_CLOSED,
                   "it closed the connection within the head of its answer");
    expect_failure(OK "Content-Length: 3\r\n\r\nab", MK_FAILURE_CLOSED,
                   "it closed the connection before its answer was complete");
    expect_failure("\x15\x03\x01", MK_FAILURE_IS_TLS,
                   "this port speaks TLS: the URL must begin with https:// instead of http://");
    expect_failure("SSH-2.0-x\x01\"\xff\r\n", MK_FAILURE_NOT_HTTP,
                   "it does not speak HTTP: its answer begins with "
                   "\"SSH-2.0-x\\x01\\x22\\xff\\r\\n\"");
    expect_failure("HTTP/2 200 OK\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "its answer is not of HTTP/1.1: the status line is \"HTTP/2 200 OK\\r\\n\"");
    expect_failure("HTTP/1.1 abc\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: the status line is \"HTTP/1.1 abc\"");
    expect_failure(OK "A: b\r\nbroken\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: header line 2 is malformed: \"broken\"");
    expect_failure("HTTP/1.1 200 OK\n\n", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: line 1, \"HTTP/1.1 200 OK\", ends with LF instead "
                   "of CRLF");
    expect_failure(OK "Content-Length: five\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: the Content-Length is \"five\"");
    expect_failure(OK "Transfer-Encoding: gzip\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "its answer has a Transfer-Encoding that was not asked for: \"gzip\"");
    expect_failure(OK "Transfer-Encoding: chunked\r\n\r\nxyz", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: the size of a chunk has \"x\"");
    expect_failure(OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: behind a chunk, instead of CRLF, is \"b\"");
    expect_failure(OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA\n", MK_FAILURE_PROTOCOL,
                   "its answer is no valid HTTP: the end of a trailer has \"\\n\"");
    expect_failure("HTTP/1.1 101 Switching Protocols\r\n\r\n", MK_FAILURE_PROTOCOL,
                   "it answered 101 and switched to another protocol, which was not asked for");
    expect_failure(OK "Content-Length: 1001\r\n\r\n", MK_FAILURE_TOO_LONG,
                   "the response is longer than 1000 bytes");
}

/* Sends the same again and again, as a server that never ends, until the client ends it. */
static void expect_end(const char *first, const char *more, enum mk_failure_kind kind,
                       const char *text, size_t most)
{
    struct result result = { 0 };
    size_t sent = 0;
    ask("http", "/", &result);
    owner_says(&server.peer, first);
    while (result.dones == 0) {
        if (server.peer.stream && mk_stream_backlog(server.peer.stream) < 1024) {
            owner_says(&server.peer, more);
            sent += strlen(more);
        }
        turn(&loop);
    }
    assert_int_equal(result.failure.kind, kind);
    assert_string_equal(result.failure.en, text);
    assert_true(sent <= most);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
    mk_buf_fini(&result.body);
}

static void nothing_is_endless(void **state)
{
    enum { MOST = 256 * 1024 }; /* with the buffers of the sockets */
    static char long_text[4096];
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    expect_end("HTTP/1.1 200 ", long_text, MK_FAILURE_TOO_LONG,
               "the head of its answer is longer than 65536 bytes", MOST);
    expect_end(OK "A: ", long_text, MK_FAILURE_TOO_LONG,
               "the head of its answer is longer than 65536 bytes", MOST);
    expect_end(OK, "A: b\r\nA: b\r\nA: b\r\n", MK_FAILURE_TOO_LONG,
               "its answer has more than 100 headers", MOST);
    expect_end("", "HTTP/1.1 102 Processing\r\n\r\n", MK_FAILURE_TOO_LONG,
               "it sent more than 16 informational answers (1xx) and no final one", MOST);
    const char *extra = "the chunk extensions and trailers of its answer are longer than 16 KiB";
    expect_end(OK "Transfer-Encoding: chunked\r\n\r\n1;", long_text, MK_FAILURE_TOO_LONG, extra,
               MOST);
    expect_end(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\nA: b\r\nA: b\r\n",
               MK_FAILURE_TOO_LONG, extra, MOST);
    expect_end(OK "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n1\r\na\r\n", MK_FAILURE_TOO_LONG,
               "the response is longer than 1000 bytes", MOST);
    expect_end(OK "\r\n", long_text, MK_FAILURE_TOO_LONG, "the response is longer than 1000 bytes",
               MOST);
    expect_end("", "\r\n\r\n", MK_FAILURE_NOT_HTTP,
               "it does not speak HTTP: its answer begins with \"\\r\\n\"", MOST);
}

static void an_answer_may_end_with_the_connection(void **state)
{
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, "HTTP/1.0 200 OK\r\n\r\nthe body", true);
    assert_int_equal(result.dones, 0);
    raw_server_hang_up(&server);
    await(&result);
    assert_int_equal(result.status, 200);
    assert_int_equal(result.body.len, 8);
    mk_buf_fini(&result.body);
}

static void expect_late(const char *response, const char *text)
{
    struct result result;
    char url[256];
    result_init(&result);
    post_to(raw_server_url(&server, "http", "/", url), MK_SLICE("{}"), 80, &result);
    if (response) {
        raw_server_request(&server);
        raw_server_say(&server, response, false);
    }
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_TIMEOUT);
    assert_string_equal(result.failure.en, text);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
}

static void timeouts_name_the_step(void **state)
{
    (void)state;
    expect_late("", "no answer: timed out after 80 ms");
    expect_late("HTTP/1.1 100 Continue\r\n\r\nHTTP",
                "the head of its answer is not complete: timed out after 80 ms");
    expect_late(OK "Content-Length: 9\r\n\r\nab",
                "its answer is not complete: timed out after 80 ms");
    expect_late(OK "\r\nab", "its answer is not complete: timed out after 80 ms");
}

static void a_timeout_of_tls_has_its_own_kind(void **state)
{
    struct result result;
    char url[256];
    (void)state;
    result_init(&result);
    post_to(raw_server_url(&server, "https", "/", url), MK_SLICE("{}"), 80, &result);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_TLS_TIMEOUT);
    assert_string_equal(result.failure.en, "no TLS connection: timed out after 80 ms");
    assert_false(result.failure.is_sent);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
    mk_buf_fini(&result.body);
}

static void failures_before_the_request_have_reasons(void **state)
{
    static const char *const bad[] = { "ftp://127.0.0.1/", "ws://127.0.0.1/", "http://", "" };
    struct result result;
    char url[256];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        result_init(&result);
        post_to(bad[i], MK_SLICE("{}"), 5000, &result);
        await(&result);
        assert_int_equal(result.failure.kind, MK_FAILURE_PROTOCOL);
        assert_false(result.failure.is_sent);
    }
    raw_server_url(&server, "http", "/", url);
    raw_server_deaf(&server);
    result_init(&result);
    post_to(url, MK_SLICE("{}"), 5000, &result);
    await(&result);
    assert_string_equal(result.failure.en, "connection refused");
    assert_int_equal(result.failure.kind, MK_FAILURE_REFUSED);
    assert_false(result.failure.is_sent);
    mk_buf_fini(&result.body);
}

static void retry_after_is_reported(void **state)
{
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, "HTTP/1.1 503 No\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
                   false);
    await(&result);
    assert_int_equal(result.retry_after, 120);
    ask("http", "/", &result);
    raw_server_say(&server,
                   "HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                   "Date: Sun, 06 Nov 1994 08:48:37 GMT\r\nContent-Length: 0\r\n\r\n",
                   false);
    await(&result);
    assert_int_equal(result.retry_after, 60);
    ask("http", "/", &result);
    raw_server_say(&server,
                   "HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                   "Content-Length: 0\r\n\r\n",
                   false);
    await(&result);
    assert_int_equal(result.retry_after, 0); /* it is over */
    mk_buf_fini(&result.body);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(failures_name_the_wrong_part),
        TEST(nothing_is_endless),
        TEST(an_answer_may_end_with_the_connection),
        TEST(timeouts_name_the_step),
        TEST(a_timeout_of_tls_has_its_own_kind),
        TEST(failures_before_the_request_have_reasons),
        TEST(retry_after_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
