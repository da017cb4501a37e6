/*
 * two_endpoints: two endpoints in two threads of one process, each with a sandbox, a journal and a
 * webhook of its own. Clients in more threads call both hard while the endpoints end and start
 * again. Each answer and each event must be of the caller's world: all of its messages begin with
 * its name. scripts/tsan runs it with ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/sandbox/sandbox.h"
#include "plain_client.h"

#include <ftw.h>
#include <milky/milky.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    BOT = 10001000,      /* whose APIs are called */
    LISTENER = 10002000, /* gets its messages, over a WebSocket and a webhook */
    ROUNDS = 3,
    HTTP_CLIENTS = 2,
    CLIENTS = HTTP_CLIENTS + 1, /* the last one by WebSocket */
    SAYINGS = 100,              /* of each of them in a round */
    MOST_SAID = ROUNDS * CLIENTS * SAYINGS,
};

/* ThreadSanitizer does not see that liburing maps its rings, maybe at the address of another
 * thread's file. */
#if defined(__SANITIZE_THREAD__)
#define NO_IO_URING true
#else
#define NO_IO_URING false
#endif

#define GROUP "\"group_id\":700000001"
#define GIF "R0lGODlhAwACAAAAAA=="

struct world {
    char name; /* 'A' */
    char folder[64];
    atomic_uint said; /* each has its number: "A 17" */
    /* the endpoint of a round */
    struct milky_endpoint *endpoint;
    uv_async_t stop;
    sem_t is_served;
    uint16_t port, listener_port;
    /* the receiver of the webhook */
    int hook;
    uint16_t hook_port;
    bool is_hooked[MOST_SAID + 1];
    unsigned hooked;
    pthread_mutex_t lock;
    pthread_cond_t has_hooked;
};

static void start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    CHECK(pthread_create(thread, NULL, run, arg) == 0);
}

static void end(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

/* --- the endpoint --- */

static void on_stop(uv_async_t *async)
{
    struct world *world = async->data;
    milky_endpoint_stop(world->endpoint);
}

static uint16_t port_of(const struct milky_endpoint *endpoint, uint64_t self_id)
{
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        if (port.self_id == self_id)
            return (uint16_t)strtoul(strrchr(port.address, ':') + 1, NULL, 10);
    return 0;
}

static struct milky_endpoint *make_endpoint(const struct world *world)
{
    char database[96], journal[96], url[64];
    snprintf(database, sizeof(database), "%s/world.db", world->folder);
    snprintf(journal, sizeof(journal), "%s/journal.db", world->folder);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", world->hook_port);
    const struct sb_sandbox_config sandbox = { .path = database };
    const struct milky_config_backend backend = { .size = sizeof(backend),
                                                  .name = "sandbox",
                                                  .table = &sb_backend,
                                                  .self = sb_sandbox_new(&sandbox) };
    const struct milky_server server = { .size = sizeof(server), .listen = "127.0.0.1:0" };
    const struct milky_remote webhook = { .size = sizeof(webhook), .url = url };
    const struct milky_bot bots[] = {
        { .size = sizeof(*bots),
          .self_id = BOT,
          .http_server = &server,
          .http_server_count = 1,
          .websocket_server = &server,
          .websocket_server_count = 1 },
        { .size = sizeof(*bots),
          .self_id = LISTENER,
          .websocket_server = &server,
          .websocket_server_count = 1,
          .webhook = &webhook,
          .webhook_count = 1 },
    };
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = &backend,
                                         .backend_count = 1,
                                         .journal = { .path = journal, .no_flush = true },
                                         .bots = bots,
                                         .bot_count = 2,
                                         .no_io_uring = NO_IO_URING };
    struct milky_endpoint *endpoint;
    CHECK(milky_endpoint_new(&config, &endpoint, NULL) == 0);
    CHECK(milky_endpoint_start(endpoint, NULL) == 0);
    return endpoint;
}

/* A thread: an endpoint from its beginning to its end. */
static void *serve(void *arg)
{
    struct world *world = arg;
    world->endpoint = make_endpoint(world);
    world->port = port_of(world->endpoint, BOT);
    world->listener_port = port_of(world->endpoint, LISTENER);
    CHECK(uv_async_init(milky_endpoint_loop(world->endpoint), &world->stop, on_stop) == 0);
    world->stop.data = world;
    sem_post(&world->is_served);
    milky_endpoint_run(world->endpoint);
    uv_close((uv_handle_t *)&world->stop, NULL);
    milky_endpoint_free(world->endpoint);
    return NULL;
}

/* --- messages --- */

/* The number in "A 17", or 0 where `text` is no message. A message of another world is an error. */
static unsigned number_said(const struct world *world, const char *text)
{
    static const char before[] = "\"text\":\"";
    const char *at = strstr(text, before);
    if (!at)
        return 0;
    at += sizeof(before) - 1;
    CHECK(at[0] == world->name && at[1] == ' ');
    unsigned number = (unsigned)strtoul(at + 2, NULL, 10);
    CHECK(number > 0 && number <= MOST_SAID);
    return number;
}

/* The params of a call that sends the next message, some with an image. Returns its number. */
static unsigned write_saying(struct world *world, char *params, size_t size)
{
    unsigned number = atomic_fetch_add(&world->said, 1) + 1;
    const char *picture =
        number % 8 ? "" : ",{\"type\":\"image\",\"data\":{\"uri\":\"base64://" GIF "\"}}";
    int len =
        snprintf(params, size,
                 "{" GROUP ",\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%c %u\"}}%s]}",
                 world->name, number, picture);
    CHECK(len > 0 && (size_t)len < size);
    return number;
}

/* --- the receiver of the webhook --- */

static void take_hook(struct world *world, const char *text)
{
    unsigned number = number_said(world, text);
    pthread_mutex_lock(&world->lock);
    if (number > 0 && !world->is_hooked[number]) {
        world->is_hooked[number] = true;
        world->hooked++;
        pthread_cond_signal(&world->has_hooked);
    }
    pthread_mutex_unlock(&world->lock);
}

/* A thread: one connection after the other, until the listening socket is shut down. */
static void *receive_hooks(void *arg)
{
    static const char taken[] = "HTTP/1.1 204 No Content\r\n\r\n";
    struct world *world = arg;
    struct client *client = malloc(sizeof(*client));
    CHECK(client);
    for (int fd; (fd = accept(world->hook, NULL, NULL)) >= 0;) {
        client_use(client, fd);
        while (client_read_http(client)) {
            take_hook(world, client->text);
            client_put(client, taken, sizeof(taken) - 1);
        }
        client_close(client, false);
    }
    free(client);
    return NULL;
}

static void listen_for_hooks(struct world *world)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world->hook = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(world->hook, (struct sockaddr *)&address, len) == 0);
    CHECK(listen(world->hook, 16) == 0);
    CHECK(getsockname(world->hook, (struct sockaddr *)&address, &len) == 0);
    world->hook_port = ntohs(address.sin_port);
}

static void await_hooks(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    while (world->hooked < atomic_load(&world->said))
        pthread_cond_wait(&world->has_hooked, &world->lock);
    pthread_mutex_unlock(&world->lock);
}

/* --- the clients --- */

/* Copies the text between `before` and the next quotation mark. */
static void cut_out(const char *text, const char *before, char *out, size_t size)
{
    const char *from = strstr(text, before);
    CHECK(from);
    from += strlen(before);
    size_t len = strcspn(from, "\"");
    CHECK(len < size);
    memcpy(out, from, len);
    out[len] = '\0';
}

static void check_picture(struct world *world, struct client *client)
{
    char id[128], params[256], url[512], prefix[64];
    cut_out(client->text, "\"resource_id\":\"", id, sizeof(id));
    snprintf(params, sizeof(params), "{\"resource_id\":\"%s\"}", id);
    client_ask(client, "POST", "/get_resource_temp_url", params);
    cut_out(client->text, "\"url\":\"", url, sizeof(url));
    snprintf(prefix, sizeof(prefix), "http://127.0.0.1:%u/", world->port);
    CHECK(strncmp(url, prefix, strlen(prefix)) == 0);
    client_close(client, false); /* a connection ends with a file */
    client_connect(client, "127.0.0.1", world->port);
    client_ask(client, "GET", url + strlen(prefix) - 1, "");
    CHECK(strstr(client->text, "HTTP/1.1 200 "));
    CHECK(strstr(client->text, "\r\n\r\nGIF89a"));
    client_close(client, false);
    client_connect(client, "127.0.0.1", world->port);
}

static void check_name(struct world *world, struct client *client)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "\"nickname\":\"%c\"", world->name);
    client_ask(client, "POST", "/get_login_info", "{}");
    CHECK(strstr(client->text, expected));
}

/* A thread: sends messages over HTTP, and reads each of them back. */
static void *call_by_http(void *arg)
{
    struct world *world = arg;
    struct client *client = malloc(sizeof(*client));
    CHECK(client);
    client_connect(client, "127.0.0.1", world->port);
    for (int i = 0; i < SAYINGS; i++) {
        char params[256], id[64];
        unsigned number = write_saying(world, params, sizeof(params));
        client_ask(client, "POST", "/send_group_message", params);
        CHECK(strstr(client->text, "\"status\":\"ok\""));
        cut_out(client->text, "\"message_id\":\"", id, sizeof(id));
        snprintf(params, sizeof(params), "{\"message_id\":\"%s\"}", id);
        client_ask(client, "POST", "/get_message", params);
        CHECK(number_said(world, client->text) == number);
        if (number % 8 == 0)
            check_picture(world, client);
        check_name(world, client);
        client_ask(client, "POST", "/get_message", "{\"message_id\":1}");
        CHECK(strstr(client->text, "HTTP/1.1 400 "));
        CHECK(strstr(client->text, "message_id: expected "));
    }
    client_close(client, false);
    free(client);
    return NULL;
}

/* A thread: the same over a WebSocket, where events come between the answers. */
static void *call_by_websocket(void *arg)
{
    struct world *world = arg;
    struct client *client = malloc(sizeof(*client));
    CHECK(client);
    client_connect(client, "127.0.0.1", world->port);
    client_upgrade(client);
    for (int i = 0; i < SAYINGS; i++) {
        char params[256], call[512], echo[64];
        unsigned number = write_saying(world, params, sizeof(params));
        snprintf(echo, sizeof(echo), "\"echo\":\"%c-%u\"", world->name, number);
        snprintf(call, sizeof(call), "{\"action\":\"send_group_message\",\"params\":%s,%s}", params,
                 echo);
        client_say(client, call);
        do
            client_next_message(client);
        while (!strstr(client->text, "\"echo\""));
        CHECK(strstr(client->text, echo));
        CHECK(strstr(client->text, "\"status\":\"ok\""));
    }
    client_close(client, true);
    free(client);
    return NULL;
}

struct listener {
    struct world *world;
    struct client client;
};

/* A thread: receives all messages of a round. */
static void *hear_events(void *arg)
{
    struct listener *listener = arg;
    bool is_heard[MOST_SAID + 1] = { false };
    for (int left = CLIENTS * SAYINGS; left > 0; left--) {
        client_next_message(&listener->client);
        unsigned number = number_said(listener->world, listener->client.text);
        CHECK(number > 0 && !is_heard[number]);
        is_heard[number] = true;
    }
    return NULL;
}

/* --- the test --- */

static void live_a_round(struct world *world)
{
    pthread_t server, clients[CLIENTS], listening;
    struct listener *listener = malloc(sizeof(*listener));
    CHECK(listener);
    start(&server, serve, world);
    sem_wait(&world->is_served);
    listener->world = world;
    client_connect(&listener->client, "127.0.0.1", world->listener_port);
    client_upgrade(&listener->client);
    start(&listening, hear_events, listener);
    for (int i = 0; i < CLIENTS; i++)
        start(&clients[i], i < HTTP_CLIENTS ? call_by_http : call_by_websocket, world);
    for (int i = 0; i < CLIENTS; i++)
        end(clients[i]);
    end(listening);
    await_hooks(world);
    client_close(&listener->client, true);
    free(listener);
    uv_async_send(&world->stop);
    end(server);
}

static void set_name(struct world *world)
{
    char params[64];
    struct client *client = malloc(sizeof(*client));
    CHECK(client);
    pthread_t server;
    start(&server, serve, world);
    sem_wait(&world->is_served);
    client_connect(client, "127.0.0.1", world->port);
    snprintf(params, sizeof(params), "{\"new_nickname\":\"%c\"}", world->name);
    client_ask(client, "POST", "/set_nickname", params);
    CHECK(strstr(client->text, "\"status\":\"ok\""));
    client_close(client, false);
    free(client);
    uv_async_send(&world->stop);
    end(server);
}

/* A thread: everything of one world. */
static void *live(void *arg)
{
    struct world *world = arg;
    pthread_t receiver;
    strcpy(world->folder, "/tmp/milky-two-XXXXXX");
    CHECK(mkdtemp(world->folder));
    CHECK(sem_init(&world->is_served, 0, 0) == 0);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->has_hooked, NULL);
    listen_for_hooks(world);
    start(&receiver, receive_hooks, world);
    set_name(world);
    for (int i = 0; i < ROUNDS; i++)
        live_a_round(world);
    shutdown(world->hook, SHUT_RDWR);
    end(receiver);
    close(world->hook);
    return NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static atomic_uint lines;

/* Whole lines, whichever thread logs them. */
static void count_line(const char *line, size_t len)
{
    CHECK(len > 0 && memchr(line, '\n', len) == line + len - 1);
    atomic_fetch_add(&lines, 1);
}

static void two_endpoints_do_not_affect_each_other(void **state)
{
    (void)state;
    struct world *worlds = calloc(2, sizeof(*worlds));
    pthread_t threads[2];
    assert_non_null(worlds);
    milky_log_to(count_line, 2, false);
    for (int i = 0; i < 2; i++) {
        worlds[i].name = (char)('A' + i);
        start(&threads[i], live, &worlds[i]);
    }
    for (int i = 0; i < 2; i++) {
        end(threads[i]);
        assert_int_equal(worlds[i].said, MOST_SAID);
        assert_int_equal(worlds[i].hooked, MOST_SAID);
        assert_int_equal(nftw(worlds[i].folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
    assert_true(lines >= 2 * (ROUNDS + 1)); /* each opens its world */
    milky_log_to(NULL, 0, false);
    free(worlds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_endpoints_do_not_affect_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
