/*
 * http1_chunks: decodes the body of a response with "Transfer-Encoding: chunked" (RFC 9112, 7.1) as
 * it arrives: nothing is copied or gathered. Bodies of requests are decoded by wire/http1.
 */
#ifndef MK_WIRE_HTTP1_CHUNKS_H
#define MK_WIRE_HTTP1_CHUNKS_H

#include "base/slice.h"

#include <stdint.h>

/* To be zeroed before the first use. */
struct mk_http1_chunks {
    uint64_t left;  /* bytes of the chunk still to come */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t digits; /* of the current size */
    uint8_t state;
};

enum {
    MK_HTTP1_CHUNKS_MORE, /* all input was taken */
    MK_HTTP1_CHUNKS_DATA, /* `*data` is a piece of the body, in the input; never empty */
    MK_HTTP1_CHUNKS_END,  /* the body is complete; bytes behind it were not taken */
    MK_HTTP1_CHUNKS_BAD,  /* malformed, or more than 16 KiB of extensions and trailers */
};

/* Takes `*consumed` bytes. Must not be called after END or BAD. */
int mk_http1_chunks_feed(struct mk_http1_chunks *chunks, struct mk_slice input, size_t *consumed,
                         struct mk_slice *data);

#endif
