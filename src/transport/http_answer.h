/*
 * http_answer: Milky's answers over HTTP: every one, errors included, carries its JSON body.
 */
#ifndef MK_TRANSPORT_HTTP_ANSWER_H
#define MK_TRANSPORT_HTTP_ANSWER_H

#include "protocol/dispatch.h"
#include "web/auth.h"
#include "web/http_connection.h"

/* Refuses a request: {"status":"failed","retcode":-STATUS,"message":...}; `extra` as in respond. */
void mk_http_answer_failure(struct mk_http_connection *connection, unsigned status,
                            const char *message, struct mk_slice extra);

/*
 * The rules that an HTTP request is answered by: the draft's (communication-draft.md) or those of
 * 1.x (communication-1.x.md). They differ in the status codes of failures.
 */
struct mk_http_rules {
    unsigned wrong_token;
    unsigned media_type;
    unsigned malformed; /* JSON or params; the retcode is -400 in both */
};
extern const struct mk_http_rules mk_http_rules_draft; /* 403, 406, 400 */
extern const struct mk_http_rules mk_http_rules_1_x;   /* 401, 415, 200 */

/* Refuses a request for credentials that are missing (401) or wrong. */
void mk_http_answer_auth(struct mk_http_connection *connection,
                         const struct mk_http1_request *request, enum mk_auth auth,
                         enum mk_auth_from from, const struct mk_http_rules *rules);

/*
 * To be asked at the head of each request: whether its address has shown wrong credentials too
 * often; then it has been refused (429), whatever it shows now.
 */
bool mk_http_answer_blocked(struct mk_http_connection *connection,
                            const struct mk_http1_request *request);

/*
 * To be asked before a connection becomes something that stays: whether its port is being closed;
 * then it has been refused (503), for nobody would end what came after the others were told to.
 */
bool mk_http_answer_stopping(struct mk_http_connection *connection);

/* A service's `failure`: whatever is wrong with the request itself, as above. */
void mk_http_answer_bad(void *arg, struct mk_http_connection *connection, unsigned status,
                        const char *reason);

/*
 * The caller of the calls that come on one connection, one at a time, which are answered as above.
 * Embedded in the state of a service that takes calls; `rules` may change with each request.
 */
struct mk_http_caller {
    struct mk_caller caller;
    struct mk_http_connection *connection;
    const struct mk_http_rules *rules; /* the draft's, unless said otherwise */
};
void mk_http_caller_init(struct mk_http_caller *caller, struct mk_http_connection *connection);
/* The connection has gone: calls in flight go on, and are not answered. */
void mk_http_caller_fini(struct mk_http_caller *caller);

/* What is wrong with the Content-Type or the Content-Encoding of a request that must be JSON in
 * UTF-8, as it is; or NULL. */
const char *mk_http_media_type_error(const struct mk_http1_request *request);

/*
 * The name in a path "/name" or "/name/", percent-decoded into `name`. Returns false for a bad
 * escape, or one that is too long for `name`.
 */
bool mk_http_path_name(struct mk_slice path, struct mk_buf *name);

#endif
