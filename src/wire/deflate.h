/*
 * deflate: the compression of permessage-deflate (RFC 7692, 7.2): one message in, one message out.
 *
 * One state for compressing and one for decompressing, made when first needed, serve a whole
 * endpoint: we begin each message anew (`no_context_takeover`). A peer that may not have agreed to
 * do the same refers back to its earlier messages, so its connection keeps the end of them (struct
 * mk_inflate_window). wire/ws_deflate negotiates the extension.
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
    MK_DEFLATE_LARGEST_WINDOW = 32 * 1024, /* that a peer may have */
    MK_DEFLATE_KEPT = 64 * 1024,           /* bytes of a buffer that outlive their message */
    MK_DEFLATE_TAIL = 4, /* bytes at the end of each compressed message that are left out (7.2.1) */
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
    size_t threshold;    /* bytes; a shorter message is not compressed */
    size_t most_windows; /* bytes of all windows of peers together (32 MiB) */
    size_t windows;      /* bytes of those that are reserved */
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
 * The last bytes that a peer has compressed, which its next message may refer to: 1 << bits of them
 * (RFC 7692, 7.1.2). The memory is allocated as messages come; its size counts from the beginning.
 * Borrows the codec.
 */
struct mk_inflate_window;

/* The bytes that further windows may have. */
size_t mk_deflate_window_room(const struct mk_deflate *codec);

/* Returns NULL where the bytes of all windows would exceed `most_windows`, or out of memory. */
struct mk_inflate_window *mk_inflate_window_new(struct mk_deflate *codec, unsigned bits);
/* NULL is allowed; returns NULL. */
struct mk_inflate_window *mk_inflate_window_free(struct mk_inflate_window *window);

/* How the messages of a connection are compressed. */
struct mk_compression {
    struct mk_deflate *codec;         /* NULL: not at all */
    struct mk_inflate_window *window; /* that the peer continues; NULL: it begins each anew */
};

/*
 * Fills it in; `peer_bits` is 0 where there is no window. Returns false, with nothing reserved,
 * where mk_inflate_window_new returns NULL.
 */
bool mk_compression_init(struct mk_compression *compression, struct mk_deflate *codec,
                         unsigned peer_bits);

/* The same as mk_deflate_inflate for a peer that continues its window; NULL: it does not. */
int mk_deflate_inflate_next(struct mk_deflate *codec, struct mk_inflate_window *window,
                            struct mk_slice payload, size_t limit, struct mk_slice *message);

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
