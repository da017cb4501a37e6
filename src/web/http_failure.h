/*
 * http_failure: says why an exchange of the HTTP client has failed: which part of the answer is
 * wrong and what it looks like, or how far the exchange had come.
 */
#ifndef MK_WEB_HTTP_FAILURE_H
#define MK_WEB_HTTP_FAILURE_H

#include "net/failure.h"
#include "wire/response_reader.h"

/* How far an exchange has come. */
enum mk_http_step {
    MK_HTTP_CONNECTING, /* to the server, or to the proxy */
    MK_HTTP_TUNNELLING, /* waits for the proxy's answer to a CONNECT */
    MK_HTTP_SECURING,   /* TLS */
    MK_HTTP_ANSWERING,  /* the request was sent */
};

/* Of a refused response (MK_RESPONSE_BAD). */
struct mk_failure *mk_http_failure_wrong(struct mk_failure *failure,
                                         const struct mk_response_reader *reader);

/*
 * Of a connection that has ended before its response was complete; `error` is 0, or a negative
 * errno.
 */
struct mk_failure *mk_http_failure_ended(struct mk_failure *failure,
                                         const struct mk_response_reader *reader, bool tls,
                                         int error);

struct mk_failure *mk_http_failure_late(struct mk_failure *failure, enum mk_http_step step,
                                        const struct mk_response_reader *reader, uint32_t ms);

/* Of a proxy's answer to a CONNECT, or of its 407. */
struct mk_failure *mk_http_failure_proxy_status(struct mk_failure *failure, unsigned status);

/* Of a proxy that cannot be used, for this reason. */
struct mk_failure *mk_http_failure_no_proxy(struct mk_failure *failure,
                                            const struct mk_phrase *why);

/* Puts "the proxy HOST:PORT: " before the words. */
struct mk_failure *mk_http_failure_of_proxy(struct mk_failure *failure, const char *host,
                                            uint16_t port);

#endif
