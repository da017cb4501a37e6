/* Proxies: which URL goes through one, and requests through one. */
#include "http_client_testing.h"

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void expect_direct(const char *list, const char *host, uint16_t port, bool direct)
{
    if (mk_proxy_is_direct(mk_slice_str(list), mk_slice_str(host), port) != direct)
        fail_msg("no_proxy=%s: %s:%u", list, host, port);
}

static void hosts_are_reached_directly(void **state)
{
    (void)state;
    expect_direct("", "a.example", 80, false);
    expect_direct("*", "a.example", 80, true);
    expect_direct("x, *", "10.0.0.1", 80, true);
    expect_direct("example", "a.example", 80, true);
    expect_direct(".example", "a.example", 80, true);
    expect_direct(".example", "example", 80, true);
    expect_direct("Example.", "A.EXAMPLE.", 80, true);
    expect_direct("example", "anexample", 80, false);
    expect_direct("a.example", "example", 80, false);
    expect_direct("b,  a.example,,c", "a.example", 80, true);
    expect_direct("b c\ta.example", "a.example", 80, true);
    expect_direct(".", "a.example", 80, false);
    expect_direct(",,", "a.example", 80, false);
    expect_direct("a.example:8080", "a.example", 8080, true);
    expect_direct("a.example:8080", "a.example", 80, false);
    expect_direct("a.example:x", "a.example", 80, false);
    expect_direct("127.0.0.1", "127.0.0.1", 80, true);
    expect_direct("127.0.0.1:81", "127.0.0.1", 81, true);
    expect_direct("127.0.0.1:81", "127.0.0.1", 80, false);
    expect_direct("0.0.1", "127.0.0.1", 80, false);
    expect_direct("192.168.0.0/16", "192.168.255.1", 80, true);
    expect_direct("192.168.0.0/16", "192.169.0.1", 80, false);
    expect_direct("192.168.0.0/17", "192.168.128.1", 80, false);
    expect_direct("192.168.0.0/17", "192.168.127.1", 80, true);
    expect_direct("0.0.0.0/0", "8.8.8.8", 80, true);
    expect_direct("192.168.0.0/33", "192.168.0.0", 80, false);
    expect_direct("192.168.0.0/", "192.168.0.0", 80, false);
    expect_direct("192.168.0.0/16", "example", 80, false);
    expect_direct("::1", "::1", 80, true);
    expect_direct("[::1]", "::1", 80, true);
    expect_direct("0:0::1", "::1", 80, true);
    expect_direct("fd00::/8", "fdab::2", 80, true);
    expect_direct("fd00::/8", "fe80::2", 80, false);
    expect_direct("::/0", "127.0.0.1", 80, false);
}

static const struct mk_proxy *proxy_of(struct mk_proxies *proxies, const char *text)
{
    static struct mk_url url;
    const struct mk_proxy_texts texts = { .https = text };
    assert_null(mk_url_parse(MK_SLICE("https://a.example/"), &url));
    assert_int_equal(mk_proxies_init(proxies, &texts), 0);
    return mk_proxies_find(proxies, &url);
}

static void expect_proxy(const char *text, const char *host, uint16_t port,
                         const char *authorization)
{
    struct mk_proxies proxies;
    const struct mk_proxy *proxy = proxy_of(&proxies, text);
    assert_non_null(proxy);
    assert_null(proxy->wrong);
    assert_string_equal(proxy->host, host);
    assert_int_equal(proxy->port, port);
    assert_string_equal(proxy->authorization ? proxy->authorization : "", authorization);
    mk_proxies_fini(&proxies);
}

static void proxies_are_read(void **state)
{
    static const char *const wrong[] = { "socks5://h:1", "https://h:1", "http://", "http://h:x",
                                         "h h:1" };
    struct mk_proxies proxies;
    (void)state;
    expect_proxy("http://h:3128", "h", 3128, "");
    expect_proxy("h:80", "h", 80, "");
    expect_proxy("HTTP://h/", "h", 1080, "");
    expect_proxy("h", "h", 1080, "");
    expect_proxy("http://[::1]:8080", "::1", 8080, "");
    expect_proxy("http://[::1]", "::1", 1080, "");
    expect_proxy("http://u:p%40@h:1/", "h", 1, "Basic dTpwQA==");
    expect_proxy("u:p@h", "h", 1080, "Basic dTpw");
    expect_proxy("u@h", "h", 1080, "Basic dTo=");
    assert_null(proxy_of(&proxies, ""));
    mk_proxies_fini(&proxies);
    assert_null(proxy_of(&proxies, NULL));
    mk_proxies_fini(&proxies);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct mk_proxy *proxy = proxy_of(&proxies, wrong[i]);
        assert_true(proxy && proxy->wrong);
        mk_proxies_fini(&proxies);
    }
}

/* --- requests --- */

/* The server becomes the proxy of both schemes. */
static void use_proxy(const char *user, const char *direct)
{
    char address[256], text[512];
    raw_server_url(&server, "http", "", address);
    snprintf(text, sizeof(text), "http://%s%s", user, address + 7);
    const struct mk_proxy_texts texts = { .http = text, .https = text, .direct = direct };
    mk_web_client_free(client);
    client = mk_web_client_new(&loop, &texts);
    assert_non_null(client);
}

static const char *ask_url(const char *url, struct result *result)
{
    mk_buf_fini(&result->body);
    result_init(result);
    if (server.peer.stream)
        server.peer.in.len = 0;
    post_to(url, MK_SLICE("{}"), 5000, result);
    return raw_server_request(&server);
}

static void http_goes_through_it_in_absolute_form(void **state)
{
    struct result result = { 0 };
    (void)state;
    use_proxy("u:p@", NULL);
    for (int i = 0; i < 2; i++) {
        const char *request = ask_url("http://a.example:81/x?y", &result);
        assert_memory_equal(request,
                            "POST http://a.example:81/x?y HTTP/1.1\r\nHost: a.example:81\r\n", 58);
        assert_non_null(strstr(request, "\r\nProxy-Authorization: Basic dTpw\r\n"));
        raw_server_say(&server, EMPTY, false);
        await(&result);
        assert_int_equal(result.status, 200);
    }
    assert_int_equal(server.accepted, 1); /* it is kept */
    ask_url("http://a.example:81/", &result);
    raw_server_say(&server, "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", false);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_STATUS);
    assert_int_equal(result.failure.status, 407);
    assert_false(result.failure.is_sent);
    assert_non_null(strstr(result.failure.en, "the proxy 127.0.0.1:"));
    assert_non_null(strstr(result.failure.en, "it wants a user and a password"));
    mk_buf_fini(&result.body);
}

static void hosts_of_no_proxy_are_not_asked_for(void **state)
{
    struct result result = { 0 };
    (void)state;
    use_proxy("", "127.0.0.0/8");
    const char *request = ask("http", "/direct", &result);
    assert_memory_equal(request, "POST /direct HTTP/1.1\r\n", 23);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    mk_buf_fini(&result.body);
}

static SSL_CTX *behind; /* of the server behind the tunnel */

/* The proxy's answer is on its way, and the client has sent nothing behind it. */
static void begin_tls(struct owner *owner)
{
    owner->on_drained = NULL;
    owner->in.len = 0;
    serve_tls(owner->stream, behind);
}

static void open_tunnel(void)
{
    server.peer.on_drained = begin_tls;
    owner_says(&server.peer, "HTTP/1.1 200 Connection established\r\n\r\n");
    TURN_UNTIL(&loop, !server.peer.on_drained);
}

static void https_goes_through_a_tunnel(void **state)
{
    struct result result = { 0 };
    (void)state;
    behind = server_context("DNS:a.example");
    trust(behind);
    use_proxy("u:p@", NULL);
    const char *request = ask_url("https://a.example/x", &result);
    assert_string_equal(request, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
                                 "Proxy-Authorization: Basic dTpw\r\n\r\n");
    open_tunnel();
    request = raw_server_request(&server);
    assert_memory_equal(request, "POST /x HTTP/1.1\r\nHost: a.example\r\n", 34);
    assert_null(strstr(request, "Proxy-Authorization"));
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_string_equal(result.failure.en, "");
    assert_int_equal(result.status, 200);
    /* The tunnel is kept. */
    request = ask_url("https://a.example/y", &result);
    assert_memory_equal(request, "POST /y HTTP/1.1\r\n", 18);
    raw_server_say(&server, EMPTY, false);
    await(&result);
    assert_int_equal(server.accepted, 1);
    mk_buf_fini(&result.body);
    SSL_CTX_free(behind);
}

static void expect_no_tunnel(const char *response, enum mk_failure_kind kind, const char *text)
{
    struct result result = { 0 };
    ask_url("https://a.example/", &result);
    raw_server_say(&server, response, false);
    raw_server_hang_up(&server);
    await(&result);
    assert_int_equal(result.failure.kind, kind);
    assert_false(result.failure.is_sent);
    assert_memory_equal(result.failure.en, "the proxy 127.0.0.1:", 20);
    assert_string_equal(strstr(result.failure.en, ": ") + 2, text);
    TURN_UNTIL(&loop, !server.peer.stream);
    mk_buf_fini(&result.body);
}

static void a_tunnel_that_fails_has_a_reason(void **state)
{
    struct result result;
    (void)state;
    use_proxy("", NULL);
    expect_no_tunnel("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", MK_FAILURE_STATUS,
                     "it answered 403 and opens no tunnel");
    expect_no_tunnel("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", MK_FAILURE_STATUS,
                     "it answered 407: it wants a user and a password, as in "
                     "http://USER:PASSWORD@HOST:PORT");
    expect_no_tunnel("nonsense", MK_FAILURE_NOT_HTTP,
                     "it does not speak HTTP: its answer begins with \"nonsense\"");
    expect_no_tunnel("HTTP/1.1 200 OK\r\n\r\nearly", MK_FAILURE_PROTOCOL,
                     "it sent something into the tunnel before the server could");
    raw_server_deaf(&server);
    result_init(&result);
    post_to("https://a.example/", MK_SLICE("{}"), 5000, &result);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_REFUSED);
    assert_memory_equal(result.failure.en, "the proxy 127.0.0.1:", 20);
}

static void tls_in_a_tunnel_may_fail(void **state)
{
    struct result result = { 0 };
    (void)state;
    behind = server_context("DNS:other.example");
    trust(behind);
    use_proxy("", NULL);
    ask_url("https://a.example/", &result);
    open_tunnel();
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_CERTIFICATE_HOST);
    assert_string_equal(result.failure.en, "certificate verify failed: hostname mismatch");
    SSL_CTX_free(behind);
}

static void an_unusable_proxy_is_a_failure(void **state)
{
    const struct mk_proxy_texts texts = { .http = "socks5://127.0.0.1:1" };
    struct result result;
    char url[256];
    (void)state;
    mk_web_client_free(client);
    client = mk_web_client_new(&loop, &texts);
    result_init(&result);
    post_to(raw_server_url(&server, "http", "/", url), MK_SLICE("{}"), 5000, &result);
    await(&result);
    assert_int_equal(result.failure.kind, MK_FAILURE_FORBIDDEN);
    assert_string_equal(result.failure.en, "the proxy cannot be used: only http:// proxies are "
                                           "supported, not https:// or SOCKS");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_reached_directly),
        cmocka_unit_test(proxies_are_read),
        TEST(http_goes_through_it_in_absolute_form),
        TEST(hosts_of_no_proxy_are_not_asked_for),
        TEST(https_goes_through_a_tunnel),
        TEST(a_tunnel_that_fails_has_a_reason),
        TEST(tls_in_a_tunnel_may_fail),
        TEST(an_unusable_proxy_is_a_failure),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    trust_fini();
    return failed;
}
