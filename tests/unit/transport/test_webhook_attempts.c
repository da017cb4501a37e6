/* webhook_attempts: what the result of a post means for its event and its URL. */
#include "transport/webhook_attempts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { START = 1000000, SECOND = 1000 };

static const struct mk_webhook_bounds bounds = { .tries = 4, .seconds = 60 };

/* The clock of a test. */
static uint64_t now;

static enum mk_webhook_verdict post(struct mk_webhook_attempts *attempts,
                                    const struct mk_webhook_bounds *limits,
                                    enum mk_webhook_fault fault, uint64_t took)
{
    mk_webhook_attempts_begin(attempts, now);
    now += took;
    return mk_webhook_attempts_judge(attempts, limits, fault, now);
}

/* Gives up an event by its tries; returns how many it took. */
static unsigned give_up(struct mk_webhook_attempts *attempts)
{
    unsigned count = 1;
    while (post(attempts, &bounds, MK_WEBHOOK_EVENT, 1) == MK_WEBHOOK_RETRY)
        count++;
    mk_webhook_attempts_next(attempts);
    return count;
}

static void statuses_have_their_fault(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum mk_webhook_fault fault;
    } cases[] = {
        { 200, MK_WEBHOOK_NO_FAULT },  { 204, MK_WEBHOOK_NO_FAULT },
        { 299, MK_WEBHOOK_NO_FAULT },  { 500, MK_WEBHOOK_EVENT },
        { 502, MK_WEBHOOK_EVENT },     { 503, MK_WEBHOOK_EVENT },
        { 599, MK_WEBHOOK_EVENT },     { 301, MK_WEBHOOK_EVENT },
        { 304, MK_WEBHOOK_EVENT },     { 408, MK_WEBHOOK_EVENT },
        { 425, MK_WEBHOOK_EVENT },     { 429, MK_WEBHOOK_EVENT },
        { 101, MK_WEBHOOK_EVENT },     { 600, MK_WEBHOOK_EVENT },
        { 999, MK_WEBHOOK_EVENT },     { 400, MK_WEBHOOK_REFUSAL },
        { 402, MK_WEBHOOK_REFUSAL },   { 404, MK_WEBHOOK_REFUSAL },
        { 409, MK_WEBHOOK_REFUSAL },   { 422, MK_WEBHOOK_REFUSAL },
        { 499, MK_WEBHOOK_REFUSAL },   { 410, MK_WEBHOOK_GONE },
        { 407, MK_WEBHOOK_URL },       { 401, MK_WEBHOOK_UNAUTHORIZED },
        { 403, MK_WEBHOOK_FORBIDDEN },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mk_webhook_fault(NULL, cases[i].status), cases[i].fault);
}

static void only_what_was_sent_can_be_an_events_fault(void **state)
{
    (void)state;
    static const enum mk_failure_kind kinds[] = {
        MK_FAILURE_TIMEOUT,  MK_FAILURE_CLOSED,   MK_FAILURE_NO_ANSWER,
        MK_FAILURE_PROTOCOL, MK_FAILURE_TOO_LONG, MK_FAILURE_TLS,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct mk_failure failure = { .kind = kinds[i] };
        assert_int_equal(mk_webhook_fault(&failure, 0), MK_WEBHOOK_URL);
        failure.is_sent = true;
        assert_int_equal(mk_webhook_fault(&failure, 0), MK_WEBHOOK_EVENT);
    }
    static const enum mk_failure_kind own[] = { MK_FAILURE_NO_MEMORY, MK_FAILURE_SYSTEM };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        const struct mk_failure failure = { .kind = own[i], .is_sent = true };
        assert_int_equal(mk_webhook_fault(&failure, 0), MK_WEBHOOK_URL);
    }
}

static void an_event_is_given_up_by_tries(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    assert_int_equal(give_up(&attempts), 4);
    assert_int_equal(attempts.given_up, 1);
    assert_int_equal(attempts.tries, 0);
}

static void an_event_is_given_up_by_time(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, 16 * SECOND), MK_WEBHOOK_RETRY);
    now += 40 * SECOND; /* the wait counts, too */
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, 4 * SECOND), MK_WEBHOOK_GIVE_UP);
}

static void a_url_that_is_down_costs_nothing(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_URL, 15 * SECOND), MK_WEBHOOK_RETRY);
        now += 60 * SECOND;
    }
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, SECOND), MK_WEBHOOK_RETRY);
    assert_int_equal(attempts.tries, 1);
    assert_int_equal(attempts.spent_ms, SECOND);
    now += 3600 * SECOND;
    post(&attempts, &bounds, MK_WEBHOOK_URL, SECOND);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, SECOND), MK_WEBHOOK_RETRY);
    /* But an event that takes its receiver down each time has an end. */
    assert_int_equal(attempts.tries, 2);
    post(&attempts, &bounds, MK_WEBHOOK_EVENT, SECOND);
    post(&attempts, &bounds, MK_WEBHOOK_URL, SECOND);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, SECOND), MK_WEBHOOK_GIVE_UP);
}

static void waiting_has_no_end(void **state)
{
    (void)state;
    const struct mk_webhook_bounds patient = { .waits = true, .tries = 1, .seconds = 1 };
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    for (int i = 0; i < 50; i++)
        assert_int_equal(post(&attempts, &patient, MK_WEBHOOK_EVENT, SECOND), MK_WEBHOOK_RETRY);
    assert_int_equal(mk_webhook_attempts_wait(&attempts, &patient, MK_WEBHOOK_EVENT, 3600 * SECOND),
                     3600 * SECOND);
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(&attempts, &patient, MK_WEBHOOK_REFUSAL, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(post(&attempts, &patient, MK_WEBHOOK_REFUSAL, 1), MK_WEBHOOK_GIVE_UP);
}

static void a_refusal_is_final_the_third_time(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_REFUSAL, 1), MK_WEBHOOK_RETRY);
        assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, 1), MK_WEBHOOK_RETRY);
    }
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_REFUSAL, 1), MK_WEBHOOK_GIVE_UP);
    mk_webhook_attempts_next(&attempts);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_REFUSAL, 1), MK_WEBHOOK_RETRY);
}

static void gone_three_times_in_a_row_pauses(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_NO_FAULT, 1), MK_WEBHOOK_ACCEPT);
    mk_webhook_attempts_next(&attempts);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_RETRY);
    mk_webhook_attempts_next(&attempts); /* of three different events, too */
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_RETRY);
    mk_webhook_attempts_next(&attempts);
    post(&attempts, &bounds, MK_WEBHOOK_URL, 1); /* which says nothing about it */
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_PAUSE);
    /* Resumed, it is paused again at once; any other answer ends that. */
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_PAUSE);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_GONE, 1), MK_WEBHOOK_RETRY);
}

static void wrong_credentials_are_no_events_fault(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { .accepts = true };
    now = START;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_UNAUTHORIZED, 1), MK_WEBHOOK_RETRY);
        mk_webhook_attempts_next(&attempts); /* skipped */
    }
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_UNAUTHORIZED, 1), MK_WEBHOOK_PAUSE);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_UNAUTHORIZED, 1), MK_WEBHOOK_PAUSE);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_NO_FAULT, 1), MK_WEBHOOK_ACCEPT);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_UNAUTHORIZED, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_FORBIDDEN, 1), MK_WEBHOOK_RETRY);
    assert_int_equal(attempts.gone, 0);
}

static enum mk_webhook_verdict forbid(struct mk_webhook_attempts *attempts)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(attempts, &bounds, MK_WEBHOOK_FORBIDDEN, 1), MK_WEBHOOK_RETRY);
    return post(attempts, &bounds, MK_WEBHOOK_FORBIDDEN, 1);
}

static void a_url_that_forbids_every_event_is_paused(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    assert_int_equal(forbid(&attempts), MK_WEBHOOK_PAUSE); /* it has accepted nothing */
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_NO_FAULT, 1), MK_WEBHOOK_ACCEPT);
    mk_webhook_attempts_next(&attempts);
    for (int i = 0; i < 2; i++) { /* events of their own, with others between */
        assert_int_equal(forbid(&attempts), MK_WEBHOOK_GIVE_UP);
        mk_webhook_attempts_next(&attempts);
        post(&attempts, &bounds, i ? MK_WEBHOOK_EVENT : MK_WEBHOOK_NO_FAULT, 1);
        mk_webhook_attempts_next(&attempts);
    }
    assert_int_equal(forbid(&attempts), MK_WEBHOOK_GIVE_UP);
    mk_webhook_attempts_next(&attempts);
    post(&attempts, &bounds, MK_WEBHOOK_URL, 1); /* which says nothing about it */
    assert_int_equal(forbid(&attempts), MK_WEBHOOK_PAUSE);
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_FORBIDDEN, 1), MK_WEBHOOK_PAUSE);
}

static void a_wait_ends_with_the_time_of_the_event(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    now = START;
    post(&attempts, &bounds, MK_WEBHOOK_EVENT, 10 * SECOND);
    assert_int_equal(mk_webhook_attempts_wait(&attempts, &bounds, MK_WEBHOOK_EVENT, 20 * SECOND),
                     20 * SECOND);
    assert_int_equal(mk_webhook_attempts_wait(&attempts, &bounds, MK_WEBHOOK_EVENT, 3600 * SECOND),
                     50 * SECOND);
    assert_int_equal(mk_webhook_attempts_wait(&attempts, &bounds, MK_WEBHOOK_GONE, 3600 * SECOND),
                     50 * SECOND);
    assert_int_equal(mk_webhook_attempts_wait(&attempts, &bounds, MK_WEBHOOK_URL, 90 * SECOND),
                     90 * SECOND);
    /* The last try is at the end of the time, and decides. */
    now += 50 * SECOND;
    assert_int_equal(post(&attempts, &bounds, MK_WEBHOOK_EVENT, SECOND), MK_WEBHOOK_GIVE_UP);
}

static void a_receiver_that_always_fails_loses_few_events(void **state)
{
    (void)state;
    struct mk_webhook_attempts attempts = { 0 };
    static const unsigned tries[] = { 4, 4, 4, 4, 4, 8, 16, 32, 64, 128, 128, 128 };
    now = START;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
        assert_int_equal(give_up(&attempts), tries[i]);
    assert_int_equal(mk_webhook_attempts_bounds(&attempts, &bounds).seconds, 60 * 32);
    /* An hour is the most, unless more is configured. */
    const struct mk_webhook_bounds usual = { .tries = 10, .seconds = 180 };
    const struct mk_webhook_bounds day = { .tries = 10, .seconds = 86400 };
    assert_int_equal(mk_webhook_attempts_bounds(&attempts, &usual).seconds, 3600);
    assert_int_equal(mk_webhook_attempts_bounds(&attempts, &day).seconds, 86400);
    /* One that is accepted ends it. */
    post(&attempts, &bounds, MK_WEBHOOK_NO_FAULT, 1);
    mk_webhook_attempts_next(&attempts);
    assert_int_equal(give_up(&attempts), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_their_fault),
        cmocka_unit_test(only_what_was_sent_can_be_an_events_fault),
        cmocka_unit_test(an_event_is_given_up_by_tries),
        cmocka_unit_test(an_event_is_given_up_by_time),
        cmocka_unit_test(a_url_that_is_down_costs_nothing),
        cmocka_unit_test(waiting_has_no_end),
        cmocka_unit_test(a_refusal_is_final_the_third_time),
        cmocka_unit_test(gone_three_times_in_a_row_pauses),
        cmocka_unit_test(wrong_credentials_are_no_events_fault),
        cmocka_unit_test(a_url_that_forbids_every_event_is_paused),
        cmocka_unit_test(a_wait_ends_with_the_time_of_the_event),
        cmocka_unit_test(a_receiver_that_always_fails_loses_few_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
