/*
 * http1: the parser's life and the gathering of the head.
 *
 * Lines are read in the input while the whole head lies there, else in `kept`, to which the input
 * is copied line by line. A line is parsed when its LF has arrived (or when it is too long
 * already), so that the result does not depend on how the bytes were split; and each byte is
 * searched for an LF only once, so that single bytes cost no more than many at once.
 */
#include "wire/http1_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    MAX_EMPTY_LINES = 4, /* before a request line (RFC 9112, 2.2) */
    FIRST_HEADERS = 16,
    FIRST_KEPT = 512,
};

const struct mk_http1_limits mk_http1_default_limits = {
    .request_line = 8 * 1024,
    .header_bytes = 32 * 1024,
    .header_count = MK_HTTP1_MAX_HEADERS,
    .body = 16 * 1024 * 1024,
};

struct mk_http1_parser *mk_http1_parser_new(const struct mk_http1_limits *limits)
{
    struct mk_http1_parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return NULL;
    parser->limits = *limits;
    if (parser->limits.header_count > MK_HTTP1_MAX_HEADERS)
        parser->limits.header_count = MK_HTTP1_MAX_HEADERS;
    if (parser->limits.body > SIZE_MAX / 2)
        parser->limits.body = SIZE_MAX / 2;
    return parser;
}

static void drop_kept(struct mk_http1_parser *parser)
{
    free(parser->kept);
    parser->kept = NULL;
    parser->kept_len = 0;
    parser->kept_cap = 0;
}

static void release(struct mk_http1_parser *parser)
{
    mk_buf_fini(&parser->body);
    drop_kept(parser);
    free(parser->headers);
    parser->headers = NULL;
    parser->header_cap = 0;
    parser->request = (struct mk_http1_request){ 0 };
}

struct mk_http1_parser *mk_http1_parser_free(struct mk_http1_parser *parser)
{
    if (parser) {
        release(parser);
        free(parser);
    }
    return NULL;
}

void mk_http1_parser_done(struct mk_http1_parser *parser)
{
    if (parser->state != MK_HTTP1_DONE)
        return;
    release(parser);
    parser->state = MK_HTTP1_START;
    parser->seen = 0;
    parser->empty_lines = 0;
    parser->header_bytes = 0;
    parser->skip_body = false;
    parser->streams = false;
}

static void rebase_slice(struct mk_slice *slice, const char *from, size_t len, const char *to)
{
    /* Compared as numbers: the slice may point into other memory, into a literal, or be NULL. */
    uintptr_t offset = (uintptr_t)slice->ptr - (uintptr_t)from;
    if (offset < len)
        slice->ptr = to + offset;
}

/* Moves the request's slices from from[0 .. len) to the same offsets of `to`. */
static void rebase(struct mk_http1_parser *parser, const char *from, size_t len, const char *to)
{
    struct mk_http1_request *request = &parser->request;
    rebase_slice(&request->method, from, len, to);
    rebase_slice(&request->target, from, len, to);
    rebase_slice(&request->path, from, len, to);
    rebase_slice(&request->query, from, len, to);
    rebase_slice(&request->host, from, len, to);
    for (size_t i = 0; i < request->header_count; i++) {
        rebase_slice(&parser->headers[i].name, from, len, to);
        rebase_slice(&parser->headers[i].value, from, len, to);
    }
}

/* Copies a head, or the beginning of one, out of the input. */
static int keep_head(struct mk_http1_parser *parser, const char *head, size_t len)
{
    size_t cap = parser->state == MK_HTTP1_START || parser->state == MK_HTTP1_HEADERS
                     ? len + FIRST_KEPT
                     : len;
    char *kept = malloc(cap);
    if (!kept)
        return -ENOMEM;
    assert(head); /* a request has a method from its first line on */
    memcpy(kept, head, len);
    rebase(parser, head, len, kept);
    parser->kept = kept;
    parser->kept_len = len;
    parser->kept_cap = cap;
    return 0;
}

static int append_kept(struct mk_http1_parser *parser, const char *data, size_t len)
{
    if (len > parser->kept_cap - parser->kept_len) {
        size_t cap = (parser->kept_len + len) * 2;
        char *kept = malloc(cap);
        if (!kept)
            return -ENOMEM;
        memcpy(kept, parser->kept, parser->kept_len);
        rebase(parser, parser->kept, parser->kept_len, kept);
        free(parser->kept);
        parser->kept = kept;
        parser->kept_cap = cap;
    }
    memcpy(parser->kept + parser->kept_len, data, len);
    parser->kept_len += len;
    return 0;
}

/* The head is refused. `error` is filled in. */
static int bad_head(struct mk_http1_parser *parser)
{
    parser->state = MK_HTTP1_FAILED;
    if (parser->error.status != 413)
        parser->request = (struct mk_http1_request){ 0 };
    return MK_HTTP1_BAD;
}

/* The bytes that the current line may have, its CRLF included. */
static size_t line_room(const struct mk_http1_parser *parser)
{
    return parser->state == MK_HTTP1_START ? (size_t)parser->limits.request_line + 2
                                           : parser->limits.header_bytes - parser->header_bytes;
}

/* `line` has more bytes than its limit. RFC 9112, 3: 501 for a method that alone is so long. */
static int line_too_long(struct mk_http1_parser *parser, const char *line)
{
    uint32_t limit = parser->limits.request_line;
    if (parser->state == MK_HTTP1_START && mk_http1_token_end(line, line + limit) == line + limit)
        mk_http1_refuse(&parser->error, 501, "method over the limit");
    else if (parser->state == MK_HTTP1_START)
        mk_http1_refuse(&parser->error, 414, "request line over the limit");
    else
        mk_http1_refuse(&parser->error, 431, "headers over the limit");
    return bad_head(parser);
}

/* A line whose LF has not arrived: an error where it is too long already. */
static int line_pending(struct mk_http1_parser *parser, const char *line, size_t len)
{
    bool may_be_last = len == 1 && line[0] == '\r'; /* the empty line is not counted */
    if (len >= line_room(parser) && !may_be_last)
        return line_too_long(parser, line);
    return MK_HTTP1_NEED_MORE;
}

/* A line that could not be read: unfinished, too long, or malformed (see `error`). */
static int line_unread(struct mk_http1_parser *parser, const char *line, const char *end)
{
    const char *lf = memchr(line, '\n', (size_t)(end - line));
    if (!lf) {
        parser->error = (struct mk_http1_error){ 0 };
        return line_pending(parser, line, (size_t)(end - line));
    }
    if ((size_t)(lf + 1 - line) > line_room(parser))
        return line_too_long(parser, line);
    return bad_head(parser);
}

static bool is_empty_line(const char *line, const char *end)
{
    return line[0] == '\r' && end - line >= 2 && line[1] == '\n';
}

/*
 * The next two functions read one line and move `*at` behind it. They return 0, or the result of
 * mk_http1_parser_feed.
 */
static int read_request_line(struct mk_http1_parser *parser, const char **at, const char *end)
{
    const char *line = *at;
    if (is_empty_line(line, end)) {
        *at += 2;
        if (++parser->empty_lines <= MAX_EMPTY_LINES)
            return 0;
        mk_http1_refuse(&parser->error, 400, "too many empty lines");
        return bad_head(parser);
    }
    /* Reported at the first byte: a client that speaks TLS here would wait for an answer. */
    if (line[0] != '\r' && !mk_http1_is(line[0], MK_HTTP1_TOKEN)) {
        mk_http1_refuse(&parser->error, 400, "malformed request line");
        return bad_head(parser);
    }
    const char *next = mk_http1_request_line(line, end, &parser->request, &parser->error);
    if (!next) {
        int rc = line_unread(parser, line, end);
        parser->request = (struct mk_http1_request){ 0 };
        return rc;
    }
    if ((size_t)(next - line) > line_room(parser))
        return line_too_long(parser, line);
    parser->state = MK_HTTP1_HEADERS;
    *at = next;
    return 0;
}

/* Returns the slot that the next header is read into, or NULL when out of memory. */
static struct mk_http1_header *next_header(struct mk_http1_parser *parser)
{
    size_t count = parser->request.header_count;
    if (count == parser->header_cap) {
        size_t cap = count > 0 ? count * 2 : FIRST_HEADERS;
        struct mk_http1_header *headers = realloc(parser->headers, cap * sizeof(*headers));
        if (!headers)
            return NULL;
        parser->headers = headers;
        parser->header_cap = (uint16_t)cap;
        parser->request.headers = headers;
    }
    return &parser->headers[count];
}

static int read_header_line(struct mk_http1_parser *parser, const char **at, const char *end)
{
    const char *line = *at;
    if (is_empty_line(line, end)) {
        *at += 2;
        return mk_http1_head_finish(parser) ? MK_HTTP1_HEAD : bad_head(parser);
    }
    struct mk_http1_header *header = next_header(parser);
    if (!header)
        return -ENOMEM;
    const char *next = mk_http1_header_line(line, end, header, &parser->error);
    if (!next)
        return line_unread(parser, line, end);
    if ((size_t)(next - line) > line_room(parser))
        return line_too_long(parser, line);
    if (parser->request.header_count == parser->limits.header_count) {
        mk_http1_refuse(&parser->error, 431, "too many headers");
        return bad_head(parser);
    }
    if (!mk_http1_head_note(parser, header))
        return bad_head(parser);
    parser->request.header_count++;
    parser->header_bytes += (uint32_t)(next - line);
    *at = next;
    return 0;
}

static int read_lines(struct mk_http1_parser *parser, const char **at, const char *end)
{
    int rc = 0;
    while (rc == 0 && *at < end)
        rc = parser->state == MK_HTTP1_START ? read_request_line(parser, at, end)
                                             : read_header_line(parser, at, end);
    return rc == 0 ? MK_HTTP1_NEED_MORE : rc;
}

/* The head is complete, perhaps but for a body that is too long. */
static bool is_head(const struct mk_http1_parser *parser, int rc)
{
    return rc == MK_HTTP1_HEAD || (rc == MK_HTTP1_BAD && parser->error.status == 413);
}

/* The whole head, or the part that has arrived, lies in the input. */
static int feed_head_borrowed(struct mk_http1_parser *parser, const char *data, size_t len,
                              size_t *consumed)
{
    const char *end = data + len;
    const char *at = data;
    int rc = read_lines(parser, &at, end);
    *consumed = (size_t)(at - data);
    if (is_head(parser, rc))
        parser->head_len = (uint32_t)(at - parser->request.method.ptr);
    if (rc != MK_HTTP1_NEED_MORE)
        return rc;
    *consumed = len;
    const char *head = parser->state == MK_HTTP1_START ? at : parser->request.method.ptr;
    if (head == end)
        return rc;
    parser->line_at = (size_t)(at - head);
    int kept = keep_head(parser, head, (size_t)(end - head));
    return kept < 0 ? kept : rc;
}

/* Part of the head lies in `kept`: appends the rest line by line. */
static int feed_head_kept(struct mk_http1_parser *parser, const char *data, size_t len,
                          size_t *consumed)
{
    while (*consumed < len) {
        const char *from = data + *consumed;
        const char *lf = memchr(from, '\n', len - *consumed);
        size_t count = lf ? (size_t)(lf + 1 - from) : len - *consumed;
        int rc = append_kept(parser, from, count);
        if (rc < 0)
            return rc;
        *consumed += count;
        const char *at = parser->kept + parser->line_at;
        const char *end = parser->kept + parser->kept_len;
        if (!lf)
            return line_pending(parser, at, (size_t)(end - at));
        rc = read_lines(parser, &at, end);
        if (rc != MK_HTTP1_NEED_MORE)
            return rc;
        parser->line_at = (size_t)(at - parser->kept);
        if (parser->state == MK_HTTP1_START) {
            /* It was an empty line, and the request has not begun yet. */
            drop_kept(parser);
            size_t more = 0;
            rc = feed_head_borrowed(parser, lf + 1, len - *consumed, &more);
            *consumed += more;
            return rc;
        }
    }
    return MK_HTTP1_NEED_MORE;
}

static int feed_head(struct mk_http1_parser *parser, const char *data, size_t len, size_t *consumed)
{
    int rc = parser->kept_len > 0 ? feed_head_kept(parser, data, len, consumed)
                                  : feed_head_borrowed(parser, data, len, consumed);
    if (is_head(parser, rc) && *consumed < len)
        parser->request.expect_continue = false; /* the body, or part of it, has arrived */
    return rc;
}

static bool head_is_borrowed(const struct mk_http1_parser *parser)
{
    return parser->kept_len == 0 && parser->request.method.ptr;
}

int mk_http1_parser_feed(struct mk_http1_parser *parser, const char *data, size_t len,
                         size_t *consumed)
{
    *consumed = 0;
    if (len == 0)
        data = "";
    mk_http1_parser_done(parser);
    if (parser->state == MK_HTTP1_FAILED)
        return MK_HTTP1_BAD;
    int rc;
    if (parser->state <= MK_HTTP1_HEADERS)
        rc = feed_head(parser, data, len, consumed);
    else
        rc = mk_http1_body_feed(parser, data, len, consumed);
    if ((rc == MK_HTTP1_NEED_MORE || rc == MK_HTTP1_PIECE) && head_is_borrowed(parser)) {
        int kept = keep_head(parser, parser->request.method.ptr, parser->head_len);
        rc = kept < 0 ? kept : rc;
    }
    if (rc < 0) {
        mk_http1_refuse(&parser->error, 500, "out of memory");
        parser->state = MK_HTTP1_FAILED;
        parser->request = (struct mk_http1_request){ 0 };
    }
    return rc;
}

bool mk_http1_parser_take_body(struct mk_http1_parser *parser, struct mk_buf *body)
{
    struct mk_slice taken = parser->request.body;
    if (parser->state != MK_HTTP1_DONE || taken.len == 0 || taken.ptr != parser->body.data)
        return false;
    *body = parser->body;
    mk_buf_init(&parser->body, body->max);
    return true;
}

void mk_http1_parser_skip_body(struct mk_http1_parser *parser)
{
    parser->skip_body = true;
}

void mk_http1_parser_stream_body(struct mk_http1_parser *parser)
{
    parser->streams = true;
    if (parser->state == MK_HTTP1_FAILED)
        mk_http1_enter_body(parser);
}

const struct mk_http1_request *mk_http1_parser_request(const struct mk_http1_parser *parser)
{
    return &parser->request;
}

const struct mk_http1_error *mk_http1_parser_error(const struct mk_http1_parser *parser)
{
    return &parser->error;
}

bool mk_http1_parser_idle(const struct mk_http1_parser *parser)
{
    return parser->state == MK_HTTP1_DONE ||
           (parser->state == MK_HTTP1_START && parser->kept_len == 0);
}

struct mk_slice mk_http1_find(const struct mk_http1_request *request, struct mk_slice name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (mk_slice_eq_nocase(request->headers[i].name, name))
            return request->headers[i].value;
    return (struct mk_slice){ 0 };
}

size_t mk_http1_count(const struct mk_http1_request *request, struct mk_slice name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += mk_slice_eq_nocase(request->headers[i].name, name);
    return count;
}
