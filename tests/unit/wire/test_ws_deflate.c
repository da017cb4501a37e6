/* ws_deflate: every parameter of RFC 7692, section 7.1, in every form that may and may not be. */
#include "wire/ws_deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "feed.h"
#include <cmocka.h>

#define PD "permessage-deflate"
#define BEGIN "Sec-WebSocket-Extensions: "
#define BOTH "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define YES BEGIN BOTH "\r\n"
#define SNC PD "; server_no_context_takeover"
#define KEEPS YES
#define KEEPS_OF(bits) BEGIN BOTH "; client_max_window_bits=" bits "\r\n"
#define WINDOW BEGIN BOTH "; server_max_window_bits=12\r\n"
#define WINDOWS BEGIN BOTH "; server_max_window_bits=12; client_max_window_bits=12\r\n"
#define NO ""

struct row {
    const char *offer;
    const char *expected;
};

static const struct row offers[] = {
    /* offers of real clients: browsers, ws, Python's websockets, aiohttp, Autobahn */
    { PD, KEEPS },
    { PD "; client_max_window_bits", KEEPS_OF("12") },
    { PD "; server_max_window_bits=12; client_max_window_bits=12", WINDOWS },
    { PD "; server_no_context_takeover; client_no_context_takeover", YES },
    { PD "; client_no_context_takeover; client_max_window_bits", YES },
    { PD "; client_no_context_takeover; client_max_window_bits=9, " PD, YES },

    /* white space and empty elements */
    { " " PD "\t", KEEPS },
    { PD ";server_no_context_takeover;client_max_window_bits=8", KEEPS_OF("8") },
    { PD " ; \t server_max_window_bits = 15 ; client_max_window_bits", WINDOWS },
    { ", ,," PD ",,", KEEPS },

    /* the window that the client compresses with */
    { PD "; client_max_window_bits=15", KEEPS_OF("12") }, /* where room is scarce */
    { PD "; client_max_window_bits=11", KEEPS_OF("11") },
    { PD "; client_max_window_bits=8", KEEPS_OF("8") },
    { PD "; server_max_window_bits=9, " BOTH, YES },

    /* the window that we compress with */
    { PD "; server_max_window_bits=15", WINDOW },
    { PD "; server_max_window_bits=12", WINDOW },
    { PD "; server_max_window_bits=11", NO },
    { PD "; server_max_window_bits=8", NO },
    { PD "; server_max_window_bits=10, " PD, KEEPS },
    { PD "; server_max_window_bits=10, " PD "; server_max_window_bits=13", WINDOW },

    /* invalid values */
    { PD "; server_max_window_bits", NO },
    { PD "; server_max_window_bits=", NO },
    { PD "; server_max_window_bits=7", NO },
    { PD "; server_max_window_bits=16", NO },
    { PD "; server_max_window_bits=012", NO },
    { PD "; server_max_window_bits=0", NO },
    { PD "; server_max_window_bits=-12", NO },
    { PD "; server_max_window_bits=+12", NO },
    { PD "; server_max_window_bits=12.0", NO },
    { PD "; server_max_window_bits=0xc", NO },
    { PD "; server_max_window_bits=twelve", NO },
    { PD "; server_max_window_bits=1 2", NO },
    { PD "; server_max_window_bits=12=12", NO },
    { PD "; server_max_window_bits=4294967308", NO },
    { PD "; server_max_window_bits=18446744073709551628", NO },
    { PD "; client_max_window_bits=", NO },
    { PD "; client_max_window_bits=7", NO },
    { PD "; client_max_window_bits=16", NO },
    { PD "; client_max_window_bits=010", NO },
    { PD "; client_max_window_bits=x", NO },
    { PD "; server_no_context_takeover=", NO },
    { PD "; server_no_context_takeover=1", NO },
    { PD "; server_no_context_takeover=true", NO },
    { PD "; client_no_context_takeover=\"\"", NO },

    /* in quotes */
    { PD "; server_max_window_bits=\"12\"", WINDOW },
    { PD "; server_max_window_bits=\"1\\2\"", WINDOW },
    { PD "; server_max_window_bits=\"\\1\\2\"", WINDOW },
    { PD "; client_max_window_bits=\"15\"", KEEPS_OF("12") },
    { PD "; server_max_window_bits=\"\"", NO },
    { PD "; server_max_window_bits=\"", NO },
    { PD "; server_max_window_bits=\"12", NO },
    { PD "; server_max_window_bits=12\"", NO },
    { PD "; server_max_window_bits='12'", NO },
    { PD "; server_max_window_bits=\"12\\\"", NO },
    { PD "; server_max_window_bits=\" 12\"", NO },
    { PD "; server_max_window_bits=\"012\"", NO },
    { "x; y=\", " PD "; z\", " PD "; server_max_window_bits=15", WINDOW },
    { "x; y=\", " PD, NO },
    { "x; y=\"\\\", " PD "\"", NO },
    { "x; y=\"a;b\", " PD, KEEPS },

    /* repeated and unknown */
    { PD "; server_no_context_takeover; server_no_context_takeover", NO },
    { PD "; client_no_context_takeover; client_no_context_takeover", NO },
    { PD "; server_max_window_bits=12; server_max_window_bits=12", NO },
    { PD "; client_max_window_bits; client_max_window_bits=12", NO },
    { PD "; client_max_window_bits=12; client_max_window_bits", NO },
    { PD "; x", NO },
    { PD "; x=y, " PD, KEEPS },
    { PD "; Server_No_Context_Takeover", NO },
    { PD "; server_no_context_takeove", NO },
    { PD "; server_no_context_takeoverx", NO },
    { PD ";", NO },
    { PD "; ;client_max_window_bits", NO },
    { PD "; =12", NO },
    { PD "=1", NO },
    { PD " server_no_context_takeover", NO },

    /* other extensions */
    { "", NO },
    { "x-webkit-deflate-frame", NO },
    { "permessage-bzip2, " PD "; client_max_window_bits", KEEPS_OF("12") },
    { "permessage-deflat", NO },
    { "permessage-deflatex", NO },
    { "Permessage-Deflate", NO },
    { "\"permessage-deflate\"", NO },
    { "server_no_context_takeover", NO },
    { "; " PD, NO },
};

/* The value ends right before a guard page. */
static struct mk_ws_deflate_terms accept_guarded(const char *offer, size_t room,
                                                 char line[MK_WS_DEFLATE_LINE])
{
    struct mk_slice value = mk_slice_str(offer);
    struct feed_guard guard = feed_guard_new(value.len);
    const struct mk_http1_header headers[] = {
        { MK_SLICE("Host"), MK_SLICE("permessage-deflate") },
        { MK_SLICE("sec-websocket-extensions"), { feed_guard_place(guard, value), value.len } },
    };
    struct mk_http1_request request = { .headers = headers, .header_count = 2 };
    struct mk_ws_deflate_terms terms = mk_ws_deflate_accept(&request, room, line);
    feed_guard_free(guard);
    return terms;
}

static void test_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        char line[MK_WS_DEFLATE_LINE];
        struct mk_ws_deflate_terms terms = accept_guarded(offers[i].offer, 32768, line);
        if (strcmp(line, offers[i].expected) != 0)
            fail_msg("%s: %s", offers[i].offer, line);
        assert_int_equal(terms.accepted, line[0] != '\0');
    }
}

/* A client that has not offered to begin each message anew needs room for its window. */
static void test_room(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        unsigned bits;
    } rows[] = {
        { BOTH, 0 },
        { PD "; client_no_context_takeover", 0 },
        { PD, 15 },
        { PD "; server_max_window_bits=12", 15 },
        { PD "; client_max_window_bits", 12 },
        { PD "; client_max_window_bits=15", 12 },
        { PD "; client_max_window_bits=10", 10 },
        { PD "; client_max_window_bits=8", 9 },
    };
    char line[MK_WS_DEFLATE_LINE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t needed = rows[i].bits > 0 ? (size_t)1 << rows[i].bits : 0;
        struct mk_ws_deflate_terms terms = accept_guarded(rows[i].offer, needed, line);
        assert_true(terms.accepted && line[0] != '\0');
        assert_int_equal(terms.peer_bits, rows[i].bits);
        if (needed > 0)
            assert_false(accept_guarded(rows[i].offer, needed - 1, line).accepted);
    }
    assert_int_equal(accept_guarded(PD ", " PD "; client_max_window_bits", 8192, line).peer_bits,
                     12);
    /* Where there is much room, a client keeps what it has. */
    assert_int_equal(accept_guarded(PD "; client_max_window_bits", 8 << 20, line).peer_bits, 15);
    assert_string_equal(line, KEEPS);
    assert_int_equal(accept_guarded(PD "; client_max_window_bits=14", 8 << 20, line).peer_bits, 14);
    assert_string_equal(line, KEEPS_OF("14"));
    assert_true(accept_guarded(PD ", " BOTH, 0, line).accepted);
    assert_string_equal(line, YES);
}

/* RFC 6455, 9.1: several headers are like one list. */
static void test_offers_in_many_headers(void **state)
{
    (void)state;
    const struct mk_http1_header headers[] = {
        { MK_SLICE("Sec-WebSocket-Extensions"), MK_SLICE("x-other; a=b") },
        { MK_SLICE("Sec-WebSocket-Extensions"), MK_SLICE(PD "; server_max_window_bits=9") },
        { MK_SLICE("Sec-WebSocket-Extensions"), MK_SLICE(PD "; server_max_window_bits=14, " PD) },
    };
    struct mk_http1_request request = { .headers = headers };
    const char *expected[] = { NO, NO, NO, WINDOW };
    char line[MK_WS_DEFLATE_LINE];
    for (; request.header_count <= 3; request.header_count++) {
        mk_ws_deflate_accept(&request, 32768, line);
        assert_string_equal(line, expected[request.header_count]);
    }
}

/* --- a client --- */

struct answer_row {
    const char *answer;
    const char *wrong; /* a part of the reason; NULL: it is valid */
    bool accepted;
};

#define PARAMETER "parameter that is not allowed"

static const struct answer_row answers[] = {
    { "", NULL, false },
    { " , ", NULL, false },
    { BOTH, NULL, true },
    { SNC, NULL, true },
    { SNC "; server_max_window_bits=8", NULL, true },
    { SNC "; server_max_window_bits=\"15\"", NULL, true },
    { PD, "without server_no_context_takeover", false },
    { PD "; client_no_context_takeover", "without server_no_context_takeover", false },
    { SNC "; client_max_window_bits=12", NULL, true },
    { SNC "; client_max_window_bits=7", PARAMETER, false },
    { SNC "; client_max_window_bits=16", PARAMETER, false },
    { SNC "; client_max_window_bits=012", PARAMETER, false },
    { SNC "; client_max_window_bits=12; client_max_window_bits=12", PARAMETER, false },
    { SNC "; client_max_window_bits", PARAMETER, false },
    { SNC "; server_max_window_bits", PARAMETER, false },
    { SNC "; server_max_window_bits=7", PARAMETER, false },
    { SNC "; server_max_window_bits=16", PARAMETER, false },
    { SNC "; server_max_window_bits=08", PARAMETER, false },
    { SNC "; server_no_context_takeover", PARAMETER, false },
    { SNC "=1", PARAMETER, false },
    { SNC "; x", PARAMETER, false },
    { SNC ";", PARAMETER, false },
    { BOTH ", " BOTH, "twice", false },
    { BOTH ", x", "not offered", false },
    { "x, " BOTH, "not offered", false },
    { "permessage-bzip2", "not offered", false },
    { "Permessage-Deflate; server_no_context_takeover", "not offered", false },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const struct answer_row *row = &answers[i];
        struct mk_http1_response response = { .status = 101, .header_count = 1 };
        response.headers[0] = (struct mk_http1_header){ MK_SLICE("Sec-Websocket-Extensions"),
                                                        mk_slice_str(row->answer) };
        struct mk_ws_deflate_answer got;
        bool valid = mk_ws_deflate_verify(&response, true, &got);
        const char *wrong = got.why ? got.why->en : NULL;
        bool accepted = got.accepted;
        assert_true(valid == !wrong);
        if (!wrong != !row->wrong || (wrong && !strstr(wrong, row->wrong)))
            fail_msg("%s: %s", row->answer, wrong ? wrong : "accepted");
        if (!wrong && accepted != row->accepted)
            fail_msg("%s: %d", row->answer, accepted);

        /* A client that has offered nothing accepts nothing. */
        mk_ws_deflate_verify(&response, false, &got);
        wrong = got.why ? got.why->en : NULL;
        bool is_nothing = !row->wrong && !row->accepted;
        if (is_nothing != !wrong || (wrong && !strstr(wrong, "not offered")))
            fail_msg("%s, not offered: %s", row->answer, wrong ? wrong : "accepted");
    }
}

static void test_answer_in_many_headers(void **state)
{
    (void)state;
    struct mk_http1_response response = { .status = 101, .header_count = 0 };
    struct mk_ws_deflate_answer answer;
    assert_true(mk_ws_deflate_verify(&response, true, &answer));
    assert_false(answer.accepted);
    response.headers[0] =
        (struct mk_http1_header){ MK_SLICE("Sec-WebSocket-Extensions"), MK_SLICE(BOTH) };
    response.headers[1] = response.headers[0];
    response.header_count = 1;
    assert_true(mk_ws_deflate_verify(&response, true, &answer));
    assert_true(answer.accepted);
    response.header_count = 2;
    assert_false(mk_ws_deflate_verify(&response, true, &answer));
    assert_string_equal(answer.why->en, "permessage-deflate was chosen twice");
}

/* We accept our own offer, and our own answer. */
static void test_both_roles(void **state)
{
    (void)state;
    struct mk_slice offer = mk_ws_deflate_offer();
    size_t name = sizeof(BEGIN) - 1;
    assert_true(mk_slice_starts_with(offer, MK_SLICE(BEGIN)));
    const struct mk_http1_header header = {
        MK_SLICE("Sec-WebSocket-Extensions"),
        mk_slice_of(offer.ptr + name, offer.len - name - 2),
    };
    struct mk_http1_request request = { .headers = &header, .header_count = 1 };
    char line[MK_WS_DEFLATE_LINE];
    assert_int_equal(mk_ws_deflate_accept(&request, 0, line).peer_bits, 0);
    struct mk_slice answer = mk_slice_str(line);
    struct mk_http1_response response = { .status = 101, .header_count = 1 };
    response.headers[0] =
        (struct mk_http1_header){ MK_SLICE("Sec-WebSocket-Extensions"),
                                  mk_slice_of(answer.ptr + name, answer.len - name - 2) };
    struct mk_ws_deflate_answer got;
    assert_true(mk_ws_deflate_verify(&response, true, &got));
    assert_true(got.accepted);
    assert_int_equal(got.client_bits, 15);
}

/* The window that the server leaves us, in quotes or not. */
static void test_our_window(void **state)
{
    (void)state;
    for (unsigned bits = 8; bits <= 15; bits++) {
        for (int quoted = 0; quoted < 2; quoted++) {
            char text[128];
            snprintf(text, sizeof(text),
                     quoted ? SNC "; client_max_window_bits=\"%u\""
                            : SNC "; client_max_window_bits=%u",
                     bits);
            struct mk_http1_response response = { .status = 101, .header_count = 1 };
            response.headers[0] = (struct mk_http1_header){ MK_SLICE("Sec-WebSocket-Extensions"),
                                                            mk_slice_str(text) };
            struct mk_ws_deflate_answer answer;
            assert_true(mk_ws_deflate_verify(&response, true, &answer));
            assert_true(answer.accepted);
            assert_int_equal(answer.client_bits, bits);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_offers_in_many_headers),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answer_in_many_headers),
        cmocka_unit_test(test_both_roles),
        cmocka_unit_test(test_our_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
