/*
 * endpoint: as an embedder sees it, with a backend that answers when the test wants it: calls that
 * are in flight when the endpoint stops, and calls that are never answered.
 */
#include "net_testing.h"

#include "wire/websocket.h"

#include <milky/json.h>
#include <milky/milky.h>
#include <stdio.h>
#include <time.h>

enum { BOT = 10001000, WANTED_CALLS = 2, MOST_TEXT = 8192 };

/* A backend that keeps every call until `reply` is asked for. */
struct slow {
    struct milky_host *host;
    struct world *world;
    uint64_t calls[WANTED_CALLS];
    size_t count;
};

/* A client, by hand, on the endpoint's own loop. */
struct client {
    uv_poll_t poll;
    struct world *world;
    int fd;
    bool websocket;
    bool ended;
    size_t len;
    char text[MOST_TEXT]; /* all received bytes; frames of a server hold their text unmasked */
};

struct world {
    struct milky_endpoint *endpoint;
    struct slow slow;
    struct client clients[WANTED_CALLS];
    uv_timer_t later;
    bool replies; /* some turns after the stop */
    bool stopped;
    size_t replied;
};

/* --- the backend --- */

static int start_slow(void *self, struct milky_host *host)
{
    struct slow *slow = self;
    slow->host = host;
    return 0;
}

static void on_later(uv_timer_t *timer)
{
    struct world *world = timer->data;
    if (!world->stopped) {
        world->stopped = true;
        milky_endpoint_stop(world->endpoint);
        for (size_t i = 0; i < WANTED_CALLS; i++)
            assert_null(strstr(world->clients[i].text, "\"ok\""));
        uv_timer_start(timer, on_later, 20, 0);
        return;
    }
    for (size_t i = 0; world->replies && i < world->slow.count; i++) {
        /* no list of friends, so it is a failure, but an answer */
        assert_int_equal(milky_call_ok(world->slow.host, world->slow.calls[i], NULL), -EINVAL);
        world->replied++;
    }
    if (world->replies)
        world->slow.count = 0;
}

static void call_slow(void *self, uint64_t call)
{
    struct slow *slow = self;
    assert_false(slow->world->stopped);
    assert_true(slow->count < WANTED_CALLS);
    slow->calls[slow->count++] = call;
    if (slow->count == WANTED_CALLS)
        uv_timer_start(&slow->world->later, on_later, 0, 0);
}

/* The endpoint has ended them already. */
static void free_slow(void *self)
{
    struct slow *slow = self;
    for (size_t i = 0; i < slow->count; i++) {
        assert_false(milky_call_open(slow->host, slow->calls[i]));
        assert_int_equal(milky_call_fail(slow->host, slow->calls[i], MILKY_INTERNAL, "gone"),
                         -ENOENT);
    }
    slow->count = 0;
}

static const struct milky_backend slow_backend = {
    .size = sizeof(slow_backend),
    .name = "slow",
    .start = start_slow,
    .call = call_slow,
    .free = free_slow,
};

/* --- a backend that only counts --- */

static bool was_freed;

static void call_none(void *self, uint64_t call)
{
    (void)self;
    (void)call;
}

static void note_free(void *self)
{
    (void)self;
    was_freed = true;
}

static const struct milky_backend none_backend = {
    .size = sizeof(none_backend),
    .name = "none",
    .call = call_none,
    .free = note_free,
};

#define BACKEND(table_, self_)                                                                     \
    .size = sizeof(struct milky_config), .backend_count = 1,                                       \
    .backends = &(const struct milky_config_backend)                                               \
    {                                                                                              \
        .size = sizeof(struct milky_config_backend), .name = "mine", .table = (table_),            \
        .self = (self_)                                                                            \
    }

/* --- the clients --- */

static void say(struct client *client, const char *data, size_t len)
{
    assert_int_equal(send(client->fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say_frame(struct client *client, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct mk_buf frame;
    mk_buf_init(&frame, MOST_TEXT);
    struct mk_random masks = { 0 };
    assert_int_equal(mk_ws_write_frame(&frame, &masks, opcode, payload), 0);
    say(client, frame.data, frame.len);
    mk_buf_fini(&frame);
}

static void on_readable(uv_poll_t *poll, int status, int what)
{
    struct client *client = MK_CONTAINER_OF(poll, struct client, poll);
    (void)status;
    (void)what;
    ssize_t got = recv(client->fd, client->text + client->len, MOST_TEXT - 1 - client->len, 0);
    if (got <= 0) {
        client->ended = true;
        shutdown(client->fd, SHUT_WR);
        uv_poll_stop(poll);
        return;
    }
    for (ssize_t i = 0; i < got; i++) /* so that it is one text */
        if (client->text[client->len + (size_t)i] == '\0')
            client->text[client->len + (size_t)i] = ' ';
    client->len += (size_t)got;
    if (client->websocket && strstr(client->text, "milky is stopping"))
        say_frame(client, MK_WS_CLOSE, MK_SLICE("\x03\xe9"));
}

static void connect_to(struct client *client, struct world *world, const char *transport)
{
    struct milky_port port = { .size = sizeof(port) };
    size_t i = 0;
    while (milky_endpoint_port(world->endpoint, i, &port) && strcmp(port.transport, transport) != 0)
        i++;
    assert_string_equal(port.transport, transport);
    assert_int_equal(port.self_id, BOT);
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *number = strrchr(port.address, ':') + 1;
    address.sin_port = htons((uint16_t)strtoul(number, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->world = world;
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    uv_poll_init(milky_endpoint_loop(world->endpoint), &client->poll, client->fd);
    uv_unref((uv_handle_t *)&client->poll);
    uv_poll_start(&client->poll, UV_READABLE, on_readable);
}

static void ask(struct world *world)
{
    static const char http[] = "POST /get_friend_list HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    static const char handshake[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    connect_to(&world->clients[0], world, "http_server");
    say(&world->clients[0], http, sizeof(http) - 1);
    connect_to(&world->clients[1], world, "websocket_server");
    world->clients[1].websocket = true;
    say(&world->clients[1], handshake, sizeof(handshake) - 1);
    say_frame(&world->clients[1], MK_WS_TEXT,
              MK_SLICE("{\"action\":\"get_group_list\",\"echo\":\"late\"}"));
}

/* --- the life of an endpoint --- */

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_closed(uv_handle_t *handle)
{
    handle->data = NULL;
}

/* Runs it until it has stopped. Returns how long that took, in milliseconds. */
static uint64_t run(struct world *world, bool replies)
{
    const struct milky_server server = { .size = sizeof(server), .listen = "127.0.0.1:0" };
    const struct milky_bot bot = { .size = sizeof(bot),
                                   .self_id = BOT,
                                   .http_server = &server,
                                   .http_server_count = 1,
                                   .websocket_server = &server,
                                   .websocket_server_count = 1 };
    const struct milky_config config = { BACKEND(&slow_backend, &world->slow), .bots = &bot,
                                         .bot_count = 1 };
    *world = (struct world){ .replies = replies };
    world->slow.world = world;
    assert_int_equal(milky_endpoint_new(&config, &world->endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(world->endpoint, NULL), 0);
    uv_timer_init(milky_endpoint_loop(world->endpoint), &world->later);
    world->later.data = world;
    ask(world);
    alarm(PATIENCE_S);
    uint64_t began = now_ms();
    milky_endpoint_run(world->endpoint);
    uint64_t took = now_ms() - began;
    alarm(0);
    assert_true(world->stopped);
    uv_close((uv_handle_t *)&world->later, on_closed);
    for (size_t i = 0; i < WANTED_CALLS; i++)
        uv_close((uv_handle_t *)&world->clients[i].poll, on_closed);
    return took;
}

static void end(struct world *world)
{
    milky_endpoint_free(world->endpoint);
    for (size_t i = 0; i < WANTED_CALLS; i++)
        close(world->clients[i].fd);
}

/* The bytes that a client has not read yet. */
static void read_rest(struct client *client)
{
    ssize_t got;
    while ((got = recv(client->fd, client->text + client->len, MOST_TEXT - 1 - client->len, 0)) > 0)
        client->len += (size_t)got;
    client->ended |= got == 0;
}

static void test_calls_in_flight_are_answered(void **state)
{
    (void)state;
    struct world world;
    assert_true(run(&world, true) < 3000);
    assert_int_equal(world.replied, WANTED_CALLS);
    for (size_t i = 0; i < WANTED_CALLS; i++)
        read_rest(&world.clients[i]);
    assert_non_null(strstr(world.clients[0].text, "HTTP/1.1 200 "));
    assert_non_null(strstr(world.clients[0].text, "\r\nConnection: close\r\n"));
    assert_true(world.clients[0].ended);
    const char *reply = strstr(world.clients[1].text, "\"echo\":\"late\"");
    const char *goodbye = strstr(world.clients[1].text, "\x03\xe9milky is stopping");
    assert_non_null(reply);
    assert_non_null(goodbye);
    assert_true(reply < goodbye);
    end(&world);
}

static void test_a_call_that_is_never_answered_delays_no_other(void **state)
{
    (void)state;
    struct world world;
    uint64_t took = run(&world, false);
    assert_true(took >= 1000); /* the endpoint waited for it */
    assert_true(took < 5000);
    assert_int_equal(world.slow.count, WANTED_CALLS);
    end(&world); /* only now the backend answers them */
    assert_int_equal(world.slow.count, 0);
}

static void test_an_endpoint_that_never_ran_can_be_freed(void **state)
{
    (void)state;
    struct world world = { .replies = false };
    const struct milky_config config = { BACKEND(&slow_backend, &world.slow) };
    assert_int_equal(milky_endpoint_new(&config, &world.endpoint, NULL), 0);
    milky_endpoint_free(world.endpoint);
    milky_endpoint_free(NULL);
}

static int fail_to_start(void *self, struct milky_host *host)
{
    (void)self;
    (void)host;
    return -EIO;
}

static void test_a_backend_that_did_not_start_is_freed(void **state)
{
    (void)state;
    struct milky_backend backend = none_backend;
    backend.start = fail_to_start;
    const struct milky_config config = { BACKEND(&backend, NULL) };
    struct milky_endpoint *endpoint;
    struct milky_error error = { .size = sizeof(error) };
    was_freed = false;
    assert_int_equal(milky_endpoint_new(&config, &endpoint, &error), 0);
    assert_int_equal(milky_endpoint_start(endpoint, &error), -EIO);
    assert_string_equal(error.text, "the backend mine cannot start: Input/output error");
    assert_string_equal(error.path, "");
    assert_false(was_freed);
    milky_endpoint_free(endpoint);
    assert_true(was_freed);
}

static uint64_t bots_before[3], bots_after[3];
static const uint64_t *known_bots;
static size_t known_count;
static struct milky_host *known_host;

static int know_bots(void *self, struct milky_host *host)
{
    (void)self;
    known_host = host;
    known_bots = milky_host_bots(host, &known_count);
    return 0;
}

static void compare_bots(void *self)
{
    size_t count;
    (void)self;
    const uint64_t *now = milky_host_bots(known_host, &count);
    memcpy(bots_before, known_bots, known_count * sizeof(*known_bots));
    memcpy(bots_after, now, count * sizeof(*now));
    known_bots = now;
    known_count = count;
}

/* For sanitizers: the old list is not freed while it is compared with the new one. */
static void test_bots_can_be_compared_while_they_change(void **state)
{
    (void)state;
    struct milky_backend backend = none_backend;
    backend.start = know_bots;
    backend.bots_changed = compare_bots;
    const struct milky_bot bots[] = { { sizeof(bots[0]), BOT }, { sizeof(bots[0]), 10001 } };
    const struct milky_config first = { BACKEND(&backend, NULL), .bots = bots, .bot_count = 1 };
    const struct milky_config second = { BACKEND(&backend, NULL), .bots = bots, .bot_count = 2 };
    struct milky_endpoint *endpoint;
    assert_int_equal(milky_endpoint_new(&first, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), 0);
    assert_int_equal(known_count, 1);
    assert_int_equal(milky_endpoint_reload(endpoint, &second, NULL), 0);
    assert_int_equal(known_count, 2);
    assert_int_equal(bots_before[0], BOT);
    assert_int_equal(bots_after[0], BOT);
    assert_int_equal(bots_after[1], 10001);
    milky_endpoint_free(endpoint);
}

static char logged[1024];

static void keep_line(const char *line, size_t len)
{
    snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

/* Mistakes of an embedder; the backend is freed in any case. */
static void test_wrong_configurations_are_refused(void **state)
{
    (void)state;
    enum { SIZE = sizeof(struct milky_server) };
    const struct milky_server anywhere = { SIZE, .listen = "0.0.0.0:0" };
    const struct milky_server nowhere = { SIZE, .listen = "what?" };
    const struct milky_server plain[] = { { SIZE, .listen = "127.0.0.1:1" },
                                          { SIZE, .listen = "127.0.0.1:1" } };
    const struct milky_server below = { SIZE, .listen = "127.0.0.1:1", .prefix = "/milky" };
    const struct milky_server safe = { SIZE, .listen = "127.0.0.1:1",
                                       .tls = { "cert.pem", "key.pem" } };
    const struct milky_bot bots[] = {
        { .self_id = BOT, .http_server = &anywhere, .http_server_count = 1 },
        { .self_id = BOT, .websocket_server = &anywhere, .websocket_server_count = 1 },
        { .self_id = BOT, .http_server = &nowhere, .http_server_count = 1 },
        { .self_id = BOT, .http_server = plain, .http_server_count = 2 },
        { .self_id = BOT,
          .http_server = plain,
          .http_server_count = 1,
          .websocket_server = &below,
          .websocket_server_count = 1 },
        { .self_id = BOT,
          .http_server = plain,
          .http_server_count = 1,
          .websocket_server = &safe,
          .websocket_server_count = 1 },
    };
    for (size_t i = 0; i < sizeof(bots) / sizeof(bots[0]); i++) {
        struct milky_bot bot = bots[i];
        bot.size = sizeof(bot);
        const struct milky_config config = { BACKEND(&none_backend, NULL), .bots = &bot,
                                             .bot_count = 1 };
        struct milky_endpoint *endpoint = NULL;
        was_freed = false;
        assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), -EINVAL);
        assert_null(endpoint);
        assert_true(was_freed);
    }
}

/* The sizes of the structs below. */
enum {
    B = sizeof(struct milky_bot),
    R = sizeof(struct milky_remote),
    S = sizeof(struct milky_server),
};

#define BOTS(...)                                                                                  \
    {                                                                                              \
        BACKEND(&none_backend, NULL),                                                              \
            .bots = (const struct milky_bot[]){ __VA_ARGS__ },                                     \
            .bot_count =                                                                           \
                sizeof((const struct milky_bot[]){ __VA_ARGS__ }) / sizeof(struct milky_bot)       \
    }
#define REMOTES(kind, ...)                                                                         \
    .kind = (const struct milky_remote[]){ __VA_ARGS__ },                                          \
    .kind##_count =                                                                                \
        sizeof((const struct milky_remote[]){ __VA_ARGS__ }) / sizeof(struct milky_remote)
#define SERVER(kind, ...) .kind = &(const struct milky_server){ S, __VA_ARGS__ }, .kind##_count = 1

/* The same at the start and in a reload, which changes nothing. */
static void test_mistakes_have_their_configuration_path(void **state)
{
    (void)state;
    char long_secret[514] = "";
    memset(long_secret, 'x', sizeof(long_secret) - 1);
    const struct {
        struct milky_config config;
        const char *said;
    } cases[] = {
        { BOTS({ B, 10000 }),
          "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 10000" },
        { BOTS({ B, BOT }, { B, 4294967296 }),
          "bots[1].self_id: expected a QQ number from 10001 to 4294967295, got 4294967296" },
        { BOTS({ B, BOT }, { B, 10001 }, { B, BOT }),
          "bots[2].self_id: 10001000 is bots[0] already" },
        { BOTS({ B, BOT, REMOTES(websocket_client, { R, "ws://" }) }),
          "bots[0].websocket_client[0].url: expected a ws:// or wss:// URL, got another string (no "
          "host)" },
        { BOTS({ B, BOT, REMOTES(websocket_client, { R, "ws://h/" }, { R, NULL }) }),
          "bots[0].websocket_client[1].url: missing: expected a ws:// or wss:// URL" },
        { BOTS({ B, BOT, REMOTES(websocket_client, { R, "http://h/" }) }),
          "bots[0].websocket_client[0].url: expected a ws:// or wss:// URL, got an http:// URL" },
        { BOTS({ B, BOT }, { B, 10001, REMOTES(webhook, { R, "nothing" }) }),
          "bots[1].webhook[0].url: expected an http:// or https:// URL, got another string (" },
        { BOTS({ B, BOT, REMOTES(webhook, { R, "WSS://h/" }) }),
          "bots[0].webhook[0].url: expected an http:// or https:// URL, got a WSS:// URL" },
        { BOTS({ B, BOT,
                 REMOTES(webhook, { R, "http://h/" }, { R, "http://h/2", .secret = "whsec_" }) }),
          "bots[0].webhook[1].secret: expected whsec_ and base64, or any other text, of 512 bytes "
          "at most" },
        { BOTS({ B, BOT, REMOTES(webhook, { R, "http://h/", .secret = long_secret }) }),
          "bots[0].webhook[0].secret: expected whsec_ and base64" },
        { BOTS({ B, BOT, REMOTES(webhook, { R, "https://h/", .tls = { .certificate = "c" } }) }),
          "bots[0].webhook[0].tls.certificate: expected `key` beside it" },
        { BOTS({ B, BOT, REMOTES(websocket_client, { R, "wss://h/", .tls = { .key = "k" } }) }),
          "bots[0].websocket_client[0].tls.key: expected `certificate` beside it" },
        { BOTS({ B, BOT, SERVER(http_server, "127.0.0.1:0", .tls = { .key = "k" }) }),
          "bots[0].http_server[0].tls.certificate: missing: expected a path" },
        { BOTS({ B, BOT, SERVER(websocket_server, "127.0.0.1:0", .tls = { "c" }) }),
          "bots[0].websocket_server[0].tls.key: missing: expected a path" },
        { BOTS({ B, BOT,
                 REMOTES(webhook, { R, "http://h/b" }, { R, "http://h/a" }, { R, "http://h/b" }) }),
          "bots[0].webhook[2].url: expected a URL of its own, got that of webhook[0]" },
        { BOTS({ B, BOT,
                 REMOTES(websocket_client, { R, "ws://h/" }, { R, "ws://h/", .replay = true },
                         { R, "ws://h/", .replay = true }) }),
          "bots[0].websocket_client[2].url: expected a URL of its own, got that of "
          "websocket_client[1]" },
    };
    const struct milky_config good = BOTS({ B, BOT, SERVER(http_server, "127.0.0.1:0") });
    struct milky_endpoint *endpoint;
    struct milky_port before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
    assert_int_equal(milky_endpoint_new(&good, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), 0);
    assert_true(milky_endpoint_port(endpoint, 0, &before));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct milky_endpoint *other = NULL;
        struct milky_error error = { .size = sizeof(error) };
        was_freed = false;
        milky_log_to(keep_line, 0, false);
        assert_int_equal(milky_endpoint_new(&cases[i].config, &other, &error), -EINVAL);
        assert_null(other);
        assert_true(was_freed);
        if (!strstr(logged, cases[i].said))
            print_error("%s instead of %s\n", logged, cases[i].said);
        assert_non_null(strstr(logged, cases[i].said));
        assert_ptr_equal(strstr(error.text, cases[i].said), error.text);
        assert_int_equal(strncmp(error.text, error.path, strlen(error.path)), 0);
        assert_memory_equal(error.path, "bots[", 5);
        error.text[0] = '\0';
        assert_int_equal(milky_endpoint_reload(endpoint, &cases[i].config, &error), -EINVAL);
        assert_ptr_equal(strstr(error.text, cases[i].said), error.text);
        assert_non_null(strstr(logged, "not reloaded, nothing has changed"));
        milky_log_to(NULL, 0, false);
        assert_true(milky_endpoint_port(endpoint, 0, &after));
        assert_string_equal(after.address, before.address);
    }
    milky_endpoint_free(endpoint);
}

/* --- backends --- */

static struct milky_config_backend some(const char *name, const struct milky_backend *table)
{
    return (struct milky_config_backend){ sizeof(struct milky_config_backend), name, table, NULL };
}

static void test_wrong_backends_are_refused(void **state)
{
    (void)state;
    struct milky_backend small = none_backend, nameless = none_backend, mute = none_backend;
    small.size = offsetof(struct milky_backend, call);
    nameless.name = NULL;
    mute.call = NULL;
    const struct {
        struct milky_config_backend backends[2];
        const char *said;
    } cases[] = {
        { { some("a", &none_backend), some("a", &none_backend) },
          "backends[1].name: expected a name of its own, got that of backends[0]" },
        { { some(NULL, &none_backend), some("b", &none_backend) },
          "backends[0].name: missing: expected a name of letters, digits, '-' and '_'" },
        { { some("a", &none_backend), some("b c", &none_backend) },
          "backends[1].name: expected a name of letters, digits, '-' and '_', got \"b c\" (" },
        { { some("endpoint", &none_backend), some("b", &none_backend) },
          "backends[0].name: expected a name of letters, digits, '-' and '_', got \"endpoint\" "
          "(that is the endpoint itself)" },
        { { some("a", &none_backend), some("b", &small) }, "backends[1]: its table is too short" },
        { { some("a", &nameless), some("b", &none_backend) },
          "backends[0]: its table has no name" },
        { { some("a", &none_backend), some("b", &mute) },
          "backends[1]: its table has no function `call`" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct milky_config config = { .size = sizeof(config),
                                             .backends = cases[i].backends,
                                             .backend_count = 2 };
        struct milky_endpoint *endpoint = NULL;
        struct milky_error error = { .size = sizeof(error) };
        was_freed = false;
        assert_int_equal(milky_endpoint_new(&config, &endpoint, &error), -EINVAL);
        assert_null(endpoint);
        assert_true(was_freed);
        if (!strstr(error.text, cases[i].said))
            print_error("%s instead of %s\n", error.text, cases[i].said);
        assert_non_null(strstr(error.text, cases[i].said));
    }
}

/* Two backends: each starts, ends its turns and has its bots; they are freed in their order. */
struct one {
    struct milky_host *host;
    const char *name;
    uint64_t bot;
    size_t bots;
    unsigned turns;
};

static char order[64];

static void note(const struct one *one, const char *what)
{
    size_t len = strlen(order);
    snprintf(order + len, sizeof(order) - len, "%s %s, ", what, one->name);
}

static int start_one(void *self, struct milky_host *host)
{
    struct one *one = self;
    one->host = host;
    one->bot = milky_host_bots(host, &one->bots)[0];
    assert_string_equal(milky_host_name(host), one->name);
    note(one, "start");
    return 0;
}

static void end_turn_of_one(void *self)
{
    struct one *one = self;
    one->turns++;
}

static void free_one(void *self)
{
    note(self, "free");
}

static void stop_endpoint(uv_timer_t *timer)
{
    milky_endpoint_stop(timer->data);
    uv_close((uv_handle_t *)timer, NULL);
}

static void test_each_backend_has_its_own_life_and_bots(void **state)
{
    (void)state;
    struct milky_backend table = none_backend;
    table.start = start_one;
    table.turn_end = end_turn_of_one;
    table.free = free_one;
    struct one first = { .name = "first" }, second = { .name = "second" };
    const struct milky_config_backend backends[] = {
        { sizeof(backends[0]), "first", &table, &first },
        { sizeof(backends[0]), "second", &table, &second },
    };
    const struct milky_bot bots[] = {
        { sizeof(bots[0]), 10001, .backend = "second" },
        { sizeof(bots[0]), 10002 },
        { sizeof(bots[0]), 10003, .backend = "first" },
    };
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = backends,
                                         .backend_count = 2,
                                         .bots = bots,
                                         .bot_count = 3 };
    struct milky_endpoint *endpoint;
    uv_timer_t timer;
    order[0] = '\0';
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), 0);
    assert_int_equal(first.bots, 2);
    assert_int_equal(first.bot, 10002);
    assert_int_equal(second.bots, 1);
    assert_int_equal(second.bot, 10001);
    assert_int_equal(milky_host_last_event(first.host, 10001), 0);
    assert_int_equal(milky_host_drop_connections(first.host, 10001), -ENOENT); /* not its own */
    assert_int_equal(milky_host_drop_connections(second.host, 10001), 0);
    uv_timer_init(milky_endpoint_loop(endpoint), &timer);
    timer.data = endpoint;
    uv_timer_start(&timer, stop_endpoint, 0, 0);
    alarm(PATIENCE_S);
    milky_endpoint_run(endpoint);
    alarm(0);
    assert_true(first.turns > 0);
    assert_int_equal(first.turns, second.turns);
    milky_endpoint_free(endpoint);
    assert_string_equal(order, "start first, start second, free first, free second, ");
}

static void test_a_bot_must_name_an_existing_backend(void **state)
{
    (void)state;
    const struct milky_config config = BOTS({ B, BOT, "mine" }, { B, 10001, "other" });
    struct milky_endpoint *endpoint;
    struct milky_error error = { .size = sizeof(error) };
    assert_int_equal(milky_endpoint_new(&config, &endpoint, &error), -EINVAL);
    assert_string_equal(error.text,
                        "bots[1].backend: expected the name of a backend, got \"other\"");
    assert_string_equal(error.path, "bots[1].backend");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_in_flight_are_answered),
        cmocka_unit_test(test_a_call_that_is_never_answered_delays_no_other),
        cmocka_unit_test(test_an_endpoint_that_never_ran_can_be_freed),
        cmocka_unit_test(test_a_backend_that_did_not_start_is_freed),
        cmocka_unit_test(test_bots_can_be_compared_while_they_change),
        cmocka_unit_test(test_wrong_configurations_are_refused),
        cmocka_unit_test(test_mistakes_have_their_configuration_path),
        cmocka_unit_test(test_wrong_backends_are_refused),
        cmocka_unit_test(test_each_backend_has_its_own_life_and_bots),
        cmocka_unit_test(test_a_bot_must_name_an_existing_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
