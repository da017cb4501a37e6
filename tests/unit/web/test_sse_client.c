/* The client of Server-Sent Events, against a server of plain bytes, over TLS too. */
#include "raw_server.h"
#include "web/sse_client.h"

enum { MOST = 256 };

static struct mk_loop loop;
static struct raw_server server;
static struct mk_sse_client *client;
static struct mk_tls_context *tls;
static int opens, closes;
static bool starting;
static unsigned cancel_at; /* the event that cancels the client; 0: none */
static bool cancel_at_opening;
static unsigned events;
static char heard[1024]; /* "type|id|data" and a LF for each event */
static char last_id[64];
static int64_t retry_ms;
static struct mk_failure failure;

static void cancel(void)
{
    client = mk_sse_client_cancel(client);
}

static void on_opened(void *owner)
{
    assert_ptr_equal(owner, &client);
    assert_false(starting);
    opens++;
    if (cancel_at_opening)
        cancel();
}

static void on_event(void *owner, const struct mk_sse_event *event)
{
    size_t len = strlen(heard);
    assert_ptr_equal(owner, &client);
    snprintf(heard + len, sizeof(heard) - len, "%.*s|%.*s|%.*s\n", (int)event->type.len,
             event->type.ptr, (int)event->id.len, event->id.len > 0 ? event->id.ptr : "",
             (int)event->data.len, event->data.ptr);
    if (++events == cancel_at)
        cancel();
}

static void on_closed(void *owner, const struct mk_failure *why)
{
    assert_ptr_equal(owner, &client);
    assert_false(starting);
    struct mk_slice id = mk_sse_client_last_id(client);
    snprintf(last_id, sizeof(last_id), "%.*s", (int)id.len, id.len > 0 ? id.ptr : "");
    retry_ms = mk_sse_client_retry(client);
    failure = *why;
    client = NULL;
    closes++;
}

static const struct mk_sse_client_events client_events = {
    .opened = on_opened,
    .event = on_event,
    .closed = on_closed,
};

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    raw_server_init(&server, &loop);
    client = NULL;
    tls = NULL;
    cancel_at = 0;
    cancel_at_opening = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cancel();
    raw_server_fini(&server);
    mk_loop_fini(&loop);
    mk_tls_context_free(tls);
    alarm(0);
    return 0;
}

static void start_with(const char *scheme, const struct mk_sse_client_options *more)
{
    char text[256];
    struct mk_url url;
    assert_null(
        mk_url_parse(mk_slice_str(raw_server_url(&server, scheme, "/event?a=b", text)), &url));
    struct mk_sse_client_options options = *more;
    options.url = &url;
    options.tls = tls;
    options.connect_ms = options.connect_ms ? options.connect_ms : 5000;
    options.answer_ms = options.answer_ms ? options.answer_ms : 5000;
    options.most = MOST;
    opens = closes = 0;
    events = 0;
    heard[0] = '\0';
    starting = true;
    client = mk_sse_client_start(&loop, &options, &client_events, &client);
    starting = false;
    assert_non_null(client);
    /* The URL is needed until the request is sent. */
    if (server.listener)
        raw_server_request(&server);
}

static void start(void)
{
    start_with("http", &(struct mk_sse_client_options){ 0 });
}

static void await_end(enum mk_failure_kind kind, const char *why)
{
    TURN_UNTIL(&loop, closes > 0);
    assert_int_equal(closes, 1);
    assert_null(client);
    assert_int_equal(failure.kind, kind);
    assert_string_equal(failure.en, why);
    TURN_UNTIL(&loop, !server.peer.stream || server.peer.ends > 0);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void the_request_is_right(void **state)
{
    (void)state;
    start();
    char host[64];
    struct mk_slice in = mk_buf_slice(&server.peer.in);
    char address[MK_ADDRESS_TEXT];
    snprintf(host, sizeof(host), "\r\nHost: %s\r\n",
             mk_address_format(mk_listener_address(server.listener), address));
    assert_memory_equal(in.ptr, "GET /event?a=b HTTP/1.1\r\n", 25);
    assert_non_null(strstr(in.ptr, host));
    assert_non_null(strstr(in.ptr, "\r\nAccept: text/event-stream\r\n"));
    assert_null(strstr(in.ptr, "Authorization"));
    assert_null(strstr(in.ptr, "Last-Event-ID"));
    cancel();
    TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
    if (server.peer.stream)
        mk_stream_abort(server.peer.stream, 0);
    TURN_UNTIL(&loop, !server.peer.stream);
    assert_int_equal(opens + closes, 0);

    start_with("http", &(struct mk_sse_client_options){ .token = "s3cret",
                                                        .last_event_id = MK_SLICE("42"),
                                                        .extra = MK_SLICE("X-A: b\r\n") });
    in = mk_buf_slice(&server.peer.in);
    assert_non_null(strstr(in.ptr, "\r\nAuthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(in.ptr, "\r\nLast-Event-ID: 42\r\n"));
    assert_non_null(strstr(in.ptr, "\r\nX-A: b\r\n\r\n"));
    raw_server_say(&server, HEAD "\r\ndata: x\n\n", false);
    TURN_UNTIL(&loop, events == 1);
    assert_string_equal(heard, "message|42|x\n"); /* it continues from there */
}

static void events_come_in_any_pieces(void **state)
{
    static const struct {
        const char *answer;
        bool hangs_up;
        enum mk_failure_kind kind;
        const char *why;
    } cases[] = {
        { HEAD "\r\n: hello\n\nid: 1\ndata: a\n\nevent: e\nretry: 500\ndata: b\n\ndata: c\n", true,
          MK_FAILURE_CLOSED, "it ended the stream of events" },
        { HEAD
          "Content-Length: 53\r\n\r\n: hello\n\nid: 1\ndata: a\n\nevent: e\nretry: 500\ndata: b\n"
          "\nrest",
          false, MK_FAILURE_CLOSED, "it ended the stream of events" },
        { CHUNKED "e\r\n: hello\n\nid: 1\r\nf;x\r\n\ndata: a\n\nevent\r\n"
                  "18\r\n: e\nretry: 500\ndata: b\n\n\r\n0\r\nA: b\r\n\r\n",
          false, MK_FAILURE_CLOSED, "it ended the stream of events" },
        { CHUNKED "e\r\n: hello\n\nid: 1\r\nf;x\r\n\ndata: a\n\nevent\r\n"
                  "1a\r\n: e\nretry: 500\ndata: b\n\nxx",
          true, MK_FAILURE_CLOSED, "it closed the connection" },
        { CHUNKED "e\r\n: hello\n\nid: 1\r\nf;x\r\n\ndata: a\n\nevent\r\n"
                  "18\r\n: e\nretry: 500\ndata: b\n\n\r\nx",
          false, MK_FAILURE_PROTOCOL, "its answer is no valid HTTP: the size of a chunk" },
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        start();
        raw_server_say(&server, cases[i / 2].answer, i % 2);
        if (cases[i / 2].hangs_up)
            raw_server_hang_up(&server);
        await_end(cases[i / 2].kind, cases[i / 2].why);
        assert_int_equal(opens, 1);
        assert_string_equal(heard, "message|1|a\ne|1|b\n");
        assert_string_equal(last_id, "1");
        assert_int_equal(retry_ms, 500);
    }
}

static void other_responses_have_a_reason(void **state)
{
    static const struct {
        const char *answer;
        enum mk_failure_kind kind;
        unsigned status;
        const char *why;
    } cases[] = {
        { "HTTP/1.1 204 No Content\r\n\r\n", MK_FAILURE_STATUS, 204, "it answered 204" },
        { "HTTP/1.1 401 No\r\n\r\n", MK_FAILURE_STATUS, 401,
          "it answered 401: it wants an access_token" },
        { "HTTP/1.1 404 No\r\n\r\n", MK_FAILURE_STATUS, 404,
          "it answered 404: there is no text/event-stream at this path" },
        { "HTTP/1.1 307 No\r\n\r\n", MK_FAILURE_STATUS, 307,
          "it answered 307, a redirect, which is not followed" },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "its answer is not a stream of events (text/event-stream)" },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "its answer is not a stream of events (text/event-stream)" },
        { "HTTP/1.1 200 OK\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "its answer is not a stream of events (text/event-stream)" },
        { HEAD "Content-Encoding: gzip\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "its answer is compressed, which was not asked for" },
        { HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "it does not say where its answer ends" },
        { HEAD "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "it does not say where its answer ends" },
        { HEAD "Content-Length: -1\r\n\r\n", MK_FAILURE_PROTOCOL, 0,
          "it does not say where its answer ends" },
        { "hello\r\n\r\n", MK_FAILURE_NOT_HTTP, 0,
          "its answer is not HTTP/1.1: it begins with \"hello\\r\\n\\r\\n\"" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start();
        raw_server_say(&server, cases[i].answer, false);
        await_end(cases[i].kind, cases[i].why);
        assert_int_equal(failure.status, cases[i].status);
        assert_int_equal(opens + (int)events, 0);
    }
    start();
    raw_server_say(&server, "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 0\r\n\r\n", true);
    await_end(MK_FAILURE_CLOSED, "it ended the stream of events");
    assert_int_equal(opens, 1);
    assert_int_equal(retry_ms, MK_SSE_NO_RETRY);
}

static void a_type_may_have_parameters(void **state)
{
    (void)state;
    start();
    raw_server_say(&server,
                   "HTTP/1.0 200 OK\r\ncontent-type: Text/Event-Stream;charset=utf-8\r\n\r\n"
                   "data: x\n\n",
                   true);
    TURN_UNTIL(&loop, events == 1);
}

static void silence_ends_the_stream(void **state)
{
    (void)state;
    start_with("http", &(struct mk_sse_client_options){ .answer_ms = 60 });
    await_end(MK_FAILURE_TIMEOUT, "it did not answer in time");
    start_with("http", &(struct mk_sse_client_options){ .idle_ms = 120 });
    raw_server_say(&server, HEAD "\r\n", false);
    uint64_t begin = mk_loop_now(&loop);
    while (mk_loop_now(&loop) - begin < 240 && !closes) { /* comments keep it alive */
        raw_server_say(&server, ":\n", false);
        uv_run(loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(closes, 0);
    await_end(MK_FAILURE_TIMEOUT, "it sends nothing, not even a comment");
}

static void memory_is_bounded(void **state)
{
    static char endless[20 * 1024];
    (void)state;
    memset(endless, 'x', sizeof(endless) - 1);
    start();
    raw_server_say(&server, HEAD "\r\n", false);
    raw_server_say(&server, endless, false);
    await_end(MK_FAILURE_TOO_LONG, "an event is too long");
    memcpy(endless, "HTTP/1.1 200 OK\r\nX: ", 20);
    start();
    raw_server_say(&server, endless, false);
    await_end(MK_FAILURE_TOO_LONG, "its answer is too long: the head has more than 16384 bytes");
}

static void it_may_be_cancelled_anywhere(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        for (cancel_at = 0; cancel_at < 4; cancel_at++) {
            cancel_at_opening = cancel_at == 0;
            start();
            raw_server_say(&server,
                           chunked ? CHUNKED "1b\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n\r\n0\r\n\r\n"
                                   : HEAD "\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n",
                           false);
            TURN_UNTIL(&loop, server.peer.ends > 0 || !server.peer.stream);
            assert_int_equal(opens, 1);
            assert_int_equal(closes, 0);
            assert_int_equal(events, cancel_at);
            if (server.peer.stream)
                mk_stream_abort(server.peer.stream, 0);
            TURN_UNTIL(&loop, !server.peer.stream);
        }
    }
    assert_null(mk_sse_client_cancel(NULL));
}

static void the_connection_may_fail(void **state)
{
    (void)state;
    start();
    mk_stream_abort(server.peer.stream, 0);
    await_end(MK_FAILURE_NO_ANSWER, "it closed the connection before it answered");
    start();
    raw_server_say(&server, HEAD "\r\ndata: x\n\n", false);
    struct linger linger = { 1, 0 };
    setsockopt(server.peer.stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    mk_stream_abort(server.peer.stream, 0);
    await_end(MK_FAILURE_CLOSED, "connection reset by peer");
    assert_int_equal(events, 1);
}

static void the_same_over_tls(void **state)
{
    struct mk_tls_fault fault;
    char path[] = "/tmp/milky-ca-XXXXXX";
    (void)state;
    trust(NULL);
    server.context = server_context("IP:127.0.0.1");
    /* Nothing is sent to a server with an unknown certificate. */
    char text[256];
    struct mk_url url;
    assert_null(mk_url_parse(mk_slice_str(raw_server_url(&server, "https", "/", text)), &url));
    const struct mk_sse_client_options options = {
        .url = &url, .token = "s3cret", .connect_ms = 5000, .answer_ms = 5000, .most = MOST
    };
    opens = closes = 0;
    client = mk_sse_client_start(&loop, &options, &client_events, &client);
    await_end(MK_FAILURE_CERTIFICATE_SELF_SIGNED,
              "certificate verify failed: self-signed certificate");
    assert_int_equal(server.peer.in.len, 0);

    FILE *file = fdopen(mkstemp(path), "w");
    PEM_write_X509(file, SSL_CTX_get0_certificate(server.context));
    fclose(file);
    tls = mk_tls_context_client(&(struct mk_tls_files){ .ca = path }, &fault);
    assert_non_null(tls);
    start_with("https", &(struct mk_sse_client_options){ .token = "s3cret" });
    raw_server_say(&server, CHUNKED "9\r\ndata: x\n\n\r\n0\r\n\r\n", true);
    await_end(MK_FAILURE_CLOSED, "it ended the stream of events");
    assert_string_equal(heard, "message||x\n");
    unlink(path);
    trust_fini();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_request_is_right),
        TEST(events_come_in_any_pieces),
        TEST(other_responses_have_a_reason),
        TEST(a_type_may_have_parameters),
        TEST(silence_ends_the_stream),
        TEST(memory_is_bounded),
        TEST(it_may_be_cancelled_anywhere),
        TEST(the_connection_may_fail),
        TEST(the_same_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
