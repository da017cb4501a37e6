/*
 * websocket with permessage-deflate: frames that may have RSV1, compressed messages in one piece
 * and in fragments, and refusals; every case in both roles and every split.
 */
#include "websocket_feed.h"

#include "wire/inflation.h"

#include <errno.h>

enum { LIMIT = 300 };

static struct mk_deflate codec;

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

struct row {
    const char *name;
    struct mk_slice frames;
    struct mk_slice expected;
};

// clang-format off
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
#define ROW(name, frames, expected) { name, BYTES(frames), BYTES(expected) }
// clang-format on

static const struct row rows[] = {
    /* RFC 7692, 7.2.3 */
    ROW("one frame", "\xc1\x07" HELLO, "text Hello\n"),
    ROW("fragments", "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", "text Hello\n"),
    ROW("binary", "\xc2\x07" HELLO, "binary Hello\n"),
    ROW("three fragments, one of them empty",
        "\x41\x03\xf2\x48\xcd\x00\x00\x80\x04\xc9\xc9\x07\x00", "text Hello\n"),
    ROW("empty first fragment", "\x41\x00\x80\x07" HELLO, "text Hello\n"),
    ROW("empty last fragment", "\x41\x07" HELLO "\x80\x00", "text Hello\n"),
    ROW("empty message", "\xc1\x01\x00", "text \n"),
    ROW("empty payload", "\xc1\x00", "text \n"),
    ROW("two blocks", "\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        "text Hello\n"),
    ROW("BFINAL", "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "text Hello\n"),

    /* beside messages that are not compressed */
    ROW("plain", "\x81\x05Hello", "text Hello\n"),
    ROW("plain fragments", "\x01\x03Hel\x80\x02lo", "text Hello\n"),
    ROW("in turns",
        "\xc1\x07" HELLO "\x81\x02"
        "ab\xc1\x07" HELLO "\x01\x01x\x80\x01y",
        "text Hello\ntext ab\ntext Hello\ntext xy\n"),
    ROW("a ping between fragments", "\x41\x03\xf2\x48\xcd\x89\x02pi\x80\x04\xc9\xc9\x07\x00",
        "ping pi\ntext Hello\n"),
    ROW("a ping behind it", "\xc1\x07" HELLO "\x89\x02pi", "text Hello\nping pi\n"),
    ROW("a close between fragments", "\x41\x03\xf2\x48\xcd\x88\x02\x03\xe8", "close 1000 \n"),

    /* RSV1 where it may not be */
    ROW("a compressed ping", "\xc9", "fail 1002\n"),
    ROW("a compressed pong", "\xca", "fail 1002\n"),
    ROW("a compressed close", "\xc8", "fail 1002\n"),
    ROW("on a continuation", "\x41\x03\xf2\x48\xcd\xc0", "fail 1002\n"),
    ROW("on a continuation of a plain message", "\x01\x03Hel\xc0", "fail 1002\n"),
    ROW("on a continuation of nothing", "\xc0", "fail 1002\n"),
    ROW("within another message", "\x41\x03\xf2\x48\xcd\xc1", "fail 1002\n"),
    ROW("with RSV2", "\xe1", "fail 1002\n"),
    ROW("with RSV3", "\xd1", "fail 1002\n"),
    ROW("RSV2 alone", "\xa1", "fail 1002\n"),
    ROW("on a reserved opcode", "\xc3", "fail 1002\n"),

    /* invalid compressed data */
    ROW("cut short", "\xc1\x06\xf2\x48\xcd\xc9\xc9\x07", "fail 1007\n"),
    ROW("a block of type 3", "\xc2\x04\xff\xff\xff\xff", "fail 1007\n"),
    ROW("not compressed at all", "\xc1\x05Hello", "fail 1007\n"),
    ROW("in fragments", "\x41\x03\xf2\x48\xcd\x80\x02\xc9\xc9", "fail 1007\n"),
    ROW("the window of the message before", "\xc1\x07" HELLO "\xc1\x05\xf2\x00\x11\x00\x00",
        "text Hello\nfail 1007\n"),

    /* the decompressed text must be UTF-8, not the compressed bytes */
    ROW("text", "\xc1\x08\x00\x02\x00\xfd\xff\xc3\xa9\x00", "text \xc3\xa9\n"),
    ROW("not UTF-8", "\xc1\x08\x00\x02\x00\xfd\xff\xff\xfe\x00", "fail 1007\n"),
    ROW("cut within a character", "\xc1\x07\x00\x01\x00\xfe\xff\xc3\x00", "fail 1007\n"),
    ROW("binary need not be", "\xc2\x08\x00\x02\x00\xfd\xff\xff\xfe\x00", "binary \xff\xfe\n"),
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].name, rows[i].frames, rows[i].expected, LIMIT);
}

static void test_without_negotiation(void **state)
{
    (void)state;
    run_deflate = NULL;
    check("text", MK_SLICE("\xc1"), MK_SLICE("fail 1002\n"), LIMIT);
    check("binary", MK_SLICE("\x42"), MK_SLICE("fail 1002\n"), LIMIT);
    run_deflate = &codec;
}

/* A frame with a compressed run of `len` equal bytes, and its result. */
static void write_run(struct mk_buf *out, struct mk_buf *expected, size_t len)
{
    static char text[6 << 20];
    struct mk_slice compressed;
    memset(text, 'a', len);
    assert_true(mk_deflate_compress(&codec, mk_slice_of(text, len), &compressed));
    assert_int_equal(mk_ws_write_compressed(out, NULL, MK_WS_TEXT, compressed), 0);
    mk_buf_append(expected, "text ", 5);
    mk_buf_append(expected, text, len);
    mk_buf_append_char(expected, '\n');
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t len = LIMIT - 1; len <= LIMIT + 1; len++) {
        struct mk_buf out, expected;
        mk_buf_init(&out, SIZE_MAX);
        mk_buf_init(&expected, SIZE_MAX);
        write_run(&out, &expected, len);
        check("a message at its limit", mk_buf_slice(&out),
              len > LIMIT ? MK_SLICE("fail 1009\n") : mk_buf_slice(&expected), LIMIT);
        mk_buf_fini(&out);
        mk_buf_fini(&expected);
    }
    /* A message that is too long while compressed is not gathered. */
    check("a header", MK_SLICE("\xc1\x7e\x01\x2d"), MK_SLICE("fail 1009\n"), LIMIT);
    check("fragments",
          MK_SLICE("\x41\x64" HUNDRED "\x00\x64" HUNDRED "\x00\x64" HUNDRED "\x80\x01"),
          MK_SLICE("fail 1009\n"), LIMIT);
}

/* A kilobyte that inflates to a megabyte: no more than the limit, and no memory is kept. */
static void test_bomb(void **state)
{
    (void)state;
    struct mk_buf out, expected;
    mk_buf_init(&out, SIZE_MAX);
    mk_buf_init(&expected, SIZE_MAX);
    write_run(&out, &expected, 1 << 20);
    assert_true(out.len < 6000);
    check("a bomb", mk_buf_slice(&out), MK_SLICE("fail 1009\n"), 10000);
    assert_true(codec.inflated.cap <= 64 * 1024);
    mk_buf_fini(&out);
    mk_buf_fini(&expected);
}

/* Where a decompressed message is, and when its memory is released. */
static void test_memory(void **state)
{
    (void)state;
    struct mk_ws_parser parser;
    struct mk_buf out, expected, taken = { 0 };
    size_t used;
    mk_buf_init(&out, SIZE_MAX);
    mk_buf_init(&expected, SIZE_MAX);
    mk_ws_parser_init(&parser, MK_WS_CLIENT, 1 << 20);
    mk_ws_parser_set_deflate(&parser, &codec);
    write_run(&out, &expected, 1000);
    assert_int_equal(mk_ws_parser_feed(&parser, out.data, out.len, &used), MK_WS_MESSAGE);
    assert_int_equal(parser.event.payload.len, 1000);
    assert_false(mk_ws_parser_take(&parser, &taken)); /* it is short: copying it is cheaper */
    assert_null(parser.message.data);
    mk_ws_parser_release(&parser);

    mk_buf_reset(&out, 0);
    write_run(&out, &expected, 100 * 1000);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mk_ws_parser_feed(&parser, out.data, out.len, &used), MK_WS_MESSAGE);
        if (round > 0) {
            assert_true(mk_ws_parser_take(&parser, &taken));
            assert_int_equal(taken.len, 100 * 1000);
            assert_int_equal(taken.data[taken.len - 1], 'a');
            mk_buf_fini(&taken);
        }
        mk_ws_parser_release(&parser);
        assert_true(codec.inflated.cap <= 64 * 1024);
        assert_null(parser.message.data);
    }
    mk_ws_parser_fini(&parser);
    mk_buf_fini(&out);
    mk_buf_fini(&expected);
}

static voidpf no_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    (void)items;
    (void)size;
    return NULL;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct mk_deflate poor;
    struct mk_ws_parser parser;
    char frame[] = "\xc1\x07" HELLO;
    size_t used;
    mk_deflate_init(&poor, 1);
    poor.inflater.zalloc = no_alloc;
    mk_ws_parser_init(&parser, MK_WS_CLIENT, LIMIT);
    mk_ws_parser_set_deflate(&parser, &poor);
    assert_int_equal(mk_ws_parser_feed(&parser, frame, 9, &used), -ENOMEM);
    assert_int_equal(parser.event.code, MK_WS_INTERNAL_ERROR);
    assert_int_equal(mk_ws_parser_feed(&parser, frame, 9, &used), MK_WS_FAIL);
    mk_ws_parser_fini(&parser);
    mk_deflate_fini(&poor);
}

/* A few bytes do not become the largest message: it is reported, and the next one is read. */
static void test_a_message_that_grows_too_much(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct mk_ws_parser parser;
        struct mk_buf out, expected;
        size_t used;
        mk_buf_init(&out, SIZE_MAX);
        mk_buf_init(&expected, SIZE_MAX);
        mk_ws_parser_init(&parser, MK_WS_CLIENT, 64 << 20);
        mk_ws_parser_set_deflate(&parser, &codec);
        write_run(&out, &expected, MK_WS_FREE_INFLATED + more);
        size_t first = out.len;
        write_run(&out, &expected, 1000);
        assert_int_equal(mk_ws_parser_feed(&parser, out.data, out.len, &used), MK_WS_MESSAGE);
        assert_int_equal(used, first);
        assert_int_equal(parser.event.cut, more);
        assert_int_equal(parser.event.payload.len, more ? 0 : MK_WS_FREE_INFLATED);
        mk_ws_parser_release(&parser);
        assert_true(codec.inflated.cap <= 64 * 1024);
        assert_int_equal(mk_ws_parser_feed(&parser, out.data + used, out.len - used, &used),
                         MK_WS_MESSAGE);
        assert_false(parser.event.cut);
        assert_int_equal(parser.event.payload.len, 1000);
        mk_ws_parser_fini(&parser);
        mk_buf_fini(&out);
        mk_buf_fini(&expected);
    }
}

/* --- long messages, which are decompressed as they arrive --- */

enum { LONG = 4 << 20 };

/* What hardly becomes shorter, or a run of equal bytes, in ASCII. */
static void fill(char *text, size_t len, bool is_run)
{
    static uint32_t seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = is_run ? 'a' : (char)(' ' + (seed >> 25) % 95);
    }
}

/* The message as frames of `frame` bytes, compressed at once. */
static void write_frames(struct mk_buf *out, struct mk_slice text, size_t frame)
{
    struct mk_slice left;
    assert_true(mk_deflate_compress(&codec, text, &left));
    for (bool is_first = true; left.len > 0 || is_first; is_first = false) {
        size_t len = left.len < frame ? left.len : frame;
        char head[MK_WS_MAX_HEADER];
        size_t head_len = mk_ws_server_header(head, is_first ? MK_WS_TEXT : 0, len);
        head[0] = (char)((head[0] & 0x0f) | (is_first ? 0x40 : 0) | (len == left.len ? 0x80 : 0));
        mk_buf_append(out, head, head_len);
        mk_buf_append(out, left.ptr, len);
        left = mk_slice_from(left, len);
    }
}

struct fed {
    size_t most;  /* bytes that one piece has become */
    size_t early; /* bytes that were decompressed before the last piece */
    int status;
};

/* Feeds pieces of `piece` bytes until there is an event. */
static struct fed feed_pieces(struct mk_ws_parser *parser, struct mk_buf *in, size_t piece)
{
    struct fed fed = { .status = MK_WS_NEED_MORE };
    size_t used;
    for (size_t at = 0; at < in->len && fed.status == MK_WS_NEED_MORE; at += used) {
        size_t before = parser->inflation ? mk_inflation_text(parser->inflation).len : 0;
        size_t len = in->len - at < piece ? in->len - at : piece;
        fed.early = before;
        fed.status = mk_ws_parser_feed(parser, in->data + at, len, &used);
        size_t after = parser->inflation ? mk_inflation_text(parser->inflation).len : 0;
        if (fed.status != MK_WS_FAIL && after > before + fed.most)
            fed.most = after - before;
    }
    return fed;
}

static void test_a_long_message_is_decompressed_as_it_arrives(void **state)
{
    (void)state;
    static char text[LONG];
    fill(text, LONG, false);
    static const size_t frames[] = { SIZE_MAX, 100 * 1000, 7001 };
    static const size_t pieces[] = { 64 * 1024, 4099, SIZE_MAX };
    for (size_t i = 0; i < 9; i++) {
        struct mk_ws_parser parser;
        struct mk_buf in, taken;
        mk_buf_init(&in, SIZE_MAX);
        mk_ws_parser_init(&parser, MK_WS_CLIENT, 64 << 20);
        mk_ws_parser_set_deflate(&parser, &codec);
        write_frames(&in, mk_slice_of(text, LONG), frames[i / 3]);
        struct fed fed = feed_pieces(&parser, &in, pieces[i % 3]);
        assert_int_equal(fed.status, MK_WS_MESSAGE);
        assert_int_equal(parser.event.payload.len, LONG);
        assert_memory_equal(parser.event.payload.ptr, text, LONG);
        if (pieces[i % 3] < LONG) {
            assert_true(fed.most < 6 << 20);
            assert_true(fed.early > LONG - 400 * 1000);
        }
        if (i % 3 == 0) {
            assert_true(mk_ws_parser_take(&parser, &taken));
            assert_int_equal(taken.len, LONG);
            mk_buf_fini(&taken);
        }
        mk_ws_parser_release(&parser);
        assert_null(parser.inflation);
        assert_null(parser.message.data);
        mk_ws_parser_fini(&parser);
        mk_buf_fini(&in);
    }
}

/*
 * 6 MiB of equal bytes within noise. Behind much of it, the message does not become longer than
 * twice its length, wherever they are; behind little, it does.
 */
static void test_what_grows_within_a_long_message(void **state)
{
    (void)state;
    enum { RUN = 6 << 20, NOISE = 12 << 20 };
    static char text[RUN + NOISE];
    for (size_t i = 0; i < 4; i++) {
        bool is_cut = i >= 2;
        size_t len = is_cut ? RUN + (4 << 20) : sizeof(text);
        size_t at = (len - RUN) / 2 * (i % 2);
        fill(text, len, false);
        fill(text + at, RUN, true);
        struct mk_ws_parser parser;
        struct mk_buf in;
        mk_buf_init(&in, SIZE_MAX);
        mk_ws_parser_init(&parser, MK_WS_CLIENT, 64 << 20);
        mk_ws_parser_set_deflate(&parser, &codec);
        write_frames(&in, mk_slice_of(text, len), SIZE_MAX);
        struct fed fed = feed_pieces(&parser, &in, 64 * 1024);
        assert_int_equal(fed.status, MK_WS_MESSAGE);
        assert_int_equal(parser.event.cut, is_cut);
        if (!is_cut) {
            assert_int_equal(parser.event.payload.len, len);
            assert_memory_equal(parser.event.payload.ptr, text, len);
        }
        mk_ws_parser_fini(&parser);
        mk_buf_fini(&in);
    }
}

static void test_a_bad_long_message(void **state)
{
    (void)state;
    static char text[LONG];
    for (size_t i = 0; i < 4; i++) {
        struct mk_ws_parser parser;
        struct mk_buf in;
        mk_buf_init(&in, SIZE_MAX);
        mk_ws_parser_init(&parser, MK_WS_CLIENT, i == 3 ? LONG - 1 : 64 << 20);
        mk_ws_parser_set_deflate(&parser, &codec);
        fill(text, LONG, false);
        if (i == 0)
            text[LONG / 2] = (char)0xff;
        if (i == 1)
            text[LONG - 1] = (char)0xc3;
        write_frames(&in, mk_slice_of(text, LONG), SIZE_MAX);
        if (i == 2)
            memset(in.data + in.len / 2, 0xff, 1000);
        struct fed fed = feed_pieces(&parser, &in, 64 * 1024);
        assert_int_equal(fed.status, MK_WS_FAIL);
        assert_int_equal(parser.event.code, i == 3 ? MK_WS_TOO_BIG : MK_WS_INVALID_DATA);
        assert_null(parser.inflation);
        mk_ws_parser_fini(&parser);
        mk_buf_fini(&in);
    }
}

static int setup(void **state)
{
    (void)state;
    mk_deflate_init(&codec, 1);
    run_deflate = &codec;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mk_deflate_fini(&codec);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_without_negotiation),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_a_message_that_grows_too_much),
        cmocka_unit_test(test_a_long_message_is_decompressed_as_it_arrives),
        cmocka_unit_test(test_what_grows_within_a_long_message),
        cmocka_unit_test(test_a_bad_long_message),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
