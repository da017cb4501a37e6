/* tls_testing: certificates that are made when they are needed, and servers with them. */
#ifndef MK_TESTS_TLS_TESTING_H
#define MK_TESTS_TLS_TESTING_H

#include "net_testing.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* A server's context with a fresh self-signed certificate for `names` ("DNS:localhost"). */
static inline SSL_CTX *server_context(const char *names)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(context && key && certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* Makes the certificate of `context` the only one that clients trust, or (NULL) lets them trust
 * none. */
static inline void trust(const SSL_CTX *context)
{
    static char path[] = "/tmp/milky-roots-XXXXXX";
    static bool made;
    if (!made)
        close(mkstemp(path));
    made = true;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (context)
        PEM_write_X509(file, SSL_CTX_get0_certificate(context));
    fclose(file);
    setenv("SSL_CERT_FILE", path, 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
}

static inline void trust_fini(void)
{
    unlink(getenv("SSL_CERT_FILE"));
}

/* Makes a stream speak TLS as a server. */
static inline void serve_tls(struct mk_stream *stream, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    assert_non_null(ssl);
    SSL_set_accept_state(ssl);
    struct mk_tls *tls = mk_tls_new(ssl);
    assert_non_null(tls);
    assert_int_equal(mk_stream_start_tls(stream, tls), 0);
}

#endif
