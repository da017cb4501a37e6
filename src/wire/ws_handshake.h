/*
 * ws_handshake: the opening handshake of RFC 6455, section 4, for both roles. Pure functions over
 * parsed heads; the transport checks credentials, Origin and the path.
 *
 * Flow: wire/http1 -> mk_ws_handshake_check -> transport/websocket_server, which continues with
 * wire/websocket; a client works in the opposite order.
 */
#ifndef MK_WIRE_WS_HANDSHAKE_H
#define MK_WIRE_WS_HANDSHAKE_H

#include "base/buf.h"
#include "wire/ws_deflate.h"

enum { MK_WS_KEY_LEN = 24, MK_WS_ACCEPT_LEN = 28 };

/*
 * Checks the handshake of a request (4.2.1). Returns 101 with the value of Sec-WebSocket-Accept in
 * `accept` (not NUL-terminated), or the status to refuse it with and `*reason`, one English clause,
 * static: 426 (other version than 13; answer with "Sec-WebSocket-Version: 13"), 400 (not a
 * WebSocket handshake: `upgrade_websocket` is false; or a bad key), 500 (OpenSSL lacks SHA-1).
 */
unsigned mk_ws_handshake_check(const struct mk_http1_request *request,
                               char accept[MK_WS_ACCEPT_LEN], const char **reason);

/*
 * Appends the whole 101 response. `extra` is whole header lines with CRLF. Returns 0 or the error
 * of the buf, which is then unchanged.
 */
int mk_ws_handshake_accept(struct mk_buf *out, const char accept[MK_WS_ACCEPT_LEN],
                           struct mk_slice extra);

/* A fresh random key (base64, not NUL-terminated). */
void mk_ws_handshake_key(char key[MK_WS_KEY_LEN]);

/*
 * Appends a client's request for `target` ("/path?query") at `host` ("name:port" as in a URL, the
 * port left out where it is the scheme's own). `extra` is whole header lines with CRLF. The
 * arguments are written unchanged: they must hold no other CR or LF. Returns 0 or the error of the
 * buf, which is then unchanged.
 */
int mk_ws_handshake_request(struct mk_buf *out, struct mk_slice target, struct mk_slice host,
                            const char key[MK_WS_KEY_LEN], struct mk_slice extra);

/* The part of a server's answer that is wrong. */
enum mk_ws_wrong {
    MK_WS_FINE,
    MK_WS_WRONG_ANSWER, /* it is no handshake of RFC 6455 */
    MK_WS_WRONG_PROTOCOL,
    MK_WS_WRONG_EXTENSION,
};

struct mk_ws_answer {
    struct mk_ws_deflate_answer deflate;
    /* --- where it is refused --- */
    enum mk_ws_wrong wrong;
    const struct mk_phrase *why; /* one clause, static */
    struct mk_slice seen;        /* the wrong value, borrowed; ptr is NULL where there is none */
};

/*
 * Checks a server's answer to that key: 101, Upgrade, Connection, Sec-WebSocket-Accept, and neither
 * a subprotocol nor an extension that was not offered (4.1). `deflate`: permessage-deflate was
 * offered. Returns whether it is valid.
 */
bool mk_ws_handshake_verify(const struct mk_http1_response *response, const char key[MK_WS_KEY_LEN],
                            bool deflate, struct mk_ws_answer *answer);

#endif
