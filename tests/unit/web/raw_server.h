/*
 * raw_server: a server of plain bytes on the loopback, with TLS where it has a context: for tests
 * of clients. It accepts one connection at a time, keeps its input, and sends what a test wants.
 */
#ifndef MK_TESTS_RAW_SERVER_H
#define MK_TESTS_RAW_SERVER_H

#include "net/listener.h"
#include "tls_testing.h"

#include <stdio.h>

struct raw_server {
    struct mk_loop *loop;
    struct mk_listener *listener;
    SSL_CTX *context; /* NULL: no TLS */
    struct owner peer;
    int accepted;
};

static inline void raw_server_accept(void *arg, struct mk_stream *stream)
{
    struct raw_server *server = arg;
    assert_null(server->peer.stream);
    owner_fini(&server->peer);
    owner_init(&server->peer);
    server->accepted++;
    if (server->context)
        serve_tls(stream, server->context);
    owner_adopt(&server->peer, stream);
}

static inline void raw_server_init(struct raw_server *server, struct mk_loop *loop)
{
    struct mk_address address;
    *server = (struct raw_server){ .loop = loop };
    owner_init(&server->peer);
    assert_null(mk_address_parse(MK_SLICE("127.0.0.1:0"), &address));
    assert_int_equal(mk_listener_open(loop, &address, raw_server_accept, server, &server->listener),
                     0);
}

static inline void raw_server_deaf(struct raw_server *server)
{
    server->listener = mk_listener_free(server->listener);
}

static inline void raw_server_fini(struct raw_server *server)
{
    raw_server_deaf(server);
    if (server->peer.stream)
        mk_stream_abort(server->peer.stream, 0);
    for (int i = 0; i < 3 && server->peer.stream; i++)
        turn(server->loop);
    owner_fini(&server->peer);
    SSL_CTX_free(server->context);
}

/* "SCHEME://127.0.0.1:PORT/PATH", in `url`. */
static inline const char *raw_server_url(const struct raw_server *server, const char *scheme,
                                         const char *path, char url[256])
{
    char text[MK_ADDRESS_TEXT];
    mk_address_format(mk_listener_address(server->listener), text);
    snprintf(url, 256, "%s://%s%s", scheme, text, path);
    return url;
}

/* Waits for the whole head of the connection's first request. Returns it, NUL-terminated. */
static inline const char *raw_server_request(struct raw_server *server)
{
    struct owner *peer = &server->peer;
    TURN_UNTIL(server->loop, peer->stream && peer->in.len > 0 &&
                                 memmem(peer->in.data, peer->in.len, "\r\n\r\n", 4));
    assert_int_equal(mk_buf_append_char(&peer->in, '\0'), 0);
    peer->in.len--;
    return peer->in.data;
}

/* Sends it in one piece, or each byte in a turn of its own, as long as the connection is open. */
static inline void raw_server_say(struct raw_server *server, const char *text, bool bytewise)
{
    size_t len = strlen(text);
    size_t step = bytewise ? 1 : len;
    for (size_t at = 0; at < len && server->peer.stream; at += step) {
        owner_write(&server->peer, text + at, step);
        turn(server->loop);
        turn(server->loop);
    }
}

/* With a FIN, or at once, with a reset where something is unread. */
static inline void raw_server_hang_up(struct raw_server *server)
{
    if (server->peer.stream)
        mk_stream_close(server->peer.stream);
}

#endif
