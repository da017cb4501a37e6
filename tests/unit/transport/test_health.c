/* health: the record of tries, and of their ends. */
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
    assert_int_equal(mk_health_advice(&health)->trouble, MK_TROUBLE_NONE);
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

/* That a connection can be made again does not mend its ends. */
static void test_ends_of_connections_keep_their_advice(void **state)
{
    (void)state;
    struct mk_health health = { .traits = MK_REMOTE_WEBSOCKET };
    struct mk_failure failure;
    mk_failure_set(&failure, MK_FAILURE_CLOSE, "closed", "已关闭");
    failure.status = 1008;
    mk_health_fail(&health, &failure, 1000);
    mk_health_succeed(&health);
    assert_int_equal(mk_health_advice(&health)->trouble, MK_TROUBLE_TOKEN);
    mk_health_fail(&health, mk_failure_errno(&failure, -ECONNREFUSED), 1000);
    assert_int_equal(mk_health_advice(&health)->trouble, MK_TROUBLE_UNREACHABLE);
    mk_health_succeed(&health);
    assert_int_equal(mk_health_advice(&health)->trouble, MK_TROUBLE_NONE);
    assert_null(mk_health_advice(&health)->words.en);
}

static void test_traits(void **state)
{
    (void)state;
    assert_int_equal(mk_remote_traits(MK_REMOTE_WEBHOOK, true, false, false),
                     MK_REMOTE_WEBHOOK | MK_REMOTE_TLS | MK_REMOTE_NO_TOKEN);
    assert_int_equal(mk_remote_traits(MK_REMOTE_WEBSOCKET, false, true, true),
                     MK_REMOTE_WEBSOCKET | MK_REMOTE_PLAIN | MK_REMOTE_TOKEN | MK_REMOTE_ORIGIN);
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
        cmocka_unit_test(test_ends_of_connections_keep_their_advice),
        cmocka_unit_test(test_traits),
        cmocka_unit_test(test_prints_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
