/*
 * host: a backend that answers twice, late, wrongly or never, or with unknown numbers: each mistake
 * affects its own call, and nothing else.
 */
#include "host_world.h"

static const char group[] = "{\"group\":{\"group_id\":700000001,\"group_name\":\"g\","
                            "\"member_count\":1,\"max_member_count\":2,\"remark\":\"\","
                            "\"created_time\":1,\"description\":\"\",\"question\":\"\","
                            "\"announcement\":\"\"}}";

static void test_an_answer_at_once_and_later(void **state)
{
    struct world *world = *state;
    uint64_t first = ask_group(world);
    uint64_t second = ask(world, "quit_group", GROUP);
    assert_true(first && second && first != second);
    assert_int_equal(world->replies, 0);
    assert_string_equal(milky_call_action(world->host, second), "quit_group");
    assert_int_equal(milky_call_number(world->host, second), milky_action_number("quit_group"));
    assert_int_equal(milky_call_self_id(world->host, second), BOT);
    assert_int_equal(milky_call_ok(world->host, second, NULL), 0);
    assert_int_equal(world->retcode, 0);
    assert_int_equal(milky_call_ok_json(world->host, first, group, strlen(group)), 0);
    assert_int_equal(world->replies, 2);
    assert_non_null(strstr(world->body.data, "\"group_name\":\"g\""));
    assert_int_equal(world->errors, 0);
    assert_int_equal(world->cancelled_count, 0);
}

static void answer_at_once(struct world *world, uint64_t call)
{
    assert_int_equal(milky_call_ok(world->host, call, NULL), 0);
    assert_false(milky_call_open(world->host, call));
    assert_int_equal(milky_call_ok(world->host, call, NULL), -ENOENT);
}

static void test_a_second_answer_from_within(void **state)
{
    struct world *world = *state;
    world->on_call = answer_at_once;
    ask(world, "quit_group", GROUP);
    assert_int_equal(world->replies, 1);
    assert_int_equal(world->retcode, 0);
    assert_int_equal(world->errors, 1);
    assert_logged(world, "has answered a call that it had answered before");
    ask(world, "quit_group", GROUP); /* logged once */
    assert_int_equal(world->replies, 2);
    assert_int_equal(world->errors, 1);
}

/* The slot of the first call belongs to another one now. */
static void test_a_second_answer_does_not_reach_the_next_call(void **state)
{
    struct world *world = *state;
    uint64_t first = ask(world, "quit_group", GROUP);
    assert_int_equal(milky_call_ok(world->host, first, NULL), 0);
    uint64_t second = ask_group(world);
    assert_int_equal(milky_call_fail(world->host, first, -1, "twice"), -ENOENT);
    assert_int_equal(milky_call_fail_text(world->host, first, -1, "twice"), -ENOENT);
    assert_int_equal(milky_call_ok_json(world->host, first, "{}", 2), -ENOENT);
    assert_int_equal(world->replies, 1);
    assert_true(milky_call_open(world->host, second));
    assert_int_equal(milky_call_fail(world->host, second, -7, "%d", 7), 0);
    assert_int_equal(world->retcode, -7);
    assert_string_equal(world->message, "7");
}

static void refuse_number(struct world *world, uint64_t number)
{
    struct milky_host *host = world->host;
    size_t len = 7;
    assert_false(milky_call_open(host, number));
    assert_true(milky_call_number(host, number) == SIZE_MAX);
    assert_string_equal(milky_call_action(host, number), "");
    assert_int_equal(milky_call_self_id(host, number), 0);
    assert_null(milky_call_params(host, number));
    assert_null(milky_call_doc(host, number));
    assert_string_equal(milky_call_params_json(host, number, &len), "{}");
    assert_null(milky_call_param_json(host, number, "group_id", NULL));
    assert_int_equal(len, 2);
    assert_int_equal(milky_call_ok(host, number, NULL), -ENOENT);
    assert_int_equal(milky_call_ok_json(host, number, NULL, 0), -ENOENT);
    assert_int_equal(milky_call_fail(host, number, -1, "%s", "x"), -ENOENT);
    assert_int_equal(milky_call_fail_text(host, number, -1, NULL), -ENOENT);
}

static void test_unknown_numbers_are_refused(void **state)
{
    struct world *world = *state;
    uint64_t call = ask_group(world), number = 42;
    const uint64_t near[] = {
        0, 1, UINT64_MAX, call - 1, call + 1, call + (UINT64_C(1) << 32), (uint32_t)call
    };
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        refuse_number(world, near[i]);
    for (size_t i = 0; i < 100000; i++) {
        number = number * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (number != call)
            refuse_number(world, i % 2 ? number : number & UINT64_C(0x3f0000003f));
    }
    assert_int_equal(world->replies, 0);
    assert_int_equal(world->errors, 1);
    assert_logged(world, "has answered a call that never was");
    assert_int_equal(milky_call_ok_json(world->host, call, group, strlen(group)), 0);
    assert_int_equal(world->replies, 1);
}

static void test_results_that_do_not_match_the_table(void **state)
{
    struct world *world = *state;
    static const char *const wrong[] = { "{}", "[]", "{\"group\":7}", "null", "{", "", "\xff" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t call = ask_group(world);
        assert_int_equal(milky_call_ok_json(world->host, call, wrong[i], strlen(wrong[i])),
                         -EINVAL);
        assert_int_equal(world->replies, i + 1);
        assert_int_equal(world->retcode, MILKY_INTERNAL);
        assert_true(world->errors >= i + 1);
    }
    assert_int_equal(milky_call_ok(world->host, ask_group(world), NULL), -EINVAL);
    size_t len = 64 * 1024 * 1024 + 1;
    char *text = calloc(1, len);
    assert_non_null(text);
    assert_int_equal(milky_call_ok_json(world->host, ask_group(world), text, len), -EINVAL);
    assert_logged(world, "longer than 64 MiB");
    free(text);
}

static void test_failures_are_text(void **state)
{
    struct world *world = *state;
    milky_call_fail_text(world->host, ask_group(world), -3,
                         "a\xff"
                         "b 100%s");
    assert_string_equal(world->message, "a\xef\xbf\xbd"
                                        "b 100%s");
    milky_call_fail_text(world->host, ask_group(world), -3, NULL);
    assert_string_equal(world->message, "");
    milky_call_fail_text(world->host, ask_group(world), 0, "no failure");
    assert_int_equal(world->retcode, MILKY_INTERNAL);
}

static void test_params_are_text(void **state)
{
    struct world *world = *state;
    uint64_t call = ask_group(world);
    size_t len;
    const char *text = milky_call_params_json(world->host, call, &len);
    assert_string_equal(text, "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(len, strlen(text));
    assert_ptr_equal(milky_call_params_json(world->host, call, NULL), text); /* made once */
    assert_string_equal(milky_call_param_json(world->host, call, "group_id", &len), "700000001");
    assert_int_equal(len, 9);
    assert_string_equal(milky_call_param_json(world->host, call, "no_cache", NULL), "false");
    assert_null(milky_call_param_json(world->host, call, "no_such_field", &len));
    assert_int_equal(len, 0);
    assert_int_equal(milky_uint(milky_call_params(world->host, call), "group_id"), 700000001);
    milky_call_fail(world->host, call, -1, "x");
}

/* Numbers in a text are kept as they were written, and ids of the draft are composed. */
static void test_a_result_in_text_is_translated(void **state)
{
    struct world *world = *state;
    ask_in(world, MK_DIALECT_DRAFT, 0, "get_impl_info", "{}");
    static const char impl[] =
        "{\"impl_name\":\"i\",\"impl_version\":\"1\",\"milky_version\":\"1.2\","
        "\"qq_protocol_version\":\"9\",\"qq_protocol_type\":\"linux\","
        "\"more\":1e2}";
    assert_int_equal(milky_call_ok_json(world->host, world->calls[0], impl, strlen(impl)), 0);
    assert_non_null(strstr(world->body.data, "\"more\":1e2"));
    assert_int_equal(world->retcode, 0);
}

/* --- cancelled --- */

static void test_a_call_is_cancelled_once_when_its_caller_goes(void **state)
{
    struct world *world = *state;
    uint64_t first = ask_group(world), second = ask_group(world);
    world->borrowed = milky_call_params_json(world->host, second, NULL);
    assert_int_equal(milky_call_fail(world->host, first, -1, "x"), 0);
    mk_caller_fini(&world->caller);
    assert_int_equal(world->cancelled_count, 1);
    assert_true(world->cancelled[0] == second);
    assert_int_equal(world->replies, 1);
    assert_int_equal(milky_call_ok(world->host, second, NULL), -ENOENT);
    assert_int_equal(milky_call_ok(world->host, second, NULL), -ENOENT);
    assert_int_equal(world->errors, 0); /* no mistake was logged */
    assert_int_equal(world->bots[0].dispatch.in_flight, 0);
}

static void answer_cancelled(void *self, uint64_t call)
{
    struct world *world = self;
    note_cancelled(self, call);
    assert_int_equal(milky_call_ok(world->host, call, NULL), -ENOENT);
    if (world->cancelled_count == 1) /* which ends another one that is being cancelled */
        assert_int_equal(milky_call_fail(world->host, world->calls[2], -1, "x"), 0);
}

static void test_answers_from_within_cancelled(void **state)
{
    struct world *world = *state;
    world->table.cancelled = answer_cancelled;
    start_host(world, &world->table);
    for (int i = 0; i < 4; i++)
        ask_group(world);
    mk_caller_fini(&world->caller);
    assert_int_equal(world->cancelled_count, 3);
    assert_int_equal(world->replies, 0);
    for (int i = 0; i < 3; i++)
        assert_true(world->cancelled[i] != world->calls[2]);
    assert_int_equal(world->bots[0].dispatch.in_flight, 0);
}

/* A backend without `cancelled` may use its borrowed params until it answers. */
static void test_a_caller_that_goes_without_cancelled(void **state)
{
    struct world *world = *state;
    world->table.cancelled = NULL;
    start_host(world, &world->table);
    uint64_t call = ask_group(world);
    const char *params = milky_call_params_json(world->host, call, NULL);
    yyjson_mut_doc *doc = milky_call_doc(world->host, call);
    mk_caller_fini(&world->caller);
    assert_false(milky_call_open(world->host, call));
    assert_string_equal(params, "{\"group_id\":700000001,\"no_cache\":false}");
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    uint64_t other = ask_group(world);
    assert_true((uint32_t)other != (uint32_t)call); /* its slot is taken */
    assert_int_equal(milky_call_ok(world->host, call, data), -ENOENT);
    assert_true((uint32_t)ask_group(world) == (uint32_t)call); /* and free again */
    assert_int_equal(world->replies, 0);
    assert_int_equal(world->errors, 0);
}

static void test_a_call_without_an_answer_times_out(void **state)
{
    struct world *world = *state;
    uint64_t call = ask_group(world);
    world->borrowed = milky_call_params_json(world->host, call, NULL);
    TURN_UNTIL(&world->loop, world->replies > 0);
    assert_int_equal(world->retcode, MILKY_INTERNAL);
    assert_string_equal(world->message, "timed out");
    assert_int_equal(world->cancelled_count, 1);
    assert_logged(world, "get_group_info was not answered within");
    assert_int_equal(milky_call_ok_json(world->host, call, group, strlen(group)), -ENOENT);
    mk_caller_fini(&world->caller);
    assert_int_equal(world->cancelled_count, 1);
    assert_int_equal(world->replies, 1);
    assert_int_equal(world->errors, 1);
    assert_false(uv_loop_alive(world->loop.uv)); /* no deadline is left to wait for */
}

static void test_a_timeout_without_cancelled(void **state)
{
    struct world *world = *state;
    world->table.cancelled = NULL;
    start_host(world, &world->table);
    uint64_t call = ask_group(world);
    const char *params = milky_call_params_json(world->host, call, NULL);
    TURN_UNTIL(&world->loop, world->replies > 0);
    assert_int_equal(world->retcode, MILKY_INTERNAL);
    assert_string_equal(params, "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(milky_call_ok_json(world->host, call, group, strlen(group)), -ENOENT);
    assert_int_equal(world->replies, 1);
}

/* A call that was answered in time has no deadline any more. */
static void test_an_answer_in_time(void **state)
{
    struct world *world = *state;
    uint64_t first = ask_group(world);
    ask_group(world);
    assert_int_equal(milky_call_fail(world->host, first, -1, "x"), 0);
    TURN_UNTIL(&world->loop, world->replies > 1);
    assert_int_equal(world->cancelled_count, 1);
    assert_true(world->cancelled[0] != first);
}

/* --- operators --- */

static void test_a_request_of_an_operator(void **state)
{
    struct world *world = *state;
    mk_dispatch_control(&world->host->dispatch, MK_SLICE("do/it"), MK_SLICE("{\"x\":1}"),
                        &world->caller);
    uint64_t call = world->calls[0];
    assert_int_equal(milky_call_self_id(world->host, call), 0);
    assert_true(milky_call_number(world->host, call) == SIZE_MAX);
    assert_string_equal(milky_call_action(world->host, call), "do/it");
    assert_string_equal(milky_call_params_json(world->host, call, NULL), "{\"x\":1}");
    assert_int_equal(milky_call_ok_json(world->host, call, "{\"y\":[1.0]}", 11), 0);
    assert_non_null(strstr(world->body.data, "\"data\":{\"y\":[1.0]}"));
    /* An operator's request has no deadline; a later call has. */
    mk_dispatch_control(&world->host->dispatch, MK_SLICE("x"), MK_SLICE("{}"), &world->caller);
    ask_group(world);
    TURN_UNTIL(&world->loop, world->replies > 1);
    assert_false(uv_loop_alive(world->loop.uv));
    assert_true(milky_call_open(world->host, world->calls[1]));
    mk_caller_fini(&world->caller);
    assert_int_equal(world->cancelled_count, 2);
    assert_true(world->cancelled[1] == world->calls[1]);
}

/* --- the end --- */

static void test_open_calls_end_with_the_host(void **state)
{
    struct world *world = *state;
    uint64_t call = ask_group(world);
    mk_host_stop(world->host);
    assert_int_equal(world->replies, 1);
    assert_int_equal(world->retcode, MILKY_INTERNAL);
    assert_int_equal(world->cancelled_count, 1);
    assert_int_equal(world->frees, 0);
    assert_int_equal(milky_call_ok(world->host, call, NULL), -ENOENT);
    ask_group(world); /* too late */
    assert_int_equal(world->count, 1);
    assert_int_equal(world->replies, 2);
    assert_string_equal(world->message, "the backend has ended");
    mk_host_turn_end(world->host);
    assert_int_equal(world->turns, 0);
    end_host(world);
    assert_int_equal(world->frees, 1);
    assert_int_equal(world->cancelled_count, 1);
}

/* --- numbers --- */

/* A slot whose numbers are used up is not given again. */
static void test_a_slot_whose_numbers_are_used_up_is_retired(void **state)
{
    struct world *world = *state;
    uint64_t call = ask_group(world);
    struct mk_slot *slot = mk_calls_find(&world->host->calls, call);
    milky_call_fail(world->host, call, -1, "x");
    slot->generation = UINT32_MAX - 1;
    uint64_t last = ask_group(world);
    assert_int_equal(last >> 32, UINT32_MAX);
    assert_int_equal((uint32_t)last, slot->index);
    milky_call_fail(world->host, last, -1, "x");
    for (int i = 0; i < 3; i++) {
        call = ask_group(world);
        assert_int_not_equal((uint32_t)call, slot->index);
        milky_call_fail(world->host, call, -1, "x");
    }
    assert_int_equal(world->replies, 5);
}

/* Many at once: each gets its own answer, in whatever order. */
static void test_many_calls(void **state)
{
    struct world *world = *state;
    for (int round = 0; round < 5; round++) {
        world->count = 0;
        for (int i = 0; i < MOST; i++)
            ask_group(world);
        for (int i = 0; i < MOST; i++) {
            uint64_t call = world->calls[(i * 37 + round) % MOST];
            assert_int_equal(milky_call_fail(world->host, call, -100 - i, "x"), 0);
            assert_int_equal(world->retcode, -100 - i);
            refuse_number(world, call);
        }
        /* with more open slots than a chunk has */
        for (size_t i = 0; i < 3; i++) {
            world->count = 0;
            for (int j = 0; j < MOST; j++)
                ask_group(world);
        }
        mk_caller_fini(&world->caller);
        world->cancelled_count = 0;
        mk_caller_init(&world->caller, on_reply);
    }
}

/* --- tables of other versions --- */

/* Memory after an old table is not read. */
static void test_a_shorter_table(void **state)
{
    struct world *world = *state;
    memset(&world->table, 0xee, sizeof(world->table));
    world->table.size = offsetof(struct milky_backend, call) + sizeof(world->table.call);
    world->table.name = "old";
    world->table.start = NULL;
    world->table.call = note_call;
    start_host(world, &world->table);
    uint64_t call = ask_group(world);
    assert_int_equal(milky_call_fail(world->host, call, -1, "x"), 0);
    ask_group(world);
    mk_host_turn_end(world->host);
    assert_int_equal(milky_host_set_state(world->host, BOT, MILKY_STATE_OFFLINE, "x"), 0);
    mk_dispatch_control(&world->host->dispatch, MK_SLICE("x"), MK_SLICE("{}"), &world->caller);
    assert_string_equal(world->message, "no such request \"x\"");
    assert_false(mk_host_notify_stored(world->host));
    mk_caller_fini(&world->caller);
    end_host(world);
}

/* Unknown functions of a newer table are ignored. */
static void test_a_longer_table(void **state)
{
    struct world *world = *state;
    struct {
        struct milky_backend table;
        void (*later)(void);
    } long_table = { .table = world->table };
    long_table.table.size = sizeof(long_table);
    start_host(world, &long_table.table);
    assert_true(ask_group(world) > 0);
}

static void test_tables_that_are_too_short(void **state)
{
    struct world *world = *state;
    world->owner.loop = &world->loop;
    for (size_t size = 0; size < offsetof(struct milky_backend, call) + sizeof(void *); size++) {
        struct milky_backend table = world->table;
        const char *why = NULL;
        struct milky_host *host = NULL;
        table.size = size;
        assert_int_equal(mk_host_new(&world->owner, "mine", &table, world, &host, &why), -EINVAL);
        assert_null(host);
        assert_non_null(strstr(why, "too short"));
    }
    assert_int_equal(world->frees, 0); /* no action has it */
}

#define TEST_WITHOUT_HOST(name) cmocka_unit_test_setup_teardown(name, setup_without_host, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_at_once_and_later),
        TEST(test_a_second_answer_from_within),
        TEST(test_a_second_answer_does_not_reach_the_next_call),
        TEST(test_unknown_numbers_are_refused),
        TEST(test_results_that_do_not_match_the_table),
        TEST(test_failures_are_text),
        TEST(test_params_are_text),
        TEST(test_a_result_in_text_is_translated),
        TEST(test_a_call_is_cancelled_once_when_its_caller_goes),
        TEST_WITHOUT_HOST(test_answers_from_within_cancelled),
        TEST_WITHOUT_HOST(test_a_caller_that_goes_without_cancelled),
        TEST(test_a_call_without_an_answer_times_out),
        TEST_WITHOUT_HOST(test_a_timeout_without_cancelled),
        TEST(test_an_answer_in_time),
        TEST(test_a_request_of_an_operator),
        TEST(test_open_calls_end_with_the_host),
        TEST(test_a_slot_whose_numbers_are_used_up_is_retired),
        TEST(test_many_calls),
        TEST_WITHOUT_HOST(test_a_shorter_table),
        TEST_WITHOUT_HOST(test_a_longer_table),
        TEST_WITHOUT_HOST(test_tables_that_are_too_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
