/*
 * cors: the answers of a server to web pages of the origins that its configuration lists (Fetch,
 * 3.3): pure functions over the head of a request.
 *
 * A list of origins is a text, "https://a.example\nhttp://b.example:8080": one in each line, as
 * browsers send them. "*" is every origin, and "" none.
 */
#ifndef MK_WEB_CORS_H
#define MK_WEB_CORS_H

#include "base/buf.h"
#include "wire/http1.h"

/* Makes such a list on the heap; NULL when out of memory. */
char *mk_cors_join(const char *const *origins, size_t count);

/* Returns whether the list has the origin. */
bool mk_cors_lists(struct mk_slice origins, struct mk_slice origin);

/*
 * Returns whether the request is a preflight of a listed origin: a browser asks whether a page may
 * send a request. It has no credentials.
 */
bool mk_cors_is_preflight(struct mk_slice origins, const struct mk_http1_request *request);

/*
 * Appends the header lines that each answer to the request has: none for the list "", and no
 * permission for an origin that is not listed. Returns 0 or the error of the buf.
 */
int mk_cors_write(struct mk_buf *out, struct mk_slice origins,
                  const struct mk_http1_request *request);

/* Appends the lines that the answer to a preflight has besides. */
int mk_cors_write_preflight(struct mk_buf *out, const struct mk_http1_request *request);

#endif
