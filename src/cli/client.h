/*
 * client: one HTTP request of the command line to a running server, and its reply:
 * {status, retcode, data or message}.
 */
#ifndef MK_CLI_CLIENT_H
#define MK_CLI_CLIENT_H

#include "base/buf.h"
#include "net/tls_context.h"

#include <yyjson.h>

struct mk_client_request {
    const char *url;
    const char *unix_path; /* the socket to connect to instead of the URL's host, or NULL */
    const char *token;     /* or NULL */
    const char *ca;        /* the file of --ca; NULL: SSL_CERT_FILE, or the system's */
    struct mk_slice body;  /* JSON */
    bool own;              /* the address is the configuration's own: never through a proxy */
};

struct mk_client_reply {
    long status;         /* of HTTP */
    yyjson_doc *doc;     /* an object; numbers are kept as they came (YYJSON_TYPE_RAW) */
    bool ok;             /* its status is "ok" */
    const char *message; /* of a failure, or "" */
    long retcode;
};

/*
 * Posts, and waits for the reply. It uses a proxy of the environment (http_proxy, no_proxy), but
 * not for this machine or with `own`. Returns 0, or a negative errno: -ECONNREFUSED, with nothing
 * printed, when no program listens there; any other after it has printed why.
 */
int mk_client_post(const struct mk_client_request *request, struct mk_client_reply *reply);
void mk_client_reply_fini(struct mk_client_reply *reply);

/*
 * Advice on an answer that refuses the access token, as a sentence, or NULL for any other `status`.
 * `token`: one was sent. `option`: the command has --access-token.
 */
const char *mk_client_advice(long status, bool token, bool option);

/* The option --ca, for commands that may use TLS, as an element of a table. */
#define MK_OPTION_CA                                                                               \
    {                                                                                              \
        "ca", 0, "FILE",                                                                           \
            "trust the certificates in this PEM file; else SSL_CERT_FILE, or the system's",        \
            "信任此 PEM 文件中的证书；默认为 SSL_CERT_FILE 或系统的证书"        \
    }

/*
 * Reads the file of that option, for mk_connect_options. Returns NULL after it has printed the
 * mistake.
 */
struct mk_tls_context *mk_client_trust(const char *ca);

/* Advice on a server whose certificate is not trusted, as a sentence. */
const char *mk_client_untrusted(void);

/* A number of an object in a reply; 0 when it has no number of that name. */
unsigned long long mk_client_uint(yyjson_val *object, const char *name);

/*
 * Prints JSON and a newline on the standard output, over many lines when `pretty` is set or
 * it is a terminal. Returns 0, or a negative errno after it has printed why.
 */
int mk_client_print(const yyjson_val *value, bool pretty);

#endif
