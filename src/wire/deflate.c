/* deflate: zlib's raw DEFLATE, one message at a time. */
#include "wire/deflate.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
    /* Level 1 takes 6 µs for 1 KiB and leaves a third of it; level 6 takes 9, for 2 % less. */
    LEVEL = 1,
    MEMORY_LEVEL = 5, /* 8 KiB of hash table, which is cleared for each message */
    TAIL = 4,         /* bytes at the end of each compressed message that are left out (7.2.1) */
    KEPT = 64 * 1024, /* bytes of a buffer that outlive their message */
    /*
     * A block costs up to a microsecond even when it is empty, so a message may have at most
     * FREE_BLOCKS and one for each BYTES_PER_BLOCK of its bytes. zlib makes blocks of at least 128
     * bytes.
     */
    FREE_BLOCKS = 4096,
    BYTES_PER_BLOCK = 64,
    MOST_WINDOWS = 32 * 1024 * 1024,
    FIRST_WINDOW = 1024,
};
enum { LAST_BLOCK = 64, BETWEEN_BLOCKS = 128 }; /* in data_type, which also has unused bits */
enum { ENDED = 100 }; /* a block marked as the last one ended with the input */

struct mk_inflate_window {
    struct mk_deflate *codec;
    size_t size;
    size_t len;
    size_t cap;
    char *bytes;
};

static const char tail[TAIL] = { 0, 0, (char)0xff, (char)0xff };

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
    out->len = message.len - z->avail_out - TAIL;
    codec->stats.compressed++;
    codec->stats.before += message.len;
    codec->stats.after += out->len;
    *compressed = mk_buf_slice(out);
    return true;
}

/* --- the windows of peers --- */

size_t mk_deflate_window_room(const struct mk_deflate *codec)
{
    return codec->windows < codec->most_windows ? codec->most_windows - codec->windows : 0;
}

struct mk_inflate_window *mk_inflate_window_new(struct mk_deflate *codec, unsigned bits)
{
    size_t size = (size_t)1 << bits;
    if (size > mk_deflate_window_room(codec))
        return NULL;
    struct mk_inflate_window *window = calloc(1, sizeof(*window));
    if (!window)
        return NULL;
    window->codec = codec;
    window->size = size;
    codec->windows += size;
    return window;
}

struct mk_inflate_window *mk_inflate_window_free(struct mk_inflate_window *window)
{
    if (window) {
        window->codec->windows -= window->size;
        free(window->bytes);
        free(window);
    }
    return NULL;
}

bool mk_compression_init(struct mk_compression *compression, struct mk_deflate *codec,
                         unsigned peer_bits)
{
    struct mk_inflate_window *window = NULL;
    *compression = (struct mk_compression){ 0 };
    if (peer_bits > 0 && !(window = mk_inflate_window_new(codec, peer_bits)))
        return false;
    *compression = (struct mk_compression){ .codec = codec, .window = window };
    return true;
}

static int grow_window(struct mk_inflate_window *window, size_t len)
{
    size_t cap = window->cap > 0 ? window->cap : FIRST_WINDOW;
    while (cap < len)
        cap *= 2;
    if (cap > window->size)
        cap = window->size;
    if (cap <= window->cap)
        return 0;
    char *bytes = realloc(window->bytes, cap);
    if (!bytes)
        return -ENOMEM;
    window->bytes = bytes;
    window->cap = cap;
    return 0;
}

/* Moves the window behind a message. */
static int slide_window(struct mk_inflate_window *window, struct mk_slice message)
{
    if (message.len > window->size)
        message = mk_slice_from(message, message.len - window->size);
    if (message.len == 0)
        return 0;
    size_t kept = window->size - message.len;
    if (kept > window->len)
        kept = window->len;
    if (grow_window(window, kept + message.len) < 0)
        return -ENOMEM;
    memmove(window->bytes, window->bytes + (window->len - kept), kept);
    memcpy(window->bytes + kept, message.ptr, message.len);
    window->len = kept + message.len;
    return 0;
}

/* --- decompressing --- */

static int begin_decompressing(struct mk_deflate *codec)
{
    if (codec->has_inflater)
        return inflateReset(&codec->inflater) == Z_OK ? 0 : -ENOMEM;
    codec->has_inflater = inflateInit2(&codec->inflater, -MAX_WBITS) == Z_OK;
    return codec->has_inflater ? 0 : -ENOMEM;
}

static int set_history(z_stream *z, const char *bytes, size_t len)
{
    enum { MOST = 1 << MAX_WBITS };
    if (len == 0)
        return 0;
    size_t some = len < MOST ? len : MOST;
    const Bytef *from = (const Bytef *)bytes + (len - some);
    return inflateSetDictionary(z, from, (uInt)some) == Z_OK ? 0 : -ENOMEM;
}

struct run {
    z_stream *z;
    struct mk_inflate_window *window; /* NULL: each message begins anew */
    struct mk_buf *out;               /* its `max` is the limit */
    size_t blocks;
    Bytef beyond; /* receives the first byte beyond the limit */
};

static int make_room(struct run *run)
{
    struct mk_buf *out = run->out;
    size_t room = out->max - out->len;
    if (room == 0) {
        run->z->next_out = &run->beyond;
        run->z->avail_out = 1;
        return 0;
    }
    if (out->cap <= out->len && mk_buf_reserve(out, room < KEPT ? room : KEPT) < 0)
        return -ENOMEM;
    if (room > out->cap - out->len)
        room = out->cap - out->len;
    run->z->next_out = (Bytef *)out->data + out->len;
    run->z->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    return 0;
}

/*
 * Runs zlib to the end of a block, of the input or of the room; `*status` is zlib's result. Returns
 * 0, or an error as mk_deflate_inflate does.
 */
static int step(struct run *run, int *status)
{
    bool is_full = run->out->len == run->out->max;
    int rc = make_room(run);
    if (rc < 0)
        return rc;
    uInt room = run->z->avail_out;
    *status = inflate(run->z, Z_BLOCK);
    uInt got = room - run->z->avail_out;
    if (is_full)
        return got > 0 ? MK_INFLATE_TOO_BIG : 0;
    run->out->len += got;
    return *status == Z_MEM_ERROR ? -ENOMEM : 0;
}

static bool too_many_blocks(struct run *run)
{
    return ++run->blocks > FREE_BLOCKS + run->out->len / BYTES_PER_BLOCK;
}

/* The history of a stream that begins: the window, and the message so far (zlib appends it). */
static int restore_history(struct run *run)
{
    if (!run->window)
        return 0;
    int rc = set_history(run->z, run->window->bytes, run->window->len);
    return rc < 0 ? rc : set_history(run->z, run->out->data, run->out->len);
}

/*
 * Decompresses a piece of a message. Another stream may begin behind a block that is marked as the
 * last one (7.2.3.4). Returns 0 when more input is needed, ENDED, or an error as mk_deflate_inflate
 * does.
 */
static int run_piece(struct run *run, struct mk_slice piece)
{
    z_stream *z = run->z;
    z->next_in = (Bytef *)(uintptr_t)piece.ptr;
    z->avail_in = (uInt)piece.len;
    for (;;) {
        int status;
        int rc = step(run, &status);
        if (rc != 0)
            return rc;
        if (status == Z_STREAM_END && z->avail_in == 0)
            return ENDED;
        if (status == Z_STREAM_END) {
            inflateReset(z);
            rc = restore_history(run);
            if (rc < 0)
                return rc;
            continue;
        }
        bool between = z->data_type & BETWEEN_BLOCKS;
        if (between && too_many_blocks(run))
            return MK_INFLATE_TOO_BIG;
        if (status != Z_OK && status != Z_BUF_ERROR)
            return MK_INFLATE_BAD;
        bool ending = between && (z->data_type & LAST_BLOCK);
        if (z->avail_in == 0 && !ending && (z->avail_out > 0 || status == Z_BUF_ERROR))
            return 0;
        if (status == Z_BUF_ERROR && !between) /* it makes no progress */
            return MK_INFLATE_BAD;
    }
}

/* With its tail appended again, a valid message ends between two blocks and on a byte boundary. */
static int run_message(struct run *run, struct mk_slice payload)
{
    if (payload.len > UINT_MAX)
        return MK_INFLATE_TOO_BIG;
    int rc = restore_history(run);
    if (rc == 0)
        rc = run_piece(run, payload);
    if (rc != 0)
        return rc == ENDED ? 0 : rc;
    rc = run_piece(run, mk_slice_of(tail, TAIL));
    if (rc != 0 && rc != ENDED)
        return rc;
    return rc == 0 && run->z->data_type == BETWEEN_BLOCKS ? 0 : MK_INFLATE_BAD;
}

int mk_deflate_inflate(struct mk_deflate *codec, struct mk_slice payload, size_t limit,
                       struct mk_slice *message)
{
    return mk_deflate_inflate_next(codec, NULL, payload, limit, message);
}

int mk_deflate_inflate_next(struct mk_deflate *codec, struct mk_inflate_window *window,
                            struct mk_slice payload, size_t limit, struct mk_slice *message)
{
    struct run run = { .z = &codec->inflater, .window = window, .out = &codec->inflated };
    run.out->len = 0;
    run.out->max = limit;
    int rc = begin_decompressing(codec);
    if (rc == 0 && payload.len > 0)
        rc = run_message(&run, payload);
    if (rc == 0 && window)
        rc = slide_window(window, mk_buf_slice(run.out));
    if (rc == 0) {
        codec->stats.decompressed++;
        *message = mk_buf_slice(run.out);
        return 0;
    }
    if (window) /* a peer that begins each message anew goes on all the same */
        window->len = 0;
    codec->stats.refused++;
    mk_deflate_release_inflated(codec);
    return rc;
}

bool mk_deflate_take(struct mk_deflate *codec, struct mk_buf *message)
{
    if (codec->inflated.cap <= KEPT)
        return false;
    *message = codec->inflated;
    mk_buf_init(&codec->inflated, SIZE_MAX);
    return true;
}

void mk_deflate_release_deflated(struct mk_deflate *codec)
{
    mk_buf_reset(&codec->deflated, KEPT);
}

void mk_deflate_release_inflated(struct mk_deflate *codec)
{
    mk_buf_reset(&codec->inflated, KEPT);
}
