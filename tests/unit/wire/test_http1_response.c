/* Response heads: writing ours, and reading those of other servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>

static void expect_head(unsigned status, const char *content_type, uint64_t length, bool keep_alive,
                        const char *extra, const char *expected)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_buf_append(&out, "x", 1), 0);
    assert_int_equal(mk_http1_write_head(&out, status, mk_slice_str(content_type), length,
                                         keep_alive, mk_slice_str(extra)),
                     0);
    mk_buf_append_char(&out, '\0');
    assert_string_equal(out.data + 1, expected);
    mk_buf_fini(&out);
}

static void test_write(void **state)
{
    (void)state;
    expect_head(200, "application/json", 12, true, NULL,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n");
    expect_head(405, NULL, 0, false, "Allow: POST\r\nDate: x\r\n",
                "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n"
                "Allow: POST\r\nDate: x\r\n\r\n");
    expect_head(204, NULL, MK_HTTP1_NO_LENGTH, true, NULL, "HTTP/1.1 204 No Content\r\n\r\n");
    expect_head(299, NULL, MK_HTTP1_NO_LENGTH - 1, true, NULL,
                "HTTP/1.1 299 \r\nContent-Length: 18446744073709551614\r\n\r\n");
}

static void test_write_without_room(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 60);
    assert_int_equal(mk_buf_append(&out, "abc", 3), 0);
    assert_int_equal(mk_http1_write_head(&out, 200, MK_SLICE("text/plain"), 5, true, MK_SLICE("")),
                     -ENOBUFS);
    assert_true(mk_slice_eq(mk_buf_slice(&out), MK_SLICE("abc")));
    mk_buf_fini(&out);
}

/* The buffer grows for long pieces. */
static void test_write_long(void **state)
{
    (void)state;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    for (int i = 0; i < 2; i++) {
        struct mk_buf out;
        mk_buf_init(&out, 4096);
        assert_int_equal(mk_http1_write_head(&out, 431, mk_slice_of(text, i == 0 ? 1000 : 200),
                                             UINT64_MAX - 1, false,
                                             mk_slice_of(text, i == 0 ? 200 : 1000)),
                         0);
        assert_true(out.len > 1200 && out.len <= out.cap);
        mk_buf_fini(&out);
    }
}

/* RFC 9110, 7.8: Upgrade is named in Connection, of which there is one. */
static void test_upgrade_required(void **state)
{
    (void)state;
    struct mk_buf out;
    struct mk_http1_open open;
    const struct mk_slice upgrade = MK_SLICE("Upgrade: websocket\r\n");
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_http1_write_head(&out, 426, MK_SLICE(""), 0, false, upgrade), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&out),
                            MK_SLICE("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
                                     "Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n")));
    mk_buf_reset(&out, 4096);
    assert_int_equal(mk_http1_begin_response(&out, 426, MK_SLICE(""), true, upgrade, &open), 0);
    assert_int_equal(mk_http1_end_response(&out, &open), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&out),
                            MK_SLICE("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
                                     "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")));
    mk_buf_fini(&out);
}

static void test_phrases(void **state)
{
    (void)state;
    static const unsigned ours[] = { 100, 101, 200, 204, 400, 401, 403, 404, 405, 406, 408,
                                     413, 414, 415, 417, 426, 429, 431, 500, 501, 503, 505 };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        assert_true(mk_http1_phrase(ours[i])[0] != '\0');
    assert_string_equal(mk_http1_phrase(404), "Not Found");
    assert_string_equal(mk_http1_phrase(299), "");
}

/* Feeds every prefix, each against a guard page; returns the first answer that is not "more". */
static int read_grown(struct mk_slice input, struct mk_http1_response *response, size_t *consumed)
{
    struct feed_guard guard = feed_guard_new(input.len);
    int status = MK_HTTP1_NEED_MORE;
    for (size_t len = 0; len <= input.len && status == MK_HTTP1_NEED_MORE; len++) {
        const char *at = feed_guard_place(guard, mk_slice_of(input.ptr, len));
        status = mk_http1_read_response(mk_slice_of(at, len), response, consumed);
    }
    feed_guard_free(guard);
    return status;
}

static void test_read(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Empty:\r\nUPGRADE:\t x \r\n\r\n";
    static const char input[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Empty:\r\nUPGRADE:\t x \r\n\r\n\x81\x01x\r\n\r\n";
    struct mk_http1_response response;
    size_t consumed = 0;
    assert_int_equal(read_grown(MK_SLICE(input), &response, &consumed), MK_HTTP1_HEAD);
    assert_int_equal(consumed, strlen(head));
    consumed = 0;
    assert_int_equal(mk_http1_read_response(MK_SLICE(input), &response, &consumed), MK_HTTP1_HEAD);
    assert_int_equal(consumed, strlen(head));
    assert_int_equal(response.status, 101);
    assert_int_equal(response.header_count, 3);
    assert_true(
        mk_slice_eq(mk_http1_response_find(&response, MK_SLICE("upgrade")), MK_SLICE("websocket")));
    assert_true(mk_slice_eq(response.headers[2].value, MK_SLICE("x")));
    assert_non_null(mk_http1_response_find(&response, MK_SLICE("empty")).ptr);
    assert_null(mk_http1_response_find(&response, MK_SLICE("emptyx")).ptr);
    assert_int_equal(read_grown(MK_SLICE("HTTP/1.0 299 \r\n\r\n"), &response, &consumed),
                     MK_HTTP1_HEAD);
    assert_int_equal(response.status, 299);
    assert_int_equal(response.header_count, 0);
}

static void test_read_refused(void **state)
{
    (void)state;
    static const char *const inputs[] = {
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n",
        "HTTP/1.1 200 O\rKA: b\r\n\r\n",
        "HTTP/1.1 200 O\x01\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
    };
    struct mk_http1_response response;
    size_t consumed;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct mk_slice input = mk_slice_str(inputs[i]);
        if (read_grown(input, &response, &consumed) != MK_HTTP1_BAD ||
            mk_http1_read_response(input, &response, &consumed) != MK_HTTP1_BAD)
            fail_msg("<%s> was not refused", inputs[i]);
    }
    /* Bytes that cannot be HTTP are refused at once; a possible prefix is not. */
    assert_int_equal(mk_http1_read_response(MK_SLICE("SSH"), &response, &consumed), MK_HTTP1_BAD);
    assert_int_equal(mk_http1_read_response(MK_SLICE("HT"), &response, &consumed),
                     MK_HTTP1_NEED_MORE);
    assert_int_equal(mk_http1_read_response(mk_slice_of(NULL, 0), &response, &consumed),
                     MK_HTTP1_NEED_MORE);
}

static void test_read_limits(void **state)
{
    (void)state;
    struct mk_http1_response response;
    size_t consumed;
    struct mk_buf input;
    mk_buf_init(&input, 65536);
    mk_buf_printf(&input, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < MK_HTTP1_MAX_HEADERS; i++)
        mk_buf_printf(&input, "A: %u\r\n", i);
    struct mk_slice head = mk_buf_slice(&input);
    mk_buf_printf(&input, "\r\n");
    assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                     MK_HTTP1_HEAD);
    assert_int_equal(response.header_count, MK_HTTP1_MAX_HEADERS);
    assert_int_equal(consumed, input.len);
    input.len = head.len;
    mk_buf_printf(&input, "A: 100\r\n\r\n");
    assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                     MK_HTTP1_BAD);

    const struct mk_http1_limits *limits = &mk_http1_default_limits;
    for (uint32_t over = 0; over < 2; over++) {
        mk_buf_reset(&input, SIZE_MAX);
        mk_buf_printf(&input, "HTTP/1.1 200 OK\r\nA:%*s\r\n\r\n",
                      (int)(limits->header_bytes - 4 + over), "");
        assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                         over ? MK_HTTP1_BAD : MK_HTTP1_HEAD);
        mk_buf_reset(&input, SIZE_MAX);
        mk_buf_printf(&input, "HTTP/1.1 200 %*s\r\n\r\n", (int)(limits->request_line - 13 + over),
                      "");
        assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                         over ? MK_HTTP1_BAD : MK_HTTP1_HEAD);
    }
    /* The longest of both. */
    mk_buf_reset(&input, SIZE_MAX);
    mk_buf_printf(&input, "HTTP/1.1 200 %*s\r\nA:%*s\r\n\r\n", (int)limits->request_line - 13, "",
                  (int)limits->header_bytes - 4, "");
    assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                     MK_HTTP1_HEAD);
    assert_int_equal(consumed, input.len);
    /* One that never ends. */
    mk_buf_reset(&input, SIZE_MAX);
    mk_buf_printf(&input, "HTTP/1.1 200 %*s", 60000, "");
    assert_int_equal(mk_http1_read_response(mk_buf_slice(&input), &response, &consumed),
                     MK_HTTP1_BAD);
    mk_buf_fini(&input);
}

static void test_a_body_is_written_in_place(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 1, 10, 99, 100, 999, 1000, 70000 };
    static char body[70000];
    memset(body, 'b', sizeof(body));
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct mk_buf copied, out;
        struct mk_http1_open open;
        struct mk_slice type = MK_SLICE("application/json"), extra = MK_SLICE("Date: x\r\n");
        mk_buf_init(&copied, SIZE_MAX);
        mk_buf_init(&out, SIZE_MAX);
        mk_buf_append(&out, "before", 6);
        assert_int_equal(mk_http1_write_head(&copied, 200, type, lens[i], i % 2, extra), 0);
        mk_buf_append(&copied, body, lens[i]);
        assert_int_equal(mk_http1_begin_response(&out, 200, type, i % 2, extra, &open), 0);
        mk_buf_append(&out, body, lens[i]);
        assert_int_equal(mk_http1_end_response(&out, &open), 0);
        assert_int_equal(open.begin, 6);
        assert_int_equal(out.len - open.body, lens[i]);
        assert_int_equal(out.len, 6 + copied.len);
        assert_memory_equal(out.data + 6, copied.data, copied.len);
        mk_buf_fini(&copied);
        mk_buf_fini(&out);
    }
}

static void test_a_body_in_place_has_room_or_an_error(void **state)
{
    (void)state;
    struct mk_http1_open open;
    struct mk_buf out;
    mk_buf_init(&out, 10);
    assert_int_equal(mk_http1_begin_response(&out, 200, MK_SLICE("a/b"), true, MK_SLICE(""), &open),
                     -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_init(&out, 1200);
    assert_int_equal(mk_http1_begin_response(&out, 200, MK_SLICE("a/b"), true, MK_SLICE(""), &open),
                     0);
    static const char body[1200];
    assert_int_equal(mk_buf_append(&out, body, out.max - out.len), 0); /* four digits do not fit */
    assert_int_equal(mk_http1_end_response(&out, &open), -ENOBUFS);
    assert_int_equal(open.begin, 0);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_without_room),
        cmocka_unit_test(test_write_long),
        cmocka_unit_test(test_upgrade_required),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_refused),
        cmocka_unit_test(test_read_limits),
        cmocka_unit_test(test_a_body_is_written_in_place),
        cmocka_unit_test(test_a_body_in_place_has_room_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
