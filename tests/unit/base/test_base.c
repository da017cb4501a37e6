/* The room that all others use: slice, buf, list, arena, utf8, backoff, secret, random, log, error
 * texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/error_text.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void test_slice_eq(void **state)
{
    (void)state;
    struct mk_slice none = { 0 };
    assert_true(mk_slice_eq(none, MK_SLICE("")));
    assert_true(mk_slice_eq_nocase(none, MK_SLICE("")));
    assert_false(mk_slice_eq(MK_SLICE("a"), MK_SLICE("A")));
    assert_true(mk_slice_eq_nocase(MK_SLICE("aZ-9"), MK_SLICE("Az-9")));
    /* '@' and '`', '[' and '{' differ by the same bit as upper and lower case, but are no letters.
     */
    assert_false(mk_slice_eq_nocase(MK_SLICE("@"), MK_SLICE("`")));
    assert_false(mk_slice_eq_nocase(MK_SLICE("["), MK_SLICE("{")));
    assert_false(mk_slice_eq_nocase(MK_SLICE("\xc4"), MK_SLICE("\xe4")));
    assert_false(mk_slice_eq_nocase(MK_SLICE("ab"), MK_SLICE("abc")));
    assert_int_equal(mk_slice_str(NULL).len, 0);
    assert_true(mk_slice_starts_with(MK_SLICE("abc"), MK_SLICE("ab")));
    assert_true(mk_slice_starts_with(none, none));
    assert_false(mk_slice_starts_with(MK_SLICE("a"), MK_SLICE("ab")));
    assert_true(mk_slice_eq(mk_slice_from(MK_SLICE("abc"), 2), MK_SLICE("c")));
    assert_int_equal(mk_slice_from(MK_SLICE("abc"), 4).len, 0);
}

static void test_slice_trim_and_dup(void **state)
{
    (void)state;
    assert_true(mk_slice_eq(mk_slice_trim(MK_SLICE(" \t a b\t ")), MK_SLICE("a b")));
    assert_int_equal(mk_slice_trim(MK_SLICE(" \t ")).len, 0);
    assert_true(mk_slice_eq(mk_slice_trim(MK_SLICE("\na")), MK_SLICE("\na")));
    char *copy = mk_slice_dup(MK_SLICE("a\0b"));
    assert_non_null(copy);
    assert_memory_equal(copy, "a\0b", 4);
    free(copy);
}

static void test_slice_next(void **state)
{
    (void)state;
    struct mk_slice rest = MK_SLICE(", a ,,\tb;q=1 , ,c");
    static const char *const elements[] = { "a", "b;q=1", "c" };
    struct mk_slice element;
    for (size_t i = 0; i < 3; i++) {
        assert_true(mk_slice_next(&rest, ',', &element));
        assert_true(mk_slice_eq(element, mk_slice_str(elements[i])));
    }
    assert_false(mk_slice_next(&rest, ',', &element));
    rest = MK_SLICE(" , ");
    assert_false(mk_slice_next(&rest, ',', &element));
}

static void test_buf(void **state)
{
    (void)state;
    struct mk_buf buf;
    mk_buf_init(&buf, 300);
    assert_int_equal(mk_buf_append(&buf, NULL, 0), 0);
    assert_null(buf.data);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(mk_buf_append_char(&buf, (char)i), 0);
    assert_int_equal(mk_buf_append_char(&buf, 'x'), -ENOBUFS);
    assert_int_equal(mk_buf_reserve(&buf, SIZE_MAX), -ENOBUFS);
    assert_int_equal(buf.len, 300);
    assert_true(buf.cap <= buf.max);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(buf.data[i], (char)i);
    mk_buf_consume(&buf, 298);
    assert_true(mk_slice_eq(mk_buf_slice(&buf), MK_SLICE("\x2a\x2b")));
    mk_buf_consume(&buf, 2);
    assert_int_equal(buf.len, 0);
    size_t cap = buf.cap;
    mk_buf_reset(&buf, cap);
    assert_int_equal(buf.cap, cap);
    mk_buf_reset(&buf, cap - 1);
    assert_null(buf.data);
    assert_int_equal(mk_buf_append(&buf, "again", 5), 0);
    mk_buf_fini(&buf);
    mk_buf_fini(NULL);
    assert_int_equal(buf.max, 300);
}

static void test_buf_formats(void **state)
{
    (void)state;
    struct mk_buf buf;
    mk_buf_init(&buf, 64);
    assert_int_equal(mk_buf_append_u64(&buf, 0), 0);
    assert_int_equal(mk_buf_append_u64(&buf, UINT64_MAX), 0);
    assert_int_equal(mk_buf_printf(&buf, "[%s %d]", "x", -1), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&buf), MK_SLICE("018446744073709551615[x -1]")));
    size_t before = buf.len;
    assert_int_equal(mk_buf_printf(&buf, "%100s", ""), -ENOBUFS);
    assert_int_equal(buf.len, before);
    mk_buf_fini(&buf);
}

struct item {
    int number;
    struct mk_list link;
};

static int sum_of(struct mk_list *head)
{
    int sum = 0;
    MK_LIST_FOR_EACH (it, head)
        sum = sum * 10 + MK_CONTAINER_OF(it, struct item, link)->number;
    return sum;
}

static void test_list(void **state)
{
    (void)state;
    struct mk_list head;
    struct mk_list other;
    struct item items[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 } };
    mk_list_init(&head);
    assert_true(mk_list_empty(&head));
    mk_list_take(&other, &head);
    assert_true(mk_list_empty(&other));
    for (size_t i = 0; i < 4; i++)
        mk_list_push(&head, &items[i].link);
    assert_int_equal(sum_of(&head), 1234);
    mk_list_remove(&items[1].link);
    mk_list_remove(&items[1].link); /* in no list: nothing happens */
    assert_int_equal(sum_of(&head), 134);
    mk_list_take(&other, &head);
    assert_true(mk_list_empty(&head));
    assert_int_equal(sum_of(&other), 134);
    MK_LIST_FOR_EACH (it, &other)
        mk_list_remove(it);
    assert_true(mk_list_empty(&other));
}

static void test_arena(void **state)
{
    (void)state;
    struct mk_arena arena;
    mk_arena_init(&arena);
    mk_arena_reset(&arena);
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = mk_arena_alloc(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal((unsigned char)pieces[i][k], i);
    assert_null(mk_arena_alloc(&arena, SIZE_MAX));
    assert_non_null(mk_arena_alloc(&arena, 100000));
    assert_string_equal(mk_arena_dup(&arena, MK_SLICE("text")), "text");
    assert_string_equal(mk_arena_dup(&arena, mk_slice_of(NULL, 0)), "");
    assert_string_equal(mk_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    mk_arena_reset(&arena);
    assert_non_null(mk_arena_alloc(&arena, 1));
    mk_arena_fini(&arena);
    mk_arena_fini(NULL);
}

static void test_arena_grow(void **state)
{
    (void)state;
    struct mk_arena arena;
    mk_arena_init(&arena);
    char *piece = mk_arena_alloc(&arena, 10);
    assert_non_null(piece);
    memcpy(piece, "0123456789", 10);
    char *same = mk_arena_grow(&arena, piece, 10, 1000);
    assert_ptr_equal(same, piece); /* the last one grows in place */
    char *behind = mk_arena_alloc(&arena, 16);
    assert_non_null(behind);
    assert_true(behind >= same + 1000);
    char *moved = mk_arena_grow(&arena, same, 1000, 2000);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, same);
    assert_memory_equal(moved, "0123456789", 10);
    char *far = mk_arena_grow(&arena, moved, 2000, 50000);
    assert_non_null(far);
    assert_memory_equal(far, "0123456789", 10);
    memset(far, 'x', 50000);
    assert_ptr_equal(mk_arena_grow(&arena, far, 50000, 5), far);
    assert_null(mk_arena_grow(&arena, far, 50000, SIZE_MAX));
    mk_arena_fini(&arena);
}

/* A text of characters of 1, 2, 3 and 4 bytes into every size. */
static void test_utf8_copy(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80z";
    static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
    for (size_t size = 1; size <= sizeof(kept) / sizeof(kept[0]); size++) {
        char *to = malloc(size); /* of its exact size, for AddressSanitizer */
        assert_non_null(to);
        mk_utf8_copy(to, size, mk_slice_str(text));
        assert_int_equal(strlen(to), kept[size - 1]);
        assert_memory_equal(to, text, kept[size - 1]);
        free(to);
    }
    char nothing[] = "x";
    mk_utf8_copy(nothing, sizeof(nothing), mk_slice_of(NULL, 0));
    assert_string_equal(nothing, "");
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        struct mk_slice text;
        size_t prefix;
    } cases[] = {
        { { "", 0 }, 0 },
        { { "plain ASCII text\0\x7f", 18 }, 18 },
        { { "\xc2\x80\xdf\xbf", 4 }, 4 },
        { { "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12 }, 12 },
        { { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 }, 8 },
        { { "12345678901234567\xe4\xbd\xa0"
            "123456789",
            29 },
          29 },
        /* not valid from `prefix` on */
        { { "a\x80", 2 }, 1 },
        { { "\xc0\x80", 2 }, 0 },
        { { "\xc1\xbf", 2 }, 0 },
        { { "\xe0\x9f\xbf", 3 }, 0 },
        { { "\xed\xa0\x80", 3 }, 0 },
        { { "\xf0\x8f\xbf\xbf", 4 }, 0 },
        { { "\xf4\x90\x80\x80", 4 }, 0 },
        { { "\xf5\x80\x80\x80", 4 }, 0 },
        { { "\xff", 1 }, 0 },
        { { "ab\xe4\xbd", 4 }, 2 },
        { { "ab\xe4\xbd"
            "c",
            5 },
          2 },
        { { "ab\xf0\x90\x80", 5 }, 2 },
        { { "1234567\x80"
            "9",
            9 },
          7 },
        { { "12345678\xc3", 9 }, 8 },
        { { "\xc3\xa9\xc3", 3 }, 2 },
        { { "\xc3\xa9\xa9", 3 }, 2 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_slice text = cases[i].text;
        assert_int_equal(mk_utf8_valid(text), cases[i].prefix == text.len);
        assert_int_equal(mk_utf8_valid_prefix(text), cases[i].prefix);
        /* Byte by byte it must fail at the same byte, or need the same number of bytes. */
        struct mk_utf8 pieces = { 0 };
        bool fine = true;
        for (size_t at = 0; at < text.len && fine; at++)
            fine = mk_utf8_feed(&pieces, text.ptr + at, 1);
        assert_int_equal(fine && pieces.need == 0, cases[i].prefix == text.len);
    }
}

static void test_backoff(void **state)
{
    (void)state;
    struct mk_backoff backoff = { .first_ms = 100, .most_ms = 1000 };
    static const uint32_t most[] = { 100, 200, 400, 800, 1000, 1000 };
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        uint32_t wait = mk_backoff_next(&backoff);
        assert_in_range(wait, most[i] / 2, most[i]);
    }
    backoff.tries = UINT32_MAX - 1;
    assert_in_range(mk_backoff_next(&backoff), 500, 1000);
    mk_backoff_reset(&backoff);
    assert_in_range(mk_backoff_next(&backoff), 50, 100);
    struct mk_backoff largest = { .first_ms = UINT32_MAX, .most_ms = UINT32_MAX, .tries = 40 };
    assert_in_range(mk_backoff_next(&largest), UINT32_MAX / 2, UINT32_MAX);
    struct mk_backoff never = { 0 };
    assert_int_equal(mk_backoff_next(&never), 0);
}

static void test_secret(void **state)
{
    (void)state;
    assert_true(mk_secret_eq(MK_SLICE("token"), MK_SLICE("token")));
    assert_false(mk_secret_eq(MK_SLICE("token"), MK_SLICE("tokeN")));
    assert_false(mk_secret_eq(MK_SLICE("token"), MK_SLICE("Token")));
    assert_false(mk_secret_eq(MK_SLICE("token"), MK_SLICE("toke")));
    assert_false(mk_secret_eq(MK_SLICE("token"), MK_SLICE("tokentoken")));
    assert_false(mk_secret_eq(MK_SLICE("token"), MK_SLICE("")));
    assert_false(mk_secret_eq(MK_SLICE(""), MK_SLICE("token")));
    assert_false(mk_secret_eq(MK_SLICE(""), MK_SLICE("\0")));
    assert_false(mk_secret_eq(MK_SLICE("a"), MK_SLICE("a\0")));
    assert_true(mk_secret_eq(MK_SLICE("a\0b"), MK_SLICE("a\0b")));
    assert_false(mk_secret_eq(MK_SLICE("a\0b"), MK_SLICE("a\0c")));
    assert_true(mk_secret_eq(mk_slice_of(NULL, 0), MK_SLICE("")));
}

static void test_error_texts(void **state)
{
    (void)state;
    for (int error = 1; error < 134; error++)
        if (error != 41 && error != 58) /* there are none */
            assert_string_equal(mk_error_text(error), strerror(error));
    assert_string_equal(mk_error_text(100000), "Unknown error");
    assert_string_equal(mk_error_text(-1), "Unknown error");
}

static void test_random_and_clock(void **state)
{
    (void)state;
    unsigned char a[600] = { 0 };
    unsigned char b[600] = { 0 };
    mk_random_bytes(a, sizeof(a));
    mk_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    mk_random_bytes(a, 16);
    mk_random_bytes(b, 16);
    assert_memory_not_equal(a, b, 16);
    struct mk_random one = { 0 }, other = { 0 };
    for (int i = 0; i < 40; i++) { /* more than a stock */
        mk_random_take(&one, a, 16);
        mk_random_take(&other, b, 16);
        assert_memory_not_equal(a, b, 16);
        mk_random_take(&one, b, 16);
        assert_memory_not_equal(a, b, 16);
    }
    mk_random_take(&one, a, sizeof(a)); /* more than it can hold */
    mk_random_take(&one, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    uint32_t all = 0;
    for (int i = 0; i < 200; i++)
        all |= mk_random_u32();
    assert_int_equal(all, UINT32_MAX);
    uint64_t before = mk_clock_mono_ms();
    assert_true(mk_clock_mono_ms() >= before);
    assert_true(mk_clock_real_ms() > UINT64_C(1600000000000));
}

static char last_line[8192];
static unsigned lines;

static void catch_line(const char *line, size_t len)
{
    snprintf(last_line, sizeof(last_line), "%.*s", (int)len, line);
    lines++;
}

static void test_log(void **state)
{
    (void)state;
    mk_log_error("x", "there is no writer", "没有接收者");
    assert_false(mk_log_enabled(MK_LOG_ERROR));
    mk_log_setup(MK_LOG_INFO, MK_LOG_TEXT, catch_line);
    mk_log_debug("x", "below the level", "低于级别");
    assert_int_equal(lines, 0);
    mk_log_info("webhook", "from %s", "来自 %s", "a\nb\x7f\x1b[31m\"\\");
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "Z info  webhook: from a\\u000ab\\u007f\\u001b[31m\"\\\n"));
    mk_log_setup(MK_LOG_DEBUG, MK_LOG_JSON, catch_line);
    mk_log_debug("net", "%s", "%s", "say \"\\\" \r\n \xe4\xbd\xa0");
    assert_int_equal(lines, 2);
    assert_non_null(strstr(last_line, "\"level\":\"debug\",\"module\":\"net\",\"message\":"
                                      "\"say \\\"\\\\\\\" \\u000d\\u000a \xe4\xbd\xa0\"}\n"));
    mk_language_set(MK_CHINESE);
    mk_log_info("hub", "event %d of bot %s", "事件 %d（Bot %s）", 7, "x");
    assert_non_null(strstr(last_line, "\"module\":\"hub\",\"message\":\"事件 7（Bot x）\"}\n"));
    mk_language_set(MK_ENGLISH);
    mk_log_info("hub", "event %d of bot %s", "事件 %d（Bot %s）", 7, "x");
    assert_non_null(strstr(last_line, "\"message\":\"event 7 of bot x\"}\n"));
    lines = 2;
    /* The longest message is cut, between two characters, and the line stays whole. */
    char long_text[6001];
    for (size_t i = 0; i < 6000; i += 3)
        memcpy(long_text + i, "\xe4\xbd\xa0", 3);
    long_text[6000] = '\0';
    mk_log_error("net", "%s", "%s", long_text);
    assert_int_equal(lines, 3);
    assert_true(mk_utf8_valid(mk_slice_str(last_line)));
    assert_string_equal(last_line + strlen(last_line) - 6, "\xe4\xbd\xa0\"}\n");
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    mk_log_error("net", "off again", "再次关闭");
    assert_int_equal(lines, 3);
}

static void test_base64(void **state)
{
    (void)state;
    uint8_t out[300], again[300];
    char text[512];
    size_t len;
    static const char *const good[][2] = {
        { "", "" },        { "Zg==", "f" },        { "Zm8=", "fo" },
        { "Zm9v", "foo" }, { "Zm9vYg==", "foob" }, { "+/+/", "\xfb\xff\xbf" },
    };
    static const char *const bad[] = { "Z",    "Zg",     "Zg=",  "Zh==",      "Zm9=",
                                       "Z===", "====",   "=AAA", "A=AA",      "Zg==Zg==",
                                       "Zm 9", "Zm9v\n", "-_-_", "\xc3\xa4==" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct mk_slice bytes = mk_slice_str(good[i][1]);
        struct mk_buf buf;
        mk_buf_init(&buf, 16);
        assert_int_equal(mk_base64_append(&buf, (const uint8_t *)bytes.ptr, bytes.len), 0);
        assert_true(mk_slice_eq(mk_buf_slice(&buf), mk_slice_str(good[i][0])));
        mk_buf_fini(&buf);
        assert_true(mk_base64_decode(mk_slice_str(good[i][0]), out, &len));
        assert_true(mk_slice_eq(mk_slice_of((char *)out, len), mk_slice_str(good[i][1])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(mk_base64_decode(mk_slice_str(bad[i]), out, &len));
    for (size_t count = 0; count < 256; count++) {
        for (size_t i = 0; i < count; i++)
            out[i] = (uint8_t)(i * 37 + count);
        mk_base64_encode(out, count, text);
        assert_true(mk_base64_decode(mk_slice_of(text, mk_base64_chars(count)), again, &len));
        assert_int_equal(len, count);
        assert_memory_equal(out, again, count);
        mk_base64url_encode(out, count, text);
        assert_int_equal(strlen(text), (count * 4 + 2) / 3);
        assert_true(mk_base64url_decode(mk_slice_str(text), again, count));
        assert_memory_equal(out, again, count);
        assert_false(mk_base64url_decode(mk_slice_str(text), again, count + 1));
    }
    assert_false(mk_base64url_decode(MK_SLICE("AB"), again, 1)); /* bits are left over */
    assert_false(mk_base64url_decode(MK_SLICE("A+"), again, 1));
}

/* A text in runs of `run` characters. Returns the fault; the bytes are in `out`. */
static enum mk_base64_fault read_runs(struct mk_slice text, size_t run, struct mk_buf *out,
                                      uint64_t *position)
{
    struct mk_base64_reader reader = { 0 };
    enum mk_base64_fault fault = MK_BASE64_GOOD;
    uint8_t piece[80];
    size_t len = 0;
    while (text.len > 0 && !fault) {
        size_t count = text.len < run ? text.len : run;
        fault = mk_base64_read(&reader, mk_slice_of(text.ptr, count), piece, &len);
        assert_true(len <= mk_base64_most(count));
        assert_int_equal(mk_buf_append(out, piece, len), 0);
        text = mk_slice_from(text, count);
    }
    *position = reader.position;
    if (fault)
        return fault;
    fault = mk_base64_read_end(&reader, piece, &len);
    assert_int_equal(mk_buf_append(out, piece, len), 0);
    return fault;
}

static void test_base64_of_encoders(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        enum mk_base64_fault fault;
        uint64_t position;
    } cases[] = {
        { "", "", 0, 0 },
        { " \r\n\t", "", 0, 0 },
        { "Zg==", "f", 0, 0 },
        { "Zg", "f", 0, 0 },
        { "Zg=", "f", 0, 0 },
        { "Zm8", "fo", 0, 0 },
        { "Zm9vYg", "foob", 0, 0 },
        { "Zm9v\r\nYmFy\r\n", "foobar", 0, 0 },
        { " Z m 9\n v \tY g = \v=\f ", "foob", 0, 0 },
        { "+/+/-_-_", "\xfb\xff\xbf\xfb\xff\xbf", 0, 0 },
        { "+_-/", "\xfb\xff\xbf", 0, 0 },
        { "Z", "", MK_BASE64_CUT, 0 },
        { "Zm9vY", "foo", MK_BASE64_CUT, 0 },
        { "Zh==", "", MK_BASE64_CUT, 0 },
        { "Zm9", "", MK_BASE64_CUT, 0 },
        { "Z===", "", MK_BASE64_PADDING, 1 },
        { "====", "", MK_BASE64_PADDING, 0 },
        { "Zm9v=", "foo", MK_BASE64_PADDING, 4 },
        { "Zm8==", "", MK_BASE64_PADDING, 4 },
        { "Zg===", "", MK_BASE64_PADDING, 4 },
        { "Zg==Zg==", "", MK_BASE64_PADDING, 4 },
        { "A=AA", "", MK_BASE64_PADDING, 1 },
        { "Zm9v\n!m9v", "foo", MK_BASE64_CHARACTER, 5 },
        { "Zm9vZ.", "foo", MK_BASE64_CHARACTER, 5 },
        { "Zg==%", "", MK_BASE64_CHARACTER, 4 },
        { "\xc3\xa4==", "", MK_BASE64_CHARACTER, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t run = 1; run < 20; run++) {
            struct mk_buf out;
            uint64_t position;
            mk_buf_init(&out, 64);
            struct mk_slice text = mk_slice_str(cases[i].text);
            assert_int_equal(read_runs(text, run, &out, &position), cases[i].fault);
            assert_true(mk_slice_eq(mk_buf_slice(&out), mk_slice_str(cases[i].bytes)));
            if (cases[i].fault && cases[i].fault != MK_BASE64_CUT)
                assert_int_equal(position, cases[i].position);
            else
                assert_int_equal(position, text.len);
            if (!cases[i].fault)
                assert_int_equal(mk_base64_bytes(mk_base64_count(text)), out.len);
            mk_buf_fini(&out);
        }
    /* NUL is no white space, and no letter. */
    struct mk_buf out;
    uint64_t position;
    mk_buf_init(&out, 64);
    assert_int_equal(read_runs(MK_SLICE("Zm9v\0"), 9, &out, &position), MK_BASE64_CHARACTER);
    mk_buf_fini(&out);
}

static void test_digest(void **state)
{
    (void)state;
    uint8_t out[MK_SHA256_LEN];
    char text[2 * MK_SHA256_LEN + 1];
    struct mk_digest *digest = mk_digest_sha256();
    mk_digest_add(digest, MK_SLICE("a"));
    mk_digest_add(digest, MK_SLICE("bc"));
    assert_int_equal(mk_digest_end(digest, out), 0);
    mk_hex_write(out, MK_SHA256_LEN, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest = mk_digest_sha1();
    assert_int_equal(mk_digest_end(digest, out), 0);
    mk_hex_write(out, MK_SHA1_LEN, text);
    assert_string_equal(text, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    /* RFC 4231, test case 2 */
    assert_int_equal(
        mk_hmac_sha256(MK_SLICE("Jefe"), MK_SLICE("what do ya want for nothing?"), out), 0);
    mk_hex_write(out, MK_SHA256_LEN, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(mk_digest_end(NULL, out), -ENOMEM);
}

/* The text is appended, and where it does not fit nothing has changed. */
static void test_json_is_written_in_place(void **state)
{
    (void)state;
    static const char long_text[3000] = "x";
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *array = yyjson_mut_arr(doc);
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX);
    yyjson_mut_arr_add_strn(doc, array, "a\"b", 3);
    yyjson_mut_arr_add_uint(doc, array, 7);
    assert_int_equal(mk_buf_append(&out, "data:", 5), 0);
    assert_int_equal(mk_json_write(&out, array), 0);
    assert_int_equal(mk_json_write_string(&out, MK_SLICE("\n")), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&out), MK_SLICE("data:[\"a\\\"b\",7]\"\\n\"")));
    for (int i = 0; i < 20; i++)
        yyjson_mut_arr_add_strn(doc, array, long_text, sizeof(long_text));
    size_t before = out.len;
    assert_int_equal(mk_json_write(&out, array), 0);
    assert_true(out.len - before > 20 * sizeof(long_text));
    assert_memory_equal(out.data + before, "[\"a", 3);
    assert_memory_equal(out.data + out.len - 2, "\"]", 2);
    out.len = before;
    yyjson_mut_arr_add_strn(doc, array, "\xff", 1);
    assert_int_equal(mk_json_write(&out, array), -EINVAL);
    assert_int_equal(out.len, before);
    mk_buf_fini(&out);
    mk_buf_init(&out, 1000);
    assert_int_equal(mk_json_write(&out, array), -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_fini(&out);
    yyjson_mut_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slice_eq),
        cmocka_unit_test(test_slice_trim_and_dup),
        cmocka_unit_test(test_slice_next),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_buf_formats),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_grow),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_utf8_copy),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_random_and_clock),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_of_encoders),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_json_is_written_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
