/* percent: escapes at every position of a text, valid and invalid, and bounds of the buffer. */
#include "base/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

static void expect_bytes(struct mk_buf *out, int rc, int expected_rc, struct mk_slice expected)
{
    assert_int_equal(rc, expected_rc);
    if (!mk_slice_eq(mk_buf_slice(out), expected))
        fail_msg("<%.*s> is not <%.*s>", (int)out->len, out->data, (int)expected.len, expected.ptr);
    mk_buf_reset(out, SIZE_MAX);
}

static void decodes_escapes(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 16);
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("a%20b%2Fc%2f+%e4%BD%A0")), 0,
                 MK_SLICE("a b/c/+\xe4\xbd\xa0"));
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("%00")), 0, MK_SLICE("\0"));
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("%2525")), 0, MK_SLICE("%25"));
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("%41%42")), 0, MK_SLICE("AB"));
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("")), 0, MK_SLICE(""));
    expect_bytes(&out, mk_percent_decode(&out, mk_slice_of(NULL, 0)), 0, MK_SLICE(""));
    mk_buf_append_char(&out, 'x');
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("0123456789abcdef")), -ENOBUFS,
                 MK_SLICE("x"));
    mk_buf_append_char(&out, 'x');
    expect_bytes(&out, mk_percent_decode(&out, MK_SLICE("0123456789%61%62%63de")), 0,
                 MK_SLICE("x0123456789abcde")); /* it is the length of the result that counts */
    mk_buf_fini(&out);
}

/* A '%' that begins no escape is an error, or is copied: wherever it is, and however far the text
 * goes on. */
static void bad_escapes(void **state)
{
    (void)state;
    static const char *const texts[] = { "%",    "%2",  "%g0", "%0g", "%%42", "a%",  "a%2", "a%g0",
                                         "a%0g", "%:0", "%0 ", "%@0", "%/0",  "%0`", "%0G" };
    static const char *const decoded[] = { "%",    "%2",  "%g0", "%0g", "%B",  "a%",  "a%2", "a%g0",
                                           "a%0g", "%:0", "%0 ", "%@0", "%/0", "%0`", "%0G" };
    struct mk_buf out;
    mk_buf_init(&out, 64);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t len = strlen(texts[i]);
        char *text = malloc(len), *to = malloc(len); /* of their exact size, for AddressSanitizer */
        assert_true(text && to);
        memcpy(text, texts[i], len);
        expect_bytes(&out, mk_percent_decode(&out, mk_slice_of(text, len)), -EINVAL, MK_SLICE(""));
        size_t made = mk_percent_decode_lenient(mk_slice_of(text, len), to);
        assert_true(mk_slice_eq(mk_slice_of(to, made), mk_slice_str(decoded[i])));
        free(text);
        free(to);
    }
    mk_buf_fini(&out);
}

/* Each byte, escaped in each way, between others. */
static void each_byte_there_and_back(void **state)
{
    (void)state;
    struct mk_buf escaped, plain;
    mk_buf_init(&escaped, 16);
    mk_buf_init(&plain, 16);
    for (unsigned byte = 0; byte < 256; byte++) {
        const char text[] = { 'x', (char)byte, 'y' };
        assert_int_equal(mk_percent_encode(&escaped, mk_slice_of(text, 3)), 0);
        assert_int_equal(mk_percent_decode(&plain, mk_buf_slice(&escaped)), 0);
        bool is_escaped = escaped.len == 5;
        assert_int_equal(mk_percent_at(mk_buf_slice(&escaped), 1), is_escaped ? (int)byte : -1);
        expect_bytes(&plain, 0, 0, mk_slice_of(text, 3));
        mk_buf_reset(&escaped, SIZE_MAX);
    }
    mk_buf_fini(&escaped);
    mk_buf_fini(&plain);
}

static void finds_an_escape_at(void **state)
{
    (void)state;
    struct mk_slice text = MK_SLICE("a%41%4");
    static const int expected[] = { -1, 'A', -1, -1, -1, -1, -1 };
    for (size_t at = 0; at <= text.len; at++)
        assert_int_equal(mk_percent_at(text, at), expected[at]);
    assert_int_equal(mk_percent_at(mk_slice_of(NULL, 0), 0), -1);
}

static void encodes_as_ecmascript(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 43);
    expect_bytes(&out, mk_percent_encode(&out, MK_SLICE("aZ09-_.!~*'() /?&=+%\n\xe4\xff")), 0,
                 MK_SLICE("aZ09-_.!~*'()%20%2F%3F%26%3D%2B%25%0A%E4%FF"));
    expect_bytes(&out, mk_percent_encode(&out, MK_SLICE("a")), 0, MK_SLICE("a"));
    mk_buf_append_char(&out, 'x');
    expect_bytes(&out, mk_percent_encode(&out, MK_SLICE("///////////////")), -ENOBUFS,
                 MK_SLICE("x"));
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_escapes),          cmocka_unit_test(bad_escapes),
        cmocka_unit_test(each_byte_there_and_back), cmocka_unit_test(finds_an_escape_at),
        cmocka_unit_test(encodes_as_ecmascript),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
