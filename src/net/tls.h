/*
 * tls: the TLS state of one connection, without I/O: cipher bytes in and out, plain bytes in and
 * out. A stream drives it, reads and writes. Used for both roles.
 */
#ifndef MK_NET_TLS_H
#define MK_NET_TLS_H

#include "base/buf.h"
#include "net/failure.h"

#include <openssl/ssl.h>
#include <sys/types.h>

enum { MK_TLS_FIRST = 24 };

struct mk_tls {
    SSL *ssl;
    struct mk_slice in; /* cipher bytes not yet processed; borrowed during a feed */
    struct mk_buf out;  /* cipher bytes to be sent */
    size_t sent;        /* bytes at the front of `out` that were sent already */
    bool handshake_done;
    bool shut;           /* close_notify was written */
    unsigned long error; /* OpenSSL's last error */
    uint8_t first_len;
    char first[MK_TLS_FIRST]; /* bytes that the peer began with, for mk_tls_explain */
    void (*ready)(void *arg); /* may be NULL: called once when the handshake is done */
    void *arg;
};

/*
 * Takes over `ssl`, whose role is set (SSL_set_connect_state or SSL_set_accept_state). Returns NULL
 * when out of memory.
 */
struct mk_tls *mk_tls_new(SSL *ssl);
struct mk_tls *mk_tls_free(struct mk_tls *tls);

/*
 * Continues the handshake. Returns 1 when it is done, 0 when it waits for the peer, or -EPROTO;
 * then mk_tls_explain gives the reason. May append to `out` in any case.
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
/* The kernel took so many of them. Keeps the memory of `out`, which the caller may take. */
void mk_tls_sent(struct mk_tls *tls, size_t len);

/*
 * Fills in why a client's connection failed after -EPROTO, with a kind for each cause that has its
 * own remedy: "certificate verify failed: self-signed certificate".
 */
void mk_tls_explain(const struct mk_tls *tls, struct mk_failure *failure);

/* --- outgoing --- */

struct mk_tls_roots;

/*
 * Loads the trusted roots: the system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name. This
 * takes tens of milliseconds, so it is done once. Returns NULL when out of memory.
 */
struct mk_tls_roots *mk_tls_roots_new(void);
struct mk_tls_roots *mk_tls_roots_free(struct mk_tls_roots *roots);

/* Borrowed. */
X509_STORE *mk_tls_roots_store(const struct mk_tls_roots *roots);

/*
 * Makes a client's TLS (1.2 or newer), which requires a certificate for `host`, a name or an IP
 * address. Returns NULL when out of memory.
 */
struct mk_tls *mk_tls_client_new(const struct mk_tls_roots *roots, const char *host);

/* The same with the settings of a context. */
struct mk_tls *mk_tls_client_from(SSL_CTX *context, const char *host);

#endif
