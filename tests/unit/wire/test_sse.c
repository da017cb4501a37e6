/* Server-sent events as they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed.h"
#include "wire/sse.h"

#include <errno.h>

static void expect_message(uint64_t id, const char *event, struct mk_slice data,
                           const char *expected)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct feed_guard guard = feed_guard_new(data.len);
    struct mk_slice placed = mk_slice_of(feed_guard_place(guard, data), data.len);
    assert_int_equal(mk_sse_write_message(&out, id, mk_slice_str(event), placed), 0);
    mk_buf_append_char(&out, '\0');
    assert_string_equal(out.data, expected);
    feed_guard_free(guard);
    mk_buf_fini(&out);
}

static void test_message(void **state)
{
    (void)state;
    expect_message(0, NULL, MK_SLICE("{\"a\":1}"), "data: {\"a\":1}\n\n");
    expect_message(7, "milky_event", MK_SLICE("x"), "id: 7\nevent: milky_event\ndata: x\n\n");
    expect_message(UINT64_MAX, NULL, MK_SLICE("x"), "id: 18446744073709551615\ndata: x\n\n");
    expect_message(0, "e", MK_SLICE(""), "event: e\ndata: \n\n");
    expect_message(0, NULL, MK_SLICE(" x"), "data:  x\n\n");
}

static void test_line_breaks(void **state)
{
    (void)state;
    expect_message(0, NULL, MK_SLICE("a\nb"), "data: a\ndata: b\n\n");
    expect_message(0, NULL, MK_SLICE("a\rb"), "data: a\ndata: b\n\n");
    expect_message(0, NULL, MK_SLICE("a\r\nb"), "data: a\ndata: b\n\n");
    expect_message(0, NULL, MK_SLICE("a\n\rb"), "data: a\ndata: \ndata: b\n\n");
    expect_message(0, NULL, MK_SLICE("a\n"), "data: a\ndata: \n\n");
    expect_message(0, NULL, MK_SLICE("a\r"), "data: a\ndata: \n\n");
    expect_message(0, NULL, MK_SLICE("\r\n"), "data: \ndata: \n\n");
    expect_message(0, NULL, MK_SLICE("\r\r\n\n"), "data: \ndata: \ndata: \ndata: \n\n");
    expect_message(0, NULL, MK_SLICE("\nid: 5\n\ndata: x"),
                   "data: \ndata: id: 5\ndata: \ndata: data: x\n\n");
}

static void test_comment(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 64);
    assert_int_equal(mk_sse_write_comment(&out, MK_SLICE("ping")), 0);
    assert_int_equal(mk_sse_write_comment(&out, MK_SLICE("")), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&out), MK_SLICE(": ping\n\n: \n\n")));
    mk_buf_fini(&out);
}

/* Where any piece does not fit, nothing is written. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    struct mk_slice data = MK_SLICE("first\nsecond");
    size_t needed = strlen("id: 12\nevent: e\ndata: first\ndata: second\n\n");
    for (size_t max = 0; max <= needed; max++) {
        struct mk_buf out;
        mk_buf_init(&out, max);
        int rc = mk_sse_write_message(&out, 12, MK_SLICE("e"), data);
        assert_int_equal(rc, max < needed ? -ENOBUFS : 0);
        assert_int_equal(out.len, max < needed ? 0 : needed);
        mk_buf_fini(&out);
    }
    struct mk_buf out;
    mk_buf_init(&out, 7);
    assert_int_equal(mk_sse_write_comment(&out, MK_SLICE("ping")), -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_line_breaks),
        cmocka_unit_test(test_comment),
        cmocka_unit_test(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
