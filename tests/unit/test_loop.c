/* The loop's turns, its timers and its queues of timeouts. */
#include "net_testing.h"

#include <limits.h>

static struct mk_loop loop;
static char trace[256];

static void note(char what)
{
    size_t len = strlen(trace);
    assert_true(len + 1 < sizeof(trace));
    trace[len] = what;
    trace[len + 1] = '\0';
}

static int setup(void **state)
{
    (void)state;
    trace[0] = '\0';
    alarm(PATIENCE_S);
    return mk_loop_init(&loop);
}

static int teardown(void **state)
{
    (void)state;
    mk_loop_fini(&loop);
    alarm(0);
    return 0;
}

/* --- hooks --- */

static void stop_loop(void *arg)
{
    (void)arg;
    note('s');
    mk_loop_stop(&loop);
}

struct lettered {
    struct mk_turn_hook hook;
    char letter;
    struct lettered *adds;
    struct lettered *removes;
};

static void run_lettered(struct mk_turn_hook *hook)
{
    struct lettered *self = MK_CONTAINER_OF(hook, struct lettered, hook);
    note(self->letter);
    if (self->adds)
        mk_loop_add_hook(&loop, &self->adds->hook);
    if (self->removes)
        mk_loop_remove_hook(&self->removes->hook);
    self->adds = NULL;
    self->removes = NULL;
}

static void one_turn(void)
{
    trace[0] = '\0';
    /* prepare and check both end a turn */
    uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static void hooks_run_in_order(void **state)
{
    struct lettered a = { { .run = run_lettered }, 'a', NULL, NULL };
    struct lettered b = { { .run = run_lettered }, 'b', NULL, NULL };
    struct lettered c = { { .run = run_lettered }, 'c', NULL, NULL };
    (void)state;
    struct mk_timer *timer = mk_timer_new(&loop, stop_loop, NULL);
    mk_timer_start(timer, 1000000); /* a loop without anything to wait for has no turns */
    mk_loop_add_hook(&loop, &a.hook);
    mk_loop_add_hook(&loop, &b.hook);
    mk_loop_add_hook(&loop, &c.hook);
    one_turn();
    assert_string_equal(trace, "abcabc");
    a.removes = &b;
    one_turn();
    assert_string_equal(trace, "acac");
    a.adds = &b;
    one_turn();
    assert_string_equal(trace, "acbacb");
    a.removes = &a;
    one_turn();
    assert_string_equal(trace, "acbcb");
    c.removes = &b;
    b.removes = &b;
    one_turn();
    assert_string_equal(trace, "cc");
    mk_loop_remove_hook(&c.hook);
    one_turn();
    assert_string_equal(trace, "");
    mk_timer_free(timer);
}

/* --- running and stopping --- */

static void stopping_ends_the_turn(void **state)
{
    struct lettered hook = { { .run = run_lettered }, 'h', NULL, NULL };
    struct mk_timer *timer = mk_timer_new(&loop, stop_loop, NULL);
    (void)state;
    mk_loop_add_hook(&loop, &hook.hook);
    mk_timer_start(timer, 1);
    mk_loop_run(&loop);
    const char *stopped = strchr(trace, 's');
    assert_non_null(stopped);
    assert_int_equal(stopped[1], 'h');
    mk_timer_free(timer);
    mk_loop_remove_hook(&hook.hook);
}

static void runs_until_nothing_is_left(void **state)
{
    (void)state;
    mk_loop_run(&loop); /* returns, or the alarm rings */
    struct mk_timer *timer = mk_timer_new(&loop, stop_loop, NULL);
    mk_timer_start(timer, 1000000);
    mk_timer_stop(timer);
    mk_loop_run(&loop);
    mk_timer_start(timer, 1000000);
    mk_loop_stop(&loop);
    mk_loop_run(&loop); /* stopped before it began */
    assert_string_equal(trace, "");
    assert_null(mk_timer_free(timer));
    assert_null(mk_timer_free(NULL));
}

static void free_itself(void *arg)
{
    note('f');
    mk_timer_free(*(struct mk_timer **)arg);
}

static void a_timer_may_free_itself(void **state)
{
    struct mk_timer *timer;
    (void)state;
    timer = mk_timer_new(&loop, free_itself, &timer);
    mk_timer_start(timer, 1);
    mk_loop_run(&loop);
    assert_string_equal(trace, "f");
}

/* --- timeouts --- */

struct waiting {
    struct mk_timeout timeout;
    char letter;
    struct waiting *disarms;
    struct mk_timeouts *again;
    uint64_t expired;
};

static void on_expire(struct mk_timeout *timeout)
{
    struct waiting *waiting = MK_CONTAINER_OF(timeout, struct waiting, timeout);
    assert_true(mk_list_empty(&timeout->node));
    note(waiting->letter);
    waiting->expired = mk_loop_now(&loop);
    if (waiting->disarms)
        mk_timeout_disarm(&waiting->disarms->timeout);
    if (waiting->again)
        mk_timeout_arm(waiting->again, timeout);
    waiting->again = NULL;
}

static void timeouts_expire_in_order(void **state)
{
    struct waiting a = { .letter = 'a' }, b = { .letter = 'b' }, c = { .letter = 'c' };
    struct mk_timeouts slow, fast;
    (void)state;
    assert_int_equal(mk_timeouts_init(&slow, &loop, 40, on_expire), 0);
    assert_int_equal(mk_timeouts_init(&fast, &loop, 10, on_expire), 0);
    mk_timeout_init(&a.timeout);
    mk_timeout_init(&b.timeout);
    mk_timeout_init(&c.timeout);
    mk_timeout_disarm(&a.timeout); /* of none: nothing */
    uint64_t start = mk_loop_now(&loop);
    mk_timeout_arm(&slow, &a.timeout);
    mk_timeout_arm(&fast, &b.timeout);
    mk_timeout_arm(&slow, &c.timeout);
    a.again = &slow;
    mk_loop_run(&loop);
    assert_string_equal(trace, "baca");
    assert_true(b.expired - start >= 10 && b.expired - start < 40);
    assert_true(c.expired - start >= 40 && a.expired - start >= 80);
    mk_timeouts_fini(&slow);
    mk_timeouts_fini(&fast);
    mk_timeouts_fini(NULL);
}

static void a_timeout_moves_between_queues(void **state)
{
    struct waiting a = { .letter = 'a' }, b = { .letter = 'b' };
    struct mk_timeouts forever, soon;
    (void)state;
    assert_int_equal(mk_timeouts_init(&forever, &loop, 1000000, on_expire), 0);
    assert_int_equal(mk_timeouts_init(&soon, &loop, 5, on_expire), 0);
    mk_timeout_init(&a.timeout);
    mk_timeout_init(&b.timeout);
    mk_timeout_arm(&forever, &a.timeout);
    mk_timeout_arm(&forever, &a.timeout);
    mk_timeout_arm(&soon, &a.timeout);
    /* When the last one has left a queue, nothing of it keeps the loop running. */
    mk_loop_run(&loop);
    assert_string_equal(trace, "a");
    mk_timeout_arm(&forever, &a.timeout);
    mk_timeout_arm(&forever, &b.timeout);
    mk_timeout_disarm(&a.timeout);
    mk_timeout_disarm(&b.timeout);
    mk_loop_run(&loop);
    assert_string_equal(trace, "a");
    mk_timeouts_fini(&forever);
    mk_timeouts_fini(&soon);
}

static void expiry_may_disarm_others(void **state)
{
    struct waiting a = { .letter = 'a' }, b = { .letter = 'b' };
    struct mk_timeouts queue;
    (void)state;
    assert_int_equal(mk_timeouts_init(&queue, &loop, 5, on_expire), 0);
    mk_timeout_init(&a.timeout);
    mk_timeout_init(&b.timeout);
    mk_timeout_arm(&queue, &a.timeout);
    mk_timeout_arm(&queue, &b.timeout);
    a.disarms = &b;
    a.again = &queue;
    mk_loop_run(&loop);
    assert_string_equal(trace, "aa");
    mk_timeouts_fini(&queue);
}

/* --- a turn that does not want to end --- */

static void write_again(struct owner *owner)
{
    owner_says(owner, "x");
}

static void an_endless_turn_is_put_off(void **state)
{
    struct owner owner;
    int pair[2];
    (void)state;
    tcp_pair(pair, false);
    owner_init(&owner);
    owner.on_drained = write_again;
    owner_adopt(&owner, stream_on(&loop, pair[0]));
    owner_says(&owner, "x");
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    /* It got some rounds in each of the two ends of a turn, and was then put off. */
    assert_in_range(owner.drains, 2, 64);
    int before = owner.drains;
    uv_run(&loop.uv, UV_RUN_ONCE); /* does not wait, for there is something left to do */
    assert_true(owner.drains > before);
    mk_stream_abort(owner.stream, 0);
    close(pair[1]);
    mk_loop_run(&loop);
    assert_int_equal(owner.closes, 1);
    owner_fini(&owner);
}

/* --- looking again before going to sleep --- */

static unsigned turns;

static void count_turn(struct mk_turn_hook *hook)
{
    (void)hook;
    turns++;
}

/* The turns of 60 ms that begin with input. */
static unsigned turns_after_input(uint64_t busy_poll_us)
{
    struct mk_turn_hook hook = { .run = count_turn };
    struct mk_timer *timer = mk_timer_new(&loop, stop_loop, NULL);
    mk_loop_busy_poll(&loop, busy_poll_us);
    mk_loop_add_hook(&loop, &hook);
    mk_timer_start(timer, 60);
    loop.had_input = true;
    turns = 0;
    mk_loop_run(&loop);
    mk_loop_remove_hook(&hook);
    mk_timer_free(timer);
    loop.had_input = false;
    return turns;
}

static void sleep_from_now_on(void *arg)
{
    mk_loop_busy_poll(arg, 0);
    turns = 0;
}

static void a_busy_loop_can_be_told_to_sleep(void **state)
{
    struct mk_timer *timer = mk_timer_new(&loop, sleep_from_now_on, &loop);
    (void)state;
    mk_timer_start(timer, 10);
    assert_in_range(turns_after_input(10 * 1000 * 1000), 1, 20);
    assert_false(uv_is_active((uv_handle_t *)&loop.watchful));
    mk_timer_free(timer);
}

static void a_busy_loop_stays_awake_for_a_while(void **state)
{
    (void)state;
    assert_in_range(turns_after_input(0), 1, 20);
    unsigned some = turns_after_input(10 * 1000);
    assert_in_range(some, 30, UINT_MAX);
    assert_int_equal(loop.input_at, 0); /* it sleeps again */
    assert_false(uv_is_active((uv_handle_t *)&loop.watchful));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hooks_run_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_ends_the_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_until_nothing_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_may_free_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(timeouts_expire_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timeout_moves_between_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(expiry_may_disarm_others, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_turn_is_put_off, setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_loop_stays_awake_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_loop_can_be_told_to_sleep, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
