/*
 * fuzz_sse: what is written must come out of a decoder as it went in, but for line breaks, which
 * are all LF then.
 *
 * Messages are divided by NUL. The first byte of each is its id and (its top bit) whether a comment
 * goes before it; the rest is the data.
 */
#include "fuzz.h"
#include "sse_decoder.h"
#include "wire/sse.h"

static void write_message(struct mk_buf *stream, struct mk_slice input)
{
    uint8_t first = take_byte(&input);
    uint64_t id = first & 0x7f;
    struct mk_slice event = id % 2 ? MK_SLICE("milky_event") : MK_SLICE("");
    if (first & 0x80)
        check(mk_sse_write_comment(stream, MK_SLICE("data: ping")) == 0, "comment");
    check(mk_sse_write_message(stream, id, event, input) == 0, "message");
}

static void append_normalised(struct mk_buf *out, struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            continue;
        mk_buf_append_char(out, text.ptr[i] == '\r' ? '\n' : text.ptr[i]);
    }
}

static void check_message(const struct sse_message *message, struct mk_slice input)
{
    struct mk_buf expected;
    mk_buf_init(&expected, SIZE_MAX / 2);
    uint64_t id = take_byte(&input) & 0x7f;
    append_normalised(&expected, input);
    char digits[8] = "";
    if (id > 0)
        snprintf(digits, sizeof(digits), "%u", (unsigned)id);
    check(mk_slice_eq(mk_buf_slice(&message->data), mk_buf_slice(&expected)), "another text");
    check(mk_slice_eq(message->id, mk_slice_str(digits)), "another id");
    check(mk_slice_eq(message->event, id % 2 ? MK_SLICE("milky_event") : MK_SLICE("")),
          "another event");
    mk_buf_fini(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    struct mk_buf stream;
    struct sse_message message = { 0 };
    mk_buf_init(&stream, SIZE_MAX / 2);
    mk_buf_init(&message.data, SIZE_MAX / 2);
    for (struct mk_slice rest = input; rest.len > 0;)
        write_message(&stream, take_until(&rest, '\0'));
    struct mk_slice written = mk_buf_slice(&stream);
    for (struct mk_slice rest = input; rest.len > 0;) {
        struct mk_slice part = take_until(&rest, '\0');
        check(sse_next(&written, &message), "a message is lost");
        check_message(&message, part);
    }
    check(!sse_next(&written, &message), "a message too many");
    mk_buf_fini(&stream);
    mk_buf_fini(&message.data);
    return 0;
}
