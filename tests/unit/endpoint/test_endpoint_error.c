/*
 * endpoint_error: milky_error of an endpoint that cannot be made or started: the path, the reason
 * and the advice. Mistakes of configurations are in test_config_check.
 */
#include "endpoint_testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct puppet puppet;
static const struct milky_config_backend backend = BACKEND("mine", &puppet);
static struct milky_server server;
static struct milky_bot bots[2];
static struct milky_config config;
static struct milky_error error;
static char folder[32];

static int setup(void **state)
{
    (void)state;
    puppet = (struct puppet){ 0 };
    server = any_port;
    bots[0] = (struct milky_bot)SERVED_BOT(BOT, NULL);
    bots[1] = (struct milky_bot)SERVED_BOT(BOT + 1, NULL);
    bots[1].http_server = &server;
    config = (struct milky_config){ .size = sizeof(config),
                                    .backends = &backend,
                                    .backend_count = 1,
                                    .bots = bots,
                                    .bot_count = 2 };
    error = (struct milky_error){ .size = sizeof(error) };
    snprintf(folder, sizeof(folder), "/tmp/milky-error-XXXXXX");
    assert_non_null(mkdtemp(folder));
    alarm(PATIENCE_S);
    return 0;
}

static int teardown(void **state)
{
    char command[64];
    (void)state;
    alarm(0);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

static void assert_error(const char *path, const char *text)
{
    assert_string_equal(error.path, path);
    if (!strstr(error.text, text))
        fail_msg("%s instead of %s", error.text, text);
    if (*path)
        assert_memory_equal(error.text, path, strlen(path));
    assert_null(strchr(error.text, '\n'));
}

/* Makes it, and returns the result of its start. */
static int start(void)
{
    struct milky_endpoint *endpoint;
    if (milky_endpoint_new(&config, &endpoint, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(error.text, "");
    int rc = milky_endpoint_start(endpoint, &error);
    if (rc == 0)
        assert_string_equal(error.text, "");
    milky_endpoint_free(endpoint);
    return rc;
}

/* --- addresses --- */

static int take_port(char listen_on[32])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(listen_on, 32, "127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

static void test_an_address_in_use(void **state)
{
    (void)state;
    char listen_on[32], text[128];
    int fd = take_port(listen_on);
    snprintf(text, sizeof(text), "cannot listen on %s: Address already in use (is another milky",
             listen_on);
    server.listen = listen_on;
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("bots[1].http_server[0].listen", text);
    assert_non_null(strstr(error.text, "ss -ltnp"));

    const struct milky_server both[] = { any_port, server };
    bots[1].http_server_count = 0;
    bots[1].websocket_server = both;
    bots[1].websocket_server_count = 2;
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("bots[1].websocket_server[1].listen", text);

    bots[1].websocket_server_count = 0;
    config.control = listen_on;
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("control", text);
    config.control = NULL;
    config.operations = listen_on;
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("operations", text);
    close(fd);
}

static void test_an_address_of_another_machine(void **state)
{
    (void)state;
    server.listen = "192.0.2.1:3000";
    server.access_token = "x";
    assert_int_equal(start(), -EADDRNOTAVAIL);
    assert_error("bots[1].http_server[0].listen",
                 "cannot listen on 192.0.2.1:3000: Cannot assign requested address (no network "
                 "interface of this machine has this address)");
}

/* Root may listen there; so may others where the kernel is configured so. */
static void test_a_port_of_root(void **state)
{
    (void)state;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    int first = 1024;
    if (file) {
        assert_int_equal(fscanf(file, "%d", &first), 1);
        fclose(file);
    }
    server.listen = "127.0.0.1:7";
    int rc = first <= 7 ? 0 : geteuid() == 0 ? seteuid(65534) : 0;
    assert_int_equal(rc, 0);
    rc = start();
    if (geteuid() != getuid())
        assert_int_equal(seteuid(getuid()), 0);
    if (rc == -EACCES)
        assert_error("bots[1].http_server[0].listen",
                     "cannot listen on 127.0.0.1:7: Permission denied (ports below 1024 need a "
                     "capability (CAP_NET_BIND_SERVICE)");
    else
        assert_true(rc == 0 || rc == -EADDRINUSE);
}

static void test_sockets_in_the_file_system(void **state)
{
    (void)state;
    char path[64], listen_on[80];
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(listen_on, sizeof(listen_on), "unix:%s", path);
    config.control = listen_on;

    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("control", "(there is a file of this name that is not a socket)");
    unlink(path);

    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(start(), -EADDRINUSE);
    assert_error("control", "(is another milky running with this data_dir?)");
    close(fd);

    snprintf(listen_on, sizeof(listen_on), "unix:%s/nothing/socket", folder);
    assert_int_equal(start(), -ENOENT);
    assert_error("control", "(its folder does not exist)");
}

/* --- the journal --- */

static int make(void)
{
    struct milky_endpoint *endpoint = NULL;
    int rc = milky_endpoint_new(&config, &endpoint, &error);
    assert_null(rc < 0 ? endpoint : NULL);
    milky_endpoint_free(endpoint);
    return rc;
}

static void test_the_journal(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "%s/journal.db", folder);
    config.journal.path = path;
    struct milky_endpoint *other = start_endpoint(&config);
    assert_int_equal(make(), -EBUSY);
    assert_error("journal.path", "journal.db: another process has it open: is another milky "
                                 "running with this data_dir?");
    milky_endpoint_free(other);

    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(write(fd, "this is no database, whatever its name says", 43) == 43);
    close(fd);
    assert_true(make() < 0);
    assert_error("journal.path", "journal.db: it ");

    snprintf(path, sizeof(path), "%s/nothing/journal.db", folder);
    assert_true(make() < 0);
    assert_error("journal.path", "does its folder exist, can it be written");
}

/* --- backends --- */

static int start_silently(void *self, struct milky_host *host)
{
    (void)self;
    (void)host;
    return -ENETDOWN;
}

static int start_with_words(void *self, struct milky_host *host)
{
    (void)self;
    milky_host_log(host, 0, "the first reason");
    milky_host_log(host, 0, "QQ's server asks for a captcha");
    milky_host_log(host, 1, "only a warning");
    return -EACCES;
}

static void test_a_backend(void **state)
{
    (void)state;
    struct milky_backend table = puppet_table;
    const struct milky_config_backend failing[] = { { sizeof(failing[0]), "one", &puppet_table,
                                                      NULL },
                                                    { sizeof(failing[0]), "two", &table, NULL } };
    struct milky_backend without = puppet_table;
    without.start = NULL;
    without.free = NULL;
    without.turn_end = NULL;
    struct milky_config_backend two[] = { failing[0], failing[1] };
    two[0].table = &without;
    table.free = NULL;
    config.backends = two;
    config.backend_count = 2;
    table.start = start_silently;
    assert_int_equal(start(), -ENETDOWN);
    assert_error("", "the backend two cannot start: Network is down");
    table.start = start_with_words;
    assert_int_equal(start(), -EACCES);
    assert_error("", "the backend two cannot start: QQ's server asks for a captcha");
}

/* --- the struct --- */

/* A caller of an older header has a shorter one, and none may be given. */
/* English until the embedder asks for Chinese. */
static void test_in_chinese(void **state)
{
    (void)state;
    char listen_on[32], text[128];
    int fd = take_port(listen_on);
    struct milky_endpoint *endpoint = NULL;
    snprintf(text, sizeof(text), "无法监听 %s：地址已在使用（", listen_on);
    server.listen = listen_on;
    milky_language_set(MILKY_CHINESE);
    int rc = start();
    milky_language_set(MILKY_ENGLISH);
    assert_int_equal(rc, -EADDRINUSE);
    assert_error("bots[1].http_server[0].listen", text);

    bots[1].self_id = 7;
    milky_language_set(MILKY_CHINESE);
    rc = milky_endpoint_new(&config, &endpoint, &error);
    milky_language_set(MILKY_ENGLISH);
    assert_int_equal(rc, -EINVAL);
    assert_string_equal(error.text,
                        "bots[1].self_id：应为10001 到 4294967295 之间的 QQ 号，实际为7");
    assert_string_equal(error.expected, "10001 到 4294967295 之间的 QQ 号");
    assert_string_equal(error.got, "7");
    close(fd);
}

static void test_a_shorter_struct_is_filled_to_its_size(void **state)
{
    (void)state;
    struct {
        struct milky_error error;
        char behind[8];
    } small;
    memset(&small, '#', sizeof(small));
    small.error.size = offsetof(struct milky_error, expected);
    server.listen = "192.0.2.1:3000";
    server.access_token = "x";
    struct milky_endpoint *endpoint;
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, &small.error), -EADDRNOTAVAIL);
    assert_string_equal(small.error.path, "bots[1].http_server[0].listen");
    assert_int_equal(small.error.expected[0], '#');
    assert_int_equal(small.error.text[0], '#');
    milky_endpoint_free(endpoint);
    assert_int_equal(milky_endpoint_new(&config, &endpoint, NULL), 0);
    assert_int_equal(milky_endpoint_start(endpoint, NULL), -EADDRNOTAVAIL);
    milky_endpoint_free(endpoint);
}

/* The same for milky_port. */
static void test_a_shorter_port_struct_is_filled_to_its_size(void **state)
{
    (void)state;
    struct milky_endpoint *endpoint = start_endpoint(&config);
    struct milky_port port;
    memset(&port, '#', sizeof(port));
    port.size = offsetof(struct milky_port, address);
    assert_true(milky_endpoint_port(endpoint, 0, &port));
    assert_int_equal(port.self_id, BOT);
    assert_string_equal(port.transport, "http_server");
    assert_int_equal(*(const char *)&port.address, '#');
    assert_int_equal(port.size, offsetof(struct milky_port, address));
    milky_endpoint_free(endpoint);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_address_in_use),
        TEST(test_an_address_of_another_machine),
        TEST(test_a_port_of_root),
        TEST(test_sockets_in_the_file_system),
        TEST(test_the_journal),
        TEST(test_a_backend),
        TEST(test_in_chinese),
        TEST(test_a_shorter_struct_is_filled_to_its_size),
        TEST(test_a_shorter_port_struct_is_filled_to_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
