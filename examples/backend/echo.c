/*
 * echo: a backend in a hundred lines. Each private message that the bot sends comes back to it as
 * an event, as if the person had answered with the same words.
 *
 *   cc echo.c -o echo $(pkg-config --cflags --libs milky libuv) && ./echo 3000
 *   curl -H 'Content-Type: application/json' 127.0.0.1:3000/api/send_private_message \
 *        -d '{"user_id": 20002, "message": [{"type": "text", "data": {"text": "hi"}}]}'
 */
#define _GNU_SOURCE
#include <milky/milky.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { SELF_ID = 10001 };

struct echo {
    struct milky_host *host;
    unsigned long long last_seq;
};

static int start(void *self, struct milky_host *host)
{
    static const char *const actions[] = { "get_login_info", "get_impl_info",
                                           "send_private_message" };
    const struct milky_impl impl = { sizeof(impl), "echo", "1.0", "9.9.9", "linux" };
    struct echo *echo = self;
    echo->host = host;
    int rc = milky_host_supports(host, 0, actions, sizeof(actions) / sizeof(actions[0]));
    return rc == 0 ? milky_host_set_impl(host, 0, &impl) : rc;
}

static void send_private_message(struct echo *echo, uint64_t call)
{
    const char *user = milky_call_param_json(echo->host, call, "user_id", NULL);
    const char *message = milky_call_param_json(echo->host, call, "message", NULL);
    unsigned long long now = (unsigned long long)time(NULL);
    char *event, result[64];
    if (asprintf(&event,
                 "{\"message_scene\":\"temp\",\"peer_id\":%s,\"sender_id\":%s,\"message_seq\":%llu,"
                 "\"time\":%llu,\"segments\":%s}",
                 user, user, echo->last_seq + 2, now, message) < 0) {
        milky_call_fail(echo->host, call, MILKY_INTERNAL, "out of memory");
        return;
    }
    int rc = milky_emit_json(echo->host, SELF_ID, "message_receive", now, event, strlen(event),
                             NULL, NULL);
    free(event);
    if (rc <
        0) { /* an image, for example: outgoing segments have other fields than incoming ones */
        milky_call_fail(echo->host, call, -1, "only text can be echoed");
        return;
    }
    int len = snprintf(result, sizeof(result), "{\"message_seq\":%llu,\"time\":%llu}",
                       echo->last_seq + 1, now);
    echo->last_seq += 2;
    milky_call_ok_json(echo->host, call, result, (size_t)len);
}

static void call(void *self, uint64_t number)
{
    static const char login[] = "{\"uin\":10001,\"nickname\":\"Echo\"}";
    struct echo *echo = self;
    if (strcmp(milky_call_action(echo->host, number), "get_login_info") == 0)
        milky_call_ok_json(echo->host, number, login, strlen(login));
    else
        send_private_message(echo, number);
}

static const struct milky_backend backend = {
    .size = sizeof(backend), .name = "echo", .start = start, .call = call
};

static void stop(uv_signal_t *handle, int signum)
{
    (void)signum;
    uv_close((uv_handle_t *)handle, NULL);
    milky_endpoint_stop(handle->data);
}

int main(int argc, char **argv)
{
    char listen[64];
    snprintf(listen, sizeof(listen), "127.0.0.1:%s", argc > 1 ? argv[1] : "3000");
    struct echo echo = { NULL, 0 };
    const struct milky_server server = { .size = sizeof(server), .listen = listen };
    const struct milky_bot bot = { .size = sizeof(bot),
                                   .self_id = SELF_ID,
                                   .http_server = &server,
                                   .http_server_count = 1,
                                   .websocket_server = &server,
                                   .websocket_server_count = 1 };
    const struct milky_config_backend ours = { sizeof(ours), "echo", &backend, &echo };
    const struct milky_config config = {
        .size = sizeof(config), .backends = &ours, .backend_count = 1, .bots = &bot, .bot_count = 1
    };
    struct milky_error error = { .size = sizeof(error) };
    struct milky_port port = { .size = sizeof(port) };
    struct milky_endpoint *endpoint = NULL;
    uv_signal_t signals;
    int rc = milky_endpoint_new(&config, &endpoint, &error);
    if (rc == 0)
        rc = milky_endpoint_start(endpoint, &error);
    if (rc == 0) {
        uv_signal_init(milky_endpoint_loop(endpoint), &signals);
        signals.data = endpoint;
        uv_signal_start(&signals, stop, SIGTERM);
        for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
            printf("%s %s\n", port.transport, port.address);
        puts("ready");
        fflush(stdout);
        milky_endpoint_run(endpoint);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    milky_endpoint_free(endpoint);
    return rc == 0 ? 0 : 1;
}
