/* Names that are looked up on threads, with a lookup that hangs until the test lets it go on. */
#include "net/connect.h"
#include "net/resolve.h"
#include "net_testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = MK_RESOLVE_THREADS };

/* --- a name server --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answers; /* for names that begin with "hang" */
    int started;
    int ended;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int find(const char *host, struct addrinfo **found)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
    pthread_mutex_lock(&server.lock);
    server.started++;
    pthread_cond_broadcast(&server.changed);
    while (strncasecmp(host, "hang", 4) == 0 && !server.answers)
        pthread_cond_wait(&server.changed, &server.lock);
    server.ended++;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
    return strcmp(host, "unknown") == 0 ? EAI_NONAME
                                        : getaddrinfo("127.0.0.9", NULL, &hints, found);
}

static void await(const int *number, int value)
{
    pthread_mutex_lock(&server.lock);
    while (*number < value)
        pthread_cond_wait(&server.changed, &server.lock);
    pthread_mutex_unlock(&server.lock);
}

static void answer_all(void)
{
    pthread_mutex_lock(&server.lock);
    server.answers = true;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
}

/* --- those that wait --- */

struct waiter {
    struct mk_resolve resolve;
    int dones;
    int error;
    char address[64];
    struct waiter *cancels; /* in `done` */
    const char *starts;     /* in `done` */
};

static struct mk_loop loop;
static struct waiter waiters[MANY + 4];

static void ask(struct waiter *waiter, const char *host);

static void on_done(struct mk_resolve *resolve, int error, struct mk_addresses *addresses)
{
    struct waiter *waiter = MK_CONTAINER_OF(resolve, struct waiter, resolve);
    waiter->dones++;
    waiter->error = error;
    if (addresses) {
        const struct sockaddr_in *address = (const void *)addresses->first->ai_addr;
        inet_ntop(AF_INET, &address->sin_addr, waiter->address, sizeof(waiter->address));
    }
    if (waiter->cancels)
        mk_resolve_cancel(&waiter->cancels->resolve);
    if (waiter->starts)
        ask(waiter, waiter->starts);
    waiter->starts = NULL;
}

static void ask(struct waiter *waiter, const char *host)
{
    assert_int_equal(mk_resolve_start(&loop, &waiter->resolve, host, on_done), 0);
}

static void ask_for_hanging(int count)
{
    for (int i = 0; i < count; i++) {
        char host[32];
        snprintf(host, sizeof(host), "hang%d.example", i);
        ask(&waiters[i], host);
    }
}

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    server.answers = false;
    server.started = 0;
    server.ended = 0;
    memset(waiters, 0, sizeof(waiters));
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    return mk_resolve_use(&loop, find);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(waiters) / sizeof(waiters[0]); i++)
        mk_resolve_cancel(&waiters[i].resolve);
    mk_loop_fini(&loop);
    answer_all();
    await(&server.ended, server.started);
    alarm(0);
    return 0;
}

/* --- tests --- */

static void a_name_has_addresses(void **state)
{
    (void)state;
    ask(&waiters[0], "good.example");
    ask(&waiters[1], "unknown");
    assert_int_equal(waiters[0].dones, 0);
    TURN_UNTIL(&loop, waiters[0].dones + waiters[1].dones == 2);
    assert_int_equal(waiters[0].error, 0);
    assert_string_equal(waiters[0].address, "127.0.0.9");
    assert_int_equal(waiters[1].error, UV_EAI_NONAME);
}

static void addresses_need_no_lookup(void **state)
{
    (void)state;
    const char *hosts[] = { "127.0.0.1", "::1", "localhost", "LocalHost" };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct mk_addresses *addresses = mk_resolve_at_once(hosts[i]);
        assert_non_null(addresses);
        assert_null(mk_addresses_unref(addresses));
    }
    assert_null(mk_resolve_at_once("hang.example"));
    assert_int_equal(server.started, 0);
}

static void waiters_for_a_name_share_its_lookup(void **state)
{
    (void)state;
    ask(&waiters[0], "hang.example");
    await(&server.started, 1);
    ask(&waiters[1], "HANG.example");
    mk_resolve_cancel(&waiters[0].resolve);
    mk_resolve_cancel(&waiters[1].resolve); /* the lookup goes on */
    ask(&waiters[2], "hang.example");
    ask(&waiters[3], "hang.example");
    ask(&waiters[4], "good.example");
    TURN_UNTIL(&loop, waiters[4].dones == 1);
    assert_int_equal(server.started, 2);
    answer_all();
    TURN_UNTIL(&loop, waiters[2].dones + waiters[3].dones == 2);
    assert_string_equal(waiters[3].address, "127.0.0.9");
    assert_int_equal(waiters[0].dones + waiters[1].dones, 0);
    assert_int_equal(server.started, 2);
}

static void hanging_names_leave_threads_for_others(void **state)
{
    (void)state;
    ask_for_hanging(MANY - 1);
    await(&server.started, MANY - 1);
    for (int i = 1; i <= 20; i++) {
        ask(&waiters[MANY], "good.example");
        TURN_UNTIL(&loop, waiters[MANY].dones == i);
    }
    assert_int_equal(server.ended, 20);
}

static void work_of_libuv(uv_work_t *work)
{
    (void)work;
}

static void after_work(uv_work_t *work, int status)
{
    (void)status;
    work->data = &loop;
}

static void hanging_names_leave_libuvs_threads_alone(void **state)
{
    (void)state;
    uv_work_t work = { 0 };
    ask_for_hanging(MANY);
    await(&server.started, MANY);
    uv_queue_work(loop.uv, &work, work_of_libuv, after_work);
    TURN_UNTIL(&loop, work.data != NULL);
}

static void more_names_wait_for_their_turn(void **state)
{
    (void)state;
    ask_for_hanging(MANY + 2);
    await(&server.started, MANY);
    assert_false(mk_resolve_is_queued(&waiters[0].resolve));
    assert_true(mk_resolve_is_queued(&waiters[MANY].resolve));
    assert_true(mk_resolve_is_queued(&waiters[MANY + 1].resolve));
    mk_resolve_cancel(&waiters[MANY].resolve); /* is never looked up */
    answer_all();
    TURN_UNTIL(&loop, waiters[MANY + 1].dones == 1);
    TURN_UNTIL(&loop, waiters[MANY - 1].dones == 1);
    assert_int_equal(server.started, MANY + 1);
    assert_int_equal(waiters[MANY].dones, 0);
}

static void done_may_cancel_and_start(void **state)
{
    (void)state;
    waiters[0].cancels = &waiters[1];
    waiters[0].starts = "hang.example";
    ask(&waiters[0], "hang.example");
    ask(&waiters[1], "hang.example");
    answer_all();
    TURN_UNTIL(&loop, waiters[0].dones == 2);
    assert_int_equal(waiters[1].dones, 0);
    assert_int_equal(server.started, 2);
}

/* --- of a connection --- */

static struct mk_failure failure;
static int failures;

static void on_connect(void *arg, struct mk_stream *stream, const struct mk_failure *what)
{
    (void)arg;
    assert_null(stream);
    failure = *what;
    failures++;
}

static void fail_to_connect(const char *host)
{
    const struct mk_connect_options options = { .host = host, .port = 80, .timeout_ms = 50 };
    failures = 0;
    assert_non_null(mk_connect_start(&loop, &options, on_connect, NULL));
    TURN_UNTIL(&loop, failures == 1);
    assert_int_equal(failure.kind, MK_FAILURE_NAME_SERVER);
}

static void a_connection_says_what_it_waited_for(void **state)
{
    (void)state;
    fail_to_connect("hang.example");
    assert_string_equal(failure.en, "no name server answered within 1 s");
    ask_for_hanging(MANY - 1);
    await(&server.started, MANY);
    fail_to_connect("good.example");
    assert_string_equal(failure.en,
                        "its name was not looked up within 1 s, because the lookups of 16 other "
                        "names have not ended: name servers do not answer");
    fail_to_connect("hang.example");
    assert_string_equal(failure.en, "no name server answered within 1 s");
}

/* The end of the loop, in teardown, does not wait for the server, which answers only after it. */
static void the_end_waits_for_no_lookup(void **state)
{
    (void)state;
    ask_for_hanging(MANY + 2);
    await(&server.started, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_addresses),
        TEST(addresses_need_no_lookup),
        TEST(waiters_for_a_name_share_its_lookup),
        TEST(hanging_names_leave_threads_for_others),
        TEST(hanging_names_leave_libuvs_threads_alone),
        TEST(more_names_wait_for_their_turn),
        TEST(done_may_cancel_and_start),
        TEST(a_connection_says_what_it_waited_for),
        TEST(the_end_waits_for_no_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
