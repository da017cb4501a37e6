/* inflation: see the header. */
#include "wire/inflation.h"

#include "wire/inflate_private.h"

#include <errno.h>
#include <stdlib.h>

struct mk_inflation {
    struct mk_deflate *codec;
    struct mk_inflate_run run;
    z_stream z;
    struct mk_buf text;
    struct mk_buf waiting; /* input that waits for `most` to grow, */
    size_t waiting_from;   /* from here on */
    size_t fed;
    bool is_too_big;
    bool has_ended; /* a block marked as the last one; another stream may begin */
};

struct mk_inflation *mk_inflation_new(struct mk_deflate *codec, struct mk_inflate_window *window)
{
    struct mk_inflation *inflation = calloc(1, sizeof(*inflation));
    if (!inflation)
        return NULL;
    inflation->codec = codec;
    inflation->run = (struct mk_inflate_run){
        .z = &inflation->z, .window = window, .out = &inflation->text, .waits = true
    };
    mk_buf_init(&inflation->text, 0);
    mk_buf_init(&inflation->waiting, SIZE_MAX);
    if (inflateInit2(&inflation->z, -MAX_WBITS) != Z_OK) {
        free(inflation);
        return NULL;
    }
    if (mk_inflate_restore(&inflation->run) < 0)
        return mk_inflation_free(inflation);
    return inflation;
}

struct mk_inflation *mk_inflation_free(struct mk_inflation *inflation)
{
    if (inflation) {
        inflateEnd(&inflation->z);
        mk_buf_fini(&inflation->text);
        mk_buf_fini(&inflation->waiting);
        free(inflation);
    }
    return NULL;
}

/* Appends a piece to what waits, whose beginning is removed when it is the larger part. */
static int append_waiting(struct mk_inflation *inflation, struct mk_slice piece)
{
    struct mk_buf *waiting = &inflation->waiting;
    if (inflation->waiting_from > waiting->len / 2) {
        waiting->len -= inflation->waiting_from;
        memmove(waiting->data, waiting->data + inflation->waiting_from, waiting->len);
        inflation->waiting_from = 0;
    }
    return mk_buf_append_slice(waiting, piece);
}

/* Keeps what zlib has not taken of `input`, which is the piece or what has waited. */
static int keep_rest(struct mk_inflation *inflation, struct mk_slice input, bool has_waited)
{
    struct mk_slice rest = mk_slice_from(input, input.len - inflation->z.avail_in);
    if (has_waited && rest.len > 0) {
        inflation->waiting_from = inflation->waiting.len - rest.len;
        return 0;
    }
    if (rest.len > 0)
        return mk_buf_append_slice(&inflation->waiting, rest);
    mk_buf_fini(&inflation->waiting);
    inflation->waiting_from = 0;
    return 0;
}

static int run(struct mk_inflation *inflation, struct mk_slice piece)
{
    struct mk_slice input = piece;
    bool has_waited = inflation->waiting.len > 0;
    int rc = has_waited ? append_waiting(inflation, piece) : 0;
    if (has_waited)
        input = mk_slice_from(mk_buf_slice(&inflation->waiting), inflation->waiting_from);
    if (rc == 0 && inflation->has_ended && input.len > 0) {
        inflateReset(&inflation->z);
        inflation->has_ended = false;
        rc = mk_inflate_restore(&inflation->run);
    }
    if (rc < 0 || inflation->has_ended)
        return rc;
    rc = mk_inflate_piece(&inflation->run, input);
    inflation->has_ended = rc == MK_INFLATE_ENDED;
    if (rc == MK_INFLATE_ENDED || rc == MK_INFLATE_WAITS)
        rc = 0;
    return rc == 0 ? keep_rest(inflation, input, has_waited) : rc;
}

int mk_inflation_feed(struct mk_inflation *inflation, struct mk_slice piece, size_t most,
                      size_t expected)
{
    struct mk_buf *text = &inflation->text;
    inflation->fed += piece.len;
    text->max = expected;
    if (text->cap < expected && mk_buf_reserve_announced(text, 0, expected - text->len) < 0)
        return -ENOMEM;
    text->max = most;
    int rc = inflation->is_too_big ? 0 : run(inflation, piece);
    if (rc != MK_INFLATE_TOO_BIG)
        return rc;
    inflation->is_too_big = true;
    mk_buf_fini(text);
    return 0;
}

static int end(struct mk_inflation *inflation, size_t limit)
{
    inflation->text.max = limit;
    inflation->run.waits = false;
    int rc = inflation->is_too_big ? MK_INFLATE_TOO_BIG : run(inflation, (struct mk_slice){ 0 });
    return rc == 0 && !inflation->has_ended ? mk_inflate_end(&inflation->run) : rc;
}

int mk_inflation_end(struct mk_inflation *inflation, size_t limit)
{
    int rc = end(inflation, limit);
    rc = mk_inflate_slide(inflation->run.window, rc, mk_buf_slice(&inflation->text));
    if (rc == 0)
        inflation->codec->stats.decompressed++;
    else
        inflation->codec->stats.refused++;
    return rc;
}

size_t mk_inflation_fed(const struct mk_inflation *inflation)
{
    return inflation->fed;
}

struct mk_slice mk_inflation_text(const struct mk_inflation *inflation)
{
    return mk_buf_slice(&inflation->text);
}

void mk_inflation_take(struct mk_inflation *inflation, struct mk_buf *message)
{
    mk_buf_shrink(&inflation->text);
    *message = inflation->text;
    mk_buf_init(&inflation->text, 0);
}
