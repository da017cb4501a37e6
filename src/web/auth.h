/*
 * auth: checks the credentials of a request: pure functions over its head. The credentials are a
 * token in the header "Authorization: Bearer TOKEN", or, for a WebSocket handshake, also in the
 * query parameter `access_token`, since a browser cannot add headers to a handshake.
 */
#ifndef MK_WEB_AUTH_H
#define MK_WEB_AUTH_H

#include "wire/http1.h"

enum mk_auth {
    MK_AUTH_OK,
    MK_AUTH_MISSING, /* 401 */
    MK_AUTH_WRONG,   /* 403 */
    MK_AUTH_FOREIGN, /* 403: a web page of another origin, at a server without a token */
};

enum mk_auth_from {
    MK_AUTH_HEADER,          /* the header only */
    MK_AUTH_QUERY_OR_HEADER, /* the query, or the header where the query has none */
};

/*
 * Checks the credentials of a request. An empty `token` means a server without one: then all
 * requests are allowed, except those of web pages of another origin (Origin header), or of pages
 * that reach this server under another host name (Host header, DNS rebinding).
 */
enum mk_auth mk_auth_check(const struct mk_http1_request *request, struct mk_slice token,
                           enum mk_auth_from from);

/*
 * Returns whether a web page of another origin may have sent the request: by its Origin, its Host,
 * or the Sec-Fetch-Site that browsers send without an Origin (for an image, say).
 */
bool mk_auth_may_be_page(const struct mk_http1_request *request);

/* The reason of a refusal, for the client: an English sentence. */
const char *mk_auth_explain(enum mk_auth auth, enum mk_auth_from from);

#endif
