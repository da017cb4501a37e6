/*
 * http_answer: Milky's answers over HTTP: every one, errors included, carries its JSON body.
 */
#ifndef MK_TRANSPORT_HTTP_ANSWER_H
#define MK_TRANSPORT_HTTP_ANSWER_H

#include "protocol/dispatch.h"
#include "transport/auth.h"
#include "transport/http_connection.h"

/* Refuses a request: {"status":"failed","retcode":-STATUS,"message":...}; `extra` as in respond. */
void mk_http_answer_failure(struct mk_http_connection *connection, unsigned status,
                            const char *message, struct mk_slice extra);

/* The same for credentials that are missing (401) or wrong (403). */
void mk_http_answer_auth(struct mk_http_connection *connection, enum mk_auth auth,
                         enum mk_auth_from from);

/* The reply to a call: 200, or 400 or 404 where it never reached the backend. */
void mk_http_answer_call(struct mk_http_connection *connection, const struct milky_call *call);

/* What is wrong with the Content-Type of a request that must be JSON in UTF-8, or NULL. */
const char *mk_http_media_type_error(const struct mk_http1_request *request);

/*
 * The path of a request without its leading slash and one trailing slash, percent-decoded into
 * `name`. Returns false for a path with a bad escape or too long for `name`.
 */
bool mk_http_path_name(const struct mk_http1_request *request, struct mk_buf *name);

#endif
