/* inflate: zlib's raw DEFLATE, decompressed one message at a time, and the windows of peers. */
#include "wire/inflate_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
    /*
     * A block costs up to a microsecond even when it is empty, so a message may have at most
     * FREE_BLOCKS and one for each BYTES_PER_BLOCK of its bytes. zlib makes blocks of at least 128
     * bytes.
     */
    FREE_BLOCKS = 4096,
    BYTES_PER_BLOCK = 64,
    FIRST_WINDOW = 1024,
};
enum { LAST_BLOCK = 64, BETWEEN_BLOCKS = 128 }; /* in data_type, which also has unused bits */

static const char tail[MK_DEFLATE_TAIL] = { 0, 0, (char)0xff, (char)0xff };

struct mk_inflate_window {
    struct mk_deflate *codec;
    size_t size;
    size_t len;
    size_t cap;
    char *bytes;
};

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

static int make_room(struct mk_inflate_run *run)
{
    struct mk_buf *out = run->out;
    size_t room = out->max - out->len;
    if (room == 0) {
        run->z->next_out = &run->beyond;
        run->z->avail_out = 1;
        return 0;
    }
    if (out->cap <= out->len &&
        mk_buf_reserve(out, room < MK_DEFLATE_KEPT ? room : MK_DEFLATE_KEPT) < 0)
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
static int step(struct mk_inflate_run *run, int *status)
{
    bool is_full = run->out->len >= run->out->max;
    if (is_full && run->waits)
        return MK_INFLATE_WAITS;
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

static bool too_many_blocks(struct mk_inflate_run *run)
{
    return ++run->blocks > FREE_BLOCKS + run->out->len / BYTES_PER_BLOCK;
}

int mk_inflate_restore(struct mk_inflate_run *run)
{
    if (!run->window)
        return 0;
    int rc = set_history(run->z, run->window->bytes, run->window->len);
    return rc < 0 ? rc : set_history(run->z, run->out->data, run->out->len);
}

int mk_inflate_piece(struct mk_inflate_run *run, struct mk_slice piece)
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
            return MK_INFLATE_ENDED;
        if (status == Z_STREAM_END) {
            inflateReset(z);
            rc = mk_inflate_restore(run);
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

int mk_inflate_end(struct mk_inflate_run *run)
{
    int rc = mk_inflate_piece(run, mk_slice_of(tail, MK_DEFLATE_TAIL));
    if (rc != 0)
        return rc == MK_INFLATE_ENDED ? 0 : rc;
    return run->z->data_type == BETWEEN_BLOCKS ? 0 : MK_INFLATE_BAD;
}

static int run_message(struct mk_inflate_run *run, struct mk_slice payload)
{
    if (payload.len > UINT_MAX)
        return MK_INFLATE_TOO_BIG;
    int rc = mk_inflate_restore(run);
    if (rc == 0)
        rc = mk_inflate_piece(run, payload);
    if (rc != 0)
        return rc == MK_INFLATE_ENDED ? 0 : rc;
    return mk_inflate_end(run);
}

int mk_inflate_slide(struct mk_inflate_window *window, int status, struct mk_slice message)
{
    if (window && status == 0)
        status = slide_window(window, message);
    if (window && status != 0) /* a peer that begins each message anew goes on all the same */
        window->len = 0;
    return status;
}

int mk_deflate_inflate(struct mk_deflate *codec, struct mk_slice payload, size_t limit,
                       struct mk_slice *message)
{
    return mk_deflate_inflate_next(codec, NULL, payload, limit, message);
}

int mk_deflate_inflate_next(struct mk_deflate *codec, struct mk_inflate_window *window,
                            struct mk_slice payload, size_t limit, struct mk_slice *message)
{
    struct mk_inflate_run run = { .z = &codec->inflater,
                                  .window = window,
                                  .out = &codec->inflated };
    run.out->len = 0;
    run.out->max = limit;
    int rc = begin_decompressing(codec);
    if (rc == 0 && payload.len > 0)
        rc = run_message(&run, payload);
    rc = mk_inflate_slide(window, rc, mk_buf_slice(run.out));
    if (rc == 0) {
        codec->stats.decompressed++;
        *message = mk_buf_slice(run.out);
        return 0;
    }
    codec->stats.refused++;
    mk_deflate_release_inflated(codec);
    return rc;
}

bool mk_deflate_take(struct mk_deflate *codec, struct mk_buf *message)
{
    if (codec->inflated.cap <= MK_DEFLATE_KEPT)
        return false;
    *message = codec->inflated;
    mk_buf_init(&codec->inflated, SIZE_MAX);
    return true;
}

void mk_deflate_release_inflated(struct mk_deflate *codec)
{
    mk_buf_reset(&codec->inflated, MK_DEFLATE_KEPT);
}
