/*
 * floor: shared by the three floors: the least that a server on epoll can do, so that the cost of a
 * real one can be compared. They trust their client: one request or frame is short, its head is
 * well-formed, and the kernel accepts their output at once.
 *
 * Only for the benchmark. A floor stops when its standard input ends.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLOOR_EVENTS = 1024, FLOOR_DESCRIPTORS = 65536, FLOOR_BUFFER = 65536 };

/* The answer to the one key that bench/load.c sends (RFC 6455, 1.3). */
static const char floor_handshake[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static inline void floor_check(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static inline void floor_watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    floor_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static inline int floor_listen(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct rlimit limit;
    int on = 1;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    floor_check(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    floor_check(listen(fd, 1024) == 0, "listen");
    return fd;
}

/* For so long after input it looks for more before it sleeps, in µs; 0: it sleeps at once. */
static unsigned floor_busy_poll_us;

static inline uint64_t floor_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* As epoll_wait that waits, but for the looking. */
static inline int floor_wait(int epoll, struct epoll_event *events)
{
    uint64_t until = floor_busy_poll_us ? floor_now_us() + floor_busy_poll_us : 0;
    while (until) {
        int count = epoll_wait(epoll, events, FLOOR_EVENTS, 0);
        if (count != 0)
            return count;
        if (floor_now_us() >= until)
            until = 0;
    }
    return epoll_wait(epoll, events, FLOOR_EVENTS, -1);
}

/* Serves: `input` is called for each socket that can be read. It closes what has ended. */
static inline void floor_run(int port, void (*input)(int fd))
{
    static struct epoll_event events[FLOOR_EVENTS];
    int listener = floor_listen(port);
    int epoll = epoll_create1(0);
    floor_watch(epoll, listener);
    floor_watch(epoll, STDIN_FILENO);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int count = floor_wait(epoll, events);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO)
                exit(0);
            if (fd != listener) {
                input(fd);
                continue;
            }
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                floor_watch(epoll, fd);
        }
    }
}

/* Unmasks a client's frame in place. Returns its length, header and all, or 0: not yet whole. */
static inline size_t floor_frame(char *data, size_t len, char **payload, size_t *payload_len)
{
    uint8_t *head = (uint8_t *)data;
    if (len < 8)
        return 0;
    size_t size = head[1] & 0x7f;
    size_t at = 2;
    if (size == 126) {
        size = (size_t)head[2] << 8 | head[3];
        at = 4;
    }
    if (len < at + 4 + size)
        return 0;
    uint8_t *mask = head + at;
    char *text = data + at + 4;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(text[i] ^ mask[i & 3]);
    *payload = text;
    *payload_len = size;
    return at + 4 + size;
}

#endif
