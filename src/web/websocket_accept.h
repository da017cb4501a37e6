/*
 * websocket_accept: the server's side of a WebSocket's opening handshake (RFC 6455, 4.2): turns the
 * connection of an HTTP request into a stream of frames. The caller decides which requests are
 * accepted, and uses the stream.
 */
#ifndef MK_WEB_WEBSOCKET_ACCEPT_H
#define MK_WEB_WEBSOCKET_ACCEPT_H

#include "web/http_connection.h"
#include "wire/deflate.h"

/* Why a handshake is refused. */
struct mk_websocket_refusal {
    unsigned status;       /* 400, 426 or 500 */
    const char *reason;    /* one English clause, static */
    struct mk_slice extra; /* header lines of the answer */
};

/* At the head of a request: returns whether it is a handshake that can be accepted. */
bool mk_websocket_acceptable(const struct mk_http1_request *request,
                             struct mk_websocket_refusal *refusal);

/*
 * At the whole request, in the service's `request`: answers 101, and takes the stream from the
 * connection, which is released. Accepts permessage-deflate if the client offers it and `codec` is
 * not NULL and has room for the client's window; `*compression` says what was agreed upon, and is
 * for mk_websocket_set_compression.
 *
 * Returns the stream, which must be adopted (mk_websocket_new) or aborted at once; or NULL when out
 * of memory or if the request is not acceptable: then the connection has ended.
 */
struct mk_stream *mk_websocket_accept(struct mk_http_connection *connection,
                                      const struct mk_http1_request *request,
                                      struct mk_deflate *codec, struct mk_compression *compression);

#endif
