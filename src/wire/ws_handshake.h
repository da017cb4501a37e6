/*
 * ws_handshake: the opening handshake of RFC 6455, section 4, for both roles. Pure functions over
 * parsed heads.
 */
#ifndef MK_WIRE_WS_HANDSHAKE_H
#define MK_WIRE_WS_HANDSHAKE_H

#include "base/buf.h"
#include "wire/http1.h"

enum { MK_WS_KEY_LEN = 24, MK_WS_ACCEPT_LEN = 28 };

/*
 * Checks the handshake of a request whose `upgrade_websocket` is true. Returns 101 with the value
 * of Sec-WebSocket-Accept in `accept` (not NUL-terminated), or the status to refuse it with: 426
 * (other version than 13; answer with "Sec-WebSocket-Version: 13") or 400, and `*reason`.
 */
unsigned mk_ws_handshake_check(const struct mk_http1_request *request,
                               char accept[MK_WS_ACCEPT_LEN], const char **reason);

/* Appends the 101 response. */
int mk_ws_handshake_accept(struct mk_buf *out, const char accept[MK_WS_ACCEPT_LEN]);

/* A fresh random key (base64, not NUL-terminated). */
void mk_ws_handshake_key(char key[MK_WS_KEY_LEN]);

/*
 * Appends a client's request for `target` ("/path?query") at `host` ("name:port" as in a URL, the
 * port left out where it is the scheme's own). `extra` is whole header lines with CRLF.
 */
int mk_ws_handshake_request(struct mk_buf *out, struct mk_slice target, struct mk_slice host,
                            const char key[MK_WS_KEY_LEN], struct mk_slice extra);

/*
 * Checks a server's answer to that key: 101, Upgrade, Connection, Sec-WebSocket-Accept, and neither
 * an extension nor a subprotocol, since none was asked for. Returns NULL when it is right, else what
 * is wrong with it.
 */
const char *mk_ws_handshake_verify(const struct mk_http1_response *response,
                                   const char key[MK_WS_KEY_LEN]);

#endif
