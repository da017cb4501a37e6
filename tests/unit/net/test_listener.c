/* Listening on TCP and on Unix sockets, also without free descriptors. */
#include "base/log.h"
#include "net/listener.h"
#include "net_testing.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { OWNERS = 8 };

static struct mk_loop loop;
static struct mk_listener *listener;
static struct owner owners[OWNERS];
static unsigned accepted;
static char directory[] = "/tmp/milky-listener-XXXXXX";
static char peer[64];

static void on_accepted(void *arg, struct mk_stream *stream)
{
    assert_string_equal(arg, "arg");
    assert_true(accepted < OWNERS);
    snprintf(peer, sizeof(peer), "%s", mk_stream_remote(stream));
    owner_adopt(&owners[accepted++], stream);
}

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    accepted = 0;
    listener = NULL;
    for (int i = 0; i < OWNERS; i++)
        owner_init(&owners[i]);
    return mk_loop_init(&loop, NULL);
}

static int teardown(void **state)
{
    (void)state;
    listener = mk_listener_free(listener);
    for (int i = 0; i < OWNERS; i++) {
        if (owners[i].stream)
            mk_stream_abort(owners[i].stream, 0);
    }
    mk_loop_fini(&loop);
    for (int i = 0; i < OWNERS; i++)
        owner_fini(&owners[i]);
    alarm(0);
    return 0;
}

static int open_at(const char *text, struct mk_listener **out)
{
    struct mk_address address;
    assert_null(mk_address_parse(mk_slice_str(text), &address));
    return mk_listener_open(&loop, &address, on_accepted, "arg", out);
}

static int try_to_reach(const struct mk_address *address)
{
    int fd = socket(address->socket.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address->socket, address->len) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int reach(void)
{
    int fd = try_to_reach(mk_listener_address(listener));
    assert_true(fd >= 0);
    return fd;
}

static void exchange(int fd)
{
    struct mk_buf heard;
    mk_buf_init(&heard, 1024);
    TURN_UNTIL(&loop, accepted == 1);
    assert_int_equal(send(fd, "hi", 2, 0), 2);
    TURN_UNTIL(&loop, owners[0].in.len == 2);
    owner_says(&owners[0], "ho");
    turn(&loop);
    assert_int_equal(read_some_of(fd, &heard, 10), 0);
    assert_int_equal(heard.len, 2);
    mk_buf_fini(&heard);
    close(fd);
}

/* --- TCP --- */

static void accepts_on_ipv4(void **state)
{
    char text[MK_ADDRESS_TEXT];
    struct mk_listener *second = NULL;
    int on = 0;
    socklen_t len = sizeof(on);
    (void)state;
    assert_int_equal(open_at("127.0.0.1:0", &listener), 0);
    mk_address_format(mk_listener_address(listener), text);
    assert_memory_equal(text, "127.0.0.1:", 10);
    assert_string_not_equal(text, "127.0.0.1:0");
    assert_int_equal(open_at(text, &second), -EADDRINUSE);
    assert_null(second);
    int fd = reach();
    exchange(fd);
    assert_memory_equal(peer, "127.0.0.1:", 10);
    getsockopt(owners[0].stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
    assert_true(on);
    assert_true(fcntl(owners[0].stream->fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(owners[0].stream->fd, F_GETFD) & FD_CLOEXEC);
}

static void accepts_on_ipv6(void **state)
{
    (void)state;
    int rc = open_at("[::1]:0", &listener);
    if (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT)
        skip(); /* a machine without IPv6 */
    assert_int_equal(rc, 0);
    exchange(reach());
    assert_memory_equal(peer, "[::1]:", 6);
}

static void the_wildcard_takes_both(void **state)
{
    struct mk_address address;
    (void)state;
    int rc = open_at("[::]:0", &listener);
    if (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT)
        skip();
    assert_int_equal(rc, 0);
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:1"), &address));
    ((struct sockaddr_in *)&address.socket)->sin_port =
        ((const struct sockaddr_in6 *)&mk_listener_address(listener)->socket)->sin6_port;
    exchange(try_to_reach(&address));
    assert_memory_equal(peer, "127.0.0.1:", 10);
}

static void a_failed_bind_has_a_reason(void **state)
{
    (void)state;
    assert_int_equal(open_at("192.0.2.1:0", &listener), -EADDRNOTAVAIL);
    assert_int_equal(open_at("unix:/nonexistent/socket", &listener), -ENOENT);
    assert_null(listener);
    assert_null(mk_listener_free(NULL));
}

static void a_freed_listener_accepts_nothing(void **state)
{
    (void)state;
    assert_int_equal(open_at("127.0.0.1:0", &listener), 0);
    struct mk_address address = *mk_listener_address(listener);
    int fd = reach();
    TURN_UNTIL(&loop, accepted == 1);
    listener = mk_listener_free(listener);
    assert_int_equal(try_to_reach(&address), -ECONNREFUSED);
    exchange(fd); /* accepted connections stay open */
}

static void free_it(void *arg, struct mk_stream *stream)
{
    on_accepted(arg, stream);
    listener = mk_listener_free(listener);
}

static void it_may_be_freed_while_it_accepts(void **state)
{
    struct mk_address address;
    (void)state;
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
    assert_int_equal(mk_listener_open(&loop, &address, free_it, "arg", &listener), 0);
    int first = reach();
    int second = reach();
    TURN_UNTIL(&loop, !listener);
    turn(&loop);
    assert_int_equal(accepted, 1);
    close(first);
    close(second);
}

static void refuse(void *arg, struct mk_stream *stream)
{
    (void)arg;
    accepted++;
    mk_stream_abort(stream, 0);
}

static void a_connection_may_be_refused(void **state)
{
    struct mk_address address;
    char byte;
    (void)state;
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
    assert_int_equal(mk_listener_open(&loop, &address, refuse, NULL, &listener), 0);
    int fd = reach();
    TURN_UNTIL(&loop, accepted == 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

/* --- Unix sockets --- */

static const char *socket_path(char text[MK_ADDRESS_TEXT])
{
    snprintf(text, MK_ADDRESS_TEXT, "unix:%s/socket", directory);
    return text + 5;
}

static void accepts_on_a_unix_socket(void **state)
{
    char text[MK_ADDRESS_TEXT];
    const char *path = socket_path(text);
    struct stat file;
    struct mk_listener *second = NULL;
    (void)state;
    assert_int_equal(open_at(text, &listener), 0);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    exchange(reach());
    assert_string_equal(peer, "unix");
    assert_int_equal(open_at(text, &second), -EADDRINUSE); /* a server answers on it */
    assert_null(second);
    listener = mk_listener_free(listener);
    assert_int_equal(stat(path, &file), -1);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    char text[MK_ADDRESS_TEXT];
    const char *path = socket_path(text);
    struct mk_address address;
    (void)state;
    assert_null(mk_address_parse(mk_slice_str(text), &address));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address.socket, address.len), 0);
    close(fd); /* leaves its file behind, as a process that was killed does */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(open_at(text, &listener), 0);
    exchange(reach());
}

/* A server that is too busy to answer still owns its socket. */
static void a_busy_unix_socket_is_left_alone(void **state)
{
    char text[MK_ADDRESS_TEXT];
    const char *path = socket_path(text);
    struct mk_address address;
    int clients[8];
    int count = 0;
    (void)state;
    assert_null(mk_address_parse(mk_slice_str(text), &address));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address.socket, address.len), 0);
    assert_int_equal(listen(fd, 0), 0);
    do {
        assert_true(count < 8);
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    } while (connect(clients[count++], (struct sockaddr *)&address.socket, address.len) == 0);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(open_at(text, &listener), -EADDRINUSE);
    while (count > 0)
        close(clients[--count]);
    close(fd);
    unlink(path);
}

static void another_file_is_left_alone(void **state)
{
    char text[MK_ADDRESS_TEXT];
    const char *path = socket_path(text);
    (void)state;
    close(open(path, O_CREAT | O_WRONLY, 0644));
    assert_int_equal(open_at(text, &listener), -EADDRINUSE);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    /* A socket that another program created meanwhile is not removed either. */
    assert_int_equal(open_at(text, &listener), 0);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    listener = mk_listener_free(listener);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
}

/* --- out of descriptors --- */

static unsigned turns;
static unsigned warnings;

static void count_turn(struct mk_turn_hook *hook)
{
    (void)hook;
    turns++;
}

static void count_warning(const char *line, size_t len)
{
    warnings += memmem(line, len, "cannot accept", 13) != NULL;
}

static void set_flag(void *flag)
{
    *(bool *)flag = true;
}

static void wait_ms(uint64_t ms)
{
    bool over = false;
    struct mk_timer *timer = mk_timer_new(&loop, set_flag, &over);
    mk_timer_start(timer, ms);
    TURN_UNTIL(&loop, over);
    mk_timer_free(timer);
}

static void survives_without_descriptors(void **state)
{
    struct mk_turn_hook hook = { .run = count_turn };
    struct rlimit limit, none;
    int clients[3];
    (void)state;
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, count_warning);
    assert_int_equal(open_at("127.0.0.1:0", &listener), 0);
    for (int i = 0; i < 3; i++)
        clients[i] = reach();
    turn(&loop);
    for (unsigned i = 0; i < accepted; i++)
        mk_stream_abort(owners[i].stream, 0);
    turn(&loop);
    accepted = 0;
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
        clients[i] = reach();
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    int lowest = dup(0); /* no descriptor below this one is free */
    close(lowest);
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    mk_loop_add_hook(&loop, &hook);
    turns = warnings = 0;
    wait_ms(350);
    mk_loop_remove_hook(&hook);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(accepted, 0);
    assert_int_equal(warnings, 1);
    assert_in_range(turns, 2, 40);    /* no busy loop */
    TURN_UNTIL(&loop, accepted == 3); /* they have waited in the backlog */
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepts_on_ipv4),
        TEST(accepts_on_ipv6),
        TEST(the_wildcard_takes_both),
        TEST(a_failed_bind_has_a_reason),
        TEST(a_freed_listener_accepts_nothing),
        TEST(it_may_be_freed_while_it_accepts),
        TEST(a_connection_may_be_refused),
        TEST(accepts_on_a_unix_socket),
        TEST(a_stale_unix_socket_is_replaced),
        TEST(a_busy_unix_socket_is_left_alone),
        TEST(another_file_is_left_alone),
        TEST(survives_without_descriptors),
    };
    if (!mkdtemp(directory))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
