/*
 * http1: a parser of HTTP/1.1 requests (RFC 9112, RFC 9110), and functions that write responses.
 *
 * Bytes in, requests out: no socket, no clock, no log. The parser copies nothing of a request that
 * lies whole in its input, and only what it needs of one that arrives in pieces. It does not
 * interpret a request beyond its framing (no credentials, paths, media types or methods).
 *
 * It is strict, because two parsers that read the same bytes differently allow request smuggling.
 * It refuses with 400, among others: line ends other than CRLF, folded lines, spaces around a
 * header's name, control characters, both Content-Length and Transfer-Encoding, more than one
 * Content-Length (equal ones too), a missing, repeated or malformed Host, a target with a fragment
 * or with a byte that RFC 3986 does not allow there, a chunk extension that is malformed. Tolerated
 * are up to four empty lines before a request, bytes beyond ASCII in header values, chunk
 * extensions and trailers (both are dropped).
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
    /* Trailers have the same two limits; chunk extensions count as bytes of trailers. */
    uint64_t body; /* bytes of a body after chunked decoding; over it 413 */
};

/* 8 KiB, 32 KiB, 100, 16 MiB. */
extern const struct mk_http1_limits mk_http1_default_limits;

struct mk_http1_header {
    struct mk_slice name;  /* as it was sent; compare with mk_slice_eq_nocase */
    struct mk_slice value; /* trimmed */
};

/*
 * A request. All slices borrow from the parser's input or its own memory; see mk_http1_parser_feed
 * for how long they are valid.
 */
struct mk_http1_request {
    struct mk_slice method; /* case-sensitive, a token */
    struct mk_slice target; /* as sent */
    struct mk_slice path;   /* not yet percent-decoded, never empty; "*" for OPTIONS * and for
                               OPTIONS http://host, host:port for CONNECT */
    struct mk_slice query;  /* without the '?', not yet percent-decoded */
    struct mk_slice host;   /* the target's authority, else the Host header (may be empty) */
    struct mk_slice body;   /* decoded; complete once MK_HTTP1_REQUEST was returned */
    const struct mk_http1_header *headers;
    size_t header_count;
    uint64_t content_length; /* 0 where there is none or the body is chunked */
    uint8_t minor;           /* 1 for HTTP/1.1, 0 for HTTP/1.0 */
    bool chunked;
    bool keep_alive;        /* whether the connection persists: RFC 9112, 9.3 */
    bool expect_continue;   /* and the body has not begun to arrive */
    bool upgrade_websocket; /* GET, HTTP/1.1, Connection has "upgrade", Upgrade has "websocket" */
};

/* The value of the first header of this name; ptr is NULL where there is none. */
struct mk_slice mk_http1_find(const struct mk_http1_request *request, struct mk_slice name);

/* The number of headers of this name (to refuse repeated ones that must be single). */
size_t mk_http1_count(const struct mk_http1_request *request, struct mk_slice name);

enum mk_http1_status {
    MK_HTTP1_NEED_MORE = 1, /* all input was taken; no event yet */
    MK_HTTP1_HEAD,          /* the head is complete: `request` is filled but for its body */
    MK_HTTP1_REQUEST,       /* the request is complete; the next feed begins the next one */
    MK_HTTP1_BAD,           /* refused: see `error`; the connection cannot continue */
    MK_HTTP1_PIECE,         /* request.body is the next piece of a body that is streamed */
};

/* Why a request was refused. */
struct mk_http1_error {
    uint16_t status;    /* 400, 413, 414, 417 (any Expect but 100-continue), 431, 501 (unknown
                           transfer coding, endless method), 505 (version); 500 after -ENOMEM */
    uint8_t byte;       /* of the target, where it was refused for one */
    uint32_t position;  /* of that byte, from 1; 0: there is none */
    const char *reason; /* one English clause without a full stop, static */
};

/* Writes the reason, with that byte and its position: "...: '|' at position 17". */
enum { MK_HTTP1_ERROR_TEXT = 160 };
void mk_http1_error_text(const struct mk_http1_error *error, char text[MK_HTTP1_ERROR_TEXT]);

/*
 * Returns whether a method is registered for HTTP (RFC 9110, 16.1.1), in any case of letters: to
 * others a server answers 501 instead of 405 (15.6.2).
 */
bool mk_http1_knows_method(struct mk_slice method);

/*
 * 280 bytes while idle (after mk_http1_parser_done). A request takes 32 bytes for each of its
 * headers (for at least 16) in addition, and a copy of its head if that arrived in pieces. The
 * memory of a body grows as it arrives.
 */
struct mk_http1_parser;

/* `limits` is copied. Returns NULL when out of memory. */
struct mk_http1_parser *mk_http1_parser_new(const struct mk_http1_limits *limits);
struct mk_http1_parser *mk_http1_parser_free(struct mk_http1_parser *parser);

/*
 * Parses bytes of `data` and returns the next event; `*consumed` is the number of bytes taken. Call
 * it again with the rest, even with 0 bytes, until it returns MK_HTTP1_NEED_MORE: then all bytes
 * were taken, and the parser has copied those that it still needs. Until then `data` must not
 * change, since the request may point into it.
 *
 * Each request makes two events: one at the end of its head (MK_HTTP1_HEAD), when the caller may
 * refuse it, answer "100 Continue" or skip its body, and one when it is complete
 * (MK_HTTP1_REQUEST). MK_HTTP1_HEAD comes before any byte of the body is taken. The request and its
 * slices are valid until the next feed after MK_HTTP1_REQUEST, while `data` is.
 *
 * A body over its limit makes MK_HTTP1_BAD (413): instead of HEAD if Content-Length is too large,
 * later if the body is chunked. `request` is filled as far as known when the body is bad, and empty
 * when the head is. After MK_HTTP1_BAD no more bytes are taken.
 *
 * The events do not depend on how the bytes were split into pieces, except for `expect_continue`.
 *
 * Returns an enum mk_http1_status, or -ENOMEM, after which the connection cannot continue either.
 */
int mk_http1_parser_feed(struct mk_http1_parser *parser, const char *data, size_t len,
                         size_t *consumed);

/*
 * After REQUEST: empties the request and frees its memory. The next feed does this too; this
 * function is for a connection that may stay idle after its response.
 */
void mk_http1_parser_done(struct mk_http1_parser *parser);

/* After HEAD: drops the body, which is still checked and counted; request.body will be empty. */
void mk_http1_parser_skip_body(struct mk_http1_parser *parser);

/*
 * After HEAD, or after the 413 that comes in its place: the body has no limit, and is passed on as
 * it arrives, each piece by an event of its own (MK_HTTP1_PIECE) whose slice is valid until the
 * next feed. The last one may come with MK_HTTP1_REQUEST.
 */
void mk_http1_parser_stream_body(struct mk_http1_parser *parser);

/*
 * After REQUEST: moves the body, to which request.body points, into `body` if it lies in the
 * parser's own memory. Returns false where it lies in the input.
 */
bool mk_http1_parser_take_body(struct mk_http1_parser *parser, struct mk_buf *body);

/* The request of the last feed (for its lifetime see there); the refusal after MK_HTTP1_BAD. */
const struct mk_http1_request *mk_http1_parser_request(const struct mk_http1_parser *parser);
const struct mk_http1_error *mk_http1_parser_error(const struct mk_http1_parser *parser);

/* Returns whether no byte of a new request has arrived: a close at this point loses nothing. */
bool mk_http1_parser_idle(const struct mk_http1_parser *parser);

/* The phrase for a status code ("Not Found"); "" for a code without one. */
const char *mk_http1_phrase(unsigned status);

/*
 * Appends a response head, the empty line included:
 *   HTTP/1.1 STATUS PHRASE CRLF, [Content-Type], Content-Length, [Connection], `extra`.
 * Connection has "close" where the connection ends, and "Upgrade" for a 426, whose Upgrade is the
 * caller's to put into `extra`.
 * `extra` is whole header lines, each with its CRLF. A `content_length` of MK_HTTP1_NO_LENGTH
 * leaves Content-Length out (101, 204, streams); an empty content_type leaves Content-Type out.
 * Date (RFC 9110, 6.6.1) and the "Connection: keep-alive" that an HTTP/1.0 client needs are the
 * caller's to put into `extra`. `status` has three digits. Returns 0 or the error of the buf; then
 * nothing was appended.
 */
#define MK_HTTP1_NO_LENGTH UINT64_MAX
int mk_http1_write_head(struct mk_buf *out, unsigned status, struct mk_slice content_type,
                        uint64_t content_length, bool keep_alive, struct mk_slice extra);

/*
 * The same for a body that is written directly behind its head, before its length is known:
 *   begin; the body is appended to `out`, and nothing else; end, which fills in the length.
 * Both return 0 or the error of the buf; after an error of `end` the caller removes the response
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
 * The head of a response. The parser is as strict as that of requests, and has the default limits.
 * It is to be called with the same growing input from its beginning. It returns MK_HTTP1_NEED_MORE,
 * MK_HTTP1_HEAD (`*consumed` is the length of the head), or MK_HTTP1_BAD. Headers borrow from
 * `input`.
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
