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

/* The requests that a server answers. */
struct mk_access {
    struct mk_slice token;   /* that they need; empty: none */
    struct mk_slice origins; /* of pages that may send them (web/cors.h) */
};

enum mk_auth_from {
    MK_AUTH_HEADER,          /* the header only */
    MK_AUTH_QUERY_OR_HEADER, /* the query, or the header where the query has none */
};

/*
 * Checks the credentials of a request. At a server without a token all requests are allowed, except
 * those that a web page of an origin that is neither ours nor listed may have caused:
 *
 * - by their Origin, Sec-Fetch-Site or Referer, which a page cannot forge;
 * - a GET or HEAD without any of these, if a browser seems to have sent it (User-Agent, Accept): a
 *   browser sends no Sec-Fetch-Site to an address that is neither HTTPS nor this machine, no Origin
 *   for an image, and no Referer if the page forbids it;
 * - by their Host: a name could have been made to resolve to this server (DNS rebinding).
 */
enum mk_auth mk_auth_check(const struct mk_http1_request *request, const struct mk_access *access,
                           enum mk_auth_from from);

/* Returns whether a page of another origin may have caused the request, by the same rules. */
bool mk_auth_may_be_page(const struct mk_http1_request *request);

/*
 * Returns whether Origin, Sec-Fetch-Site or Referer prove that a page of another origin has caused
 * the request.
 */
bool mk_auth_is_elsewhere(const struct mk_http1_request *request);

/* The reason of a refusal, for the client: an English sentence. */
const char *mk_auth_explain(enum mk_auth auth, enum mk_auth_from from);

#endif
