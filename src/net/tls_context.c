/*
 * tls_context: see the header. Each file is checked separately first, so that errors can name it.
 */
#include "net/tls_context.h"
#include "base/error_text.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct mk_tls_context {
    SSL_CTX *ssl;
    unsigned owners; /* beside the first */
};

static struct mk_tls_context *refuse(struct mk_tls_context *context, struct mk_tls_fault *fault,
                                     const char *key, const char *path, const char *why)
{
    fault->key = key;
    fault->path = path;
    snprintf(fault->why, sizeof(fault->why), "%s", why);
    ERR_clear_error();
    return mk_tls_context_free(context);
}

/*
 * Returns why a file cannot be read, or NULL. Only regular files are accepted: others might never
 * end.
 */
static const char *unreadable(const char *path)
{
    struct stat file;
    if (stat(path, &file) < 0)
        return mk_error_text(errno);
    if (!S_ISREG(file.st_mode))
        return mk_tr("this is not a file", "这不是文件");
    FILE *opened = fopen(path, "re");
    if (!opened)
        return mk_error_text(errno);
    fclose(opened);
    return NULL;
}

static int no_password(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1; /* otherwise OpenSSL prompts on the terminal */
}

static struct mk_tls_context *new_context(const SSL_METHOD *method)
{
    struct mk_tls_context *context = calloc(1, sizeof(*context));
    if (!context)
        return NULL;
    context->ssl = SSL_CTX_new(method);
    if (!context->ssl)
        return mk_tls_context_free(context);
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cipher_list(context->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_default_passwd_cb(context->ssl, no_password);
    return context;
}

/* Returns 0 or -1 with `fault` filled and the context freed. */
static int take_pair(struct mk_tls_context *context, const char *certificate, const char *key,
                     struct mk_tls_fault *fault)
{
    const char *why = unreadable(certificate);
    if (!why && SSL_CTX_use_certificate_chain_file(context->ssl, certificate) != 1)
        why = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_EE_KEY_TOO_SMALL
                  ? mk_tr("its key is too short to be safe", "其密钥过短，不安全")
                  : mk_tr("no certificate in PEM was found in it", "其中没有 PEM 格式的证书");
    if (why) {
        refuse(context, fault, "certificate", certificate, why);
        return -1;
    }
    why = unreadable(key);
    if (!why && SSL_CTX_use_PrivateKey_file(context->ssl, key, SSL_FILETYPE_PEM) != 1)
        why = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH
                  ? mk_tr("this key is not the certificate's", "此私钥与证书不符")
                  : mk_tr("no private key in PEM without a password was found in it",
                          "其中没有不带密码的 PEM 格式私钥");
    if (why) {
        refuse(context, fault, "key", key, why);
        return -1;
    }
    return 0;
}

/* --- servers --- */

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                           const unsigned char *offered, unsigned offered_len, void *arg)
{
    static const unsigned char http[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *found;
    if (SSL_select_next_proto(&found, chosen_len, http, sizeof(http) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

struct mk_tls_context *mk_tls_context_server(const char *certificate, const char *key,
                                             struct mk_tls_fault *fault)
{
    struct mk_tls_context *context = new_context(TLS_server_method());
    if (!context)
        return refuse(NULL, fault, "certificate", certificate, mk_error_text(ENOMEM));
    if (take_pair(context, certificate, key, fault) < 0)
        return NULL;
    SSL_CTX_set_options(context->ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
    return context;
}

int mk_tls_context_accept(const struct mk_tls_context *context, struct mk_stream *stream,
                          void (*ready)(void *arg), void *arg)
{
    SSL *ssl = SSL_new(context->ssl);
    if (!ssl)
        return -ENOMEM;
    SSL_set_accept_state(ssl);
    struct mk_tls *tls = mk_tls_new(ssl);
    if (!tls)
        return -ENOMEM;
    tls->ready = ready;
    tls->arg = arg;
    return mk_stream_start_tls(stream, tls);
}

/* --- clients --- */

struct mk_tls_context *mk_tls_context_client(const struct mk_tls_files *files,
                                             struct mk_tls_fault *fault)
{
    struct mk_tls_context *context = new_context(TLS_client_method());
    if (!context)
        return refuse(NULL, fault, files->ca ? "ca" : "certificate", "", mk_error_text(ENOMEM));
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_set_verify(ssl, files->insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    const char *why = files->ca ? unreadable(files->ca) : NULL;
    if (!files->ca)
        SSL_CTX_set_default_verify_paths(ssl);
    else if (!why && SSL_CTX_load_verify_locations(ssl, files->ca, NULL) != 1)
        why = mk_tr("no certificate in PEM was found in it", "其中没有 PEM 格式的证书");
    if (why)
        return refuse(context, fault, "ca", files->ca, why);
    /* As with the system's roots: a server's own certificate is trusted if it is named. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    if (files->certificate && take_pair(context, files->certificate, files->key, fault) < 0)
        return NULL;
    return context;
}

struct mk_tls *mk_tls_context_connect(const struct mk_tls_context *context, const char *host)
{
    return mk_tls_client_from(context->ssl, host);
}

struct mk_tls_context *mk_tls_context_ref(struct mk_tls_context *context)
{
    context->owners++;
    return context;
}

struct mk_tls_context *mk_tls_context_free(struct mk_tls_context *context)
{
    if (!context || context->owners-- > 0)
        return NULL;
    SSL_CTX_free(context->ssl);
    free(context);
    return NULL;
}
