/*
 * sse_parser: the client's side of Server-Sent Events (WHATWG HTML, 9.2.6, "interpreting an event
 * stream"): bytes in, events out. wire/sse is the server's side.
 *
 * Flow: net/stream -> (wire/http1_chunks) -> mk_sse_parser_feed -> the client's owner.
 */
#ifndef MK_WIRE_SSE_PARSER_H
#define MK_WIRE_SSE_PARSER_H

#include "base/buf.h"

#include <stdint.h>

/* Borrowed from the parser until its next feed. */
struct mk_sse_event {
    struct mk_slice type; /* "message" where the server names none */
    struct mk_slice data; /* lines with LF between them; any bytes */
    struct mk_slice id;   /* the last one that was sent, perhaps with an earlier event */
};

enum { MK_SSE_NO_RETRY = -1 };

struct mk_sse_parser {
    struct mk_sse_event event; /* after MK_SSE_EVENT */
    int64_t retry_ms;          /* the wait before the next connection, or MK_SSE_NO_RETRY */
    size_t most;
    struct mk_buf line; /* an unfinished one */
    struct mk_buf type;
    struct mk_buf data;
    struct mk_buf next_id; /* of the current event */
    struct mk_buf id;      /* of the last event */
    bool begun;            /* the first line, which may begin with a byte order mark, was read */
    bool after_cr;         /* the last byte was a CR: an LF that follows ends no line */
};

/* `most`: bytes of a line, and of an event's data. */
void mk_sse_parser_init(struct mk_sse_parser *parser, size_t most);
void mk_sse_parser_fini(struct mk_sse_parser *parser);

/*
 * To be called before the first feed when this stream continues another: sets the id of that one's
 * last event. Returns 0 or the error of the buf.
 */
int mk_sse_parser_resume_from(struct mk_sse_parser *parser, struct mk_slice id);

enum { MK_SSE_NEED_MORE, MK_SSE_EVENT };

/*
 * Takes bytes up to the end of an event; `*consumed` is their number. Returns MK_SSE_EVENT, with
 * `event` filled; MK_SSE_NEED_MORE when all bytes were taken; -ENOBUFS when a line or an event is
 * too long, or -ENOMEM: the parser cannot continue after either. An event that is incomplete when
 * the stream ends is dropped.
 */
int mk_sse_parser_feed(struct mk_sse_parser *parser, const char *data, size_t len,
                       size_t *consumed);

/* The id to send as Last-Event-ID when connecting again; empty for none. Borrowed until a feed. */
struct mk_slice mk_sse_parser_last_id(const struct mk_sse_parser *parser);

#endif
