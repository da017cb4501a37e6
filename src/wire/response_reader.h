/*
 * response_reader: reads one response of a server to its end (RFC 9112): informational responses,
 * the head, and a body of known length, in chunks, or up to the end of the connection.
 *
 * Bytes in, one response out: no socket, no clock, no log. Everything that a server sends counts
 * against a limit. Every byte is looked at once, however the bytes were split, and of a head only
 * the unfinished line is kept. mk_http1_read_response reads a head alone, with all its headers.
 */
#ifndef MK_WIRE_RESPONSE_READER_H
#define MK_WIRE_RESPONSE_READER_H

#include "base/buf.h"
#include "wire/http1_chunks.h"

struct mk_response_limits {
    uint32_t head_bytes;   /* of all heads together, informational ones included */
    uint32_t header_count; /* of each head */
    uint32_t interim;      /* informational responses (1xx) before the final one */
    uint64_t body;         /* bytes, without those of chunks' sizes, extensions and trailers, */
                           /* which have the limits of wire/http1_chunks */
};

enum mk_response_wrong {
    MK_RESPONSE_FINE,
    MK_RESPONSE_IS_TLS,       /* a TLS alert instead of HTTP */
    MK_RESPONSE_NOT_HTTP,     /* it does not begin with "HTTP/" */
    MK_RESPONSE_VERSION,      /* neither 1.0 nor 1.1 */
    MK_RESPONSE_STATUS_LINE,  /* malformed */
    MK_RESPONSE_LINE_END,     /* a line of the head ends with LF alone */
    MK_RESPONSE_HEADER,       /* a malformed header line */
    MK_RESPONSE_LENGTH,       /* Content-Length is no number, or there are two different ones */
    MK_RESPONSE_CODING,       /* a Transfer-Encoding other than "chunked" */
    MK_RESPONSE_SWITCHED,     /* 101, which was not asked for */
    MK_RESPONSE_CHUNK_SIZE,   /* malformed */
    MK_RESPONSE_CHUNK_END,    /* no CRLF behind a chunk's data */
    MK_RESPONSE_TRAILER,      /* malformed */
    MK_RESPONSE_LONG_HEAD,    /* beyond head_bytes */
    MK_RESPONSE_MANY_HEADERS, /* beyond header_count */
    MK_RESPONSE_MANY_INTERIM, /* beyond `interim` */
    MK_RESPONSE_LONG_EXTRA,   /* chunk extensions and trailers beyond their limit */
    MK_RESPONSE_LONG_BODY,    /* beyond `body` */
};

enum {
    MK_RESPONSE_SEEN = 40,           /* bytes of the wrong text that are kept */
    MK_RESPONSE_NO_RETRY = -1,       /* no Retry-After */
    MK_RESPONSE_NO_DATE = -1,        /* no date, or none that is valid */
    MK_RESPONSE_RETRY_MAX = 1 << 30, /* seconds; a greater Retry-After is this */
};

struct mk_response_reader {
    /* --- the response, once it is complete; status, with the head --- */
    unsigned status;
    bool head_done;      /* the final head is complete */
    bool keep_alive;     /* the connection persists behind it (RFC 9112, 9.3) */
    int64_t retry_after; /* seconds, or MK_RESPONSE_NO_RETRY */
    int64_t retry_at;    /* a Retry-After that is a date, in seconds since 1970, or NO_DATE */
    int64_t date;        /* of the server, or NO_DATE */
    struct mk_buf body;  /* decoded; the owner may take its memory */
    uint64_t received;   /* bytes of the response so far */
    /* --- after MK_RESPONSE_BAD --- */
    enum mk_response_wrong wrong;
    unsigned wrong_line; /* of a header, from 1 behind the status line */
    char seen[MK_RESPONSE_SEEN];
    size_t seen_len;
    /* To be set before the first byte: a 101 was asked for, and ends the response. */
    bool upgrades;
    /* --- private --- */
    struct mk_response_limits limits;
    bool to_connect;
    uint8_t state;
    uint8_t minor;
    uint8_t noted; /* headers that were seen */
    uint32_t head_bytes;
    unsigned lines; /* of the current head */
    unsigned interim;
    uint64_t left;      /* bytes of a body of known length still to come */
    struct mk_buf line; /* the unfinished line */
    struct mk_http1_chunks chunks;
};

/* `to_connect`: it is the response to a CONNECT, whose success has no body. */
void mk_response_reader_init(struct mk_response_reader *reader,
                             const struct mk_response_limits *limits, bool to_connect);
void mk_response_reader_fini(struct mk_response_reader *reader);

enum {
    MK_RESPONSE_MORE, /* all input was taken */
    MK_RESPONSE_END,  /* the response is complete; bytes behind it were not taken */
    MK_RESPONSE_BAD,  /* refused: see `wrong` */
};

/*
 * Takes `*consumed` bytes. Returns one of the above, or -ENOMEM. Must not be called again after
 * another result than MORE. The result does not depend on how the bytes were split, but `seen` may.
 */
int mk_response_reader_feed(struct mk_response_reader *reader, struct mk_slice input,
                            size_t *consumed);

/* Called at the end of the connection. Returns whether it completes the response. */
bool mk_response_reader_end(const struct mk_response_reader *reader);

#endif
