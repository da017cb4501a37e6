/* Outgoing HTTP against a small server on the same loop. */
#include "net/http_client.h"
#include "net/listener.h"
#include "tls_testing.h"

enum { MOST = 16 };

static struct mk_loop loop;
static struct mk_listener *listener;
static struct mk_http_client *client;
static SSL_CTX *context; /* the server's, or NULL: no TLS */
static struct owner connections[MOST];
static int accepted;

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    accepted = 0;
    context = NULL;
    listener = NULL;
    if (mk_loop_init(&loop, NULL) < 0)
        return -1;
    client = mk_http_client_new(&loop);
    return client ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    client = mk_http_client_free(client);
    listener = mk_listener_free(listener);
    for (int i = 0; i < accepted; i++) {
        if (connections[i].stream)
            mk_stream_abort(connections[i].stream, 0);
    }
    mk_loop_fini(&loop);
    for (int i = 0; i < accepted; i++)
        owner_fini(&connections[i]);
    SSL_CTX_free(context);
    alarm(0);
    return 0;
}

/* --- the server --- */

/* The whole request, head and body, or false. */
static bool request_is_complete(struct owner *owner, struct mk_slice *body)
{
    assert_int_equal(mk_buf_append_char(&owner->in, '\0'), 0);
    owner->in.len--;
    char *end = owner->in.len > 0 ? strstr(owner->in.data, "\r\n\r\n") : NULL;
    if (!end)
        return false;
    const char *field = strcasestr(owner->in.data, "\r\ncontent-length:");
    size_t len = field ? strtoul(field + 17, NULL, 10) : 0;
    *body = mk_slice_of(end + 4, len);
    return owner->in.len >= (size_t)(end + 4 - owner->in.data) + len;
}

static void answer(struct owner *owner, struct mk_slice body)
{
    const char *path = strchr(owner->in.data, ' ') + 1;
    struct mk_buf *out = mk_stream_output(owner->stream);
    if (strncmp(path, "/echo", 5) == 0)
        mk_buf_printf(out,
                      "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: %zu\r\n\r\n%.*s",
                      body.len, (int)body.len, body.ptr);
    else if (strncmp(path, "/nothing", 8) == 0)
        mk_buf_printf(out, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (strncmp(path, "/moved", 6) == 0)
        mk_buf_printf(out, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/long", 5) == 0)
        mk_buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
    else if (strncmp(path, "/endless", 8) == 0)
        mk_buf_printf(out,
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "1f4\r\n%0500d\r\n1f5\r\n%0501d\r\n",
                      0, 0);
    else if (strncmp(path, "/garbage", 8) == 0)
        mk_buf_printf(out, "no HTTP at all\r\n\r\n");
    else if (strncmp(path, "/hop", 4) == 0)
        mk_buf_printf(out, "HTTP/1.1 302 Found\r\nLocation: /%s\r\nContent-Length: 4\r\n\r\nhop!",
                      path[4] == '0' ? "echo" : (char[]){ 'h', 'o', 'p', (char)(path[4] - 1), 0 });
    else if (strncmp(path, "/missing", 8) == 0)
        mk_buf_printf(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
    /* "/silence": nothing */
    mk_stream_wake(owner->stream);
    if (strncmp(path, "/hangup", 7) == 0)
        mk_stream_close(owner->stream);
    if (strncmp(path, "/echo-close", 11) == 0)
        mk_stream_close(owner->stream);
}

static char last_request[4096];

static size_t serve(struct owner *owner, char *data, size_t len)
{
    struct mk_slice body;
    mk_buf_append(&owner->in, data, len);
    if (request_is_complete(owner, &body)) {
        snprintf(last_request, sizeof(last_request), "%s", owner->in.data);
        answer(owner, body);
        owner->in.len = 0;
    }
    return len;
}

static void hang_up(struct owner *owner)
{
    mk_stream_close(owner->stream);
}

static void on_accepted(void *arg, struct mk_stream *stream)
{
    (void)arg;
    assert_true(accepted < MOST);
    struct owner *owner = &connections[accepted++];
    owner_init(owner);
    owner->on_read = serve;
    owner->on_end = hang_up;
    if (context)
        serve_tls(stream, context);
    owner_adopt(owner, stream);
}

static const char *url_of(const char *scheme, const char *path)
{
    static char url[256];
    char text[MK_ADDRESS_TEXT];
    struct mk_address address;
    if (!listener) {
        assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
        assert_int_equal(mk_listener_open(&loop, &address, on_accepted, NULL, &listener), 0);
    }
    mk_address_format(mk_listener_address(listener), text);
    snprintf(url, sizeof(url), "%s://%s%s", scheme, text, path);
    return url;
}

/* --- the client --- */

struct result {
    int dones;
    unsigned status;
    char error[256];
    char type[32];
    struct mk_buf body;
    struct mk_http_request *cancels; /* in `done` */
    const char *again;               /* URL of the next request in `done` */
    bool frees;
    enum mk_failure_kind kind;
    bool is_sent; /* of the failure */
};

static void note_failure(struct result *result, const struct mk_failure *failure)
{
    result->kind = failure ? failure->kind : MK_FAILURE_NONE;
    result->is_sent = failure && failure->is_sent;
    snprintf(result->error, sizeof(result->error), "%s", failure ? failure->en : "");
}

static bool posting;

static struct mk_http_request *post_to(const char *url, struct mk_slice body, uint32_t timeout_ms,
                                       struct result *result);

static void on_done(void *arg, const struct mk_http_response *response)
{
    struct result *result = arg;
    assert_false(posting);
    result->dones++;
    result->status = response->status;
    note_failure(result, response->failure);
    snprintf(result->type, sizeof(result->type), "%.*s", (int)response->content_type.len,
             response->content_type.ptr);
    result->body.len = 0;
    mk_buf_append_slice(&result->body, response->body);
    const char *again = result->again;
    result->again = NULL;
    if (again)
        post_to(again, MK_SLICE("again"), 5000, result);
    mk_http_request_cancel(result->cancels);
    if (result->frees)
        client = mk_http_client_free(client);
}

static struct mk_http_request *post_to(const char *url, struct mk_slice body, uint32_t timeout_ms,
                                       struct result *result)
{
    static const char *const headers[] = { "Content-Type: application/json", "X-Self-ID: 42",
                                           NULL };
    struct mk_http_post post = {
        .url = url,
        .headers = headers,
        .body = body,
        .timeout_ms = timeout_ms,
        .response_limit = 1000,
        .done = on_done,
        .arg = result,
    };
    posting = true;
    struct mk_http_request *request = mk_http_client_post(client, &post);
    posting = false;
    assert_non_null(request);
    return request;
}

static void result_init(struct result *result)
{
    *result = (struct result){ 0 };
    mk_buf_init(&result->body, 1 << 20);
}

/* Posts to a path of the server and waits for the answer. */
static void post(const char *path, const char *body, uint32_t timeout_ms, struct result *result)
{
    mk_buf_fini(&result->body);
    result_init(result);
    post_to(url_of("http", path), mk_slice_str(body), timeout_ms, result);
    TURN_UNTIL(&loop, result->dones == 1);
}

static void a_post_is_answered(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    post("/echo", "{\"a\":1}", 5000, &result);
    assert_string_equal(result.error, "");
    assert_int_equal(result.status, 200);
    assert_string_equal(result.type, "text/x");
    assert_int_equal(result.body.len, 7);
    assert_memory_equal(result.body.data, "{\"a\":1}", 7);
    assert_memory_equal(last_request, "POST /echo HTTP/1.1\r\n", 21);
    assert_non_null(strstr(last_request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(last_request, "\r\nX-Self-ID: 42\r\n"));
    post("/nothing", "", 5000, &result);
    assert_int_equal(result.status, 204);
    assert_string_equal(result.type, "");
    assert_int_equal(result.body.len, 0);
    assert_non_null(strstr(last_request, "\r\nContent-Length: 0\r\n"));
    mk_buf_fini(&result.body);
}

static void a_large_body_is_sent_without_expect(void **state)
{
    static char body[2 * 1024 * 1024];
    struct result result;
    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    result_init(&result);
    post("/nothing", body, 5000, &result);
    assert_int_equal(result.status, 204);
    assert_null(strcasestr(last_request, "expect:"));
    mk_buf_fini(&result.body);
}

static void connections_are_kept(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    for (int i = 0; i < 5; i++)
        post("/echo", "x", 5000, &result);
    assert_int_equal(accepted, 1);
    /* A kept connection that was closed meanwhile is no error. */
    mk_stream_close(connections[0].stream);
    turn(&loop);
    post("/echo", "x", 5000, &result);
    assert_string_equal(result.error, "");
    assert_int_equal(accepted, 2);
    post("/echo-close", "x", 5000, &result);
    post("/echo", "x", 5000, &result);
    assert_int_equal(result.status, 200);
    assert_int_equal(accepted, 3);
    mk_buf_fini(&result.body);
}

static void many_go_at_once(void **state)
{
    struct result results[MOST];
    (void)state;
    for (int i = 0; i < MOST; i++) {
        result_init(&results[i]);
        post_to(url_of("http", "/echo"), MK_SLICE("many"), 5000, &results[i]);
    }
    for (int i = 0; i < MOST; i++) {
        TURN_UNTIL(&loop, results[i].dones == 1);
        assert_int_equal(results[i].status, 200);
        mk_buf_fini(&results[i].body);
    }
}

static void the_next_may_start_in_done(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    result.again = url_of("http", "/echo");
    post_to(result.again, MK_SLICE("first"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 2);
    assert_memory_equal(result.body.data, "again", 5);
    assert_int_equal(accepted, 1);
    mk_buf_fini(&result.body);
}

static void redirects_are_not_followed(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    post("/moved", "x", 5000, &result);
    assert_int_equal(result.status, 302);
    mk_buf_fini(&result.body);
}

static void long_responses_are_refused(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    post("/long", "x", 5000, &result);
    assert_string_equal(result.error, "the response is longer than 1000 bytes");
    assert_int_equal(result.body.len, 0);
    post("/endless", "x", 5000, &result);
    assert_string_equal(result.error, "the response is longer than 1000 bytes");
    mk_buf_fini(&result.body);
}

static void failures_have_reasons(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    post("/silence", "x", 80, &result);
    assert_string_equal(result.error, "timed out after 80 ms");
    assert_int_equal(result.kind, MK_FAILURE_TIMEOUT);
    assert_true(result.is_sent);
    post("/hangup", "x", 5000, &result);
    assert_string_equal(result.error, "Empty reply from server");
    assert_int_equal(result.kind, MK_FAILURE_CLOSED);
    assert_true(result.is_sent);
    post("/garbage", "x", 5000, &result);
    assert_string_not_equal(result.error, "");
    assert_int_equal(result.kind, MK_FAILURE_PROTOCOL);
    assert_true(result.is_sent);
    const char *url = url_of("http", "/");
    listener = mk_listener_free(listener);
    result.dones = 0;
    post_to(url, MK_SLICE("x"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 1);
    assert_string_equal(result.error, "connection refused");
    assert_int_equal(result.kind, MK_FAILURE_REFUSED);
    assert_false(result.is_sent);
    static const char *const bad[] = { "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        result.dones = 0;
        post_to(bad[i], MK_SLICE("x"), 5000, &result);
        TURN_UNTIL(&loop, result.dones == 1);
        assert_string_not_equal(result.error, "");
        assert_int_equal(result.status, 0);
    }
    mk_buf_fini(&result.body);
}

static void requests_are_cancelled(void **state)
{
    struct result first, second;
    (void)state;
    result_init(&first);
    result_init(&second);
    assert_null(mk_http_request_cancel(NULL));
    mk_http_request_cancel(post_to(url_of("http", "/echo"), MK_SLICE("x"), 5000, &first));
    turn(&loop);
    struct mk_http_request *slow = post_to(url_of("http", "/silence"), MK_SLICE("x"), 5000, &first);
    last_request[0] = '\0';
    TURN_UNTIL(&loop, last_request[0]);
    second.cancels = slow;
    post_to(url_of("http", "/echo"), MK_SLICE("x"), 5000, &second);
    TURN_UNTIL(&loop, second.dones == 1);
    turn(&loop);
    assert_int_equal(first.dones, 0);
    mk_buf_fini(&first.body);
    mk_buf_fini(&second.body);
}

static void the_client_may_be_freed_in_done(void **state)
{
    struct result result, other;
    (void)state;
    result_init(&result);
    result_init(&other);
    result.frees = true;
    post_to(url_of("http", "/silence"), MK_SLICE("x"), 5000, &other);
    post_to(url_of("http", "/echo"), MK_SLICE("x"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 1);
    turn(&loop);
    assert_null(client);
    assert_int_equal(other.dones, 0);
    assert_null(mk_http_client_free(NULL));
    mk_buf_fini(&result.body);
    mk_buf_fini(&other.body);
}

static void https_trusts_the_same_roots_as_connect(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    context = server_context("IP:127.0.0.1");
    trust(context);
    post_to(url_of("https", "/echo"), MK_SLICE("safe"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 1);
    assert_string_equal(result.error, "");
    assert_memory_equal(result.body.data, "safe", 4);
    post_to(url_of("https", "/echo"), MK_SLICE("safe"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 2);
    assert_int_equal(accepted, 1);
    mk_buf_fini(&result.body);
}

static void a_server_without_tls_has_a_reason(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    post_to(url_of("https", "/echo"), MK_SLICE("x"), 5000, &result); /* it answers in plain text */
    TURN_UNTIL(&loop, connections[0].in.len > 0);
    owner_says(&connections[0], "HTTP/1.1 400 Bad Request\r\n\r\n");
    TURN_UNTIL(&loop, result.dones == 1);
    assert_string_not_equal(result.error, "");
    assert_int_equal(result.kind, MK_FAILURE_TLS);
    assert_false(result.is_sent);
    mk_buf_fini(&result.body);
}

static void https_refuses_unknown_certificates(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    context = server_context("IP:127.0.0.1");
    trust(NULL);
    post_to(url_of("https", "/echo"), MK_SLICE("secret"), 5000, &result);
    TURN_UNTIL(&loop, result.dones == 1);
    assert_non_null(strstr(result.error, "self-signed certificate"));
    assert_false(result.is_sent);
    assert_int_equal(result.kind, MK_FAILURE_CERTIFICATE);
    mk_buf_fini(&result.body);
}

/* --- getting --- */

static int pieces_most; /* after so many, -ENOSPC; 0: never */

static int on_piece(void *arg, const char *data, size_t len)
{
    struct result *result = arg;
    if (pieces_most > 0 && --pieces_most == 0)
        return -ENOSPC;
    return mk_buf_append(&result->body, data, len);
}

static void on_got(void *arg, const struct mk_http_response *response)
{
    struct result *result = arg;
    assert_int_equal(response->body.len, 0);
    result->dones++;
    result->status = response->status;
    note_failure(result, response->failure);
}

static struct mk_http_request *get_of(const char *path, bool public_only, struct result *result)
{
    result->body.len = 0;
    struct mk_http_get get = {
        .url = url_of("http", path),
        .connect_ms = 5000,
        .timeout_ms = 5000,
        .redirects = 3,
        .body_limit = 1000,
        .public_only = public_only,
        .body = on_piece,
        .done = on_got,
        .arg = result,
    };
    struct mk_http_request *request = mk_http_client_get(client, &get);
    assert_non_null(request);
    return request;
}

static void got(const char *path, unsigned status, const char *error, struct result *result)
{
    int before = result->dones;
    get_of(path, false, result);
    TURN_UNTIL(&loop, result->dones == before + 1);
    if (!strstr(result->error, error) || (*error == '\0' && *result->error))
        fail_msg("%s: %s; expected %s", path, result->error, error);
    assert_int_equal(result->status, status);
}

static void bodies_are_streamed(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    got("/nothing", 204, "", &result);
    assert_int_equal(strncmp(last_request, "GET /nothing HTTP/1.1\r\n", 23), 0);
    got("/missing", 404, "", &result);
    assert_int_equal(result.body.len, 0); /* a failure has no body */
    got("/long", 0, "longer than 1000 bytes", &result);
    assert_int_equal(result.kind, MK_FAILURE_TOO_LONG);
    got("/endless", 0, "longer than 1000 bytes", &result);
    assert_int_equal(result.kind, MK_FAILURE_TOO_LONG);
    mk_buf_fini(&result.body);
}

static void redirects_are_bounded(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    got("/hop2", 200, "", &result);
    got("/hop3", 0, "redirects", &result);
    assert_int_equal(result.body.len, 0);
    mk_buf_fini(&result.body);
}

static void the_reader_of_a_body_may_stop_it(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    pieces_most = 1;
    got("/endless", 0, "space", &result);
    assert_int_equal(result.kind, MK_FAILURE_SYSTEM);
    mk_buf_fini(&result.body);
}

static void private_addresses_are_not_contacted(void **state)
{
    struct result result;
    (void)state;
    result_init(&result);
    get_of("/echo", true, &result);
    while (result.dones == 0) /* the failure comes from a timer, after which a poll would wait */
        uv_run(loop.uv, UV_RUN_NOWAIT);
    assert_string_equal(result.error, "its address is a private one");
    assert_int_equal(result.kind, MK_FAILURE_FORBIDDEN);
    assert_int_equal(accepted, 0);
    mk_http_request_cancel(get_of("/silence", false, &result));
    get_of("/silence", false, &result);
    TURN_UNTIL(&loop, accepted > 0);
    client = mk_http_client_free(client);
    assert_int_equal(result.dones, 1);
    mk_buf_fini(&result.body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_post_is_answered),
        TEST(a_large_body_is_sent_without_expect),
        TEST(connections_are_kept),
        TEST(many_go_at_once),
        TEST(the_next_may_start_in_done),
        TEST(redirects_are_not_followed),
        TEST(long_responses_are_refused),
        TEST(failures_have_reasons),
        TEST(requests_are_cancelled),
        TEST(the_client_may_be_freed_in_done),
        TEST(bodies_are_streamed),
        TEST(redirects_are_bounded),
        TEST(the_reader_of_a_body_may_stop_it),
        TEST(private_addresses_are_not_contacted),
        TEST(https_trusts_the_same_roots_as_connect),
        TEST(a_server_without_tls_has_a_reason),
        TEST(https_refuses_unknown_certificates),
    };
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    trust(NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    trust_fini();
    return failed;
}
