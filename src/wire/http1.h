/*
 * http1: HTTP/1.1 as a server reads it (RFC 9112, RFC 9110), and the few pieces of it that a server
 * writes.
 *
 * Bytes in, requests out: no socket, no clock, no log. The parser copies nothing while a request
 * lies whole in what it is fed; it keeps what it must where a request comes in pieces. What a
 * request means beyond its framing (credentials, paths, media types, methods) is not looked at.
 *
 * Strict, because two parsers that read the same bytes differently are how requests are smuggled.
 * Refused with 400 are, among others: line ends other than CRLF, folded lines, spaces around a
 * header's name, control characters, both Content-Length and Transfer-Encoding, more than one
 * Content-Length (equal ones too), a missing, repeated or malformed Host, a target with a fragment
 * or with bytes beyond visible ASCII. Tolerated are up to four empty lines before a request, bytes
 * beyond ASCII in header values, chunk extensions and trailers (both are dropped).
 *
 * Flow: net/stream -> mk_http1_parser_feed -> web/http_connection.
 */
#ifndef MK_WIRE_HTTP1_H
#define MK_WIRE_HTTP1_H

#include "base/buf.h"

#include <stdint.h>

enum { MK_HTTP1_MAX_HEADERS = 100 };

struct mk_http1_limits {
    uint32_t request_line; /* bytes of the first line without its CRLF; over it 414 */
    uint32_t header_bytes; /* bytes of all header lines with their CRLF; over it 431 */
    uint32_t header_count; /* at most MK_HTTP1_MAX_HEADERS; over it 431 */
    /* Trailers are held to the same two; chunk extensions count as bytes of trailers. */
    uint64_t body; /* bytes of a body after chunked decoding; over it 413 */
};

/* 8 KiB, 32 KiB, 100, 16 MiB. */
extern const struct mk_http1_limits mk_http1_default_limits;

struct mk_http1_header {
    struct mk_slice name;  /* as it was sent; compare with mk_slice_eq_nocase */
    struct mk_slice value; /* trimmed */
};

/*
 * A request. All slices borrow from the parser's input or its own memory; mk_http1_parser_feed
 * tells how long they hold.
 */
struct mk_http1_request {
    struct mk_slice method; /* case-sensitive, a token */
    struct mk_slice target; /* as sent */
    struct mk_slice path;   /* not yet percent-decoded, never empty; "*" for OPTIONS *, host:port
                               for CONNECT */
    struct mk_slice query;  /* without the '?', not yet percent-decoded */
    struct mk_slice host;   /* the target's authority, else the Host header (may be empty) */
    struct mk_slice body;   /* decoded; complete once MK_HTTP1_REQUEST was returned */
    const struct mk_http1_header *headers;
    size_t header_count;
    uint64_t content_length; /* 0 where there is none or the body is chunked */
    uint8_t minor;           /* 1 for HTTP/1.1, 0 for HTTP/1.0 */
    bool chunked;
    bool keep_alive;        /* what the client wants: RFC 9112, 9.3 */
    bool expect_continue;   /* and the body has not begun to arrive */
    bool upgrade_websocket; /* GET, HTTP/1.1, Connection has "upgrade", Upgrade has "websocket" */
};

/* The value of the first header of this name; ptr is NULL where there is none. */
struct mk_slice mk_http1_find(const struct mk_http1_request *request, struct mk_slice name);

/* The number of headers of this name (to refuse repeated ones that must be single). */
size_t mk_http1_count(const struct mk_http1_request *request, struct mk_slice name);

enum mk_http1_status {
    MK_HTTP1_NEED_MORE = 1, /* all was taken; nothing to tell yet */
    MK_HTTP1_HEAD,          /* the head is complete: `request` is filled but for its body */
    MK_HTTP1_REQUEST,       /* the request is complete; the next feed begins the next one */
    MK_HTTP1_BAD,           /* refused: see `error`. The connection cannot go on */
};

/* Why a request was refused. */
struct mk_http1_error {
    uint16_t status;    /* 400, 413, 414, 417 (any Expect but 100-continue), 431, 501 (unknown
                           transfer coding), 505 (version); 500 after -ENOMEM */
    const char *reason; /* one English clause without a full stop, static */
};

/*
 * 280 bytes while idle (after mk_http1_parser_done). A request costs 32 bytes for each of its
 * headers (16 at least) on top, and a copy of what came of it if it came in pieces. The memory of a
 * body grows as it arrives.
 */
struct mk_http1_parser;

/* `limits` is copied. Returns NULL when out of memory. */
struct mk_http1_parser *mk_http1_parser_new(const struct mk_http1_limits *limits);
struct mk_http1_parser *mk_http1_parser_free(struct mk_http1_parser *parser);

/*
 * Takes bytes from `data` and says what they made; `*consumed` tells how many were taken. Call
 * again with the rest, if only with 0 bytes, until the answer is MK_HTTP1_NEED_MORE: then all was
 * taken, and the parser has copied what it still needs. Until then `data` must stay as it is, since
 * the request may point into it.
 *
 * Each request is told twice: at its head (MK_HTTP1_HEAD), when the caller may refuse it, answer
 * "100 Continue" or choose what happens to its body, and when it is complete (MK_HTTP1_REQUEST). A
 * head is told before any byte of the body is taken. The request and its slices hold until the next
 * feed after MK_HTTP1_REQUEST, as long as `data` does.
 *
 * When a body is over its limit, MK_HTTP1_BAD comes (413) in the place of HEAD if Content-Length
 * tells it, later if the body is chunked. `request` is filled as far as known on a bad body, and
 * empty where the head itself was bad. After MK_HTTP1_BAD nothing more is taken.
 *
 * What comes out does not depend on how the bytes were cut into pieces, but for `expect_continue`.
 *
 * Returns an enum mk_http1_status, or -ENOMEM; the connection cannot go on after that either.
 */
int mk_http1_parser_feed(struct mk_http1_parser *parser, const char *data, size_t len,
                         size_t *consumed);

/*
 * After REQUEST: the request has been dealt with; it is emptied and its memory given back. The next
 * feed does it by itself: this is for a connection that may stay idle after its answer was sent.
 */
void mk_http1_parser_done(struct mk_http1_parser *parser);

/* After HEAD: the body is still checked and counted, but dropped; request.body will be empty. */
void mk_http1_parser_skip_body(struct mk_http1_parser *parser);

/*
 * After REQUEST: gives the body away, if it was gathered in the parser's own memory; request.body
 * points to it. False where it lies in the input: then it is nobody's to give.
 */
bool mk_http1_parser_take_body(struct mk_http1_parser *parser, struct mk_buf *body);

/* The request of the last feed (for its lifetime see there); the refusal after MK_HTTP1_BAD. */
const struct mk_http1_request *mk_http1_parser_request(const struct mk_http1_parser *parser);
const struct mk_http1_error *mk_http1_parser_error(const struct mk_http1_parser *parser);

/* No byte of a request has come since the last one was complete: a close here loses nothing. */
bool mk_http1_parser_idle(const struct mk_http1_parser *parser);

/* The phrase for a status code ("Not Found"); "" for one that is unknown here. */
const char *mk_http1_phrase(unsigned status);

/*
 * Appends a response head, the empty line included:
 *   HTTP/1.1 STATUS PHRASE CRLF, [Content-Type], Content-Length, [Connection: close], `extra`.
 * `extra` is whole header lines, each with its CRLF. A `content_length` of MK_HTTP1_NO_LENGTH
 * leaves Content-Length out (101, 204, streams); an empty content_type leaves Content-Type out.
 * There is no Date, since there is no clock here: it goes into `extra` (RFC 9110, 6.6.1), as does
 * the "Connection: keep-alive" that a client of HTTP/1.0 needs to be told.
 * `status` has three digits. Returns 0 or the error of the buf; then nothing was appended.
 */
#define MK_HTTP1_NO_LENGTH UINT64_MAX
int mk_http1_write_head(struct mk_buf *out, unsigned status, struct mk_slice content_type,
                        uint64_t content_length, bool keep_alive, struct mk_slice extra);

/*
 * The same for a body that is written straight behind its head, before its length is known:
 *   begin; the body is appended to `out`, and nothing else; end, which puts the length in.
 * Both return 0 or the error of the buf; after an error of `end` the response is to be taken back
 * (out->len = open->begin).
 */
struct mk_http1_open {
    size_t begin;  /* of the head in `out` */
    size_t length; /* of the digits of Content-Length */
    size_t body;
};
int mk_http1_begin_response(struct mk_buf *out, unsigned status, struct mk_slice content_type,
                            bool keep_alive, struct mk_slice extra, struct mk_http1_open *open);
int mk_http1_end_response(struct mk_buf *out, struct mk_http1_open *open);

/*
 * The head of a response, as the WebSocket client reads it. As strict as the parser of requests,
 * and held to the default limits. Feed the same growing input from its beginning: returns
 * MK_HTTP1_NEED_MORE, MK_HTTP1_HEAD (and *consumed, the bytes of the head), or MK_HTTP1_BAD.
 * Headers borrow from `input`.
 */
struct mk_http1_response {
    unsigned status;
    struct mk_http1_header headers[MK_HTTP1_MAX_HEADERS];
    size_t header_count;
};
int mk_http1_read_response(struct mk_slice input, struct mk_http1_response *response,
                           size_t *consumed);

/* The value of the first header of this name; ptr is NULL where there is none. */
struct mk_slice mk_http1_response_find(const struct mk_http1_response *response,
                                       struct mk_slice name);

#endif
