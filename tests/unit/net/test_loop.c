/* The loop's turns, its timers and its queues of timeouts. */
#include "net_testing.h"

#include "base/log.h"

#include <limits.h>
#include <poll.h>

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
    return mk_loop_init(&loop, NULL);
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
    /* prepare and check both end a turn, since others may have run between two runs */
    uv_run(loop.uv, UV_RUN_NOWAIT);
}

static void on_timer_of_others(uv_timer_t *timer)
{
    (void)timer;
    strcat(trace, "t");
}

static bool do_nothing_more(struct mk_phase *phase)
{
    (void)phase;
    return false;
}

static bool has_something(const struct mk_phase *phase)
{
    (void)phase;
    return true;
}

/* Where nothing has run between two polls there is no turn to end; any timer makes a turn. */
static void a_quiet_turn_is_not_ended_twice(void **state)
{
    struct lettered a = { { .run = run_lettered }, 'a', NULL, NULL };
    uv_timer_t timer;
    (void)state;
    uv_timer_init(loop.uv, &timer);
    uv_timer_start(&timer, on_timer_of_others, 1000000, 0);
    mk_loop_add_hook(&loop, &a.hook);
    loop.running = true; /* as in mk_loop_run: no other code runs between two polls */
    one_turn();
    for (int i = 0; i < 3; i++) {
        trace[0] = '\0';
        uv_run(loop.uv, UV_RUN_NOWAIT);
        assert_string_equal(trace, "a");
    }
    uv_timer_start(&timer, on_timer_of_others, 0, 1000000);
    trace[0] = '\0';
    loop.quiet_until = 0; /* as after a poll: it was not quiet when the timer was started */
    uv_run(loop.uv, UV_RUN_NOWAIT);
    uv_run(loop.uv, UV_RUN_NOWAIT); /* from libuv 1.45 on timers come due after the poll */
    assert_non_null(strstr(trace, "taa"));
    uv_timer_start(&timer, on_timer_of_others, 1, 1000000);
    uv_run(loop.uv, UV_RUN_NOWAIT);
    trace[0] = '\0';
    while (!strchr(trace, 't')) { /* the loop knows when it is due: then there is a turn */
        trace[0] = '\0';
        uv_run(loop.uv, UV_RUN_ONCE);
    }
    uv_run(loop.uv, UV_RUN_NOWAIT);
    assert_non_null(strstr(trace, "taa"));
    uv_timer_start(&timer, on_timer_of_others, 1000000, 0);
    one_turn();
    struct mk_phase phase = { .run = do_nothing_more, .pending = has_something };
    mk_loop_add_phase(&loop, &phase); /* as of streams that have output */
    one_turn();
    assert_string_equal(trace, "aa");
    mk_list_remove(&phase.node);
    mk_loop_wake(&loop);
    one_turn();
    assert_string_equal(trace, "aa");
    one_turn();
    assert_string_equal(trace, "a");
    loop.running = false;
    mk_loop_remove_hook(&a.hook);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop.uv, UV_RUN_NOWAIT);
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
    /* An empty queue does not keep the loop running. */
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

/* --- an endless turn --- */

static void write_again(struct owner *owner)
{
    owner_says(owner, "x");
}

static void an_endless_turn_is_interrupted(void **state)
{
    struct owner owner;
    int pair[2];
    (void)state;
    tcp_pair(pair, false);
    owner_init(&owner);
    owner.on_drained = write_again;
    owner_adopt(&owner, stream_on(&loop, pair[0]));
    owner_says(&owner, "x");
    uv_run(loop.uv, UV_RUN_NOWAIT);
    /* It got some rounds in each of the two ends of a turn, and was then put off. */
    assert_in_range(owner.drains, 2, 64);
    int before = owner.drains;
    uv_run(loop.uv, UV_RUN_ONCE); /* does not wait, for there is something left to do */
    assert_true(owner.drains > before);
    mk_stream_abort(owner.stream, 0);
    close(pair[1]);
    mk_loop_run(&loop);
    assert_int_equal(owner.closes, 1);
    owner_fini(&owner);
}

/* --- a loop that is handed in, a step at a time --- */

static void on_foreign_timer(uv_timer_t *timer)
{
    note('t');
    if (timer->data)
        owner_says(timer->data, "x");
    uv_stop(timer->loop);
}

static void close_foreign(uv_handle_t *handle)
{
    uv_close(handle, NULL);
}

/* Another one of the embedder's own, whose `data` is the embedder's too. */
struct embedder {
    uv_loop_t uv;
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct mk_loop loop;
};

static void do_nothing(uv_prepare_t *prepare)
{
    (void)prepare;
}

static void embed(struct embedder *embedder)
{
    assert_int_equal(uv_loop_init(&embedder->uv), 0);
    uv_timer_init(&embedder->uv, &embedder->timer);
    uv_prepare_init(&embedder->uv, &embedder->prepare);
    uv_prepare_start(&embedder->prepare, do_nothing);
    uv_unref((uv_handle_t *)&embedder->prepare);
    embedder->timer.data = NULL;
    embedder->prepare.data = embedder;
    embedder->uv.data = embedder;
    assert_null(mk_loop_of(&embedder->uv));
    assert_int_equal(mk_loop_init(&embedder->loop, &embedder->uv), 0);
}

static void free_embedder(struct embedder *embedder)
{
    close_foreign((uv_handle_t *)&embedder->timer);
    close_foreign((uv_handle_t *)&embedder->prepare);
    uv_run(&embedder->uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&embedder->uv), 0);
}

static void a_given_loop_runs_as_before(void **state)
{
    struct embedder embedder;
    struct mk_loop second;
    struct owner owner;
    int pair[2];
    char byte;
    (void)state;
    embed(&embedder);
    struct lettered hook = { { .run = run_lettered }, 'h', NULL, NULL };
    mk_loop_add_hook(&embedder.loop, &hook.hook);
    assert_ptr_equal(mk_loop_of(&embedder.uv), &embedder.loop);
    assert_ptr_equal(mk_loop_of(loop.uv), &loop);
    assert_int_equal(mk_loop_init(&second, &embedder.uv), -EBUSY);

    /* Our handles do not keep it running. Output of a foreign callback is sent in time. */
    tcp_pair(pair, false);
    owner_init(&owner);
    owner_adopt(&owner, stream_on(&embedder.loop, pair[0]));
    mk_stream_pause(owner.stream);
    embedder.timer.data = &owner;
    uv_timer_start(&embedder.timer, on_foreign_timer, 1, 0);
    uv_run(&embedder.uv, UV_RUN_DEFAULT);
    uv_run(&embedder.uv, UV_RUN_NOWAIT);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
    const char *fired = strchr(trace, 't');
    assert_non_null(fired);
    assert_non_null(strchr(fired, 'h'));

    /* Stopping is for mk_loop_run alone: the embedder's own run goes on. */
    trace[0] = '\0';
    embedder.timer.data = NULL;
    uv_timer_start(&embedder.timer, on_foreign_timer, 1, 0);
    mk_loop_stop(&embedder.loop);
    uv_run(&embedder.uv, UV_RUN_DEFAULT);
    assert_non_null(strchr(trace, 't'));
    mk_loop_run(&embedder.loop); /* returns: it was stopped before */

    mk_loop_remove_hook(&hook.hook);
    mk_stream_abort(owner.stream, 0);
    mk_loop_fini(&embedder.loop);
    assert_int_equal(owner.closes, 1);
    owner_fini(&owner);
    close(pair[1]);
    assert_null(mk_loop_of(&embedder.uv));
    assert_int_equal(mk_loop_init(&second, &embedder.uv),
                     0); /* again, after the first one was freed */
    mk_loop_fini(&second);
    free_embedder(&embedder);
}

static void mk_loop_run_serves_a_given_loop(void **state)
{
    struct embedder embedder;
    (void)state;
    embed(&embedder);
    struct mk_timer *timer = mk_timer_new(&embedder.loop, free_itself, &timer);
    mk_timer_start(timer, 1);
    mk_loop_run(&embedder.loop);
    assert_string_equal(trace, "f");
    mk_loop_fini(&embedder.loop);
    free_embedder(&embedder);
}

/* Callbacks may close further handles. */
static int chain;

static void close_next(uv_handle_t *handle)
{
    uv_idle_t *idle = (uv_idle_t *)handle;
    if (++chain == 20)
        return;
    uv_idle_init(idle->loop, idle);
    uv_close((uv_handle_t *)idle, close_next);
}

/* A foreign timer that never ends does not keep it from ending, nor is it touched. */
static void a_given_loop_keeps_the_handles_of_its_owner(void **state)
{
    struct embedder embedder;
    uv_idle_t idle;
    (void)state;
    embed(&embedder);
    uv_timer_start(&embedder.timer, on_foreign_timer, 1000000, 0);
    chain = 0;
    uv_idle_init(&embedder.uv, &idle);
    uv_close((uv_handle_t *)&idle, close_next);
    mk_loop_fini(&embedder.loop);
    assert_int_equal(chain, 20);
    assert_true(uv_is_active((uv_handle_t *)&embedder.timer));
    assert_true(uv_has_ref((uv_handle_t *)&embedder.timer));
    free_embedder(&embedder);
}

/* Polls as a program with another kind of loop does, and steps. */
static void poll_and_step(struct mk_loop *stepped)
{
    struct pollfd polled = { .fd = mk_loop_fd(stepped), .events = POLLIN };
    assert_true(poll(&polled, 1, mk_loop_timeout(stepped)) >= 0);
    mk_loop_step(stepped);
}

static void a_loop_runs_step_by_step(void **state)
{
    struct owner owner;
    int pair[2];
    char byte;
    (void)state;
    assert_false(mk_loop_step(&loop)); /* nothing to wait for */
    tcp_pair(pair, false);
    owner_init(&owner);
    owner_adopt(&owner, stream_on(&loop, pair[0]));
    assert_int_equal(mk_loop_timeout(&loop),
                     0); /* libuv has not registered it with the kernel yet */
    assert_true(mk_loop_step(&loop));
    assert_int_equal(mk_loop_timeout(&loop), -1);

    /* Output that is written between two steps is sent before the next poll. */
    owner_says(&owner, "x");
    assert_int_equal(mk_loop_timeout(&loop), -1);
    assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
    assert_int_equal(send(pair[1], "hi", 2, 0), 2);
    while (owner.in.len < 2)
        poll_and_step(&loop);
    assert_heard(&owner, "hi");

    struct mk_timer *timer = mk_timer_new(&loop, stop_loop, NULL);
    mk_timer_start(timer, 20);
    assert_in_range(mk_loop_timeout(&loop), 1, 20);
    uint64_t before = uv_hrtime();
    while (!strchr(trace, 's'))
        poll_and_step(&loop);
    assert_true(uv_hrtime() - before >= 19 * 1000 * 1000);
    assert_false(mk_loop_step(&loop)); /* it is stopped */
    mk_timer_free(timer);
    mk_stream_abort(owner.stream, 0);
    close(pair[1]);
    mk_loop_step(&loop);
    owner_fini(&owner);
}

/* --- what is left open --- */

static char logged[1024];

static void keep_log(const char *line, size_t len)
{
    size_t had = strlen(logged);
    assert_true(had + len < sizeof(logged));
    memcpy(logged + had, line, len);
    logged[had + len] = '\0';
}

static void be_idle(uv_idle_t *idle)
{
    (void)idle;
}

static uv_sem_t turned; /* posted by the loop when mk_loop_fini turns it */

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
    uv_sem_post(&turned);
}

static void work(uv_work_t *request)
{
    uv_sem_wait(&turned);
    *(bool *)request->data = true;
}

static void worked(uv_work_t *request, int status)
{
    (void)status;
    request->data = NULL;
}

static void handles_that_others_left_open_are_logged(void **state)
{
    /* Its memory is lost with intent: static, so that it is not a leak to a leak checker. */
    static uv_timer_t active;
    static uv_tcp_t inactive;
    static uv_idle_t busy, closing;
    static struct mk_loop leaked;
    bool done = false;
    uv_work_t request = { .data = &done };
    (void)state;
    assert_int_equal(mk_loop_init(&leaked, NULL), 0);
    uv_timer_init(leaked.uv, &active);
    uv_timer_start(&active, on_foreign_timer, 1000000, 0);
    uv_tcp_init(leaked.uv, &inactive);
    uv_idle_init(leaked.uv, &busy);
    uv_idle_start(&busy, be_idle);
    uv_sem_init(&turned, 0);
    uv_idle_init(leaked.uv, &closing);
    uv_close((uv_handle_t *)&closing, on_closed);
    uv_queue_work(leaked.uv, &request, work, worked);
    logged[0] = '\0';
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    mk_loop_fini(&leaked); /* returns, or the alarm rings */
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, NULL);
    assert_true(done); /* work in other threads ends by itself, and is waited for */
    assert_null(request.data);
    assert_non_null(strstr(logged, "left open: timer\n"));
    assert_non_null(strstr(logged, "left open: tcp (not active)\n"));
    assert_non_null(strstr(logged, "left open: idle\n"));
    assert_null(strstr(logged, "poll"));
    assert_null(strstr(logged, "check"));
    assert_null(leaked.uv);
    mk_loop_fini(&leaked); /* once is enough */
    uv_sem_destroy(&turned);
}

static void closing_continues_until_all_handles_are_closed(void **state)
{
    struct mk_loop other;
    uv_idle_t idle;
    struct owner owner;
    int pair[2];
    (void)state;
    chain = 0;
    logged[0] = '\0';
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    assert_int_equal(mk_loop_init(&other, NULL), 0);
    uv_idle_init(other.uv, &idle);
    uv_close((uv_handle_t *)&idle, close_next);
    /* It does not wait for a lingering stream. */
    tcp_pair(pair, false);
    owner_init(&owner);
    owner_adopt(&owner, stream_on(&other, pair[0]));
    mk_stream_close(owner.stream);
    mk_loop_fini(&other);
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, NULL);
    assert_int_equal(chain, 20);
    assert_string_equal(logged, "");
    assert_int_equal(owner.closes, 0);
    owner_fini(&owner);
    close(pair[1]);
}

/* --- busy polling --- */

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

static void busy_polling_can_be_turned_off(void **state)
{
    struct mk_timer *timer = mk_timer_new(&loop, sleep_from_now_on, &loop);
    (void)state;
    mk_timer_start(timer, 10);
    assert_in_range(turns_after_input(10 * 1000 * 1000), 1, 20);
    assert_false(uv_is_active((uv_handle_t *)&loop.handles->watchful));
    mk_timer_free(timer);
}

static void busy_polling_ends_after_a_while(void **state)
{
    (void)state;
    assert_in_range(turns_after_input(0), 1, 20);
    unsigned some = turns_after_input(10 * 1000);
    assert_in_range(some, 30, UINT_MAX);
    assert_int_equal(loop.input_at, 0); /* it sleeps again */
    assert_false(uv_is_active((uv_handle_t *)&loop.handles->watchful));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hooks_run_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quiet_turn_is_not_ended_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_ends_the_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_until_nothing_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_may_free_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(timeouts_expire_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timeout_moves_between_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(expiry_may_disarm_others, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_turn_is_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_given_loop_runs_as_before, setup, teardown),
        cmocka_unit_test_setup_teardown(mk_loop_run_serves_a_given_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_given_loop_keeps_the_handles_of_its_owner, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_loop_runs_step_by_step, setup, teardown),
        cmocka_unit_test_setup_teardown(handles_that_others_left_open_are_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_continues_until_all_handles_are_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(busy_polling_ends_after_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(busy_polling_can_be_turned_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
