/* load_socket: see the header. */
#include "load_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, LONGEST_HEAD = 4096, PER_ADDRESS = 10000 };

static char buffer[BUFFER];

void load_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

void load_raise_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int load_dial(size_t index, int port)
{
    struct sockaddr_in own = { .sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + 1 + (uint32_t)(index / PER_ADDRESS)) };
    struct sockaddr_in peer = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct linger reset = { .l_onoff = 1 }; /* no port stays behind in TIME_WAIT */
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
        connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
        load_fail("cannot connect to port %d (connection %zu)", port, index);
    return fd;
}

/* Reads to the empty line byte by byte: what follows it is an event already. */
static void read_head(int fd, const char *status, const char *needed)
{
    char head[LONGEST_HEAD] = "";
    size_t len = 0;
    errno = 0;
    while (len < sizeof(head) - 1 && (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0))
        if (recv(fd, head + len++, 1, 0) != 1)
            load_fail("the server went away: %s", head);
    if (strncmp(head + 9, status, 3) != 0 || !strstr(head, needed))
        load_fail("the server refuses: %s", head);
}

#define UPGRADE                                                                                    \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static const struct {
    const char *headers, *status, *needed;
} handshakes[] = {
    [LOAD_WEBSOCKET] = { UPGRADE, "101", "" },
    [LOAD_DEFLATE] = { UPGRADE "Sec-WebSocket-Extensions: permessage-deflate; "
                               "server_no_context_takeover; client_no_context_takeover\r\n",
                       "101", "permessage-deflate" },
    [LOAD_SSE] = { "Accept: text/event-stream\r\n", "200", "" },
};

void load_begin(struct load_socket *socket, enum load_kind kind, int port, const char *path,
                size_t index)
{
    char request[LONGEST_HEAD];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n",
                       path, port, handshakes[kind].headers);
    *socket = (struct load_socket){ .fd = load_dial(index, port), .kind = kind };
    if (send(socket->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        load_fail("cannot send a request");
}

void load_connect(struct load_socket *socket, enum load_kind kind, int port, const char *path,
                  size_t index)
{
    load_begin(socket, kind, port, path, index);
    read_head(socket->fd, handshakes[kind].status, handshakes[kind].needed);
    fcntl(socket->fd, F_SETFL, O_NONBLOCK);
}

void load_send(struct load_socket *socket, const char *message, unsigned count)
{
    static const uint8_t mask[4] = { 0x12, 0x34, 0x56, 0x78 };
    size_t len = strlen(message);
    size_t at = 0;
    if ((len + 8) * count > sizeof(buffer))
        load_fail("the messages are too long");
    for (unsigned i = 0; i < count; i++) {
        buffer[at++] = (char)0x81;
        buffer[at++] = (char)(0x80 | (len < 126 ? len : 126));
        if (len >= 126) {
            buffer[at++] = (char)(len >> 8);
            buffer[at++] = (char)len;
        }
        memcpy(buffer + at, mask, 4);
        at += 4;
        for (size_t k = 0; k < len; k++)
            buffer[at + k] = (char)(message[k] ^ mask[k & 3]);
        at += len;
    }
    errno = 0;
    if (send(socket->fd, buffer, at, MSG_NOSIGNAL) != (ssize_t)at)
        load_fail("the server does not take what it is sent");
}

/* --- counting --- */

size_t load_frame_header(const char *data, size_t len, uint64_t *payload)
{
    const uint8_t *header = (const uint8_t *)data;
    if (len < 2)
        return 0;
    size_t size = header[1] == 127 ? 10 : header[1] == 126 ? 4 : 2;
    if (len < size)
        return 0;
    *payload = size == 2 ? header[1] : 0;
    for (size_t i = 2; i < size; i++)
        *payload = *payload << 8 | header[i];
    return size;
}

/* A header is complete. Returns how many messages are complete with it. */
static unsigned begin_frame(struct load_socket *socket)
{
    static const char pong[] = "\x8a\x80\0\0\0\0";
    bool deflate = socket->kind == LOAD_DEFLATE;
    bool text = socket->header[0] == 0x81 || (deflate && socket->header[0] == 0xc1);
    socket->header_len = 0;
    if (text)
        return socket->left == 0;
    if (socket->header[0] != 0x89 || socket->left > 0)
        load_fail("an unexpected frame: %02x", socket->header[0]);
    if (send(socket->fd, pong, sizeof(pong) - 1, MSG_NOSIGNAL) < 0)
        load_fail("no pong");
    return 0;
}

static unsigned count_frames(struct load_socket *socket, const char *data, size_t len)
{
    unsigned count = 0;
    size_t at = 0;
    while (at < len) {
        if (socket->left > 0) {
            size_t part = socket->left < len - at ? (size_t)socket->left : len - at;
            socket->left -= part;
            at += part;
            count += socket->left == 0;
            continue;
        }
        socket->header[socket->header_len++] = (uint8_t)data[at++];
        if (load_frame_header((char *)socket->header, socket->header_len, &socket->left) > 0)
            count += begin_frame(socket);
    }
    return count;
}

/* An event begins a line with "data:"; the comments in between do not. */
static unsigned count_events(struct load_socket *socket, const char *data, size_t len)
{
    unsigned count = socket->newlines > 0 && data[0] == 'd';
    socket->newlines = 0;
    for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))); at++) {
        size_t next = (size_t)(at - data) + 1;
        if (next < len && data[next] == 'd')
            count++;
        socket->newlines = next == len;
    }
    return count;
}

static void answer_hooks(struct load_socket *socket, unsigned count)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    while (count-- > 0)
        if (send(socket->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
            load_fail("a webhook went away");
}

/* Requests are counted by their length; a head never comes in pieces here. */
static unsigned count_requests(struct load_socket *socket, const char *data, size_t len)
{
    unsigned count = 0;
    for (size_t at = 0; at < len;) {
        if (socket->left == 0) {
            const char *end = memmem(data + at, len - at, "\r\n\r\n", 4);
            const char *length = memmem(data + at, len - at, "\r\nContent-Length: ", 18);
            if (!length)
                length = memmem(data + at, len - at, "\r\ncontent-length: ", 18);
            if (!end || !length)
                load_fail("a webhook that cannot be read");
            socket->left = strtoul(length + 18, NULL, 10);
            at = (size_t)(end - data) + 4;
        }
        size_t part = socket->left < len - at ? (size_t)socket->left : len - at;
        socket->left -= part;
        at += part;
        count += socket->left == 0;
    }
    answer_hooks(socket, count);
    return count;
}

unsigned load_receive(struct load_socket *socket)
{
    errno = 0;
    ssize_t got = recv(socket->fd, buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0 && socket->kind == LOAD_HOOK) {
        close(socket->fd); /* a client of ours may end when it likes */
        free(socket);
        return 0;
    }
    if (got <= 0)
        load_fail("the server closed a connection");
    unsigned count = 0;
    if (socket->kind == LOAD_WEBSOCKET || socket->kind == LOAD_DEFLATE)
        count = count_frames(socket, buffer, (size_t)got);
    else if (socket->kind == LOAD_SSE)
        count = count_events(socket, buffer, (size_t)got);
    else
        count = count_requests(socket, buffer, (size_t)got);
    socket->bytes += (uint64_t)got;
    socket->frames += count;
    return count;
}

int load_listen(int port)
{
    struct sockaddr_in own = { .sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 || listen(fd, 1024) < 0)
        load_fail("cannot listen on port %d", port);
    return fd;
}
