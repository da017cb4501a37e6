/*
 * deflate: the compression of permessage-deflate (RFC 7692, 7.2): one message in, one message out.
 *
 * Both sides have agreed to reset the window with each message (`no_context_takeover`). So no
 * connection has a window of its own: one state for compressing and one for decompressing, made
 * when first needed, serve a whole endpoint. wire/ws_deflate negotiates the extension.
 *
 * Flow: wire/websocket -> mk_deflate_inflate; hub, web/websocket_connection ->
 * mk_deflate_compress.
 */
#ifndef MK_WIRE_DEFLATE_H
#define MK_WIRE_DEFLATE_H

#include "base/buf.h"

#include <zlib.h>

enum {
    /*
     * log2 of the window that we compress with. A larger one hardly compresses events better, and
     * many clients ask for a small one.
     */
    MK_DEFLATE_WINDOW_BITS = 12,
};

/* Counters. */
struct mk_deflate_stats {
    uint64_t compressed;   /* messages */
    uint64_t before;       /* their bytes */
    uint64_t after;        /* their bytes when compressed */
    uint64_t decompressed; /* messages */
    uint64_t refused;      /* messages that were malformed or became too long */
};

struct mk_deflate {
    size_t threshold; /* bytes; a shorter message is not compressed */
    struct mk_deflate_stats stats;
    /* internal from here on */
    z_stream deflater;
    z_stream inflater;
    bool has_deflater;
    bool has_inflater;
    struct mk_buf deflated; /* the last message compressed, */
    struct mk_buf inflated; /* and the last one decompressed */
};

/* Allocates nothing before the first message. `threshold` is in bytes. */
void mk_deflate_init(struct mk_deflate *codec, size_t threshold);
void mk_deflate_fini(struct mk_deflate *codec);

/*
 * Compresses a message, so that it can be sent with RSV1. Returns false where it should be sent
 * uncompressed: it is shorter than the threshold, it would not become shorter, or memory ran out.
 * `*compressed` is borrowed until the next call or mk_deflate_release.
 */
bool mk_deflate_compress(struct mk_deflate *codec, struct mk_slice message,
                         struct mk_slice *compressed);

enum mk_inflate_status {
    MK_INFLATE_BAD = 1, /* it is not DEFLATE, or it is truncated */
    MK_INFLATE_TOO_BIG, /* it becomes longer than `limit`, or has too many blocks */
};

/*
 * Decompresses the payload of a message with RSV1 (7.2.2). The result has at most `limit` bytes,
 * and no more memory than that is allocated. An empty payload, which no compressor makes, is an
 * empty message. `*message` is borrowed until the next call, mk_deflate_take or mk_deflate_release.
 * Returns 0, an enum mk_inflate_status or -ENOMEM.
 */
int mk_deflate_inflate(struct mk_deflate *codec, struct mk_slice payload, size_t limit,
                       struct mk_slice *message);

/*
 * Moves the last decompressed message into `message`, if it is so long that copying it would cost
 * more than new memory for the next one. Returns false otherwise.
 */
bool mk_deflate_take(struct mk_deflate *codec, struct mk_buf *message);

/*
 * Called when the last message is no longer needed: frees memory that is not worth keeping for the
 * next one.
 */
void mk_deflate_release_deflated(struct mk_deflate *codec);
void mk_deflate_release_inflated(struct mk_deflate *codec);

#endif
