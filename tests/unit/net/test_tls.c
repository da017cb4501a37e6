/* TLS under streams: both roles on one loop, and against OpenSSL on a blocking socket. */
#include "tls_testing.h"

#include <openssl/err.h>
#include <pthread.h>

static struct mk_loop loop;
static struct owner client, server;
static SSL_CTX *context;
static int pair[2];

static int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    owner_init(&client);
    owner_init(&server);
    context = server_context("DNS:localhost,IP:127.0.0.1");
    trust(context);
    return mk_loop_init(&loop, NULL);
}

static int teardown(void **state)
{
    (void)state;
    if (client.stream)
        mk_stream_abort(client.stream, 0);
    if (server.stream)
        mk_stream_abort(server.stream, 0);
    mk_loop_fini(&loop);
    owner_fini(&client);
    owner_fini(&server);
    SSL_CTX_free(context);
    trust_fini();
    alarm(0);
    return 0;
}

static void connect_tls(struct mk_stream *stream, const char *host)
{
    struct mk_tls *tls = mk_tls_client_new(mk_streams_roots(mk_streams_of(&loop)), host);
    assert_non_null(tls);
    assert_int_equal(mk_stream_start_tls(stream, tls), 0);
}

static void begin(bool small, const char *host)
{
    tcp_pair(pair, small);
    owner_adopt(&server, stream_on(&loop, pair[0]));
    owner_adopt(&client, stream_on(&loop, pair[1]));
    serve_tls(server.stream, context);
    connect_tls(client.stream, host);
}

static void both_sides_send_and_receive(void **state)
{
    (void)state;
    begin(false, "localhost");
    owner_says(&client, "question"); /* waits for the handshake */
    TURN_UNTIL(&loop, server.in.len == 8);
    assert_heard(&server, "question");
    owner_says(&server, "answer");
    TURN_UNTIL(&loop, client.in.len == 6);
    assert_heard(&client, "answer");
    assert_int_equal(client.drains, 1);
    assert_int_equal(server.drains, 1);
    turn(&loop);
    assert_null(client.stream->output.data);
    assert_null(client.stream->tls->out.data);
    mk_stream_close(client.stream);
    TURN_UNTIL(&loop, server.ends == 1);
    owner_says(&server, "too late, but no error");
    mk_stream_close(server.stream);
    TURN_UNTIL(&loop, client.closes == 1 && server.closes == 1);
    assert_int_equal(client.error, 0);
    assert_int_equal(server.error, 0);
    assert_int_equal(client.ends, 0);
}

static void many_bytes_in_both_directions(void **state)
{
    enum { LEN = 3 * 1000 * 1000 };
    struct mk_buf all;
    (void)state;
    begin(true, "127.0.0.1");
    mk_buf_init(&all, LEN);
    for (size_t i = 0; i < LEN; i++)
        mk_buf_append_char(&all, (char)(i * 7 + i / 251));
    owner_write(&client, all.data, LEN);
    owner_write(&server, all.data, LEN / 2);
    TURN_UNTIL(&loop, server.in.len == LEN && client.in.len == LEN / 2);
    assert_memory_equal(server.in.data, all.data, LEN);
    assert_memory_equal(client.in.data, all.data, LEN / 2);
    TURN_UNTIL(&loop, client.drains == 1 && server.drains == 1);
    mk_buf_fini(&all);
}

static char shared[1000 * 1000];
static size_t shared_at;

static struct mk_slice peek_shared(struct mk_stream_source *source)
{
    (void)source;
    return mk_slice_from(mk_slice_of(shared, sizeof(shared)), shared_at);
}

static bool advance_shared(struct mk_stream_source *source, size_t len)
{
    (void)source;
    memset(shared + shared_at, '!', len); /* encrypted, it is not needed any more */
    shared_at += len;
    return shared_at < sizeof(shared);
}

static void a_source_is_sent_over_tls(void **state)
{
    struct mk_stream_source source = { peek_shared, advance_shared };
    (void)state;
    begin(true, "localhost."); /* the dot is no part of the certificate's name */
    memset(shared, 's', sizeof(shared));
    shared_at = 0;
    mk_stream_set_source(server.stream, &source);
    TURN_UNTIL(&loop, client.in.len > 0);
    assert_true(server.stream->blocked);
    owner_says(&server, "own"); /* after the run that has begun */
    mk_stream_close(server.stream);
    TURN_UNTIL(&loop, client.ends == 1);
    assert_int_equal(client.in.len, sizeof(shared) + 3);
    for (size_t i = 0; i < sizeof(shared); i++)
        assert_int_equal(client.in.data[i], 's');
    assert_memory_equal(client.in.data + sizeof(shared), "own", 3);
}

static void the_end_waits_for_a_paused_owner(void **state)
{
    (void)state;
    begin(false, "localhost");
    owner_says(&server, "abcdef");
    mk_stream_close(server.stream); /* refused: the handshake is not done */
    TURN_UNTIL(&loop, client.closes == 1 && server.closes == 1);
    assert_int_equal(server.error, 0);
    owner_fini(&client);
    owner_fini(&server);
    owner_init(&client);
    owner_init(&server);

    begin(false, "localhost");
    client.pause_at = 3;
    owner_says(&server, "abcdef");
    TURN_UNTIL(&loop, server.drains == 1);
    mk_stream_close(server.stream);
    TURN_UNTIL(&loop, mk_stream_paused(client.stream));
    turn(&loop);
    turn(&loop);
    assert_heard(&client, "abc");
    assert_int_equal(client.ends, 0);
    client.pause_at = 6;
    mk_stream_resume(client.stream);
    turn(&loop);
    assert_heard(&client, "abcdef");
    assert_int_equal(client.ends, 0);
    mk_stream_resume(client.stream);
    TURN_UNTIL(&loop, client.ends == 1);
}

static void a_wrong_name_is_refused(void **state)
{
    (void)state;
    begin(false, "example.org");
    owner_says(&client, "secret");
    TURN_UNTIL(&loop, client.closes == 1 && server.closes == 1);
    assert_int_equal(client.error, -EPROTO);
    assert_int_equal(server.error, -EPROTO); /* it got an alert */
    assert_int_equal(server.in.len, 0);
}

static void invalid_records_are_refused(void **state)
{
    (void)state;
    tcp_pair(pair, false);
    owner_adopt(&server, stream_on(&loop, pair[0]));
    serve_tls(server.stream, context);
    assert_int_equal(send(pair[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    TURN_UNTIL(&loop, server.closes == 1);
    assert_int_equal(server.error, -EPROTO);
    close(pair[1]);
}

static void a_peer_that_disconnects_early_is_noticed(void **state)
{
    (void)state;
    tcp_pair(pair, false);
    owner_adopt(&server, stream_on(&loop, pair[0]));
    serve_tls(server.stream, context);
    close(pair[1]);
    TURN_UNTIL(&loop, server.closes == 1);
    assert_int_equal(server.error, -ECONNRESET);
}

/* OpenSSL's own client, blocking, in a thread: writes the bytes that it got into a pipe. */
static void *speak_as_openssl(void *arg)
{
    char text[64] = "";
    SSL_CTX *own = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(own);
    (void)arg;
    fcntl(pair[1], F_SETFL, 0);
    SSL_set_fd(ssl, pair[1]);
    SSL_connect(ssl);
    SSL_write(ssl, "ping", 4);
    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED); /* the stream must answer by itself */
    SSL_write(ssl, "pong", 4);
    int got = SSL_read(ssl, text, sizeof(text) - 1);
    int end = SSL_read(ssl, text + (got > 0 ? got : 0), 1);
    bool orderly = end <= 0 && SSL_get_error(ssl, end) == SSL_ERROR_ZERO_RETURN;
    SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(own);
    close(pair[1]);
    return orderly && strcmp(text, "answer") == 0 ? "fine" : "not fine";
}

static pthread_t begin_with_openssl(void)
{
    pthread_t thread;
    tcp_pair(pair, false);
    owner_adopt(&server, stream_on(&loop, pair[0]));
    serve_tls(server.stream, context);
    assert_int_equal(pthread_create(&thread, NULL, speak_as_openssl, NULL), 0);
    TURN_UNTIL(&loop, server.in.len == 8);
    assert_heard(&server, "pingpong");
    return thread;
}

static void end_with_openssl(pthread_t thread)
{
    void *verdict;
    TURN_UNTIL(&loop, server.closes == 1);
    assert_int_equal(server.error, 0);
    pthread_join(thread, &verdict);
    assert_string_equal(verdict, "fine");
}

static void it_works_with_openssl_on_a_socket(void **state)
{
    (void)state;
    pthread_t thread = begin_with_openssl();
    owner_says(&server, "answer");
    mk_stream_close(server.stream);
    end_with_openssl(thread);
}

static void close_server(struct owner *owner)
{
    (void)owner;
    mk_stream_close(server.stream);
}

/* Both have sent when the owner of one closes the other: close_notify is sent nevertheless. */
static void a_stream_that_another_owner_closes_sends_close_notify(void **state)
{
    int other[2];
    (void)state;
    pthread_t thread = begin_with_openssl();
    tcp_pair(other, false);
    owner_adopt(&client, stream_on(&loop, other[0]));
    client.on_drained = close_server;
    owner_says(&client, "first");
    owner_says(&server, "answer");
    end_with_openssl(thread);
    close(other[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_send_and_receive),
        TEST(many_bytes_in_both_directions),
        TEST(a_source_is_sent_over_tls),
        TEST(the_end_waits_for_a_paused_owner),
        TEST(a_wrong_name_is_refused),
        TEST(invalid_records_are_refused),
        TEST(a_peer_that_disconnects_early_is_noticed),
        TEST(it_works_with_openssl_on_a_socket),
        TEST(a_stream_that_another_owner_closes_sends_close_notify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
