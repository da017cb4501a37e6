/*
 * endpoint_testing: an endpoint as its embedder sees it, run step by step, clients that write plain
 * bytes, and a backend that keeps calls until the test answers them.
 */
#ifndef MK_TESTS_ENDPOINT_TESTING_H
#define MK_TESTS_ENDPOINT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <milky/milky.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { BOT = 10001, PATIENCE_S = 30, MOST_TALK = 64 * 1024, MOST_TALKS = 16, MOST_KEPT = 16 };

/* --- clients --- */

/* A client's connection. The received bytes are one text: bytes that are 0 become spaces. */
struct talk {
    int fd;
    bool ended; /* the other side has closed it */
    size_t len;
    char text[MOST_TALK];
};

static struct talk *talks[MOST_TALKS];
static size_t talk_count;

static inline void hear(struct talk *talk)
{
    ssize_t got;
    while (!talk->ended && talk->len < MOST_TALK - 1 &&
           (got = recv(talk->fd, talk->text + talk->len, MOST_TALK - 1 - talk->len,
                       MSG_DONTWAIT)) != -1) {
        for (ssize_t i = 0; i < got; i++)
            if (talk->text[talk->len + (size_t)i] == '\0')
                talk->text[talk->len + (size_t)i] = ' ';
        talk->len += (size_t)got;
        talk->text[talk->len] = '\0';
        talk->ended = got == 0;
    }
    if (errno == ECONNRESET)
        talk->ended = true;
    errno = 0;
}

/* Processes everything that is ready, or waits for one event. */
static inline void step(struct milky_endpoint *endpoint)
{
    struct pollfd polled[MOST_TALKS + 1] = { { milky_endpoint_fd(endpoint), POLLIN, 0 } };
    nfds_t count = 1;
    for (size_t i = 0; i < talk_count; i++)
        if (!talks[i]->ended)
            polled[count++] = (struct pollfd){ talks[i]->fd, POLLIN, 0 };
    assert_true(poll(polled, count, milky_endpoint_timeout(endpoint)) >= 0);
    milky_endpoint_step(endpoint);
    for (size_t i = 0; i < talk_count; i++)
        hear(talks[i]);
}

#define STEP_UNTIL(endpoint, condition)                                                            \
    do {                                                                                           \
        alarm(PATIENCE_S);                                                                         \
        while (!(condition))                                                                       \
            step(endpoint);                                                                        \
        alarm(0);                                                                                  \
    } while (0)

/* Processes events until nothing is ready any more. */
static inline void settle(struct milky_endpoint *endpoint)
{
    for (int i = 0; i < 8; i++)
        milky_endpoint_step(endpoint);
    for (size_t i = 0; i < talk_count; i++)
        hear(talks[i]);
}

static inline uint16_t port_of(struct milky_endpoint *endpoint, uint64_t self_id,
                               const char *transport)
{
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        if (port.self_id == self_id && strcmp(port.transport, transport) == 0)
            return (uint16_t)strtoul(strrchr(port.address, ':') + 1, NULL, 10);
    fail_msg("%s is not listened on", transport);
    return 0;
}

static inline void say(struct talk *talk, const char *text)
{
    assert_int_equal(send(talk->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline void dial(struct talk *talk, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    talk->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    talk->len = 0;
    talk->text[0] = '\0';
    talk->ended = false;
    assert_int_equal(connect(talk->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(talk_count < MOST_TALKS);
    talks[talk_count++] = talk;
}

static inline void hang_up(struct talk *talk)
{
    close(talk->fd);
    for (size_t i = 0; i < talk_count; i++)
        if (talks[i] == talk)
            talks[i] = talks[--talk_count];
}

/* As a client that has crashed. */
static inline void reset(struct talk *talk)
{
    struct linger at_once = { 1, 0 };
    setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    hang_up(talk);
}

static inline void forget(struct talk *talk)
{
    talk->len = 0;
    talk->text[0] = '\0';
}

static inline void post(struct talk *talk, const char *path, const char *body)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             path, strlen(body), body);
    say(talk, text);
}

/* An API without a result. */
static inline void call_api(struct talk *talk)
{
    post(talk, "/set_bio", "{\"new_bio\":\"x\"}");
}

static inline void get(struct talk *talk, const char *method, const char *path, const char *lines)
{
    char text[4096];
    snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path,
             lines);
    say(talk, text);
}

static inline void upgrade(struct talk *talk)
{
    say(talk, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

/* A text message, masked with zeros. */
static inline void say_frame(struct talk *talk, const char *text)
{
    char frame[128] = { (char)0x81, (char)(0x80 | strlen(text)) };
    size_t len = 6 + strlen(text);
    assert_true(len < sizeof(frame));
    memcpy(frame + 6, text, strlen(text));
    assert_int_equal(send(talk->fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Returns how often `what` is in the received text. */
static inline size_t count_of(const struct talk *talk, const char *what)
{
    size_t count = 0;
    for (const char *at = talk->text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

static inline bool has(const struct talk *talk, const char *what)
{
    return strstr(talk->text, what) != NULL;
}

#define OK_ANSWER "{\"status\":\"ok\",\"retcode\":0,\"data\":{}}"

/* --- a backend --- */

struct puppet {
    struct milky_host *host;
    int start_rc;
    bool is_mute; /* calls are kept, else answered at once */
    void (*on_call)(struct puppet *puppet, uint64_t call); /* instead */
    void (*on_turn_end)(struct puppet *puppet);
    void (*on_free)(struct puppet *puppet);
    unsigned starts, frees, turns, bots_changed;
    size_t bots;
    uint64_t calls[MOST_KEPT], cancelled[MOST_KEPT], requests[MOST_KEPT];
    size_t call_count, cancelled_count, request_count;
    char token[64];
};

static inline int puppet_start(void *self, struct milky_host *host)
{
    struct puppet *puppet = self;
    puppet->host = host;
    puppet->starts++;
    milky_host_bots(host, &puppet->bots);
    return puppet->start_rc;
}

static inline void puppet_call(void *self, uint64_t call)
{
    struct puppet *puppet = self;
    assert_int_equal(puppet->frees, 0);
    if (puppet->on_call)
        puppet->on_call(puppet, call);
    else if (puppet->is_mute)
        puppet->calls[puppet->call_count++ % MOST_KEPT] = call;
    else
        milky_call_ok_json(puppet->host, call, "{}", 2);
}

static inline void puppet_cancelled(void *self, uint64_t call)
{
    struct puppet *puppet = self;
    assert_int_equal(puppet->frees, 0);
    puppet->cancelled[puppet->cancelled_count++ % MOST_KEPT] = call;
}

static inline void puppet_turn_end(void *self)
{
    struct puppet *puppet = self;
    assert_int_equal(puppet->frees, 0);
    puppet->turns++;
    if (puppet->on_turn_end)
        puppet->on_turn_end(puppet);
}

static inline void puppet_resource(void *self, uint64_t request, const char *token)
{
    struct puppet *puppet = self;
    assert_int_equal(puppet->frees, 0);
    puppet->requests[puppet->request_count++ % MOST_KEPT] = request;
    snprintf(puppet->token, sizeof(puppet->token), "%s", token);
}

static inline void puppet_bots_changed(void *self)
{
    struct puppet *puppet = self;
    puppet->bots_changed++;
    milky_host_bots(puppet->host, &puppet->bots);
}

static inline void puppet_free(void *self)
{
    struct puppet *puppet = self;
    if (puppet->on_free)
        puppet->on_free(puppet);
    puppet->frees++;
}

static const struct milky_backend puppet_table = {
    .size = sizeof(puppet_table),
    .name = "puppet",
    .start = puppet_start,
    .call = puppet_call,
    .cancelled = puppet_cancelled,
    .control = puppet_call,
    .turn_end = puppet_turn_end,
    .resource = puppet_resource,
    .bots_changed = puppet_bots_changed,
    .free = puppet_free,
};

/* --- configurations --- */

#define BACKEND(name, puppet)                                                                      \
    {                                                                                              \
        sizeof(struct milky_config_backend), (name), &puppet_table, (puppet)                       \
    }

static const struct milky_server any_port = {
    .size = sizeof(any_port),
    .listen = "127.0.0.1:0",
    .dialect = MILKY_DIALECT_1_2,
};

/* With an http_server on a free port. */
#define SERVED_BOT(id, backend_name)                                                               \
    {                                                                                              \
        .size = sizeof(struct milky_bot), .self_id = (id), .backend = (backend_name),              \
        .http_server = &any_port, .http_server_count = 1                                           \
    }

static inline struct milky_endpoint *start_endpoint(const struct milky_config *config)
{
    struct milky_endpoint *endpoint = NULL;
    struct milky_error error = { .size = sizeof(error) };
    if (milky_endpoint_new(config, &endpoint, &error) < 0 ||
        milky_endpoint_start(endpoint, &error) < 0)
        fail_msg("%s", error.text);
    return endpoint;
}

/* --- the receiver of a webhook --- */

/* Accepts a connection of the endpoint, which posts on it. */
static inline void take_post(int listening, struct talk *talk)
{
    talk->fd = accept(listening, NULL, NULL);
    talk->len = 0;
    talk->text[0] = '\0';
    talk->ended = false;
    talks[talk_count++] = talk;
}

static inline int listen_somewhere(char url[64])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u/hook", ntohs(address.sin_port));
    return fd;
}

static inline bool is_waiting(int listening)
{
    struct pollfd polled = { listening, POLLIN, 0 };
    return poll(&polled, 1, 0) == 1;
}

/* Turns the endpoint until it connects to the receiver. */
static inline void step_until_posted(struct milky_endpoint *endpoint, int listening)
{
    while (!is_waiting(listening)) {
        struct pollfd polled[] = { { milky_endpoint_fd(endpoint), POLLIN, 0 },
                                   { listening, POLLIN, 0 } };
        assert_true(poll(polled, 2, milky_endpoint_timeout(endpoint)) >= 0);
        milky_endpoint_step(endpoint);
    }
}

#endif
