/*
 * auth: whether a request has the right credentials: pure functions over its head. They are a token
 * in the header "Authorization: Bearer TOKEN", or, of a WebSocket's handshake, also in the query
 * parameter `access_token`, for a browser cannot add headers to one.
 */
#ifndef MK_WEB_AUTH_H
#define MK_WEB_AUTH_H

#include "wire/http1.h"

enum mk_auth {
    MK_AUTH_OK,
    MK_AUTH_MISSING, /* 401 */
    MK_AUTH_WRONG,   /* 403 */
    MK_AUTH_FOREIGN, /* 403: a browser's page from elsewhere, at a server without a token */
};

enum mk_auth_from {
    MK_AUTH_HEADER,          /* the header alone */
    MK_AUTH_QUERY_OR_HEADER, /* the query, or the header where the query has none */
};

/*
 * Checks the credentials of a request. An empty `token` stands for a server without one: then
 * everybody may, but for web pages: a browser that shows a page of another origin (Origin header),
 * or that was made to take this server for another host (Host header, DNS rebinding).
 */
enum mk_auth mk_auth_check(const struct mk_http1_request *request, struct mk_slice token,
                           enum mk_auth_from from);

/*
 * A web page of another origin may have sent this: by its Origin, its Host, or what a browser says
 * where it sends no Origin (Sec-Fetch-Site: an image, say). Whatever server it is sent to.
 */
bool mk_auth_may_be_page(const struct mk_http1_request *request);

/* What to tell somebody who may not: an English sentence. */
const char *mk_auth_explain(enum mk_auth auth, enum mk_auth_from from);

#endif
