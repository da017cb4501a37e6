/*
 * websocket: every case is written as a server's bytes and run in both roles (masked for the
 * server's), whole, byte by byte and randomly split. The results are compared as one text.
 */
#include "websocket_feed.h"

#include <errno.h>

enum { LIMIT = 300 };

/* --- the table --- */

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

struct row {
    const char *name;
    struct mk_slice frames;
    struct mk_slice expected;
};

/* MK_SLICE is no constant: a table needs plain braces. */
// clang-format off
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
#define ROW(name, frames, expected) { name, BYTES(frames), BYTES(expected) }
// clang-format on

static const struct row rows[] = {
    /* messages: RFC 6455, 5.7 */
    ROW("nothing", "", ""),
    ROW("text", "\x81\x05Hello", "text Hello\n"),
    ROW("fragments", "\x01\x03Hel\x80\x02lo", "text Hello\n"),
    ROW("ping and pong", "\x89\x05Hello\x8a\x05Hello", "ping Hello\npong Hello\n"),
    ROW("empty text", "\x81\x00", "text \n"),
    ROW("empty binary", "\x82\x00", "binary \n"),
    ROW("empty ping and pong", "\x89\x00\x8a\x00", "ping \npong \n"),
    ROW("two messages", "\x81\x03one\x82\x03two", "text one\nbinary two\n"),
    ROW("16 bits of length", "\x82\x7e\x00\x7e" HUNDRED TEN TEN "123456",
        "binary " HUNDRED TEN TEN "123456\n"),
    ROW("125 bytes of ping", "\x89\x7d" HUNDRED TEN TEN "12345", "ping " HUNDRED TEN TEN "12345\n"),
    ROW("binary is not UTF-8", "\x82\x02\xff\xfe", "binary \xff\xfe\n"),
    ROW("NUL bytes", "\x81\x03\0\0\0", "text \0\0\0\n"),

    /* fragments */
    ROW("empty fragments", "\x01\x00\x00\x00\x80\x00", "text \n"),
    ROW("empty first fragment", "\x01\x00\x80\x01x", "text x\n"),
    ROW("empty last fragment", "\x02\x01x\x80\x00", "binary x\n"),
    ROW("ping between fragments", "\x01\x03Hel\x89\x04ping\x80\x02lo", "ping ping\ntext Hello\n"),
    ROW("controls between fragments",
        "\x01\x01"
        "a\x89\x01p\x8a\x01q\x00\x01"
        "b\x89\x00\x89\x02rs\x80\x01"
        "c\x81\x01"
        "d",
        "ping p\npong q\nping \nping rs\ntext abc\ntext d\n"),
    ROW("ping after an empty fragment", "\x01\x00\x89\x01p\x80\x01x", "ping p\ntext x\n"),
    ROW("unfinished message", "\x01\x03Hel", ""),
    ROW("continuation without a message", "\x81\x01x\x80", "text x\nfail 1002\n"),
    ROW("first frame is a continuation", "\x00", "fail 1002\n"),
    ROW("continuation after the message", "\x01\x00\x80\x01x\x80", "text x\nfail 1002\n"),
    ROW("text within a message", "\x01\x03Hel\x81", "fail 1002\n"),
    ROW("text within an empty fragment", "\x01\x00\x01", "fail 1002\n"),
    ROW("binary within a message", "\x01\x03Hel\x89\x00\x82", "ping \nfail 1002\n"),

    /* headers */
    ROW("RSV1", "\xc1", "fail 1002\n"),
    ROW("RSV2", "\xa1", "fail 1002\n"),
    ROW("RSV3", "\x91", "fail 1002\n"),
    ROW("all reserved bits, of a ping", "\x81\x00\xf9", "text \nfail 1002\n"),
    ROW("RSV1 of a continuation", "\x01\x00\xc0", "fail 1002\n"),
    ROW("opcode 3", "\x83", "fail 1002\n"),
    ROW("opcode 7", "\x07", "fail 1002\n"),
    ROW("opcode 11", "\x8b", "fail 1002\n"),
    ROW("opcode 15", "\x81\x01x\x8f", "text x\nfail 1002\n"),
    ROW("fragmented close", "\x08", "fail 1002\n"),
    ROW("fragmented ping", "\x09", "fail 1002\n"),
    ROW("fragmented pong", "\x0a", "fail 1002\n"),
    ROW("long ping", "\x89\x7e", "fail 1002\n"),
    ROW("very long close", "\x88\x7f", "fail 1002\n"),
    ROW("125 in 16 bits", "\x81\x7e\x00\x7d", "fail 1002\n"),
    ROW("65535 in 64 bits", "\x82\x7f\0\0\0\0\0\0\xff\xff", "fail 1002\n"),
    ROW("64 bits with the top bit", "\x82\x7f\x80", "fail 1002\n"),

    /* length */
    ROW("as long as may be", "\x82\x7e\x01\x2c" HUNDRED HUNDRED HUNDRED,
        "binary " HUNDRED HUNDRED HUNDRED "\n"),
    ROW("a byte longer", "\x82\x7e\x01\x2d", "fail 1009\n"),
    ROW("much longer", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "fail 1009\n"),
    ROW("fragments as long as may be",
        "\x02\x64" HUNDRED "\x00\x64" HUNDRED "\x89\x01p\x80\x64" HUNDRED,
        "ping p\nbinary " HUNDRED HUNDRED HUNDRED "\n"),
    ROW("fragments a byte longer", "\x02\x64" HUNDRED "\x00\x64" HUNDRED "\x00\x65", "fail 1009\n"),
    ROW("fragments a byte longer, then",
        "\x02\x7e\x01\x2c" HUNDRED HUNDRED HUNDRED "\x89\x01p\x80\x01", "ping p\nfail 1009\n"),

    /* text */
    ROW("characters of 2, 3 and 4 bytes", "\x81\x09\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x90\xae",
        "text \xc3\xa9\xe4\xbd\xa0\xf0\x9f\x90\xae\n"),
    ROW("a character over fragments", "\x01\x01\xf0\x00\x01\x9f\x89\x01p\x00\x00\x80\x02\x90\xae",
        "ping p\ntext \xf0\x9f\x90\xae\n"),
    ROW("ends within a character",
        "\x81\x02"
        "a\xe4",
        "fail 1007\n"),
    ROW("fragments end within a character", "\x01\x02\xe4\xbd\x80\x00", "fail 1007\n"),
    ROW("the next message begins anew",
        "\x02\x01\xe4\x80\x00\x81\x01"
        "a",
        "binary \xe4\ntext a\n"),
    ROW("invalid before the frame ends",
        "\x81\x7d"
        "abc\xff",
        "fail 1007\n"),
    ROW("invalid before the message ends", "\x01\x7d" HUNDRED "\xc0", "fail 1007\n"),
    ROW("invalid in the next fragment",
        "\x01\x01\xe4\x89\x01p\x00\x05"
        "a",
        "ping p\nfail 1007\n"),
    ROW("surrogate",
        "\x81\x0a"
        "ab\xed\xa0",
        "fail 1007\n"),
    ROW("beyond U+10FFFF", "\x81\x7d\xf4\x90", "fail 1007\n"),

    /* close */
    ROW("close", "\x88\x02\x03\xe8", "close 1000 \n"),
    ROW("close without a code", "\x88\x00", "close 1005 \n"),
    ROW("close with a reason",
        "\x88\x05\x03\xe9"
        "bye",
        "close 1001 bye\n"),
    ROW("what follows a close is dropped", "\x88\x00\x81\x05Hello\xff\xff", "close 1005 \n"),
    ROW("close within a message", "\x01\x03Hel\x88\x02\x03\xe8\x80\x02lo", "close 1000 \n"),
    ROW("half a code", "\x88\x01", "fail 1002\n"),
    ROW("code 1005", "\x88\x02\x03\xed", "fail 1002\n"),
    ROW("code before reason", "\x88\x03\x03\xed\xff", "fail 1002\n"),
    ROW("reason is not UTF-8",
        "\x88\x04\x03\xe8"
        "a\xff",
        "fail 1007\n"),
    ROW("reason ends within a character", "\x88\x04\x03\xe8\xe4\xbd", "fail 1007\n"),
    ROW("close with 123 bytes of reason", "\x88\x7d\x03\xe8" HUNDRED TEN TEN "123",
        "close 1000 " HUNDRED TEN TEN "123\n"),
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].name, rows[i].frames, rows[i].expected, LIMIT);
}

static void test_masking(void **state)
{
    (void)state;
    check_run("RFC 6455, 5.7: a masked text", MK_WS_SERVER,
              MK_SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), MK_SLICE("text Hello\n"),
              LIMIT);
    check_run("RFC 6455, 5.7: a masked pong", MK_WS_SERVER,
              MK_SLICE("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), MK_SLICE("pong Hello\n"),
              LIMIT);
    check_run("a mask of zeros", MK_WS_SERVER, MK_SLICE("\x81\x85\0\0\0\0Hello"),
              MK_SLICE("text Hello\n"), LIMIT);
    check_run("unmasked", MK_WS_SERVER, MK_SLICE("\x81\x05"), MK_SLICE("fail 1002\n"), LIMIT);
    check_run("an empty ping, unmasked", MK_WS_SERVER, MK_SLICE("\x89\x00"),
              MK_SLICE("fail 1002\n"), LIMIT);
    check_run("masked", MK_WS_CLIENT, MK_SLICE("\x81\x85"), MK_SLICE("fail 1002\n"), LIMIT);
}

static void test_close_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        bool valid = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
                     (code >= 3000 && code < 5000);
        char frame[] = { '\x88', 2, (char)(code >> 8), (char)code };
        size_t used;
        struct mk_ws_parser parser;
        mk_ws_parser_init(&parser, MK_WS_CLIENT, LIMIT);
        int status = mk_ws_parser_feed(&parser, frame, sizeof(frame), &used);
        assert_int_equal(status, valid ? MK_WS_CONTROL : MK_WS_FAIL);
        assert_int_equal(parser.event.code, valid ? code : MK_WS_PROTOCOL_ERROR);
        mk_ws_parser_fini(&parser);
    }
}

/* --- memory --- */

static void test_in_place(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, MK_WS_SERVER, LIMIT);
    char frame[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_true(take(&run, frame, sizeof(frame) - 1));
    assert_true(run.in_place);
    /* So is a payload that comes after its header. */
    char again[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_true(take(&run, again, 6));
    run.in_place = false;
    assert_true(take(&run, again + 6, 5));
    assert_true(run.in_place);
    assert_string_equal(again + 6, "Hello");
    run_end(&run);
}

static void test_memory_grows_with_the_bytes(void **state)
{
    (void)state;
    struct run run;
    size_t used;
    char header[] = "\x82\x7f\0\0\0\0\x01\0\0\0 and a few bytes";
    run_begin(&run, MK_WS_CLIENT, 16 << 20);
    assert_true(take(&run, header, 10));
    assert_null(run.parser.message.data);
    assert_true(take(&run, header + 10, sizeof(header) - 11));
    assert_in_range(run.parser.message.cap, 1, 4096);
    run_end(&run);

    /* The buffer of a gathered message is kept until it is released. */
    char fragments[] = "\x01\x03Hel\x80\x02lo";
    run_begin(&run, MK_WS_CLIENT, LIMIT);
    assert_int_equal(mk_ws_parser_feed(&run.parser, fragments, 9, &used), MK_WS_MESSAGE);
    assert_int_equal(used, 9);
    assert_memory_equal(run.parser.event.payload.ptr, "Hello", 5);
    mk_ws_parser_release(&run.parser);
    assert_null(run.parser.message.data);
    assert_int_equal(run.parser.event.payload.len, 0);
    mk_ws_parser_release(&run.parser);
    assert_int_equal(mk_ws_parser_feed(&run.parser, NULL, 0, &used), MK_WS_NEED_MORE);

    /* A ping between fragments does not disturb them. */
    char ping[] = "\x01\x03Hel\x89\x04pi";
    char rest[] = "ng\x80\x02lo";
    assert_int_equal(mk_ws_parser_feed(&run.parser, ping, 9, &used), MK_WS_NEED_MORE);
    assert_int_equal(mk_ws_parser_feed(&run.parser, rest, 6, &used), MK_WS_CONTROL);
    mk_ws_parser_release(&run.parser);
    assert_int_equal(mk_ws_parser_feed(&run.parser, rest + 2, 4, &used), MK_WS_MESSAGE);
    assert_memory_equal(run.parser.event.payload.ptr, "Hello", 5);
    run_end(&run);

    mk_ws_parser_fini(NULL);
    assert_true(sizeof(struct mk_ws_parser) <= 136);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct mk_ws_parser parser;
    size_t used;
    char frame[] = "\x01\x7d" HUNDRED;
    mk_ws_parser_init(&parser, MK_WS_CLIENT, LIMIT);
    parser.message.max = 50; /* so that it cannot grow */
    assert_true(mk_ws_parser_feed(&parser, frame, sizeof(frame) - 1, &used) < 0);
    assert_int_equal(parser.event.code, MK_WS_INTERNAL_ERROR);
    assert_int_equal(mk_ws_parser_feed(&parser, frame, 1, &used), MK_WS_FAIL);
    assert_int_equal(used, 0);
    mk_ws_parser_fini(&parser);
}

static void test_limits(void **state)
{
    (void)state;
    check("no bytes at all", MK_SLICE("\x81\x00\x89\x01p\x88\x03\x03\xe8x"),
          MK_SLICE("text \nping p\nclose 1000 x\n"), 0);
    check("one is too many", MK_SLICE("\x81\x01"), MK_SLICE("fail 1009\n"), 0);
    check("no limit", MK_SLICE("\x01\x01x\x89\x01p\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xffy"),
          MK_SLICE("ping p\n"), SIZE_MAX);
}

/* --- writing --- */

static struct mk_random masks;

static struct mk_random *masks_of(enum mk_ws_role writer)
{
    return writer == MK_WS_CLIENT ? &masks : NULL;
}

static struct mk_slice written(struct mk_buf *out, size_t len, enum mk_ws_role writer)
{
    static char payload[70000];
    for (size_t i = 0; i < len; i++)
        payload[i] = (char)('a' + i % 23);
    assert_int_equal(
        mk_ws_write_frame(out, masks_of(writer), MK_WS_TEXT, mk_slice_of(payload, len)), 0);
    return mk_slice_of(payload, len);
}

/* The same, written into the frame in two parts. */
static void written_in_place(struct mk_buf *out, struct mk_slice payload, enum mk_ws_role writer)
{
    struct mk_ws_open open;
    size_t first = payload.len / 3;
    assert_int_equal(mk_ws_begin_frame(out, masks_of(writer), &open), 0);
    assert_int_equal(mk_buf_append(out, payload.ptr, first), 0);
    assert_int_equal(mk_buf_append_slice(out, mk_slice_from(payload, first)), 0);
    assert_int_equal(mk_ws_end_frame(out, masks_of(writer), MK_WS_TEXT, &open), 0);
}

static void test_a_frame_is_written_in_place(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 1, 3, 125, 126, 127, 65535, 65536, 69999 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (int writer = MK_WS_SERVER; writer <= MK_WS_CLIENT; writer++) {
            struct mk_buf copied, out, expected;
            mk_buf_init(&copied, SIZE_MAX);
            mk_buf_init(&out, SIZE_MAX);
            mk_buf_init(&expected, SIZE_MAX);
            struct mk_slice payload = written(&copied, lens[i], (enum mk_ws_role)writer);
            written_in_place(&out, payload, (enum mk_ws_role)writer);
            written_in_place(&out, MK_SLICE("the next"), (enum mk_ws_role)writer);
            mk_buf_append(&expected, "text ", 5);
            mk_buf_append_slice(&expected, payload);
            mk_buf_append(&expected, "\ntext the next\n", 15);
            check_run("in place", writer == MK_WS_CLIENT ? MK_WS_SERVER : MK_WS_CLIENT,
                      mk_buf_slice(&out), mk_buf_slice(&expected), 70000);
            if (writer == MK_WS_SERVER)
                assert_memory_equal(out.data, copied.data, copied.len);
            mk_buf_fini(&copied);
            mk_buf_fini(&out);
            mk_buf_fini(&expected);
        }
    }
}

static void test_a_frame_in_place_has_room_or_an_error(void **state)
{
    (void)state;
    struct mk_ws_open open;
    struct mk_buf out;
    mk_buf_init(&out, 3);
    assert_int_equal(mk_ws_begin_frame(&out, NULL, &open), -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_init(&out, 4 + 65536 + 5); /* a byte less than its longer header needs */
    static const char payload[65536];
    assert_int_equal(mk_ws_begin_frame(&out, NULL, &open), 0);
    assert_int_equal(mk_buf_append(&out, payload, sizeof(payload)), 0);
    assert_int_equal(mk_ws_end_frame(&out, NULL, MK_WS_TEXT, &open), -ENOBUFS);
    assert_int_equal(open.begin, 0);
    mk_buf_fini(&out);
}

static void test_every_length_comes_back(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 1, 7, 8, 9, 63, 124, 125, 126, 65535, 65536, 65537, 69999 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (int writer = MK_WS_SERVER; writer <= MK_WS_CLIENT; writer++) {
            struct mk_buf out, expected;
            char header[MK_WS_MAX_HEADER];
            mk_buf_init(&out, SIZE_MAX);
            mk_buf_init(&expected, SIZE_MAX);
            struct mk_slice payload = written(&out, lens[i], (enum mk_ws_role)writer);
            mk_buf_append(&expected, "text ", 5);
            mk_buf_append_slice(&expected, payload);
            mk_buf_append_char(&expected, '\n');
            check_run("length", writer == MK_WS_CLIENT ? MK_WS_SERVER : MK_WS_CLIENT,
                      mk_buf_slice(&out), mk_buf_slice(&expected), 70000);
            size_t header_len = mk_ws_server_header(header, MK_WS_TEXT, lens[i]);
            assert_int_equal(header_len, lens[i] < 126 ? 2 : lens[i] < 65536 ? 4 : 10);
            assert_int_equal(out.len, header_len + lens[i] + (writer == MK_WS_CLIENT ? 4 : 0));
            if (writer == MK_WS_SERVER)
                assert_memory_equal(out.data, header, header_len);
            mk_buf_fini(&out);
            mk_buf_fini(&expected);
        }
    }
}

static void test_masks_differ(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX);
    written(&out, 100, MK_WS_CLIENT);
    written(&out, 100, MK_WS_CLIENT);
    assert_memory_not_equal(out.data + 2, out.data + 2 + 106, 4);
    mk_buf_fini(&out);
}

/* A message is handed over where it is in the parser's own memory, and the parser works on without
 * it. */
static void test_taken_message(void **state)
{
    (void)state;
    struct mk_ws_parser parser;
    struct mk_buf message = { 0 };
    size_t used;
    mk_ws_parser_init(&parser, MK_WS_CLIENT, LIMIT);
    char whole[] = "\x81\x03"
                   "abc",
         first[] = "\x01\x02"
                   "ab",
         ping[] = "\x89\x01!";
    char last[] = "\x80\x01"
                  "c";
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mk_ws_parser_feed(&parser, whole, 5, &used), MK_WS_MESSAGE);
        assert_false(mk_ws_parser_take(&parser, &message)); /* it lies in the input */
        assert_int_equal(mk_ws_parser_feed(&parser, first, 4, &used), MK_WS_NEED_MORE);
        assert_false(mk_ws_parser_take(&parser, &message));
        assert_int_equal(mk_ws_parser_feed(&parser, ping, 3, &used), MK_WS_CONTROL);
        assert_false(mk_ws_parser_take(&parser, &message));
        assert_int_equal(mk_ws_parser_feed(&parser, last, 3, &used), MK_WS_MESSAGE);
        assert_true(mk_ws_parser_take(&parser, &message));
        assert_false(mk_ws_parser_take(&parser, &message));
        mk_ws_parser_release(&parser);
        assert_true(mk_slice_eq(mk_buf_slice(&message), MK_SLICE("abc")));
        mk_buf_fini(&message);
    }
    mk_ws_parser_fini(&parser);
}

static void test_write_is_all_or_nothing(void **state)
{
    (void)state;
    struct mk_buf out;
    mk_buf_init(&out, 10);
    assert_int_equal(mk_ws_write_frame(&out, NULL, MK_WS_TEXT, MK_SLICE("123456789")), -ENOBUFS);
    assert_int_equal(out.len, 0);
    assert_int_equal(mk_ws_write_frame(&out, NULL, MK_WS_TEXT, MK_SLICE("12345678")), 0);
    assert_int_equal(out.len, 10);
    mk_buf_fini(&out);
}

static void check_close(uint16_t code, struct mk_slice reason, const char *expected)
{
    for (int writer = MK_WS_SERVER; writer <= MK_WS_CLIENT; writer++) {
        struct mk_buf out;
        mk_buf_init(&out, SIZE_MAX);
        assert_int_equal(mk_ws_write_close(&out, masks_of((enum mk_ws_role)writer), code, reason),
                         0);
        check_run("close", writer == MK_WS_CLIENT ? MK_WS_SERVER : MK_WS_CLIENT, mk_buf_slice(&out),
                  mk_slice_str(expected), 0);
        mk_buf_fini(&out);
    }
}

static void test_write_close(void **state)
{
    (void)state;
    check_close(MK_WS_NORMAL, MK_SLICE(""), "close 1000 \n");
    check_close(MK_WS_NO_STATUS, MK_SLICE("unsaid"), "close 1005 \n");
    check_close(4999, MK_SLICE("bye"), "close 4999 bye\n");
    check_close(MK_WS_GOING_AWAY, MK_SLICE(HUNDRED TEN TEN "1234"),
                "close 1001 " HUNDRED TEN TEN "123\n");
    check_close(MK_WS_GOING_AWAY, MK_SLICE(HUNDRED TEN TEN "12\xe4\xbd\xa0"),
                "close 1001 " HUNDRED TEN TEN "12\n");
    check_close(MK_WS_GOING_AWAY,
                MK_SLICE("ab\xff"
                         "c"),
                "close 1001 ab\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_masking),
        cmocka_unit_test(test_close_codes),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_memory_grows_with_the_bytes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_length_comes_back),
        cmocka_unit_test(test_a_frame_is_written_in_place),
        cmocka_unit_test(test_a_frame_in_place_has_room_or_an_error),
        cmocka_unit_test(test_masks_differ),
        cmocka_unit_test(test_taken_message),
        cmocka_unit_test(test_write_is_all_or_nothing),
        cmocka_unit_test(test_write_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
