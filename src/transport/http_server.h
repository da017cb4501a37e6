/*
 * http_server: calls over HTTP, JSON in the body: the draft's POST /:api, and POST /api/:api of 1.x
 * beside it, each with its own rules.
 *
 * The checks come in this order, each at the head of the request, so that no body is sent
 * in vain: credentials, path, method, media type, size, and at last JSON and params.
 */
#ifndef MK_TRANSPORT_HTTP_SERVER_H
#define MK_TRANSPORT_HTTP_SERVER_H

#include "protocol/dispatch.h"
#include "transport/http_answer.h"

struct mk_http_server {
    struct mk_dispatch *dispatch;
    struct mk_slice token;   /* empty: none is asked for */
    enum mk_dialect dialect; /* of POST /:api */
};

/* What it keeps of one connection. */
struct mk_http_server_state {
    struct mk_http_caller caller;
    const struct mk_action *action; /* of the request at hand */
};

/* The head of a request: refuses it, or remembers its action. `path` is without a prefix. */
void mk_http_server_head(const struct mk_http_server *server, struct mk_http_server_state *state,
                         const struct mk_http1_request *request, struct mk_slice path);

/* The whole request: dispatches the call. */
void mk_http_server_request(const struct mk_http_server *server, struct mk_http_server_state *state,
                            const struct mk_http1_request *request);

#endif
