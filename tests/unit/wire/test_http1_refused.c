/* Refused requests, and their status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "http1_feed.h"

/* The log must end with this refusal, without a head before it. */
static void expect_refused(struct mk_slice input, unsigned status)
{
    char expected[16];
    snprintf(expected, sizeof(expected), "bad %u\n", status);
    http1_expect(input, expected);
}

struct refusal {
    unsigned status;
    struct mk_slice text;
};
#define R(status, text)                                                                            \
    {                                                                                              \
        status,                                                                                    \
        {                                                                                          \
            text, sizeof(text) - 1                                                                 \
        }                                                                                          \
    }

/* Feeds `before`, each text, `after`. */
static void expect_all(const char *before, const struct refusal *refusals, size_t count,
                       const char *after)
{
    for (size_t i = 0; i < count; i++) {
        struct mk_buf input;
        mk_buf_init(&input, 4096);
        mk_buf_append_slice(&input, mk_slice_str(before));
        mk_buf_append_slice(&input, refusals[i].text);
        mk_buf_append_slice(&input, mk_slice_str(after));
        expect_refused(mk_buf_slice(&input), refusals[i].status);
        mk_buf_fini(&input);
    }
}
#define EXPECT_ALL(before, refusals, after)                                                        \
    expect_all(before, refusals, sizeof(refusals) / sizeof((refusals)[0]), after)

static void test_request_lines(void **state)
{
    (void)state;
    static const struct refusal lines[] = {
        R(400, "GET /"), /* HTTP/0.9 */
        R(400, "GET / "),
        R(400, "GET"),
        R(400, "GET  / HTTP/1.1"),
        R(400, "GET /  HTTP/1.1"),
        R(400, "GET / HTTP/1.1 "),
        R(400, " GET / HTTP/1.1"),
        R(400, "\tGET / HTTP/1.1"),
        R(400, "GET\t/ HTTP/1.1"),
        R(400, "GET /\tHTTP/1.1"),
        R(400, "G\"T / HTTP/1.1"),
        R(400, "G\0T / HTTP/1.1"),
        R(400, "G\xc3T / HTTP/1.1"),
        R(400, "(GET) / HTTP/1.1"),
        R(400, "\x16\x03\x01\x02"), /* TLS */
        R(400, "\0"),
        R(400, "\r"),
        R(400, "\rGET / HTTP/1.1"),
        R(400, "\n"),
        R(400, "GET / HTTP/1.1\r"),
        R(400, "GET /\rHTTP/1.1"),
        /* versions */
        R(400, "GET / http/1.1"),
        R(400, "GET / HTTP/1"),
        R(400, "GET / HTTP/1."),
        R(400, "GET / HTTP/1.10"),
        R(400, "GET / HTTP/01.1"),
        R(400, "GET / HTTP/1,1"),
        R(400, "GET / HTTP/x.1"),
        R(400, "GET / HTTP/1.x"),
        R(400, "GET / HTTPS/1.1"),
        R(400, "GET / XTTP/1.1"),
        R(400, "GET / HTTP/ 1.1"),
        R(505, "GET / HTTP/0.9"),
        R(505, "GET / HTTP/1.2"),
        R(505, "GET / HTTP/2.0"),
        R(505, "GET / HTTP/9.9"),
    };
    EXPECT_ALL("", lines, "\r\nHost: h\r\n\r\n");
    /* A lone LF ends no line. */
    EXPECT_ALL("", ((const struct refusal[]){ R(400, "GET / HTTP/1.1"), R(400, "GET /") }),
               "\nHost: h\r\n\r\n");
}

static void test_targets(void **state)
{
    (void)state;
    static const struct refusal targets[] = {
        R(400, "GET /a#b"),
        R(400, "GET /?a#b"),
        R(400, "GET #"),
        R(400, "GET /a\0b"),
        R(400, "GET /a\x7f"),
        R(400, "GET /a\x1f"),
        R(400, "GET /\xc3\xa9"),
        R(400, "GET /?\x80"),
        R(400, "GET /?a b"),
        R(400, "GET a"),
        R(400, "GET ?a"),
        R(400, "GET *"),
        R(400, "OPTIONS **"),
        R(400, "OPTIONS *?a"),
        R(400, "OPTIONS *#"),
        R(400, "GET h:80"),
        R(400, "CONNECT /"),
        R(400, "CONNECT h"),
        R(400, "CONNECT h:"),
        R(400, "CONNECT h:65536"),
        R(400, "CONNECT :80"),
        R(400, "CONNECT h:80?a"),
        R(400, "CONNECT http://h:80"),
        R(400, "CONNECT *"),
        R(400, "GET http:"),
        R(400, "GET http:/"),
        R(400, "GET http://"),
        R(400, "GET http:///a"),
        R(400, "GET http://?a"),
        R(400, "GET http://u@h/"),
        R(400, "GET http://u:p@h/"),
        R(400, "GET http://:80/"),
        R(400, "GET http://h:x/"),
        R(400, "GET http://h:99999/"),
        R(400, "GET http://[::1/"),
        R(400, "GET http://[::1]x/"),
        R(400, "GET http://[1]/"),
        R(400, "GET http:\\\\h/"),
        R(400, "GET ftp://h/"),
        R(400, "GET ws://h/"),
        R(400, "GET httpx://h/"),
    };
    EXPECT_ALL("", targets, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void test_header_lines(void **state)
{
    (void)state;
    static const struct refusal lines[] = {
        R(400, " A: b"), /* also what a folded line would be */
        R(400, "\tA: b"),
        R(400, " "),
        R(400, "A : b"),
        R(400, "A\t: b"),
        R(400, ": b"),
        R(400, "A"),
        R(400, "A b: c"),
        R(400, "A(: b"),
        R(400, "A\"b: c"),
        R(400, "A\0: b"),
        R(400, "\xc3\xa9: b"),
        R(400, "A\x80: b"),
        R(400, "A\x7f: b"),
        R(400, "A: \0"),
        R(400, "A: b\0c"),
        R(400, "A: \x7f"),
        R(400, "A: 12345678\x7f"),
        R(400, "A: 1234567\x1f"),
        R(400, "A: 12345678901\x01"
               "2345"),
        R(400, "A: \v"),
        R(400, "A: \xff\xff\xff\xff\xff\xff\xff\x1f"),
        R(400, "A: b\r"),
        R(400, "A: b\rC: d"),
        R(400, "A: b\nC: d"),
        R(400, "A: b\n"),
        R(400, "\rA: b"),
        R(400, "\r"),
        R(400, "\n"),
        R(400, "A: b\r\n c"),
        R(400, "A: b\r\n\tc"),
    };
    EXPECT_ALL("GET / HTTP/1.1\r\n", lines, "\r\nHost: h\r\n\r\n");
    EXPECT_ALL("GET / HTTP/1.1\r\nHost: h\r\n", lines, "\r\n\r\n");
    static const struct refusal ends[] = { R(400, "\n"), R(400, "A: b\n\r\n"), R(400, "\r\r\n") };
    EXPECT_ALL("GET / HTTP/1.1\r\nHost: h\r\n", ends, "");
}

static void test_hosts(void **state)
{
    (void)state;
    static const struct refusal hosts[] = {
        R(400, ""),
        R(400, "X-Host: h\r\n"),
        R(400, "Host: h\r\nHost: h\r\n"),
        R(400, "Host:\r\nHost:\r\n"),
        R(400, "Host: h\r\nhOST: i\r\n"),
        R(400, "Host: h i\r\n"),
        R(400, "Host: h\ti\r\n"),
        R(400, "Host: h/\r\n"),
        R(400, "Host: http://h\r\n"),
        R(400, "Host: u@h\r\n"),
        R(400, "Host: h?\r\n"),
        R(400, "Host: h#\r\n"),
        R(400, "Host: h\\\r\n"),
        R(400, "Host: \xc3\xa9\r\n"),
        R(400, "Host: h%4\r\n"),
        R(400, "Host: h%zz\r\n"),
        R(400, "Host: :80\r\n"),
        R(400, "Host: :\r\n"),
        R(400, "Host: h:x\r\n"),
        R(400, "Host: h:-1\r\n"),
        R(400, "Host: h:+1\r\n"),
        R(400, "Host: h:65536\r\n"),
        R(400, "Host: h:4294967297\r\n"),
        R(400, "Host: h:1:2\r\n"),
        R(400, "Host: ::1\r\n"),
        R(400, "Host: [::1\r\n"),
        R(400, "Host: []\r\n"),
        R(400, "Host: [::1]1\r\n"),
        R(400, "Host: [::g]\r\n"),
        R(400, "Host: [1]\r\n"),
        R(400, "Host: [fe80::1%eth0]\r\n"),
        R(400, "Host: [v1.x]\r\n"),
        R(400, "Host: [1:2:3:4:5:6:7:8:9]\r\n"),
    };
    EXPECT_ALL("GET / HTTP/1.1\r\n", hosts, "\r\n");
    EXPECT_ALL("GET http://o.example/ HTTP/1.1\r\n", hosts, "\r\n");
    /* Without a Host is fine in HTTP/1.0 only. */
    expect_all("GET / HTTP/1.0\r\n", hosts + 2, sizeof(hosts) / sizeof(hosts[0]) - 2, "\r\n");
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct refusal lengths[] = {
        R(400, ""),
        R(400, "+5"),
        R(400, "-5"),
        R(400, "-0"),
        R(400, "5 5"),
        R(400, "0x5"),
        R(400, "5x"),
        R(400, "5, 5"),
        R(400, "5,"),
        R(400, ",5"),
        R(400, "5;"),
        R(400, "5.0"),
        R(400, "1e1"),
        R(400, "\xef\xbc\x95"),
        R(400, "a"),
        R(400, "18446744073709551616"),
        R(400, "18446744073709551621"),
        R(400, "99999999999999999999999"),
        R(400, "5\r\nContent-Length: 5"),
        R(400, "5\r\nContent-length: 6"),
        R(400, "0\r\nContent-Length: 0"),
        R(400, "5\r\nTransfer-Encoding: chunked"),
        R(400, "0\r\nTransfer-Encoding: chunked"),
    };
    EXPECT_ALL("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", lengths, "\r\n\r\nhello");
    EXPECT_ALL("POST / HTTP/1.0\r\nContent-Length: ", lengths, "\r\n\r\nhello");
}

static void test_codings(void **state)
{
    (void)state;
    static const struct refusal codings[] = {
        R(400, ""),
        R(400, ","),
        R(400, "chunked\r\nContent-Length: 5"),
        R(400, "chunked, chunked"),
        R(400, "chunked\r\nTransfer-Encoding: chunked"),
        R(400, "chunked\r\nTransfer-Encoding:"),
        R(400, "chunked\r\nTransfer-Encoding: identity"),
        R(400, "chunked, identity"),
        R(400, "chunked, gzip"),
        R(400, "chunked,"),
        R(400, ", chunked"),
        R(400, "\x0b"
               "chunked"),
        R(400, "chunked\x0b"),
        R(400, "chunked\0"),
        R(400, "chunked\rx"),
        R(400, "\r\n chunked"),
        R(501, "gzip, chunked"),
        R(501, "gzip"),
        R(501, "identity"),
        R(501, "identity, chunked"),
        R(501, "xchunked"),
        R(501, "chunkedx"),
        R(501, "x chunked"),
        R(501, "chunked;q=1"),
        R(501, "\"chunked\""),
        R(501, "'chunked'"),
        R(501, "chunke\xe4"),
        R(501, "chun ked"),
    };
    EXPECT_ALL("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ", codings, "\r\n\r\n0\r\n\r\n");
    expect_refused(MK_SLICE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    expect_refused(MK_SLICE("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                   400);
}

static void test_expectations(void **state)
{
    (void)state;
    static const struct refusal expectations[] = {
        R(417, "200-ok"),
        R(417, "100-continue, x"),
        R(417, "100-continue;a=b"),
        R(417, "100-continue\r\nExpect: y"),
    };
    EXPECT_ALL("POST / HTTP/1.1\r\nHost: h\r\nExpect: ", expectations, "\r\n\r\n");
}

/* Every byte at every position with rules of its own, against a second implementation of the rules.
 */
static void test_all_bytes(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool visible = byte > 0x20 && byte < 0x7f;
        bool token = visible && !strchr("\"(),/:;<=>?@[\\]{}", byte);
        bool text = byte == '\t' || byte == ' ' || byte > 0x7f || visible;
        bool path = visible && !strchr("\"#%<>[\\]^`{|}?", byte);
        const struct {
            const char *format;
            bool allowed;
        } positions[] = {
            { "G%cT / HTTP/1.0\r\n\r\n", token },
            { "%cET / HTTP/1.0\r\n\r\n", token },
            { "GET /%c HTTP/1.0\r\n\r\n", path || byte == '?' },
            { "GET /?%c HTTP/1.0\r\n\r\n", path || byte == '?' },
            { "GET http://h/%c HTTP/1.0\r\n\r\n", path || byte == '?' },
            { "GET /%%a%c HTTP/1.0\r\n\r\n", isxdigit(byte) },
            { "GET /?%%%ca HTTP/1.0\r\n\r\n", isxdigit(byte) },
            { "GET / HTTP/1.0\r\nA%c: b\r\n\r\n", token || byte == ':' },
            { "GET / HTTP/1.0\r\n%cA: b\r\n\r\n", token },
            { "GET / HTTP/1.0\r\nA: b%c\r\n\r\n", text },
            { "GET / HTTP/1.0\r\nA: %c2345678\r\n\r\n", text },
            { "GET / HTTP/1.0\r\nA: 1234567%c9012345678\r\n\r\n", text },
        };
        for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
            char input[128];
            int len = snprintf(input, sizeof(input), positions[i].format, byte);
            char *log = http1_feed(mk_slice_of(input, (size_t)len));
            if ((strstr(log, "done ") != NULL) != positions[i].allowed ||
                (strstr(log, "bad 400") != NULL) == positions[i].allowed)
                fail_msg("byte 0x%02x in <%s>: %s", (unsigned)byte, positions[i].format, log);
            free(log);
        }
    }
}

static void expect_text(struct mk_slice line, const char *text)
{
    struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
    char said[MK_HTTP1_ERROR_TEXT];
    size_t consumed;
    assert_non_null(parser);
    assert_int_equal(mk_http1_parser_feed(parser, line.ptr, line.len, &consumed), MK_HTTP1_BAD);
    mk_http1_error_text(mk_http1_parser_error(parser), said);
    assert_string_equal(said, text);
    mk_http1_parser_free(parser);
}

/* A refused byte of a target is named, with its position. */
static void test_refused_bytes(void **state)
{
    (void)state;
#define MUST "the request target has a character that must be percent-encoded: "
    expect_text(MK_SLICE("GET /a|b HTTP/1.1\r\n"), MUST "'|' at position 3");
    expect_text(MK_SLICE("GET /?access_token=\xe4\xbd HTTP/1.1\r\n"),
                MUST "byte 0xe4 at position 16");
    expect_text(MK_SLICE("GET /\0 HTTP/1.1\r\n"), MUST "byte 0x00 at position 2");
    expect_text(MK_SLICE("GET \"/\" HTTP/1.1\r\n"), MUST "'\"' at position 1");
    expect_text(MK_SLICE("GET http://h/[ HTTP/1.1\r\n"), MUST "'[' at position 10");
    expect_text(MK_SLICE("GET /a\rb HTTP/1.1\r\n"), MUST "byte 0x0d at position 3");
    expect_text(MK_SLICE("GET /%4 HTTP/1.1\r\n"),
                "the request target has a percent sign without two hexadecimal digits: '%' at "
                "position 2");
    expect_text(MK_SLICE("GET /a#b HTTP/1.1\r\n"),
                "the request target has a fragment: '#' at position 3");
    expect_text(MK_SLICE("GET /\r\n"), "malformed request line");
    expect_text(MK_SLICE("GET a HTTP/1.1\r\n"), "malformed request target");
}

static void test_methods(void **state)
{
    (void)state;
    static const char *const known[] = { "GET",     "POST",     "post",
                                         "OPTIONS", "PROPFIND", "VERSION-CONTROL" };
    static const char *const unknown[] = { "", "G", "GETS", "BREW", "UPDATEREDIRECTREFS", "PRI" };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_true(mk_http1_knows_method(mk_slice_str(known[i])));
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_false(mk_http1_knows_method(mk_slice_str(unknown[i])));
    assert_false(mk_http1_knows_method(MK_SLICE("GET\0")));
}

/* A name that nearly equals a known one is unknown. */
static void test_near_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *bad_value;
        unsigned status;
    } headers[] = {
        { "host", "/", 400 },
        { "expect", "x", 417 },
        { "content-length", "x", 400 },
        { "transfer-encoding", "x", 501 },
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char input[128];
        size_t at = (size_t)snprintf(input, sizeof(input), "GET / HTTP/1.0\r\n");
        size_t len = strlen(headers[i].name);
        snprintf(input + at, sizeof(input) - at, "%s: %s\r\n\r\n", headers[i].name,
                 headers[i].bad_value);
        expect_refused(mk_slice_str(input), headers[i].status);
        for (size_t k = 0; k < len; k++) {
            char was = input[at + k];
            input[at + k] = 'q';
            char *log = http1_feed(mk_slice_str(input));
            assert_non_null(strstr(log, "done "));
            free(log);
            input[at + k] = was == '-' ? '-' : (char)(was - 'a' + 'A');
            expect_refused(mk_slice_str(input), headers[i].status);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_lines), cmocka_unit_test(test_targets),
        cmocka_unit_test(test_header_lines),  cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_codings),
        cmocka_unit_test(test_expectations),  cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_refused_bytes), cmocka_unit_test(test_methods),
        cmocka_unit_test(test_near_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
