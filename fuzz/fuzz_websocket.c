/*
 * fuzz_websocket: the results of the parser depend on the bytes alone, never on the splits; and
 * messages that were written are read back as they were, over any split.
 *
 * Input: a byte of options (bit 0: role, bits 1-2: message limit), two bytes that seed the splits,
 * then the bytes of the peer, which also serve as the messages to write.
 */
#include "fuzz.h"
#include "wire/websocket.h"

/* Longer inputs are not fed byte by byte, which would take too long. */
enum { SHORT = 4096 };

static void require(bool holds)
{
    check(holds, "not as it must be");
}

static void log_event(struct mk_buf *log, const struct mk_ws_event *event, int status)
{
    size_t len = event->payload.len;
    require(mk_buf_printf(log, "%d %d %d %zu ", status, (int)event->opcode, event->code, len) == 0);
    require(mk_buf_append_slice(log, event->payload) == 0);
    require((status == MK_WS_FAIL) == (event->reason != NULL));
    if (status == MK_WS_FAIL)
        return;
    require((status == MK_WS_MESSAGE) == (event->opcode < MK_WS_CLOSE));
    if (event->opcode == MK_WS_TEXT || event->opcode == MK_WS_CLOSE)
        require(mk_utf8_valid(event->payload));
    if (status == MK_WS_CONTROL)
        require(len <= MK_WS_MAX_CONTROL);
}

/* Returns false when the parser has failed. */
static bool feed_piece(struct mk_ws_parser *parser, const uint8_t *bytes, size_t len,
                       struct mk_buf *log)
{
    char *piece = malloc(len); /* exactly as large, so that a sanitizer sees one byte too far */
    size_t at = 0;
    int status;
    require(piece || len == 0);
    if (len > 0)
        memcpy(piece, bytes, len);
    do {
        size_t used;
        status = mk_ws_parser_feed(parser, len > at ? piece + at : NULL, len - at, &used);
        require(status > 0 && used <= len - at);
        at += used;
        if (status != MK_WS_NEED_MORE)
            log_event(log, &parser->event, status);
        if (status == MK_WS_MESSAGE)
            require(parser->event.payload.len <= parser->limit);
        if (at & 1)
            mk_ws_parser_release(parser); /* earlier than the next feed releases it */
    } while (status == MK_WS_MESSAGE || status == MK_WS_CONTROL);
    require(status == MK_WS_FAIL || at == len);
    free(piece);
    return status != MK_WS_FAIL;
}

/* Feeds all of it in pieces of up to `most` bytes (0: whole) and logs the results. */
static void run(enum mk_ws_role role, size_t limit, struct mk_slice input, size_t most,
                uint32_t seed, struct mk_buf *log)
{
    struct mk_ws_parser parser;
    mk_ws_parser_init(&parser, role, limit);
    size_t at = 0;
    bool more = true;
    while (more && at < input.len) {
        size_t len = input.len - at;
        size_t piece = most > 0 ? 1 + next_random(&seed) % most : len;
        len = piece < len ? piece : len;
        more = feed_piece(&parser, (const uint8_t *)input.ptr + at, len, log);
        at += len;
        /* Memory follows the bytes that came, not those that were announced. */
        require(parser.message.cap <= 2 * at + 256);
    }
    if (parser.message_opcode == 0 && parser.control_len == 0)
        require(!parser.message.data);
    mk_ws_parser_fini(&parser);
}

/* Splits must not matter: byte by byte, in small pieces and in larger ones. */
static void compare_splits(enum mk_ws_role role, size_t limit, struct mk_slice input, uint32_t seed,
                           const struct mk_buf *expected)
{
    static const size_t most[] = { 1, 9, 100, 3000 };
    for (size_t i = input.len > SHORT ? 3 : 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct mk_buf log;
        mk_buf_init(&log, SIZE_MAX);
        run(role, limit, input, most[i], seed, &log);
        require(mk_slice_eq(mk_buf_slice(&log), mk_buf_slice(expected)));
        mk_buf_fini(&log);
    }
}

/* Cuts messages out of the input, writes them, and logs the expected results. */
static void write_messages(enum mk_ws_role writer, struct mk_slice rest, struct mk_buf *out,
                           struct mk_buf *expected)
{
    struct mk_random random = { 0 };
    struct mk_random *masks = writer == MK_WS_CLIENT ? &random : NULL;
    static const enum mk_ws_opcode opcodes[] = { MK_WS_TEXT, MK_WS_BINARY, MK_WS_PING, MK_WS_PONG };
    while (rest.len > 2) {
        enum mk_ws_opcode opcode = opcodes[rest.ptr[0] & 3];
        bool control = opcode >= MK_WS_CLOSE;
        size_t len = (size_t)(uint8_t)rest.ptr[1] * (control ? 1 : 4);
        rest = mk_slice_from(rest, 2);
        len = len < rest.len ? len : rest.len;
        if (control && len > MK_WS_MAX_CONTROL)
            len = MK_WS_MAX_CONTROL;
        struct mk_slice payload = { rest.ptr, len };
        if (opcode == MK_WS_TEXT)
            payload.len = mk_utf8_valid_prefix(payload);
        rest = mk_slice_from(rest, len);
        require(mk_ws_write_frame(out, masks, opcode, payload) == 0);
        struct mk_ws_event event = { .opcode = opcode, .payload = payload };
        log_event(expected, &event, control ? MK_WS_CONTROL : MK_WS_MESSAGE);
    }
    uint16_t code = rest.len > 0 ? 1000 : MK_WS_NO_STATUS;
    struct mk_slice reason =
        rest.len > 0 && (uint8_t)rest.ptr[0] < 0x80 ? rest : mk_slice_of("", 0);
    reason.len = mk_utf8_valid_prefix(reason);
    require(mk_ws_write_close(out, masks, code, reason) == 0);
    struct mk_ws_event event = { .opcode = MK_WS_CLOSE, .code = code, .payload = reason };
    log_event(expected, &event, MK_WS_CONTROL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = { 0, 100, 70000, SIZE_MAX };
    if (size < 3)
        return 0;
    enum mk_ws_role role = data[0] & 1 ? MK_WS_CLIENT : MK_WS_SERVER;
    enum mk_ws_role peer = data[0] & 1 ? MK_WS_SERVER : MK_WS_CLIENT;
    size_t limit = limits[data[0] >> 1 & 3];
    uint32_t seed = (uint32_t)data[1] << 8 | data[2];
    struct mk_slice input = { (const char *)data + 3, size - 3 };
    struct mk_buf log, out;
    mk_buf_init(&log, SIZE_MAX);
    mk_buf_init(&out, SIZE_MAX);

    run(role, limit, input, 0, seed, &log);
    compare_splits(role, limit, input, seed, &log);

    mk_buf_reset(&log, SIZE_MAX);
    write_messages(peer, input, &out, &log);
    compare_splits(role, SIZE_MAX, mk_buf_slice(&out), seed, &log);

    mk_buf_fini(&out);
    mk_buf_fini(&log);
    return 0;
}
