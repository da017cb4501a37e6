/*
 * http1_chunks: decodes the body of a response with "Transfer-Encoding: chunked" (RFC 9112, 7.1) as
 * it arrives: nothing is copied or gathered. Bodies of requests are decoded by wire/http1.
 */
#ifndef MK_WIRE_HTTP1_CHUNKS_H
#define MK_WIRE_HTTP1_CHUNKS_H

#include "base/slice.h"

#include <stdint.h>

/* What is wrong, after BAD. */
enum mk_http1_chunks_wrong {
    MK_HTTP1_CHUNKS_WRONG_SIZE,    /* a malformed size, or line of a size */
    MK_HTTP1_CHUNKS_WRONG_END,     /* no CRLF behind the data */
    MK_HTTP1_CHUNKS_WRONG_TRAILER, /* a malformed trailer, or end of the body */
    MK_HTTP1_CHUNKS_LONG_EXTRA,    /* more than 16 KiB of extensions and trailers */
};

/* To be zeroed before the first use. */
struct mk_http1_chunks {
    uint64_t left;  /* bytes of the chunk still to come */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t digits; /* of the current size */
    uint8_t state;
    uint8_t extension; /* an enum mk_http1_extension */
    uint8_t wrong;     /* an enum mk_http1_chunks_wrong */
};

enum {
    MK_HTTP1_CHUNKS_MORE, /* all input was taken */
    MK_HTTP1_CHUNKS_DATA, /* `*data` is a piece of the body, in the input; never empty */
    MK_HTTP1_CHUNKS_END,  /* the body is complete; bytes behind it were not taken */
    MK_HTTP1_CHUNKS_BAD,  /* refused: see `wrong`; the last byte that was taken is the first wrong
                             one */
};

/* Takes `*consumed` bytes. Must not be called after END or BAD. */
int mk_http1_chunks_feed(struct mk_http1_chunks *chunks, struct mk_slice input, size_t *consumed,
                         struct mk_slice *data);

#endif
