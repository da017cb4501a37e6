/* call_stats: the counts of calls, and their bounds. */
#include "protocol/call_stats.h"

#include "base/clock.h"
#include "protocol/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_counts_by_action_and_retcode(void **state)
{
    (void)state;
    const char *name;
    struct mk_call_stats *stats = mk_call_stats_new(false);
    assert_non_null(stats);
    for (int i = 0; i < 3; i++)
        mk_call_stats_end(stats, 2, 0, 0);
    mk_call_stats_end(stats, 2, -400, 0);
    mk_call_stats_end(stats, SIZE_MAX, -404, 0);
    const struct mk_action_stats *action = mk_call_stats_get(stats, 2, &name);
    assert_string_equal(name, mk_actions[2].name.ptr);
    assert_int_equal(action->known, 2);
    assert_int_equal(action->retcodes[0].count, 3);
    assert_int_equal(action->retcodes[1].retcode, -400);
    assert_int_equal(action->retcodes[1].count, 1);
    assert_int_equal(mk_call_stats_get(stats, 1, &name)->known, 0);
    assert_int_equal(mk_call_stats_get(stats, mk_action_count, &name)->retcodes[0].count, 1);
    assert_string_equal(name, "unknown");
    assert_null(mk_call_stats_get(stats, mk_action_count + 1, &name));
    assert_int_equal(stats->calls, 5);
    assert_int_equal(stats->failed, 2);
    mk_call_stats_free(stats);
}

/* A backend may fail with any retcode. */
static void test_retcodes_are_bounded(void **state)
{
    (void)state;
    const char *name;
    struct mk_call_stats *stats = mk_call_stats_new(false);
    assert_non_null(stats);
    for (int retcode = 1; retcode <= 1000; retcode++)
        mk_call_stats_end(stats, 0, retcode, 0);
    mk_call_stats_end(stats, 0, 1, 0);
    const struct mk_action_stats *action = mk_call_stats_get(stats, 0, &name);
    assert_int_equal(action->known, MK_CALL_RETCODES);
    assert_int_equal(action->retcodes[0].count, 2);
    assert_int_equal(action->others, 1000 - MK_CALL_RETCODES);
    mk_call_stats_free(stats);
}

static void test_durations_only_when_enabled(void **state)
{
    (void)state;
    const char *name;
    struct mk_call_stats *stats = mk_call_stats_new(false);
    assert_non_null(stats);
    assert_int_equal(mk_call_stats_begin(stats), 0);
    assert_int_equal(mk_call_stats_begin(NULL), 0);
    mk_call_stats_end(NULL, 0, 0, 0);
    stats->timed = true;
    uint64_t now = mk_clock_mono_ns();
    assert_true(mk_call_stats_begin(stats) >= now);
    /* A duration of an hour is above every bound; one of nothing is below all of them. */
    mk_call_stats_end(stats, 0, 0, now - UINT64_C(3600000000000));
    mk_call_stats_end(stats, 0, 0, mk_call_stats_begin(stats));
    const struct mk_action_stats *action = mk_call_stats_get(stats, 0, &name);
    assert_int_equal(action->took[MK_CALL_BUCKETS], 1);
    uint64_t quick = 0;
    for (size_t i = 0; i < MK_CALL_BUCKETS; i++)
        quick += action->took[i];
    assert_int_equal(quick, 1);
    assert_true(action->total_ns >= UINT64_C(3600000000000));
    mk_call_stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_by_action_and_retcode),
        cmocka_unit_test(test_retcodes_are_bounded),
        cmocka_unit_test(test_durations_only_when_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
