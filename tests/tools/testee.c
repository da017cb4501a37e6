/*
 * testee: our HTTP and WebSocket code without Milky, for conformance suites of other people.
 *
 *   testee PORT                  a WebSocket on any path echoes each message with its opcode; GET
 * and HEAD answer 200 "OK", other methods 200 with the request's body; /echo answers the request's
 * header lines, /cookie its cookies testee --ws-client URL NAME  the client side of the Autobahn
 * test suite's fuzzing server
 *
 * PORT 0 takes a free one; "listening on ADDRESS" is printed when it is there.
 */
#include "net/connect.h"
#include "net/listener.h"
#include "transport/http_connection.h"
#include "transport/websocket_connection.h"
#include "wire/url.h"
#include "wire/ws_handshake.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MESSAGE_LIMIT = 64 * 1024 * 1024,
    IDLE_MS = 60 * 1000,
    PATIENCE_MS = 10 * 1000,
    CONNECT_MS = 10 * 1000,
    LONGEST_HEAD = 64 * 1024,
};

static struct mk_loop loop;
static struct mk_websocket_context websockets;

/* --- a WebSocket that echoes --- */

struct echo {
    struct mk_list node;
    struct mk_websocket *websocket;
};

static struct mk_list echoes;

static void on_echo_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct echo *echo = owner;
    mk_websocket_send(echo->websocket, opcode, payload);
}

static void on_echo_closed(void *owner, uint16_t code, const char *why)
{
    (void)code;
    (void)why;
    struct echo *echo = owner;
    mk_list_remove(&echo->node);
    free(echo);
}

static const struct mk_websocket_events echo_events = { on_echo_message, on_echo_closed };

static int open_echo(struct mk_stream *stream)
{
    struct echo *echo = malloc(sizeof(*echo));
    if (!echo)
        return -ENOMEM;
    echo->websocket = mk_websocket_new(&websockets, stream, &echo_events, echo);
    if (!echo->websocket) {
        free(echo);
        return -ENOMEM;
    }
    mk_list_push(&echoes, &echo->node);
    return 0;
}

static void serve_websocket(struct mk_http_connection *connection,
                            const struct mk_http1_request *request)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason;
    struct mk_stream *stream = mk_http_connection_stream(connection);
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    if (status != 101) {
        mk_http_respond(connection, status, MK_SLICE("text/plain"), mk_slice_str(reason),
                        MK_SLICE("Sec-WebSocket-Version: 13\r\n"));
        return;
    }
    int rc = mk_ws_handshake_accept(mk_stream_output(stream), accept);
    if (rc == 0)
        rc = open_echo(stream);
    if (rc < 0) {
        mk_stream_abort(stream, rc);
        return;
    }
    mk_stream_wake(stream);
    mk_http_connection_release(connection);
}

/* --- HTTP --- */

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    (void)arg;
    (void)connection;
    (void)request;
}

static void write_headers(struct mk_buf *body, const struct mk_http1_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        mk_buf_append_slice(body, request->headers[i].name);
        mk_buf_append_slice(body, MK_SLICE(": "));
        mk_buf_append_slice(body, request->headers[i].value);
        mk_buf_append_char(body, '\n');
    }
}

static void write_cookies(struct mk_buf *body, const struct mk_http1_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct mk_slice rest = request->headers[i].value, cookie;
        if (!mk_slice_eq_nocase(request->headers[i].name, MK_SLICE("Cookie")))
            continue;
        while (mk_slice_next(&rest, ';', &cookie)) {
            mk_buf_append_slice(body, cookie);
            mk_buf_append_char(body, '\n');
        }
    }
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    (void)arg;
    if (request->upgrade_websocket) {
        serve_websocket(connection, request);
        return;
    }
    struct mk_buf body;
    struct mk_slice method = request->method;
    mk_buf_init(&body, LONGEST_HEAD * 2);
    struct mk_slice answer = request->body;
    if (mk_slice_eq(request->path, MK_SLICE("/echo"))) {
        write_headers(&body, request);
        answer = mk_buf_slice(&body);
    } else if (mk_slice_eq(request->path, MK_SLICE("/cookie"))) {
        write_cookies(&body, request);
        answer = mk_buf_slice(&body);
    } else if (mk_slice_eq(method, MK_SLICE("GET")) || mk_slice_eq(method, MK_SLICE("HEAD"))) {
        answer = MK_SLICE("OK");
    }
    mk_http_respond(connection, 200, MK_SLICE("text/plain"), answer, (struct mk_slice){ 0 });
    mk_buf_fini(&body);
}

static void on_failure(void *arg, struct mk_http_connection *connection, unsigned status,
                       const char *reason)
{
    (void)arg;
    mk_http_respond(connection, status, MK_SLICE("text/plain"), mk_slice_str(reason),
                    (struct mk_slice){ 0 });
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = on_failure,
};

static void on_accepted(void *arg, struct mk_stream *stream)
{
    mk_http_connection_open(arg, stream);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    mk_loop_stop(signal->data);
}

static int serve(const char *port)
{
    struct mk_http_context connections;
    struct mk_listener *listener;
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
    uv_signal_t interrupt, terminate;
    mk_list_init(&echoes);
    snprintf(text, sizeof(text), "127.0.0.1:%s", port);
    const char *error = mk_address_parse(mk_slice_str(text), &address);
    if (error) {
        fprintf(stderr, "testee: %s: %s\n", text, error);
        return 2;
    }
    if (mk_http_context_init(&connections, &loop, &service, NULL) < 0 ||
        mk_websocket_context_init(&websockets, &loop, MK_WS_SERVER, MESSAGE_LIMIT, IDLE_MS,
                                  PATIENCE_MS) < 0)
        return 1;
    int rc = mk_listener_open(&loop, &address, on_accepted, &connections, &listener);
    if (rc < 0) {
        fprintf(stderr, "testee: %s: %s\n", text, strerror(-rc));
        return 1;
    }
    uv_signal_init(&loop.uv, &interrupt);
    uv_signal_init(&loop.uv, &terminate);
    interrupt.data = terminate.data = &loop;
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    printf("listening on %s\n", mk_address_format(mk_listener_address(listener), text));
    fflush(stdout);
    mk_loop_run(&loop);
    uv_close((uv_handle_t *)&interrupt, NULL);
    uv_close((uv_handle_t *)&terminate, NULL);
    mk_listener_free(listener);
    mk_http_context_abort(&connections);
    MK_LIST_FOR_EACH (node, &echoes)
        mk_websocket_abort(MK_CONTAINER_OF(node, struct echo, node)->websocket, 0);
    mk_loop_run(&loop); /* until all of them are gone */
    mk_http_context_fini(&connections);
    mk_websocket_context_fini(&websockets);
    mk_loop_fini(&loop);
    return 0;
}

/* --- the client of a fuzzing server --- */

static struct {
    struct mk_url url;
    const char *agent;
    char *host;
    unsigned next;  /* the case to run next; 0 while asking how many there are */
    unsigned count; /* how many there are */
    bool reporting;
    int status;
    char key[MK_WS_KEY_LEN];
    struct mk_buf head;
    struct mk_stream *stream;
    struct mk_websocket *websocket;
} suite;

static void go_on(void);

static void give_up(const char *why)
{
    fprintf(stderr, "testee: %s\n", why);
    suite.status = 1;
    mk_loop_stop(&loop);
}

static void on_case_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    (void)owner;
    if (suite.next == 0)
        suite.count = (unsigned)strtoul(payload.ptr, NULL, 10);
    else if (!suite.reporting)
        mk_websocket_send(suite.websocket, opcode, payload);
}

static void on_case_closed(void *owner, uint16_t code, const char *why)
{
    (void)owner;
    (void)code;
    (void)why;
    suite.websocket = NULL;
    if (suite.reporting) {
        mk_loop_stop(&loop);
        return;
    }
    if (suite.next == 0 && suite.count == 0) {
        give_up("the server did not say how many cases it has");
        return;
    }
    suite.next++;
    suite.reporting = suite.next > suite.count;
    go_on();
}

static const struct mk_websocket_events case_events = { on_case_message, on_case_closed };

static size_t on_head_read(void *owner, char *data, size_t len)
{
    (void)owner;
    struct mk_http1_response response;
    size_t before = suite.head.len;
    size_t consumed;
    if (mk_buf_append(&suite.head, data, len) < 0) {
        mk_stream_abort(suite.stream, -ENOBUFS);
        return len;
    }
    int status = mk_http1_read_response(mk_buf_slice(&suite.head), &response, &consumed);
    if (status == MK_HTTP1_NEED_MORE)
        return len;
    const char *error = status == MK_HTTP1_HEAD ? mk_ws_handshake_verify(&response, suite.key)
                                                : "the handshake was not answered with HTTP/1.1";
    if (!error)
        suite.websocket = mk_websocket_new(&websockets, suite.stream, &case_events, NULL);
    if (!suite.websocket) {
        fprintf(stderr, "testee: %s\n", error ? error : "out of memory");
        mk_stream_abort(suite.stream, -EPROTO);
        return len;
    }
    return consumed - before;
}

static void on_head_end(void *owner)
{
    (void)owner;
    mk_stream_abort(suite.stream, -ECONNRESET);
}

static void on_head_closed(void *owner, int error)
{
    (void)owner;
    give_up(strerror(-error));
}

static const struct mk_stream_events head_events = {
    .read = on_head_read,
    .end = on_head_end,
    .closed = on_head_closed,
};

static void on_connected(void *arg, struct mk_stream *stream, const char *error)
{
    (void)arg;
    char target[512], host[300];
    if (!stream) {
        give_up(error);
        return;
    }
    suite.stream = stream;
    mk_stream_adopt(stream, &head_events, NULL);
    mk_buf_reset(&suite.head, 0);
    if (suite.next == 0)
        snprintf(target, sizeof(target), "/getCaseCount");
    else if (suite.reporting)
        snprintf(target, sizeof(target), "/updateReports?agent=%s", suite.agent);
    else
        snprintf(target, sizeof(target), "/runCase?case=%u&agent=%s", suite.next, suite.agent);
    snprintf(host, sizeof(host), "%.*s:%u", (int)suite.url.authority_host.len,
             suite.url.authority_host.ptr, suite.url.port);
    mk_ws_handshake_key(suite.key);
    int rc = mk_ws_handshake_request(mk_stream_output(stream), mk_slice_str(target),
                                     mk_slice_str(host), suite.key, (struct mk_slice){ 0 });
    if (rc < 0)
        mk_stream_abort(stream, rc);
    else
        mk_stream_wake(stream);
}

static void go_on(void)
{
    struct mk_connect_options options = {
        .host = suite.host,
        .port = suite.url.port,
        .tls = suite.url.tls,
        .timeout_ms = CONNECT_MS,
    };
    if (!mk_connect_start(&loop, &options, on_connected, NULL))
        give_up("out of memory");
}

static int run_suite(const char *url, const char *agent)
{
    const char *error = mk_url_parse(mk_slice_str(url), &suite.url);
    if (error) {
        fprintf(stderr, "testee: %s: %s\n", url, error);
        return 2;
    }
    suite.agent = agent;
    suite.host = mk_slice_dup(suite.url.host);
    mk_buf_init(&suite.head, LONGEST_HEAD);
    if (!suite.host || mk_websocket_context_init(&websockets, &loop, MK_WS_CLIENT, MESSAGE_LIMIT,
                                                 IDLE_MS, PATIENCE_MS) < 0)
        return 1;
    go_on();
    mk_loop_run(&loop);
    if (suite.status == 0)
        printf("%u cases run\n", suite.count);
    mk_websocket_context_fini(&websockets);
    mk_buf_fini(&suite.head);
    free(suite.host);
    mk_loop_fini(&loop);
    return suite.status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    bool client = argc == 4 && strcmp(argv[1], "--ws-client") == 0;
    if (argc != 2 && !client) {
        fprintf(stderr, "usage: testee PORT\n       testee --ws-client URL NAME\n");
        return 2;
    }
    if (mk_loop_init(&loop) < 0)
        return 1;
    return client ? run_suite(argv[2], argv[3]) : serve(argv[1]);
}
