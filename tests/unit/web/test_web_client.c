/* Posts of the HTTP client to a scripted server. */
#include "http_client_testing.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define EMPTY OK "Content-Length: 0\r\n\r\n"

static void a_post_is_answered(void **state)
{
    struct result result = { 0 };
    char expected[512];
    (void)state;
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        const char *request = ask("http", "/a%20b?c=d", &result);
        const char *host = strstr(request, "Host: ") + 6;
        snprintf(expected, sizeof(expected),
                 "POST /a%%20b?c=d HTTP/1.1\r\nHost: %.*s\r\nAccept: */*\r\n"
                 "Content-Type: application/json\r\nX-Self-ID: 42\r\nContent-Length: 2\r\n\r\n{}",
                 (int)strcspn(host, "\r"), host);
        assert_string_equal(request, expected);
        raw_server_say(&server,
                       "HTTP/1.1 100 Continue\r\n\r\n" OK
                       "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nA: b\r\n"
                       "\r\n",
                       bytewise);
        await(&result);
        assert_int_equal(result.failure.kind, MK_FAILURE_NONE);
        assert_int_equal(result.status, 200);
        assert_int_equal(result.body.len, 5);
        assert_memory_equal(result.body.data, "hello", 5);
    }
    assert_int_equal(server.accepted, 1);
    mk_buf_fini(&result.body);
}

static void the_url_may_have_a_user(void **state)
{
    struct result result;
    char url[256], with_user[300];
    (void)state;
    result_init(&result);
    raw_server_url(&server, "http", "", url);
    snprintf(with_user, sizeof(with_user), "http://us%%20er:p%%40ss@%s", url + 7);
    post_to(with_user, MK_SLICE("{}"), 5000, &result);
    const char *request = raw_server_request(&server);
    assert_non_null(strstr(request, "\r\nAuthorization: Basic dXMgZXI6cEBzcw==\r\n"));
    assert_memory_equal(request, "POST / HTTP/1.1\r\n", 17);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(result.status, 200);
    mk_buf_fini(&result.body);
}

/* The server's input is a long request; it reads all of it, or answers early. */
static void a_long_body_is_sent(void **state)
{
    enum { LEN = 24 * 1024 * 1024 }; /* more than the buffers of sockets */
    struct result result;
    char url[256], *body = malloc(LEN);
    (void)state;
    assert_non_null(body);
    memset(body, 'b', LEN);
    result_init(&result);
    post_to(raw_server_url(&server, "http", "/", url), mk_slice_of(body, LEN), 5000, &result);
    TURN_UNTIL(&loop, server.peer.stream && server.peer.in.len > LEN);
    assert_memory_equal(server.peer.in.data + server.peer.in.len - 4, "bbbb", 4);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(result.status, 200);
    server.peer.in.len = 0;
    mk_buf_fini(&server.peer.in);
    mk_buf_init(&server.peer.in, SIZE_MAX / 2);
    /* It is kept, and used once more; now the server takes only a part, and answers. */
    server.peer.pause_at = 1000;
    post_to(url, mk_slice_of(body, LEN), 5000, &result);
    TURN_UNTIL(&loop, server.peer.in.len >= 1000);
    assert_int_equal(server.accepted, 1);
    raw_server_say(&server, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", false);
    TURN_UNTIL(&loop, result.dones == 2);
    assert_int_equal(result.status, 413);
    mk_stream_resume(server.peer.stream); /* the client has closed it: the rest was not sent */
    TURN_UNTIL(&loop, !server.peer.stream || server.peer.ends > 0);
    free(body);
    mk_buf_fini(&result.body);
}

/* --- kept connections --- */

static void expect_kept(const char *response, bool kept)
{
    struct result result = { 0 };
    int before = server.accepted;
    ask("http", "/", &result);
    raw_server_say(&server, response, false);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_NONE);
    if (!kept)
        TURN_UNTIL(&loop, !server.peer.stream || server.peer.ends > 0);
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    assert_true(server.accepted <= before + 1);
    mk_buf_fini(&result.body);
}

static void connections_are_kept_where_they_persist(void **state)
{
    struct result result = { 0 };
    (void)state;
    for (int i = 0; i < 5; i++) {
        ask("http", "/", &result);
        raw_server_say(&server, EMPTY, false);
        await(&result);
    }
    assert_int_equal(server.accepted, 1);
    mk_web_client_close_idle(client);
    TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    expect_kept(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", false);
    expect_kept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    expect_kept(EMPTY "x", false); /* bytes behind the response */
    expect_kept(EMPTY EMPTY, false);
    expect_kept(EMPTY, true);
    mk_buf_fini(&result.body);
}

/* The bytes come after the response: they are no answer to the next request. */
static void late_bytes_end_a_kept_connection(void **state)
{
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    raw_server_say(&server, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false);
    TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(result.status, 200);
    assert_int_equal(server.accepted, 2);
    mk_buf_fini(&result.body);
}

static void a_kept_connection_that_ends_is_replaced(void **state)
{
    const struct linger reset = { .l_onoff = 1 };
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    /* The server has the request, and closes without a byte. */
    ask("http", "/", &result);
    assert_int_equal(server.accepted, 1);
    mk_stream_abort(server.peer.stream, 0); /* a FIN: all was read */
    TURN_UNTIL(&loop, server.accepted == 2 && server.peer.stream && server.peer.in.len > 0);
    assert_int_equal(result.dones, 0);
    raw_server_request(&server);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(result.status, 200);
    /* The same by a reset. */
    ask("http", "/", &result);
    setsockopt(server.peer.stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, server.accepted == 3 && server.peer.stream && server.peer.in.len > 0);
    /* Only once: this one is fresh. */
    mk_stream_abort(server.peer.stream, 0);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_NO_ANSWER);
    assert_true(result.failure.is_sent);
    assert_int_equal(server.accepted, 3);
    TURN_UNTIL(&loop, !server.peer.stream);
    /* A byte of the response has come: it is not sent again. */
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    ask("http", "/", &result);
    raw_server_say(&server, "H", false);
    raw_server_hang_up(&server);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_CLOSED);
    assert_int_equal(server.accepted, 4);
    mk_buf_fini(&result.body);
}

static void the_next_may_start_in_done(void **state)
{
    struct result result = { 0 };
    char url[256];
    (void)state;
    ask("http", "/", &result);
    result.again = raw_server_url(&server, "http", "/2", url);
    server.peer.in.len = 0;
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_memory_equal(raw_server_request(&server), "POST /2 ", 8);
    raw_server_say(&server, EMPTY, false);
    TURN_UNTIL(&loop, result.dones == 2);
    assert_int_equal(server.accepted, 1);
    mk_buf_fini(&result.body);
}

/* --- ends --- */

static void requests_can_be_cancelled(void **state)
{
    struct result result = { 0 }, other = { 0 };
    char url[256];
    (void)state;
    result_init(&result);
    post_to(raw_server_url(&server, "http", "/", url), MK_SLICE("{}"), 5000, &result);
    mk_web_request_cancel(result.request); /* while it connects */
    turn(&loop);
    turn(&loop);
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    ask("http", "/", &result);
    mk_web_request_cancel(result.request); /* while it waits */
    TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    ask("http", "/", &result);
    raw_server_say(&server, OK "Content-Length: 5\r\n\r\nab", false);
    mk_web_request_cancel(result.request); /* within the body */
    assert_int_equal(result.dones, 0);
    result_init(&result);
    result_init(&other);
    post_to("http://", MK_SLICE("{}"), 5000, &result);
    post_to("http://", MK_SLICE("{}"), 5000, &other);
    mk_web_request_cancel(result.request); /* before it fails */
    await(&other);
    assert_int_equal(result.dones, 0);
    assert_null(mk_web_request_cancel(NULL));
}

static void done_may_cancel_others_and_free_the_client(void **state)
{
    struct result result = { 0 }, other = { 0 };
    (void)state;
    ask("http", "/", &result);
    result_init(&other);
    post_to("http://127.0.0.1:1/", MK_SLICE("{}"), 5000, &other);
    result.cancels = other.request;
    result.frees = true;
    raw_server_say(&server, OK "Content-Length: 2\r\n\r\nok", false);
    await(&result);
    assert_null(client);
    assert_int_equal(result.body.len, 2);
    assert_int_equal(other.dones, 0);
    mk_buf_fini(&result.body);
    assert_null(mk_web_client_free(NULL));
}

static void the_client_drops_what_is_under_way(void **state)
{
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    client = mk_web_client_free(client);
    TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
    assert_int_equal(result.dones, 0);
}

/* --- failures --- */

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
    expect_failure("\x15\x03\x01", MK_FAILURE_TLS,
                   "this port speaks TLS: the URL must begin with https:// instead of http://");
    expect_failure("SSH-2.0-x\x01\"\xff\r\n", MK_FAILURE_PROTOCOL,
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
    expect_end("", "\r\n\r\n", MK_FAILURE_PROTOCOL,
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

/* --- TLS --- */

static void tls_connections_are_kept_too(void **state)
{
    struct result result = { 0 };
    (void)state;
    server.context = server_context("IP:127.0.0.1");
    trust(server.context);
    for (int i = 0; i < 3; i++) {
        ask("https", "/", &result);
        raw_server_say(&server, OK "Content-Length: 2\r\n\r\nok", i == 1);
        await(&result);
        assert_string_equal(result.failure.en, "");
        assert_int_equal(result.body.len, 2);
    }
    assert_int_equal(server.accepted, 1);
    mk_buf_fini(&result.body);
}

/* A connection with other certificates, or with another verification, is another one. */
static void contexts_do_not_share_connections(void **state)
{
    struct result result = { 0 };
    struct mk_tls_fault fault;
    (void)state;
    server.context = server_context("IP:127.0.0.1");
    trust(NULL);
    client_tls =
        mk_tls_context_client(&(struct mk_tls_files){ .insecure_skip_verify = true }, &fault);
    ask("https", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(result.status, 200);
    client_tls = mk_tls_context_free(client_tls); /* the kept connection has it still */
    raw_server_hang_up(&server);
    TURN_UNTIL(&loop, !server.peer.stream);
    ask("https", "/", &result);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_CERTIFICATE);
    assert_non_null(strstr(result.failure.en, "self-signed certificate"));
    assert_false(result.failure.is_sent);
    assert_int_equal(server.accepted, 2);
    mk_buf_fini(&result.body);
}

static size_t answer_plainly(struct owner *owner, char *data, size_t len)
{
    (void)data;
    owner_says(owner, "HTTP/1.1 400 Bad Request\r\n\r\n");
    return len;
}

static void a_server_without_tls_has_its_own_advice(void **state)
{
    struct result result;
    char url[256];
    (void)state;
    result_init(&result);
    post_to(raw_server_url(&server, "https", "/", url), MK_SLICE("{}"), 5000, &result);
    TURN_UNTIL(&loop, server.peer.stream);
    server.peer.on_read = answer_plainly;
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_TLS);
    assert_string_equal(result.failure.en, "this port does not speak TLS: the URL must begin with "
                                           "http:// or ws:// instead of https:// or wss://");
    mk_buf_fini(&result.body);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_post_is_answered),
        TEST(the_url_may_have_a_user),
        TEST(a_long_body_is_sent),
        TEST(connections_are_kept_where_they_persist),
        TEST(late_bytes_end_a_kept_connection),
        TEST(a_kept_connection_that_ends_is_replaced),
        TEST(the_next_may_start_in_done),
        TEST(requests_can_be_cancelled),
        TEST(done_may_cancel_others_and_free_the_client),
        TEST(the_client_drops_what_is_under_way),
        TEST(failures_name_the_wrong_part),
        TEST(nothing_is_endless),
        TEST(an_answer_may_end_with_the_connection),
        TEST(timeouts_name_the_step),
        TEST(failures_before_the_request_have_reasons),
        TEST(retry_after_is_reported),
        TEST(tls_connections_are_kept_too),
        TEST(contexts_do_not_share_connections),
        TEST(a_server_without_tls_has_its_own_advice),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    trust_fini();
    return failed;
}
