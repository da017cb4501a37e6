/* The exact limits of requests, and the refusals beyond them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_feed.h"

static const struct mk_http1_limits small = {
    .request_line = 40,
    .header_bytes = 60,
    .header_count = 4,
    .body = 10,
};

/* The last line of the log. */
static void expect_last(struct mk_slice input, const char *expected)
{
    char *log = http1_feed_limited(&small, input, false);
    size_t len = strlen(log);
    char *last = log;
    for (size_t i = 0; i + 1 < len; i++)
        if (log[i] == '\n')
            last = log + i + 1;
    if (strncmp(last, expected, strlen(expected)) != 0)
        fail_msg("<%.*s>\ntold:\n%s\nexpected:\n%s", (int)input.len, input.ptr, log, expected);
    free(log);
}

/* "GET /xxx HTTP/1.0" of `len` bytes in all. */
static struct mk_slice request_line(char *out, size_t len, const char *after)
{
    size_t fill = len - strlen("GET / HTTP/1.0");
    memcpy(out, "GET /", 5);
    memset(out + 5, 'x', fill);
    strcpy(out + 5 + fill, " HTTP/1.0");
    strcat(out, after);
    return mk_slice_str(out);
}

static void test_line_limit(void **state)
{
    (void)state;
    char input[8192 + 256];
    expect_last(request_line(input, 40, "\r\n\r\n"), "done ");
    expect_last(request_line(input, 41, "\r\n\r\n"), "bad 414");
    expect_last(request_line(input, 41, "\n"), "bad 400");
    expect_last(request_line(input, 42, "\n"), "bad 414");
    expect_last(request_line(input, 40, "\r"), "");
    /* An unfinished or malformed line can be too long as well. */
    memset(input, 'G', 200);
    expect_last(mk_slice_of(input, 41), "");
    expect_last(mk_slice_of(input, 42), "bad 501");
    expect_last(mk_slice_of(input, 200), "bad 501");
    memcpy(input + 60, " / HTTP/1.1\r\n", 13);
    expect_last(mk_slice_of(input, 200), "bad 501");
    input[39] = ' '; /* a method, and a target that is too long with it */
    expect_last(mk_slice_of(input, 200), "bad 414");
    input[39] = '('; /* no method */
    expect_last(mk_slice_of(input, 200), "bad 414");
    struct mk_slice longest = request_line(input, 8192, "\r\n\r\n");
    char *log = http1_feed(longest);
    assert_non_null(strstr(log, "done "));
    free(log);
    http1_expect(request_line(input, 8193, "\r\n\r\n"), "bad 414\n");
}

static void test_header_limits(void **state)
{
    (void)state;
#define LINE "GET / HTTP/1.0\r\n"
#define TWENTY "A:1234567890123456\r\n" /* bytes, with CRLF */
    expect_last(MK_SLICE(LINE TWENTY TWENTY TWENTY "\r\n"), "done ");
    expect_last(MK_SLICE(LINE TWENTY TWENTY "A:12345678901234567\r\n\r\n"), "bad 431");
    expect_last(MK_SLICE(LINE TWENTY TWENTY TWENTY "A:\r\n\r\n"), "bad 431");
    /* Each request has them for itself, however many trailers came before. */
    expect_last(MK_SLICE("PUT / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "0\r\n" TWENTY TWENTY TWENTY "\r\n" LINE TWENTY TWENTY TWENTY "\r\n"),
                "done GET ");
    expect_last(MK_SLICE(LINE TWENTY TWENTY TWENTY "\rx"), "bad 431");
    expect_last(MK_SLICE(LINE TWENTY TWENTY TWENTY "\r"), "");
    expect_last(MK_SLICE(LINE TWENTY TWENTY TWENTY "x"), "bad 431");
    expect_last(MK_SLICE(LINE TWENTY TWENTY "A12345678901234567"), "");
    expect_last(MK_SLICE(LINE TWENTY TWENTY "A12345678901234567:"), "");
    expect_last(MK_SLICE(LINE TWENTY TWENTY "A12345678901234567: "), "bad 431");
    expect_last(MK_SLICE(LINE "A:\r\nA:\r\nA:\r\nA:\r\n\r\n"), "done ");
    expect_last(MK_SLICE(LINE "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n"), "bad 431");
    expect_last(MK_SLICE(LINE "A:\r\nA:\r\nA:\r\nA:\r\nA"), "");
}

static void test_body_limits(void **state)
{
    (void)state;
    expect_last(MK_SLICE("PUT / HTTP/1.0\r\nContent-Length: 10\r\n\r\n0123456789"), "done ");
    expect_last(MK_SLICE("PUT / HTTP/1.0\r\nContent-Length: 11\r\n\r\n"), "bad 413");
    expect_last(MK_SLICE("PUT / HTTP/1.0\r\nContent-Length: 18446744073709551615\r\n\r\n"),
                "bad 413");
#define HEAD "PUT / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect_last(MK_SLICE(HEAD "a\r\n0123456789\r\n0\r\n\r\n"), "done ");
    expect_last(MK_SLICE(HEAD "b\r\n"), "bad 413");
    expect_last(MK_SLICE(HEAD "5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n"), "done ");
    expect_last(MK_SLICE(HEAD "5\r\n01234\r\n6\r\n"), "bad 413");
    /* Trailers, and chunk extensions together with them. */
    expect_last(MK_SLICE(HEAD "0\r\n" TWENTY TWENTY TWENTY "\r\n"), "done ");
    expect_last(MK_SLICE(HEAD "0\r\n" TWENTY TWENTY TWENTY "A"), "bad 431");
    expect_last(MK_SLICE(HEAD "0\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n"), "done ");
    expect_last(MK_SLICE(HEAD "0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA"), "bad 431");
    expect_last(MK_SLICE(HEAD "1;3456789012345678901234567890\r\nx\r\n"
                              "1;3456789012345678901234567890123\r\nx\r\n0\r\n\r\n"),
                "done ");
    expect_last(MK_SLICE(HEAD "1;3456789012345678901234567890\r\nx\r\n"
                              "1;345678901234567890123456789012345\r\nx\r\n0\r\n\r\n"),
                "bad 431");
}

/* A body that is too large leaves the head for the refusal to be answered in its terms. */
static void test_request_of_a_refusal(void **state)
{
    (void)state;
    struct mk_http1_parser *parser = mk_http1_parser_new(&small);
    assert_non_null(parser);
    struct mk_slice input = MK_SLICE("PUT /x HTTP/1.0\r\nContent-Length: 11\r\n\r\n");
    size_t consumed;
    assert_int_equal(mk_http1_parser_feed(parser, input.ptr, input.len, &consumed), MK_HTTP1_BAD);
    assert_true(mk_slice_eq(mk_http1_parser_request(parser)->path, MK_SLICE("/x")));
    assert_int_equal(mk_http1_parser_error(parser)->status, 413);
    mk_http1_parser_free(parser);
    parser = mk_http1_parser_new(&small);
    assert_non_null(parser);
    input = MK_SLICE("PUT /x HTTP/1.0\r\nA b\r\n");
    assert_int_equal(mk_http1_parser_feed(parser, input.ptr, input.len, &consumed), MK_HTTP1_BAD);
    assert_null(mk_http1_parser_request(parser)->path.ptr);
    assert_int_equal(mk_http1_parser_request(parser)->header_count, 0);
    mk_http1_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_header_limits),
        cmocka_unit_test(test_body_limits),
        cmocka_unit_test(test_request_of_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
