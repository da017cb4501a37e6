/*
 * endpoint_end: milky_endpoint_free ends everything in flight, and never hangs: open calls and
 * requests for files, clients that do not read, and handles that a backend has left open.
 */
#include "endpoint_testing.h"

#include <fcntl.h>

static struct puppet puppet;
static const struct milky_config_backend backend = BACKEND("mine", &puppet);
static struct milky_bot served = SERVED_BOT(BOT, NULL);
static char logged[8192];

static void keep_line(const char *line, size_t len)
{
    size_t used = strlen(logged);
    snprintf(logged + used, sizeof(logged) - used, "%.*s", (int)len, line);
}

static struct milky_config config_on(uv_loop_t *loop)
{
    return (struct milky_config){ .size = sizeof(struct milky_config),
                                  .backends = &backend,
                                  .backend_count = 1,
                                  .bots = &served,
                                  .bot_count = 1,
                                  .control = "127.0.0.1:0",
                                  .loop = loop };
}

static int setup(void **state)
{
    (void)state;
    puppet = (struct puppet){ 0 };
    served.websocket_server = &any_port;
    served.websocket_server_count = 1;
    talk_count = 0;
    logged[0] = '\0';
    milky_log_to(keep_line, 1, false);
    alarm(PATIENCE_S);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alarm(0);
    milky_log_to(NULL, 0, false);
    return 0;
}

/* --- open calls and requests --- */

/* An operator's request, a request for a file, and a call over HTTP and over a WebSocket. */
static void ask_everything(struct milky_endpoint *endpoint, struct talk open[4])
{
    puppet.is_mute = true;
    dial(&open[0], port_of(endpoint, BOT, "http_server"));
    call_api(&open[0]);
    dial(&open[1], port_of(endpoint, 0, "control"));
    post(&open[1], "/mine/anything", "{}");
    dial(&open[2], port_of(endpoint, BOT, "http_server"));
    get(&open[2], "GET", "/resource/token", "");
    dial(&open[3], port_of(endpoint, BOT, "websocket_server"));
    upgrade(&open[3]);
    STEP_UNTIL(endpoint, has(&open[3], "101 "));
    say_frame(&open[3], "{\"action\":\"set_bio\",\"params\":{\"new_bio\":\"x\"},\"echo\":1234}");
    STEP_UNTIL(endpoint, puppet.call_count == 3 && puppet.request_count == 1);
}

static void check_answers(struct talk open[4])
{
    static const char gone[] = "\"retcode\":-500,\"message\":\"milky is stopping\"";
    for (size_t i = 0; i < 4; i++)
        hear(&open[i]);
    assert_true(has(&open[0], "200 OK") && has(&open[0], gone));
    assert_true(has(&open[1], "200 OK") && has(&open[1], gone));
    assert_true(has(&open[2], "500 ") && has(&open[2], gone));
    assert_true(has(&open[3], gone) && has(&open[3], "1234"));
    assert_int_equal(puppet.cancelled_count, 3);
}

static void forget_all(struct talk open[4])
{
    for (size_t i = 0; i < 4; i++)
        hang_up(&open[i]);
}

/* The backend does not refer to them when it is freed. */
static void answer_too_late(struct puppet *self)
{
    for (size_t i = 0; i < self->call_count; i++) {
        assert_false(milky_call_open(self->host, self->calls[i]));
        assert_int_equal(milky_call_ok_json(self->host, self->calls[i], "{}", 2), -ENOENT);
    }
    assert_int_equal(milky_resource_fail(self->host, self->requests[0], 404, "late"), -ENOENT);
}

static void test_open_calls_are_answered_by_a_free(void **state)
{
    (void)state;
    struct talk open[4];
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    puppet.on_free = answer_too_late;
    ask_everything(endpoint, open);
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
    check_answers(open);
    forget_all(open);
    assert_string_equal(logged, "");
}

/* The same while it is stopping: in time, though the backend never answers. */
static void test_calls_without_an_answer_are_answered_by_a_stop(void **state)
{
    (void)state;
    struct talk open[4];
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    ask_everything(endpoint, open);
    milky_endpoint_stop(endpoint);
    uint64_t before = uv_hrtime();
    STEP_UNTIL(endpoint, has(&open[3], "1234"));
    uint64_t took = (uv_hrtime() - before) / 1000000;
    assert_in_range(took, 1000, 4500); /* the endpoint waited for it */
    STEP_UNTIL(endpoint, milky_endpoint_stopped(endpoint));
    check_answers(open);
    milky_endpoint_free(endpoint);
    forget_all(open);
}

static void test_a_free_does_not_wait_for_a_client_that_does_not_read(void **state)
{
    (void)state;
    struct talk talk;
    struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    dial(&talk, port_of(endpoint, BOT, "websocket_server"));
    upgrade(&talk);
    STEP_UNTIL(endpoint, has(&talk, "101 "));
    char *data = malloc(1024 * 1024);
    memset(data, 'x', 1024 * 1024);
    int len = snprintf(data, 16, "{\"reason\":\"");
    data[len] = 'x';
    memcpy(data + 1024 * 1024 - 2, "\"}", 2);
    for (int i = 0; i < 12; i++)
        assert_int_equal(
            milky_emit_json(puppet.host, BOT, "bot_offline", 1, data, 1024 * 1024, NULL, NULL), 0);
    free(data);
    milky_endpoint_step(endpoint);
    uint64_t before = uv_hrtime();
    milky_endpoint_free(endpoint);
    assert_true(uv_hrtime() - before < UINT64_C(1000000000));
    hang_up(&talk);
}

/* --- handles of backends --- */

static struct handles {
    uv_timer_t timer;
    uv_idle_t idle;
    uv_tcp_t listening;
    uv_poll_t poll;
    int pair[2];
} handles;
static unsigned called;
static uv_loop_t
    *volatile lost; /* static: memory with a pointer to it is no leak to a leak checker */

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    called++;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
    called++;
}

static void on_connection(uv_stream_t *stream, int status)
{
    (void)stream;
    (void)status;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static void open_handles(uv_loop_t *loop)
{
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_timer_init(loop, &handles.timer);
    uv_timer_start(&handles.timer, on_timer, 1, 1);
    uv_idle_init(loop, &handles.idle);
    uv_idle_start(&handles.idle, on_idle);
    uv_tcp_init(loop, &handles.listening);
    uv_tcp_bind(&handles.listening, (const struct sockaddr *)&address, 0);
    assert_int_equal(uv_listen((uv_stream_t *)&handles.listening, 8, on_connection), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, handles.pair), 0);
    uv_poll_init(loop, &handles.poll, handles.pair[0]);
    uv_poll_start(&handles.poll, UV_READABLE, on_readable);
}

static void close_handles(void)
{
    uv_close((uv_handle_t *)&handles.timer, NULL);
    uv_close((uv_handle_t *)&handles.idle, NULL);
    uv_close((uv_handle_t *)&handles.listening, NULL);
    uv_close((uv_handle_t *)&handles.poll, NULL);
}

static void close_pair(void)
{
    close(handles.pair[0]);
    close(handles.pair[1]);
}

static void close_in_free(struct puppet *self)
{
    (void)self;
    close_handles();
}

/* They do not disturb a running endpoint either. */
static void serve_a_call(struct milky_endpoint *endpoint)
{
    struct talk talk;
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    call_api(&talk);
    STEP_UNTIL(endpoint, has(&talk, OK_ANSWER));
    hang_up(&talk);
}

static void test_handles_that_are_closed_in_time_are_not_logged(void **state)
{
    (void)state;
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    puppet.on_free = close_in_free;
    open_handles(milky_host_loop(puppet.host));
    serve_a_call(endpoint);
    milky_endpoint_free(endpoint);
    close_pair();
    assert_string_equal(logged, "");
}

static void test_open_handles_are_logged(void **state)
{
    (void)state;
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    open_handles(milky_host_loop(puppet.host));
    serve_a_call(endpoint);
    lost = milky_endpoint_loop(endpoint);
    milky_endpoint_free(endpoint); /* returns, or the alarm rings */
    assert_int_equal(puppet.frees, 1);
    assert_non_null(strstr(logged, "left open: timer\n"));
    assert_non_null(strstr(logged, "left open: idle\n"));
    assert_non_null(strstr(logged, "left open: tcp\n"));
    assert_non_null(strstr(logged, "left open: poll\n"));
    const char *first = strstr(logged, "left open");
    for (int i = 0; i < 3; i++)
        first = strstr(first + 1, "left open");
    assert_null(strstr(first + 1, "left open")); /* nothing of the endpoint's own */
    called = 0;
    close_pair();
}

/* On the embedder's loop they may be the embedder's own: they are not closed. */
static void test_open_handles_on_the_embedders_loop_are_left_alone(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct milky_config config = config_on(&loop);
    struct milky_endpoint *endpoint = start_endpoint(&config);
    open_handles(milky_host_loop(puppet.host));
    serve_a_call(endpoint);
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
    assert_string_equal(logged, "");
    called = 0;
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(called > 0);
    close_handles();
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close_pair();
}

/* --- endpoints that did not start --- */

static void test_an_endpoint_that_did_not_start_can_be_freed(void **state)
{
    (void)state;
    const struct milky_config config = config_on(NULL);
    struct milky_endpoint *endpoint;
    struct milky_error error = { .size = sizeof(error) };
    puppet.start_rc = -EACCES;
    assert_int_equal(milky_endpoint_new(&config, &endpoint, &error), 0);
    assert_int_equal(milky_endpoint_start(endpoint, &error), -EACCES);
    assert_int_equal(milky_endpoint_start(endpoint, &error), -EALREADY);
    milky_endpoint_free(endpoint);
    assert_int_equal(puppet.frees, 1);
    milky_endpoint_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_calls_are_answered_by_a_free, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_without_an_answer_are_answered_by_a_stop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_free_does_not_wait_for_a_client_that_does_not_read,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_handles_that_are_closed_in_time_are_not_logged, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_open_handles_are_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_handles_on_the_embedders_loop_are_left_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_endpoint_that_did_not_start_can_be_freed, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
