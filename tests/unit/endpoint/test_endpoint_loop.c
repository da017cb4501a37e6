/*
 * endpoint_loop: who runs the endpoint: milky_endpoint_run on its own loop or on one that was
 * handed in, an embedder's uv_run, or an embedder's poll.
 */
#include "endpoint_testing.h"

#include <signal.h>
#include <sys/resource.h>

static struct puppet puppet, other_puppet;
static const struct milky_config_backend backend = BACKEND("mine", &puppet);
static const struct milky_config_backend other_backend = BACKEND("other", &other_puppet);
static const struct milky_bot served = SERVED_BOT(BOT, NULL);

static struct milky_config config_on(uv_loop_t *loop)
{
    return (struct milky_config){ .size = sizeof(struct milky_config),
                                  .backends = &backend,
                                  .backend_count = 1,
                                  .bots = &served,
                                  .bot_count = 1,
                                  .loop = loop };
}

static int setup(void **state)
{
    (void)state;
    puppet = other_puppet = (struct puppet){ 0 };
    talk_count = 0;
    alarm(PATIENCE_S);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alarm(0);
    return 0;
}

/* --- until it is stopped --- */

static bool has_fired;

static void stop_on_timer(uv_timer_t *timer)
{
    has_fired = true;
    milky_endpoint_stop(timer->data);
    uv_close((uv_handle_t *)timer, NULL);
}

static void stop_soon(uv_timer_t *timer, struct milky_endpoint *endpoint)
{
    uv_timer_init(milky_endpoint_loop(endpoint), timer);
    timer->data = endpoint;
    has_fired = false;
    uv_timer_start(timer, stop_on_timer, 30, 0);
    uv_unref((uv_handle_t *)timer); /* this does not keep the loop running */
}

/* Runs until the timer stops it, and no shorter. */
static void run_until_stopped(const struct milky_config *config)
{
    uv_timer_t timer;
    struct milky_endpoint *endpoint = start_endpoint(config);
    stop_soon(&timer, endpoint);
    assert_false(milky_endpoint_stopped(endpoint));
    milky_endpoint_run(endpoint);
    assert_true(has_fired);
    assert_true(milky_endpoint_stopped(endpoint));
    milky_endpoint_run(endpoint); /* nothing is left to do */
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
}

static void test_run_returns_when_it_is_stopped(void **state)
{
    (void)state;
    const struct milky_config config = config_on(NULL);
    run_until_stopped(&config);
}

/* No server is opened for the files of this one. */
static struct milky_config config_without_files(void)
{
    static struct milky_backend table;
    static struct milky_config_backend fileless = BACKEND("mine", &puppet);
    struct milky_config config = config_on(NULL);
    table = puppet_table;
    table.resource = NULL;
    fileless.table = &table;
    config.backends = &fileless;
    return config;
}

static void test_run_with_a_webhook_alone_returns_when_it_is_stopped(void **state)
{
    (void)state;
    const struct milky_remote hook = { .size = sizeof(hook), .url = "http://127.0.0.1:9/" };
    const struct milky_bot bot = {
        .size = sizeof(bot), .self_id = BOT, .webhook = &hook, .webhook_count = 1
    };
    struct milky_config config = config_without_files();
    config.bots = &bot;
    run_until_stopped(&config);
}

static void test_run_with_a_backend_alone_returns_when_it_is_stopped(void **state)
{
    (void)state;
    struct milky_config config = config_without_files();
    config.bot_count = 0;
    run_until_stopped(&config);
}

static void test_run_without_a_start_returns(void **state)
{
    (void)state;
    struct milky_endpoint *endpoint;
    const struct milky_config config = config_on(NULL);
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    milky_endpoint_run(endpoint);
    assert_false(milky_endpoint_stopped(endpoint));
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.starts, 0);
    assert_int_equal(puppet.frees, 1);
}

static void stop_in_call(struct puppet *self, uint64_t call)
{
    milky_call_ok_json(self->host, call, "{}", 2);
    milky_endpoint_stop(*(struct milky_endpoint **)(void *)self->token);
}

static void test_a_backend_may_stop_it(void **state)
{
    (void)state;
    struct talk talk;
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    memcpy(puppet.token, &endpoint, sizeof(endpoint));
    puppet.on_call = stop_in_call;
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    call_api(&talk);
    milky_endpoint_run(endpoint);
    assert_true(milky_endpoint_stopped(endpoint));
    hear(&talk);
    assert_true(has(&talk, OK_ANSWER));
    milky_endpoint_free(endpoint);
    hang_up(&talk);
}

/* --- on the embedder's loop --- */

struct embedder {
    uv_loop_t loop;
    uv_timer_t timer;
    unsigned ticks;
    struct milky_endpoint *stops; /* at the fifth tick */
    struct talk *asks;            /* at each tick */
};

static void on_tick(uv_timer_t *timer)
{
    struct embedder *embedder = timer->data;
    embedder->ticks++;
    if (embedder->asks)
        call_api(embedder->asks);
    if (embedder->stops && embedder->ticks == 5)
        milky_endpoint_stop(embedder->stops);
}

static void embed(struct embedder *embedder)
{
    *embedder = (struct embedder){ .ticks = 0 };
    assert_int_equal(uv_loop_init(&embedder->loop), 0);
    uv_timer_init(&embedder->loop, &embedder->timer);
    embedder->timer.data = embedder;
    uv_timer_start(&embedder->timer, on_tick, 1, 2);
}

/* Only the embedder's own timer is left on the loop. */
static void end_embedder(struct embedder *embedder)
{
    uv_close((uv_handle_t *)&embedder->timer, NULL);
    uv_run(&embedder->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&embedder->loop), 0);
}

static void test_it_runs_beside_the_embedders_timers(void **state)
{
    (void)state;
    struct embedder embedder;
    struct talk talk;
    embed(&embedder);
    const struct milky_config config = config_on(&embedder.loop);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    assert_ptr_equal(milky_endpoint_loop(endpoint), &embedder.loop);
    assert_ptr_equal(milky_host_loop(puppet.host), &embedder.loop);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    embedder.asks = &talk;
    while (count_of(&talk, OK_ANSWER) < 3) {
        uv_run(&embedder.loop, UV_RUN_ONCE);
        hear(&talk);
    }
    embedder.asks = NULL;
    embedder.ticks = 0;
    embedder.stops = endpoint;
    while (!milky_endpoint_stopped(endpoint))
        uv_run(&embedder.loop, UV_RUN_ONCE);
    assert_true(embedder.ticks >= 5);
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
    assert_true(uv_is_active((uv_handle_t *)&embedder.timer));
    hang_up(&talk);
    end_embedder(&embedder);
}

/* An endpoint that has stopped does not keep the loop running: uv_run returns by itself. */
static void test_uv_run_returns_when_it_has_stopped(void **state)
{
    (void)state;
    struct embedder embedder;
    embed(&embedder);
    uv_unref((uv_handle_t *)&embedder.timer);
    const struct milky_config config = config_on(&embedder.loop);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    embedder.stops = endpoint;
    assert_int_equal(uv_run(&embedder.loop, UV_RUN_DEFAULT), 0);
    assert_true(embedder.ticks >= 5);
    assert_true(milky_endpoint_stopped(endpoint));
    milky_endpoint_free(endpoint);
    end_embedder(&embedder);
}

static void test_run_on_the_embedders_loop_returns_when_it_is_stopped(void **state)
{
    (void)state;
    struct embedder embedder;
    embed(&embedder);
    const struct milky_config config = config_on(&embedder.loop);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    embedder.stops = endpoint;
    milky_endpoint_run(endpoint); /* although the timer keeps running */
    assert_true(milky_endpoint_stopped(endpoint));
    assert_true(embedder.ticks >= 5);
    milky_endpoint_free(endpoint);
    assert_true(uv_is_active((uv_handle_t *)&embedder.timer));
    end_embedder(&embedder);
}

/* An endpoint that was never started, or could not be made, leaves nothing either. */
static void test_an_endpoint_without_a_start_leaves_the_loop_alone(void **state)
{
    (void)state;
    struct embedder embedder;
    struct milky_endpoint *endpoint;
    embed(&embedder);
    struct milky_config config = config_on(&embedder.loop);
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    milky_endpoint_free(endpoint);
    config.journal.path = "/nonexistent/journal.db";
    assert_true(milky_endpoint_new(&config, &endpoint, NULL) < 0);
    assert_int_equal(puppet.frees, 2);
    end_embedder(&embedder);
}

/* --- two endpoints on one loop --- */

static void test_two_endpoints_share_a_loop(void **state)
{
    (void)state;
    struct embedder embedder;
    struct talk talk, other_talk;
    embed(&embedder);
    uv_timer_stop(&embedder.timer);
    struct milky_config config = config_on(&embedder.loop);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    config.backends = &other_backend;
    struct milky_endpoint *other = start_endpoint(&config);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    dial(&other_talk, port_of(other, BOT, "http_server"));
    call_api(&talk);
    call_api(&other_talk);
    STEP_UNTIL(endpoint, has(&talk, OK_ANSWER) && has(&other_talk, OK_ANSWER));
    assert_true(puppet.turns > 0 && other_puppet.turns > 0);

    /* One stops and is freed, and the other keeps running. */
    milky_endpoint_stop(endpoint);
    milky_endpoint_run(endpoint);
    assert_true(milky_endpoint_stopped(endpoint));
    assert_false(milky_endpoint_stopped(other));
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
    assert_int_equal(other_puppet.frees, 0);
    forget(&other_talk);
    call_api(&other_talk);
    STEP_UNTIL(other, has(&other_talk, OK_ANSWER));
    assert_true(talk.ended);

    /* A third one is added while the second one runs. */
    puppet = (struct puppet){ 0 };
    config.backends = &backend;
    endpoint = start_endpoint(&config);
    milky_endpoint_free(other);
    assert_int_equal(other_puppet.frees, 1);
    hang_up(&talk);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    call_api(&talk);
    STEP_UNTIL(endpoint, has(&talk, OK_ANSWER));
    milky_endpoint_free(endpoint);
    hang_up(&talk);
    hang_up(&other_talk);
    end_embedder(&embedder);
}

static void answer_kept(struct puppet *self)
{
    for (size_t i = 0; i < self->call_count; i++)
        assert_int_equal(milky_call_ok_json(self->host, self->calls[i], "{}", 2), 0);
    self->call_count = 0;
}

/* No file may become longer than it is. */
static void fill_the_disk(bool full)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? 1 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Both answer in one turn: a reply that depends on an event that is not stored is not sent. */
static void test_the_failed_journal_of_one_does_not_affect_the_other(void **state)
{
    (void)state;
    struct embedder embedder;
    struct talk talk, other_talk;
    char folder[] = "/tmp/milky-loop-XXXXXX", path[64], command[64];
    static const char event[] = "{\"reason\":\"x\"}";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/journal.db", folder);
    embed(&embedder);
    uv_timer_stop(&embedder.timer);
    struct milky_config config = config_on(&embedder.loop);
    config.journal.path = path;
    struct milky_endpoint *endpoint = start_endpoint(&config);
    config.backends = &other_backend;
    config.journal.path = NULL;
    struct milky_endpoint *other = start_endpoint(&config);
    puppet.is_mute = other_puppet.is_mute = true;
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    dial(&other_talk, port_of(other, BOT, "http_server"));
    call_api(&talk);
    call_api(&other_talk);
    STEP_UNTIL(endpoint, puppet.call_count == 1 && other_puppet.call_count == 1);
    signal(SIGXFSZ, SIG_IGN);
    fill_the_disk(true);
    assert_int_equal(
        milky_emit_json(puppet.host, BOT, "bot_offline", 1, event, strlen(event), NULL, NULL), 0);
    answer_kept(&puppet);
    answer_kept(&other_puppet);
    STEP_UNTIL(endpoint, talk.ended && has(&other_talk, OK_ANSWER));
    fill_the_disk(false);
    assert_int_equal(talk.len, 0);
    assert_false(other_talk.ended);

    /* It works again when there is room. */
    puppet.is_mute = false;
    while (!has(&talk, OK_ANSWER)) {
        hang_up(&talk);
        dial(&talk, port_of(endpoint, BOT, "http_server"));
        call_api(&talk);
        STEP_UNTIL(endpoint, has(&talk, OK_ANSWER) || talk.ended);
    }
    milky_endpoint_free(endpoint);
    milky_endpoint_free(other);
    hang_up(&talk);
    hang_up(&other_talk);
    end_embedder(&embedder);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* --- a loop of another kind --- */

/* HTTP, a WebSocket and a webhook, with nothing but a descriptor, a timeout and steps. */
static void test_poll_and_step_serve_everything(void **state)
{
    (void)state;
    char url[64];
    int listening = listen_somewhere(url);
    const struct milky_remote hook = { .size = sizeof(hook),
                                       .url = url,
                                       .dialect = MILKY_DIALECT_1_2 };
    struct milky_bot bot = served;
    bot.websocket_server = &any_port;
    bot.websocket_server_count = 1;
    bot.webhook = &hook;
    bot.webhook_count = 1;
    struct milky_config config = config_on(NULL);
    config.bots = &bot;
    struct talk http, websocket, posted;
    struct milky_endpoint *endpoint = start_endpoint(&config);

    dial(&http, port_of(endpoint, BOT, "http_server"));
    call_api(&http);
    STEP_UNTIL(endpoint, has(&http, OK_ANSWER));

    dial(&websocket, port_of(endpoint, BOT, "websocket_server"));
    upgrade(&websocket);
    STEP_UNTIL(endpoint, has(&websocket, "101 "));
    say_frame(&websocket, "{\"action\":\"set_bio\",\"params\":{\"new_bio\":\"x\"},\"echo\":7}");
    STEP_UNTIL(endpoint, has(&websocket, "\"echo\":7"));

    /* An event that is emitted between two steps is sent without another input. */
    static const char data[] = "{\"reason\":\"tired\"}";
    assert_int_equal(
        milky_emit_json(puppet.host, BOT, "bot_offline", 1, data, sizeof(data) - 1, NULL, NULL), 0);
    STEP_UNTIL(endpoint, has(&websocket, "tired"));
    step_until_posted(endpoint, listening);
    take_post(listening, &posted);
    STEP_UNTIL(endpoint, has(&posted, "tired"));
    say(&posted, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    settle(endpoint);

    milky_endpoint_stop(endpoint);
    STEP_UNTIL(endpoint, has(&websocket, "milky is stopping"));
    hang_up(&websocket);
    hang_up(&http);
    hang_up(&posted);
    close(listening);
    STEP_UNTIL(endpoint, milky_endpoint_stopped(endpoint));
    assert_false(milky_endpoint_step(endpoint));
    milky_endpoint_free(endpoint);
}

static void test_a_webhook_does_not_keep_the_loop_after_a_stop(void **state)
{
    (void)state;
    struct embedder embedder;
    struct talk posted;
    char url[64];
    static const char event[] = "{\"reason\":\"tired\"}";
    int listening = listen_somewhere(url);
    const struct milky_remote hook = { .size = sizeof(hook), .url = url };
    const struct milky_bot bot = {
        .size = sizeof(bot), .self_id = BOT, .webhook = &hook, .webhook_count = 1
    };
    embed(&embedder);
    uv_timer_stop(&embedder.timer);
    struct milky_config config = config_on(&embedder.loop);
    config.bots = &bot;
    struct milky_endpoint *endpoint = start_endpoint(&config);
    milky_emit_json(puppet.host, BOT, "bot_offline", 1, event, strlen(event), NULL, NULL);
    step_until_posted(endpoint, listening);
    take_post(listening, &posted);
    STEP_UNTIL(endpoint, has(&posted, "tired"));
    say(&posted, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); /* it may be used again */
    settle(endpoint);
    milky_endpoint_stop(endpoint);
    assert_int_equal(uv_run(&embedder.loop, UV_RUN_DEFAULT), 0);
    assert_true(milky_endpoint_stopped(endpoint));
    milky_endpoint_free(endpoint);
    hang_up(&posted);
    close(listening);
    end_embedder(&embedder);
}

static void do_nothing(uv_timer_t *timer)
{
    (void)timer;
}

/* An embedder may do something long between two steps. */
static void test_the_timeout_is_up_to_date(void **state)
{
    (void)state;
    uv_timer_t timer;
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    settle(endpoint);
    assert_int_equal(milky_endpoint_timeout(endpoint), -1); /* nothing is due, ever */
    uv_timer_init(milky_endpoint_loop(endpoint), &timer);
    uv_timer_start(&timer, do_nothing, 1000, 0);
    uint64_t until = uv_hrtime() + 40 * 1000 * 1000;
    while (uv_hrtime() < until) {
    }
    assert_in_range(milky_endpoint_timeout(endpoint), 1, 970);
    uv_close((uv_handle_t *)&timer, NULL);
    milky_endpoint_free(endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run_returns_when_it_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_with_a_webhook_alone_returns_when_it_is_stopped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_with_a_backend_alone_returns_when_it_is_stopped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_without_a_start_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_backend_may_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_runs_beside_the_embedders_timers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uv_run_returns_when_it_has_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_on_the_embedders_loop_returns_when_it_is_stopped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_endpoint_without_a_start_leaves_the_loop_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_endpoints_share_a_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_failed_journal_of_one_does_not_affect_the_other,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll_and_step_serve_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_webhook_does_not_keep_the_loop_after_a_stop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_timeout_is_up_to_date, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
