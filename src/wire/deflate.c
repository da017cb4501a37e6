/* deflate: the shared state, and compressing. Decompressing is in wire/inflate. */
#include "wire/deflate.h"

#include <limits.h>

enum {
    /* Level 1 takes 6 µs for 1 KiB and leaves a third of it; level 6 takes 9, for 2 % less. */
    LEVEL = 1,
    MEMORY_LEVEL = 5, /* 8 KiB of hash table, which is cleared for each message */
    MOST_WINDOWS = 32 * 1024 * 1024,
};

void mk_deflate_init(struct mk_deflate *codec, size_t threshold)
{
    *codec = (struct mk_deflate){ .threshold = threshold, .most_windows = MOST_WINDOWS };
    mk_buf_init(&codec->deflated, SIZE_MAX);
    mk_buf_init(&codec->inflated, SIZE_MAX);
}

void mk_deflate_fini(struct mk_deflate *codec)
{
    if (codec->has_deflater)
        deflateEnd(&codec->deflater);
    if (codec->has_inflater)
        inflateEnd(&codec->inflater);
    mk_buf_fini(&codec->deflated);
    mk_buf_fini(&codec->inflated);
    codec->has_deflater = codec->has_inflater = false;
}

/* --- compressing --- */

static bool begin_compressing(struct mk_deflate *codec)
{
    if (codec->has_deflater)
        return deflateReset(&codec->deflater) == Z_OK;
    codec->has_deflater = deflateInit2(&codec->deflater, LEVEL, Z_DEFLATED, -MK_DEFLATE_WINDOW_BITS,
                                       MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return codec->has_deflater;
}

bool mk_deflate_compress(struct mk_deflate *codec, struct mk_slice message,
                         struct mk_slice *compressed)
{
    struct mk_buf *out = &codec->deflated;
    z_stream *z = &codec->deflater;
    out->len = 0;
    if (message.len < codec->threshold || message.len > UINT_MAX ||
        mk_buf_reserve(out, message.len) < 0 || !begin_compressing(codec))
        return false;
    z->next_in = (Bytef *)(uintptr_t)message.ptr;
    z->avail_in = (uInt)message.len;
    z->next_out = (Bytef *)out->data;
    z->avail_out = (uInt)message.len;
    /* A message that does not fit has not become shorter. */
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in > 0 || z->avail_out == 0)
        return false;
    out->len = message.len - z->avail_out - MK_DEFLATE_TAIL;
    codec->stats.compressed++;
    codec->stats.before += message.len;
    codec->stats.after += out->len;
    *compressed = mk_buf_slice(out);
    return true;
}

void mk_deflate_release_deflated(struct mk_deflate *codec)
{
    mk_buf_reset(&codec->deflated, MK_DEFLATE_KEPT);
}
