/*
 * websocket_accept: the server's side of a WebSocket's opening handshake (RFC 6455, 4.2): from an
 * HTTP request to a stream on which frames are spoken. Which requests may become one, and what goes
 * over it then, is the caller's.
 */
#ifndef MK_WEB_WEBSOCKET_ACCEPT_H
#define MK_WEB_WEBSOCKET_ACCEPT_H

#include "web/http_connection.h"

/* Why a handshake is refused. */
struct mk_websocket_refusal {
    unsigned status;       /* 400, 426 or 500 */
    const char *reason;    /* one English clause, static */
    struct mk_slice extra; /* header lines that go with the answer */
};

/* At the head of a request: returns whether it is a handshake that can be accepted. */
bool mk_websocket_acceptable(const struct mk_http1_request *request,
                             struct mk_websocket_refusal *refusal);

/*
 * At the whole request, in the service's `request`: answers 101, and takes the stream away from the
 * connection, which is released. permessage-deflate is agreed to where the client offers it and
 * `may_compress`; then `*compressed` is set (mk_websocket_set_deflate).
 *
 * Returns the stream, which is to be adopted (mk_websocket_new) or aborted at once; or NULL where
 * out of memory or the request is not acceptable: then the connection has been ended.
 */
struct mk_stream *mk_websocket_accept(struct mk_http_connection *connection,
                                      const struct mk_http1_request *request, bool may_compress,
                                      bool *compressed);

#endif
