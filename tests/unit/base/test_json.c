/* json: what is counted before a text is read. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

/* Each character before a value counts, wherever it is: also at the ends of what is counted at
 * once. */
static void test_values(void **state)
{
    (void)state;
    static const char marks[] = ",:[{";
    char text[1000];
    for (size_t len = 1; len <= sizeof(text); len++) {
        memset(text, 'x', len);
        text[0] = text[len - 1] = marks[len % 4];
        size_t values = len == 1 ? 2 : 3;
        assert_true(mk_json_has_at_most(mk_slice_of(text, len), values));
        if (len >= values)
            assert_false(mk_json_has_at_most(mk_slice_of(text, len), values - 1));
    }
    for (int c = 0; c < 256; c++) {
        memset(text, c, 300);
        bool counts = c != 0 && strchr(marks, c);
        assert_int_equal(mk_json_has_at_most(mk_slice_of(text, 300), 300), !counts);
        assert_true(mk_json_has_at_most(mk_slice_of(text, 300), 301));
    }
}

static void test_escapes(void **state)
{
    (void)state;
    enum { MOST = 8 * 1024 * 1024 };
    char *text = malloc(2 * MOST + 2);
    assert_non_null(text);
    for (size_t i = 0; i <= MOST; i++)
        memcpy(text + 2 * i, "\\n", 2);
    assert_true(mk_json_has_at_most(mk_slice_of(text, 2 * MOST), 1000));
    assert_false(mk_json_has_at_most(mk_slice_of(text, 2 * MOST + 2), 1000));
    assert_false(mk_json_is_within_limit(mk_slice_of(text, 2 * MOST + 2)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
