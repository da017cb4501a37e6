/* health: the record of tries, and the advice for errors. */
#include "transport/health.h"

#include "base/clock.h"

#include <errno.h>
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
    struct mk_failure failure;
    mk_health_fail(&health, mk_failure_status(&failure, 503), 60000);
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
    /* The last error is kept, without advice. */
    assert_string_equal(health.failure.en, "it answered 503");
    assert_int_equal(mk_health_trouble(&health), MK_TROUBLE_NONE);
}

/* An event that was given up is not tried again: the next event is no retry. */
static void test_giving_up_is_no_retry(void **state)
{
    (void)state;
    struct mk_health health = { 0 };
    mk_health_try(&health);
    struct mk_failure failure;
    mk_health_fail(&health, mk_failure_status(&failure, 410), 0);
    mk_health_try(&health);
    assert_int_equal(health.retries, 0);
}

static void assert_trouble(const struct mk_failure *failure, const char *trouble)
{
    struct mk_health health = { 0 };
    mk_health_fail(&health, failure, 1000);
    assert_string_equal(mk_trouble_name(mk_health_trouble(&health)), trouble);
}

static void test_errors_have_advice(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *trouble;
    } statuses[] = {
        { 401, "token" },   { 403, "token" },   { 404, "address" },
        { 405, "address" }, { 301, "address" }, { 429, "busy" },
        { 503, "busy" },    { 500, "failing" }, { 410, "gone" },
    };
    static const struct {
        enum mk_failure_kind kind;
        const char *trouble;
    } kinds[] = {
        { MK_FAILURE_NAME, "name" },
        { MK_FAILURE_REFUSED, "unreachable" },
        { MK_FAILURE_UNREACHABLE, "unreachable" },
        { MK_FAILURE_TIMEOUT, "slow" },
        { MK_FAILURE_CLOSED, "unreachable" },
        { MK_FAILURE_NO_ANSWER, "address" },
        { MK_FAILURE_CERTIFICATE, "tls" },
        { MK_FAILURE_TLS, "tls" },
        { MK_FAILURE_PROTOCOL, "address" },
        { MK_FAILURE_TOO_LONG, "address" },
        { MK_FAILURE_NO_MEMORY, "unreachable" },
    };
    struct mk_failure failure;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        assert_trouble(mk_failure_status(&failure, statuses[i].status), statuses[i].trouble);
    /* In every message. */
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_trouble(mk_failure_set(&failure, kinds[i].kind, "TLS timed out", "TLS 超时"),
                       kinds[i].trouble);
    assert_trouble(mk_failure_errno(&failure, -ECONNREFUSED), "unreachable");
    assert_string_equal(failure.en, "connection refused");
    assert_trouble(mk_failure_timeout(&failure, 15000), "slow");
    assert_string_equal(failure.en, "timed out after 15 s");
}

static void test_prints_no_secrets(void **state)
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
        cmocka_unit_test(test_errors_have_advice),
        cmocka_unit_test(test_prints_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
