/* Server-Sent Events as a client reads them, and the chunks around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed.h"
#include "wire/http1_chunks.h"
#include "wire/sse.h"
#include "wire/sse_parser.h"

#include <errno.h>
#include <stdio.h>

/* The events of a stream, as text: "type|id|data" and a LF for each. */
struct reading {
    struct mk_sse_parser parser;
    struct mk_buf events;
    int rc;
};

static bool take(void *self, char *data, size_t len)
{
    struct reading *reading = self;
    size_t at = 0;
    do {
        size_t consumed;
        reading->rc = mk_sse_parser_feed(&reading->parser, data + at, len - at, &consumed);
        assert_true(consumed <= len - at);
        at += consumed;
        if (reading->rc != MK_SSE_EVENT)
            continue;
        const struct mk_sse_event *event = &reading->parser.event;
        struct mk_slice parts[] = { event->type, event->id, event->data };
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(mk_buf_append_slice(&reading->events, parts[i]), 0);
            assert_int_equal(mk_buf_append_char(&reading->events, i < 2 ? '|' : '\n'), 0);
        }
    } while (reading->rc >= 0 && at < len);
    return reading->rc >= 0;
}

static void reading_init(struct reading *reading, size_t most)
{
    mk_sse_parser_init(&reading->parser, most);
    mk_buf_init(&reading->events, 1 << 20);
    reading->rc = 0;
}

static void reading_fini(struct reading *reading)
{
    mk_sse_parser_fini(&reading->parser);
    mk_buf_fini(&reading->events);
}

static void expect(struct mk_slice stream, const char *events)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct reading reading;
        reading_init(&reading, 4096);
        feed(stream, mode, take, &reading);
        assert_true(reading.rc >= 0);
        assert_int_equal(mk_buf_append_char(&reading.events, '\0'), 0);
        assert_string_equal(reading.events.data, events);
        reading_fini(&reading);
    }
}

static void test_events(void **state)
{
    (void)state;
    expect(MK_SLICE(""), "");
    expect(MK_SLICE("data: x\n\n"), "message||x\n");
    expect(MK_SLICE("data:x\n\n"), "message||x\n");
    expect(MK_SLICE("data:  x\n\n"), "message|| x\n");
    expect(MK_SLICE("event: e\nid: 7\ndata: {\"a\":1}\n\n"), "e|7|{\"a\":1}\n");
    expect(MK_SLICE("data: a\ndata: b\ndata\ndata:\n\n"), "message||a\nb\n\n\n");
    expect(MK_SLICE("data\n\ndata\ndata\n\ndata:"), "message||\nmessage||\n\n");
    /* Lines without an empty line after them are no event. */
    expect(MK_SLICE("data: x\n"), "");
    expect(MK_SLICE("data: x\n\ndata: y"), "message||x\n");
    /* Unknown fields, and names in another case, are ignored. */
    expect(MK_SLICE("Data: x\nfoo: bar\ndata: y\n data: z\n\n"), "message||y\n");
    /* A type belongs to its event; without data it is dropped. */
    expect(MK_SLICE("event: e\n\ndata: x\n\n"), "message||x\n");
    expect(MK_SLICE("event: e\ndata: x\n\ndata: y\n\n"), "e||x\nmessage||y\n");
    expect(MK_SLICE("event: e\nevent:\ndata: x\n\n"), "message||x\n");
}

static void test_line_ends(void **state)
{
    (void)state;
    expect(MK_SLICE("data: a\r\n\r\ndata: b\r\n\r\n"), "message||a\nmessage||b\n");
    expect(MK_SLICE("data: a\r\rdata: b\r\r"), "message||a\nmessage||b\n");
    expect(MK_SLICE("data: a\n\r\ndata: b\r\n\n"), "message||a\nmessage||b\n");
    expect(MK_SLICE("data: a\rdata: b\ndata: c\r\n\n"), "message||a\nb\nc\n");
    expect(MK_SLICE("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"), "message||a\nb\nmessage||c\n");
    expect(MK_SLICE("\n\r\n\r\r\ndata: a\n\n"), "message||a\n");
}

static void test_ids(void **state)
{
    (void)state;
    expect(MK_SLICE("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
           "message|1|a\nmessage|1|b\nmessage||c\n");
    expect(MK_SLICE("id: 1\n\ndata: a\n\n"), "message|1|a\n"); /* of an event without data */
    expect(MK_SLICE("id: 1\ndata: a\n\nid: 2\0003\ndata: b\n\n"), "message|1|a\nmessage|1|b\n");
    expect(MK_SLICE("id: 1\ndata: a\n\nid: 2\n"), "message|1|a\n");

    struct reading reading;
    reading_init(&reading, 100);
    char first[] = "data: a\n\nid: 8\nda", rest[] = "ta: b\n\n";
    assert_int_equal(mk_sse_parser_resume_from(&reading.parser, MK_SLICE("7")), 0);
    assert_true(take(&reading, first, strlen(first)));
    assert_true(mk_slice_eq(mk_sse_parser_last_id(&reading.parser), MK_SLICE("7")));
    assert_true(take(&reading, rest, strlen(rest)));
    assert_true(mk_slice_eq(mk_sse_parser_last_id(&reading.parser), MK_SLICE("8")));
    assert_true(mk_slice_eq(mk_buf_slice(&reading.events), MK_SLICE("message|7|a\nmessage|8|b\n")));
    reading_fini(&reading);
}

static void expect_retry(const char *stream, int64_t ms)
{
    struct reading reading;
    reading_init(&reading, 100);
    feed(mk_slice_str(stream), FEED_BYTES, take, &reading);
    assert_int_equal(reading.parser.retry_ms, ms);
    assert_int_equal(reading.events.len, 0);
    reading_fini(&reading);
}

static void test_retry(void **state)
{
    (void)state;
    expect_retry("", MK_SSE_NO_RETRY);
    expect_retry("retry: 1500\n", 1500);
    expect_retry("retry: 1500\n\nretry: 0\n\n", 0);
    expect_retry("retry: 1.5\n", MK_SSE_NO_RETRY);
    expect_retry("retry: -1\nretry\nretry:\nretry: 1 \n", MK_SSE_NO_RETRY);
    expect_retry("retry: 99999999999999999999999999\n", INT64_MAX / 10 - 1);
}

static void test_comments_and_the_mark(void **state)
{
    (void)state;
    expect(MK_SLICE(":\n: ping\n:data: x\n\n"), "");
    expect(MK_SLICE(": ping\n\ndata: x\n: pong\ndata: y\n\n"), "message||x\ny\n");
    expect(MK_SLICE("\xef\xbb\xbf"
                    "data: x\n\n"),
           "message||x\n");
    expect(MK_SLICE("\xef\xbb\xbf\ndata: x\n\n"), "message||x\n");
    expect(MK_SLICE("\xef\xbb"
                    "data: x\n\n"),
           "");
    /* Only at the beginning, and once. */
    expect(MK_SLICE("\xef\xbb\xbf\xef\xbb\xbf"
                    "data: x\n\ndata: y\n\n\xef\xbb\xbf"
                    "data: z\n\n"),
           "message||y\n");
}

static int rc_of(const char *stream, size_t most, unsigned mode)
{
    struct reading reading;
    reading_init(&reading, most);
    feed(mk_slice_str(stream), mode, take, &reading);
    int rc = reading.rc;
    reading_fini(&reading);
    return rc;
}

static void test_limits(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        assert_true(rc_of("data: 345678\n\n", 12, mode) >= 0);
        assert_int_equal(rc_of("data: 3456789\n\n", 12, mode), -ENOBUFS);
        assert_int_equal(rc_of(": 3456789 123\n\n", 12, mode), -ENOBUFS);
        assert_int_equal(rc_of("3456789 12345", 12, mode) == -ENOBUFS, true);
        assert_true(rc_of("data:45678\ndata:45678\n\n", 12, mode) >= 0); /* 5 and LF and 5 */
        assert_int_equal(rc_of("data:45678\ndata:45678\ndata:4\n", 12, mode), -ENOBUFS);
        assert_true(rc_of("data:4567\n\ndata:4567\n\ndata:4567\n\n", 12, mode) >= 0);
    }
}

/* A client reads the output of our own server. */
static void test_output_of_our_server(void **state)
{
    struct mk_buf out;
    (void)state;
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_sse_write_comment(&out, MK_SLICE("ping")), 0);
    assert_int_equal(mk_sse_write_message(&out, 7, MK_SLICE("e"), MK_SLICE("a\r\n\rb\n")), 0);
    assert_int_equal(mk_sse_write_message(&out, 0, MK_SLICE(""), MK_SLICE("")), 0);
    expect(mk_buf_slice(&out), "e|7|a\n\nb\n\nmessage|7|\n");
    mk_buf_fini(&out);
}

/* --- chunks --- */

struct unchunking {
    struct mk_http1_chunks chunks;
    struct mk_buf body;
    int status;
    size_t behind; /* bytes after the end, in that piece */
};

static bool take_chunks(void *self, char *data, size_t len)
{
    struct unchunking *unchunking = self;
    struct mk_slice input = mk_slice_of(data, len);
    do {
        size_t consumed;
        struct mk_slice piece;
        unchunking->status = mk_http1_chunks_feed(&unchunking->chunks, input, &consumed, &piece);
        assert_true(consumed <= input.len);
        input = mk_slice_from(input, consumed);
        if (unchunking->status == MK_HTTP1_CHUNKS_DATA) {
            assert_true(piece.len > 0);
            assert_int_equal(mk_buf_append_slice(&unchunking->body, piece), 0);
        }
        if (unchunking->status == MK_HTTP1_CHUNKS_END)
            unchunking->behind = input.len;
        if (unchunking->status >= MK_HTTP1_CHUNKS_END)
            return false;
    } while (input.len > 0);
    return true;
}

static void expect_body(const char *chunked, int status, const char *body)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct unchunking unchunking = { 0 };
        mk_buf_init(&unchunking.body, 4096);
        feed(mk_slice_str(chunked), mode, take_chunks, &unchunking);
        if (status == MK_HTTP1_CHUNKS_MORE)
            assert_in_range(unchunking.status, MK_HTTP1_CHUNKS_MORE, MK_HTTP1_CHUNKS_DATA);
        else
            assert_int_equal(unchunking.status, status);
        assert_true(mk_slice_eq(mk_buf_slice(&unchunking.body), mk_slice_str(body)));
        mk_buf_fini(&unchunking.body);
    }
}

static void test_chunks(void **state)
{
    (void)state;
    expect_body("0\r\n\r\n", MK_HTTP1_CHUNKS_END, "");
    expect_body("3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", MK_HTTP1_CHUNKS_END, "abc0123456789");
    expect_body("3;x=\"y\"\r\nabc\r\n1 ; z\r\nd\r\n0;last\r\nA: b\r\nC: d\r\n\r\n",
                MK_HTTP1_CHUNKS_END, "abcd");
    expect_body("3\r\nabc\r\n", MK_HTTP1_CHUNKS_MORE, "abc");
    expect_body("f\r\nabc", MK_HTTP1_CHUNKS_MORE, "abc");
    static const char *const bad[] = { "\r\n",  "g\r\n",    "x",       "-1\r\n",
                                       "1\n",   "1\rx",     "1;\n",    "0123456789abcdef\r\n",
                                       ";\r\n", "0\r\n\rx", "0\r\nA\n" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_body(bad[i], MK_HTTP1_CHUNKS_BAD, "");
    expect_body("1\r\nab", MK_HTTP1_CHUNKS_BAD, "a");
    expect_body("1\r\na\rb", MK_HTTP1_CHUNKS_BAD, "a");

    struct unchunking unchunking = { 0 };
    char more[] = "0\r\n\r\nHTTP/1.1 200";
    assert_false(take_chunks(&unchunking, more, strlen(more)));
    assert_int_equal(unchunking.behind, 12);
}

static void test_chunks_have_limits(void **state)
{
    static char endless[40 * 1024];
    (void)state;
    memset(endless, 'x', sizeof(endless) - 1);
    memcpy(endless, "1;", 2);
    expect_body(endless, MK_HTTP1_CHUNKS_BAD, "");
    memcpy(endless, "0\r\n", 3);
    expect_body(endless, MK_HTTP1_CHUNKS_BAD, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_comments_and_the_mark),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_output_of_our_server),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_chunks_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
