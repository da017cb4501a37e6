/*
 * websocket_inflate: compressed messages. A short one is gathered and decompressed when it is
 * complete; a long one as it arrives, so that no turn has the work of all of it.
 */
#include "wire/inflation.h"
#include "wire/websocket_private.h"

#include <errno.h>

static const struct mk_phrase a_message_cannot_be_decompressed = {
    "a message cannot be decompressed", "消息无法解压"
};
static const struct mk_phrase a_message_is_too_long_when_it_is_decompressed = {
    "a message is too long when it is decompressed", "消息解压后过长"
};

size_t mk_ws_arrived(const struct mk_ws_parser *parser)
{
    return parser->inflation ? mk_inflation_fed(parser->inflation) : parser->message.len;
}

/*
 * The length that a compressed message may become: a few bytes must not cost the time of a message
 * of the largest size.
 */
static size_t inflated_limit(const struct mk_ws_parser *parser, size_t len)
{
    size_t most = len < MK_WS_FREE_INFLATED / 2 ? MK_WS_FREE_INFLATED : 2 * len;
    return most < parser->limit ? most : parser->limit;
}

static int fail_decompressing(struct mk_ws_parser *parser, int status)
{
    if (status == MK_INFLATE_BAD)
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &a_message_cannot_be_decompressed);
    if (status == MK_INFLATE_TOO_BIG)
        return mk_ws_fail(parser, MK_WS_TOO_BIG, &a_message_is_too_long_when_it_is_decompressed);
    mk_ws_fail(parser, MK_WS_INTERNAL_ERROR, &mk_ws_out_of_memory);
    return status;
}

/* Checks what was decompressed behind the first `before` bytes. */
static int check_inflation(struct mk_ws_parser *parser, size_t before)
{
    struct mk_slice text = mk_inflation_text(parser->inflation);
    struct mk_slice further = mk_slice_from(text, before < text.len ? before : text.len);
    if (parser->message_opcode == MK_WS_TEXT &&
        !mk_utf8_feed(&parser->utf8, further.ptr, further.len))
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &mk_ws_text_is_not_utf_8);
    return MK_WS_DONE;
}

static int feed_inflation(struct mk_ws_parser *parser, struct mk_slice piece)
{
    size_t fed = mk_ws_arrived(parser) + piece.len;
    size_t most = 2 * fed < parser->limit ? 2 * fed : parser->limit; /* the rest at its end */
    size_t expected = inflated_limit(parser, fed + (size_t)parser->frame_left);
    size_t before = mk_inflation_text(parser->inflation).len;
    int rc = mk_inflation_feed(parser->inflation, piece, most, expected);
    return rc == 0 ? check_inflation(parser, before) : fail_decompressing(parser, rc);
}

/* The message is long: what is gathered, and all that comes, is decompressed at once. */
static int begin_inflation(struct mk_ws_parser *parser)
{
    parser->inflation = mk_inflation_new(parser->deflate, parser->window);
    if (!parser->inflation)
        return fail_decompressing(parser, -ENOMEM);
    int rc = feed_inflation(parser, mk_buf_slice(&parser->message));
    mk_buf_fini(&parser->message);
    return rc;
}

int mk_ws_decompress_part(struct mk_ws_parser *parser, struct mk_slice part)
{
    int rc = parser->inflation ? MK_WS_DONE : begin_inflation(parser);
    return rc == MK_WS_DONE ? feed_inflation(parser, part) : rc;
}

int mk_ws_decompress(struct mk_ws_parser *parser, struct mk_slice *payload, bool *cut)
{
    struct mk_inflation *inflation = parser->inflation;
    size_t most = inflated_limit(parser, inflation ? mk_ws_arrived(parser) : payload->len);
    size_t before = inflation ? mk_inflation_text(inflation).len : 0;
    int rc = inflation ? mk_inflation_end(inflation, most)
                       : mk_deflate_inflate_next(parser->deflate, parser->window, *payload, most,
                                                 payload);
    mk_buf_fini(&parser->message);
    if (rc == MK_INFLATE_TOO_BIG && most < parser->limit) {
        parser->utf8 = (struct mk_utf8){ 0 };
        *payload = (struct mk_slice){ 0 };
        *cut = true;
        return MK_WS_DONE;
    }
    if (rc != 0)
        return fail_decompressing(parser, rc);
    if (inflation) {
        *payload = mk_inflation_text(inflation);
        return check_inflation(parser, before);
    }
    if (parser->message_opcode == MK_WS_TEXT && !mk_utf8_valid(*payload))
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &mk_ws_text_is_not_utf_8);
    return MK_WS_DONE;
}
