/* soak_client: see the header. */
#include "soak_client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { READ = 256 * 1024, GROUP = 700000001, LONG_EVENT = 1500 };

struct clients clients = { .offset = NO_OFFSET };

static const char *const kind_names[CLIENT_KINDS] = { "a WebSocket of the draft",
                                                      "a WebSocket that decompresses",
                                                      "a WebSocket of 1.x",
                                                      "an event stream",
                                                      "a caller",
                                                      "the speaker",
                                                      "a ghost" };

static _Noreturn void fail(const struct client *client, const char *what, const char *text,
                           size_t len)
{
    load_fail("%s (%zu), last event %" PRIu64 " of %" PRIu64 ", %" PRIu64
              " ms in its state: %s: %.*s",
              kind_names[client->kind], client->index, client->last, clients.said,
              clients.now_ms - client->since_ms, what, (int)(len < 500 ? len : 500), text);
}

bool client_gets_events(const struct client *client)
{
    return client->kind <= CLIENT_SSE;
}

static bool is_draft(const struct client *client)
{
    return client->kind == CLIENT_DRAFT || client->kind == CLIENT_DEFLATE;
}

static bool is_counted(const struct client *client)
{
    return client->kind <= CLIENT_CALLER;
}

static void enter(struct client *client, enum client_state state)
{
    clients.open -= client->state == CLIENT_OPEN && is_counted(client);
    clients.open += state == CLIENT_OPEN && is_counted(client);
    client->state = state;
    client->since_ms = clients.now_ms;
}

static void note_delay(uint64_t since_ms)
{
    if (clients.now_ms - since_ms > clients.slowest_ms)
        clients.slowest_ms = clients.now_ms - since_ms;
}

/* --- coming and going --- */

static void begin_ghost(struct client *client)
{
    static const char *const halves[] = {
        "", "POST /get_lo", "POST /get_login_info HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le",
        "POST /get_login_info HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Content-Length: 900\r\n\r\n{\"a\":",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-"
    };
    const char *half = halves[client->index % (sizeof(halves) / sizeof(halves[0]))];
    client->socket = (struct load_socket){ .fd = load_dial(client->index, clients.http_port) };
    if (send(client->socket.fd, half, strlen(half), MSG_NOSIGNAL) != (ssize_t)strlen(half))
        load_fail("a ghost could not speak");
}

static void begin(struct client *client, bool resume)
{
    char path[64];
    bool draft = is_draft(client) || client->kind == CLIENT_SPEAKER;
    int port = client->kind == CLIENT_SPEAKER ? clients.speaker_port
               : draft                        ? clients.websocket_port
                                              : clients.http_port;
    int len = snprintf(path, sizeof(path), "%s", draft ? "/" : "/event");
    if (resume)
        snprintf(path + len, sizeof(path) - (size_t)len, "?since=%" PRIu64,
                 client->last + clients.offset);
    enum load_kind kind = client->kind == CLIENT_SSE       ? LOAD_SSE
                          : client->kind == CLIENT_DEFLATE ? LOAD_DEFLATE
                                                           : LOAD_WEBSOCKET;
    load_begin(&client->socket, kind, port, path, client->index);
}

void client_arrive(struct client *client, bool resume)
{
    resume = resume && client->last > 0 && clients.offset != NO_OFFSET;
    if (!resume)
        client->last = 0;
    if (client->kind == CLIENT_GHOST)
        begin_ghost(client);
    else if (client->kind == CLIENT_CALLER)
        client->socket = (struct load_socket){ .fd = load_dial(client->index, clients.http_port) };
    else
        begin(client, resume);
    fcntl(client->socket.fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    epoll_ctl(clients.epoll, EPOLL_CTL_ADD, client->socket.fd, &event);
    client->asked_ms = 0;
    client->calm_ms = clients.now_ms;
    clients.replays += resume;
    bool needs_no_answer = client->kind == CLIENT_CALLER || client->kind == CLIENT_GHOST;
    enter(client, needs_no_answer ? CLIENT_OPEN : CLIENT_SHAKING);
    clients.arrivals += needs_no_answer;
}

void client_drop(struct client *client)
{
    if (client->state == CLIENT_GONE)
        return;
    close(client->socket.fd);
    free(client->rest);
    client->rest = NULL;
    client->rest_len = 0;
    enter(client, CLIENT_GONE);
}

static void say(const struct client *client, const char *bytes, size_t len)
{
    if (send(client->socket.fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        load_fail("%s cannot say what it would", kind_names[client->kind]);
}

static void tear(const struct client *client)
{
    static const char frame[] = "\x81\xfe\x01\x00\x12\x34\x56\x78half of a message";
    static const char request[] = "POST /get_login_info HTTP/1.1\r\nHo";
    if (client->kind == CLIENT_CALLER)
        say(client, request, sizeof(request) - 1);
    else if (client->kind != CLIENT_SSE)
        say(client, frame, sizeof(frame) - 1);
}

void client_depart(struct client *client, enum client_departure how)
{
    static const char goodbye[] = "\x88\x82\0\0\0\0\x03\xe8";
    bool is_websocket = is_draft(client) || client->kind == CLIENT_BARE;
    if (client->state != CLIENT_OPEN)
        return;
    if (how == DEPART_CLOSE && !is_websocket)
        how = DEPART_END;
    clients.departures[how]++;
    if (how == DEPART_TORN)
        tear(client);
    if (how == DEPART_UNANSWERED)
        client_ask(client, 1);
    if (how <= DEPART_UNANSWERED) {
        client_drop(client);
        return;
    }
    if (how == DEPART_CLOSE)
        say(client, goodbye, sizeof(goodbye) - 1);
    else
        shutdown(client->socket.fd, SHUT_WR);
    enter(client, CLIENT_LEAVING);
}

/* --- calls --- */

/* Of ten calls, one has a long answer, and one writes. */
static const char *action_of(uint32_t echo)
{
    return echo % 10 == 3   ? "get_friend_list"
           : echo % 10 == 7 ? "send_private_message"
                            : "get_login_info";
}

static void params_of(uint32_t echo, char *params, size_t size)
{
    if (echo % 10 == 7)
        snprintf(
            params, size,
            "{\"user_id\":10003001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"%u\"}}]}",
            echo);
    else
        snprintf(params, size, "{}");
}

static void ask_http(struct client *client)
{
    char params[160], request[512];
    params_of(client->echo, params, sizeof(params));
    int len = snprintf(request, sizeof(request),
                       "POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       action_of(client->echo), strlen(params), params);
    say(client, request, (size_t)len);
}

static void ask_websocket(struct client *client)
{
    char params[160], message[512];
    params_of(client->echo, params, sizeof(params));
    snprintf(message, sizeof(message), "{\"action\":\"%s\",\"params\":%s,\"echo\":%u}",
             action_of(client->echo), params, client->echo);
    load_send(&client->socket, message, 1);
}

/* One in four is so long that it is compressed. */
static void speak(struct client *client, unsigned count)
{
    char message[256 + LONG_EVENT];
    for (; count > 0; count--) {
        clients.said++;
        snprintf(message, sizeof(message),
                 "{\"action\":\"send_group_message\",\"params\":{\"group_id\":%d,\"message\":[{"
                 "\"type\":\"text\",\"data\":{\"text\":\"soak %" PRIu64 ";%*s\"}}]}}",
                 GROUP, clients.said, clients.said % 4 == 0 ? LONG_EVENT : 0, "");
        load_send(&client->socket, message, 1);
    }
}

void client_ask(struct client *client, unsigned count)
{
    if (client->state != CLIENT_OPEN || client->asked_ms > 0)
        return;
    if (client->kind == CLIENT_SPEAKER) {
        speak(client, count);
        return;
    }
    if (client->kind != CLIENT_CALLER && !is_draft(client))
        return;
    client->echo++;
    client->asked_ms = clients.now_ms;
    if (client->kind == CLIENT_CALLER)
        ask_http(client);
    else
        ask_websocket(client);
}

/* --- what comes --- */

static uint64_t number_behind(const char *text, size_t len, const char *name)
{
    const char *at = memmem(text, len, name, strlen(name));
    uint64_t number = 0;
    for (at = at ? at + strlen(name) : text + len; at < text + len && *at >= '0' && *at <= '9';
         at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

/* Only clients that have resumed, and event streams, get the number of an event in the journal. */
static void check_number(struct client *client, const char *text, size_t len, uint64_t which)
{
    uint64_t number = number_behind(text, len, client->kind == CLIENT_SSE ? "id: " : "\"number\":");
    if (number == 0)
        return;
    if (clients.offset == NO_OFFSET)
        clients.offset = number - which;
    if (number != which + clients.offset)
        fail(client, "another number than it should have", text, len);
}

static void take_event(struct client *client, const char *text, size_t len)
{
    uint64_t which = number_behind(text, len, "soak ");
    if (which == 0 || which > clients.said)
        fail(client, "an unknown event", text, len);
    if (client->last > 0 ? which != client->last + 1 : which > client->said_before + 1)
        fail(client, "events are missing or out of order", text, len);
    check_number(client, text, len, which);
    client->last = which;
    clients.events++;
}

static void take_reply(struct client *client, const char *text, size_t len)
{
    if (!memmem(text, len, "\"status\":\"ok\"", 13))
        fail(client, "a call failed", text, len);
    clients.replies++;
    if (client->kind == CLIENT_SPEAKER) {
        clients.confirmed++;
        return;
    }
    bool is_its =
        client->kind == CLIENT_CALLER || number_behind(text, len, "\"echo\":") == client->echo;
    if (client->asked_ms == 0 || !is_its)
        fail(client, "a reply that it did not ask for", text, len);
    note_delay(client->asked_ms);
    client->asked_ms = 0;
    client->calm_ms = clients.now_ms;
}

static void take_message(struct client *client, const char *text, size_t len)
{
    if (is_draft(client) && memmem(text, len, "action_response", 15))
        take_reply(client, text, len);
    else if (client->kind == CLIENT_SPEAKER && memmem(text, len, "action_response", 15))
        take_reply(client, text, len);
    else if (client->kind != CLIENT_SPEAKER)
        take_event(client, text, len);
}

/* RFC 7692, 7.2.2; each message by itself, as was negotiated. */
static void take_compressed(struct client *client, const char *data, size_t len)
{
    static const char tail[] = "\0\0\xff\xff";
    static char text[READ];
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)data,
                        .avail_in = (uInt)len,
                        .next_out = (Bytef *)text,
                        .avail_out = sizeof(text) };
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        load_fail("out of memory");
    int rc = inflate(&stream, Z_SYNC_FLUSH);
    stream.next_in = (Bytef *)(uintptr_t)tail;
    stream.avail_in = sizeof(tail) - 1;
    if (rc == Z_OK)
        rc = inflate(&stream, Z_SYNC_FLUSH);
    inflateEnd(&stream);
    if (rc != Z_OK || stream.avail_in > 0)
        fail(client, "a message that cannot be decompressed", data, len);
    take_message(client, text, stream.total_out);
}

/* Each of these reads one message, and returns its length; 0 where it is incomplete. */

static size_t take_frame(struct client *client, const char *data, size_t len)
{
    static const char pong[] = "\x8a\x80\0\0\0\0";
    uint64_t payload;
    size_t header = load_frame_header(data, len, &payload);
    if (header == 0 || len - header < payload)
        return 0;
    unsigned char first = (unsigned char)data[0];
    if (first == 0x81)
        take_message(client, data + header, (size_t)payload);
    else if (first == 0xc1 && client->kind == CLIENT_DEFLATE)
        take_compressed(client, data + header, (size_t)payload);
    else if (first == 0x89 && payload == 0)
        say(client, pong, sizeof(pong) - 1);
    else
        fail(client, "a frame that it did not expect", data + header, (size_t)payload);
    return header + (size_t)payload;
}

static size_t take_block(struct client *client, const char *data, size_t len)
{
    const char *end = memmem(data, len, "\n\n", 2);
    if (!end)
        return 0;
    if (data[0] != ':') /* a comment, which keeps the connection alive */
        take_event(client, data, (size_t)(end - data));
    return (size_t)(end - data) + 2;
}

static size_t take_answer(struct client *client, const char *data, size_t len)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - data) + 4;
    size_t body = (size_t)number_behind(data, head, "Content-Length: ");
    if (memcmp(data, "HTTP/1.1 200", 12) != 0 || body == 0)
        fail(client, "an answer that it did not expect", data, len);
    if (len - head < body)
        return 0;
    take_reply(client, data + head, body);
    return head + body;
}

static size_t take_handshake(struct client *client, const char *data, size_t len)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    const char *status = client->kind == CLIENT_SSE ? "HTTP/1.1 200" : "HTTP/1.1 101";
    if (!end)
        return 0;
    if (memcmp(data, status, 12) != 0)
        fail(client, "it is refused", data, len);
    if (client->kind == CLIENT_DEFLATE && !memmem(data, len, "permessage-deflate", 18))
        fail(client, "it is not compressed", data, len);
    note_delay(client->since_ms);
    client->said_before = clients.said;
    enter(client, CLIENT_OPEN);
    clients.arrivals++;
    return (size_t)(end - data) + 4;
}

static size_t take_one(struct client *client, const char *data, size_t len)
{
    if (len == 0)
        return 0;
    if (client->state == CLIENT_LEAVING)
        return len;
    if (client->state == CLIENT_SHAKING)
        return take_handshake(client, data, len);
    if (client->kind == CLIENT_CALLER)
        return take_answer(client, data, len);
    return client->kind == CLIENT_SSE ? take_block(client, data, len)
                                      : take_frame(client, data, len);
}

static void keep_rest(struct client *client, const char *data, size_t len)
{
    char *kept = NULL;
    if (len > 0 && !(kept = malloc(len)))
        load_fail("out of memory");
    if (len > 0)
        memcpy(kept, data, len);
    free(client->rest);
    client->rest = kept;
    client->rest_len = len;
}

/* The server may close only a client that has ended its own side, or has sent half of a message. */
static void take_end(struct client *client)
{
    if (client->state != CLIENT_LEAVING && client->kind != CLIENT_GHOST)
        fail(client, "the server ended its connection", client->rest ? client->rest : "",
             client->rest_len);
    client_drop(client);
}

void client_receive(struct client *client)
{
    static char buffer[2 * READ];
    if (client->state == CLIENT_GONE)
        return; /* it was dropped in this very round */
    if (client->rest_len > READ)
        fail(client, "a message without end", client->rest, client->rest_len);
    if (client->rest_len > 0)
        memcpy(buffer, client->rest, client->rest_len);
    ssize_t got = recv(client->socket.fd, buffer + client->rest_len, READ, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        take_end(client);
        return;
    }
    size_t len = client->rest_len + (size_t)got;
    size_t at = 0;
    if (client->kind == CLIENT_GHOST)
        return; /* it ignores its input */
    for (size_t took; (took = take_one(client, buffer + at, len - at)) > 0;)
        at += took;
    if (at < len || client->rest)
        keep_rest(client, buffer + at, len - at);
}
