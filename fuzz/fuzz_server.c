/*
 * fuzz_server: any bytes from a client of a server: HTTP calls in both dialects, WebSockets, the
 * event stream, resources, the control address. The answers must not depend on the splits; they are
 * HTTP with JSON in it, and after an upgrade frames with JSON in them; and in the end the
 * connection is closed.
 *
 * The first byte: bit 0 the control address, bit 1 a token is asked for ("t"), the others seed the
 * pieces. The rest is what the client sends.
 */
#include "base/json.h"
#include "fuzz.h"
#include "protocol/call.h"
#include "transport/control.h"
#include "transport/resource.h"
#include "transport/server.h"
#include "transport/websocket_session.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { QUIET = 3, MOST_TURNS = 4000, FILE_SIZE = 300, MOST_PIECE = 40 };

static struct mk_loop loop;
static struct mk_hub hub;
static struct mk_deflate codec;
static struct mk_dispatch dispatch, operators;
static struct mk_transport *servers[2]; /* without and with a token */
static struct mk_control *controls[2];  /* likewise */
static char folder[] = "/tmp/milky-fuzz-XXXXXX";
static int resource_fd = -1;

/* --- the server's side --- */

static void on_call(struct mk_call_target *target, struct mk_call *call)
{
    (void)target;
    yyjson_mut_val *data = yyjson_mut_obj(call->doc);
    yyjson_mut_obj_add_val(call->doc, data, "asked", call->params);
    mk_call_ok(call, data);
}

static void on_resource(struct mk_resource_source *source, const char *token,
                        struct mk_resource_request *request)
{
    static char bytes[FILE_SIZE];
    (void)source;
    bool is_file = strcmp(token, "x") == 0, is_bytes = strcmp(token, "y") == 0;
    struct mk_resource_answer answer = {
        .kind = is_file    ? MK_RESOURCE_FD
                : is_bytes ? MK_RESOURCE_BYTES
                           : MK_RESOURCE_FAIL,
        .fd = is_file ? dup(resource_fd) : -1,
        .status = 404,
        .text = "image/png",
        .bytes = mk_slice_of(bytes, sizeof(bytes)),
    };
    check((answer.fd >= 0) == is_file, "no file");
    check(request->answered(request, &answer) == 0, "a wrong answer");
    if (answer.fd >= 0)
        close(answer.fd);
}

static struct mk_call_target target = { .call = on_call, .control = on_call };
static struct mk_resource_source files = { .offers = true,
                                           .patience_ms = 1000,
                                           .ask = on_resource };

/* One target under two names. */
static struct mk_dispatch *find_target(void *arg, size_t index, const char **name)
{
    (void)arg;
    *name = index == 0 ? "sandbox" : "endpoint";
    return index < 2 ? &operators : NULL;
}

static void remove_folder(void)
{
    char path[64];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%zu", folder, i);
        unlink(path);
    }
    rmdir(folder);
}

static struct mk_address address_of(size_t number)
{
    struct mk_address address;
    char text[64];
    snprintf(text, sizeof(text), "unix:%s/%zu", folder, number);
    check(mk_address_parse(mk_slice_str(text), &address) == NULL, "address");
    return address;
}

static void open_file(void)
{
    char path[64], content[FILE_SIZE];
    memset(content, 'x', sizeof(content));
    snprintf(path, sizeof(path), "%s/file", folder);
    resource_fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    check(resource_fd >= 0 && write(resource_fd, content, sizeof(content)) == FILE_SIZE, "file");
    unlink(path);
}

/* An http_server of the draft and a websocket_server of 1.2 on one address. */
static struct mk_transport *make_server(struct mk_guard *guard, const char *listen,
                                        const char *token)
{
    static const struct mk_session_limits limits = {
        .message_bytes = 64 * 1024 * 1024,
        .calls_in_flight = 256,
        .lag_bytes = 16 * 1024 * 1024,
    };
    const struct mk_transport_context context = { .loop = &loop,
                                                  .guard = guard,
                                                  .limits = &limits,
                                                  .dispatch = &dispatch,
                                                  .hub = &hub,
                                                  .files = &files };
    const struct milky_server entries[2] = {
        { .size = sizeof(entries[0]),
          .listen = listen,
          .access_token = token,
          .dialect = MILKY_DIALECT_DRAFT },
        { .size = sizeof(entries[0]),
          .listen = listen,
          .access_token = token,
          .dialect = MILKY_DIALECT_1_2 },
    };
    const struct milky_bot bot = { .size = sizeof(bot),
                                   .self_id = 10001000,
                                   .http_server = &entries[0],
                                   .http_server_count = 1,
                                   .websocket_server = &entries[1],
                                   .websocket_server_count = 1 };
    struct mk_list made;
    mk_list_init(&made);
    check(mk_server_class.add(&context, &bot, &made) == 0 && made.next == made.prev, "no server");
    struct mk_transport *server = mk_transport_of(made.next);
    mk_list_remove(&server->node);
    check(mk_transport_start(server) == 0, "it does not listen");
    return server;
}

static void prepare(void)
{
    static const char *const tokens[] = { "", "t" };
    check(mkdtemp(folder) && mk_loop_init(&loop, NULL) == 0, "no folder or loop");
    atexit(remove_folder);
    open_file();
    mk_hub_init(&hub, 10001000, NULL);
    mk_deflate_init(&codec, 64);
    hub.deflate = &codec;
    mk_dispatch_init(&dispatch, &target, 10001000);
    mk_dispatch_init(&operators, &target, 0);
    const struct mk_web_limits limits = {
        .connections = 16384,
        .connections_per_address = 1024,
        .tls_handshakes = 1024,
        .failed_credentials = 100,
        .header_bytes = 32 * 1024,
        .body_bytes = 16 * 1024 * 1024,
        .header_ms = 15 * 1000,
        .body_ms = 30 * 1000,
        .idle_ms = 75 * 1000,
    };
    struct mk_guard *guard = mk_guard_new(&loop, &limits);
    check(guard != NULL, "no guard");
    for (size_t i = 0; i < 2; i++) {
        struct mk_address address = address_of(i), other = address_of(2 + i);
        char listen[MK_ADDRESS_TEXT];
        servers[i] = make_server(guard, mk_address_format(&address, listen), tokens[i]);
        const struct mk_control_targets targets = { find_target, NULL };
        const struct mk_access access = { .token = mk_slice_str(tokens[i]) };
        check(mk_control_open(&loop, &other, &access, guard, &targets, &controls[i]) == 0,
              "no control address");
    }
}

/* --- the client's side --- */

struct client {
    int fd;
    struct mk_buf got;
    bool ended;
};

/* Turns the loop and reads, until nothing happens any more. */
static void turn(struct client *client)
{
    char data[16384];
    for (int quiet = 0, turns = 0; quiet < QUIET; quiet++) {
        check(turns++ < MOST_TURNS, "it does not come to rest");
        uv_run(loop.uv, UV_RUN_NOWAIT);
        ssize_t got = client->ended ? -1 : recv(client->fd, data, sizeof(data), MSG_DONTWAIT);
        client->ended = client->ended || got == 0 || (got < 0 && errno != EAGAIN);
        if (got > 0) {
            check(mk_buf_append(&client->got, data, (size_t)got) == 0, "memory");
            quiet = 0;
        }
    }
}

static void say(struct client *client, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            break; /* the server has closed it */
        if (sent > 0) {
            data += sent;
            len -= (size_t)sent;
        }
        turn(client);
    }
}

/* The server's answer to all of it, in pieces of up to `most` bytes (0: whole). */
static struct mk_buf talk(uint8_t options, struct mk_slice input, uint32_t most)
{
    struct client client = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct mk_address address = address_of((options & 1u) * 2 + (options >> 1 & 1u));
    uint32_t seed = options;
    mk_buf_init(&client.got, SIZE_MAX / 2);
    check(connect(client.fd, (const struct sockaddr *)&address.socket, address.len) == 0,
          "cannot connect");
    turn(&client);
    while (input.len > 0) {
        size_t len = most > 0 ? 1 + next_random(&seed) % most : input.len;
        len = len < input.len ? len : input.len;
        say(&client, input.ptr, len);
        input = mk_slice_from(input, len);
    }
    shutdown(client.fd, SHUT_WR);
    turn(&client);
    close(client.fd);
    client.ended = true;
    struct mk_transport *server = servers[options >> 1 & 1];
    server->class->drop(server);
    turn(&client);
    struct mk_transport_stats stats[MK_TRANSPORT_ROWS];
    check(server->class->report(server, stats) == MK_TRANSPORT_ROWS, "it serves something else");
    for (size_t i = 0; i < MK_TRANSPORT_ROWS; i++)
        check(stats[i].connections == 0, "it is still there");
    return client.got;
}

/* --- the answers --- */

/* Leaves out parts that may differ: interim responses, and the time of day. */
static void normalise(struct mk_buf *got)
{
    static const struct mk_slice interim = { "HTTP/1.1 100 Continue\r\n\r\n", 25 };
    static const struct mk_slice date = { "\r\nDate: ", 8 };
    char *at;
    while (got->len > 0 && (at = memmem(got->data, got->len, interim.ptr, interim.len))) {
        size_t from = (size_t)(at - got->data);
        memmove(at, at + interim.len, got->len - from - interim.len);
        got->len -= interim.len;
    }
    for (size_t i = 0; i + date.len + 29 <= got->len; i++)
        if (memcmp(got->data + i, date.ptr, date.len) == 0)
            memset(got->data + i + date.len, 'D', 29);
}

static void check_json(struct mk_slice text)
{
    yyjson_doc *doc = mk_json_read(text, NULL, NULL);
    check(yyjson_is_obj(yyjson_doc_get_root(doc)), "an answer that is no JSON");
    yyjson_doc_free(doc);
}

static void check_frames(struct mk_slice rest)
{
    struct mk_ws_parser parser;
    char *copy = copy_of(rest.ptr, rest.len);
    mk_ws_parser_init(&parser, MK_WS_CLIENT, SIZE_MAX);
    mk_ws_parser_set_deflate(&parser, &codec);
    int status = MK_WS_MESSAGE;
    for (size_t at = 0, used; status == MK_WS_MESSAGE || status == MK_WS_CONTROL; at += used) {
        status = mk_ws_parser_feed(&parser, copy + at, rest.len - at, &used);
        check(status == MK_WS_MESSAGE || status == MK_WS_CONTROL || status == MK_WS_NEED_MORE,
              "a broken frame");
        if (status == MK_WS_MESSAGE)
            check_json(parser.event.payload);
    }
    mk_ws_parser_fini(&parser);
    free(copy);
}

/* The bytes of the body; the rest of the answer where no length is given. */
static size_t length_of(const struct mk_http1_response *response, struct mk_slice rest)
{
    struct mk_slice text = mk_http1_response_find(response, MK_SLICE("Content-Length"));
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        len = len * 10 + (size_t)(text.ptr[i] - '0');
    if (mk_slice_starts_with(rest, MK_SLICE("HTTP/1.1 ")))
        return 0; /* to HEAD: only the length of the body for GET */
    return text.ptr && len < rest.len ? len : rest.len;
}

static void check_answers(struct mk_slice rest)
{
    while (rest.len > 0) {
        struct mk_http1_response response;
        size_t head;
        check(mk_http1_read_response(rest, &response, &head) == MK_HTTP1_HEAD, "no HTTP");
        rest = mk_slice_from(rest, head);
        if (response.status == 101) {
            check_frames(rest);
            return;
        }
        size_t len = length_of(&response, rest);
        struct mk_slice type = mk_http1_response_find(&response, MK_SLICE("Content-Type"));
        if (mk_slice_eq(type, MK_SLICE("application/json")) && len > 0)
            check_json(mk_slice_of(rest.ptr, len));
        rest = mk_slice_from(rest, len);
    }
}

/* For a client that waits for "100 Continue" it matters whether its body has come: one that is
 * refused will not send it, and the connection ends. */
static bool may_wait(struct mk_slice input)
{
    static const struct mk_slice word = { "continue", 8 };
    for (size_t i = 0; i + word.len <= input.len; i++)
        if (mk_slice_eq_nocase(mk_slice_of(input.ptr + i, word.len), word))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    uint8_t options = take_byte(&input);
    if (!servers[0])
        prepare();
    struct mk_buf whole = talk(options, input, 0);
    struct mk_buf split = talk(options, input, MOST_PIECE);
    normalise(&whole);
    normalise(&split);
    check(may_wait(input) || mk_slice_eq(mk_buf_slice(&whole), mk_buf_slice(&split)),
          "pieces are answered otherwise");
    check_answers(mk_buf_slice(&whole));
    mk_buf_fini(&whole);
    mk_buf_fini(&split);
    return 0;
}
