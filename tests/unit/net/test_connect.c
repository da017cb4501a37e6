/* Opening connections: success, failures with their reasons, and cancelling. */
#include "net/connect.h"
#include "net/listener.h"
#include "tls_testing.h"

static struct mk_loop loop;
static struct mk_listener *listener;
static struct owner client, server;
static SSL_CTX *context; /* the server's, or NULL: no TLS */
static struct mk_connect *connecting;
static int dones;
static char error[256];
static enum mk_failure_kind kind;
static bool starting;

static void on_accepted(void *arg, struct mk_stream *stream)
{
    (void)arg;
    if (context)
        serve_tls(stream, context);
    owner_adopt(&server, stream);
}

static void on_done(void *arg, struct mk_stream *stream, const struct mk_failure *what)
{
    assert_string_equal(arg, "arg");
    assert_false(starting);
    assert_true((stream != NULL) != (what != NULL));
    connecting = NULL;
    dones++;
    snprintf(error, sizeof(error), "%s", what ? what->en : "");
    kind = what ? what->kind : MK_FAILURE_NONE;
    if (stream)
        owner_adopt(&client, stream);
}

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    owner_init(&client);
    owner_init(&server);
    listener = NULL;
    context = NULL;
    connecting = NULL;
    dones = 0;
    error[0] = '\0';
    return mk_loop_init(&loop, NULL);
}

static int teardown(void **state)
{
    (void)state;
    connecting = mk_connect_cancel(connecting);
    listener = mk_listener_free(listener);
    if (client.stream)
        mk_stream_abort(client.stream, 0);
    if (server.stream)
        mk_stream_abort(server.stream, 0);
    mk_loop_fini(&loop);
    owner_fini(&client);
    owner_fini(&server);
    SSL_CTX_free(context);
    alarm(0);
    return 0;
}

static uint16_t listen_somewhere(void)
{
    struct mk_address address;
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
    assert_int_equal(mk_listener_open(&loop, &address, on_accepted, NULL, &listener), 0);
    return ntohs(((const struct sockaddr_in *)&mk_listener_address(listener)->socket)->sin_port);
}

static void start(const char *host, uint16_t port, bool tls, uint32_t timeout_ms)
{
    struct mk_connect_options options = { host, port, tls, timeout_ms };
    starting = true;
    connecting = mk_connect_start(&loop, &options, on_done, "arg");
    starting = false;
    assert_non_null(connecting);
}

static const char *try_to(const char *host, uint16_t port, bool tls, uint32_t timeout_ms)
{
    start(host, port, tls, timeout_ms);
    TURN_UNTIL(&loop, dones == 1);
    return error;
}

static void exchange(void)
{
    owner_says(&client, "ping");
    TURN_UNTIL(&loop, server.in.len == 4);
    owner_says(&server, "pong");
    TURN_UNTIL(&loop, client.in.len == 4);
    assert_heard(&client, "pong");
}

/* --- without TLS --- */

static void connects_to_an_address(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere();
    assert_string_equal(try_to("127.0.0.1", port, false, 5000), "");
    assert_memory_equal(mk_stream_remote(client.stream), "127.0.0.1:", 10);
    exchange();
}

/* On most machines this is ::1 first, where nothing listens. */
static void connects_to_a_name(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere();
    assert_string_equal(try_to("localhost", port, false, 5000), "");
    exchange();
}

static void a_refusal_has_a_reason(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere();
    listener = mk_listener_free(listener);
    assert_string_equal(try_to("127.0.0.1", port, false, 5000), "connection refused");
    assert_int_equal(kind, MK_FAILURE_REFUSED);
}

static void an_impossible_host_has_a_reason(void **state)
{
    char host[300];
    (void)state;
    memset(host, 'a', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    assert_string_not_equal(try_to(host, 80, false, 5000), "");
    assert_int_equal(kind, MK_FAILURE_NAME);
    dones = 0;
    assert_string_not_equal(try_to("", 1, true, 5000), "");
    assert_int_equal(kind, MK_FAILURE_NAME);
}

/* A listener whose backlog is full drops connections silently. */
static int open_deaf_listener(uint16_t *port, int clients[4])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < 4; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(clients[i], (struct sockaddr *)&address, len);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_silent_listener_times_out(void **state)
{
    uint16_t port;
    int clients[4];
    (void)state;
    int fd = open_deaf_listener(&port, clients);
    assert_string_equal(try_to("127.0.0.1", port, false, 60), "timed out after 60 ms");
    assert_int_equal(kind, MK_FAILURE_CONNECT_TIMEOUT);
    dones = 0;
    start("127.0.0.1", port, false, 5000); /* and may be cancelled */
    turn(&loop);
    connecting = mk_connect_cancel(connecting);
    turn(&loop);
    assert_int_equal(dones, 0);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    close(fd);
}

static void it_may_be_cancelled_at_once(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere();
    start("127.0.0.1", port, true, 5000);
    connecting = mk_connect_cancel(connecting);
    turn(&loop);
    assert_int_equal(dones, 0);
    assert_null(mk_connect_cancel(NULL));
}

static void the_stream_may_be_refused_in_done(void *arg, struct mk_stream *stream,
                                              const struct mk_failure *what)
{
    (void)arg;
    assert_null(what);
    dones++;
    mk_stream_abort(stream, 0);
}

static void it_may_be_aborted_in_done(void **state)
{
    (void)state;
    struct mk_connect_options options = { "127.0.0.1", listen_somewhere(), false, 5000 };
    assert_non_null(mk_connect_start(&loop, &options, the_stream_may_be_refused_in_done, NULL));
    TURN_UNTIL(&loop, dones == 1 && server.ends == 1);
    mk_stream_abort(server.stream, 0);
    TURN_UNTIL(&loop, server.closes == 1);
    /* The same with TLS, where `done` is called from within a read. */
    context = server_context("IP:127.0.0.1");
    trust(context);
    options.tls = true;
    owner_fini(&server);
    owner_init(&server);
    assert_non_null(mk_connect_start(&loop, &options, the_stream_may_be_refused_in_done, NULL));
    TURN_UNTIL(&loop, dones == 2 && (server.ends == 1 || server.closes == 1));
}

/* --- with TLS --- */

static void connects_with_tls(void **state)
{
    (void)state;
    context = server_context("DNS:localhost,IP:127.0.0.1");
    trust(context);
    uint16_t port = listen_somewhere();
    assert_string_equal(try_to("127.0.0.1", port, true, 5000), "");
    exchange();
}

static char asked_name[64];

static int on_name(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    (void)arg;
    snprintf(asked_name, sizeof(asked_name), "%s", name ? name : "(none)");
    return SSL_TLSEXT_ERR_OK;
}

static void the_server_gets_the_name(void **state)
{
    (void)state;
    context = server_context("DNS:localhost");
    trust(context);
    SSL_CTX_set_tlsext_servername_callback(context, on_name);
    uint16_t port = listen_somewhere();
    assert_string_equal(try_to("localhost", port, true, 5000), "");
    assert_string_equal(asked_name, "localhost");
    mk_stream_abort(client.stream, 0);
    mk_stream_abort(server.stream, 0);
    dones = 0;
    assert_string_equal(try_to("127.0.0.1", port, true, 5000),
                        "certificate verify failed: IP address mismatch");
    assert_int_equal(kind, MK_FAILURE_CERTIFICATE_HOST);
    assert_string_equal(asked_name, "(none)"); /* an address is not a name (RFC 6066, 3) */
}

static void an_unknown_certificate_is_refused(void **state)
{
    (void)state;
    context = server_context("IP:127.0.0.1");
    trust(NULL);
    assert_string_equal(try_to("127.0.0.1", listen_somewhere(), true, 5000),
                        "certificate verify failed: self-signed certificate");
    assert_int_equal(kind, MK_FAILURE_CERTIFICATE_SELF_SIGNED);
    assert_int_equal(server.in.len, 0);
}

static void another_name_is_refused(void **state)
{
    (void)state;
    context = server_context("DNS:example.org");
    trust(context);
    assert_string_equal(try_to("localhost", listen_somewhere(), true, 5000),
                        "certificate verify failed: hostname mismatch");
}

static void old_tls_is_refused(void **state)
{
    (void)state;
    context = server_context("IP:127.0.0.1");
    trust(context);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    try_to("127.0.0.1", listen_somewhere(), true, 5000);
    assert_memory_equal(error, "TLS handshake failed: ", 22);
    assert_int_equal(kind, MK_FAILURE_TLS);
}

static void a_server_without_tls_has_a_reason(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere(); /* without TLS: reads the client's hello and writes */
    start("127.0.0.1", port, true, 5000);
    TURN_UNTIL(&loop, server.in.len > 0);
    owner_says(&server, "HTTP/1.1 400 Bad Request\r\n\r\n");
    TURN_UNTIL(&loop, dones == 1);
    assert_string_equal(error, "it does not speak TLS: it answered \"HTTP/1.1 400 Bad Request\"; "
                               "the URL must begin with http:// or ws:// instead of https:// or "
                               "wss://");
    assert_int_equal(kind, MK_FAILURE_NO_TLS);
}

static void a_server_that_disconnects_has_a_reason(void **state)
{
    (void)state;
    start("127.0.0.1", listen_somewhere(), true, 5000);
    TURN_UNTIL(&loop, server.in.len > 0);
    mk_stream_close(server.stream);
    TURN_UNTIL(&loop, dones == 1);
    assert_string_equal(error, "the peer closed the connection during the TLS handshake");
    assert_int_equal(kind, MK_FAILURE_TLS_CLOSED);
}

static void a_silent_server_times_out(void **state)
{
    (void)state;
    uint16_t port = listen_somewhere(); /* without TLS: writes nothing */
    uint64_t before = mk_loop_now(&loop);
    assert_string_equal(try_to("127.0.0.1", port, true, 80), "timed out after 80 ms");
    assert_int_equal(kind, MK_FAILURE_TLS_TIMEOUT);
    assert_in_range(mk_loop_now(&loop) - before, 80, 2000);
    dones = 0;
    TURN_UNTIL(&loop, server.ends + server.closes > 0);
    if (server.stream)
        mk_stream_abort(server.stream, 0);
    TURN_UNTIL(&loop, server.closes == 1);
    owner_fini(&server);
    owner_init(&server);
    start("127.0.0.1", port, true, 5000);
    TURN_UNTIL(&loop, server.in.len > 0); /* in the middle of the handshake */
    connecting = mk_connect_cancel(connecting);
    TURN_UNTIL(&loop, server.ends + server.closes > 0);
    assert_int_equal(dones, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connects_to_an_address),
        TEST(connects_to_a_name),
        TEST(a_refusal_has_a_reason),
        TEST(an_impossible_host_has_a_reason),
        TEST(a_silent_listener_times_out),
        TEST(it_may_be_cancelled_at_once),
        TEST(it_may_be_aborted_in_done),
        TEST(connects_with_tls),
        TEST(the_server_gets_the_name),
        TEST(an_unknown_certificate_is_refused),
        TEST(another_name_is_refused),
        TEST(old_tls_is_refused),
        TEST(a_server_without_tls_has_a_reason),
        TEST(a_server_that_disconnects_has_a_reason),
        TEST(a_silent_server_times_out),
    };
    trust(NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    trust_fini();
    return failed;
}
