/*
 * fuzz_sse: what is written must come out of a decoder as it went in, but for line breaks, which
 * are all LF then. The decoder follows "interpreting an event stream" of WHATWG HTML.
 *
 * The first byte is the id and (its top bit) whether a comment goes first; the rest is the data.
 */
#include "wire/sse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

struct decoder {
    struct mk_buf data;
    struct mk_slice id;
    struct mk_slice event;
    unsigned messages;
};

/* Takes the next line off, which CR, LF or CRLF ends; false when there is no whole one. */
static bool next_line(struct mk_slice *rest, struct mk_slice *line)
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
    return false;
}

static void take_field(struct decoder *decoder, struct mk_slice line)
{
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    struct mk_slice name = colon ? mk_slice_of(line.ptr, (size_t)(colon - line.ptr)) : line;
    struct mk_slice value = mk_slice_from(line, name.len + 1);
    if (value.len > 0 && value.ptr[0] == ' ')
        value = mk_slice_from(value, 1);
    if (mk_slice_eq(name, MK_SLICE("data"))) {
        mk_buf_append_slice(&decoder->data, value);
        mk_buf_append_char(&decoder->data, '\n');
    } else if (mk_slice_eq(name, MK_SLICE("id"))) {
        decoder->id = value;
    } else if (mk_slice_eq(name, MK_SLICE("event"))) {
        decoder->event = value;
    } else {
        check(name.len == 0, "an unknown field");
    }
}

static void decode(struct decoder *decoder, struct mk_slice stream)
{
    struct mk_slice line;
    while (next_line(&stream, &line)) {
        if (line.len > 0) {
            take_field(decoder, line);
        } else if (decoder->data.len > 0) {
            decoder->data.len--;
            decoder->messages++;
        }
    }
    check(stream.len == 0, "an unfinished line");
}

static void append_normalised(struct mk_buf *out, struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            continue;
        mk_buf_append_char(out, text.ptr[i] == '\r' ? '\n' : text.ptr[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint64_t id = data[0] & 0x7f;
    struct mk_slice event = id % 2 ? MK_SLICE("milky_event") : MK_SLICE("");
    struct mk_slice text = mk_slice_of((const char *)data + 1, size - 1);
    struct mk_buf stream;
    struct mk_buf expected;
    struct decoder decoder = { 0 };
    mk_buf_init(&stream, SIZE_MAX / 2);
    mk_buf_init(&expected, SIZE_MAX / 2);
    mk_buf_init(&decoder.data, SIZE_MAX / 2);
    if (data[0] & 0x80)
        check(mk_sse_write_comment(&stream, MK_SLICE("data: ping")) == 0, "comment");
    check(mk_sse_write_message(&stream, id, event, text) == 0, "message");
    decode(&decoder, mk_buf_slice(&stream));
    append_normalised(&expected, text);
    char digits[8] = "";
    if (id > 0)
        snprintf(digits, sizeof(digits), "%u", (unsigned)id);
    check(decoder.messages == 1, "not one message");
    check(mk_slice_eq(mk_buf_slice(&decoder.data), mk_buf_slice(&expected)), "another text");
    check(mk_slice_eq(decoder.id, mk_slice_str(digits)), "another id");
    check(mk_slice_eq(decoder.event, event), "another event");
    mk_buf_fini(&stream);
    mk_buf_fini(&expected);
    mk_buf_fini(&decoder.data);
    return 0;
}
