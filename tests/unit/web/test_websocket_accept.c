/*
 * A WebSocket server on web/ alone, as a backend may have one: a port, the handshake, and an echo.
 * Its clients are our own, and plain bytes.
 */
#include "raw_server.h"
#include "web/http_port.h"
#include "web/websocket_accept.h"
#include "web/websocket_connection.h"
#include "web/websocket_dial.h"
#include "wire/deflate.h"

static struct mk_loop loop;
static struct mk_http_port port;
static struct mk_websocket_context server_sockets, client_sockets;
static struct mk_deflate codec;
static bool compresses;
static int accepted, closed_connections;

/* --- the server --- */

struct echo {
    struct mk_websocket *websocket;
};

static void on_echo_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct echo *echo = owner;
    mk_websocket_send(echo->websocket, opcode, payload);
}

static void on_echo_closed(void *owner, uint16_t code, const char *why)
{
    (void)code;
    (void)why;
    free(owner);
    accepted--;
}

static const struct mk_websocket_events echo_events = {
    .message = on_echo_message,
    .closed = on_echo_closed,
};

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    struct mk_websocket_refusal refusal;
    (void)arg;
    if (!mk_websocket_acceptable(request, &refusal))
        mk_http_respond(connection, refusal.status, MK_SLICE("text/plain"),
                        mk_slice_str(refusal.reason), refusal.extra);
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    (void)arg;
    struct mk_compression compression;
    struct mk_stream *stream =
        mk_websocket_accept(connection, request, compresses ? &codec : NULL, &compression);
    assert_non_null(stream);
    struct echo *echo = calloc(1, sizeof(*echo));
    echo->websocket = mk_websocket_new(&server_sockets, stream, &echo_events, echo);
    assert_non_null(echo->websocket);
    mk_websocket_set_compression(echo->websocket, &compression);
    accepted++;
}

static void on_failure(void *arg, struct mk_http_connection *connection, unsigned status,
                       const char *reason)
{
    (void)arg;
    mk_http_respond(connection, status, MK_SLICE("text/plain"), mk_slice_str(reason),
                    (struct mk_slice){ 0 });
}

static void on_connection_closed(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    (void)connection;
    closed_connections++;
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = on_failure,
    .closed = on_connection_closed,
};

static int setup(void **state)
{
    struct mk_address address;
    (void)state;
    alarm(PATIENCE_S);
    accepted = closed_connections = 0;
    compresses = false;
    mk_deflate_init(&codec, 16);
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
    assert_int_equal(mk_loop_init(&loop, NULL), 0);
    assert_int_equal(
        mk_websocket_context_init(&server_sockets, &loop, MK_WS_SERVER, 1024, 10000, 10000), 0);
    assert_int_equal(
        mk_websocket_context_init(&client_sockets, &loop, MK_WS_CLIENT, 1024, 10000, 10000), 0);
    assert_int_equal(mk_http_port_init(&port, &loop, &address, &service, NULL, NULL), 0);
    assert_int_equal(mk_http_port_listen(&port), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mk_http_port_abort(&port);
    TURN_UNTIL(&loop, mk_http_port_idle(&port) && accepted == 0);
    mk_http_port_fini(&port);
    mk_websocket_context_fini(&server_sockets);
    mk_websocket_context_fini(&client_sockets);
    mk_loop_fini(&loop);
    mk_deflate_fini(&codec);
    alarm(0);
    return 0;
}

/* --- our own client --- */

static struct mk_websocket *client;
static char heard[256];
static int client_closed;
static struct mk_dial_outcome outcome;

static void on_client_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    (void)owner;
    assert_int_equal(opcode, MK_WS_TEXT);
    snprintf(heard, sizeof(heard), "%.*s", (int)payload.len, payload.ptr);
}

static void on_client_closed(void *owner, uint16_t code, const char *why)
{
    (void)owner;
    (void)why;
    assert_int_equal(code, MK_WS_NORMAL);
    client_closed++;
}

static const struct mk_websocket_events client_events = {
    .message = on_client_message,
    .closed = on_client_closed,
};

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *how)
{
    (void)arg;
    outcome = *how;
    assert_non_null(stream);
    client = mk_websocket_new(&client_sockets, stream, &client_events, &client);
    assert_non_null(client);
    if (how->deflate)
        mk_websocket_set_deflate(client, &codec);
}

static void messages_are_echoed(void **state)
{
    static const char text[] =
        "a text that is long enough to be compressed, compressed, compressed";
    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        char where[256];
        struct mk_url url;
        snprintf(where, sizeof(where), "ws://%s/any", port.text);
        assert_null(mk_url_parse(mk_slice_str(where), &url));
        const struct mk_websocket_dial_options options = {
            .url = &url,
            .connect_ms = 5000,
            .handshake_ms = 5000,
            .offers_deflate = true,
        };
        compresses = compressed;
        client = NULL;
        client_closed = 0;
        heard[0] = '\0';
        assert_non_null(mk_websocket_dial_start(&loop, &options, on_dialled, NULL));
        TURN_UNTIL(&loop, client != NULL);
        assert_int_equal(outcome.deflate, compressed);
        assert_int_equal(accepted, 1);
        TURN_UNTIL(&loop,
                   closed_connections == compressed + 1); /* it is no HTTP connection any more */
        mk_websocket_send(client, MK_WS_TEXT, MK_SLICE("short"));
        TURN_UNTIL(&loop, strcmp(heard, "short") == 0);
        mk_websocket_send(client, MK_WS_TEXT, mk_slice_str(text));
        TURN_UNTIL(&loop, strcmp(heard, text) == 0);
        mk_websocket_close(client, MK_WS_NORMAL, MK_SLICE(""));
        TURN_UNTIL(&loop, client_closed == 1 && accepted == 0);
    }
}

/* --- byte by byte --- */

static int knock(void)
{
    struct mk_address address = *mk_http_port_address(&port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.socket, address.len), 0);
    return fd;
}

static void ask(int fd, const char *text, const char *answer)
{
    struct mk_buf got;
    mk_buf_init(&got, 1 << 16);
    for (size_t i = 0; i < strlen(text); i++) {
        assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
        turn(&loop);
    }
    while (got.len < strlen(answer)) {
        turn(&loop);
        assert_int_equal(read_some_of(fd, &got, 1024), 0);
    }
    assert_memory_equal(got.data, answer, strlen(answer));
    mk_buf_fini(&got);
}

#define UPGRADE "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void a_handshake_may_come_in_pieces(void **state)
{
    (void)state;
    int fd = knock();
    ask(fd, "GET / HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Version: 13\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n");
    /* "hi", masked with zeros; and its echo. */
    char echoed[5] = { '\x81', 2, 'h', 'i', 0 };
    ask(fd, "\x81\x82\x01\x01\x01\x01ih", echoed);
    close(fd);
    TURN_UNTIL(&loop, accepted == 0);
}

/* Bytes after the handshake in the same piece belong to the WebSocket. */
static void frames_may_come_with_the_handshake(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Version: 13\r\n\r\n"
                               "\x81\x82\x01\x01\x01\x01ih";
    struct mk_buf got;
    (void)state;
    int fd = knock();
    mk_buf_init(&got, 1 << 16);
    assert_int_equal(send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL), sizeof(text) - 1);
    while (got.len < 4 || memcmp(got.data + got.len - 4, "\x81\x02hi", 4) != 0) {
        turn(&loop);
        assert_int_equal(read_some_of(fd, &got, 1024), 0);
    }
    mk_buf_fini(&got);
    close(fd);
    TURN_UNTIL(&loop, accepted == 0);
}

static void other_requests_are_refused(void **state)
{
    (void)state;
    int fd = knock();
    ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    ask(fd, "GET / HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n",
        "HTTP/1.1 426 Upgrade Required\r\n");
    ask(fd,
        "GET / HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\n");
    assert_int_equal(accepted, 0);
    close(fd);
    TURN_UNTIL(&loop, closed_connections == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_are_echoed),
        TEST(a_handshake_may_come_in_pieces),
        TEST(frames_may_come_with_the_handshake),
        TEST(other_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
