/*
 * tls_context: TLS settings shared by many connections: a certificate and its key, and trusted
 * roots. They are read from PEM files once; to read them again, the context is replaced. Open
 * connections keep the context that they began with.
 */
#ifndef MK_NET_TLS_CONTEXT_H
#define MK_NET_TLS_CONTEXT_H

#include "net/stream.h"
#include "net/tls.h"

struct mk_tls_context;

enum { MK_TLS_FAULT = 160 };

/* An error of a file. */
struct mk_tls_fault {
    const char *key;  /* "certificate", "key" or "ca" */
    const char *path; /* borrowed from the call */
    char why[MK_TLS_FAULT];
};

/*
 * Makes a server's context: TLS 1.2 and 1.3, only ciphers with forward secrecy and authentication,
 * HTTP/1.1 (ALPN). `certificate` holds the chain, `key` has no password. Returns NULL with `fault`
 * filled.
 */
struct mk_tls_context *mk_tls_context_server(const char *certificate, const char *key,
                                             struct mk_tls_fault *fault);

struct mk_tls_files {
    const char *ca;          /* NULL: the system's roots (mk_tls_roots_new) */
    const char *certificate; /* NULL: none is presented */
    const char *key;
    bool insecure_skip_verify;
};

/* Makes a client's context: TLS 1.2 and 1.3. Returns as above. */
struct mk_tls_context *mk_tls_context_client(const struct mk_tls_files *files,
                                             struct mk_tls_fault *fault);

/* Adds an owner; each frees it once. Connections keep the parts that they need. */
struct mk_tls_context *mk_tls_context_ref(struct mk_tls_context *context);
/* NULL is allowed. */
struct mk_tls_context *mk_tls_context_free(struct mk_tls_context *context);

/* Makes a connection for `host` (mk_tls_client_new); NULL when out of memory. */
struct mk_tls *mk_tls_context_connect(const struct mk_tls_context *context, const char *host);

/*
 * Starts TLS as a server on a fresh stream, before or after its adoption. `ready`, which may be
 * NULL, is called when the handshake is done; a failed handshake ends the stream with -EPROTO.
 * Returns 0, or a negative errno: then the stream can only be aborted.
 */
int mk_tls_context_accept(const struct mk_tls_context *context, struct mk_stream *stream,
                          void (*ready)(void *arg), void *arg);

#endif
