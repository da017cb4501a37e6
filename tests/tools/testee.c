/* clang-format off */
/*
 * testee: our HTTP and WebSocket code without Milky, for conformance suites.
 *
 *   testee PORT                  a WebSocket on any path echoes each message with its opcode;
 *                                GET and HEAD answer 200 "OK", other methods 200 with the
 *                                request's body; /echo answers the request's header lines,
 *                                /cookie its cookies
 *   testee --ws-client URL NAME  the client side of the Autobahn test suite's fuzzing server
 *
 * Both negotiate compression (permessage-deflate). PORT 0 takes a free port; "listening on ADDRESS"
 * is printed when the server is ready.
 */
/* clang-format on */
#include "net/listener.h"
#include "web/http_connection.h"
#include "web/websocket_connection.h"
#include "web/websocket_dial.h"
#include "wire/deflate.h"
#include "wire/ws_deflate.h"
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
    SHORTEST_COMPRESSED = 8, /* so that most messages of a suite are sent back compressed */
};

static struct mk_loop loop;
static struct mk_websocket_context websockets;
static struct mk_deflate deflate_state;

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

static void set_compression(struct mk_websocket *websocket, const struct mk_ws_deflate_terms *terms)
{
    struct mk_compression compression;
    if (terms->accepted && mk_compression_init(&compression, &deflate_state, terms->peer_bits))
        mk_websocket_set_compression(websocket, &compression);
}

static const struct mk_websocket_events echo_events = { .message = on_echo_message,
                                                        .closed = on_echo_closed };

static int open_echo(struct mk_stream *stream, const struct mk_ws_deflate_terms *terms)
{
    struct echo *echo = malloc(sizeof(*echo));
    if (!echo)
        return -ENOMEM;
    echo->websocket = mk_websocket_new(&websockets, stream, &echo_events, echo);
    if (!echo->websocket) {
        free(echo);
        return -ENOMEM;
    }
    set_compression(echo->websocket, terms);
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
                        MK_SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
        return;
    }
    char line[MK_WS_DEFLATE_LINE];
    struct mk_ws_deflate_terms terms =
        mk_ws_deflate_accept(request, mk_deflate_window_room(&deflate_state), line);
    int rc = mk_ws_handshake_accept(mk_stream_output(stream), accept, mk_slice_str(line));
    if (rc == 0)
        rc = open_echo(stream, &terms);
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
    uv_signal_init(loop.uv, &interrupt);
    uv_signal_init(loop.uv, &terminate);
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
    struct mk_url target; /* of the case at hand */
    char text[1024];
    unsigned next;  /* the case to run next; 0 while asking how many there are */
    unsigned count; /* how many there are */
    bool reporting;
    int status;
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

static const struct mk_websocket_events case_events = { .message = on_case_message,
                                                        .closed = on_case_closed };

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome)
{
    (void)arg;
    if (stream)
        suite.websocket = mk_websocket_new(&websockets, stream, &case_events, NULL);
    if (!suite.websocket) {
        if (stream)
            mk_stream_abort(stream, -ENOMEM);
        give_up(stream ? "out of memory" : outcome->failure.en);
        return;
    }
    if (outcome->deflate)
        mk_websocket_set_deflate(suite.websocket, &deflate_state);
}

static void go_on(void)
{
    char path[512];
    if (suite.next == 0)
        snprintf(path, sizeof(path), "/getCaseCount");
    else if (suite.reporting)
        snprintf(path, sizeof(path), "/updateReports?agent=%s", suite.agent);
    else
        snprintf(path, sizeof(path), "/runCase?case=%u&agent=%s", suite.next, suite.agent);
    snprintf(suite.text, sizeof(suite.text), "%s://%.*s:%u%s", suite.url.tls ? "wss" : "ws",
             (int)suite.url.authority_host.len, suite.url.authority_host.ptr, suite.url.port, path);
    const char *error = mk_url_parse(mk_slice_str(suite.text), &suite.target);
    const struct mk_websocket_dial_options options = {
        .url = &suite.target,
        .connect_ms = CONNECT_MS,
        .handshake_ms = CONNECT_MS,
        .offers_deflate = true,
    };
    if (error)
        give_up(error);
    else if (!mk_websocket_dial_start(&loop, &options, on_dialled, NULL))
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
    if (mk_websocket_context_init(&websockets, &loop, MK_WS_CLIENT, MESSAGE_LIMIT, IDLE_MS,
                                  PATIENCE_MS) < 0)
        return 1;
    go_on();
    mk_loop_run(&loop);
    if (suite.status == 0)
        printf("%u cases run\n", suite.count);
    mk_websocket_context_fini(&websockets);
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
    if (mk_loop_init(&loop, NULL) < 0)
        return 1;
    mk_deflate_init(&deflate_state, SHORTEST_COMPRESSED);
    int status = client ? run_suite(argv[2], argv[3]) : serve(argv[1]);
    mk_deflate_fini(&deflate_state);
    return status;
}
