/*
 * fuzz_sse: the parser must return what was written, but for line breaks, which are all LF then;
 * and the events of any stream do not depend on the splits, in chunks or not.
 *
 * Messages are divided by NUL. The first byte of each is its id and (its top bit) whether a comment
 * goes before it; the rest is the data. The whole input is a stream of events, too, and the body of
 * a response in chunks.
 */
#include "fuzz.h"
#include "wire/http1_chunks.h"
#include "wire/sse.h"
#include "wire/sse_parser.h"

#include <errno.h>

enum { MOST = 4096 };

/* --- what is written --- */

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

/* `last` is the previous id; one of 0 is not written. */
static void check_message(const struct mk_sse_event *event, struct mk_slice input, uint64_t *last)
{
    struct mk_buf expected;
    mk_buf_init(&expected, SIZE_MAX / 2);
    uint64_t id = take_byte(&input) & 0x7f;
    append_normalised(&expected, input);
    if (id > 0)
        *last = id;
    char digits[8] = "";
    if (*last > 0)
        snprintf(digits, sizeof(digits), "%u", (unsigned)*last);
    check(mk_slice_eq(event->data, mk_buf_slice(&expected)), "another text");
    check(mk_slice_eq(event->id, mk_slice_str(digits)), "another id");
    check(mk_slice_eq(event->type, id % 2 ? MK_SLICE("milky_event") : MK_SLICE("message")),
          "another type");
    mk_buf_fini(&expected);
}

static void check_written(struct mk_slice input)
{
    struct mk_buf stream;
    struct mk_sse_parser parser;
    uint64_t last = 0;
    size_t consumed;
    mk_buf_init(&stream, SIZE_MAX / 2);
    mk_sse_parser_init(&parser, SIZE_MAX / 2);
    for (struct mk_slice rest = input; rest.len > 0;)
        write_message(&stream, take_until(&rest, '\0'));
    struct mk_slice written = mk_buf_slice(&stream);
    for (struct mk_slice rest = input; rest.len > 0;) {
        struct mk_slice part = take_until(&rest, '\0');
        check(mk_sse_parser_feed(&parser, written.ptr, written.len, &consumed) == MK_SSE_EVENT,
              "a message is lost");
        written = mk_slice_from(written, consumed);
        check_message(&parser.event, part, &last);
    }
    check(mk_sse_parser_feed(&parser, written.ptr, written.len, &consumed) == MK_SSE_NEED_MORE,
          "a message too many");
    mk_sse_parser_fini(&parser);
    mk_buf_fini(&stream);
}

/* --- what may come --- */

struct reader {
    struct mk_sse_parser parser;
    struct mk_http1_chunks chunks;
    bool chunked;
    bool over;
    struct mk_buf log;
};

static void reader_init(struct reader *reader, bool chunked)
{
    *reader = (struct reader){ .chunked = chunked };
    mk_sse_parser_init(&reader->parser, MOST);
    mk_buf_init(&reader->log, SIZE_MAX / 2);
}

static void reader_fini(struct reader *reader)
{
    mk_sse_parser_fini(&reader->parser);
    mk_buf_fini(&reader->log);
}

static void take_text(struct reader *reader, struct mk_slice text)
{
    while (text.len > 0 && !reader->over) {
        size_t consumed;
        int rc = mk_sse_parser_feed(&reader->parser, text.ptr, text.len, &consumed);
        check(consumed <= text.len && consumed > 0, "bytes");
        text = mk_slice_from(text, consumed);
        const struct mk_sse_event *event = &reader->parser.event;
        if (rc < 0) {
            check(rc == -ENOBUFS, "error");
            mk_buf_append_slice(&reader->log, MK_SLICE("too long"));
            reader->over = true;
        } else if (rc == MK_SSE_EVENT) {
            check(event->data.len <= MOST && event->type.len > 0, "event");
            mk_buf_append_slice(&reader->log, event->type);
            mk_buf_append_char(&reader->log, '\0');
            mk_buf_append_slice(&reader->log, event->id);
            mk_buf_append_char(&reader->log, '\0');
            mk_buf_append_slice(&reader->log, event->data);
            mk_buf_append_char(&reader->log, '\0');
        } else {
            check(text.len == 0, "something is left");
        }
    }
}

static void take_chunks(struct reader *reader, struct mk_slice input)
{
    while (input.len > 0 && !reader->over) {
        size_t consumed;
        struct mk_slice data;
        int status = mk_http1_chunks_feed(&reader->chunks, input, &consumed, &data);
        check(consumed <= input.len && consumed > 0, "bytes");
        if (status == MK_HTTP1_CHUNKS_DATA) {
            check(data.len > 0 && data.ptr + data.len == input.ptr + consumed, "a piece");
            take_text(reader, data);
        } else if (status != MK_HTTP1_CHUNKS_MORE) {
            mk_buf_append_char(&reader->log, status == MK_HTTP1_CHUNKS_END ? 'E' : 'B');
            reader->over = true;
        }
        input = mk_slice_from(input, consumed);
    }
}

/* In pieces of up to `most` bytes (SIZE_MAX: whole), each in a block of its own. */
static void take_pieces(struct reader *reader, struct mk_slice input, size_t most)
{
    uint32_t seed = (uint32_t)(input.len + most);
    while (input.len > 0 && !reader->over) {
        size_t len = most == SIZE_MAX ? input.len : 1 + next_random(&seed) % most;
        if (len > input.len)
            len = input.len;
        char *piece = copy_of(input.ptr, len);
        if (reader->chunked)
            take_chunks(reader, mk_slice_of(piece, len));
        else
            take_text(reader, mk_slice_of(piece, len));
        free(piece);
        input = mk_slice_from(input, len);
    }
    mk_buf_append_slice(&reader->log, mk_sse_parser_last_id(&reader->parser));
    mk_buf_append_char(&reader->log, (char)('0' + reader->parser.retry_ms % 10));
}

static void check_stream(struct mk_slice input, bool chunked)
{
    static const size_t most[] = { 1, 7, 100 };
    struct reader whole;
    reader_init(&whole, chunked);
    take_pieces(&whole, input, SIZE_MAX);
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct reader reader;
        reader_init(&reader, chunked);
        take_pieces(&reader, input, most[i]);
        check(mk_slice_eq(mk_buf_slice(&reader.log), mk_buf_slice(&whole.log)),
              "pieces have another result");
        reader_fini(&reader);
    }
    reader_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    check_written(input);
    check_stream(input, false);
    check_stream(input, true);
    return 0;
}
