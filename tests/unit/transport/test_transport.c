/*
 * transport: an endpoint's use of any class of transports, tested with a fictitious one: a pigeon
 * flies to each URL that is configured as a webhook. It is started, reported, adopted by a reload
 * or replaced, drained and freed.
 */
#include "net_testing.h"

#include "endpoint/metrics.h"
#include "endpoint/parts.h"
#include "protocol/reply.h"
#include "transport/server.h"
#include "transport/table.h"

#include <milky/milky.h>

enum { BOT = 10001000, MOST_PIGEONS = 16, R = sizeof(struct milky_remote) };

struct pigeon {
    struct mk_transport transport;
    char url[32];
    char message[32]; /* what it carries: the access_token */
    unsigned started;
    bool stopped;
    bool aborted;
    bool home; /* idle, when it has been stopped */
};

static struct pigeon *flock[MOST_PIGEONS]; /* the existing ones */
static unsigned made, freed;

static struct pigeon *pigeon_of(struct mk_transport *transport)
{
    return MK_CONTAINER_OF(transport, struct pigeon, transport);
}

/* --- the class --- */

static const struct mk_transport_class pigeon_class, hasty_class;

static int add_pigeon(const struct mk_transport_class *class, const struct milky_remote *config,
                      struct mk_list *transports)
{
    if (strcmp(config->url, "http://nowhere/") == 0)
        return mk_transport_refuse("pigeon", config->url, "no pigeon knows the way");
    struct pigeon *pigeon = calloc(1, sizeof(*pigeon));
    assert_non_null(pigeon);
    mk_transport_init(&pigeon->transport, class);
    pigeon->transport.identity =
        mk_transport_key("%.*s", (int)strcspn(config->url, "?"), config->url);
    pigeon->transport.details = mk_transport_key("%s", config->access_token);
    snprintf(pigeon->url, sizeof(pigeon->url), "%s", config->url);
    snprintf(pigeon->message, sizeof(pigeon->message), "%s", config->access_token);
    mk_list_push(transports, &pigeon->transport.node);
    for (size_t i = 0; i < MOST_PIGEONS; i++)
        if (!flock[i]) {
            flock[i] = pigeon;
            break;
        }
    made++;
    return 0;
}

static int add_all(const struct mk_transport_class *class, const struct milky_bot *config,
                   struct mk_list *transports)
{
    int rc = 0;
    for (size_t i = 0; i < config->webhook_count && rc == 0; i++)
        rc = add_pigeon(class, &config->webhook[i], transports);
    return rc;
}

static int add_patient(const struct mk_transport_context *context, const struct milky_bot *config,
                       struct mk_list *transports)
{
    assert_int_equal(context->hub->self_id, BOT);
    assert_int_equal(context->dispatch->self_id, BOT);
    return add_all(&pigeon_class, config, transports);
}

static int add_hasty(const struct mk_transport_context *context, const struct milky_bot *config,
                     struct mk_list *transports)
{
    (void)context;
    return add_all(&hasty_class, config, transports);
}

static int start(struct mk_transport *transport)
{
    pigeon_of(transport)->started++;
    return 0;
}

static void adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    struct pigeon *pigeon = pigeon_of(transport);
    assert_string_equal(transport->identity, fresh->identity);
    assert_int_equal(pigeon_of(fresh)->started, 0);
    memcpy(pigeon->message, pigeon_of(fresh)->message, sizeof(pigeon->message));
}

static void stop(struct mk_transport *transport)
{
    pigeon_of(transport)->stopped = true;
}

static void abort_pigeon(struct mk_transport *transport)
{
    pigeon_of(transport)->aborted = true;
}

static bool is_idle(const struct mk_transport *transport)
{
    const struct pigeon *pigeon = MK_CONTAINER_OF(transport, const struct pigeon, transport);
    return pigeon->aborted || (pigeon->stopped && pigeon->home);
}

enum { FLIGHTS, TIRED };

static const struct mk_transport_counter counters[] = {
    [FLIGHTS] = { "flights", "milky_pigeon_flights_total", "counter", "Flights of pigeons." },
    [TIRED] = { NULL, "milky_pigeon_tired", "gauge", "1 when it is tired." },
    { 0 },
};

static size_t report(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS])
{
    const struct pigeon *pigeon = MK_CONTAINER_OF(transport, const struct pigeon, transport);
    static const struct mk_health well;
    stats[0] = (struct mk_transport_stats){
        .transport = "pigeon",
        .name = pigeon->url,
        .state = pigeon->message,
        .has_events = true,
        .health = &well,
        .counters = { [FLIGHTS] = 7, [TIRED] = 1 },
    };
    return 1;
}

static void free_pigeon(struct mk_transport *transport)
{
    struct pigeon *pigeon = pigeon_of(transport);
    for (size_t i = 0; i < MOST_PIGEONS; i++)
        if (flock[i] == pigeon)
            flock[i] = NULL;
    freed++;
    free(pigeon);
}

static const struct mk_transport_class pigeon_class = {
    .name = "pigeon",
    .counters = counters,
    .add = add_patient,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .abort = abort_pigeon,
    .idle = is_idle,
    .report = report,
    .free = free_pigeon,
};

static const struct mk_transport_class hasty_class = {
    .name = "hasty pigeon",
    .ends_at_once = true,
    .add = add_hasty,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .abort = abort_pigeon,
    .idle = is_idle,
    .report = report,
    .free = free_pigeon,
};

static const struct mk_transport_class *const pigeons[] = { &pigeon_class, NULL };
static const struct mk_transport_class *const hasty_pigeons[] = { &hasty_class, NULL };

/* --- an endpoint --- */

static void on_call(void *self, uint64_t call)
{
    (void)self;
    (void)call;
}

static const struct milky_backend backend = {
    .size = sizeof(backend),
    .name = "none",
    .call = on_call,
};

static struct milky_endpoint *endpoint;

static struct milky_config config_of(const struct milky_bot *bots, size_t count)
{
    static const struct milky_config_backend backends[] = {
        { sizeof(backends[0]), "none", &backend, NULL },
    };
    return (struct milky_config){ .size = sizeof(struct milky_config),
                                  .backends = backends,
                                  .backend_count = 1,
                                  .bots = bots,
                                  .bot_count = count };
}

/* One without bots, so that its transports are all made by reloads. */
static int set_up(void **state)
{
    (void)state;
    const struct milky_config config = config_of(NULL, 0);
    made = freed = 0;
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), 0);
    endpoint->table = pigeons;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    milky_endpoint_free(endpoint);
    assert_int_equal(made, freed);
    return 0;
}

static int reload_bot(const struct milky_bot *bot)
{
    const struct milky_config config = config_of(bot, 1);
    return milky_endpoint_reload(endpoint, &config, NULL);
}

#define RELOAD(...)                                                                                \
    reload_bot(&(const struct milky_bot){                                                          \
        .size = sizeof(struct milky_bot),                                                          \
        .self_id = BOT,                                                                            \
        .webhook = (const struct milky_remote[]){ __VA_ARGS__ },                                   \
        .webhook_count =                                                                           \
            sizeof((const struct milky_remote[]){ __VA_ARGS__ }) / sizeof(struct milky_remote) })

static struct pigeon *find(const char *url)
{
    for (size_t i = 0; i < MOST_PIGEONS; i++)
        if (flock[i] && strcmp(flock[i]->url, url) == 0)
            return flock[i];
    return NULL;
}

static bool metrics_have(const char *line)
{
    struct mk_buf text;
    mk_buf_init(&text, SIZE_MAX);
    assert_int_equal(mk_metrics_write(endpoint, &text), 0);
    bool found = memmem(text.data, text.len, line, strlen(line)) != NULL;
    mk_buf_fini(&text);
    return found;
}

/* The status as JSON: kept by `reply`. */
static struct mk_buf status;

static void keep_reply(struct mk_caller *caller, struct mk_call *call)
{
    (void)caller;
    assert_int_equal(mk_reply_write(&status, call), 0);
}

static bool status_has(const char *part)
{
    struct mk_caller caller;
    mk_buf_init(&status, SIZE_MAX);
    mk_caller_init(&caller, keep_reply);
    mk_dispatch_control(&endpoint->requests.dispatch, MK_SLICE("status"), MK_SLICE(""), &caller);
    mk_caller_fini(&caller);
    assert_true(status.len > 0);
    bool found = memmem(status.data, status.len, part, strlen(part)) != NULL;
    mk_buf_fini(&status);
    return found;
}

/* --- the tests --- */

static void test_it_is_started_and_reported(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }, { R, "http://b/", "y" }), 0);
    assert_int_equal(find("http://a/")->started, 1);
    assert_int_equal(find("http://b/")->started, 1);
    assert_true(metrics_have("# TYPE milky_pigeon_flights_total counter\n"
                             "milky_pigeon_flights_total{bot=\"10001000\",transport=\"pigeon\","
                             "name=\"http://a/\",index=\"0\"} 7\n"
                             "milky_pigeon_flights_total{bot=\"10001000\",transport=\"pigeon\","
                             "name=\"http://b/\",index=\"1\"} 7\n"));
    assert_true(metrics_have("# HELP milky_pigeon_tired 1 when it is tired.\n"));
    assert_true(metrics_have("milky_sink_lag_events{bot=\"10001000\",transport=\"pigeon\","
                             "name=\"http://b/\",index=\"1\"} 0\n"));
    assert_false(metrics_have("milky_connections{")); /* it has none of its own */
    assert_true(status_has("{\"transport\":\"pigeon\",\"url\":\"http://b/\",\"state\":\"y\","
                           "\"behind_events\":0,\"behind_bytes\":0,\"flights\":7}"));
}

static void test_a_reload_adopts_or_replaces_it(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }, { R, "http://b/", "y" }), 0);
    struct pigeon *a = find("http://a/"), *b = find("http://b/");
    assert_int_equal(RELOAD({ R, "http://c/", "z" }, { R, "http://a/", "new" }), 0);

    /* One with the same configuration is kept, with its variable part updated. */
    assert_ptr_equal(find("http://a/"), a);
    assert_int_equal(a->started, 1);
    assert_false(a->stopped);
    assert_string_equal(a->message, "new");
    assert_true(status_has("\"url\":\"http://a/\",\"state\":\"new\""));
    assert_int_equal(made, 4);
    assert_int_equal(freed, 1); /* its successor */

    /* A new one is started, in the order of the configuration. */
    assert_int_equal(find("http://c/")->started, 1);
    assert_true(metrics_have("name=\"http://c/\",index=\"0\""));
    assert_true(metrics_have("name=\"http://a/\",index=\"1\""));

    /* A removed one is drained: it exists until it is idle, and is not reported. */
    assert_true(b->stopped);
    assert_false(metrics_have("http://b/"));
    turn(endpoint->loop);
    assert_ptr_equal(find("http://b/"), b);
    b->home = true;
    turn(endpoint->loop);
    assert_null(find("http://b/"));
    assert_int_equal(freed, 2);
}

/* Several with one identity: each is kept unchanged where possible. */
static void test_details_decide_between_equals(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({ R, "http://a/?1", "x" }, { R, "http://a/?2", "y" }), 0);
    struct pigeon *x = find("http://a/?1"), *y = find("http://a/?2");
    assert_int_equal(RELOAD({ R, "http://a/?2", "y" }, { R, "http://a/?1", "x" }), 0);
    assert_string_equal(x->message, "x");
    assert_string_equal(y->message, "y");
    assert_int_equal(RELOAD({ R, "http://a/?3", "z" }, { R, "http://a/?1", "x" }), 0);
    assert_string_equal(x->message, "x");
    assert_string_equal(y->message, "z");
    assert_int_equal(made - freed, 2);
}

static void test_a_class_that_ends_at_once_is_aborted(void **state)
{
    (void)state;
    endpoint->table = hasty_pigeons;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }, { R, "http://b/", "y" }), 0);
    struct pigeon *b = find("http://b/");
    assert_int_equal(RELOAD({ R, "http://a/", "x" }), 0);
    assert_true(b->aborted);
    assert_false(b->stopped);
    turn(endpoint->loop);
    assert_null(find("http://b/"));
    assert_non_null(find("http://a/"));
}

static void test_another_class_is_another_transport(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }), 0);
    struct pigeon *a = find("http://a/");
    endpoint->table = hasty_pigeons;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }), 0);
    assert_true(a->stopped);
    assert_int_equal(made - freed, 2);
}

static void test_a_transport_that_cannot_be_made_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(RELOAD({ R, "http://a/", "x" }), 0);
    struct pigeon *a = find("http://a/");
    assert_int_equal(RELOAD({ R, "http://a/", "new" }, { R, "http://nowhere/", "y" }), -EINVAL);
    assert_ptr_equal(find("http://a/"), a);
    assert_string_equal(a->message, "x");
    assert_false(a->stopped);
    assert_int_equal(made - freed, 1);
}

/* The listener moves between transports of two bots, and is never closed. */
static void test_a_listener_is_handed_over(void **state)
{
    (void)state;
    char folder[] = "/tmp/milky-transport-XXXXXX", listen[64];
    assert_non_null(mkdtemp(folder));
    snprintf(listen, sizeof(listen), "unix:%s/socket", folder);
    const struct milky_server server = { .size = sizeof(server), .listen = listen };
    const struct milky_bot http = {
        .size = sizeof(http), .self_id = BOT, .http_server = &server, .http_server_count = 1
    };
    const struct milky_bot websocket = { .size = sizeof(websocket),
                                         .self_id = BOT,
                                         .websocket_server = &server,
                                         .websocket_server_count = 1 };
    endpoint->table = mk_transport_table;
    assert_int_equal(reload_bot(&http), 0);
    const struct mk_bot *bot = mk_endpoint_find_bot(endpoint, BOT);
    struct mk_transport *before = mk_transport_of(bot->transports.next);
    struct mk_listener *listener = before->port->listener;
    assert_non_null(listener);
    assert_int_equal(reload_bot(&websocket), 0);
    struct mk_transport *after = mk_transport_of(bot->transports.next);
    assert_ptr_not_equal(after, before);
    assert_ptr_equal(after->port->listener, listener);
    assert_false(mk_transport_listening(before));
    struct milky_port port = { .size = sizeof(port) };
    assert_true(milky_endpoint_port(endpoint, 0, &port));
    assert_string_equal(port.transport, "websocket_server");
    assert_string_equal(port.address, listen);
    const struct milky_bot nothing = { .size = sizeof(nothing), .self_id = BOT };
    assert_int_equal(reload_bot(&nothing), 0);
    turn(endpoint->loop);
    assert_true(mk_list_empty(&bot->transports));
    assert_true(mk_list_empty(&bot->draining));
    assert_int_equal(rmdir(folder), 0); /* its socket is gone, too */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_started_and_reported),
        TEST(test_a_reload_adopts_or_replaces_it),
        TEST(test_details_decide_between_equals),
        TEST(test_a_class_that_ends_at_once_is_aborted),
        TEST(test_another_class_is_another_transport),
        TEST(test_a_transport_that_cannot_be_made_changes_nothing),
        TEST(test_a_listener_is_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
