/*
 * Downloads from servers that mean harm. The servers are threads that write scripts into sockets;
 * getaddrinfo is replaced, so that a lookup can be made to hang.
 */
#include "net/download.h"
#include "net_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { BODY_LIMIT = 100 * 1000 };

static uv_async_t news; /* what other threads do wakes the loop */

/* --- a lookup that hangs --- */

static atomic_int lookups, lookups_ended;
static sem_t lookup_released; /* each that passes lets the next one pass */
static sem_t lookup_left;

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **result)
{
    (void)node, (void)service, (void)hints, (void)result;
    atomic_fetch_add(&lookups, 1);
    uv_async_send(&news);
    sem_wait(&lookup_released);
    sem_post(&lookup_released);
    atomic_fetch_add(&lookups_ended, 1);
    sem_post(&lookup_left);
    return EAI_NONAME;
}

/* --- the server --- */

/* What it sends: `once`, then `again` until the client has gone. */
struct script {
    const char *once;
    const char *again;
    size_t again_len;
};

struct server {
    struct script script;
    int listening;
    pthread_t thread;
    atomic_int accepted, gone;
    atomic_ullong sent;
    char url[64];
};

static void *serve(void *arg)
{
    struct server *server = arg;
    int fd;
    while ((fd = accept(server->listening, NULL, NULL)) >= 0) {
        char request[4096];
        atomic_fetch_add(&server->accepted, 1);
        uv_async_send(&news);
        bool open = recv(fd, request, sizeof(request), 0) > 0;
        const char *once = server->script.once;
        open = open && send(fd, once, strlen(once), MSG_NOSIGNAL) >= 0;
        while (open && server->script.again) {
            ssize_t len = send(fd, server->script.again, server->script.again_len, MSG_NOSIGNAL);
            open = len > 0;
            if (open)
                atomic_fetch_add(&server->sent, (unsigned long long)len);
            uv_async_send(&news);
        }
        if (open)
            shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof(request), 0) > 0)
            ;
        close(fd);
        atomic_fetch_add(&server->gone, 1);
        uv_async_send(&news);
    }
    return NULL;
}

static void server_start(struct server *server, struct script script)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    *server = (struct server){ .script = script };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listening, 64), 0);
    assert_int_equal(getsockname(server->listening, (struct sockaddr *)&address, &len), 0);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->listening, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listening);
}

/* --- the client --- */

static struct mk_loop loop;
static struct mk_downloads *downloads;

struct outcome {
    int dones, releases;
    int fd;
    unsigned status;
    uint64_t size;
    enum mk_failure_kind kind;
    char error[256];
    bool frees; /* in `done` */
};

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    sem_init(&lookup_released, 0, 0);
    sem_init(&lookup_left, 0, 0);
    atomic_store(&lookups, 0);
    atomic_store(&lookups_ended, 0);
    if (mk_loop_init(&loop, NULL) < 0 || uv_async_init(loop.uv, &news, NULL) < 0)
        return -1;
    downloads = mk_downloads_new(&loop);
    return downloads ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sem_post(&lookup_released);
    for (int left = 0; left < atomic_load(&lookups); left++)
        sem_wait(&lookup_left);
    downloads = mk_downloads_free(downloads);
    uv_close((uv_handle_t *)&news, NULL);
    mk_loop_fini(&loop);
    alarm(0);
    return 0;
}

static void on_done(void *arg, const struct mk_download_result *result)
{
    struct outcome *outcome = arg;
    outcome->dones++;
    outcome->fd = result->fd;
    outcome->status = result->status;
    outcome->size = result->size;
    outcome->kind = result->failure ? result->failure->kind : MK_FAILURE_NONE;
    snprintf(outcome->error, sizeof(outcome->error), "%s",
             result->failure ? result->failure->en : "");
    if (outcome->frees)
        downloads = mk_downloads_free(downloads);
}

static void on_released(void *slot)
{
    ((struct outcome *)slot)->releases++;
}

static struct mk_download_order order_of(const char *url, struct outcome *outcome)
{
    *outcome = (struct outcome){ .fd = -1 };
    return (struct mk_download_order){
        .url = url,
        .connect_ms = 30 * 1000,
        .timeout_ms = 60 * 1000,
        .redirects = 3,
        .body_limit = BODY_LIMIT,
        .fd = memfd_create("download", MFD_CLOEXEC),
        .done = on_done,
        .arg = outcome,
        .released = on_released,
        .slot = outcome,
    };
}

static struct mk_download *start(const char *url, struct outcome *outcome)
{
    struct mk_download_order order = order_of(url, outcome);
    struct mk_download *download = mk_download_start(downloads, &order);
    assert_non_null(download);
    return download;
}

static void get(struct server *server, struct outcome *outcome)
{
    start(server->url, outcome);
    TURN_UNTIL(&loop, outcome->releases == 1);
    assert_int_equal(outcome->dones, 1);
    struct stat status;
    assert_int_equal(fstat(outcome->fd, &status), 0);
    close(outcome->fd);
    assert_true((uint64_t)status.st_size <= BODY_LIMIT);
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* --- the tests --- */

static void a_body_is_written_into_the_file(void **state)
{
    struct server server;
    struct outcome outcome;
    char text[16] = "";
    (void)state;
    server_start(&server, (struct script){ .once = OK_CHUNKED
                                           "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n" });
    start(server.url, &outcome);
    TURN_UNTIL(&loop, outcome.releases == 1);
    assert_int_equal(outcome.dones, 1);
    assert_string_equal(outcome.error, "");
    assert_int_equal(outcome.status, 200);
    assert_int_equal(outcome.size, 6);
    assert_int_equal(pread(outcome.fd, text, sizeof(text), 0), 6);
    assert_string_equal(text, "hello!");
    close(outcome.fd);
    server_stop(&server);
}

/* A server may send for ever, whatever it sends: each of these ends by a count of bytes. */
static void every_byte_counts(void **state)
{
    static char fill[64 * 1024];
    memset(fill, 'x', sizeof(fill));
    static char ones[6 * 10000], trailers[4 * 10000], informs[25 * 2000], tabs[64 * 1024];
    for (size_t i = 0; i < sizeof(ones); i += 6)
        memcpy(ones + i, "1\r\nx\r\n", 6);
    for (size_t i = 0; i < sizeof(trailers); i += 4)
        memcpy(trailers + i, "a:\r\n", 4);
    for (size_t i = 0; i < sizeof(informs); i += 25)
        memcpy(informs + i, "HTTP/1.1 103 Early  \r\n\r\n\n", 24);
    memset(tabs, '\t', sizeof(tabs));
    const struct {
        struct script script;
        const char *error;
    } cases[] = {
        { { OK_CHUNKED, ones, sizeof(ones) }, "longer than 100000 bytes" },
        { { OK_CHUNKED "1\r\nx\r\n0\r\n", trailers, sizeof(trailers) }, "headers" },
        { { OK_CHUNKED "1\r\nx\r\n0\r\nlong: ", fill, sizeof(fill) }, "" },
        { { OK_CHUNKED "1;", fill, sizeof(fill) }, "most of them not its content" },
        { { OK_CHUNKED "1\t", tabs, sizeof(tabs) }, "" },
        { { "", informs, 24 }, "headers" },
        { { "HTTP/1.1 200 OK\r\n", trailers, sizeof(trailers) }, "headers" },
        { { "HTTP/1.1 200 OK\r\nlong: ", fill, sizeof(fill) }, "" },
        { { "HTTP/1.1 200 ", fill, sizeof(fill) }, "" },
        { { "", fill, sizeof(fill) }, "" },
        { { "HTTP/1.1 200 OK\r\n\r\n", fill, sizeof(fill) }, "longer than 100000 bytes" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", fill, 1 }, "longer than" },
        { { "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 999999999\r\n\r\n", fill,
            sizeof(fill) },
          "" },
        { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", fill, sizeof(fill) },
          "Transfer-Encoding" },
        { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ntransfer-encoding : br\r\n\r\n", fill,
            sizeof(fill) },
          "" },
    };
    (void)state;
    long before = peak_kib();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server server;
        struct outcome outcome;
        server_start(&server, cases[i].script);
        get(&server, &outcome);
        server_stop(&server);
        if (outcome.kind == MK_FAILURE_NONE || !strstr(outcome.error, cases[i].error))
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, outcome.error, cases[i].error);
        /* What the kernel had buffered when the connection was closed was sent, not read. */
        assert_true(atomic_load(&server.sent) <
                    mk_download_most_received(BODY_LIMIT) + 16 * 1024 * 1024);
    }
    assert_true(peak_kib() - before < 32 * 1024);
}

/* A failure's body is not waited for. */
static void a_failure_needs_no_body(void **state)
{
    struct server server;
    struct outcome outcome;
    (void)state;
    server_start(&server,
                 (struct script){ "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n", "x", 1 });
    get(&server, &outcome);
    assert_string_equal(outcome.error, "");
    assert_int_equal(outcome.status, 404);
    assert_int_equal(outcome.size, 0);
    server_stop(&server);
}

static void private_addresses_are_not_contacted(void **state)
{
    struct server server;
    struct outcome outcome;
    (void)state;
    server_start(&server, (struct script){ .once = OK_CHUNKED });
    struct mk_download_order order = order_of(server.url, &outcome);
    order.public_only = true;
    assert_non_null(mk_download_start(downloads, &order));
    TURN_UNTIL(&loop, outcome.releases == 1);
    assert_string_equal(outcome.error, "its address is a private one");
    assert_int_equal(outcome.kind, MK_FAILURE_FORBIDDEN);
    assert_int_equal(atomic_load(&server.accepted), 0);
    close(outcome.fd);
    server_stop(&server);
}

/* It sends one byte after the other, for ever, as fast as they are read. */
static void one_server_does_not_delay_others(void **state)
{
    static char ones[6 * 10000];
    struct server busy, quick;
    struct outcome outcomes[8], outcome;
    (void)state;
    for (size_t i = 0; i < sizeof(ones); i += 6)
        memcpy(ones + i, "1\r\nx\r\n", 6);
    server_start(&busy, (struct script){ OK_CHUNKED, ones, sizeof(ones) });
    server_start(&quick, (struct script){ .once = OK_CHUNKED "2\r\nhi\r\n0\r\n\r\n" });
    struct mk_download_order order = order_of(busy.url, &outcomes[0]);
    order.body_limit = UINT32_MAX;
    struct mk_download *download = mk_download_start(downloads, &order);
    TURN_UNTIL(&loop, atomic_load(&busy.sent) > 1000 * 1000);
    for (int i = 0; i < 8; i++) {
        get(&quick, &outcome);
        assert_string_equal(outcome.error, "");
    }
    assert_int_equal(outcomes[0].dones, 0);
    mk_download_cancel(download);
    TURN_UNTIL(&loop, outcomes[0].releases == 1);
    assert_int_equal(outcomes[0].dones, 0);
    TURN_UNTIL(&loop, atomic_load(&busy.gone) == 1);
    server_stop(&busy);
    server_stop(&quick);
}

/* Before it has begun, while it connects, waits for a head, or reads a body. */
static void a_download_may_be_cancelled_at_any_time(void **state)
{
    static const char *const heads[] = { "", "HTTP/1.1 200 OK\r\n", OK_CHUNKED "1\r\nx" };
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct server server;
        struct outcome outcome;
        /* "again" is never complete, and keeps the connection open. */
        server_start(&server, (struct script){ heads[i], "", 0 });
        mk_download_cancel(start(server.url, &outcome));
        TURN_UNTIL(&loop, outcome.releases == 1);
        assert_int_equal(outcome.dones, 0);
        server_stop(&server);
    }
}

static void a_hanging_lookup_delays_nobody(void **state)
{
    struct outcome hanging, timed_out, outcome;
    struct server server;
    (void)state;
    server_start(&server, (struct script){ .once = OK_CHUNKED "2\r\nhi\r\n0\r\n\r\n" });
    struct mk_download *download = start("http://hangs.example/", &hanging);
    struct mk_download_order order = order_of("http://hangs-too.example/", &timed_out);
    order.connect_ms = 50;
    assert_non_null(mk_download_start(downloads, &order));
    TURN_UNTIL(&loop, timed_out.dones == 1);
    assert_int_equal(timed_out.kind, MK_FAILURE_TIMEOUT);
    close(timed_out.fd);
    TURN_UNTIL(&loop, atomic_load(&lookups) >= 2);
    mk_download_cancel(download);
    get(&server, &outcome);
    assert_string_equal(outcome.error, "");
    assert_int_equal(hanging.releases + timed_out.releases, 0); /* their threads are still there */
    sem_post(&lookup_released);
    TURN_UNTIL(&loop, hanging.releases + timed_out.releases == 2);
    assert_int_equal(hanging.dones, 0);
    assert_int_equal(timed_out.dones, 1);
    server_stop(&server);
}

/* With a lookup, a server that sends for ever and one that sends nothing. */
static void freeing_waits_for_nobody(void **state)
{
    static char fill[64 * 1024];
    struct server busy, silent;
    struct outcome outcomes[3];
    (void)state;
    memset(fill, 'x', sizeof(fill));
    server_start(&busy, (struct script){ OK_CHUNKED "1;", fill, sizeof(fill) });
    server_start(&silent, (struct script){ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", 0 });
    struct mk_download_order order = order_of(busy.url, &outcomes[0]);
    order.body_limit = UINT32_MAX;
    assert_non_null(mk_download_start(downloads, &order));
    start(silent.url, &outcomes[1]);
    start("http://hangs.example/", &outcomes[2]);
    TURN_UNTIL(&loop, atomic_load(&busy.sent) > 0 && atomic_load(&silent.accepted) > 0 &&
                          atomic_load(&lookups) > 0);
    downloads = mk_downloads_free(downloads);
    assert_int_equal(outcomes[0].dones + outcomes[1].dones + outcomes[2].dones, 0);
    assert_int_equal(atomic_load(&lookups_ended), 0);
    server_stop(&busy);
    server_stop(&silent);
}

static void it_may_be_freed_in_done(void **state)
{
    struct server server;
    struct outcome outcome, other;
    (void)state;
    server_start(&server, (struct script){ .once = OK_CHUNKED "2\r\nhi\r\n0\r\n\r\n" });
    struct mk_download_order order = order_of(server.url, &outcome);
    outcome.frees = true;
    assert_non_null(mk_download_start(downloads, &order));
    start("http://hangs.example/", &other);
    TURN_UNTIL(&loop, outcome.dones == 1);
    assert_null(downloads);
    assert_int_equal(other.dones + other.releases, 0);
    close(outcome.fd);
    server_stop(&server);
}

static void a_full_disk_has_a_reason(void **state)
{
    struct server server;
    struct outcome outcome;
    (void)state;
    server_start(&server, (struct script){ .once = OK_CHUNKED "2\r\nhi\r\n0\r\n\r\n" });
    struct mk_download_order order = order_of(server.url, &outcome);
    close(order.fd);
    order.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_non_null(mk_download_start(downloads, &order));
    TURN_UNTIL(&loop, outcome.releases == 1);
    assert_int_equal(outcome.kind, MK_FAILURE_SYSTEM);
    assert_non_null(strstr(outcome.error, "space"));
    close(outcome.fd);
    server_stop(&server);
}

static atomic_ullong admitted;

static int admit_some(void *slot, uint64_t len)
{
    assert_non_null(slot);
    return atomic_fetch_add(&admitted, len) + len > 70000 ? -EDQUOT : 0;
}

static void its_owner_may_have_no_room_for_more(void **state)
{
    static char fill[64 * 1024];
    struct server server;
    struct outcome outcome;
    (void)state;
    server_start(&server, (struct script){ "HTTP/1.1 200 OK\r\n\r\n", fill, sizeof(fill) });
    struct mk_download_order order = order_of(server.url, &outcome);
    order.body_limit = 1024 * 1024;
    order.admit = admit_some;
    assert_non_null(mk_download_start(downloads, &order));
    TURN_UNTIL(&loop, outcome.releases == 1);
    assert_int_equal(outcome.kind, MK_FAILURE_SYSTEM);
    assert_int_equal(atomic_load(&admitted), 2 * 64 * 1024);
    close(outcome.fd);
    server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_is_written_into_the_file),
        TEST(every_byte_counts),
        TEST(a_failure_needs_no_body),
        TEST(private_addresses_are_not_contacted),
        TEST(one_server_does_not_delay_others),
        TEST(a_download_may_be_cancelled_at_any_time),
        TEST(a_hanging_lookup_delays_nobody),
        TEST(freeing_waits_for_nobody),
        TEST(it_may_be_freed_in_done),
        TEST(a_full_disk_has_a_reason),
        TEST(its_owner_may_have_no_room_for_more),
    };
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
