/*
 * fuzz_deflate: for any bytes as compressed messages, the results of the parser do not depend on
 * the splits, and no message is longer than its limit; our compressed messages decompress to the
 * same; and our client accepts our answer to any offer of permessage-deflate.
 *
 * Input: a byte of options (bits 0-1: limit), two bytes that seed the splits, then the bytes of the
 * peer, which also serve as the message to compress and as the offer.
 */
#include "fuzz.h"
#include "wire/deflate.h"
#include "wire/websocket.h"
#include "wire/ws_deflate.h"

static void require(bool holds)
{
    check(holds, "not as it must be");
}

static bool feed_piece(struct mk_ws_parser *parser, struct mk_slice bytes, struct mk_buf *log)
{
    char *piece = malloc(bytes.len + 1);
    size_t at = 0;
    int status;
    require(piece);
    memcpy(piece, bytes.ptr, bytes.len);
    do {
        size_t used;
        status = mk_ws_parser_feed(parser, piece + at, bytes.len - at, &used);
        require(status > 0 && used <= bytes.len - at);
        at += used;
        const struct mk_ws_event *event = &parser->event;
        if (status == MK_WS_NEED_MORE)
            break;
        require(mk_buf_printf(log, "%d %d %d ", status, (int)event->opcode, event->code) == 0);
        if (status != MK_WS_MESSAGE)
            continue;
        require(event->payload.len <= parser->limit);
        require(event->opcode != MK_WS_TEXT || mk_utf8_valid(event->payload));
        require(mk_buf_append_slice(log, event->payload) == 0);
    } while (status != MK_WS_FAIL);
    free(piece);
    return status != MK_WS_FAIL;
}

static void run(struct mk_deflate *deflate, size_t limit, struct mk_slice input, size_t most,
                uint32_t seed, struct mk_buf *log)
{
    struct mk_ws_parser parser;
    mk_ws_parser_init(&parser, MK_WS_CLIENT, limit);
    mk_ws_parser_set_deflate(&parser, deflate);
    bool more = true;
    for (size_t at = 0; more && at < input.len;) {
        size_t piece = most > 0 ? 1 + next_random(&seed) % most : input.len;
        size_t len = piece < input.len - at ? piece : input.len - at;
        more = feed_piece(&parser, mk_slice_of(input.ptr + at, len), log);
        at += len;
    }
    mk_ws_parser_fini(&parser);
}

static void compare_splits(struct mk_deflate *deflate, size_t limit, struct mk_slice input,
                           uint32_t seed)
{
    static const size_t most[] = { 0, 1, 9, 100 };
    struct mk_buf logs[2];
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct mk_buf *log = &logs[i > 0];
        mk_buf_init(log, SIZE_MAX);
        run(deflate, limit, input, most[i], seed, log);
        require(mk_slice_eq(mk_buf_slice(log), mk_buf_slice(&logs[0])));
        if (i > 0)
            mk_buf_fini(log);
    }
    mk_buf_fini(&logs[0]);
}

/* The bytes as one compressed message, without a frame that a mutation would break. */
static void decompress(struct mk_deflate *deflate, size_t limit, struct mk_slice payload)
{
    struct mk_slice message;
    int rc = mk_deflate_inflate(deflate, payload, limit, &message);
    require(rc == 0 || rc == MK_INFLATE_BAD || rc == MK_INFLATE_TOO_BIG);
    require(rc != 0 || message.len <= limit);
    /* A message that can be decompressed has one length: that is the limit that it needs. */
    if (rc == 0 && message.len > 0)
        require(mk_deflate_inflate(deflate, payload, message.len - 1, &message) ==
                MK_INFLATE_TOO_BIG);
    mk_deflate_release_inflated(deflate);
}

static void come_back(struct mk_deflate *deflate, struct mk_slice message)
{
    struct mk_slice compressed, again;
    if (!mk_deflate_compress(deflate, message, &compressed))
        return;
    require(compressed.len < message.len);
    require(mk_deflate_inflate(deflate, compressed, message.len, &again) == 0);
    require(mk_slice_eq(message, again));
}

/* The same for two messages of a peer that continues its window, which stays within its size. */
static void continue_window(struct mk_deflate *deflate, size_t limit, struct mk_slice input)
{
    struct mk_slice message, half = mk_slice_of(input.ptr, input.len / 2);
    struct mk_inflate_window *window = mk_inflate_window_new(deflate, 9);
    if (window && mk_deflate_inflate_next(deflate, window, half, limit, &message) == 0 &&
        mk_deflate_inflate_next(deflate, window, mk_slice_from(input, half.len), limit, &message) ==
            0)
        require(message.len <= limit);
    mk_inflate_window_free(window);
    require(deflate->windows == 0);
}

static void negotiate(struct mk_slice offer)
{
    static const size_t name = sizeof("Sec-WebSocket-Extensions: ") - 1;
    const struct mk_http1_header header = { MK_SLICE("Sec-WebSocket-Extensions"), offer };
    struct mk_http1_request request = { .headers = &header, .header_count = 1 };
    struct mk_http1_response response = { .status = 101, .header_count = 1 };
    char line[MK_WS_DEFLATE_LINE];
    struct mk_ws_deflate_terms agreed = mk_ws_deflate_accept(&request, SIZE_MAX, line);
    struct mk_slice answer = mk_slice_str(line);
    struct mk_ws_deflate_answer verified;
    response.headers[0] = header;
    mk_ws_deflate_verify(&response, true, &verified);
    require(agreed.accepted == (answer.len > 0));
    if (answer.len == 0)
        return;
    response.headers[0].value = mk_slice_of(answer.ptr + name, answer.len - name - 2);
    require(mk_ws_deflate_verify(&response, true, &verified) && verified.accepted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = { 0, 100, 5000, 1 << 20 };
    if (size < 3)
        return 0;
    size_t limit = limits[data[0] & 3];
    uint32_t seed = (uint32_t)data[1] << 8 | data[2];
    struct mk_slice input = { (const char *)data + 3, size - 3 };
    struct mk_deflate deflate;
    mk_deflate_init(&deflate, 1);
    compare_splits(&deflate, limit, input, seed);
    decompress(&deflate, limit, input);
    come_back(&deflate, input);
    continue_window(&deflate, limit, input);
    negotiate(input);
    mk_deflate_fini(&deflate);
    return 0;
}
