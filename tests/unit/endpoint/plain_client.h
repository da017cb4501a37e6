/*
 * plain_client: a blocking client of HTTP and WebSocket, for tests whose clients have threads of
 * their own. An error ends the program, because cmocka's asserts work in cmocka's thread alone.
 */
#ifndef MK_TESTS_PLAIN_CLIENT_H
#define MK_TESTS_PLAIN_CLIENT_H

#include "wire/websocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { MOST_TEXT = 64 * 1024 };

struct client {
    int fd;
    size_t len;
    char in[MOST_TEXT + 1];   /* the received bytes, NUL-terminated */
    char text[MOST_TEXT + 1]; /* the last response or message */
    struct mk_ws_parser parser;
    struct mk_random masks;
};

static inline void client_use(struct client *client, int fd)
{
    client->fd = fd;
    client->len = 0;
    client->in[0] = '\0';
    client->text[0] = '\0';
}

static inline void client_connect(struct client *client, const char *host, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    CHECK(inet_pton(AF_INET, host, &address.sin_addr) == 1);
    client_use(client, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static inline void client_put(struct client *client, const char *data, size_t len)
{
    CHECK(send(client->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* Waits for some bytes. False at the end. */
static inline bool client_hear(struct client *client)
{
    ssize_t got = recv(client->fd, client->in + client->len, MOST_TEXT - client->len, 0);
    CHECK(client->len < MOST_TEXT && (got >= 0 || errno == ECONNRESET));
    if (got <= 0)
        return false;
    client->len += (size_t)got;
    client->in[client->len] = '\0';
    return true;
}

static inline void client_drop(struct client *client, size_t len)
{
    client->len -= len;
    memmove(client->in, client->in + len, client->len + 1);
}

/* Reads a request or a response into `text`, with its body where it has a length. False at the end.
 */
static inline bool client_read_http(struct client *client)
{
    char *body, *length;
    while (!(body = strstr(client->in, "\r\n\r\n")))
        if (!client_hear(client))
            return false;
    length = strstr(client->in, "Content-Length: ");
    size_t whole = (size_t)(body + 4 - client->in);
    if (length && length < body)
        whole += strtoul(length + 16, NULL, 10);
    while (client->len < whole)
        if (!client_hear(client))
            return false;
    memcpy(client->text, client->in, whole);
    client->text[whole] = '\0';
    client_drop(client, whole);
    return true;
}

/* One request of `method`; the response is then in `text`. */
static inline void client_ask(struct client *client, const char *method, const char *path,
                              const char *json)
{
    char request[1024];
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, path, strlen(json), json);
    CHECK(len > 0 && (size_t)len < sizeof(request));
    client_put(client, request, (size_t)len);
    CHECK(client_read_http(client));
}

/* Upgrades to a WebSocket. */
static inline void client_upgrade(struct client *client)
{
    static const char handshake[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client_put(client, handshake, sizeof(handshake) - 1);
    CHECK(client_read_http(client));
    CHECK(strstr(client->text, "HTTP/1.1 101 "));
    mk_ws_parser_init(&client->parser, MK_WS_CLIENT, MOST_TEXT);
    client->masks = (struct mk_random){ 0 };
}

static inline void client_say(struct client *client, const char *text)
{
    struct mk_buf frame;
    mk_buf_init(&frame, MOST_TEXT);
    CHECK(mk_ws_write_frame(&frame, &client->masks, MK_WS_TEXT, mk_slice_str(text)) == 0);
    client_put(client, frame.data, frame.len);
    mk_buf_fini(&frame);
}

/* Waits for the next message, and puts it into `text`. */
static inline void client_next_message(struct client *client)
{
    int got;
    do {
        size_t taken;
        got = mk_ws_parser_feed(&client->parser, client->in, client->len, &taken);
        CHECK(got == MK_WS_MESSAGE || got == MK_WS_CONTROL || got == MK_WS_NEED_MORE);
        if (got == MK_WS_MESSAGE) {
            struct mk_slice message = client->parser.event.payload;
            memcpy(client->text, message.ptr, message.len);
            client->text[message.len] = '\0';
        }
        client_drop(client, taken);
        if (got == MK_WS_NEED_MORE)
            CHECK(client_hear(client));
    } while (got != MK_WS_MESSAGE);
}

/* Closes the socket, without a close frame. */
static inline void client_close(struct client *client, bool is_websocket)
{
    close(client->fd);
    if (is_websocket)
        mk_ws_parser_fini(&client->parser);
}

#endif
