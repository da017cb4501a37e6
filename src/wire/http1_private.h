/*
 * http1_private: the internals that the files of http1 share.
 *
 * Flow of a request: http1.c gathers lines -> http1_line.c parses each -> http1_head.c checks
 * headers one by one and the head as a whole -> http1_body.c reads the body.
 */
#ifndef MK_WIRE_HTTP1_PRIVATE_H
#define MK_WIRE_HTTP1_PRIVATE_H

#include "wire/http1.h"

/* Classes of bytes. */
enum {
    MK_HTTP1_TOKEN = 1,      /* tchar: methods, header names */
    MK_HTTP1_PATH = 2,       /* RFC 3986, 3.3: of a path, but the '%' of an escape */
    MK_HTTP1_QUERY = 4,      /* 3.4: the same of a query */
    MK_HTTP1_TEXT = 8,       /* header values: no control characters but the tab */
    MK_HTTP1_AUTHORITY = 16, /* 3.2: the same of an authority */
};
extern const uint8_t mk_http1_class[256];

static inline bool mk_http1_is(char c, unsigned classes)
{
    return (mk_http1_class[(unsigned char)c] & classes) != 0;
}

enum mk_http1_state {
    MK_HTTP1_START, /* between requests, or in the request line */
    MK_HTTP1_HEADERS,
    MK_HTTP1_LENGTH, /* in a body of Content-Length bytes, which may be 0 */
    MK_HTTP1_CHUNK_FIRST,
    MK_HTTP1_CHUNK_SIZE,
    MK_HTTP1_CHUNK_EXTENSION,
    MK_HTTP1_CHUNK_LF,
    MK_HTTP1_CHUNK_DATA,
    MK_HTTP1_CHUNK_DATA_CR,
    MK_HTTP1_CHUNK_DATA_LF,
    MK_HTTP1_TRAILER_FIRST,
    MK_HTTP1_TRAILER_NAME,
    MK_HTTP1_TRAILER_VALUE,
    MK_HTTP1_TRAILER_LF,
    MK_HTTP1_LAST_LF,
    MK_HTTP1_DONE,
    MK_HTTP1_FAILED,
};

/* Headers that the parser has seen so far. */
enum {
    MK_HTTP1_SEEN_HOST = 1 << 0,
    MK_HTTP1_SEEN_LENGTH = 1 << 1,
    MK_HTTP1_SEEN_CLOSE = 1 << 2,
    MK_HTTP1_SEEN_KEEP_ALIVE = 1 << 3,
    MK_HTTP1_SEEN_UPGRADE = 1 << 4,
    MK_HTTP1_SEEN_WEBSOCKET = 1 << 5,
    MK_HTTP1_SEEN_CONTINUE = 1 << 6,
};

struct mk_http1_parser {
    struct mk_http1_request request;
    struct mk_http1_error error;
    struct mk_http1_limits limits;
    uint8_t state; /* an enum mk_http1_state */
    uint8_t seen;
    uint8_t empty_lines;
    uint8_t digits;    /* of the current chunk size */
    uint8_t extension; /* an enum mk_http1_extension */
    bool skip_body;
    bool streams; /* the body is passed on in pieces */
    uint16_t header_cap;
    uint16_t trailer_count;
    uint32_t header_bytes;           /* so far; of trailers and chunk extensions in a body */
    uint32_t head_len;               /* from the method to the empty line, when it is complete */
    struct mk_http1_header *headers; /* request.headers points to it */
    /* The head, or the part that has arrived; empty while it lies in the input. */
    char *kept;
    size_t kept_len;
    size_t kept_cap;
    size_t line_at;     /* where in it the unfinished line begins */
    uint64_t left;      /* bytes of the body or chunk still to come */
    uint64_t body_len;  /* of all chunks so far */
    struct mk_buf body; /* request.body points to it when the body did not lie whole in the input */
};

/*
 * Each parses the line that begins at `at`. Returns the position behind its CRLF; or NULL, with
 * `error` filled, when no CRLF comes before `end` or the line is malformed: the caller looks for an
 * LF to distinguish the two.
 */
const char *mk_http1_request_line(const char *at, const char *end, struct mk_http1_request *request,
                                  struct mk_http1_error *error);
const char *mk_http1_header_line(const char *at, const char *end, struct mk_http1_header *header,
                                 struct mk_http1_error *error);

/* Returns the end of the longest run of MK_HTTP1_TEXT bytes, or of MK_HTTP1_TOKEN bytes. */
const char *mk_http1_text_end(const char *at, const char *end);
const char *mk_http1_token_end(const char *at, const char *end);

/*
 * Notes a header's effect on the framing. Returns false, with the error filled, when it is refused.
 */
bool mk_http1_head_note(struct mk_http1_parser *parser, const struct mk_http1_header *header);

/*
 * Called when all headers were noted: fills in the derived fields and enters the body. Returns as
 * above.
 */
bool mk_http1_head_finish(struct mk_http1_parser *parser);
/* Enters the body of a complete head. */
void mk_http1_enter_body(struct mk_http1_parser *parser);

/* The part of mk_http1_parser_feed for the states of a body. */
int mk_http1_body_feed(struct mk_http1_parser *parser, const char *data, size_t len,
                       size_t *consumed);

static inline bool mk_http1_refuse(struct mk_http1_error *error, uint16_t status,
                                   const char *reason)
{
    *error = (struct mk_http1_error){ .status = status, .reason = reason };
    return false;
}

#endif
