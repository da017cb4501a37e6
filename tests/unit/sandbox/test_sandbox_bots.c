/* The operator's requests for bots and time: the clock, logins, injected faults. */
#include "sandbox_world.h"

#include <stdio.h>
#include <string.h>

#define HELLO                                                                                      \
    "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}}]}"

/* --- the clock --- */

static void clock_moves(void **state)
{
    struct world *w = *state;
    control(w, "clock", "{}");
    uint64_t real = num(w, "/time");
    assert_true(real > 1700000000);
    control(w, "clock", "{\"advance\":86400}");
    assert_in_range(num(w, "/time"), real + 86400, real + 86402);
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    assert_int_equal(num(w, "/time"), 2000000000);
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/time"), 2000000000);
    assert_int_equal(w->host.events[0].time, 2000000000);
    control(w, "clock", "{\"advance\":-5}");
    assert_int_equal(num(w, "/time"), 1999999995);
    assert_true(yyjson_get_bool(at(w, "/is_stopped")));
    control(w, "clock", "{\"stop\":false}");
    assert_in_range(num(w, "/time"), 1999999995, 1999999997);
    assert_false(yyjson_get_bool(at(w, "/is_stopped")));
    control(w, "clock", "{\"reset\":true}");
    assert_in_range(num(w, "/time"), real, real + 2);
    assert_int_equal(num(w, "/offset"), 0);
}

static void clock_outlives_a_restart(void **state)
{
    struct world *w = *state;
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    control(w, "clock", "{}");
    assert_int_equal(num(w, "/time"), 2000000000);
    control(w, "clock", "{\"reset\":true}");
}

static void each_world_has_its_clock(void **state)
{
    struct world *w = *state;
    void *made;
    assert_int_equal(world_setup(&made), 0);
    struct world *other = made;
    control(w, "clock", "{\"set\":2000000000,\"stop\":true}");
    control(other, "clock", "{}");
    assert_true(num(other, "/time") < 2000000000);
    control(other, "clock", "{\"set\":1500000000,\"stop\":true}");
    control(w, "clock", "{}");
    assert_int_equal(num(w, "/time"), 2000000000);
    ask(other, BOT, "send_group_message", HELLO);
    assert_int_equal(num(other, "/time"), 1500000000);
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/time"), 2000000000);
    world_teardown(&made);
}

static void clock_ends_mutes(void **state)
{
    struct world *w = *state;
    control(w, "mute", "{\"as\":10001000,\"group\":700000001,\"user\":10003001,\"duration\":600}");
    control_refused(w, SB_MUTED, "10003001", "say",
                    "{\"as\":10003001,\"group\":700000001,\"text\":\"x\"}");
    control(w, "clock", "{\"advance\":601}");
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"x\"}");
    control(w, "clock", "{\"reset\":true}");
}

static void clock_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *params;
    } cases[] = {
        { "set: expected integer from 1 to 253402300799, got string", "{\"set\":\"now\"}" },
        { "set: expected integer from 1 to 253402300799, got 0", "{\"set\":0}" },
        { "the clock runs from 1", "{\"advance\":-253402300799}" },
        { "the clock runs from 1", "{\"advance\":253402300799}" },
        { "one of set, advance and reset", "{\"set\":5,\"advance\":5}" },
        { "one of set, advance and reset", "{\"reset\":true,\"stop\":true}" },
        { "forward: unknown field (here are: set, advance, stop, reset)", "{\"forward\":1}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "clock", "%s", cases[i].params);
}

/* --- logins --- */

static int refuse_commit(void *context)
{
    (void)context;
    return 1;
}

/* A failed login has no effect. */
static void logins_go_back_with_their_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply first, second;
    sqlite3_commit_hook(world_db(w)->handle, refuse_commit, NULL);
    control_refused(w, MILKY_INTERNAL, "database", "offline", "{\"bot\":10001000}");
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_login_info", "{}");
    sqlite3_commit_hook(world_db(w)->handle, NULL, NULL);
    control(w, "offline", "{\"bot\":10001000}");
    sqlite3_commit_hook(world_db(w)->handle, refuse_commit, NULL);
    /* It is part of the turn, which ends with it. */
    fake_call(&w->host, &w->backend, BOT2, "send_group_message", HELLO, &first);
    assert_false(first.done);
    fake_control(&w->host, &w->backend, "online", "{\"bot\":10001000}", &second);
    assert_int_equal(first.retcode, MILKY_INTERNAL);
    assert_int_equal(second.retcode, MILKY_INTERNAL);
    refused(w, BOT, MILKY_OFFLINE, "offline", "get_login_info", "{}");
    /* Later calls are a turn of their own. */
    fake_control(&w->host, &w->backend, "online", "{\"bot\":10001000}", &first);
    assert_true(first.done);
    fake_call(&w->host, &w->backend, BOT, "send_group_message", HELLO, &second);
    w->backend.table->turn_end(w->backend.self);
    assert_int_equal(first.retcode, 0);
    assert_int_equal(second.retcode, MILKY_INTERNAL);
    fake_reply_fini(&first);
    ask(w, BOT, "get_login_info", "{}");
}

/* Earlier calls of the same turn are answered; delayed ones are not. */
static void in_flight_when_offline(void **state)
{
    struct world *w = *state;
    struct fake_reply before, late, logout, after;
    control(w, "fault", "{\"bot\":10001000,\"action\":\"get_login_info\",\"latency\":600000}");
    fake_call(&w->host, &w->backend, BOT, "get_login_info", "{}", &late);
    fake_call(&w->host, &w->backend, BOT, "send_group_message", HELLO, &before);
    assert_false(late.done || before.done);
    fake_control(&w->host, &w->backend, "offline", "{\"bot\":10001000,\"reason\":\"x\"}", &logout);
    fake_call(&w->host, &w->backend, BOT, "get_login_info", "{}", &after);
    assert_int_equal(before.retcode, 0);
    assert_int_equal(late.retcode, MILKY_OFFLINE);
    assert_int_equal(logout.retcode, 0);
    assert_int_equal(after.retcode, MILKY_OFFLINE);
    assert_int_equal(w->host.event_count, 2); /* the other bot's message, and the logout */
    assert_int_equal(w->host.events[0].self_id, BOT2);
    assert_string_equal(w->host.events[1].type, "bot_offline");
    assert_int_equal(logout.events_before, 2);
    fake_reply_fini(&before);
    fake_reply_fini(&logout);
}

static void offline_and_back(void **state)
{
    struct world *w = *state;
    control(w, "offline", "{\"bot\":10001000,\"reason\":\"kicked by another device\"}");
    assert_int_equal(w->host.event_count, 1);
    assert_string_equal(w->host.events[0].type, "bot_offline");
    assert_int_equal(w->host.events[0].self_id, BOT);
    assert_string_equal(event_str(w, 0, "/reason"), "kicked by another device");
    refused(w, BOT, MILKY_OFFLINE, "offline", "get_login_info", "{}");
    refused(w, BOT, MILKY_OFFLINE, "offline", "send_group_message", "%s", HELLO);
    ask(w, BOT2, "get_login_info", "{}");
    control(w, "offline", "{\"bot\":10001000}"); /* it is already */
    assert_int_equal(w->host.event_count, 1);
    /* It gets no events, and finds the messages of that time when it is back. */
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"hello?\"}");
    assert_int_equal(w->host.event_count, 2);
    assert_int_equal(w->host.events[1].self_id, BOT2);
    control(w, "bots", "{}");
    assert_json(at(w, "/bots/0"), "{\"user_id\":10001000,\"is_online\":false,\"faults\":[]}");
    control(w, "online", "{\"bot\":10001000}");
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}");
    control_refused(w, SB_NO_USER, "no bot 10003001", "offline", "{\"bot\":10003001}");
    control_refused(w, MILKY_MALFORMED,
                    "bot: expected integer from 10001 to 4294967295, got nothing", "online", "{}");
}

/* --- faults --- */

static void fails_every_third(void **state)
{
    struct world *w = *state;
    w->asks_once = true;
    control(w, "fault",
            "{\"bot\":10001000,\"action\":\"get_login_info\",\"every\":3,\"retcode\":-999,"
            "\"message\":\"boom\"}");
    assert_int_equal(num(w, "/fault_id"), 1);
    for (int i = 1; i <= 9; i++) {
        if (i % 3 == 0)
            refused(w, BOT, -999, "boom", "get_login_info", "{}");
        else
            ask(w, BOT, "get_login_info", "{}");
        ask(w, BOT, "get_impl_info", "{}"); /* another bot's call does not count */
        ask(w, BOT2, "get_login_info", "{}");
    }
    control(w, "bots", "{}");
    assert_int_equal(num(w, "/bots/0/faults/0/seen"), 9);
    assert_int_equal(num(w, "/bots/0/faults/0/struck"), 3);
    control(w, "clear_faults", "{\"bot\":10002000}");
    assert_int_equal(num(w, "/cleared"), 0);
    control(w, "clear_faults", "{}");
    assert_int_equal(num(w, "/cleared"), 1);
    for (int i = 0; i < 3; i++)
        ask(w, BOT, "get_login_info", "{}");
}

/* A failing call changes nothing. */
static void failing_calls_do_nothing(void **state)
{
    struct world *w = *state;
    w->asks_once = true;
    control(w, "fault", "{\"bot\":10001000,\"retcode\":-500,\"times\":2}");
    refused(w, BOT, -500, "injected fault", "send_group_message", "%s", HELLO);
    refused(w, BOT, -500, "injected fault", "send_group_message", "%s", HELLO);
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 1);
}

static void run_with_seed(struct world *w, int seed, char outcome[41])
{
    control(w, "clear_faults", "{}");
    control(w, "fault", "{\"bot\":10001000,\"probability\":0.5,\"seed\":%d,\"retcode\":-1}", seed);
    for (int i = 0; i < 40; i++) {
        struct fake_reply reply;
        fake_call(&w->host, &w->backend, BOT, "get_login_info", "{}", &reply);
        assert_true(reply.done);
        outcome[i] = reply.retcode ? 'x' : '.';
        fake_reply_fini(&reply);
    }
    outcome[40] = '\0';
}

static void chance_repeats_itself(void **state)
{
    struct world *w = *state;
    char first[41], again[41], other[41];
    run_with_seed(w, 7, first);
    run_with_seed(w, 7, again);
    run_with_seed(w, 8, other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_non_null(strchr(first, 'x'));
    assert_non_null(strchr(first, '.'));
}

static void late_replies(void **state)
{
    struct world *w = *state;
    struct fake_reply late, prompt;
    control(w, "fault", "{\"bot\":10001000,\"latency\":20}");
    fake_call(&w->host, &w->backend, BOT, "send_group_message", HELLO, &late);
    fake_call(&w->host, &w->backend, BOT2, "get_login_info", "{}", &prompt);
    w->backend.table->turn_end(w->backend.self);
    /* It is executed, and others get its event; only its caller waits. */
    assert_int_equal(w->host.event_count, 1);
    assert_true(prompt.done);
    assert_false(late.done);
    while (!late.done) {
        /* The reply is sent in the turn of its timer, also when that was the loop's last. */
        bool alive = uv_run(w->loop.uv, UV_RUN_ONCE) != 0;
        assert_true(alive || late.done);
    }
    assert_int_equal(late.retcode, 0);
    fake_reply_fini(&late);
    fake_reply_fini(&prompt);
    /* A failure can be late too, and the end of the sandbox does not wait for it. */
    control(w, "fault", "{\"bot\":10001000,\"latency\":600000,\"retcode\":-7}");
    fake_call(&w->host, &w->backend, BOT, "get_login_info", "{}", &late);
    assert_false(late.done);
    world_stop(w);
    assert_true(late.done);
    assert_int_equal(late.retcode, MILKY_INTERNAL);
    fake_reply_fini(&late);
}

static void cancelled_while_late(void **state)
{
    struct world *w = *state;
    struct fake_reply late;
    control(w, "fault", "{\"bot\":10001000,\"latency\":10}");
    fake_call(&w->host, &w->backend, BOT, "send_group_message", HELLO, &late);
    w->backend.table->turn_end(w->backend.self);
    assert_false(late.done);
    fake_cancel(&w->host, &late);
    assert_int_equal(w->host.event_count, 1); /* it was executed */
    while (uv_run(w->loop.uv, UV_RUN_ONCE))   /* nothing comes later, and no timer is left */
        ;
    assert_int_equal(late.retcode, 1);
}

/* A call that was executed in this turn keeps its effect, although its caller is gone. */
static void cancelled_within_its_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply gone, other;
    fake_call(&w->host, &w->backend, BOT, "send_group_message", HELLO, &gone);
    fake_call(&w->host, &w->backend, BOT2, "send_group_message", HELLO, &other);
    assert_false(gone.done || other.done);
    fake_cancel(&w->host, &gone);
    assert_int_equal(gone.retcode, 1);
    assert_int_equal(other.retcode, 0);
    assert_int_equal(w->host.event_count, 2);
    assert_int_equal(w->host.events[0].self_id, BOT2);
    w->backend.table->turn_end(w->backend.self);
    assert_int_equal(w->host.event_count, 2);
    fake_reply_fini(&other);
    ask(w, BOT2, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}");
}

static void dropped_connections(void **state)
{
    struct world *w = *state;
    control(w, "drop_connections", "{\"bot\":10002000}");
    assert_int_equal(w->host.drops, 1);
    assert_int_equal(w->host.dropped, BOT2);
    control(w, "fault", "{\"bot\":10001000,\"drop\":true,\"times\":1}");
    ask(w, BOT, "send_group_message", HELLO); /* it is executed, but its caller gets no reply */
    assert_int_equal(w->host.drops, 2);
    assert_int_equal(w->host.dropped, BOT);
    ask(w, BOT, "send_group_message", HELLO);
    assert_int_equal(num(w, "/message_seq"), 2);
    assert_int_equal(w->host.drops, 2);
}

static void faults_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *params;
    } cases[] = {
        { "bot: expected integer from 10001 to 4294967295, got nothing", "{\"latency\":1}" },
        { "drop and kind must be given", "{\"bot\":10001000}" },
        { "drop and kind must be given", "{\"bot\":10001000,\"retcode\":0}" },
        { "action: there is no such API", "{\"bot\":10001000,\"action\":\"dance\",\"drop\":true}" },
        { "every: expected integer from 1", "{\"bot\":10001000,\"every\":0,\"drop\":true}" },
        { "probability: expected number from 0 to 1",
          "{\"bot\":10001000,\"probability\":1.5,\"drop\":true}" },
        { "probability: expected number from 0 to 1",
          "{\"bot\":10001000,\"probability\":\"1\",\"drop\":true}" },
        { "latency: expected integer from 0 to 600000", "{\"bot\":10001000,\"latency\":600001}" },
        { "drop: expected boolean, got number", "{\"bot\":10001000,\"drop\":1}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "fault", "%s", cases[i].params);
    control_refused(w, SB_NO_USER, "no bot 10003001", "fault", "{\"bot\":10003001,\"drop\":true}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clock_moves),
        cmocka_unit_test_setup_teardown(clock_outlives_a_restart, world_setup_file, world_teardown),
        TEST(each_world_has_its_clock),
        TEST(clock_ends_mutes),
        TEST(clock_refused),
        TEST(offline_and_back),
        TEST(logins_go_back_with_their_turn),
        TEST(fails_every_third),
        TEST(failing_calls_do_nothing),
        TEST(chance_repeats_itself),
        TEST(in_flight_when_offline),
        TEST(late_replies),
        TEST(cancelled_while_late),
        TEST(cancelled_within_its_turn),
        TEST(dropped_connections),
        TEST(faults_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
