/*
 * backends: an endpoint notifies each of several backends when its own events are stored, for which
 * events that a backend keeps may wait, and gets files from the backend that has them.
 */
#include "net_testing.h"

#include "endpoint/files.h"
#include "endpoint/parts.h"
#include "hub/journal_private.h"

#include <milky/json.h>
#include <milky/milky.h>
#include <stdio.h>
#include <string.h>

enum { FIRST = 10001, SECOND = 10002, MOST_ENDLESS = 100 };

struct one {
    struct milky_host *host;
    uint64_t bot;
    size_t emits;  /* how many more events it emits from events_stored */
    size_t stored; /* calls of events_stored */
};

static char path[64];
static struct milky_endpoint *endpoint;
static struct one ones[2];

static void emit(struct one *one)
{
    assert_int_equal(milky_emit_json(one->host, one->bot, "bot_offline", 1, "{\"reason\":\"x\"}",
                                     14, NULL, NULL),
                     0);
}

static int start(void *self, struct milky_host *host)
{
    struct one *one = self;
    one->host = host;
    return 0;
}

static void call(void *self, uint64_t call)
{
    struct one *one = self;
    milky_call_fail(one->host, call, -1, "no");
}

static void stored(void *self)
{
    struct one *one = self;
    one->stored++;
    if (one->emits > 0) {
        one->emits--;
        emit(one);
    }
}

static void resource(void *self, uint64_t request, const char *token)
{
    struct one *one = self;
    if (strcmp(token, "bytes") == 0)
        milky_resource_bytes(one->host, request, one == &ones[0] ? "first" : "second",
                             one == &ones[0] ? 5 : 6, "text/plain");
    else if (strcmp(token, "elsewhere") == 0)
        milky_resource_redirect(one->host, request, "http://other.test/");
    else if (strcmp(token, "never") != 0)
        milky_resource_fail(one->host, request, 404, "none");
    /* Twice, or for none: refused. */
    assert_int_equal(milky_resource_fail(one->host, request + 7, 404, "x"), -ENOENT);
    if (strcmp(token, "never") != 0)
        assert_int_equal(milky_resource_fail(one->host, request, 404, "x"), -ENOENT);
}

static const struct milky_backend table = {
    .size = sizeof(table),
    .name = "one",
    .start = start,
    .call = call,
    .events_stored = stored,
    .resource = resource,
};

/* The same, but that it has its events on a disk of its own. */
static const struct milky_backend keeper = {
    .size = sizeof(keeper),
    .name = "keeper",
    .keeps_events = true,
    .start = start,
    .call = call,
    .events_stored = stored,
};

static const struct milky_bot bots[] = {
    { sizeof(bots[0]), FIRST, .backend = "first" },
    { sizeof(bots[0]), SECOND, .backend = "second" },
};
static struct milky_config_backend backends[2];
static const struct milky_config config = {
    .size = sizeof(config),
    .backends = backends,
    .backend_count = 2,
    .journal = { .path = path },
    .resource_url = "http://files.test",
    .bots = bots,
    .bot_count = 2,
};

static int begin(const struct milky_backend *second)
{
    backends[0] = (struct milky_config_backend){ sizeof(backends[0]), "first", &table, &ones[0] };
    backends[1] = (struct milky_config_backend){ sizeof(backends[0]), "second", second, &ones[1] };
    snprintf(path, sizeof(path), "/tmp/milky-backends-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    ones[0] = (struct one){ .bot = FIRST };
    ones[1] = (struct one){ .bot = SECOND };
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), 0);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return begin(&table);
}

static int set_up_keeper(void **state)
{
    (void)state;
    return begin(&keeper);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const endings[] = { "", "-wal", "-shm" };
    milky_endpoint_free(endpoint);
    for (size_t i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        unlink(name);
    }
    return 0;
}

/* --- stored --- */

static void run_post(void *arg)
{
    emit(arg);
}

static void test_a_backend_is_notified_of_its_own_events(void **state)
{
    (void)state;
    turn(endpoint->loop);
    assert_int_equal(ones[0].stored + ones[1].stored, 0);
    assert_int_equal(milky_host_post(ones[0].host, run_post, &ones[0]), 0);
    TURN_UNTIL(endpoint->loop, ones[0].stored > 0);
    turn(endpoint->loop);
    assert_int_equal(ones[0].stored, 1);
    assert_int_equal(ones[1].stored, 0);
}

/* Events that are emitted then are stored in the same turn, before anything is sent. */
static void test_events_from_the_notification_are_stored(void **state)
{
    (void)state;
    ones[1].emits = 3;
    assert_int_equal(milky_host_post(ones[1].host, run_post, &ones[1]), 0);
    TURN_UNTIL(endpoint->loop, ones[1].stored > 0);
    assert_int_equal(ones[1].stored, 4);
    assert_int_equal(milky_host_last_event(ones[1].host, SECOND), 4);
}

/* A backend that emits for ever gets no more than its share of each turn. */
static void test_a_backend_that_emits_for_ever_does_not_block_a_turn(void **state)
{
    (void)state;
    ones[0].emits = MOST_ENDLESS;
    assert_int_equal(milky_host_post(ones[0].host, run_post, &ones[0]), 0);
    assert_int_equal(milky_host_post(ones[1].host, run_post, &ones[1]), 0);
    TURN_UNTIL(endpoint->loop, ones[1].stored > 0);
    assert_true(ones[0].stored < MOST_ENDLESS);
    assert_false(endpoint->journal->in_transaction); /* the emitted events are stored */
    while (ones[0].emits > 0)
        turn(endpoint->loop);
}

/* --- kept by their backend --- */

static void emit_kept(void)
{
    emit(&ones[1]);
    for (int i = 0; i < 3; i++)
        turn(endpoint->loop);
    assert_true(endpoint->journal->in_transaction);
}

static void test_kept_events_wait_for_a_turn_that_is_stored(void **state)
{
    (void)state;
    emit_kept();
    assert_int_equal(ones[1].stored, 0);
    emit(&ones[0]);
    turn(endpoint->loop);
    assert_false(endpoint->journal->in_transaction);
    assert_int_equal(ones[0].stored, 1);
    assert_int_equal(ones[1].stored, 1);
}

static void test_kept_events_do_not_wait_for_ever(void **state)
{
    (void)state;
    for (size_t i = 1; i <= 2; i++) {
        emit_kept();
        TURN_UNTIL(endpoint->loop, !mk_timer_active(endpoint->settling));
        turn(endpoint->loop);
        assert_false(endpoint->journal->in_transaction);
        assert_int_equal(ones[1].stored, i);
    }
}

static void test_a_backend_that_flushes_has_all_of_them_stored(void **state)
{
    (void)state;
    emit_kept();
    assert_int_equal(milky_host_flush(ones[1].host), 0);
    assert_false(endpoint->journal->in_transaction);
    turn(endpoint->loop);
    assert_int_equal(ones[1].stored, 1);
}

/* With it a bot may get a backend that does not have the events which the former one has kept. */
static void test_a_reload_leaves_none_waiting(void **state)
{
    (void)state;
    emit_kept();
    assert_int_equal(milky_endpoint_reload(endpoint, &config, NULL), 0);
    assert_false(endpoint->journal->in_transaction);
}

static void test_an_endpoint_that_has_stopped_leaves_none_waiting(void **state)
{
    (void)state;
    emit_kept();
    milky_endpoint_stop(endpoint);
    TURN_UNTIL(endpoint->loop, milky_endpoint_stopped(endpoint));
    assert_false(endpoint->journal->in_transaction);
    assert_false(mk_timer_active(endpoint->settling));
}

/* --- files --- */

static void assert_url(const struct one *one, const char *expected)
{
    char url[256];
    assert_int_equal(milky_host_resource_url(one->host, one->bot, "t-1", "a b", url, sizeof(url)),
                     0);
    assert_string_equal(url, expected);
}

/* A request, and the answer that is expected. */
struct asking {
    struct mk_resource_request request;
    enum mk_resource_kind kind;
    const char *text;
    unsigned answers;
};

static int compare(struct mk_resource_request *request, struct mk_resource_answer *answer)
{
    struct asking *asking = MK_CONTAINER_OF(request, struct asking, request);
    asking->answers++;
    assert_int_equal(answer->kind, asking->kind);
    if (asking->kind == MK_RESOURCE_BYTES)
        assert_memory_equal(answer->bytes.ptr, asking->text, answer->bytes.len);
    else
        assert_string_equal(answer->text, asking->text);
    return 0;
}

static void assert_answer(const char *token, enum mk_resource_kind kind, const char *text)
{
    struct asking asking = { .request = { .answered = compare }, .kind = kind, .text = text };
    endpoint->files.ask(&endpoint->files, token, &asking.request);
    assert_int_equal(asking.answers, 1);
}

static void assert_no_answer(const char *token)
{
    struct asking asking = { .request = { .answered = compare } };
    endpoint->files.ask(&endpoint->files, token, &asking.request);
    mk_resource_request_drop(&asking.request);
    assert_int_equal(asking.answers, 0);
}

static void test_files_come_from_the_backend_that_has_them(void **state)
{
    (void)state;
    assert_url(&ones[0], "http://files.test/resource/t-1/a%20b");
    assert_url(&ones[1], "http://files.test/resource/second.t-1/a%20b");
    assert_true(endpoint->files.offers);
    assert_answer("bytes", MK_RESOURCE_BYTES, "first");
    assert_answer("second.bytes", MK_RESOURCE_BYTES, "second");
    assert_answer("first.bytes", MK_RESOURCE_BYTES, "first");
    assert_answer("second.elsewhere", MK_RESOURCE_REDIRECT, "http://other.test/");
    assert_answer("second.other", MK_RESOURCE_FAIL, "none");
    assert_answer("third.bytes", MK_RESOURCE_FAIL, MK_RESOURCE_UNKNOWN);
    assert_no_answer("never");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define KEEPER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_keeper, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_backend_is_notified_of_its_own_events),
        TEST(test_events_from_the_notification_are_stored),
        TEST(test_a_backend_that_emits_for_ever_does_not_block_a_turn),
        KEEPER_TEST(test_kept_events_wait_for_a_turn_that_is_stored),
        KEEPER_TEST(test_kept_events_do_not_wait_for_ever),
        KEEPER_TEST(test_a_backend_that_flushes_has_all_of_them_stored),
        KEEPER_TEST(test_a_reload_leaves_none_waiting),
        KEEPER_TEST(test_an_endpoint_that_has_stopped_leaves_none_waiting),
        TEST(test_files_come_from_the_backend_that_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
