/* escape: untrusted text, without characters that could forge a log line or control a terminal. */
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void shows(const char *text, size_t len, const char *expected)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_escape_append(&out, mk_slice_of(text, len)), 0);
    assert_int_equal(mk_buf_append_char(&out, '\0'), 0);
    assert_string_equal(out.data, expected);
    mk_buf_fini(&out);
}

#define SHOWS(text, expected) shows(text, sizeof(text) - 1, expected)

static void control_characters_are_escaped(void **state)
{
    (void)state;
    SHOWS("a\nb\r\tc", "a\\u000ab\\u000d\\u0009c");
    SHOWS("\x1b[2J\x7f\x08", "\\u001b[2J\\u007f\\u0008");
    SHOWS("a\0b", "a\\u0000b");
    SHOWS("\xc2\x80\xc2\x85\xc2\x9b"
          "31m\xc2\x9f",
          "\\u0080\\u0085\\u009b31m\\u009f"); /* C1: NEL, CSI */
    SHOWS("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
    SHOWS("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c");
    SHOWS("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae",
          "\\u202a\\u202b\\u202c\\u202d\\u202e");
    SHOWS("\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "\\u2066\\u2067\\u2068\\u2069");
}

static void other_text_is_unchanged(void **state)
{
    (void)state;
    static const char plain[] = "a \"\\~ \xc2\xa0\xc3\xa9 \xd8\x9b \xe2\x80\x8d\xe2\x80\xb0 "
                                "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80";
    SHOWS(plain, plain);
    /* An incomplete character is not checked here, and no byte after it is read. */
    SHOWS("\xe2\x80", "\xe2\x80");
    SHOWS("\xc2", "\xc2");
    SHOWS("", "");
}

static void the_bound_of_the_output_holds(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 5);
    assert_true(mk_escape_append(&out, MK_SLICE("\n")) < 0);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(other_text_is_unchanged),
        cmocka_unit_test(the_bound_of_the_output_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
