/*
 * load_socket: the connections of the load generator: a WebSocket client or a reader of
 * server-sent events that counts frames and believes the server, and a receiver of webhooks.
 */
#ifndef BENCH_LOAD_SOCKET_H
#define BENCH_LOAD_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_kind {
    LOAD_WEBSOCKET,
    LOAD_DEFLATE, /* a WebSocket with permessage-deflate */
    LOAD_SSE,
    LOAD_HOOK, /* a webhook, which the server connects to */
};

struct load_socket {
    int fd;
    enum load_kind kind;
    uint8_t header[10]; /* of a frame, as far as it has come */
    uint8_t header_len;
    uint8_t newlines; /* 1: what an SSE stream has said so far ends with a line */
    uint64_t left;    /* bytes of a payload that are still to come */
    uint64_t frames;
    uint64_t bytes;
    /* When the calls that are not answered yet should have been sent, in ns: a ring. */
    uint64_t due[32];
    uint32_t due_first;
    uint32_t due_count;
};

void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* As many descriptors as the machine lets us have. */
void load_raise_limit(void);

/*
 * A connection to 127.0.0.1, from the `index`th ten thousand of addresses; blocking. To close it is
 * to reset it, unless both sides have ended it.
 */
int load_dial(size_t index, int port);

/*
 * Connects to 127.0.0.1, from the `index`th ten thousand of addresses, and asks for what a socket
 * of this kind wants; the answer has not been read. `path` includes the query.
 */
void load_begin(struct load_socket *socket, enum load_kind kind, int port, const char *path,
                size_t index);

/*
 * Connects to 127.0.0.1, from the `index`th ten thousand of addresses, and shakes hands (blocking);
 * the socket is non-blocking afterwards. `path` includes the query.
 */
void load_connect(struct load_socket *socket, enum load_kind kind, int port, const char *path,
                  size_t index);

/*
 * The header of a frame, as far as its bytes are there: returns its length, and that of the payload
 * behind it; 0 where more bytes are needed.
 */
size_t load_frame_header(const char *data, size_t len, uint64_t *payload);

/* Sends `count` masked text frames of one message in one go. */
void load_send(struct load_socket *socket, const char *message, unsigned count);

/*
 * Reads what is there. Returns how many frames, events or requests it completed. A LOAD_HOOK that
 * has ended is closed and freed; all others must stay.
 */
unsigned load_receive(struct load_socket *socket);

/* Where webhooks come in: returns the listening socket. */
int load_listen(int port);

#endif
