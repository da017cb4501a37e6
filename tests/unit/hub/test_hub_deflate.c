/*
 * hub with permessage-deflate: an event is encoded once and compressed once, for all clients and
 * framings; short events are sent uncompressed.
 */
#include "hub/reader.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

enum { BOT = 10001000, SINKS = 100, LIMIT = 1 << 20 };

struct world {
    struct mk_hub hub;
    struct mk_deflate deflate;
    struct mk_sink sinks[MK_FRAMINGS][SINKS];
};

static void ignore(struct mk_sink *sink)
{
    (void)sink;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    mk_hub_init(&world->hub, BOT, NULL);
    mk_deflate_init(&world->deflate, 1024);
    world->hub.deflate = &world->deflate;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    for (int framing = 0; framing < MK_FRAMINGS; framing++)
        for (size_t i = 0; i < SINKS; i++)
            mk_sink_leave(&world->sinks[framing][i]);
    mk_hub_fini(&world->hub);
    mk_deflate_fini(&world->deflate);
    free(world);
    return 0;
}

static void join(struct world *world, enum mk_framing framing, size_t count)
{
    const struct mk_event_format format = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE, framing };
    for (size_t i = 0; i < count; i++) {
        world->sinks[framing][i] =
            (struct mk_sink){ .ready = ignore, .overrun = ignore, .max_lag = UINT64_MAX };
        assert_int_equal(mk_hub_join(&world->hub, &world->sinks[framing][i], &format), 0);
    }
}

static void emit(struct world *world, size_t len)
{
    char reason[4096];
    memset(reason, 'm', len);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strn(doc, data, "reason", reason, len);
    struct mk_event event = {
        .type = mk_event_type_find(MK_SLICE("bot_offline")),
        .self_id = BOT,
        .time = 1700000000,
        .data = data,
    };
    assert_int_equal(mk_hub_emit(&world->hub, &event), 0);
    yyjson_mut_doc_free(doc);
}

/* The message that the next frame of this sink holds; its first byte goes into `*first`. */
static void next_message(struct world *world, enum mk_framing framing, size_t i, struct mk_buf *out,
                         uint8_t *first)
{
    struct mk_sink *sink = &world->sinks[framing][i];
    bool masked =
        framing == MK_FRAMING_WEBSOCKET_MASKED || framing == MK_FRAMING_WEBSOCKET_MASKED_DEFLATE;
    struct mk_slice frames = mk_sink_peek(sink);
    struct mk_ws_parser parser;
    struct mk_deflate own;
    size_t used;
    mk_deflate_init(&own, 1);
    char *copy = malloc(frames.len + 1);
    memcpy(copy, frames.ptr, frames.len);
    *first = (uint8_t)copy[0];
    mk_ws_parser_init(&parser, masked ? MK_WS_SERVER : MK_WS_CLIENT, LIMIT);
    if (mk_framing_compresses(framing))
        mk_ws_parser_set_deflate(&parser, &own);
    assert_int_equal(mk_ws_parser_feed(&parser, copy, frames.len, &used), MK_WS_MESSAGE);
    mk_buf_reset(out, SIZE_MAX);
    assert_int_equal(mk_buf_append_slice(out, parser.event.payload), 0);
    mk_sink_advance(sink, used);
    mk_ws_parser_fini(&parser);
    mk_deflate_fini(&own);
    free(copy);
}

static void test_an_event_is_compressed_once(void **state)
{
    struct world *world = *state;
    static const enum mk_framing plain[] = { MK_FRAMING_WEBSOCKET, MK_FRAMING_WEBSOCKET_MASKED };
    static const enum mk_framing compressed[] = { MK_FRAMING_WEBSOCKET_DEFLATE,
                                                  MK_FRAMING_WEBSOCKET_MASKED_DEFLATE };
    struct mk_buf expected, got;
    uint8_t first;
    mk_buf_init(&expected, LIMIT);
    mk_buf_init(&got, LIMIT);
    for (size_t i = 0; i < 2; i++) {
        join(world, plain[i], 1);
        join(world, compressed[i], SINKS);
    }
    for (uint64_t n = 1; n <= 3; n++) {
        emit(world, 2000);
        /* For 202 clients in four framings. */
        assert_int_equal(world->hub.encodings, n);
        assert_int_equal(world->hub.compressions, n);
        assert_int_equal(world->deflate.stats.compressed, n);
        for (size_t role = 0; role < 2; role++) {
            next_message(world, plain[role], 0, &expected, &first);
            assert_int_equal(first, 0x81);
            for (size_t i = 0; i < SINKS; i++) {
                next_message(world, compressed[role], i, &got, &first);
                assert_int_equal(first, 0xc1);
                assert_true(mk_slice_eq(mk_buf_slice(&got), mk_buf_slice(&expected)));
            }
        }
    }
    mk_buf_fini(&expected);
    mk_buf_fini(&got);
}

static void test_short_events_are_not_compressed(void **state)
{
    struct world *world = *state;
    struct mk_buf got;
    uint8_t first;
    mk_buf_init(&got, LIMIT);
    join(world, MK_FRAMING_WEBSOCKET_DEFLATE, 1);
    emit(world, 100);
    next_message(world, MK_FRAMING_WEBSOCKET_DEFLATE, 0, &got, &first);
    assert_int_equal(first, 0x81);
    assert_int_equal(world->hub.compressions, 0);
    emit(world, 1024);
    next_message(world, MK_FRAMING_WEBSOCKET_DEFLATE, 0, &got, &first);
    assert_int_equal(first, 0xc1);
    assert_int_equal(world->hub.compressions, 1);
    mk_buf_fini(&got);
}

static void test_nothing_is_compressed_without_a_client_for_it(void **state)
{
    struct world *world = *state;
    join(world, MK_FRAMING_WEBSOCKET, SINKS);
    join(world, MK_FRAMING_SSE, 1);
    join(world, MK_FRAMING_LINE, 1);
    emit(world, 2000);
    assert_int_equal(world->hub.encodings, 1);
    assert_int_equal(world->hub.compressions, 0);
    assert_false(world->deflate.has_deflater);
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
    struct world *world = *state;
    struct mk_buf got;
    uint8_t first;
    mk_buf_init(&got, LIMIT);
    world->deflate.deflater.zalloc = no_alloc;
    join(world, MK_FRAMING_WEBSOCKET_DEFLATE, 1);
    emit(world, 2000);
    next_message(world, MK_FRAMING_WEBSOCKET_DEFLATE, 0, &got, &first);
    assert_int_equal(first, 0x81);
    mk_buf_fini(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_is_compressed_once),
        TEST(test_short_events_are_not_compressed),
        TEST(test_nothing_is_compressed_without_a_client_for_it),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
