/* Responses of servers, whole, byte by byte and split at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed.h"
#include "wire/response_reader.h"

#include <stdio.h>

static struct mk_response_limits limits;
static bool to_connect;

static int set_limits(void **state)
{
    (void)state;
    limits = (struct mk_response_limits){ 32 * 1024, 100, 8, 1000 };
    to_connect = false;
    return 0;
}

struct reading {
    struct mk_response_reader reader;
    int status;
    size_t taken;
};

static bool take(void *self, char *data, size_t len)
{
    struct reading *reading = self;
    size_t consumed;
    reading->status = mk_response_reader_feed(&reading->reader, mk_slice_of(data, len), &consumed);
    assert_true(reading->status != MK_RESPONSE_MORE || consumed == len);
    reading->taken += consumed;
    return reading->status == MK_RESPONSE_MORE;
}

static void read_in(struct mk_slice input, unsigned mode, struct reading *reading)
{
    *reading = (struct reading){ 0 };
    mk_response_reader_init(&reading->reader, &limits, to_connect);
    feed(input, mode, take, reading);
    assert_int_equal(reading->reader.received, reading->taken);
}

/* Expects a complete response; the input may have `behind` more bytes. */
static void expect_from(struct mk_slice input, size_t behind, unsigned status, bool keep_alive,
                        const char *body)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct reading reading;
        read_in(input, mode, &reading);
        assert_int_equal(reading.status, MK_RESPONSE_END);
        assert_int_equal(reading.taken, input.len - behind);
        assert_int_equal(reading.reader.status, status);
        assert_int_equal(reading.reader.keep_alive, keep_alive);
        assert_true(mk_slice_eq(mk_buf_slice(&reading.reader.body), mk_slice_str(body)));
        mk_response_reader_fini(&reading.reader);
    }
}

static void expect(const char *input, unsigned status, bool keep_alive, const char *body)
{
    expect_from(mk_slice_str(input), 0, status, keep_alive, body);
}

static void expect_wrong_from(struct mk_slice input, enum mk_response_wrong wrong, unsigned line,
                              const char *seen)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct reading reading;
        read_in(input, mode, &reading);
        assert_int_equal(reading.status, MK_RESPONSE_BAD);
        assert_int_equal(reading.reader.wrong, wrong);
        assert_int_equal(reading.reader.wrong_line, line);
        if (seen && mode == FEED_WHOLE)
            assert_true(mk_slice_eq(mk_slice_of(reading.reader.seen, reading.reader.seen_len),
                                    mk_slice_str(seen)));
        mk_response_reader_fini(&reading.reader);
    }
}

static void expect_wrong(const char *input, enum mk_response_wrong wrong, unsigned line,
                         const char *seen)
{
    expect_wrong_from(mk_slice_str(input), wrong, line, seen);
}

/* Expects that it is not complete, and whether the end of the connection completes it. */
static void expect_open(const char *input, bool ends, const char *body)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct reading reading;
        read_in(mk_slice_str(input), mode, &reading);
        assert_int_equal(reading.status, MK_RESPONSE_MORE);
        assert_int_equal(mk_response_reader_end(&reading.reader), ends);
        assert_true(mk_slice_eq(mk_buf_slice(&reading.reader.body), mk_slice_str(body)));
        mk_response_reader_fini(&reading.reader);
    }
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static void bodies_are_framed(void **state)
{
    (void)state;
    expect(OK "Content-Length: 5\r\n\r\nhello", 200, true, "hello");
    expect(OK "content-LENGTH:0\r\n\r\n", 200, true, "");
    expect(OK "Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", 200, true, "hello");
    expect(CHUNKED "5\r\nhello\r\n0006;a=\"b\"\r\n world\r\n0\r\nA: b\r\n\r\n", 200, true,
           "hello world");
    expect(CHUNKED "0\r\n\r\n", 200, true, "");
    expect("HTTP/1.1 204\r\n\r\n", 204, true, "");
    expect("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, true, "");
    expect("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, true, "");
    expect_open(OK "\r\n", true, "");
    expect_open(OK "\r\nhel", true, "hel");
    expect_open(OK "Content-Length: 5\r\n\r\nhell", false, "hell");
    expect_open(CHUNKED "5\r\nhello\r\n0\r\n", false, "hello");
    expect_open("HTTP/1.1 100 Continue\r\n\r\n", false, "");
    expect_open("", false, "");
}

static void connections_persist_or_not(void **state)
{
    (void)state;
    expect(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", 200, false, "");
    expect(OK "Connection: x,  Close\r\nContent-Length: 0\r\n\r\n", 200, false, "");
    expect(OK "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200,
           false, "");
    expect("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, false, "");
    expect("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 200, true, "");
    expect(OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200,
           false, "a");
    expect("HTTP/1.0 200\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
           "1\r\na\r\n0\r\n\r\n",
           200, false, "a");
}

static void bytes_behind_it_are_left(void **state)
{
    (void)state;
    expect_from(MK_SLICE(OK "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"), 19, 200, true,
                "ok");
    expect_from(MK_SLICE(CHUNKED "0\r\n\r\n\r\n"), 2, 200, true, "");
    expect_from(MK_SLICE("HTTP/1.1 204 No\r\n\r\nx"), 1, 204, true, "");
}

static void interim_responses_are_skipped(void **state)
{
    (void)state;
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nConnection: close\r\n"
           "Content-Length: 3\r\n\r\n" OK "Content-Length: 2\r\n\r\nok",
           200, true, "ok");
    expect_wrong("HTTP/1.1 101 Switching\r\n", MK_RESPONSE_SWITCHED, 0, "");
    limits.interim = 2;
    expect("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\n" OK "Content-Length: 0\r\n\r\n", 200, true,
           "");
    expect_wrong("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 199 C\r\n\r\n",
                 MK_RESPONSE_MANY_INTERIM, 1, "");
    limits.head_bytes = 30; /* of all heads together */
    expect_wrong("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 200 B\r\n\r\n", MK_RESPONSE_LONG_HEAD, 0, "");
}

static void a_connect_has_no_body(void **state)
{
    (void)state;
    to_connect = true;
    expect_from(MK_SLICE("HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\nhello"), 5, 200,
                true, "");
    expect("HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nhello", 407, true, "hello");
}

static void heads_are_checked(void **state)
{
    (void)state;
    expect_wrong("SSH-2.0-OpenSSH_9.2\r\n", MK_RESPONSE_NOT_HTTP, 0, "SSH-2.0-OpenSSH_9.2\r\n");
    expect_wrong("\r\n" OK "\r\n", MK_RESPONSE_NOT_HTTP, 0, NULL);
    expect_wrong("http/1.1 200 OK\r\n\r\n", MK_RESPONSE_NOT_HTTP, 0, NULL);
    expect_wrong_from(MK_SLICE("\x15\x03\x01\0\x02\x02\x46"), MK_RESPONSE_IS_TLS, 0, NULL);
    expect_wrong("HTTP/2 200\r\n\r\n", MK_RESPONSE_VERSION, 0, "HTTP/2 200\r\n");
    expect_wrong("HTTP/1.2 200 OK\r\n\r\n", MK_RESPONSE_VERSION, 0, "HTTP/1.2 200 OK");
    expect_wrong("HTTP/1.10 200 OK\r\n\r\n", MK_RESPONSE_VERSION, 0, NULL);
    expect_wrong("HTTP/1.1\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, "HTTP/1.1");
    expect_wrong("HTTP/1.1 \r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, NULL);
    expect_wrong("HTTP/1.1 20 OK\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, "HTTP/1.1 20 OK");
    expect_wrong("HTTP/1.1 2000 OK\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, NULL);
    expect_wrong("HTTP/1.1 099 OK\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, NULL);
    expect_wrong("HTTP/1.1  200 OK\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, NULL);
    expect_wrong("HTTP/1.1 200 O\x01K\r\n\r\n", MK_RESPONSE_STATUS_LINE, 0, NULL);
    expect_wrong("HTTP/1.1 200 OK\n\n", MK_RESPONSE_LINE_END, 0, "HTTP/1.1 200 OK");
    expect_wrong(OK "A: b\r\nC: d\n", MK_RESPONSE_LINE_END, 2, "C: d");
    expect_wrong(OK "A: b\r\nno colon\r\n", MK_RESPONSE_HEADER, 2, "no colon");
    expect_wrong(OK "A : b\r\n", MK_RESPONSE_HEADER, 1, "A : b");
    expect_wrong(OK "A: b\r\n c\r\n", MK_RESPONSE_HEADER, 2, " c");
    expect_wrong(OK "A: b\x01\r\n", MK_RESPONSE_HEADER, 1, NULL);
    expect_wrong_from(MK_SLICE(OK "A: b\0c\r\n"), MK_RESPONSE_HEADER, 1, NULL);
    expect_wrong(OK "A: b\rc\r\n", MK_RESPONSE_HEADER, 1, NULL);
    static const char *const lengths[] = { "",     "-1",  "+1",   "1x",
                                           "0x10", "1 2", "1, 2", "99999999999999999999999",
                                           "," };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char head[128];
        snprintf(head, sizeof(head), OK "Content-Length: %s\r\n", lengths[i]);
        expect_wrong(head, MK_RESPONSE_LENGTH, 1, lengths[i]);
    }
    expect_wrong(OK "Content-Length: 1\r\nContent-Length: 2\r\n", MK_RESPONSE_LENGTH, 2, "2");
    expect_wrong(OK "Transfer-Encoding: gzip, chunked\r\n", MK_RESPONSE_CODING, 1, "gzip, chunked");
    expect_wrong(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                 MK_RESPONSE_CODING, 2, "chunked");
}

static void chunks_are_checked(void **state)
{
    (void)state;
    expect_wrong(CHUNKED "x\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "x");
    expect_wrong(CHUNKED "\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "\r");
    expect_wrong(CHUNKED "1\n", MK_RESPONSE_CHUNK_SIZE, 2, "\n");
    expect_wrong(CHUNKED "-1\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "-");
    expect_wrong(CHUNKED "1;a\n", MK_RESPONSE_CHUNK_SIZE, 2, "\n");
    expect_wrong(CHUNKED "1;\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "\r");
    expect_wrong(CHUNKED "1 \r\n", MK_RESPONSE_CHUNK_SIZE, 2, "\r");
    expect_wrong(CHUNKED "1;a=\"b\"c\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "c");
    expect_wrong(CHUNKED "1;a==b\r\n", MK_RESPONSE_CHUNK_SIZE, 2, "=");
    expect_wrong(CHUNKED "0\r\nA b\r\n", MK_RESPONSE_TRAILER, 2, " ");
    expect_wrong(CHUNKED "0\r\n: b\r\n", MK_RESPONSE_TRAILER, 2, ":");
    expect_wrong(CHUNKED "1\rx", MK_RESPONSE_CHUNK_SIZE, 2, "x");
    expect_wrong(CHUNKED "00000000000000001\r\n", MK_RESPONSE_CHUNK_SIZE, 2, NULL);
    expect_wrong(CHUNKED "1\r\nab\r\n", MK_RESPONSE_CHUNK_END, 2, "b");
    expect_wrong(CHUNKED "1\r\na\n", MK_RESPONSE_CHUNK_END, 2, "\n");
    expect_wrong(CHUNKED "0\r\nA: b\n", MK_RESPONSE_TRAILER, 2, "\n");
}

static struct mk_slice filled(struct mk_buf *buf, const char *first, const char *more, size_t len)
{
    mk_buf_reset(buf, SIZE_MAX);
    mk_buf_append_slice(buf, mk_slice_str(first));
    while (buf->len < len)
        mk_buf_append_slice(buf, mk_slice_str(more));
    return mk_buf_slice(buf);
}

/* Each ends although the server never does. */
static void everything_is_limited(void **state)
{
    struct mk_buf buf;
    (void)state;
    mk_buf_init(&buf, 1024 * 1024);
    expect_wrong_from(filled(&buf, "HTTP/1.1 200 ", "x", 40000), MK_RESPONSE_LONG_HEAD, 0, "");
    expect_wrong_from(filled(&buf, OK "A: ", "x", 40000), MK_RESPONSE_LONG_HEAD, 1, "");
    expect_wrong_from(filled(&buf, OK, "A: b\r\n", 40000), MK_RESPONSE_MANY_HEADERS, 101, "");
    limits.header_count = 100000;
    expect_wrong_from(filled(&buf, OK, "A: 34567890123456\r\n", 40000), MK_RESPONSE_LONG_HEAD, 1724,
                      "");
    limits.header_count = 100;
    expect_wrong_from(filled(&buf, "", "HTTP/1.1 100 Continue\r\n\r\n", 40000),
                      MK_RESPONSE_MANY_INTERIM, 1, "");
    expect_wrong_from(filled(&buf, CHUNKED "1;", "x", 40000), MK_RESPONSE_LONG_EXTRA, 2, "x");
    expect_wrong_from(filled(&buf, CHUNKED, "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n", 40000),
                      MK_RESPONSE_LONG_EXTRA, 2, "x");
    expect_wrong_from(filled(&buf, CHUNKED "0\r\n", "A: b\r\n", 40000), MK_RESPONSE_LONG_EXTRA, 2,
                      NULL);
    expect_wrong_from(filled(&buf, CHUNKED, "1\r\na\r\n", 40000), MK_RESPONSE_LONG_BODY, 2, "");
    expect_wrong_from(filled(&buf, OK "\r\n", "x", 40000), MK_RESPONSE_LONG_BODY, 1, "");
    expect_wrong(OK "Content-Length: 1001\r\n\r\n", MK_RESPONSE_LONG_BODY, 2, "");
    expect_wrong_from(filled(&buf, CHUNKED "FFFFFFFFFFFFFFF\r\n", "x", 40000),
                      MK_RESPONSE_LONG_BODY, 2, "");
    mk_buf_fini(&buf);
}

static void expect_retry(const char *headers, int64_t after, int64_t at, int64_t date)
{
    char input[512];
    snprintf(input, sizeof(input), "HTTP/1.1 503 No\r\n%sContent-Length: 0\r\n\r\n", headers);
    struct reading reading;
    read_in(mk_slice_str(input), FEED_WHOLE, &reading);
    assert_int_equal(reading.status, MK_RESPONSE_END);
    assert_int_equal(reading.reader.retry_after, after);
    assert_int_equal(reading.reader.retry_at, at);
    assert_int_equal(reading.reader.date, date);
    mk_response_reader_fini(&reading.reader);
}

static void retry_after_is_read(void **state)
{
    (void)state;
    expect_retry("", -1, -1, -1);
    expect_retry("Retry-After: 120\r\n", 120, -1, -1);
    expect_retry("Retry-After: 0\r\n", 0, -1, -1);
    expect_retry("Retry-After: 99999999999999999999999\r\n", MK_RESPONSE_RETRY_MAX, -1, -1);
    expect_retry("Retry-After: -1\r\n", -1, -1, -1);
    expect_retry("Retry-After: soon\r\n", -1, -1, -1);
    expect_retry("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                 "Date: Sun, 06 Nov 1994 08:48:37 GMT\r\n",
                 -1, 784111777, 784111717);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_limits)
    const struct CMUnitTest tests[] = {
        TEST(bodies_are_framed),        TEST(connections_persist_or_not),
        TEST(bytes_behind_it_are_left), TEST(interim_responses_are_skipped),
        TEST(a_connect_has_no_body),    TEST(heads_are_checked),
        TEST(chunks_are_checked),       TEST(everything_is_limited),
        TEST(retry_after_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
