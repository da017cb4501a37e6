/* cors: which origins are allowed, and the header lines of answers to them. */
#include "web/cors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct mk_http1_request ask(struct mk_http1_header headers[3], const char *method,
                                   const char *origin, const char *asked, const char *is_private)
{
    headers[0] = (struct mk_http1_header){ MK_SLICE("origin"), mk_slice_str(origin) };
    headers[1] =
        (struct mk_http1_header){ MK_SLICE("access-control-request-method"), mk_slice_str(asked) };
    headers[2] = (struct mk_http1_header){ MK_SLICE("access-control-request-private-network"),
                                           mk_slice_str(is_private) };
    return (struct mk_http1_request){
        .method = mk_slice_str(method),
        .headers = headers,
        .header_count = 3,
    };
}

static const struct mk_slice list = { "https://a.example\nhttp://b.example:8080\n", 40 };

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        bool expected;
    } cases[] = {
        { "https://a.example", true },
        { "http://b.example:8080", true },
        { "http://a.example", false },
        { "https://a.example/", false },
        { "https://A.example", false },
        { "https://a.example:443", false },
        { "https://a.exampl", false },
        { "https://a.example.evil", false },
        { "http://b.example", false },
        { "https://a.example\nhttp://b.example:8080", false },
        { "null", false },
        { "*", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_slice origin = mk_slice_str(cases[i].origin);
        assert_int_equal(mk_cors_lists(list, origin), cases[i].expected);
        assert_false(mk_cors_lists(MK_SLICE(""), origin));
        assert_int_equal(mk_cors_lists(MK_SLICE("*\n"), origin), origin.len > 0);
    }
    assert_false(mk_cors_lists(MK_SLICE("*\n"), (struct mk_slice){ 0 }));
}

static void test_preflight(void **state)
{
    (void)state;
    struct mk_http1_header headers[3];
    struct mk_http1_request request = ask(headers, "OPTIONS", "https://a.example", "POST", NULL);
    assert_true(mk_cors_is_preflight(list, &request));
    assert_true(mk_cors_is_preflight(MK_SLICE("*\n"), &request));
    assert_false(mk_cors_is_preflight(MK_SLICE(""), &request));
    request = ask(headers, "OPTIONS", "https://c.example", "POST", NULL);
    assert_false(mk_cors_is_preflight(list, &request));
    request = ask(headers, "OPTIONS", "https://a.example", NULL, NULL);
    assert_false(mk_cors_is_preflight(list, &request));
    request = ask(headers, "OPTIONS", NULL, "POST", NULL);
    assert_false(mk_cors_is_preflight(MK_SLICE("*\n"), &request));
    request = ask(headers, "POST", "https://a.example", "POST", NULL);
    assert_false(mk_cors_is_preflight(list, &request));
}

static void assert_lines(struct mk_slice origins, const char *origin, const char *expected)
{
    struct mk_http1_header headers[3];
    struct mk_http1_request request = ask(headers, "GET", origin, NULL, NULL);
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_cors_write(&out, origins, &request), 0);
    assert_int_equal(mk_buf_append_char(&out, '\0'), 0);
    assert_string_equal(out.data, expected);
    mk_buf_fini(&out);
}

#define EXPOSED "Access-Control-Expose-Headers: Retry-After, Content-Range, Content-Disposition\r\n"

static void test_lines(void **state)
{
    (void)state;
    assert_lines(MK_SLICE(""), "https://a.example", "");
    assert_lines(list, "https://a.example",
                 "Access-Control-Allow-Origin: https://a.example\r\n" EXPOSED "Vary: Origin\r\n");
    assert_lines(list, "https://c.example", "Vary: Origin\r\n");
    assert_lines(list, NULL, "Vary: Origin\r\n");
    assert_lines(MK_SLICE("*\n"), "null", "Access-Control-Allow-Origin: *\r\n" EXPOSED);
    assert_lines(MK_SLICE("*\n"), NULL, "");
}

static void test_preflight_lines(void **state)
{
    (void)state;
    struct mk_http1_header headers[3];
    for (int is_private = 0; is_private < 2; is_private++) {
        struct mk_http1_request request =
            ask(headers, "OPTIONS", "https://a.example", "POST", is_private ? "true" : NULL);
        struct mk_buf out;
        mk_buf_init(&out, 4096);
        assert_int_equal(mk_cors_write_preflight(&out, &request), 0);
        assert_int_equal(mk_buf_append_char(&out, '\0'), 0);
        assert_non_null(
            strstr(out.data, "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE\r\n"));
        assert_non_null(strstr(out.data, "Authorization, Content-Type, Last-Event-ID"));
        assert_int_equal(strstr(out.data, "Allow-Private-Network: true\r\n") != NULL, is_private);
        mk_buf_fini(&out);
    }
    /* Nothing is cut: a buf that is too small is an error. */
    struct mk_http1_request request = ask(headers, "GET", "https://a.example", NULL, NULL);
    struct mk_buf small;
    mk_buf_init(&small, 40);
    assert_true(mk_cors_write(&small, list, &request) < 0);
    mk_buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_preflight),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_preflight_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
