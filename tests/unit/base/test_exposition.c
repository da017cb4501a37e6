/* exposition: Prometheus' text format, escapes and errors. */
#include "base/exposition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_text(const struct mk_buf *out, const char *expected)
{
    assert_int_equal(out->len, strlen(expected));
    assert_memory_equal(out->data, expected, out->len);
}

static void test_writes_families(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct mk_exposition x = { .out = &out };
    mk_exposition_family(&x, "a_total", "counter", "All of a.");
    mk_exposition_count(&x, "", 7, NULL);
    mk_exposition_count(&x, "", UINT64_MAX, "bot", "1", "type", "x", NULL);
    mk_exposition_family(&x, "b_seconds", "histogram", "Time.");
    mk_exposition_number(&x, "_sum", 1795352200.25, "bot", "1", NULL);
    mk_exposition_number(&x, "_sum", 0, NULL);
    assert_int_equal(x.rc, 0);
    assert_text(&out, "# HELP a_total All of a.\n# TYPE a_total counter\n"
                      "a_total 7\n"
                      "a_total{bot=\"1\",type=\"x\"} 18446744073709551615\n"
                      "# HELP b_seconds Time.\n# TYPE b_seconds histogram\n"
                      "b_seconds_sum{bot=\"1\"} 1795352200.25\n"
                      "b_seconds_sum 0\n");
    mk_buf_fini(&out);
}

static void test_escapes_values(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    struct mk_exposition x = { .out = &out, .name = "a" };
    mk_exposition_count(&x, "", 1, "name", "\"quoted\"\\back\nline\tand \xe4\xb8\xad", NULL);
    assert_text(&out, "a{name=\"\\\"quoted\\\"\\\\back\\nline\tand \xe4\xb8\xad\"} 1\n");
    mk_buf_fini(&out);
}

/* The first error is kept; nothing is written after an incomplete sample. */
static void test_keeps_the_first_error(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 16);
    struct mk_exposition x = { .out = &out, .name = "a" };
    mk_exposition_count(&x, "", 123456, NULL);
    assert_int_equal(x.rc, 0);
    mk_exposition_count(&x, "", 123456789, NULL);
    assert_int_equal(x.rc, -ENOBUFS);
    size_t len = out.len;
    mk_exposition_count(&x, "", 1, NULL);
    mk_exposition_number(&x, "", 1, NULL);
    mk_exposition_family(&x, "b", "gauge", "B.");
    assert_int_equal(x.rc, -ENOBUFS);
    assert_int_equal(out.len, len);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_families),
        cmocka_unit_test(test_escapes_values),
        cmocka_unit_test(test_keeps_the_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
