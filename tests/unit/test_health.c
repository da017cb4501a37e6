/* health: what is remembered of tries, and what an error means to a person. */
#include "transport/health.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_remembers_tries(void **state)
{
    (void)state;
    struct mk_health health = { 0 };
    mk_health_try(&health);
    mk_health_fail(&health, 503, "it answered 503", 60000);
    assert_true(health.failing);
    assert_true(health.next_try > mk_clock_real_ms());
    mk_health_try(&health);
    assert_int_equal(health.next_try, 0);
    mk_health_succeed(&health);
    mk_health_try(&health);
    assert_int_equal(health.attempts, 3);
    assert_int_equal(health.retries, 1);
    assert_int_equal(health.successes, 1);
    assert_false(health.failing);
    /* The last error stays to be read; there is nothing to do about it any more. */
    assert_string_equal(health.error, "it answered 503");
    assert_int_equal(mk_health_trouble(&health), MK_TROUBLE_NONE);
}

/* What was given up for good is not tried again: the next event is no retry. */
static void test_giving_up_is_no_retry(void **state)
{
    (void)state;
    struct mk_health health = { 0 };
    mk_health_try(&health);
    mk_health_fail(&health, 410, "set aside", 0);
    mk_health_try(&health);
    assert_int_equal(health.retries, 0);
}

static void test_knows_what_to_do(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *error;
        const char *trouble;
    } cases[] = {
        { 401, "it answered 401", "token" },
        { 403, "it answered 403", "token" },
        { 404, "it answered 404", "address" },
        { 301, "it answered 301", "address" },
        { 429, "it answered 429", "busy" },
        { 503, "it answered 503", "busy" },
        { 500, "it answered 500", "failing" },
        { 410, "it answered 410", "failing" },
        { 0, "connection refused", "unreachable" },
        { 0, "disconnected", "unreachable" },
        { 0, "timed out after 15 s", "slow" },
        { 0, "Could not resolve host: nowhere", "name" },
        { 0, "self-signed certificate", "tls" },
        { 0, "it closed the connection during the handshake", "address" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_health health = { 0 };
        mk_health_fail(&health, cases[i].status, cases[i].error, 1000);
        assert_string_equal(mk_trouble_name(mk_health_trouble(&health)), cases[i].trouble);
    }
}

static void test_shows_no_secrets(void **state)
{
    (void)state;
    char name[MK_REMOTE_NAME];
    assert_string_equal(
        mk_remote_name(MK_SLICE("https://user:pass@example.com/hook?key=s3cret#x"), name),
        "https://example.com:443/hook");
    assert_string_equal(mk_remote_name(MK_SLICE("ws://[::1]:8080"), name), "ws://[::1]:8080");
    assert_string_equal(mk_remote_name(MK_SLICE("no url, but s3cret"), name), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembers_tries),
        cmocka_unit_test(test_giving_up_is_no_retry),
        cmocka_unit_test(test_knows_what_to_do),
        cmocka_unit_test(test_shows_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
