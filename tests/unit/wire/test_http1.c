/* Accepted requests: forms of targets, bodies, keep-alive, pipelining, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_feed.h"

#define EXPECT(input, expected) http1_expect(MK_SLICE(input), expected)

/* Cases whose head has only a Host: `log` is the text after "head " and, with " <>", after "done ".
 */
static void expect_request(const char *request_line, const char *log)
{
    char input[512];
    char expected[1024];
    snprintf(input, sizeof(input), "%s\r\nHost: h\r\n\r\n", request_line);
    snprintf(expected, sizeof(expected), "head %s [Host: h]\ndone %s [Host: h] <>\n", log, log);
    http1_expect(mk_slice_str(input), expected);
}

static void test_targets(void **state)
{
    (void)state;
    expect_request("GET / HTTP/1.1", "GET / host=h 1.1 keep");
    expect_request("GET /? HTTP/1.1", "GET /? host=h 1.1 keep");
    expect_request("GET /a/b?c=d&e=/?f HTTP/1.1", "GET /a/b?c=d&e=/?f host=h 1.1 keep");
    expect_request("GET //x HTTP/1.1", "GET //x host=h 1.1 keep");
    expect_request("GET /%00%fF;a=b/:@!$&'()*+,-._~?%7b/?:@!$&'()*+,;=-._~ HTTP/1.1",
                   "GET /%00%fF;a=b/:@!$&'()*+,-._~?%7b/?:@!$&'()*+,;=-._~ host=h 1.1 keep");
    expect_request("GET http://o.example HTTP/1.1", "GET / host=o.example 1.1 keep");
    expect_request("GET HTTPS://o.example:8443/p?q HTTP/1.1",
                   "GET /p?q host=o.example:8443 1.1 keep");
    expect_request("GET http://[::1]:80?q/r HTTP/1.1", "GET /?q/r host=[::1]:80 1.1 keep");
    expect_request("GET http://o.example HTTP/1.0", "GET / host=o.example 1.0");
    expect_request("OPTIONS * HTTP/1.1", "OPTIONS * host=h 1.1 keep");
    expect_request("OPTIONS http://o.example HTTP/1.1", "OPTIONS * host=o.example 1.1 keep");
    expect_request("OPTIONS http://o.example? HTTP/1.1", "OPTIONS /? host=o.example 1.1 keep");
    expect_request("OPTIONS http://o.example/ HTTP/1.1", "OPTIONS / host=o.example 1.1 keep");
    expect_request("CONNECT o.example:443 HTTP/1.1",
                   "CONNECT o.example:443 host=o.example:443 1.1 keep");
    expect_request("!#$%&'*+-.^_`|~09Az / HTTP/1.1", "!#$%&'*+-.^_`|~09Az / host=h 1.1 keep");
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "",
        "h",
        "h:",
        "h:0",
        "h:65535",
        "127.0.0.1:39009",
        "[::1]",
        "[1:2:3:4:5:6:7:8]",
        "[1111:2222:3333:4444:5555:6666:123.123.123.123]",
        "[::ffff:1.2.3.4]:1",
        "a_b~c!d",
        "%41",
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char input[128];
        char expected[512];
        snprintf(input, sizeof(input), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        snprintf(expected, sizeof(expected),
                 "head GET / host=%s 1.1 keep [Host: %s]\ndone GET / host=%s 1.1 keep [Host: %s] <>"
                 "\n",
                 hosts[i], hosts[i], hosts[i], hosts[i]);
        http1_expect(mk_slice_str(input), expected);
    }
    EXPECT("GET / HTTP/1.0\r\n\r\n", "head GET / host= 1.0 []\ndone GET / host= 1.0 [] <>\n");
}

static void test_headers(void **state)
{
    (void)state;
    EXPECT(
        "GET / HTTP/1.1\r\nHOST:h\r\nA:\r\nB: \t \r\nC:\t c  c \t\r\nD: \xe4\xbd\xa0\xff\r\n"
        "E: a:b: c\r\n\r\n",
        "head GET / host=h 1.1 keep [HOST: h|A: |B: |C: c  c|D: \xe4\xbd\xa0\xff|E: a:b: c]\n"
        "done GET / host=h 1.1 keep [HOST: h|A: |B: |C: c  c|D: \xe4\xbd\xa0\xff|E: a:b: c] <>\n");
    /* Tabs and bytes beyond ASCII at each position of an eight-byte word. */
    EXPECT("GET / HTTP/1.0\r\nA: \xff\t2345678\t1234567\xff\x80\tx\t\ty1234567\r\n\r\n",
           "head GET / host= 1.0 [A: \xff\t2345678\t1234567\xff\x80\tx\t\ty1234567]\n"
           "done GET / host= 1.0 [A: \xff\t2345678\t1234567\xff\x80\tx\t\ty1234567] <>\n");
}

static void test_empty_lines(void **state)
{
    (void)state;
    EXPECT("\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n\r\n",
           "head GET / host= 1.0 []\ndone GET / host= 1.0 [] <>\n"
           "head GET / host= 1.0 []\ndone GET / host= 1.0 [] <>\n");
    EXPECT("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", "bad 400\n");
    EXPECT("\r", "");
    EXPECT("\r\n", "");
}

static void test_length_body(void **state)
{
    (void)state;
    EXPECT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
           "head POST / host=h 1.1 keep length=5 [Host: h|Content-Length: 5]\n"
           "done POST / host=h 1.1 keep length=5 [Host: h|Content-Length: 5] <hello>\n");
    EXPECT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell",
           "head POST / host=h 1.1 keep length=5 [Host: h|Content-Length: 5]\n");
    EXPECT("PUT / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
           "head PUT / host= 1.0 length=1 [Content-Length: 1]\n"
           "done PUT / host= 1.0 length=1 [Content-Length: 1] <x>\n");
    EXPECT("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
           "head POST / host= 1.0 [Content-Length: 0]\n"
           "done POST / host= 1.0 [Content-Length: 0] <>\n");
    EXPECT("GET / HTTP/1.0\r\ncONTENT-lENGTH:0003\r\n\r\nabcGET ",
           "head GET / host= 1.0 length=3 [cONTENT-lENGTH: 0003]\n"
           "done GET / host= 1.0 length=3 [cONTENT-lENGTH: 0003] <abc>\n");
}

#define CHUNKED "POST / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: Chunked\r\n\r\n"
#define HEAD "POST / host= 1.1 keep chunked [Host: |Transfer-Encoding: Chunked]"

static void test_chunked_body(void **state)
{
    (void)state;
    EXPECT(CHUNKED "0\r\n\r\n", "head " HEAD "\ndone " HEAD " <>\n");
    EXPECT(CHUNKED "5\r\nhello\r\n0000000000000007\r\n, world\r\n000\r\n\r\n",
           "head " HEAD "\ndone " HEAD " <hello, world>\n");
    EXPECT(CHUNKED "a\r\n0123456789\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
           "head " HEAD "\ndone " HEAD " <0123456789\r\n\r\n\r\n\r\n\r\n>\n");
    EXPECT(CHUNKED "1;a\r\nx\r\n1 \t; a = \"b;\\\"c\xff\" ;d\t=\te;f\r\ny\r\n0;g=\"\"\r\n\r\n",
           "head " HEAD "\ndone " HEAD " <xy>\n");
    EXPECT(CHUNKED "1\r\nx\r\n0\r\nA: b\r\nContent-Length:\t5\r\n\r\nGET / HTTP/1.0\r\n\r\n",
           "head " HEAD "\ndone " HEAD " <x>\n"
           "head GET / host= 1.0 []\ndone GET / host= 1.0 [] <>\n");
}

static void test_pipelining(void **state)
{
    (void)state;
    struct mk_buf input;
    struct mk_buf expected;
    mk_buf_init(&input, 65536);
    mk_buf_init(&expected, 65536);
    for (unsigned i = 0; i < 20; i++) {
        mk_buf_printf(&input, "POST /%u HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%02u", i,
                      i);
        mk_buf_printf(&input, CHUNKED "2\r\n%02u\r\n0\r\n\r\n", i);
        mk_buf_printf(&expected,
                      "head POST /%u host=h 1.1 keep length=2 [Host: h|Content-Length: 2]\n"
                      "done POST /%u host=h 1.1 keep length=2 [Host: h|Content-Length: 2] <%02u>\n"
                      "head " HEAD "\ndone " HEAD " <%02u>\n",
                      i, i, i, i);
    }
    mk_buf_append_char(&expected, '\0');
    http1_expect(mk_buf_slice(&input), expected.data);
    mk_buf_fini(&input);
    mk_buf_fini(&expected);
}

static void test_keep_alive(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        const char *connection;
        bool keep;
    } cases[] = {
        { "1.1", "", true },
        { "1.1", "Connection: close\r\n", false },
        { "1.1", "Connection: CLOSE\r\n", false },
        { "1.1", "Connection: keep-alive, close\r\n", false },
        { "1.1", "Connection: keep-alive\r\nConnection: x,close ,\r\n", false },
        { "1.1", "Connection: closed\r\n", true },
        { "1.1", "Connection: \r\n", true },
        { "1.1", "Connections: close\r\n", true },
        { "1.0", "", false },
        { "1.0", "Connection: Keep-Alive\r\n", true },
        { "1.0", "Connection: x\r\nConnection: , keep-alive\r\n", true },
        { "1.0", "Connection: keep-alive, close\r\n", false },
        { "1.0", "Keep-Alive: timeout=5\r\n", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char input[256];
        snprintf(input, sizeof(input), "GET / HTTP/%s\r\nHost: h\r\n%s\r\n", cases[i].version,
                 cases[i].connection);
        char *log = http1_feed(mk_slice_str(input));
        assert_non_null(strstr(log, "done "));
        assert_int_equal(strstr(log, " keep [") != NULL, cases[i].keep);
        free(log);
    }
}

static void test_upgrade(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool websocket;
    } cases[] = {
        { "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", true },
        { "GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n", true },
        { "GET / HTTP/1.1\r\nUpgrade: h2c\r\nUpgrade: x,websocket\r\nConnection: a\r\n"
          "Connection: upgrade\r\n",
          true },
        { "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false },
        { "POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false },
        { "GET / HTTP/1.1\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n", false },
        { "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", false },
        { "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websockets\r\n", false },
        { "GET / HTTP/1.1\r\nConnection: Upgrade\r\n", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char input[256];
        /* Its body is a normal one. */
        snprintf(input, sizeof(input), "%sHost: h\r\nContent-Length: 2\r\n\r\nhi", cases[i].head);
        char *log = http1_feed(mk_slice_str(input));
        assert_non_null(strstr(log, "<hi>"));
        assert_int_equal(strstr(log, " websocket length=2") != NULL, cases[i].websocket);
        free(log);
    }
}

static void test_skip_body(void **state)
{
    (void)state;
    struct mk_slice input = MK_SLICE(
        "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello" CHUNKED
        "3\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\nPOST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    char *log = http1_feed_limited(&mk_http1_default_limits, input, true);
    assert_string_equal(log, "head POST / host= 1.0 length=5 [Content-Length: 5]\n"
                             "done POST / host= 1.0 length=5 [Content-Length: 5] <>\n"
                             "head " HEAD "\ndone " HEAD " <>\n"
                             "head POST / host= 1.0 [Content-Length: 0]\n"
                             "done POST / host= 1.0 [Content-Length: 0] <>\n");
    free(log);
    struct mk_http1_limits limits = mk_http1_default_limits;
    limits.body = 3;
    log = http1_feed_limited(&limits, MK_SLICE(CHUNKED "3\r\nabc\r\n1\r\nd"), true);
    assert_string_equal(log, "head " HEAD "\nbad 413\n");
    free(log);
}

static struct mk_http1_parser *new_parser(void)
{
    struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
    assert_non_null(parser);
    return parser;
}

static int feed_str(struct mk_http1_parser *parser, const char *text, size_t *consumed)
{
    return mk_http1_parser_feed(parser, text, strlen(text), consumed);
}

static void test_expect_continue(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        bool expected;
    } cases[] = {
        { "POST / HTTP/1.1\r\nHost:\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true },
        { "POST / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
          true },
        { "POST / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", false },
        { "POST / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", false },
        { "POST / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\n\r\n", false },
        { "POST / HTTP/1.0\r\nHost:\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", false },
        { "POST / HTTP/1.1\r\nHost:\r\nContent-Length: 1\r\n\r\n", false },
        { "POST / HTTP/1.1\r\nHost:\r\nExpect:\r\nContent-Length: 1\r\n\r\n", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_http1_parser *parser = new_parser();
        size_t consumed;
        assert_int_equal(feed_str(parser, cases[i].input, &consumed), MK_HTTP1_HEAD);
        assert_int_equal(mk_http1_parser_request(parser)->expect_continue, cases[i].expected);
        mk_http1_parser_free(parser);
    }
}

static void test_nothing_is_copied(void **state)
{
    (void)state;
    static const char input[] =
        "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n";
    struct mk_http1_parser *parser = new_parser();
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    size_t head;
    size_t body;
    assert_true(mk_http1_parser_idle(parser));
    assert_int_equal(feed_str(parser, input, &head), MK_HTTP1_HEAD);
    assert_int_equal(head, strstr(input, "hello") - input);
    assert_false(mk_http1_parser_idle(parser));
    assert_int_equal(feed_str(parser, input + head, &body), MK_HTTP1_REQUEST);
    assert_int_equal(body, 5);
    assert_ptr_equal(request->method.ptr, input);
    assert_ptr_equal(request->headers[1].name.ptr, strstr(input, "Content-Length"));
    assert_ptr_equal(request->body.ptr, input + head);
    assert_true(mk_slice_eq(request->body, MK_SLICE("hello")));
    assert_true(mk_slice_eq(request->headers[0].value, MK_SLICE("h")));
    mk_http1_parser_done(parser);
    assert_int_equal(request->header_count, 0);
    assert_null(request->method.ptr);
    assert_true(mk_http1_parser_idle(parser));
    assert_int_equal(feed_str(parser, input + head + body, &head), MK_HTTP1_NEED_MORE);
    assert_false(mk_http1_parser_idle(parser));
    mk_http1_parser_free(parser);
    assert_null(mk_http1_parser_free(NULL));
}

static void test_find(void **state)
{
    (void)state;
    struct mk_http1_parser *parser = new_parser();
    size_t consumed;
    assert_int_equal(
        feed_str(parser, "GET / HTTP/1.1\r\nHost: h\r\nX-a: 1\r\nx-A: 2\r\nE:\r\n\r\n", &consumed),
        MK_HTTP1_HEAD);
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    assert_true(mk_slice_eq(mk_http1_find(request, MK_SLICE("X-A")), MK_SLICE("1")));
    assert_int_equal(mk_http1_count(request, MK_SLICE("X-A")), 2);
    assert_non_null(mk_http1_find(request, MK_SLICE("e")).ptr);
    assert_int_equal(mk_http1_find(request, MK_SLICE("e")).len, 0);
    assert_null(mk_http1_find(request, MK_SLICE("X")).ptr);
    assert_int_equal(mk_http1_count(request, MK_SLICE("X-A2")), 0);
    mk_http1_parser_free(parser);
}

/* A body larger than what is reserved at first, in pieces. */
/* A body is handed over where it is in the parser's own memory, and the parser works on without it.
 */
static void test_taken_body(void **state)
{
    (void)state;
    struct mk_http1_parser *parser = new_parser();
    struct mk_buf body = { 0 };
    size_t consumed;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(
            feed_str(parser, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n", &consumed),
            MK_HTTP1_HEAD);
        assert_false(mk_http1_parser_take_body(parser, &body));
        assert_int_equal(feed_str(parser, "abc", &consumed), MK_HTTP1_NEED_MORE);
        assert_false(mk_http1_parser_take_body(parser, &body));
        assert_int_equal(feed_str(parser, "def", &consumed), MK_HTTP1_REQUEST);
        assert_true(mk_http1_parser_take_body(parser, &body));
        assert_false(mk_http1_parser_take_body(parser, &body));
        assert_true(mk_slice_eq(mk_buf_slice(&body), MK_SLICE("abcdef")));
        mk_http1_parser_done(parser);
        mk_buf_fini(&body);
    }
    static const char whole[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    assert_int_equal(feed_str(parser, whole, &consumed), MK_HTTP1_HEAD);
    assert_int_equal(feed_str(parser, whole + consumed, &consumed), MK_HTTP1_REQUEST);
    assert_false(mk_http1_parser_take_body(parser, &body)); /* it lies in the input */
    mk_http1_parser_free(parser);
}

static void test_large_body(void **state)
{
    (void)state;
    enum { BODY = 300000, PIECE = 1000 };
    struct mk_http1_parser *parser = new_parser();
    char *body = malloc(BODY);
    assert_non_null(body);
    for (size_t i = 0; i < BODY; i++)
        body[i] = (char)(i * 31 / 7);
    size_t consumed;
    assert_int_equal(
        feed_str(parser, "PUT /x HTTP/1.0\r\nContent-Length: 300000\r\n\r\n", &consumed),
        MK_HTTP1_HEAD);
    int status = 0;
    for (size_t at = 0; at < BODY; at += PIECE) {
        status = mk_http1_parser_feed(parser, body + at, PIECE, &consumed);
        assert_int_equal(consumed, PIECE);
        assert_int_equal(status, at + PIECE < BODY ? MK_HTTP1_NEED_MORE : MK_HTTP1_REQUEST);
    }
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    assert_int_equal(request->body.len, BODY);
    assert_memory_equal(request->body.ptr, body, BODY);
    assert_true(mk_slice_eq(request->path, MK_SLICE("/x")));
    mk_http1_parser_free(parser);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_empty_lines),
        cmocka_unit_test(test_length_body),
        cmocka_unit_test(test_chunked_body),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_skip_body),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_nothing_is_copied),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_taken_body),
        cmocka_unit_test(test_large_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
