/*
 * range: the range of bytes of a request (RFC 9110, 14), in two steps: it is read with the request,
 * and resolved when the size of the content is known.
 */
#ifndef MK_TRANSPORT_RANGE_H
#define MK_TRANSPORT_RANGE_H

#include "wire/http1.h"

#include <stdint.h>

/* A zeroed one is the whole content. */
struct mk_range {
    bool is_part;
    bool is_suffix; /* the last `last` bytes */
    uint64_t first;
    uint64_t last; /* UINT64_MAX: to the end */
};

/*
 * Reads "Range: bytes=...". Ignores a range of another unit, a malformed one, several ranges, a
 * conditional one, and that of a HEAD (14.2): then the range is the whole content.
 */
void mk_range_read(struct mk_range *range, const struct mk_http1_request *request);

/* Computes the bytes from `from` until before `end` of `size`. Returns false if there are none. */
bool mk_range_resolve(const struct mk_range *range, uint64_t size, uint64_t *from, uint64_t *end);

#endif
