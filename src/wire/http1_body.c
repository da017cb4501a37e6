/*
 * http1_body: bodies with a Content-Length, which are not copied if they lie whole in the input,
 * and chunked ones (RFC 9112, 7.1), which are decoded into the parser's memory.
 */
#include "wire/http1_private.h"

#include "base/hex.h"
#include "wire/http1_extension.h"

enum {
    FIRST_RESERVE = 64 * 1024, /* the most that a Content-Length alone makes us allocate */
    MAX_SIZE_DIGITS = 16,
};

static int complete(struct mk_http1_parser *parser)
{
    if (parser->body.len > 0)
        parser->request.body = mk_buf_slice(&parser->body);
    parser->state = MK_HTTP1_DONE;
    return MK_HTTP1_REQUEST;
}

static int bad(struct mk_http1_parser *parser, uint16_t status, const char *reason)
{
    mk_http1_refuse(&parser->error, status, reason);
    parser->state = MK_HTTP1_FAILED;
    return MK_HTTP1_BAD;
}

/* Takes the available part of the `left` bytes of content. */
static int take(struct mk_http1_parser *parser, const char *data, size_t len, size_t *taken)
{
    size_t count = len < parser->left ? len : (size_t)parser->left;
    if (parser->streams) {
        parser->request.body = mk_slice_of(data, parser->skip_body ? 0 : count);
    } else if (!parser->skip_body && count > 0) {
        int rc = mk_buf_reserve_announced(&parser->body, count, parser->left);
        if (rc == 0)
            rc = mk_buf_append(&parser->body, data, count);
        if (rc < 0)
            return rc;
    }
    parser->left -= count;
    *taken = count;
    return 0;
}

static int stream_length(struct mk_http1_parser *parser, const char *data, size_t len,
                         size_t *consumed)
{
    int rc = take(parser, data, len, consumed);
    if (rc < 0 || parser->left == 0)
        return rc < 0 ? rc : complete(parser);
    return parser->request.body.len > 0 ? MK_HTTP1_PIECE : MK_HTTP1_NEED_MORE;
}

static int feed_length(struct mk_http1_parser *parser, const char *data, size_t len,
                       size_t *consumed)
{
    bool is_whole = len >= parser->left && parser->body.len == 0;
    if (is_whole && !parser->skip_body) {
        *consumed = (size_t)parser->left;
        if (parser->left > 0)
            parser->request.body = mk_slice_of(data, *consumed);
        return complete(parser);
    }
    int rc = 0;
    if (parser->body.cap == 0 && len > 0 && !parser->skip_body)
        rc = mk_buf_reserve(&parser->body,
                            parser->left < FIRST_RESERVE ? (size_t)parser->left : FIRST_RESERVE);
    if (rc == 0)
        rc = take(parser, data, len, consumed);
    if (rc < 0)
        return rc;
    return parser->left > 0 ? MK_HTTP1_NEED_MORE : complete(parser);
}

static int size_line_ended(struct mk_http1_parser *parser)
{
    if (parser->left == 0) {
        parser->state = MK_HTTP1_TRAILER_FIRST;
        return 0;
    }
    if (!parser->streams && parser->left > parser->limits.body - parser->body_len)
        return bad(parser, 413, "body over the limit");
    parser->body_len += parser->left;
    parser->state = MK_HTTP1_CHUNK_DATA;
    return 0;
}

/* Parses one byte of a chunk's first line: size, extensions, CRLF. */
static int size_step(struct mk_http1_parser *parser, char c)
{
    int digit = mk_hex_digit(c);
    bool in_size = parser->state <= MK_HTTP1_CHUNK_SIZE;
    if (parser->state == MK_HTTP1_CHUNK_LF)
        return c == '\n' ? size_line_ended(parser) : bad(parser, 400, "malformed chunk line end");
    if (parser->state == MK_HTTP1_CHUNK_FIRST) {
        parser->left = 0;
        parser->digits = 0;
        parser->extension = MK_HTTP1_EXTENSION_NONE;
        if (digit < 0)
            return bad(parser, 400, "malformed chunk size");
    }
    if (in_size && digit >= 0) {
        if (++parser->digits > MAX_SIZE_DIGITS)
            return bad(parser, 400, "chunk size out of range");
        parser->left = parser->left * 16 + (uint64_t)digit;
        parser->state = MK_HTTP1_CHUNK_SIZE;
        return 0;
    }
    if (c == '\r' && mk_http1_extension_complete(parser->extension)) {
        parser->state = MK_HTTP1_CHUNK_LF;
        return 0;
    }
    parser->state = MK_HTTP1_CHUNK_EXTENSION;
    parser->extension = mk_http1_extension_next(parser->extension, c);
    if (parser->extension != MK_HTTP1_EXTENSION_BAD)
        return 0;
    return bad(parser, 400, in_size ? "malformed chunk size" : "malformed chunk extension");
}

/*
 * Parses one byte behind the last chunk: trailers, which are checked and dropped, and the empty
 * line.
 */
static int trailer_step(struct mk_http1_parser *parser, char c)
{
    switch (parser->state) {
    case MK_HTTP1_TRAILER_FIRST:
        if (c == '\r') {
            parser->state = MK_HTTP1_LAST_LF;
            return 0;
        }
        if (!mk_http1_is(c, MK_HTTP1_TOKEN))
            break;
        if (++parser->trailer_count > parser->limits.header_count)
            return bad(parser, 431, "too many trailers");
        parser->state = MK_HTTP1_TRAILER_NAME;
        return 0;
    case MK_HTTP1_TRAILER_NAME:
        if (c == ':')
            parser->state = MK_HTTP1_TRAILER_VALUE;
        else if (!mk_http1_is(c, MK_HTTP1_TOKEN))
            break;
        return 0;
    case MK_HTTP1_TRAILER_VALUE:
        if (c == '\r')
            parser->state = MK_HTTP1_TRAILER_LF;
        else if (!mk_http1_is(c, MK_HTTP1_TEXT))
            break;
        return 0;
    case MK_HTTP1_TRAILER_LF:
        if (c != '\n')
            break;
        parser->state = MK_HTTP1_TRAILER_FIRST;
        return 0;
    default: /* MK_HTTP1_LAST_LF */
        if (c != '\n')
            break;
        return complete(parser);
    }
    return bad(parser, 400, "malformed trailer");
}

/* Parses one byte that is not content. Returns 0 to continue. */
static int framing_step(struct mk_http1_parser *parser, char c)
{
    if (parser->state == MK_HTTP1_CHUNK_DATA_CR || parser->state == MK_HTTP1_CHUNK_DATA_LF) {
        bool is_cr = parser->state == MK_HTTP1_CHUNK_DATA_CR;
        if (c != (is_cr ? '\r' : '\n'))
            return bad(parser, 400, "no CRLF behind a chunk");
        parser->state = is_cr ? MK_HTTP1_CHUNK_DATA_LF : MK_HTTP1_CHUNK_FIRST;
        return 0;
    }
    bool counts = parser->state == MK_HTTP1_CHUNK_EXTENSION ||
                  (parser->state >= MK_HTTP1_TRAILER_FIRST && parser->state < MK_HTTP1_LAST_LF);
    if (counts && ++parser->header_bytes > parser->limits.header_bytes && c != '\r')
        return bad(parser, 431, "trailers or chunk extensions over the limit");
    return parser->state < MK_HTTP1_CHUNK_DATA ? size_step(parser, c) : trailer_step(parser, c);
}

static int feed_chunked(struct mk_http1_parser *parser, const char *data, size_t len,
                        size_t *consumed)
{
    int rc = 0;
    while (rc == 0 && *consumed < len) {
        if (parser->state != MK_HTTP1_CHUNK_DATA) {
            rc = framing_step(parser, data[(*consumed)++]);
            continue;
        }
        size_t taken = 0;
        rc = take(parser, data + *consumed, len - *consumed, &taken);
        *consumed += taken;
        if (parser->left == 0)
            parser->state = MK_HTTP1_CHUNK_DATA_CR;
        if (rc == 0 && parser->streams && parser->request.body.len > 0)
            return MK_HTTP1_PIECE;
    }
    return rc == 0 ? MK_HTTP1_NEED_MORE : rc;
}

int mk_http1_body_feed(struct mk_http1_parser *parser, const char *data, size_t len,
                       size_t *consumed)
{
    if (parser->streams) {
        parser->request.body = (struct mk_slice){ 0 };
        if (parser->state == MK_HTTP1_LENGTH)
            return stream_length(parser, data, len, consumed);
    }
    return parser->state == MK_HTTP1_LENGTH ? feed_length(parser, data, len, consumed)
                                            : feed_chunked(parser, data, len, consumed);
}
