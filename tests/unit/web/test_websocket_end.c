/* Why a WebSocket has ended: each way has a kind and words of its own. */
#include "web/websocket_end.h"
#include "wire/websocket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mk_failure failure;

static void assert_end(const struct mk_websocket_end *end, enum mk_failure_kind kind,
                       unsigned status, const char *words)
{
    mk_websocket_end_explain(end, &failure);
    assert_int_equal(failure.kind, kind);
    assert_int_equal(failure.status, status);
    assert_string_equal(failure.en, words);
    assert_string_not_equal(failure.zh, words);
}

static void closes_have_code_and_reason(void **state)
{
    (void)state;
    assert_end(&(struct mk_websocket_end){ .peer_closed = true, .peer_code = 1000 },
               MK_FAILURE_CLOSE, 1000, "it closed the connection with 1000 (normal)");
    assert_end(&(struct mk_websocket_end){ .peer_closed = true, .peer_code = MK_WS_NO_STATUS },
               MK_FAILURE_CLOSE, 1005, "it closed the connection without a code (1005)");
    assert_end(
        &(struct mk_websocket_end){
            .peer_closed = true, .peer_code = 4001, .peer_reason = mk_slice_of("a\0b\x1b\"", 5) },
        MK_FAILURE_CLOSE, 4001, "it closed the connection with 4001: \"a\\u0000b\\u001B\\\"\"");
}

/* 123 bytes of a reason become up to six times as many: the words stay within their bound. */
static void reasons_are_bounded(void **state)
{
    char reason[123];
    (void)state;
    memset(reason, 1, sizeof(reason));
    const struct mk_websocket_end end = { .peer_closed = true,
                                          .peer_code = 1008,
                                          .peer_reason = mk_slice_of(reason, sizeof(reason)) };
    mk_websocket_end_explain(&end, &failure);
    assert_true(strlen(failure.en) < MK_FAILURE_TEXT);
    assert_non_null(strstr(failure.en, "1008 (policy violation): \"\\u0001"));
}

static void other_ends_have_kinds(void **state)
{
    (void)state;
    assert_end(&(struct mk_websocket_end){ .peer_code = 1006 }, MK_FAILURE_LOST, 0,
               "it disconnected without a close frame (1006)");
    assert_end(&(struct mk_websocket_end){ .peer_code = 1006, .error = -ECONNRESET },
               MK_FAILURE_LOST, 0, "the connection was lost (1006): connection reset by peer");
    assert_end(&(struct mk_websocket_end){ .unanswered_ms = 15000, .error = -ETIMEDOUT },
               MK_FAILURE_PING, 0, "it did not answer a ping within 15 s");
    assert_end(&(struct mk_websocket_end){ .wrong = MK_PHRASE("a reserved bit is set", "保留位"),
                                           .own_code = 1002 },
               MK_FAILURE_FRAMES, 1002,
               "it violated the WebSocket protocol (1002): a reserved bit is set");
    assert_end(&(struct mk_websocket_end){ .own_code = MK_WS_UNSUPPORTED_DATA }, MK_FAILURE_FRAMES,
               1003, "it sent a binary message, and calls are text (1003)");
    assert_end(&(struct mk_websocket_end){ .own_code = MK_WS_TRY_AGAIN_LATER }, MK_FAILURE_BEHIND,
               1013, "it does not receive its events, so it was closed (1013)");
    assert_end(&(struct mk_websocket_end){ .error = -ENOBUFS }, MK_FAILURE_BEHIND, 0,
               "it does not receive its messages");
}

/* What we have begun is no failure, whatever the peer answers. */
static void our_own_close_is_no_failure(void **state)
{
    (void)state;
    assert_end(&(struct mk_websocket_end){ .own_code = MK_WS_GOING_AWAY,
                                           .peer_closed = true,
                                           .peer_code = 1008 },
               MK_FAILURE_NONE, 1001, "closed from this side");
}

static void secrets_are_hidden(void **state)
{
    (void)state;
    mk_failure_say(&failure, MK_FAILURE_CLOSE, MK_PHRASE("a s3cret, s3cret", "s3crets3cret"));
    mk_failure_hide(&failure, "s3cret");
    assert_string_equal(failure.en, "a ***, ***");
    assert_string_equal(failure.zh, "******");
    mk_failure_say(&failure, MK_FAILURE_CLOSE, MK_PHRASE("", ""));
    mk_failure_quote(&failure, MK_SLICE("GET /a?b=s3cret&c HTTP/1.1, what? no"), 100);
    assert_string_equal(failure.en, "\"GET /a?*** HTTP/1.1, what? no\"");
    mk_failure_say(&failure, MK_FAILURE_CLOSE, MK_PHRASE("", ""));
    mk_failure_quote(&failure,
                     MK_SLICE("\xff\x01"
                              "abcdef"),
                     4);
    assert_string_equal(failure.en, "\"\\xff\\x01ab\"...");
    char filler[MK_FAILURE_TEXT];
    memset(filler, 'a', sizeof(filler));
    memcpy(filler + sizeof(filler) - 5, "aaaa", 5);
    mk_failure_say(&failure, MK_FAILURE_CLOSE, MK_PHRASE(filler, filler));
    mk_failure_hide(&failure, "aaaa"); /* the words end at each length */
    mk_failure_hide(&failure, NULL);
    assert_true(strlen(failure.en) < MK_FAILURE_TEXT);
    assert_null(strstr(failure.en, "aaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_have_code_and_reason),
        cmocka_unit_test(reasons_are_bounded),
        cmocka_unit_test(other_ends_have_kinds),
        cmocka_unit_test(our_own_close_is_no_failure),
        cmocka_unit_test(secrets_are_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
