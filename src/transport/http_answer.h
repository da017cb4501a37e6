/* http_answer: Milky's answers over HTTP: each has a JSON body, errors included. */
#ifndef MK_TRANSPORT_HTTP_ANSWER_H
#define MK_TRANSPORT_HTTP_ANSWER_H

#include "protocol/dispatch.h"
#include "web/auth.h"
#include "web/http_connection.h"

/* Refuses a request: {"status":"failed","retcode":-STATUS,"message":...}; `extra` as in respond. */
void mk_http_answer_failure(struct mk_http_connection *connection, unsigned status,
                            const char *message, struct mk_slice extra);
/* The same with a message that may hold a NUL, as a client's words may. */
void mk_http_answer_failure_text(struct mk_http_connection *connection, unsigned status,
                                 struct mk_slice message, struct mk_slice extra);

/*
 * The rules for answers over HTTP: the draft's (communication-draft.md) or those of 1.x
 * (communication-1.x.md). They differ in the status codes of failures.
 */
struct mk_http_rules {
    unsigned wrong_token;
    unsigned media_type;
    unsigned malformed; /* JSON or params; the retcode is -400 in both */
};
extern const struct mk_http_rules mk_http_rules_draft; /* 403, 406, 400 */
extern const struct mk_http_rules mk_http_rules_1_x;   /* 401, 415, 200 */

/*
 * To be called at the head of each request for which credentials are needed: returns true if they
 * are right. Otherwise it refuses the request and returns false: 401 if they are missing, as the
 * rules say if they are wrong, 403 for a web page. When an address has sent too many wrong ones
 * (limits.failed_credentials), each further one gets 429, and its connection is closed; the right
 * ones are still accepted, so no other program at that address is locked out. For a page of a
 * listed origin it does what mk_http_answer_page does first.
 */
bool mk_http_admit(struct mk_http_connection *connection, const struct mk_http1_request *request,
                   const struct mk_access *access, enum mk_auth_from from,
                   const struct mk_http_rules *rules);

/*
 * To be called first at the head of a request: prepares the response for pages of these origins
 * (web/cors.h). Returns true if the request was a preflight, which it has answered.
 */
bool mk_http_answer_page(struct mk_http_connection *connection,
                         const struct mk_http1_request *request, struct mk_slice origins);

/*
 * Admits a request that needs no credentials, and that only pages of its own and of the listed
 * origins may send. For a page of a listed origin it does what mk_http_answer_page does first.
 */
bool mk_http_admit_anyone(struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice origins);

/*
 * To be called before a connection becomes a lasting one (a WebSocket, say): refuses it (503) and
 * returns true if its port is being closed, since lasting connections that are open already have
 * been ended.
 */
bool mk_http_answer_stopping(struct mk_http_connection *connection);

/* The `failure` function of a service: answers an invalid request, as above. */
void mk_http_answer_bad(void *arg, struct mk_http_connection *connection, unsigned status,
                        const char *reason);

/*
 * The caller of the calls of one connection, one at a time, answered as above. Embedded in the
 * state of a service that takes calls; `rules` may change with each request.
 */
struct mk_http_caller {
    struct mk_caller caller;
    struct mk_http_connection *connection;
    const struct mk_http_rules *rules; /* the draft's by default */
};
void mk_http_caller_init(struct mk_http_caller *caller, struct mk_http_connection *connection);
/* The connection has ended: calls in flight continue, but are not answered. */
void mk_http_caller_fini(struct mk_http_caller *caller);

/*
 * Returns the error of the Content-Type or Content-Encoding of a request, which must be
 * uncompressed JSON in UTF-8; or NULL.
 */
const char *mk_http_media_type_error(const struct mk_http1_request *request);

/*
 * Percent-decodes the name in a path "/name" or "/name/" into `name`. Returns false for a bad
 * escape, or if the name is too long for `name`.
 */
bool mk_http_path_name(struct mk_slice path, struct mk_buf *name);

#endif
