/*
 * deflate: the compression of permessage-deflate (RFC 7692, 7.2): one message in, one message out.
 *
 * Both sides have agreed to begin each message anew (`no_context_takeover`). So no connection has a
 * window of its own: one state for compressing and one for decompressing, made when they are first
 * needed, serve a whole endpoint. Who has agreed is ws_deflate's to find out.
 *
 * Flow: wire/websocket -> mk_deflate_inflate; hub, web/websocket_connection ->
 * mk_deflate_compress.
 */
#ifndef MK_WIRE_DEFLATE_H
#define MK_WIRE_DEFLATE_H

#include "base/buf.h"

#include <zlib.h>

enum {
    /* log2 of the window that we compress with; more gains messages of this kind next to nothing,
     * and many clients ask for no more than this. */
    MK_DEFLATE_WINDOW_BITS = 12,
};

/* What there was to do. */
struct mk_deflate_stats {
    uint64_t compressed;   /* messages */
    uint64_t before;       /* their bytes */
    uint64_t after;        /* what they became */
    uint64_t decompressed; /* messages */
    uint64_t refused;      /* messages that could not be, or became too long */
};

struct mk_deflate {
    size_t threshold; /* bytes; a shorter message is not compressed */
    struct mk_deflate_stats stats;
    /* what follows is its own */
    z_stream deflater;
    z_stream inflater;
    bool has_deflater;
    bool has_inflater;
    struct mk_buf deflated; /* the last message compressed, */
    struct mk_buf inflated; /* and the last one decompressed */
};

/* No memory is taken before the first message. `threshold` in bytes. */
void mk_deflate_init(struct mk_deflate *codec, size_t threshold);
void mk_deflate_fini(struct mk_deflate *codec);

/*
 * Compresses a message, so that it can be sent with RSV1. False where it is to be sent as it is:
 * it is under the threshold, it would not become shorter, or out of memory. `*compressed` is
 * borrowed until the next call or mk_deflate_release.
 */
bool mk_deflate_compress(struct mk_deflate *codec, struct mk_slice message,
                         struct mk_slice *compressed);

enum mk_inflate_status {
    MK_INFLATE_BAD = 1, /* it is no DEFLATE, or is cut short */
    MK_INFLATE_TOO_BIG, /* it becomes longer than `limit`, or costs more than such a message may */
};

/*
 * Decompresses the payload of a message with RSV1 (7.2.2). No more than `limit` bytes come of it,
 * and no more memory is taken than for these. An empty payload, which no compressor makes, is an
 * empty message. `*message` is borrowed until the next call, mk_deflate_take or mk_deflate_release.
 * Returns 0, an enum mk_inflate_status or -ENOMEM.
 */
int mk_deflate_inflate(struct mk_deflate *codec, struct mk_slice payload, size_t limit,
                       struct mk_slice *message);

/*
 * Gives the message away that was decompressed last, where it is so long that copying it would be
 * worse than new memory for the next one; else false.
 */
bool mk_deflate_take(struct mk_deflate *codec, struct mk_buf *message);

/* The last messages have been dealt with: frees what should not be kept for the next ones. */
void mk_deflate_release_deflated(struct mk_deflate *codec);
void mk_deflate_release_inflated(struct mk_deflate *codec);

#endif
