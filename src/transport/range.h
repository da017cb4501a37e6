/*
 * range: the one range of bytes that a request may ask for (RFC 9110, 14), in two steps: what it
 * says is read when it comes, what that means when the size of the content is known.
 */
#ifndef MK_TRANSPORT_RANGE_H
#define MK_TRANSPORT_RANGE_H

#include "wire/http1.h"

#include <stdint.h>

/* Zeroed asks for everything. */
struct mk_range {
    bool is_part;
    bool is_suffix; /* the last `last` bytes */
    uint64_t first;
    uint64_t last; /* UINT64_MAX: to the end */
};

/*
 * Reads "Range: bytes=...". A range of another kind, malformed, or of several parts is passed over,
 * as is one with a condition, or of a HEAD (14.2): then everything is asked for.
 */
void mk_range_read(struct mk_range *range, const struct mk_http1_request *request);

/* The bytes from `from` until before `end` of `size`. Returns false where there is none of them. */
bool mk_range_resolve(const struct mk_range *range, uint64_t size, uint64_t *from, uint64_t *end);

#endif
