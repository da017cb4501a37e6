/*
 * tls: the TLS of one connection as a machine without I/O: cipher bytes in and out, plain bytes in
 * and out. A stream drives it and does the reading and writing. The same for both roles.
 */
#ifndef MK_NET_TLS_H
#define MK_NET_TLS_H

#include "base/buf.h"
#include "net/failure.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct mk_tls {
    SSL *ssl;
    struct mk_slice in;       /* cipher bytes that were not looked at yet; borrowed during a feed */
    struct mk_buf out;        /* cipher bytes to be sent */
    size_t sent;              /* how many at the front of `out` are gone already */
    bool handshake_done;      /* the handshake is done */
    bool shut;                /* close_notify was written */
    unsigned long error;      /* OpenSSL's, of a handshake that failed */
    void (*ready)(void *arg); /* may be NULL: called once when the handshake is done */
    void *arg;
};

/* Takes `ssl` over, its role set (SSL_set_connect_state or SSL_set_accept_state); NULL: no memory.
 */
struct mk_tls *mk_tls_new(SSL *ssl);
struct mk_tls *mk_tls_free(struct mk_tls *tls);

/*
 * Goes on with the handshake. Returns 1 when it is done, 0 when it waits for the peer, or -EPROTO;
 * then mk_tls_explain tells why. `out` may have got bytes in any case.
 */
int mk_tls_handshake(struct mk_tls *tls);

/* Decrypts at most `size` bytes. Returns their number, 0 for none yet, -EPIPE at the end, -EPROTO.
 */
ssize_t mk_tls_read(struct mk_tls *tls, char *data, size_t size);

/* Encrypts into `out`; len is at least 1. Returns 0, -ENOMEM or -EPROTO. */
int mk_tls_write(struct mk_tls *tls, struct mk_slice plain);

/* Writes close_notify, once. */
void mk_tls_shutdown(struct mk_tls *tls);

/* Cipher bytes to be sent. */
struct mk_slice mk_tls_pending(const struct mk_tls *tls);
/* The kernel took so many of them. Keeps the memory of `out`: who drives may take it. */
void mk_tls_sent(struct mk_tls *tls, size_t len);

/* Why the handshake failed: "certificate verify failed: self-signed certificate". */
void mk_tls_explain(const struct mk_tls *tls, struct mk_failure *failure);

/* --- outgoing --- */

struct mk_tls_roots;

/*
 * Whom to trust: the system's roots, or what SSL_CERT_FILE and SSL_CERT_DIR name. Loading takes
 * tens of milliseconds, so it is done once. NULL: no memory.
 */
struct mk_tls_roots *mk_tls_roots_new(void);
struct mk_tls_roots *mk_tls_roots_free(struct mk_tls_roots *roots);

/* Borrowed. */
X509_STORE *mk_tls_roots_store(const struct mk_tls_roots *roots);

/*
 * A client's TLS (1.2 or newer) that insists on a certificate for `host`, a name or an IP address.
 * Returns NULL when out of memory.
 */
struct mk_tls *mk_tls_client_new(const struct mk_tls_roots *roots, const char *host);

/* The same with whatever else a context asks for. */
struct mk_tls *mk_tls_client_from(SSL_CTX *context, const char *host);

#endif
