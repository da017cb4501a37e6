/* The dates of HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http_date.h"

static void expect(const char *text, int64_t expected)
{
    int64_t seconds = -7;
    bool found = mk_http_date_parse(mk_slice_str(text), &seconds);
    assert_int_equal(found, expected >= 0);
    assert_int_equal(seconds, expected >= 0 ? expected : -7);
}

static void dates_are_read(void **state)
{
    (void)state;
    expect("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    expect("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    expect("Sun Nov  6 08:49:37 1994", 784111777);
    expect("Sun Nov 16 08:49:37 1994", 784975777);
    expect("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    expect("Tue, 29 Feb 2000 23:59:59 GMT", 951868799);
    expect("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800); /* a leap second */
    expect("Fri, 01-Jan-38 00:00:00 GMT", 2145916800);
    expect("Mon, 01 Mar 2100 00:00:00 GMT", 4107542400);
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ",",
        "Sun",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:3x GMT",
        "Sun Nov  6 08:49:37 1994 GMT",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(wrong[i], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
