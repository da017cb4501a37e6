/* endpoint_webhook: a webhook of an endpoint that has no journal. */
#include "endpoint_testing.h"

static struct puppet puppet;
static const struct milky_config_backend backend = BACKEND("mine", &puppet);

static int setup(void **state)
{
    (void)state;
    puppet = (struct puppet){ 0 };
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

static void emit(const char *reason)
{
    char event[64];
    int len = snprintf(event, sizeof(event), "{\"reason\":\"%s\"}", reason);
    assert_int_equal(
        milky_emit_json(puppet.host, BOT, "bot_offline", 1, event, (size_t)len, NULL, NULL), 0);
}

/* Takes a post with this reason, and answers it. */
static void answer(struct milky_endpoint *endpoint, int listening, const char *reason,
                   const char *status)
{
    struct talk posted;
    char text[128];
    step_until_posted(endpoint, listening);
    take_post(listening, &posted);
    STEP_UNTIL(endpoint, has(&posted, reason));
    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             status);
    say(&posted, text);
    settle(endpoint);
    hang_up(&posted);
}

/* There are no dead letters: the event is dropped and counted, and the next one is posted. */
static void test_an_event_that_is_given_up_is_dropped(void **state)
{
    (void)state;
    char url[64];
    int listening = listen_somewhere(url);
    const struct milky_remote hook = { .size = sizeof(hook), .url = url, .give_up_tries = 1 };
    const struct milky_bot bot = {
        .size = sizeof(bot), .self_id = BOT, .webhook = &hook, .webhook_count = 1
    };
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = &backend,
                                         .backend_count = 1,
                                         .bots = &bot,
                                         .bot_count = 1,
                                         .operations = "127.0.0.1:0" };
    struct milky_endpoint *endpoint = start_endpoint(&config);
    emit("first");
    emit("second");
    emit("third");
    answer(endpoint, listening, "first", "500 Internal Server Error");
    answer(endpoint, listening, "second", "200 OK");
    answer(endpoint, listening, "third", "503 Service Unavailable");

    struct talk metrics;
    dial(&metrics, port_of(endpoint, 0, "operations"));
    say(&metrics, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    STEP_UNTIL(endpoint, metrics.ended);
    const char *sample = strstr(metrics.text, "\nmilky_webhook_dropped_events_total{");
    assert_non_null(sample);
    assert_int_equal(strtoul(strstr(sample, "} ") + 2, NULL, 10), 2);
    hang_up(&metrics);

    close(listening);
    milky_endpoint_stop(endpoint);
    STEP_UNTIL(endpoint, milky_endpoint_stopped(endpoint)); /* nothing waits to be posted */
    milky_endpoint_free(endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_event_that_is_given_up_is_dropped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
