/*
 * fuzz_http1: requests and responses of any bytes. The results of the parser must not depend on the
 * splits: the input is fed whole, byte by byte and in pieces, and the logs of all results are
 * compared. Every piece is a block of its own, freed when it was read.
 *
 * The first byte chooses the pieces and small limits, the rest is the input.
 */
#include "fuzz.h"
#include "wire/http1.h"

static void log_slice(struct mk_buf *log, struct mk_slice s)
{
    mk_buf_append_slice(log, s);
    mk_buf_append_char(log, '\0');
}

static void log_result(struct mk_buf *log, int status, const struct mk_http1_parser *parser)
{
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    mk_buf_printf(log, "%d %u %d%d%d %llu ", status, mk_http1_parser_error(parser)->status,
                  request->keep_alive, request->chunked, request->upgrade_websocket,
                  (unsigned long long)request->content_length);
    log_slice(log, request->method);
    log_slice(log, request->target);
    log_slice(log, request->path);
    log_slice(log, request->query);
    log_slice(log, request->host);
    log_slice(log, request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        log_slice(log, request->headers[i].name);
        log_slice(log, request->headers[i].value);
    }
}

static void check_request(const struct mk_http1_request *request)
{
    check(request->path.len > 0, "empty path");
    check(request->minor == 0 || mk_http1_count(request, MK_SLICE("host")) == 1, "Host");
    check(mk_http1_count(request, MK_SLICE("content-length")) +
                  mk_http1_count(request, MK_SLICE("transfer-encoding")) <=
              1,
          "two lengths");
}

/* Returns false when the connection is at its end. */
static bool feed_piece(struct mk_http1_parser *parser, const char *piece, size_t len,
                       struct mk_buf *log)
{
    for (size_t at = 0;;) {
        size_t consumed;
        int status = mk_http1_parser_feed(parser, piece + at, len - at, &consumed);
        check(status > 0 && consumed <= len - at, "status or consumed");
        at += consumed;
        if (status == MK_HTTP1_NEED_MORE) {
            check(at == len, "not all was taken");
            return true;
        }
        log_result(log, status, parser);
        if (status == MK_HTTP1_BAD)
            return false;
        check_request(mk_http1_parser_request(parser));
    }
}

/* Pieces of `most` bytes at most, of a varying length. */
static void feed(const uint8_t *data, size_t size, size_t most, bool small, struct mk_buf *log)
{
    static const struct mk_http1_limits small_limits = { 60, 200, 5, 30 };
    struct mk_http1_parser *parser =
        mk_http1_parser_new(small ? &small_limits : &mk_http1_default_limits);
    check(parser != NULL, "memory");
    bool more = true;
    uint32_t seed = 1;
    for (size_t at = 0; more && at < size;) {
        seed = seed * 1664525 + 1013904223;
        size_t len = most < size ? 1 + (seed >> 16) % most : size;
        if (len > size - at)
            len = size - at;
        char *piece = malloc(len);
        check(piece != NULL, "memory");
        memcpy(piece, data + at, len);
        more = feed_piece(parser, piece, len, log);
        free(piece);
        at += len;
    }
    mk_http1_parser_free(parser);
}

static void check_response(const uint8_t *data, size_t size)
{
    struct mk_http1_response whole;
    struct mk_http1_response grown;
    size_t whole_len = 0;
    size_t grown_len = 0;
    struct mk_slice input = mk_slice_of((const char *)data, size);
    int expected = mk_http1_read_response(input, &whole, &whole_len);
    int status = MK_HTTP1_NEED_MORE;
    for (size_t len = 0; len <= size && status == MK_HTTP1_NEED_MORE; len++)
        status = mk_http1_read_response(mk_slice_of((const char *)data, len), &grown, &grown_len);
    check(status == expected && grown_len == whole_len, "response");
    if (status == MK_HTTP1_HEAD)
        check(whole.status == grown.status && whole.header_count == grown.header_count,
              "response head");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool small = data[0] & 1;
    size_t most = 2 + (data[0] >> 1);
    data++;
    size--;
    struct mk_buf whole;
    struct mk_buf split;
    mk_buf_init(&whole, SIZE_MAX / 2);
    mk_buf_init(&split, SIZE_MAX / 2);
    feed(data, size, SIZE_MAX, small, &whole);
    const size_t ways[] = { 1, most };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        mk_buf_reset(&split, SIZE_MAX);
        feed(data, size, ways[i], small, &split);
        check(mk_slice_eq(mk_buf_slice(&whole), mk_buf_slice(&split)),
              "pieces have another result");
    }
    mk_buf_fini(&whole);
    mk_buf_fini(&split);
    if (size < 4096)
        check_response(data, size);
    return 0;
}
