/* Refused chunks (RFC 9112, 7.1): sizes, extensions, data, trailers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_feed.h"

struct refusal {
    unsigned status;
    struct mk_slice text;
};
#define R(status, text)                                                                            \
    {                                                                                              \
        status,                                                                                    \
        {                                                                                          \
            text, sizeof(text) - 1                                                                 \
        }                                                                                          \
    }

/* These are refused after the head was reported. */
static void test_chunks(void **state)
{
    (void)state;
    static const struct refusal bodies[] = {
        R(400, "\r\n"),
        R(400, ";a\r\n"),
        R(400, " 1\r\nx"),
        R(400, "1 \r\nx"),
        R(400, "1\t\r\nx"),
        R(400, "1 1\r\nx"),
        R(400, "+1\r\nx"),
        R(400, "-1\r\nx"),
        R(400, "0x1\r\nx"),
        R(400, "1h\r\nx"),
        R(400, "g\r\nx"),
        R(400, "1\nx"),
        R(400, "1\rx"),
        R(400, "1\r\r\nx"),
        R(400, "1;a\nx"),
        R(400, "1;a\rx"),
        R(400, "1;a\0\r\nx"),
        R(400, "1;a\x7f\r\nx"),
        R(400, "1;\r\nx"), /* extensions: RFC 9112, 7.1.1 */
        R(400, "1; \r\nx"),
        R(400, "1;;a\r\nx"),
        R(400, "1;a;\r\nx"),
        R(400, "1;a \r\nx"),
        R(400, "1;a b\r\nx"),
        R(400, "1;a=\r\nx"),
        R(400, "1;a= \r\nx"),
        R(400, "1;=b\r\nx"),
        R(400, "1;a==b\r\nx"),
        R(400, "1;a=b=c\r\nx"),
        R(400, "1;a=b c\r\nx"),
        R(400, "1;a=b \r\nx"),
        R(400, "1;a,b\r\nx"),
        R(400, "1;a:b\r\nx"),
        R(400, "1;a\xff\r\nx"),
        R(400, "1;a=b\xff\r\nx"),
        R(400, "1;\"a\"\r\nx"),
        R(400, "1;a=\"\r\nx"),
        R(400, "1;a=\"b\r\nx"),
        R(400, "1;a=\"b\\\"\r\nx"),
        R(400, "1;a=\"b\\\r\nx"),
        R(400, "1;a=\"b\\\x01\"\r\nx"),
        R(400, "1;a=\"\0\"\r\nx"),
        R(400, "1;a=\"\x7f\"\r\nx"),
        R(400, "1;a=\"b\"c\r\nx"),
        R(400, "1;a=\"b\" \r\nx"),
        R(400, "1;a=\"b\"=c\r\nx"),
        R(400, "1;a=b\"c\"\r\nx"),
        R(400, "1;a='b c'\r\nx"),
        R(400, "1a=b\r\nx"),
        R(400, "1,a\r\nx"),
        R(400, "1\0\r\nx"),
        R(400, "00000000000000001\r\nx"),
        R(400, "10000000000000000\r\nx"),
        R(400, "fffffffffffffffff\r\nx"),
        R(413, "ffffffffffffffff\r\nx"),
        R(413, "8000000000000000\r\nx"),
        R(413, "1\r\nx\r\nffffffffffffffff\r\n"),
        R(413, "1000001\r\n"),
        R(400, "1\r\nxx"),
        R(400, "1\r\nx\n"),
        R(400, "1\r\nx\r\r"),
        R(400, "1\r\nx\rx"),
        R(400, "1\r\nx0\r\n\r\n"),
        R(400, "0\r\nx\r\n\r\n"),
        R(400, "0\r\n\n"),
        R(400, "0\r\n\r\r"),
        R(400, "0\n\r\n"),
        R(400, "0\r\n a: b\r\n\r\n"),
        R(400, "0\r\n: b\r\n\r\n"),
        R(400, "0\r\na : b\r\n\r\n"),
        R(400, "0\r\na: b\n\r\n"),
        R(400, "0\r\na: b\rc\r\n\r\n"),
        R(400, "0\r\na: b\r\n c\r\n\r\n"),
        R(400, "0\r\na: \x01\r\n\r\n"),
    };
    static const char head[] = "POST / HTTP/1.0\r\n\r\nPOST / HTTP/1.1\r\nHost: h\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct mk_buf input;
        char end[16];
        mk_buf_init(&input, 4096);
        mk_buf_append_slice(&input, mk_slice_str(head));
        mk_buf_append_slice(&input, bodies[i].text);
        snprintf(end, sizeof(end), "]\nbad %u\n", bodies[i].status);
        char *log = http1_feed(mk_buf_slice(&input));
        size_t len = strlen(log);
        if (len < strlen(end) || strcmp(log + len - strlen(end), end) != 0)
            fail_msg("<%.*s> log:\n%s", (int)bodies[i].text.len, bodies[i].text.ptr, log);
        free(log);
        mk_buf_fini(&input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
