/*
 * http1_head: interprets the headers that frame the message and the connection. Refuses everything
 * that could make two parsers see two different requests.
 */
#include "wire/http1_private.h"

#include "wire/url.h"

/* Eight bytes with the bit set that makes letters lower case; leaves '-' unchanged. */
static inline uint64_t folded(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word | UINT64_C(0x2020202020202020);
}

/*
 * Returns whether `text` equals `lower` (both `len` bytes) in any case. A constant `len` makes it a
 * few instructions.
 */
static inline bool is_lower(const char *text, const char *lower, size_t len)
{
    uint64_t difference = 0;
    size_t at = 0;
    for (; at + 8 <= len; at += 8)
        difference |= folded(text + at) ^ folded(lower + at);
    if (at < len && len >= 8)
        return (difference | (folded(text + len - 8) ^ folded(lower + len - 8))) == 0;
    for (; at < len; at++)
        difference |= (unsigned char)((text[at] | 0x20) ^ lower[at]);
    return difference == 0;
}

#define IS(slice, literal)                                                                         \
    ((slice).len == sizeof(literal) - 1 && is_lower((slice).ptr, (literal), sizeof(literal) - 1))

static bool note_host(struct mk_http1_parser *parser, struct mk_slice value)
{
    struct mk_slice host;
    struct mk_slice port;
    if (parser->seen & MK_HTTP1_SEEN_HOST)
        return mk_http1_refuse(&parser->error, 400, "more than one Host");
    parser->seen |= MK_HTTP1_SEEN_HOST;
    if (value.len > 0 && !mk_url_split_host(value, &host, &port))
        return mk_http1_refuse(&parser->error, 400, "malformed Host");
    if (!parser->request.host.ptr) /* the authority of an absolute target takes precedence */
        parser->request.host = value;
    return true;
}

static bool note_length(struct mk_http1_parser *parser, struct mk_slice value)
{
    if (parser->seen & MK_HTTP1_SEEN_LENGTH)
        return mk_http1_refuse(&parser->error, 400, "more than one Content-Length");
    parser->seen |= MK_HTTP1_SEEN_LENGTH;
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned char)value.ptr[i] - (unsigned)'0';
        if (digit > 9 || length > (UINT64_MAX - digit) / 10)
            return mk_http1_refuse(&parser->error, 400, "malformed Content-Length");
        length = length * 10 + digit;
    }
    if (value.len == 0)
        return mk_http1_refuse(&parser->error, 400, "malformed Content-Length");
    parser->request.content_length = length;
    return true;
}

/* Exactly one "chunked" and nothing else (RFC 9112, 6.1 and 6.3). */
static bool note_coding(struct mk_http1_parser *parser, struct mk_slice value)
{
    bool alone = value.len == strlen("chunked");
    bool chunked = parser->request.chunked;
    struct mk_slice coding;
    while (mk_slice_next(&value, ',', &coding)) {
        if (chunked)
            return mk_http1_refuse(&parser->error, 400, "chunked is not the last transfer coding");
        if (!IS(coding, "chunked"))
            return mk_http1_refuse(&parser->error, 501, "unknown transfer coding");
        chunked = true;
    }
    if (!alone || parser->request.chunked)
        return mk_http1_refuse(&parser->error, 400, "malformed Transfer-Encoding");
    parser->request.chunked = true;
    return true;
}

static void note_connection(struct mk_http1_parser *parser, struct mk_slice value)
{
    struct mk_slice option;
    while (mk_slice_next(&value, ',', &option)) {
        if (IS(option, "keep-alive"))
            parser->seen |= MK_HTTP1_SEEN_KEEP_ALIVE;
        else if (IS(option, "close"))
            parser->seen |= MK_HTTP1_SEEN_CLOSE;
        else if (IS(option, "upgrade"))
            parser->seen |= MK_HTTP1_SEEN_UPGRADE;
    }
}

static void note_upgrade(struct mk_http1_parser *parser, struct mk_slice value)
{
    struct mk_slice protocol;
    while (mk_slice_next(&value, ',', &protocol))
        if (IS(protocol, "websocket"))
            parser->seen |= MK_HTTP1_SEEN_WEBSOCKET;
}

/* HTTP defines a single expectation (RFC 9110, 10.1.1). */
static bool note_expect(struct mk_http1_parser *parser, struct mk_slice value)
{
    struct mk_slice expectation;
    while (mk_slice_next(&value, ',', &expectation)) {
        if (!mk_slice_eq_nocase(expectation, MK_SLICE("100-continue")))
            return mk_http1_refuse(&parser->error, 417, "unknown expectation");
        parser->seen |= MK_HTTP1_SEEN_CONTINUE;
    }
    return true;
}

bool mk_http1_head_note(struct mk_http1_parser *parser, const struct mk_http1_header *header)
{
    switch (header->name.len) {
    case 4:
        return !IS(header->name, "host") || note_host(parser, header->value);
    case 6:
        return !IS(header->name, "expect") || note_expect(parser, header->value);
    case 7:
        if (IS(header->name, "upgrade"))
            note_upgrade(parser, header->value);
        return true;
    case 10:
        if (IS(header->name, "connection"))
            note_connection(parser, header->value);
        return true;
    case 14:
        return !IS(header->name, "content-length") || note_length(parser, header->value);
    case 17:
        return !IS(header->name, "transfer-encoding") || note_coding(parser, header->value);
    default:
        return true;
    }
}

void mk_http1_enter_body(struct mk_http1_parser *parser)
{
    struct mk_http1_request *request = &parser->request;
    parser->left = request->content_length;
    parser->body_len = 0;
    parser->header_bytes = 0;
    parser->trailer_count = 0;
    parser->state = request->chunked ? MK_HTTP1_CHUNK_FIRST : MK_HTTP1_LENGTH;
    parser->body.max = (size_t)(request->chunked ? parser->limits.body : request->content_length);
}

bool mk_http1_head_finish(struct mk_http1_parser *parser)
{
    struct mk_http1_request *request = &parser->request;
    unsigned seen = parser->seen;
    if (request->minor == 1 && !(seen & MK_HTTP1_SEEN_HOST))
        return mk_http1_refuse(&parser->error, 400, "no Host");
    if (request->chunked && (seen & MK_HTTP1_SEEN_LENGTH))
        return mk_http1_refuse(&parser->error, 400, "both Content-Length and Transfer-Encoding");
    if (request->chunked && request->minor == 0)
        return mk_http1_refuse(&parser->error, 400, "Transfer-Encoding in HTTP/1.0");
    bool persists = request->minor == 1 || (seen & MK_HTTP1_SEEN_KEEP_ALIVE);
    request->keep_alive = persists && !(seen & MK_HTTP1_SEEN_CLOSE);
    request->upgrade_websocket = request->minor == 1 && (seen & MK_HTTP1_SEEN_UPGRADE) &&
                                 (seen & MK_HTTP1_SEEN_WEBSOCKET) &&
                                 mk_slice_eq(request->method, MK_SLICE("GET"));
    bool has_body = request->chunked || request->content_length > 0;
    request->expect_continue = request->minor == 1 && has_body && (seen & MK_HTTP1_SEEN_CONTINUE);
    if (request->content_length > parser->limits.body)
        return mk_http1_refuse(&parser->error, 413, "body over the limit");
    mk_http1_enter_body(parser);
    return true;
}
