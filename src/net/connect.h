/*
 * connect: opens a connection to a host: resolves its name (net/resolve, but for addresses and
 * "localhost", which wait for no name server), tries its addresses in turn, and performs the TLS
 * handshake where TLS is requested.
 */
#ifndef MK_NET_CONNECT_H
#define MK_NET_CONNECT_H

#include "net/failure.h"
#include "net/stream.h"
#include "net/tls_context.h"

struct mk_connect_options {
    const char *host; /* a name, or an address without brackets; copied */
    uint16_t port;
    bool tls; /* verified against the system's roots and `host` (SSL_CERT_FILE is honoured) */
    uint32_t timeout_ms;                /* for all steps together */
    struct mk_tls_context *tls_context; /* used instead of these roots; may be NULL */
};

struct mk_connect;

/*
 * Starts. `done` is called once, never from within this function: with a stream that it must adopt
 * before it returns, or with NULL and the failure, borrowed. Returns NULL when out of memory; then
 * `done` is not called.
 */
struct mk_connect *mk_connect_start(struct mk_loop *loop, const struct mk_connect_options *options,
                                    void (*done)(void *arg, struct mk_stream *stream,
                                                 const struct mk_failure *failure),
                                    void *arg);

/*
 * Makes the TLS handshake alone, on the connected stream of a tunnel, which has nothing to send or
 * to read; `host` is the name in the certificate, and `port` and `tls` are not used. Otherwise as
 * above; takes the stream over unless it returns NULL.
 */
struct mk_connect *mk_connect_secure(
    struct mk_loop *loop, const struct mk_connect_options *options, struct mk_stream *stream,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_failure *failure), void *arg);

/*
 * For a caller whose time is over: where the name is being resolved, fills `failure` with that
 * reason, and returns true.
 */
bool mk_connect_explain_late(const struct mk_connect *connect, struct mk_failure *failure);

/* Returns whether it makes the TLS handshake. */
bool mk_connect_is_securing(const struct mk_connect *connect);

/* Cancels: `done` will not be called. Not allowed after it was called. NULL is allowed. */
struct mk_connect *mk_connect_cancel(struct mk_connect *connect);

/*
 * From within `closed` of a stream that was connected: says why it has ended with this error. With
 * TLS 1.3 a server refuses a client's certificate only after the handshake.
 */
void mk_connect_explain(const struct mk_stream *stream, int error, struct mk_failure *failure);

#endif
