/*
 * http1_chunks: see the header. Parses byte by byte except for the data; lines must end with CRLF.
 */
#include "wire/http1_chunks.h"

#include "base/hex.h"
#include "wire/http1_extension.h"
#include "wire/http1_private.h"

enum { MAX_EXTRA = 16 * 1024, MAX_DIGITS = 15 };

enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the beginning of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    DONE,
    BAD,
};

static uint8_t take_extension(struct mk_http1_chunks *chunks, char c)
{
    if (c == '\r')
        return mk_http1_extension_complete(chunks->extension) ? SIZE_LF : BAD;
    chunks->extension = mk_http1_extension_next(chunks->extension, c);
    bool is_bad = chunks->extension == MK_HTTP1_EXTENSION_BAD || ++chunks->extra > MAX_EXTRA;
    return is_bad ? BAD : EXTENSION;
}

static uint8_t take_size(struct mk_http1_chunks *chunks, char c)
{
    int digit = mk_hex_digit(c);
    if (digit >= 0) {
        chunks->left = chunks->left * 16 + (uint64_t)digit;
        return ++chunks->digits > MAX_DIGITS ? BAD : SIZE;
    }
    if (chunks->digits == 0)
        return BAD;
    chunks->extension = MK_HTTP1_EXTENSION_NONE;
    return take_extension(chunks, c);
}

static uint8_t take_trailer(struct mk_http1_chunks *chunks, char c)
{
    bool is_token = mk_http1_is(c, MK_HTTP1_TOKEN);
    if (c == '\r' && chunks->state != TRAILER_NAME)
        return chunks->state == TRAILER ? LAST_LF : TRAILER_LF;
    if (++chunks->extra > MAX_EXTRA)
        return BAD;
    if (chunks->state == TRAILER_VALUE)
        return mk_http1_is(c, MK_HTTP1_TEXT) ? TRAILER_VALUE : BAD;
    if (c == ':' && chunks->state == TRAILER_NAME)
        return TRAILER_VALUE;
    return is_token ? TRAILER_NAME : BAD;
}

static uint8_t wrong_at(const struct mk_http1_chunks *chunks)
{
    if (chunks->extra > MAX_EXTRA)
        return MK_HTTP1_CHUNKS_LONG_EXTRA;
    if (chunks->state == DATA_CR || chunks->state == DATA_LF)
        return MK_HTTP1_CHUNKS_WRONG_END;
    return chunks->state < DATA ? MK_HTTP1_CHUNKS_WRONG_SIZE : MK_HTTP1_CHUNKS_WRONG_TRAILER;
}

/* Returns the state after a byte that is not data. */
static uint8_t after(struct mk_http1_chunks *chunks, char c)
{
    switch (chunks->state) {
    case SIZE:
        return take_size(chunks, c);
    case EXTENSION:
        return take_extension(chunks, c);
    case SIZE_LF:
        chunks->digits = 0;
        if (c != '\n')
            return BAD;
        return chunks->left > 0 ? DATA : TRAILER;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return c == '\n' ? SIZE : BAD;
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return take_trailer(chunks, c);
    case TRAILER_LF:
        return c == '\n' ? TRAILER : BAD;
    case LAST_LF:
        return c == '\n' ? DONE : BAD;
    default:
        return BAD;
    }
}

int mk_http1_chunks_feed(struct mk_http1_chunks *chunks, struct mk_slice input, size_t *consumed,
                         struct mk_slice *data)
{
    size_t at = 0;
    int result = MK_HTTP1_CHUNKS_MORE;
    while (at < input.len && result == MK_HTTP1_CHUNKS_MORE) {
        if (chunks->state == DATA) {
            struct mk_slice rest = mk_slice_from(input, at);
            *data = mk_slice_of(rest.ptr, rest.len < chunks->left ? rest.len : chunks->left);
            chunks->left -= data->len;
            at += data->len;
            if (chunks->left == 0)
                chunks->state = DATA_CR;
            result = MK_HTTP1_CHUNKS_DATA;
        } else {
            uint8_t next = after(chunks, input.ptr[at++]);
            if (next == BAD)
                chunks->wrong = wrong_at(chunks);
            chunks->state = next;
            if (chunks->state == DONE || chunks->state == BAD)
                result = chunks->state == DONE ? MK_HTTP1_CHUNKS_END : MK_HTTP1_CHUNKS_BAD;
        }
    }
    *consumed = at;
    return result;
}
