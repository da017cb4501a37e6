/* sse_parser: see the header. Only a line that arrives in pieces is copied before it is parsed. */
#include "wire/sse_parser.h"

#include <errno.h>

enum { KEPT = 16 * 1024 }; /* bytes of a buffer that are kept for the next event */

void mk_sse_parser_init(struct mk_sse_parser *parser, size_t most)
{
    *parser = (struct mk_sse_parser){ .retry_ms = MK_SSE_NO_RETRY, .most = most };
    mk_buf_init(&parser->line, most);
    mk_buf_init(&parser->type, most);
    mk_buf_init(&parser->data, most + 1); /* with the line break behind its last line */
    mk_buf_init(&parser->next_id, most);
    mk_buf_init(&parser->id, most);
}

void mk_sse_parser_fini(struct mk_sse_parser *parser)
{
    mk_buf_fini(&parser->line);
    mk_buf_fini(&parser->type);
    mk_buf_fini(&parser->data);
    mk_buf_fini(&parser->next_id);
    mk_buf_fini(&parser->id);
}

struct mk_slice mk_sse_parser_last_id(const struct mk_sse_parser *parser)
{
    return mk_buf_slice(&parser->id);
}

/* --- fields --- */

static int set(struct mk_buf *buf, struct mk_slice value)
{
    mk_buf_reset(buf, KEPT);
    return mk_buf_append_slice(buf, value);
}

int mk_sse_parser_resume_from(struct mk_sse_parser *parser, struct mk_slice id)
{
    int rc = set(&parser->id, id);
    return rc < 0 ? rc : set(&parser->next_id, id);
}

/* Ignores a value that is not all digits. A number that is too large becomes the largest one. */
static void note_retry(struct mk_sse_parser *parser, struct mk_slice value)
{
    const int64_t most = INT64_MAX / 10 - 1;
    int64_t ms = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c < '0' || c > '9')
            return;
        ms = ms * 10 + (c - '0');
        if (ms > most)
            ms = most;
    }
    if (value.len > 0)
        parser->retry_ms = ms;
}

static int take_field(struct mk_sse_parser *parser, struct mk_slice name, struct mk_slice value)
{
    if (mk_slice_eq(name, MK_SLICE("data"))) {
        int rc = mk_buf_append_slice(&parser->data, value);
        return rc < 0 ? rc : mk_buf_append_char(&parser->data, '\n');
    }
    if (mk_slice_eq(name, MK_SLICE("event")))
        return set(&parser->type, value);
    if (mk_slice_eq(name, MK_SLICE("id"))) {
        bool has_nul = value.len > 0 && memchr(value.ptr, '\0', value.len);
        return has_nul ? 0 : set(&parser->next_id, value);
    }
    if (mk_slice_eq(name, MK_SLICE("retry")))
        note_retry(parser, value);
    return 0;
}

/* An event without data is not dispatched, but its id is stored. */
static int dispatch(struct mk_sse_parser *parser)
{
    if (!mk_slice_eq(mk_buf_slice(&parser->id), mk_buf_slice(&parser->next_id))) {
        int rc = set(&parser->id, mk_buf_slice(&parser->next_id));
        if (rc < 0)
            return rc;
    }
    if (parser->data.len == 0) {
        parser->type.len = 0;
        return MK_SSE_NEED_MORE;
    }
    parser->event = (struct mk_sse_event){
        .type = parser->type.len > 0 ? mk_buf_slice(&parser->type) : MK_SLICE("message"),
        .data = mk_slice_of(parser->data.data, parser->data.len - 1),
        .id = mk_buf_slice(&parser->id),
    };
    return MK_SSE_EVENT;
}

/* A whole line, without its end. */
static int take_line(struct mk_sse_parser *parser, struct mk_slice line)
{
    struct mk_slice mark = MK_SLICE("\xef\xbb\xbf");
    if (!parser->begun && mk_slice_starts_with(line, mark))
        line = mk_slice_from(line, mark.len);
    parser->begun = true;
    if (line.len > parser->most)
        return -ENOBUFS;
    if (line.len == 0)
        return dispatch(parser);
    const char *colon = memchr(line.ptr, ':', line.len);
    struct mk_slice name = colon ? mk_slice_of(line.ptr, (size_t)(colon - line.ptr)) : line;
    struct mk_slice value = mk_slice_from(line, name.len + (colon != NULL));
    if (value.len > 0 && value.ptr[0] == ' ')
        value = mk_slice_from(value, 1);
    return take_field(parser, name, value); /* the name of a comment is empty */
}

/* --- lines --- */

/* Clears the event that the last feed returned. */
static void forget_event(struct mk_sse_parser *parser)
{
    if (!parser->event.data.ptr)
        return;
    parser->event = (struct mk_sse_event){ 0 };
    mk_buf_reset(&parser->data, KEPT);
    parser->type.len = 0;
}

static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

/* Processes the line that ends at `stop`; its beginning may be in `line`. */
static int end_line(struct mk_sse_parser *parser, const char *at, const char *stop)
{
    struct mk_slice piece = mk_slice_of(at, (size_t)(stop - at));
    if (parser->line.len == 0)
        return take_line(parser, piece);
    int rc = mk_buf_append_slice(&parser->line, piece);
    if (rc == 0)
        rc = take_line(parser, mk_buf_slice(&parser->line));
    mk_buf_reset(&parser->line, KEPT);
    return rc;
}

int mk_sse_parser_feed(struct mk_sse_parser *parser, const char *data, size_t len, size_t *consumed)
{
    forget_event(parser);
    *consumed = len;
    if (len == 0)
        return MK_SSE_NEED_MORE;
    const char *at = data;
    const char *end = data + len;
    while (at < end) {
        if (parser->after_cr && *at == '\n') {
            parser->after_cr = false;
            at++;
            continue;
        }
        const char *stop = line_end(at, end);
        parser->after_cr = false;
        if (stop == end) {
            int rc = mk_buf_append(&parser->line, at, (size_t)(end - at));
            return rc < 0 ? rc : MK_SSE_NEED_MORE;
        }
        int rc = end_line(parser, at, stop);
        parser->after_cr = *stop == '\r';
        at = stop + 1;
        if (rc != MK_SSE_NEED_MORE) {
            *consumed = (size_t)(at - data);
            return rc;
        }
    }
    return MK_SSE_NEED_MORE;
}
