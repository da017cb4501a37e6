/*
 * tls: OpenSSL over a BIO of our own that reads from the received bytes and writes into a buf, so
 * no byte is copied more often than the cipher needs, and nothing can block.
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

/* More than any handshake or record; the stream does not let much more accumulate. */
enum { OUT_MAX = 1024 * 1024 };

static int bio_read(BIO *bio, char *data, size_t size, size_t *got)
{
    struct mk_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->in.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *got = size < tls->in.len ? size : tls->in.len;
    memcpy(data, tls->in.ptr, *got);
    tls->in = mk_slice_from(tls->in, *got);
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *taken)
{
    struct mk_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (mk_buf_append(&tls->out, data, len) < 0)
        return 0;
    *taken = len;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/*
 * Made once, then constant, and kept until the process ends, since OpenSSL has few BIO indices. If
 * two threads make one at the same time, the second one uses the first one's.
 */
static const BIO_METHOD *bio_method(void)
{
    static _Atomic(BIO_METHOD *) shared;
    BIO_METHOD *method = atomic_load_explicit(&shared, memory_order_acquire);
    if (method)
        return method;
    BIO_METHOD *made = make_bio_method();
    if (made && !atomic_compare_exchange_strong(&shared, &method, made)) {
        BIO_meth_free(made);
        return method;
    }
    return made;
}

struct mk_tls *mk_tls_new(SSL *ssl)
{
    struct mk_tls *tls = calloc(1, sizeof(*tls));
    const BIO_METHOD *method = bio_method();
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!tls || !bio) {
        BIO_free(bio);
        SSL_free(ssl);
        free(tls);
        return NULL;
    }
    tls->ssl = ssl;
    mk_buf_init(&tls->out, OUT_MAX);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    return tls;
}

struct mk_tls *mk_tls_free(struct mk_tls *tls)
{
    if (!tls)
        return NULL;
    SSL_free(tls->ssl);
    mk_buf_fini(&tls->out);
    free(tls);
    return NULL;
}

static void note_first(struct mk_tls *tls)
{
    size_t room = sizeof(tls->first) - tls->first_len;
    size_t some = tls->in.len < room ? tls->in.len : room;
    if (some > 0)
        memcpy(tls->first + tls->first_len, tls->in.ptr, some);
    tls->first_len += (uint8_t)some;
}

int mk_tls_handshake(struct mk_tls *tls)
{
    note_first(tls);
    ERR_clear_error();
    int rc = SSL_do_handshake(tls->ssl);
    if (rc == 1) {
        tls->handshake_done = true;
        return 1;
    }
    if (SSL_get_error(tls->ssl, rc) == SSL_ERROR_WANT_READ)
        return 0;
    tls->error = ERR_peek_last_error();
    return -EPROTO;
}

ssize_t mk_tls_read(struct mk_tls *tls, char *data, size_t size)
{
    size_t got = 0;
    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, data, size, &got) == 1)
        return (ssize_t)got;
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -EPIPE;
    default:
        tls->error = ERR_peek_last_error();
        return -EPROTO;
    }
}

int mk_tls_write(struct mk_tls *tls, struct mk_slice plain)
{
    size_t taken = 0;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, plain.ptr, plain.len, &taken) == 1)
        return 0;
    return tls->out.max - tls->out.len < plain.len ? -ENOMEM : -EPROTO;
}

void mk_tls_shutdown(struct mk_tls *tls)
{
    if (tls->shut)
        return;
    tls->shut = true;
    ERR_clear_error();
    SSL_shutdown(tls->ssl); /* a failure does not matter: the connection ends */
}

struct mk_slice mk_tls_pending(const struct mk_tls *tls)
{
    return mk_slice_from(mk_buf_slice(&tls->out), tls->sent);
}

void mk_tls_sent(struct mk_tls *tls, size_t len)
{
    tls->sent += len;
    if (tls->sent == tls->out.len) {
        tls->out.len = 0;
        tls->sent = 0;
    } else if (tls->sent >= tls->out.len / 2) {
        mk_buf_consume(&tls->out, tls->sent);
        tls->sent = 0;
    }
}

/* The verdicts that have a remedy of their own; of others OpenSSL's text has to do. */
static const struct {
    long verdict;
    enum mk_failure_kind kind;
    const char *zh;
} verdicts[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, MK_FAILURE_CERTIFICATE_EXPIRED, "证书已过期" },
    { X509_V_ERR_CERT_NOT_YET_VALID, MK_FAILURE_CERTIFICATE_EARLY, "证书尚未生效" },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, MK_FAILURE_CERTIFICATE_SELF_SIGNED, "证书为自签名" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, MK_FAILURE_CERTIFICATE_ISSUER,
      "证书链中的根证书不受信任" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, MK_FAILURE_CERTIFICATE_ISSUER, "找不到签发者的证书" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, MK_FAILURE_CERTIFICATE_ISSUER,
      "找不到签发者的证书" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, MK_FAILURE_CERTIFICATE_ISSUER,
      "无法验证证书的签名" },
    { X509_V_ERR_HOSTNAME_MISMATCH, MK_FAILURE_CERTIFICATE_HOST, "证书与主机名不符" },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, MK_FAILURE_CERTIFICATE_HOST, "证书与 IP 地址不符" },
};

static void explain_certificate(struct mk_failure *failure, long verdict)
{
    const char *en = X509_verify_cert_error_string(verdict), *zh = en;
    enum mk_failure_kind kind = MK_FAILURE_CERTIFICATE;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (verdicts[i].verdict != verdict)
            continue;
        kind = verdicts[i].kind;
        zh = verdicts[i].zh;
    }
    mk_failure_say(failure, kind, MK_PHRASE("certificate verify failed: ", "证书验证失败："));
    mk_failure_add(failure, MK_PHRASE(en, zh));
}

/* Alerts about a client's certificate. */
static bool is_about_ours(unsigned long error)
{
    switch (ERR_GET_REASON(error)) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return true;
    default:
        return false;
    }
}

/* The first byte of a record is its type (RFC 8446, 5.1; RFC 6520, 3): 20 to 24. */
static bool began_with_tls(const struct mk_tls *tls)
{
    return tls->first_len == 0 || (tls->first[0] >= 20 && tls->first[0] <= 24);
}

void mk_tls_explain(const struct mk_tls *tls, struct mk_failure *failure)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(tls->error);
    enum mk_failure_kind kind =
        is_about_ours(tls->error) ? MK_FAILURE_CERTIFICATE_WANTED : MK_FAILURE_TLS;
    if (!tls->handshake_done && !began_with_tls(tls)) {
        mk_failure_say(
            failure, MK_FAILURE_NO_TLS,
            MK_PHRASE("it does not speak TLS: it answered ", "对方不使用 TLS：其应答为 "));
        mk_failure_quote(failure, mk_slice_of(tls->first, tls->first_len), MK_TLS_FIRST);
        mk_failure_add(failure, MK_PHRASE("; the URL must begin with http:// or ws:// instead of "
                                          "https:// or wss://",
                                          "；URL 应以 http:// 或 ws:// 开头，而不是 https:// 或 "
                                          "wss://"));
    } else if (!tls->handshake_done && verdict != X509_V_OK) {
        explain_certificate(failure, verdict);
    } else {
        mk_failure_say(failure, kind,
                       tls->handshake_done ? MK_PHRASE("TLS failed", "TLS 出错")
                                           : MK_PHRASE("TLS handshake failed", "TLS 握手失败"));
        if (reason)
            mk_failure_add(mk_failure_add(failure, MK_PHRASE(": ", "：")),
                           MK_PHRASE(reason, reason));
    }
    failure->error = -EPROTO;
}

/* --- outgoing --- */

struct mk_tls_roots {
    SSL_CTX *context;
};

struct mk_tls_roots *mk_tls_roots_new(void)
{
    struct mk_tls_roots *roots = calloc(1, sizeof(*roots));
    if (!roots)
        return NULL;
    roots->context = SSL_CTX_new(TLS_client_method());
    if (!roots->context)
        return mk_tls_roots_free(roots);
    SSL_CTX_set_min_proto_version(roots->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(roots->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(roots->context, SSL_SESS_CACHE_OFF);
    /* Without roots every certificate is refused, with an error text about that. */
    SSL_CTX_set_default_verify_paths(roots->context);
    /* A server's own certificate in SSL_CERT_FILE is trusted, whatever its issuer. */
    X509_STORE_set_flags(mk_tls_roots_store(roots), X509_V_FLAG_PARTIAL_CHAIN);
    return roots;
}

struct mk_tls_roots *mk_tls_roots_free(struct mk_tls_roots *roots)
{
    if (!roots)
        return NULL;
    SSL_CTX_free(roots->context);
    free(roots);
    return NULL;
}

X509_STORE *mk_tls_roots_store(const struct mk_tls_roots *roots)
{
    return SSL_CTX_get_cert_store(roots->context);
}

static bool is_ip_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* Requires a certificate for `host`, and sends the name (SNI). */
static bool expect_host(SSL *ssl, const char *host)
{
    if (is_ip_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct mk_tls *mk_tls_client_new(const struct mk_tls_roots *roots, const char *host)
{
    return mk_tls_client_from(roots->context, host);
}

struct mk_tls *mk_tls_client_from(SSL_CTX *context, const char *host)
{
    char name[256];
    size_t len = strlen(host);
    if (len >= sizeof(name))
        return NULL;
    memcpy(name, host, len + 1);
    /* Names in certificates and in SNI (RFC 6066, 3) have no trailing dot. */
    if (len > 1 && name[len - 1] == '.')
        name[len - 1] = '\0';
    SSL *ssl = SSL_new(context);
    if (!ssl || !expect_host(ssl, name)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return mk_tls_new(ssl);
}
