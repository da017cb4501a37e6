/*
 * host_model: a backend, its callers and its bots do anything in any order, and after each step the
 * host and a model of it agree about every call. Repeatable: SEED=... runs another order.
 */
#include "host_world.h"

enum { STEPS = 60000, CALLERS = 4, MOST_CALLS = STEPS };

enum outcome { OPEN, ANSWERED, CANCELLED };

struct caller {
    struct mk_caller caller;
    uint64_t asked, replies, dropped;
};

static struct milky_host *host;
static struct world *world;
static struct caller callers[CALLERS];
static struct {
    uint64_t number;
    enum outcome outcome;
} calls[MOST_CALLS];
static size_t call_count, cancelled_count;
static uint64_t chance;
static bool hears; /* of calls that were cancelled */

static uint64_t draw(uint64_t below)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (chance >> 33) % below;
}

static void count_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct caller *own = MK_CONTAINER_OF(caller, struct caller, caller);
    struct mk_buf text;
    mk_buf_init(&text, 1 << 20);
    assert_int_equal(mk_reply_write(&text, call), 0);
    mk_buf_fini(&text);
    own->replies++;
    assert_true(own->replies + own->dropped <= own->asked);
}

/* --- the backend --- */

static void answer(size_t which)
{
    uint64_t number = calls[which].number;
    bool was_open = calls[which].outcome == OPEN;
    if (!hears && was_open && !milky_call_open(host, number))
        was_open = false; /* it has ended, without a notification */
    if (was_open)
        calls[which].outcome = ANSWERED;
    int rc = -1;
    switch (draw(5)) {
    case 0:
        rc = milky_call_ok(host, number, NULL);
        break;
    case 1:
        rc = milky_call_ok_json(host, number, "{\"nickname\":\"x\"}", 16);
        break;
    case 2:
        rc = milky_call_ok_json(host, number, "{", 1);
        break;
    case 3:
        rc = milky_call_fail(host, number, -(int)draw(3), "%s", "no");
        break;
    case 4:
        rc = milky_call_fail_text(host, number, -1, "\xff");
        break;
    }
    assert_true(was_open ? rc == 0 || rc == -EINVAL : rc == -ENOENT);
    calls[which].outcome = ANSWERED;
    assert_false(milky_call_open(host, number));
}

static void change_state(void)
{
    uint64_t bot = draw(2) ? BOT : BOT2;
    enum milky_state state = draw(5) ? MILKY_STATE_ONLINE : MILKY_STATE_OFFLINE;
    assert_int_equal(milky_host_set_state(host, bot, state, "x"), 0);
    assert_int_equal(milky_host_state(host, bot), state);
}

static void change_support(void)
{
    static const char *const names[] = { "get_login_info", "quit_group", "get_group_info" };
    assert_int_equal(milky_host_supports(host, draw(2) ? 0 : BOT, names, draw(9) ? 3 : draw(3)), 0);
}

static void answer_some(void)
{
    for (uint64_t times = draw(3); times > 0 && call_count > 0; times--) {
        size_t recent = call_count < 20 ? call_count : 20;
        answer(draw(4) ? call_count - 1 - draw(recent) : draw(call_count));
    }
}

static void take_call(void *self, uint64_t number)
{
    (void)self;
    assert_true(call_count < MOST_CALLS);
    calls[call_count].number = number;
    calls[call_count++].outcome = OPEN;
    assert_true(milky_call_open(host, number));
    assert_non_null(milky_call_params(host, number));
    switch (draw(6)) {
    case 0:
        answer(call_count - 1);
        break;
    case 1:
        answer_some();
        break;
    case 2:
        if (draw(8) == 0)
            change_state();
        break;
    }
}

static void hear(void *self, uint64_t number)
{
    (void)self;
    size_t which = call_count;
    while (which > 0 && calls[which - 1].number != number)
        which--;
    assert_true(which > 0);
    assert_int_equal(calls[which - 1].outcome, OPEN); /* so it is notified once */
    calls[which - 1].outcome = CANCELLED;
    cancelled_count++;
    if (draw(4) == 0)
        answer_some();
}

/* --- all the others --- */

static void ask_something(void)
{
    static const struct {
        const char *action, *params;
    } asks[] = {
        { "get_login_info", "{}" },
        { "quit_group", GROUP },
        { "get_group_info", GROUP },
        { "get_group_info", "{}" }, /* malformed */
    };
    struct caller *caller = &callers[draw(CALLERS)];
    size_t which = draw(4);
    enum mk_dialect dialect = draw(2) ? MK_DIALECT_NEWEST : MK_DIALECT_DRAFT;
    const struct mk_action *action = mk_action_find(dialect, mk_slice_str(asks[which].action));
    caller->asked++;
    mk_dispatch_request(&world->bots[draw(2)].dispatch, action, mk_slice_str(asks[which].params),
                        &caller->caller);
}

static void leave(struct caller *caller)
{
    caller->dropped += caller->caller.in_flight;
    mk_caller_fini(&caller->caller);
    assert_int_equal(caller->asked, caller->replies + caller->dropped);
    mk_caller_init(&caller->caller, count_reply);
}

static void make_up_a_number(void)
{
    uint64_t number = draw(UINT32_MAX) << (draw(2) ? 32 : 0) | draw(300);
    for (size_t i = 0; i < call_count; i++)
        if (calls[i].number == number)
            return;
    assert_int_equal(milky_call_ok(host, number, NULL), -ENOENT);
}

static void step(void)
{
    switch (draw(16)) {
    case 0:
        answer_some();
        break;
    case 1:
        make_up_a_number();
        break;
    case 2:
        if (draw(20) == 0)
            leave(&callers[draw(CALLERS)]);
        break;
    case 3:
        if (draw(20) == 0)
            change_state();
        break;
    case 4:
        if (draw(20) == 0)
            change_support();
        break;
    case 5:
        if (draw(50) == 0) /* deadlines */
            uv_run(world->loop.uv, UV_RUN_ONCE);
        break;
    default:
        ask_something();
        answer_some();
    }
}

static void check_all(void)
{
    for (size_t i = 0; i < call_count; i++) {
        bool is_open = milky_call_open(host, calls[i].number);
        if (is_open || hears)
            assert_int_equal(is_open, calls[i].outcome == OPEN);
    }
}

static void run(struct world *w, bool with_cancelled)
{
    struct milky_backend table = w->table;
    const char *seed = getenv("SEED");
    chance = seed ? strtoull(seed, NULL, 10) : 1;
    hears = with_cancelled;
    world = w;
    call_count = cancelled_count = 0;
    memset(callers, 0, sizeof(callers));
    for (size_t i = 0; i < CALLERS; i++)
        mk_caller_init(&callers[i].caller, count_reply);
    table.call = take_call;
    table.cancelled = with_cancelled ? hear : NULL;
    w->owner.call_ms = 5;
    start_host(w, &table);
    host = w->host;
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 1000 == 0)
            check_all();
    }
    mk_host_stop(host);
    check_all();
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(callers[i].caller.in_flight, 0);
        leave(&callers[i]);
        mk_caller_fini(&callers[i].caller);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(w->bots[i].dispatch.in_flight, 0);
    assert_true(call_count > STEPS / 16);
    assert_int_equal(cancelled_count > 100, with_cancelled);
}

static void test_with_cancelled(void **state)
{
    run(*state, true);
}

static void test_without_cancelled(void **state)
{
    run(*state, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_with_cancelled, setup_without_host, teardown),
        cmocka_unit_test_setup_teardown(test_without_cancelled, setup_without_host, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
