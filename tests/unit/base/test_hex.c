/* hex: every byte, every character, and texts of every length. */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char lower[] = "0123456789abcdef";

static void digits_of_either_case(void **state)
{
    (void)state;
    for (int c = -128; c < 256; c++) {
        int expected = -1;
        for (int value = 0; value < 16; value++)
            if ((char)c == lower[value] || (char)c == "0123456789ABCDEF"[value])
                expected = value;
        assert_int_equal(mk_hex_digit((char)c), expected);
    }
    for (unsigned value = 0; value < 16; value++)
        assert_int_equal(mk_hex_upper(value), "0123456789ABCDEF"[value]);
}

static void each_byte_there_and_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t byte = (uint8_t)i;
        const char expected[] = { lower[i >> 4], lower[i & 15], '\0' };
        char text[] = "xxx";
        uint8_t back = 0;
        mk_hex_write(&byte, 1, text);
        assert_string_equal(text, expected);
        assert_true(mk_hex_read(mk_slice_str(text), &back, 1));
        assert_int_equal(back, byte);
    }
    char text[] = "x";
    mk_hex_write(NULL, 0, text);
    assert_string_equal(text, "");
    assert_true(mk_hex_read(mk_slice_of(NULL, 0), NULL, 0));
}

/* Each character is replaced by each other one, lower-case digits alone are read. */
static void other_texts_are_refused(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_digit = c && strchr(lower, c);
        for (size_t at = 0; at < 4; at++) {
            char text[] = "0f1e";
            uint8_t bytes[2];
            text[at] = (char)c;
            assert_int_equal(mk_hex_read(mk_slice_of(text, 4), bytes, 2), is_digit);
        }
    }
    for (size_t len = 0; len < 8; len++) {
        uint8_t bytes[2];
        assert_int_equal(mk_hex_read(mk_slice_of("01234567", len), bytes, 2), len == 4);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        { 0, "0000000000000000" },
        { 1, "0000000000000001" },
        { UINT64_C(0x0123456789abcdef), "0123456789abcdef" },
        { INT64_MAX, "7fffffffffffffff" },
        { UINT64_MAX, "ffffffffffffffff" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[MK_HEX_U64];
        uint64_t back = 42;
        mk_hex_write_u64(cases[i].number, text);
        assert_string_equal(text, cases[i].text);
        assert_true(mk_hex_read_u64(mk_slice_str(text), &back));
        assert_true(back == cases[i].number);
    }
    static const char *const refused[] = { "",
                                           "0",
                                           "0123456789abcde",
                                           "0123456789abcdef0",
                                           "0123456789abcdeF",
                                           "0x23456789abcdef",
                                           " 123456789abcdef",
                                           "-123456789abcdef" };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        uint64_t number = 42;
        assert_false(mk_hex_read_u64(mk_slice_str(refused[i]), &number));
        assert_int_equal(number, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_of_either_case),
        cmocka_unit_test(each_byte_there_and_back),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
