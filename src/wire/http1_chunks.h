/*
 * http1_chunks: the body of a response with "Transfer-Encoding: chunked" (RFC 9112, 7.1) as it
 * comes: nothing is copied or gathered. Requests have theirs decoded by wire/http1.
 */
#ifndef MK_WIRE_HTTP1_CHUNKS_H
#define MK_WIRE_HTTP1_CHUNKS_H

#include "base/slice.h"

#include <stdint.h>

/* Zeroed at its beginning. */
struct mk_http1_chunks {
    uint64_t left;  /* bytes to come of the chunk */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t digits; /* of the size at hand */
    uint8_t state;
};

enum {
    MK_HTTP1_CHUNKS_MORE, /* all was taken */
    MK_HTTP1_CHUNKS_DATA, /* `*data` is a piece of the body, in the input; never empty */
    MK_HTTP1_CHUNKS_END,  /* the body is complete; what is behind it was not taken */
    MK_HTTP1_CHUNKS_BAD,  /* malformed, or with more than 16 KiB beside the data */
};

/* Takes `*consumed` bytes. Not to be called after END or BAD. */
int mk_http1_chunks_feed(struct mk_http1_chunks *chunks, struct mk_slice input, size_t *consumed,
                         struct mk_slice *data);

#endif
