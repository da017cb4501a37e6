/*
 * sse_decoder: a client's side of Server-Sent Events, as WHATWG HTML has it ("interpreting an event
 * stream"): only what our own writer writes may stand in the stream.
 */
#ifndef MK_FUZZ_SSE_DECODER_H
#define MK_FUZZ_SSE_DECODER_H

#include "fuzz.h"

struct sse_message {
    struct mk_buf data; /* lines with LF between them; emptied for each message */
    struct mk_slice id;
    struct mk_slice event;
};

/* Takes the next line off, which CR, LF or CRLF ends; false when there is no whole one. */
static bool sse_line(struct mk_slice *rest, struct mk_slice *line)
{
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c != '\r' && c != '\n')
            continue;
        bool is_crlf = c == '\r' && i + 1 < rest->len && rest->ptr[i + 1] == '\n';
        *line = mk_slice_of(rest->ptr, i);
        *rest = mk_slice_from(*rest, i + (is_crlf ? 2 : 1));
        return true;
    }
    check(rest->len == 0, "an unfinished line");
    return false;
}

static void sse_field(struct sse_message *message, struct mk_slice line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct mk_slice name = colon ? mk_slice_of(line.ptr, (size_t)(colon - line.ptr)) : line;
    struct mk_slice value = mk_slice_from(line, name.len + 1);
    if (value.len > 0 && value.ptr[0] == ' ')
        value = mk_slice_from(value, 1);
    if (mk_slice_eq(name, MK_SLICE("data"))) {
        check(mk_buf_append_slice(&message->data, value) == 0 &&
                  mk_buf_append_char(&message->data, '\n') == 0,
              "memory");
    } else if (mk_slice_eq(name, MK_SLICE("id"))) {
        message->id = value;
    } else if (mk_slice_eq(name, MK_SLICE("event"))) {
        message->event = value;
    } else {
        check(name.len == 0, "an unknown field");
    }
}

/* The next message of the stream, which is taken off it; false where there is none. */
static bool sse_next(struct mk_slice *stream, struct sse_message *message)
{
    struct mk_slice line;
    mk_buf_reset(&message->data, SIZE_MAX);
    message->id = message->event = (struct mk_slice){ 0 };
    while (sse_line(stream, &line)) {
        if (line.len > 0) {
            sse_field(message, line);
        } else if (message->data.len > 0) {
            message->data.len--;
            return true;
        }
    }
    check(message->data.len == 0, "an unfinished message");
    return false;
}

#endif
