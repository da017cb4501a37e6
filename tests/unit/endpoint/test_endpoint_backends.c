/*
 * endpoint_backends: a reload adds and removes backends, or is refused; operators reach each
 * backend under its name.
 */
#include "endpoint_testing.h"

#include "endpoint/parts.h"

static struct puppet first, second, third;
static struct milky_endpoint *endpoint;

enum { MOST = 4, OTHER = 10002, LATER = 10003 };

/* An embedder's backends and bots, by name. */
static struct {
    struct milky_config_backend backends[MOST];
    size_t backend_count;
    struct milky_bot bots[MOST];
    size_t bot_count;
    struct milky_error error;
} wanted;

static void want(const char *name, struct puppet *puppet, uint64_t self_id)
{
    wanted.backends[wanted.backend_count++] = (struct milky_config_backend)BACKEND(name, puppet);
    if (self_id)
        wanted.bots[wanted.bot_count++] = (struct milky_bot)SERVED_BOT(self_id, name);
}

static void want_nothing(void)
{
    memset(&wanted, 0, sizeof(wanted));
    wanted.error.size = sizeof(wanted.error);
}

static struct milky_config wanted_config(void)
{
    return (struct milky_config){ .size = sizeof(struct milky_config),
                                  .backends = wanted.backends,
                                  .backend_count = wanted.backend_count,
                                  .bots = wanted.bots,
                                  .bot_count = wanted.bot_count,
                                  .control = "127.0.0.1:0",
                                  .limits = { .call_seconds = 1 } };
}

static int reload(void)
{
    const struct milky_config config = wanted_config();
    return milky_endpoint_reload(endpoint, &config, &wanted.error);
}

static int reload_with(const char *name, struct puppet *puppet, uint64_t self_id)
{
    want_nothing();
    want("first", &first, BOT);
    if (name)
        want(name, puppet, self_id);
    return reload();
}

static int setup(void **state)
{
    (void)state;
    first = second = third = (struct puppet){ 0 };
    talk_count = 0;
    alarm(PATIENCE_S);
    want_nothing();
    want("first", &first, BOT);
    const struct milky_config config = wanted_config();
    endpoint = start_endpoint(&config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    milky_endpoint_free(endpoint);
    alarm(0);
    assert_int_equal(first.frees, 1);
    while (talk_count > 0)
        hang_up(talks[0]);
    return 0;
}

static void assert_serves(uint64_t self_id)
{
    struct talk talk;
    dial(&talk, port_of(endpoint, self_id, "http_server"));
    call_api(&talk);
    STEP_UNTIL(endpoint, has(&talk, OK_ANSWER));
    hang_up(&talk);
}

static bool is_served(uint64_t self_id)
{
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        if (port.self_id == self_id)
            return true;
    return false;
}

/* The answer to an operator's POST `path`, valid until the next one. */
static const char *operate(const char *path)
{
    static struct talk talk;
    dial(&talk, port_of(endpoint, 0, "control"));
    post(&talk, path, "{}");
    STEP_UNTIL(endpoint, has(&talk, "}"));
    hang_up(&talk);
    return talk.text;
}

/* --- adding and removing --- */

static void test_a_backend_is_added(void **state)
{
    (void)state;
    unsigned turns = first.turns;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    assert_int_equal(second.starts, 1);
    assert_int_equal(second.bots, 1); /* known from its start on */
    assert_int_equal(second.bots_changed, 0);
    assert_int_equal(first.bots_changed, 0);
    assert_string_equal(milky_host_name(second.host), "second");
    assert_serves(OTHER);
    assert_serves(BOT);
    assert_true(second.turns > 0 && first.turns > turns);
    assert_non_null(strstr(operate("/second/x"), OK_ANSWER));
    assert_non_null(strstr(operate("/first/x"), OK_ANSWER));
}

static void test_a_backend_is_removed(void **state)
{
    (void)state;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    assert_serves(OTHER);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    assert_int_equal(second.frees, 0); /* not from within the reload */
    assert_int_equal(second.bots_changed, 1);
    assert_int_equal(second.bots, 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_false(is_served(OTHER));
    assert_serves(BOT);
    assert_int_equal(first.bots_changed, 0);
    STEP_UNTIL(endpoint, endpoint->leaving_count == 0 && endpoint->gone_count == 0);
}

static void test_a_backend_without_bots_is_added_and_removed(void **state)
{
    (void)state;
    assert_int_equal(reload_with("second", &second, 0), 0);
    assert_int_equal(second.starts, 1);
    assert_int_equal(second.bots, 0);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
}

static void test_the_first_backend_can_be_removed_too(void **state)
{
    (void)state;
    want_nothing();
    want("second", &second, OTHER);
    assert_int_equal(reload(), 0);
    STEP_UNTIL(endpoint, first.frees == 1);
    assert_serves(OTHER);
}

static void test_many_additions_and_removals_leak_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        second = (struct puppet){ 0 };
        assert_int_equal(reload_with("second", &second, OTHER), 0);
        assert_int_equal(reload_with(NULL, NULL, 0), 0);
        STEP_UNTIL(endpoint, second.frees == 1);
    }
    STEP_UNTIL(endpoint, endpoint->leaving_count == 0 && endpoint->gone_count == 0);
}

/* --- while something is open --- */

/* Removes the second backend, which has an open call of this client. */
static void remove_while_open(struct talk *talk)
{
    second.is_mute = true;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    dial(talk, port_of(endpoint, OTHER, "http_server"));
    call_api(talk);
    STEP_UNTIL(endpoint, second.call_count == 1);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    settle(endpoint);
    assert_int_equal(second.frees, 0);
}

static void test_a_call_in_flight_is_answered_first(void **state)
{
    struct talk talk;
    (void)state;
    remove_while_open(&talk);
    static const char event[] = "{\"reason\":\"x\"}";
    assert_int_equal(
        milky_emit_json(second.host, OTHER, "bot_offline", 1, event, strlen(event), NULL, NULL),
        -ENOENT); /* its bot is removed */
    assert_serves(BOT);
    assert_int_equal(milky_call_self_id(second.host, second.calls[0]), OTHER);
    assert_int_equal(milky_call_ok_json(second.host, second.calls[0], "{}", 2), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_true(has(&talk, OK_ANSWER));
    assert_int_equal(second.cancelled_count, 0);
}

/* Most backends answer in turn_end. */
static void answer_all(struct puppet *puppet)
{
    for (size_t i = 0; i < puppet->call_count; i++)
        milky_call_ok_json(puppet->host, puppet->calls[i], "{}", 2);
    puppet->call_count = 0;
}

static void test_a_removed_backend_gets_turn_ends_until_its_last_answer(void **state)
{
    struct talk talk;
    (void)state;
    remove_while_open(&talk);
    second.on_turn_end = answer_all;
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_true(has(&talk, OK_ANSWER));
}

static void test_a_disconnected_caller_does_not_keep_a_backend(void **state)
{
    struct talk talk;
    (void)state;
    second.is_mute = true;
    want_nothing();
    want("first", &first, BOT);
    want("second", &second, OTHER);
    wanted.bots[1].websocket_server = &any_port;
    wanted.bots[1].websocket_server_count = 1;
    assert_int_equal(reload(), 0);
    dial(&talk, port_of(endpoint, OTHER, "websocket_server"));
    upgrade(&talk);
    say_frame(&talk, "{\"action\":\"set_bio\",\"params\":{\"new_bio\":\"x\"}}");
    STEP_UNTIL(endpoint, second.call_count == 1);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    settle(endpoint);
    assert_int_equal(second.frees, 0);
    hang_up(&talk);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(second.cancelled_count, 1);
    assert_int_equal(second.cancelled[0], second.calls[0]);
}

/* A call that is complete only after the reload does not reach it. */
static void test_a_removed_backend_gets_no_new_calls(void **state)
{
    struct talk talk, control;
    (void)state;
    second.is_mute = true;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    dial(&talk, port_of(endpoint, OTHER, "http_server"));
    say(&talk, "POST /set_bio HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: 15\r\n\r\n{\"new_bio");
    dial(&control, port_of(endpoint, 0, "control"));
    say(&control, "POST /second/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: 2\r\n\r\n{");
    settle(endpoint);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    settle(endpoint);
    say(&talk, "\":\"x\"}");
    say(&control, "}");
    STEP_UNTIL(endpoint, has(&talk, "-500") && has(&control, "404"));
    assert_true(has(&talk, "the backend has ended"));
    assert_true(has(&control, "only /first/:action and /endpoint/:action are served here"));
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(second.call_count, 0);
}

static void test_an_open_operator_request_is_answered_first(void **state)
{
    struct talk talk;
    (void)state;
    second.is_mute = true;
    assert_int_equal(reload_with("second", &second, 0), 0);
    dial(&talk, port_of(endpoint, 0, "control"));
    post(&talk, "/second/slow", "{\"n\":1}");
    STEP_UNTIL(endpoint, second.call_count == 1);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    settle(endpoint);
    assert_int_equal(second.frees, 0);
    assert_string_equal(milky_call_action(second.host, second.calls[0]), "slow");
    assert_non_null(strstr(operate("/endpoint/status"),
                           "{\"name\":\"first\",\"type\":\"puppet\",\"state\":\"running\","
                           "\"bots\":1,\"calls_in_flight\":0,\"files_in_flight\":0,"
                           "\"late_calls\":0},"
                           "{\"name\":\"second\",\"type\":\"puppet\",\"state\":\"ending\","
                           "\"bots\":0,\"calls_in_flight\":1,"));
    milky_call_fail(second.host, second.calls[0], -7, "no");
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_true(has(&talk, "\"retcode\":-7"));
}

/* A client that does not close its side keeps the bot, and not the backend. */
static void test_an_open_connection_does_not_keep_a_backend(void **state)
{
    struct talk talk;
    (void)state;
    want_nothing();
    want("first", &first, BOT);
    want("second", &second, OTHER);
    wanted.bots[1].websocket_server = &any_port;
    wanted.bots[1].websocket_server_count = 1;
    assert_int_equal(reload(), 0);
    dial(&talk, port_of(endpoint, OTHER, "websocket_server"));
    upgrade(&talk);
    STEP_UNTIL(endpoint, has(&talk, "101 "));
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(endpoint->gone_count, 1);
    say_frame(&talk, "{\"action\":\"set_bio\",\"params\":{\"new_bio\":\"x\"}}");
    settle(endpoint);
    assert_int_equal(endpoint->gone_count, 1);
    hang_up(&talk);
    STEP_UNTIL(endpoint, endpoint->gone_count + endpoint->leaving_count == 0);
}

/* An operator's request has no deadline, but one at a removed backend has. */
static void test_a_removed_backend_that_never_answers_ends_in_time(void **state)
{
    struct talk talk;
    (void)state;
    second.is_mute = true;
    assert_int_equal(reload_with("second", &second, 0), 0);
    dial(&talk, port_of(endpoint, 0, "control"));
    post(&talk, "/second/slow", "{}");
    STEP_UNTIL(endpoint, second.call_count == 1);
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(second.cancelled_count, 1);
    assert_true(has(&talk, "\"retcode\":-500,\"message\":\"timed out\""));
}

/* The name is free at once, and open requests stay with the old backend. */
static void test_the_name_of_a_removed_backend_is_free_at_once(void **state)
{
    struct talk talk;
    (void)state;
    remove_while_open(&talk);
    assert_int_equal(reload_with("second", &third, OTHER), 0);
    assert_int_equal(third.starts, 1);
    assert_serves(OTHER);
    assert_int_equal(second.frees, 0);
    assert_non_null(strstr(operate("/second/x"), OK_ANSWER));
    assert_int_equal(second.call_count, 1);
    milky_call_ok_json(second.host, second.calls[0], "{}", 2);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_true(has(&talk, OK_ANSWER));
    assert_int_equal(third.frees, 0);
    assert_serves(OTHER);
}

static void test_one_reload_may_replace_a_backend_under_its_name(void **state)
{
    (void)state;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    assert_int_equal(reload_with("second", &third, LATER), 0); /* with another bot */
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(third.starts, 1);
    assert_serves(LATER);
    assert_false(is_served(OTHER));
}

/* --- refused, and nothing has changed --- */

static void assert_refused(int expected, const char *path, const char *text)
{
    struct milky_config config = wanted_config();
    uint16_t port = port_of(endpoint, BOT, "http_server");
    size_t hosts = endpoint->host_count;
    assert_int_equal(milky_endpoint_reload(endpoint, &config, &wanted.error), expected);
    assert_string_equal(wanted.error.path, path);
    if (!strstr(wanted.error.text, text))
        fail_msg("%s instead of %s", wanted.error.text, text);
    assert_int_equal(first.frees, 0);
    assert_int_equal(first.bots_changed, 0);
    assert_int_equal(endpoint->host_count, hosts);
    assert_int_equal(port_of(endpoint, BOT, "http_server"), port);
    assert_serves(BOT);
    assert_int_equal(endpoint->gone_count + endpoint->leaving_count, 0);
}

static void test_a_backend_that_does_not_start_fails_the_reload(void **state)
{
    (void)state;
    want("second", &second, OTHER);
    want("third", &third, LATER);
    third.start_rc = -ENETDOWN;
    assert_refused(-ENETDOWN, "", "the backend third cannot start: Network is down");
    assert_int_equal(second.starts, 1);
    assert_int_equal(second.frees, 1);
    assert_int_equal(third.frees, 1);
    assert_false(is_served(OTHER));
    assert_non_null(strstr(operate("/second/x"), "404"));

    /* Later it is accepted. */
    second = third = (struct puppet){ 0 };
    assert_int_equal(reload(), 0);
    assert_serves(OTHER);
    assert_serves(LATER);
}

static int start_with_words(void *self, struct milky_host *host)
{
    (void)self;
    milky_host_log(host, 2, "this does not matter");
    milky_host_log(host, 0, "no QQ is logged in");
    return -EIO;
}

static void test_the_reason_is_the_last_error_that_it_logged(void **state)
{
    (void)state;
    struct milky_backend table = puppet_table;
    table.start = start_with_words;
    want("second", &second, OTHER);
    wanted.backends[1].table = &table;
    assert_refused(-EIO, "", "the backend second cannot start: no QQ is logged in");
    assert_int_equal(second.frees, 1);
}

static void test_an_address_in_use_fails_the_reload(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &len), 0);
    char listen_on[32], words[96];
    snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(words, sizeof(words), "cannot listen on %s: Address already in use (is another",
             listen_on);
    const struct milky_server server = { .size = sizeof(server), .listen = listen_on };
    want("second", &second, OTHER);
    wanted.bots[1].http_server = &server;
    assert_refused(-EADDRINUSE, "bots[1].http_server[0].listen", words);
    assert_int_equal(second.starts, 0); /* steps that can be undone come first */
    assert_int_equal(second.frees, 1);
    close(taken);
}

static void test_a_bot_cannot_change_its_backend(void **state)
{
    (void)state;
    want("second", &second, 0);
    wanted.bots[0].backend = "second";
    assert_refused(-EINVAL, "bots[0].backend", "second is not the backend that serves bot 10001");
    assert_int_equal(second.starts, 0);
    assert_int_equal(second.frees, 1);

    /* Nor that of its backend's name. */
    second = (struct puppet){ 0 };
    want_nothing();
    want("first", &second, BOT);
    assert_refused(-EINVAL, "bots[0].backend", "first is not the backend of this name that serves");
    assert_int_equal(second.frees, 1);

    /* It has to be removed first. */
    second = (struct puppet){ 0 };
    want_nothing();
    want("first", &first, 0);
    assert_int_equal(reload(), 0);
    assert_int_equal(first.bots, 0);
    want_nothing();
    want("first", &first, 0);
    want("second", &second, BOT);
    assert_int_equal(reload(), 0);
    assert_int_equal(second.bots, 1);
    second.is_mute = true;
    struct talk talk;
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    call_api(&talk);
    STEP_UNTIL(endpoint, second.call_count == 1);
}

static void test_one_self_cannot_be_two_backends(void **state)
{
    struct talk talk;
    (void)state;
    want("second", &first, OTHER);
    assert_refused(-EINVAL, "backends[1].self", "it belongs to the backend first");
    want_nothing();
    want("first", &first, BOT);
    want("second", &second, OTHER);
    want("third", &second, LATER);
    assert_refused(-EINVAL, "backends[2].self", "it belongs to backends[1]");
    assert_int_equal(second.frees, 1); /* once */

    /* While it ends it cannot be added again, and is freed as usual after the attempt. */
    second = (struct puppet){ 0 };
    remove_while_open(&talk);
    assert_int_equal(reload_with("second", &second, OTHER), -EINVAL);
    assert_non_null(strstr(wanted.error.text, "which has not ended"));
    assert_int_equal(second.frees, 0);
    milky_call_ok_json(second.host, second.calls[0], "{}", 2);
    STEP_UNTIL(endpoint, second.frees == 1);
}

static void test_a_failed_reload_frees_only_new_backends(void **state)
{
    (void)state;
    want("second", &second, OTHER);
    wanted.bots[1].self_id = 1;
    assert_refused(-EINVAL, "bots[1].self_id", "10001 to 4294967295");
    assert_int_equal(second.starts, 0);
    assert_int_equal(second.frees, 1);
}

/* --- from within backends --- */

static int reloaded;

/* Adds the second backend. */
static void add_second(struct puppet *puppet)
{
    puppet->on_turn_end = NULL;
    reloaded = reload_with("second", &second, OTHER);
}

/* Removes the backend of the call. */
static void remove_itself(struct puppet *puppet)
{
    puppet->on_turn_end = NULL;
    reloaded = reload_with(NULL, NULL, 0);
    assert_int_equal(puppet->frees, 0);
}

static void test_a_turn_end_may_reload(void **state)
{
    (void)state;
    reloaded = -1;
    first.on_turn_end = add_second;
    assert_serves(BOT);
    assert_int_equal(reloaded, 0);
    assert_serves(OTHER);
    reloaded = -1;
    second.on_turn_end = remove_itself;
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(reloaded, 0);
    assert_serves(BOT);
}

static void remove_and_answer(struct puppet *puppet, uint64_t call)
{
    puppet->on_call = NULL;
    reloaded = reload_with(NULL, NULL, 0);
    milky_call_ok_json(puppet->host, call, "{}", 2);
}

static void test_a_call_handler_may_reload(void **state)
{
    (void)state;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    second.on_call = remove_and_answer;
    reloaded = -1;
    assert_serves(OTHER);
    assert_int_equal(reloaded, 0);
    STEP_UNTIL(endpoint, second.frees == 1);
}

static void reload_in_free(struct puppet *puppet)
{
    (void)puppet;
    reloaded = reload_with("third", &third, LATER);
}

static void test_the_free_of_a_backend_may_add_another(void **state)
{
    (void)state;
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    second.on_free = reload_in_free;
    assert_int_equal(reload_with(NULL, NULL, 0), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    assert_int_equal(reloaded, 0);
    assert_serves(LATER);
}

static int start_and_reload(void *self, struct milky_host *host)
{
    puppet_start(self, host);
    reloaded = reload_with("third", &third, LATER);
    assert_string_equal(wanted.error.text, "another reload is under way");
    return 0;
}

static void test_a_reload_within_another_is_refused(void **state)
{
    (void)state;
    struct milky_backend table = puppet_table;
    table.start = start_and_reload;
    want("second", &second, OTHER);
    wanted.backends[1].table = &table;
    assert_int_equal(reload(), 0);
    assert_int_equal(reloaded, -EBUSY);
    assert_int_equal(third.frees, 1);
    assert_serves(OTHER);
}

static int start_and_stop(void *self, struct milky_host *host)
{
    puppet_start(self, host);
    milky_endpoint_stop(endpoint);
    return 0;
}

static void test_a_reload_of_a_stopping_endpoint_is_refused(void **state)
{
    (void)state;
    struct milky_backend table = puppet_table;
    table.start = start_and_stop;
    want("second", &second, OTHER);
    wanted.backends[1].table = &table;
    assert_int_equal(reload(), -ECANCELED);
    assert_int_equal(second.frees, 1);
    STEP_UNTIL(endpoint, milky_endpoint_stopped(endpoint));
    assert_int_equal(reload_with("third", &third, LATER), -EINVAL);
    assert_string_equal(wanted.error.text, "the endpoint does not run");
    assert_int_equal(third.frees, 1);
}

/* --- operators --- */

static void test_the_answer_to_an_unknown_name_lists_the_known_ones(void **state)
{
    (void)state;
    assert_non_null(strstr(operate("/sandbox/status"), "404 "));
    assert_non_null(strstr(operate("/sandbox/status"),
                           "only /first/:action and /endpoint/:action are served here"));
    assert_int_equal(reload_with("second", &second, OTHER), 0);
    assert_non_null(strstr(operate("/"), "only /first/:action, /second/:action and "
                                         "/endpoint/:action are served here"));
    assert_non_null(strstr(operate("/endpoint/status"), "\"state\":\"running\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_backend_is_added),
        TEST(test_a_backend_is_removed),
        TEST(test_a_backend_without_bots_is_added_and_removed),
        TEST(test_the_first_backend_can_be_removed_too),
        TEST(test_many_additions_and_removals_leak_nothing),
        TEST(test_a_call_in_flight_is_answered_first),
        TEST(test_a_removed_backend_gets_turn_ends_until_its_last_answer),
        TEST(test_a_disconnected_caller_does_not_keep_a_backend),
        TEST(test_a_removed_backend_gets_no_new_calls),
        TEST(test_an_open_operator_request_is_answered_first),
        TEST(test_an_open_connection_does_not_keep_a_backend),
        TEST(test_a_removed_backend_that_never_answers_ends_in_time),
        TEST(test_the_name_of_a_removed_backend_is_free_at_once),
        TEST(test_one_reload_may_replace_a_backend_under_its_name),
        TEST(test_a_backend_that_does_not_start_fails_the_reload),
        TEST(test_the_reason_is_the_last_error_that_it_logged),
        TEST(test_an_address_in_use_fails_the_reload),
        TEST(test_a_bot_cannot_change_its_backend),
        TEST(test_one_self_cannot_be_two_backends),
        TEST(test_a_failed_reload_frees_only_new_backends),
        TEST(test_a_turn_end_may_reload),
        TEST(test_a_call_handler_may_reload),
        TEST(test_the_free_of_a_backend_may_add_another),
        TEST(test_a_reload_within_another_is_refused),
        TEST(test_a_reload_of_a_stopping_endpoint_is_refused),
        TEST(test_the_answer_to_an_unknown_name_lists_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
