/*
 * ws_handshake: heads made by hand, one thing wrong at a time, and both roles against each other
 * through the real HTTP parser.
 */
#include "wire/ws_handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

/* RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* MK_SLICE is no constant: a table needs plain braces. */
// clang-format off
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
#define HEADER(name, value) { BYTES(name), BYTES(value) }
// clang-format on

enum { HEADERS = 6 };

/* --- the server's side --- */

struct check_row {
    const char *name;
    unsigned expected;
    struct mk_http1_header headers[HEADERS];
};

static const struct check_row check_rows[] = {
    { "RFC 6455, 1.3",
      101,
      { HEADER("Sec-WebSocket-Version", "13"), HEADER("Sec-WebSocket-Key", KEY) } },
    { "names of any case",
      101,
      { HEADER("sec-websocket-key", KEY), HEADER("SEC-WEBSOCKET-VERSION", "13") } },
    { "what is offered need not be taken",
      101,
      { HEADER("Sec-WebSocket-Version", "13"), HEADER("Sec-WebSocket-Key", KEY),
        HEADER("Sec-WebSocket-Extensions", "permessage-deflate"),
        HEADER("Sec-WebSocket-Protocol", "chat") } },
    { "no version", 426, { HEADER("Sec-WebSocket-Key", KEY) } },
    { "version 8",
      426,
      { HEADER("Sec-WebSocket-Version", "8"), HEADER("Sec-WebSocket-Key", KEY) } },
    { "version 013",
      426,
      { HEADER("Sec-WebSocket-Version", "013"), HEADER("Sec-WebSocket-Key", KEY) } },
    { "a list of versions",
      426,
      { HEADER("Sec-WebSocket-Version", "13, 8"), HEADER("Sec-WebSocket-Key", KEY) } },
    { "two versions",
      426,
      { HEADER("Sec-WebSocket-Version", "13"), HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", KEY) } },
    { "other version, no key", 426, { HEADER("Sec-WebSocket-Version", "14") } },
    { "no key", 400, { HEADER("Sec-WebSocket-Version", "13") } },
    { "two keys",
      400,
      { HEADER("Sec-WebSocket-Version", "13"), HEADER("Sec-WebSocket-Key", KEY),
        HEADER("Sec-WebSocket-Key", KEY) } },
    { "empty key",
      400,
      { HEADER("Sec-WebSocket-Version", "13"), HEADER("Sec-WebSocket-Key", "") } },
    { "key of 15 bytes",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA") } },
    { "key of 17 bytes",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA=") } },
    { "key of 18 bytes",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAAA") } },
    { "key and more",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==A") } },
    { "key with half its padding",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=A") } },
    { "key without padding",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ") } },
    { "key in the alphabet of URLs",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub2-_ZQ==") } },
    { "key with padding within",
      400,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ===") } },
    { "key with the whole alphabet",
      101,
      { HEADER("Sec-WebSocket-Version", "13"),
        HEADER("Sec-WebSocket-Key", "AZaz09+/AZaz09+/AZazAQ==") } },
};

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
        const struct check_row *row = &check_rows[i];
        struct mk_http1_request request = { .headers = row->headers, .upgrade_websocket = true };
        while (request.header_count < HEADERS && row->headers[request.header_count].name.ptr)
            request.header_count++;
        char accept[MK_WS_ACCEPT_LEN] = { 0 };
        const char *reason = NULL;
        unsigned status = mk_ws_handshake_check(&request, accept, &reason);
        if (status != row->expected)
            fail_msg("%s: %u", row->name, status);
        assert_int_equal(status == 101, reason == NULL);
        assert_int_equal(status == 101, accept[0] != '\0');
    }
}

static void test_check_computes_the_accept_of_the_rfc(void **state)
{
    (void)state;
    struct mk_http1_request request = { .headers = check_rows[0].headers,
                                        .header_count = 2,
                                        .upgrade_websocket = true };
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = NULL;
    assert_int_equal(mk_ws_handshake_check(&request, accept, &reason), 101);
    assert_memory_equal(accept, ACCEPT, MK_WS_ACCEPT_LEN);

    request.upgrade_websocket = false;
    assert_int_equal(mk_ws_handshake_check(&request, accept, &reason), 400);
    assert_non_null(reason);
}

static void test_accept(void **state)
{
    (void)state;
    const struct mk_slice expected = MK_SLICE("HTTP/1.1 101 Switching Protocols\r\n"
                                              "Upgrade: websocket\r\n"
                                              "Connection: Upgrade\r\n"
                                              "Sec-WebSocket-Accept: " ACCEPT "\r\n"
                                              "\r\n");
    struct mk_buf out;
    mk_buf_init(&out, expected.len - 1);
    assert_int_equal(mk_ws_handshake_accept(&out, ACCEPT, MK_SLICE("")), -ENOBUFS);
    assert_int_equal(out.len, 0);
    out.max++;
    assert_int_equal(mk_ws_handshake_accept(&out, ACCEPT, MK_SLICE("")), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&out), expected));
    mk_buf_fini(&out);
}

/* --- the client's side --- */

struct verify_row {
    const char *name;
    unsigned status;
    bool good;
    struct mk_http1_header headers[HEADERS];
};

static const struct verify_row verify_rows[] = {
    { "RFC 6455, 1.3",
      101,
      true,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "any case, any order",
      101,
      true,
      { HEADER("sec-websocket-accept", ACCEPT), HEADER("CONNECTION", "keep-alive, UPGRADE"),
        HEADER("upgrade", "WebSocket"), HEADER("Server", "x") } },
    { "two Connection headers",
      101,
      true,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "keep-alive"),
        HEADER("Connection", "upgrade"), HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "status 200",
      200,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "no Upgrade",
      101,
      false,
      { HEADER("Connection", "Upgrade"), HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "two Upgrade",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Upgrade", "websocket"),
        HEADER("Connection", "Upgrade"), HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "other Upgrade",
      101,
      false,
      { HEADER("Upgrade", "h2c"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "no Connection",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "other Connection",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "keep-alive, upgraded"),
        HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "no Accept",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade") } },
    { "two Accept",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT), HEADER("Sec-WebSocket-Accept", ACCEPT) } },
    { "Accept of another case",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=") } },
    { "the key as Accept",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", KEY) } },
    { "an extension",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT),
        HEADER("Sec-WebSocket-Extensions", "permessage-deflate") } },
    { "a subprotocol",
      101,
      false,
      { HEADER("Upgrade", "websocket"), HEADER("Connection", "Upgrade"),
        HEADER("Sec-WebSocket-Accept", ACCEPT), HEADER("Sec-WebSocket-Protocol", "chat") } },
};

static void test_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(verify_rows) / sizeof(verify_rows[0]); i++) {
        const struct verify_row *row = &verify_rows[i];
        struct mk_http1_response response = { .status = row->status };
        while (response.header_count < HEADERS && row->headers[response.header_count].name.ptr) {
            response.headers[response.header_count] = row->headers[response.header_count];
            response.header_count++;
        }
        struct mk_ws_answer answer;
        bool valid = mk_ws_handshake_verify(&response, KEY, false, &answer);
        if (row->good != valid)
            fail_msg("%s: %s", row->name, valid ? "accepted" : answer.why->en);
        assert_true(valid == (answer.wrong == MK_WS_FINE) && valid == (answer.why == NULL));
    }
}

static void test_request(void **state)
{
    (void)state;
    const struct mk_slice expected = MK_SLICE("GET /chat?a=b HTTP/1.1\r\n"
                                              "Host: example.com:8080\r\n"
                                              "Upgrade: websocket\r\n"
                                              "Connection: Upgrade\r\n"
                                              "Sec-WebSocket-Version: 13\r\n"
                                              "Sec-WebSocket-Key: " KEY "\r\n"
                                              "Authorization: Bearer x\r\n"
                                              "\r\n");
    struct mk_buf out;
    mk_buf_init(&out, expected.len - 1);
    for (int rc = -ENOBUFS; rc <= 0; rc += ENOBUFS) {
        assert_int_equal(mk_ws_handshake_request(&out, MK_SLICE("/chat?a=b"),
                                                 MK_SLICE("example.com:8080"), KEY,
                                                 MK_SLICE("Authorization: Bearer x\r\n")),
                         rc);
        assert_int_equal(out.len, rc == 0 ? expected.len : 0);
        out.max = expected.len;
    }
    assert_true(mk_slice_eq(mk_buf_slice(&out), expected));
    mk_buf_fini(&out);
}

static void test_keys_differ(void **state)
{
    (void)state;
    char one[MK_WS_KEY_LEN];
    char two[MK_WS_KEY_LEN];
    mk_ws_handshake_key(one);
    mk_ws_handshake_key(two);
    assert_memory_not_equal(one, two, sizeof(one));
    assert_memory_equal(one + MK_WS_KEY_LEN - 2, "==", 2);
}

/* A client's request, a server's answer and the client's check, through the real parsers. */
static void test_both_roles(void **state)
{
    (void)state;
    char key[MK_WS_KEY_LEN];
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = NULL;
    size_t used;
    struct mk_buf out;
    struct mk_http1_response response;
    struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
    assert_non_null(parser);
    mk_buf_init(&out, 4096);
    mk_ws_handshake_key(key);
    assert_int_equal(
        mk_ws_handshake_request(&out, MK_SLICE("/"), MK_SLICE("[::1]:3001"), key, MK_SLICE("")), 0);
    assert_int_equal(mk_http1_parser_feed(parser, out.data, out.len, &used), MK_HTTP1_HEAD);
    const struct mk_http1_request *request = mk_http1_parser_request(parser);
    assert_true(request->upgrade_websocket);
    assert_int_equal(mk_ws_handshake_check(request, accept, &reason), 101);
    mk_buf_reset(&out, SIZE_MAX);
    assert_int_equal(mk_ws_handshake_accept(&out, accept, MK_SLICE("")), 0);
    assert_int_equal(mk_http1_read_response(mk_buf_slice(&out), &response, &used), MK_HTTP1_HEAD);
    assert_int_equal(used, out.len);
    struct mk_ws_answer answer;
    assert_true(mk_ws_handshake_verify(&response, key, false, &answer));
    key[0] = key[0] == 'A' ? 'B' : 'A';
    assert_false(mk_ws_handshake_verify(&response, key, false, &answer));
    assert_int_equal(answer.wrong, MK_WS_WRONG_ANSWER);
    assert_string_equal(answer.why->en, "Sec-WebSocket-Accept does not answer the key");
    assert_true(mk_slice_eq(answer.seen, mk_slice_of(accept, sizeof(accept))));
    mk_http1_parser_free(parser);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_computes_the_accept_of_the_rfc),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_both_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
