/*
 * tls_context: what the TLS of many connections shares: a certificate and its key, whom to trust;
 * read from PEM files once, and replaced as a whole to read them again. Connections that are open
 * keep the one that they began with.
 */
#ifndef MK_NET_TLS_CONTEXT_H
#define MK_NET_TLS_CONTEXT_H

#include "net/stream.h"
#include "net/tls.h"

struct mk_tls_context;

enum { MK_TLS_FAULT = 160 };

/* What is wrong with a file. */
struct mk_tls_fault {
    const char *key;  /* "certificate", "key" or "ca" */
    const char *path; /* borrowed from the call */
    char why[MK_TLS_FAULT];
};

/*
 * A server's: TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers alone, HTTP/1.1
 * (ALPN). `certificate` holds the chain, `key` has no password. Returns NULL with `fault` filled.
 */
struct mk_tls_context *mk_tls_context_server(const char *certificate, const char *key,
                                             struct mk_tls_fault *fault);

struct mk_tls_files {
    const char *ca;          /* NULL: the system's roots (mk_tls_roots_new) */
    const char *certificate; /* NULL: none is presented */
    const char *key;
    bool insecure_skip_verify;
};

/* A client's: TLS 1.2 and 1.3. As above. */
struct mk_tls_context *mk_tls_context_client(const struct mk_tls_files *files,
                                             struct mk_tls_fault *fault);

/* One more owner; each frees it once. Connections keep what they need of it. */
struct mk_tls_context *mk_tls_context_ref(struct mk_tls_context *context);
/* NULL is allowed. */
struct mk_tls_context *mk_tls_context_free(struct mk_tls_context *context);

/* Makes a connection for `host` (mk_tls_client_new); NULL when out of memory. */
struct mk_tls *mk_tls_context_connect(const struct mk_tls_context *context, const char *host);

/*
 * Speaks TLS on a fresh stream, before or after its adoption. `ready`, which may be NULL, is called
 * when the handshake is done; a failed one ends the stream with -EPROTO. Returns 0, or a negative
 * errno: then the stream is good for nothing but mk_stream_abort.
 */
int mk_tls_context_accept(const struct mk_tls_context *context, struct mk_stream *stream,
                          void (*ready)(void *arg), void *arg);

#endif
