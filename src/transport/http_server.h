/*
 * http_server: calls over HTTP, with JSON bodies: the draft's POST /:api, and POST /api/:api of
 * 1.x, each with its own rules.
 *
 * The checks come in this order: credentials, path, method, media type and size, each at the head
 * of the request, so that no body is sent in vain; then JSON and params.
 */
#ifndef MK_TRANSPORT_HTTP_SERVER_H
#define MK_TRANSPORT_HTTP_SERVER_H

#include "protocol/dispatch.h"
#include "transport/http_answer.h"

struct mk_http_server {
    struct mk_dispatch *dispatch;
    struct mk_access access;
    enum mk_dialect dialect;     /* of POST /:api */
    enum mk_dialect dialect_1_x; /* of POST /api/:api, and of /event */
};

/* Its state of one connection. */
struct mk_http_server_state {
    struct mk_http_caller caller;
    const struct mk_action *action; /* of the current request */
};

/*
 * Called at the head of a request: refuses it, or stores its action. `path` is without the prefix.
 */
void mk_http_server_head(const struct mk_http_server *server, struct mk_http_server_state *state,
                         const struct mk_http1_request *request, struct mk_slice path);

/* Called at the whole request: dispatches the call. */
void mk_http_server_request(const struct mk_http_server *server, struct mk_http_server_state *state,
                            const struct mk_http1_request *request);

#endif
