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

static const char late[] =
    "HTTP/1.1 408 Too Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/* The server says it and closes, while the loop does not turn. */
static void end_with(const char *text)
{
    struct mk_stream *stream = server.peer.stream;
    assert_int_equal(send(stream->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    server.peer.stream = NULL;
    mk_stream_adopt(stream, NULL, NULL);
    mk_stream_abort(stream, 0);
}

static void await_connection(int number)
{
    TURN_UNTIL(&loop, server.accepted == number && server.peer.in.len > 0);
    raw_server_request(&server);
}

/* What a server sent before the request, unseen by the loop, is no answer to it. */
static void what_a_server_sent_before_is_no_answer(void **state)
{
    struct result result = { 0 };
    char url[256];
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    end_with("HTTP/1.1 204 No\r\n\r\n");
    post_to(raw_server_url(&server, "http", "/2", url), MK_SLICE("{}"), 5000, &result);
    await_connection(2);
    raw_server_say(&server, EMPTY, false);
    TURN_UNTIL(&loop, result.dones == 2);
    assert_int_equal(result.status, 200);
    mk_buf_fini(&result.body);
}

static void a_408_may_cross_the_request(void **state)
{
    struct result result = { 0 };
    (void)state;
    ask("http", "/", &result);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    ask("http", "/", &result);
    raw_server_say(&server, "HTTP/1.1 408 No\r\nContent-Length: 0\r\n\r\n", false);
    await(&result); /* it keeps the connection */
    assert_int_equal(result.status, 408);
    ask("http", "/", &result);
    assert_int_equal(server.accepted, 1);
    end_with(late);
    await_connection(2);
    assert_int_equal(result.dones, 0);
    raw_server_say(&server, late, false); /* on a fresh connection it is the answer */
    await(&result);
    assert_int_equal(result.status, 408);
    mk_buf_fini(&result.body);
}

/* The server resets the connection behind it, with the rest of the body unread. */
static void an_early_answer_survives_a_reset(void **state)
{
    enum { LEN = 24 * 1024 * 1024 };
    static const char refusal[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    char url[256], *body = calloc(1, LEN);
    struct result result;
    (void)state;
    assert_non_null(body);
    result_init(&result);
    for (int i = 1; i <= 5; i++) {
        post_to(raw_server_url(&server, "http", "/", url), mk_slice_of(body, LEN), 5000, &result);
        TURN_UNTIL(&loop, server.accepted == i && server.peer.in.len > 0);
        assert_int_equal(send(server.peer.stream->fd, refusal, strlen(refusal), MSG_NOSIGNAL),
                         strlen(refusal));
        mk_stream_abort(server.peer.stream, 0);
        TURN_UNTIL(&loop, result.dones == i && !server.peer.stream);
        assert_int_equal(result.status, 413);
    }
    free(body);
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
    assert_int_equal(result.failure.kind, MK_FAILURE_CERTIFICATE_SELF_SIGNED);
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
    assert_int_equal(result.failure.kind, MK_FAILURE_NO_TLS);
    assert_string_equal(result.failure.en,
                        "it does not speak TLS: it answered \"HTTP/1.1 400 Bad Request\"; the URL "
                        "must begin with http:// or ws:// instead of https:// or wss://");
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
        TEST(what_a_server_sent_before_is_no_answer),
        TEST(a_408_may_cross_the_request),
        TEST(an_early_answer_survives_a_reset),
        TEST(the_next_may_start_in_done),
        TEST(requests_can_be_cancelled),
        TEST(done_may_cancel_others_and_free_the_client),
        TEST(the_client_drops_what_is_under_way),
        TEST(tls_connections_are_kept_too),
        TEST(contexts_do_not_share_connections),
        TEST(a_server_without_tls_has_its_own_advice),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    trust_fini();
    return failed;
}
