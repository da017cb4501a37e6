/*
 * websocket_feed: runs the bytes of a peer through a parser, whole, byte by byte and randomly
 * split, in both roles, and writes the results into one text.
 */
#ifndef MK_TESTS_WEBSOCKET_FEED_H
#define MK_TESTS_WEBSOCKET_FEED_H

#include "wire/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "feed.h"
#include <cmocka.h>

struct run {
    struct mk_ws_parser parser;
    struct mk_buf log;
    size_t fed; /* bytes that the parser was offered */
    bool in_place;
    bool closed;
};

static inline void log_event(struct run *run, int status)
{
    static const char *const names[16] = {
        [MK_WS_TEXT] = "text", [MK_WS_BINARY] = "binary", [MK_WS_CLOSE] = "close",
        [MK_WS_PING] = "ping", [MK_WS_PONG] = "pong",
    };
    const struct mk_ws_event *event = &run->parser.event;
    int rc = 0;
    if (status == MK_WS_FAIL)
        rc = mk_buf_printf(&run->log, "fail %u\n", event->code);
    else if (event->opcode == MK_WS_CLOSE)
        rc = mk_buf_printf(&run->log, "close %u ", event->code);
    else
        rc = mk_buf_printf(&run->log, "%s ", names[event->opcode]);
    assert_int_equal(rc, 0);
    if (status == MK_WS_FAIL)
        return;
    assert_int_equal(status == MK_WS_MESSAGE, event->opcode < MK_WS_CLOSE);
    assert_int_equal(mk_buf_append_slice(&run->log, event->payload), 0);
    assert_int_equal(mk_buf_append_char(&run->log, '\n'), 0);
}

static inline bool take(void *self, char *data, size_t len)
{
    struct run *run = self;
    run->fed += len;
    for (;;) {
        size_t used = SIZE_MAX;
        int status = mk_ws_parser_feed(&run->parser, data, len, &used);
        assert_true(used <= len);
        if (status == MK_WS_NEED_MORE) {
            assert_int_equal(used, len);
            return true;
        }
        const char *payload = run->parser.event.payload.ptr;
        run->in_place = payload >= data && payload <= data + len;
        log_event(run, status);
        run->closed = status == MK_WS_FAIL || run->parser.event.opcode == MK_WS_CLOSE;
        data += used;
        len -= used;
        if (status != MK_WS_FAIL)
            continue;
        assert_non_null(run->parser.event.reason);
        assert_int_equal(mk_ws_parser_feed(&run->parser, data, len, &used), MK_WS_FAIL);
        assert_int_equal(used, 0);
        return false;
    }
}

/* The decompressor of every parser; NULL (at first): none. */
static struct mk_deflate *run_deflate;

static inline void run_begin(struct run *run, enum mk_ws_role role, size_t limit)
{
    *run = (struct run){ 0 };
    mk_ws_parser_init(&run->parser, role, limit);
    if (run_deflate)
        mk_ws_parser_set_deflate(&run->parser, run_deflate);
    mk_buf_init(&run->log, SIZE_MAX);
}

static inline void run_end(struct run *run)
{
    mk_ws_parser_fini(&run->parser);
    mk_buf_fini(&run->log);
}

static inline size_t header_size(const uint8_t *frame)
{
    uint8_t len = frame[1] & 0x7f;
    return len == 126 ? 4 : len == 127 ? 10 : 2;
}

/* The frames as a client would send them; a truncated frame stays truncated. */
static inline void mask_frames(struct mk_slice in, struct mk_buf *out)
{
    uint32_t seed = 7;
    const uint8_t *at = (const uint8_t *)in.ptr;
    size_t left = in.len;
    while (left > 0) {
        size_t head = left < 2 ? left : header_size(at);
        head = head < left ? head : left;
        uint64_t len = head > 1 ? at[1] : 0;
        if (head > 2) {
            len = 0;
            for (size_t i = 2; i < head; i++)
                len = len << 8 | at[i];
        }
        mk_buf_append(out, at, head);
        if (head > 1)
            out->data[out->len - head + 1] = (char)(at[1] | 0x80);
        at += head;
        left -= head;
        if (head < 2 || (left == 0 && len > 0))
            return;
        uint32_t key = feed_random(&seed);
        size_t begin = out->len + sizeof(key);
        size_t here = len < left ? (size_t)len : left;
        mk_buf_append(out, &key, sizeof(key));
        mk_buf_append(out, at, here);
        for (size_t i = 0; i < here; i++)
            out->data[begin + i] = (char)(out->data[begin + i] ^ out->data[begin - 4 + (i & 3)]);
        at += here;
        left -= here;
    }
}

static inline void check_run(const char *name, enum mk_ws_role role, struct mk_slice input,
                             struct mk_slice expected, size_t limit)
{
    for (unsigned mode = 0; mode < FEED_MODES; mode++) {
        struct run run;
        run_begin(&run, role, limit);
        feed(input, mode, take, &run);
        if (!mk_slice_eq(mk_buf_slice(&run.log), expected))
            fail_msg("%s, role %d, mode %u: %.*s", name, (int)role, mode,
                     (int)(run.log.len < 200 ? run.log.len : 200), run.log.data);
        /* A failure comes with the last byte of the case: neither earlier nor later. */
        if (mode == FEED_BYTES)
            assert_int_equal(run.fed, input.len);
        /* Nothing is kept but for a message or a control frame that has not ended. */
        if (run.closed || (run.parser.message_opcode == 0 && run.parser.control_len == 0))
            assert_null(run.parser.message.data);
        run_end(&run);
    }
}

static inline void check(const char *name, struct mk_slice frames, struct mk_slice expected,
                         size_t limit)
{
    struct mk_buf masked;
    mk_buf_init(&masked, SIZE_MAX);
    mask_frames(frames, &masked);
    check_run(name, MK_WS_CLIENT, frames, expected, limit);
    check_run(name, MK_WS_SERVER, mk_buf_slice(&masked), expected, limit);
    mk_buf_fini(&masked);
}

#endif
