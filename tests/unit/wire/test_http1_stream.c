/* Bodies that are passed on in pieces: whatever their length and however they are split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http1.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 256 };

static const struct mk_http1_limits small = { 60, 200, 10, 10 };

struct seen {
    char body[MOST_TEXT], path[MOST_TEXT];
    size_t body_len, pieces;
    unsigned requests, bad;
    size_t skip_after; /* pieces */
};

static void note(struct seen *seen, struct mk_http1_parser *parser, int status)
{
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    bool is_long = status == MK_HTTP1_BAD && mk_http1_parser_error(parser)->status == 413;
    bool is_put = mk_slice_eq(request->method, MK_SLICE("PUT"));
    if ((status == MK_HTTP1_HEAD && is_put) ||
        (is_long && seen->requests == 0 && seen->pieces == 0))
        mk_http1_parser_stream_body(parser);
    else if (status == MK_HTTP1_BAD)
        seen->bad = mk_http1_parser_error(parser)->status;
    if (status == MK_HTTP1_PIECE || (status == MK_HTTP1_REQUEST && is_put)) {
        assert_true(status == MK_HTTP1_REQUEST || request->body.len > 0);
        assert_true(seen->body_len + request->body.len < MOST_TEXT);
        if (request->body.len > 0)
            memcpy(seen->body + seen->body_len, request->body.ptr, request->body.len);
        seen->body_len += request->body.len;
        seen->pieces++;
        if (seen->pieces == seen->skip_after)
            mk_http1_parser_skip_body(parser);
    }
    if (status == MK_HTTP1_REQUEST) {
        memcpy(seen->path, request->path.ptr, request->path.len);
        seen->path[request->path.len] = '\0';
        seen->requests++;
    }
}

/* Each piece of input is in memory of its own, so that what points into an old one is found. */
static void feed(struct seen *seen, struct mk_slice input, size_t most)
{
    struct mk_http1_parser *parser = mk_http1_parser_new(&small);
    assert_non_null(parser);
    for (size_t at = 0; at < input.len && !seen->bad; at += most) {
        size_t len = input.len - at < most ? input.len - at : most, used = 0;
        char *piece = malloc(len);
        int status = MK_HTTP1_HEAD;
        assert_non_null(piece);
        memcpy(piece, input.ptr + at, len);
        while (!seen->bad && (used < len || status == MK_HTTP1_HEAD || status == MK_HTTP1_BAD)) {
            size_t consumed;
            status = mk_http1_parser_feed(parser, piece + used, len - used, &consumed);
            assert_true(status >= 0);
            used += consumed;
            note(seen, parser, status);
        }
        free(piece);
    }
    mk_http1_parser_free(parser);
}

static void expect(struct mk_slice input, const char *body, const char *path, unsigned requests,
                   unsigned bad)
{
    for (size_t most = 1; most <= input.len; most++) {
        struct seen seen = { .skip_after = SIZE_MAX };
        feed(&seen, input, most);
        assert_int_equal(seen.bad, bad);
        assert_int_equal(seen.requests, requests);
        assert_int_equal(seen.body_len, strlen(body));
        assert_memory_equal(seen.body, body, strlen(body));
        assert_string_equal(seen.path, path);
    }
}

#define CHUNKED "PUT /p HTTP/1.1\r\nHost:h\r\nTransfer-Encoding: chunked\r\n\r\n"
#define SIZED(size) "PUT /p HTTP/1.1\r\nHost:h\r\nContent-Length: " size "\r\n\r\n"
#define NEXT "GET /n HTTP/1.1\r\nHost:h\r\n\r\n"

static void test_pieces(void **state)
{
    (void)state;
    expect(MK_SLICE(SIZED("5") "01234" NEXT), "01234", "/n", 2, 0);
    expect(MK_SLICE(SIZED("0") NEXT), "", "/n", 2, 0);
    expect(MK_SLICE(CHUNKED "3\r\n012\r\n2;a=b\r\n34\r\n0\r\nA:b\r\n\r\n" NEXT), "01234", "/n", 2,
           0);
}

static void test_any_length(void **state)
{
    (void)state;
    expect(MK_SLICE(SIZED("30") "012345678901234567890123456789" NEXT),
           "012345678901234567890123456789", "/n", 2, 0);
    expect(MK_SLICE(CHUNKED "9\r\n012345678\r\nc\r\n901234567890\r\n0\r\n\r\n" NEXT),
           "012345678901234567890", "/n", 2, 0);
    /* Another body on the connection has its limit. */
    expect(MK_SLICE(SIZED("1") "0POST /n HTTP/1.1\r\nHost:h\r\nContent-Length: 11\r\n\r\n"), "0",
           "/p", 1, 413);
    /* What is not a body is bounded and checked as ever. */
    expect(MK_SLICE(CHUNKED "1\r\n0\r\nx"), "0", "", 0, 400);
    expect(MK_SLICE(CHUNKED "10000000000000000\r\n"), "", "", 0, 400);
}

static void test_skipped_in_the_middle(void **state)
{
    (void)state;
    struct seen seen = { .skip_after = 2 };
    feed(&seen, MK_SLICE(SIZED("20") "01234567890123456789" NEXT), 5);
    assert_int_equal(seen.requests, 2);
    assert_true(seen.body_len < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_any_length),
        cmocka_unit_test(test_skipped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
