/* feed: many sinks read one stream of frames, each at its own speed. */
#include "hub/feed.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct receiver {
    struct mk_sink sink;
    struct mk_buf got;
    unsigned ready;
    unsigned overrun;
    bool leaves; /* when it is notified */
    bool reads;  /* all of it, at once, when it is notified */
};

static struct receiver *of_sink(struct mk_sink *sink)
{
    return MK_CONTAINER_OF(sink, struct receiver, sink);
}

static void on_ready(struct mk_sink *sink)
{
    of_sink(sink)->ready++;
    if (of_sink(sink)->leaves)
        mk_sink_leave(sink);
    if (of_sink(sink)->reads)
        mk_sink_advance(sink, mk_sink_peek(sink).len);
}

static void on_overrun(struct mk_sink *sink)
{
    of_sink(sink)->overrun++;
}

static void receiver_init(struct receiver *receiver, uint64_t max_lag)
{
    *receiver = (struct receiver){
        .sink = { .ready = on_ready, .overrun = on_overrun, .max_lag = max_lag },
    };
    mk_buf_init(&receiver->got, 64 * 1024 * 1024);
}

/* Takes up to `most` bytes at a time until nothing is left, or `total` bytes are taken. */
static void take(struct receiver *receiver, size_t most, size_t total)
{
    while (total > 0) {
        struct mk_slice ready = mk_sink_peek(&receiver->sink);
        size_t len = ready.len < most ? ready.len : most;
        if (len > total)
            len = total;
        if (len == 0)
            return;
        assert_int_equal(mk_buf_append(&receiver->got, ready.ptr, len), 0);
        mk_sink_advance(&receiver->sink, len);
        total -= len;
    }
}

static void append(struct mk_feed *feed, struct mk_buf *expected, const char *frame)
{
    assert_int_equal(mk_feed_append(feed, 1, mk_slice_str(frame)), 0);
    assert_int_equal(mk_buf_append_slice(expected, mk_slice_str(frame)), 0);
}

static void assert_got(const struct receiver *receiver, const struct mk_buf *expected)
{
    assert_int_equal(receiver->got.len, expected->len);
    assert_memory_equal(receiver->got.data, expected->data, expected->len);
}

/* Enough frames for many chunks, to sinks that take them at once, slowly, and at the end. */
static void test_every_sink_gets_every_byte(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver prompt, slow, late;
    struct mk_buf expected;
    mk_feed_init(&feed);
    mk_buf_init(&expected, 64 * 1024 * 1024);
    receiver_init(&prompt, UINT64_MAX);
    receiver_init(&slow, UINT64_MAX);
    receiver_init(&late, UINT64_MAX);
    assert_int_equal(mk_feed_join(&feed, &prompt.sink), 0);
    assert_int_equal(mk_feed_join(&feed, &slow.sink), 0);
    assert_int_equal(mk_feed_join(&feed, &late.sink), 0);
    for (int i = 0; i < 5000; i++) {
        char body[128];
        snprintf(body, sizeof(body), "event %d %0*d\n", i, i % 90, i);
        append(&feed, &expected, body);
        take(&prompt, SIZE_MAX, SIZE_MAX);
        take(&slow, 7, 61);
        assert_int_equal(mk_sink_lag(&prompt.sink), 0);
    }
    assert_int_equal(mk_sink_lag(&late.sink), expected.len);
    assert_int_equal(mk_sink_lag(&slow.sink), expected.len - slow.got.len);
    take(&slow, 100, SIZE_MAX);
    take(&late, SIZE_MAX, SIZE_MAX);
    assert_got(&prompt, &expected);
    assert_got(&slow, &expected);
    assert_got(&late, &expected);
    assert_int_equal(prompt.ready, 5000);
    assert_int_equal(prompt.overrun, 0);
    struct receiver *all[] = { &prompt, &slow, &late };
    for (size_t i = 0; i < 3; i++) {
        mk_sink_leave(&all[i]->sink);
        mk_buf_fini(&all[i]->got);
    }
    mk_buf_fini(&expected);
    mk_feed_fini(&feed);
}

/* The bytes of peek end between two frames, wherever the chunks end. */
static void test_frames_are_whole(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver receiver;
    mk_feed_init(&feed);
    receiver_init(&receiver, UINT64_MAX);
    assert_int_equal(mk_feed_join(&feed, &receiver.sink), 0);
    char *large = malloc(200001);
    memset(large, 'x', 200001);
    const size_t sizes[] = { 10, 60000, 60000, 200000, 1, 65000, 200000, 3 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        large[sizes[i]] = '\n';
        assert_int_equal(mk_feed_append(&feed, 1, mk_slice_of(large, sizes[i] + 1)), 0);
        large[sizes[i]] = 'x';
    }
    size_t frames = 0;
    struct mk_slice ready;
    while ((ready = mk_sink_peek(&receiver.sink)).len > 0) {
        assert_int_equal(ready.ptr[ready.len - 1], '\n');
        for (size_t i = 0; i < ready.len; i++)
            frames += ready.ptr[i] == '\n';
        mk_sink_advance(&receiver.sink, ready.len);
    }
    assert_int_equal(frames, sizeof(sizes) / sizeof(sizes[0]));
    mk_sink_leave(&receiver.sink);
    mk_feed_fini(&feed);
    free(large);
}

static void test_joins_at_the_end(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver first, second;
    mk_feed_init(&feed);
    receiver_init(&first, UINT64_MAX);
    receiver_init(&second, UINT64_MAX);
    /* Without sinks nothing is kept. */
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("lost")), 0);
    assert_int_equal(feed.end, 0);
    assert_int_equal(mk_feed_join(&feed, &first.sink), 0);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("one\n")), 0);
    assert_int_equal(mk_feed_join(&feed, &second.sink), 0);
    assert_int_equal(mk_sink_peek(&second.sink).len, 0);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("two\n")), 0);
    assert_true(mk_slice_eq(mk_sink_peek(&first.sink), MK_SLICE("one\ntwo\n")));
    assert_true(mk_slice_eq(mk_sink_peek(&second.sink), MK_SLICE("two\n")));
    mk_sink_leave(&first.sink);
    mk_sink_leave(&first.sink);
    assert_int_equal(mk_sink_peek(&first.sink).len, 0);
    assert_int_equal(mk_sink_lag(&first.sink), 0);
    mk_sink_leave(&second.sink);
    mk_feed_fini(&feed);
}

/* A sink that joins may open a chunk into which the next frame does not fit. */
static void test_a_chunk_may_stay_empty(void **state)
{
    (void)state;
    enum { HALF = 40000, LONG = 70000 };
    static char frame[LONG];
    struct mk_feed feed;
    struct receiver first, second;
    mk_feed_init(&feed);
    receiver_init(&first, UINT64_MAX);
    receiver_init(&second, UINT64_MAX);
    assert_int_equal(mk_feed_join(&feed, &first.sink), 0);
    assert_int_equal(mk_feed_append(&feed, 1, mk_slice_of(frame, HALF)), 0);
    take(&first, HALF, HALF);
    assert_int_equal(mk_feed_join(&feed, &second.sink), 0);
    assert_int_equal(mk_feed_append(&feed, 1, mk_slice_of(frame, LONG)), 0);
    assert_int_equal(mk_sink_peek(&first.sink).len, LONG);
    assert_int_equal(mk_sink_peek(&second.sink).len, LONG);
    take(&first, LONG, LONG);
    take(&second, LONG, LONG);
    assert_int_equal(mk_feed_append(&feed, 1, mk_slice_of(frame, HALF)), 0);
    assert_int_equal(first.ready, 3);
    mk_sink_leave(&first.sink);
    mk_sink_leave(&second.sink);
    mk_buf_fini(&first.got);
    mk_buf_fini(&second.got);
    mk_feed_fini(&feed);
}

static void test_a_sink_that_lags_is_notified(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver slow, other;
    mk_feed_init(&feed);
    receiver_init(&slow, 10);
    receiver_init(&other, 10);
    other.leaves = true; /* leaving from within the notification must not disturb the others */
    assert_int_equal(mk_feed_join(&feed, &other.sink), 0);
    assert_int_equal(mk_feed_join(&feed, &slow.sink), 0);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("0123456789")), 0);
    assert_int_equal(slow.ready, 1);
    assert_int_equal(slow.overrun, 0);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("!")), 0);
    assert_int_equal(slow.ready, 1);
    assert_int_equal(slow.overrun, 1);
    assert_int_equal(other.ready, 1);
    take(&slow, SIZE_MAX, SIZE_MAX);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("?")), 0);
    assert_int_equal(slow.ready, 2);
    mk_sink_leave(&slow.sink);
    mk_buf_fini(&slow.got);
    mk_feed_fini(&feed);
}

/* A sink is notified once, and again only when it has read everything, also from within the
 * notification. */
static void test_a_sink_is_notified_when_it_had_read_everything(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver eager, lazy;
    mk_feed_init(&feed);
    receiver_init(&eager, UINT64_MAX);
    receiver_init(&lazy, UINT64_MAX);
    eager.reads = true;
    assert_int_equal(mk_feed_join(&feed, &eager.sink), 0);
    assert_int_equal(mk_feed_join(&feed, &lazy.sink), 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("abc")), 0);
        assert_int_equal(eager.ready, i);
        assert_int_equal(lazy.ready, 1);
    }
    take(&lazy, SIZE_MAX, 8);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("d")), 0);
    assert_int_equal(lazy.ready, 1);
    take(&lazy, SIZE_MAX, 2);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("e")), 0);
    assert_int_equal(lazy.ready, 2);
    assert_true(mk_feed_has_sinks(&feed));
    mk_sink_leave(&eager.sink);
    mk_sink_leave(&lazy.sink);
    assert_false(mk_feed_has_sinks(&feed));
    mk_buf_fini(&lazy.got);
    mk_feed_fini(&feed);
}

/* A sink that lags is found although others read, and so are those that join later. */
static void test_lag_is_found_later(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver slow, patient;
    mk_feed_init(&feed);
    receiver_init(&slow, 100);
    receiver_init(&patient, 1000);
    patient.reads = true;
    assert_int_equal(mk_feed_join(&feed, &patient.sink), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("0123456789")), 0);
    assert_int_equal(mk_feed_join(&feed, &slow.sink), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("0123456789")), 0);
    assert_int_equal(slow.overrun, 0);
    take(&slow, SIZE_MAX, 5);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("01234")), 0);
    assert_int_equal(slow.overrun, 0);
    assert_int_equal(mk_feed_append(&feed, 1, MK_SLICE("!")), 0);
    assert_int_equal(slow.overrun, 1);
    assert_int_equal(patient.overrun, 0);
    mk_sink_leave(&slow.sink);
    mk_sink_leave(&patient.sink);
    mk_buf_fini(&slow.got);
    mk_feed_fini(&feed);
}

/* Frames of equal length are counted exactly, at whatever position the sink is. */
static void test_counts_the_frames_left_to_read(void **state)
{
    (void)state;
    struct mk_feed feed;
    struct receiver receiver;
    char frame[1000] = { 0 };
    mk_feed_init(&feed);
    receiver_init(&receiver, UINT64_MAX);
    assert_int_equal(mk_sink_frames_behind(&receiver.sink), 0);
    assert_int_equal(mk_feed_join(&feed, &receiver.sink), 0);
    assert_int_equal(mk_sink_frames_behind(&receiver.sink), 0);
    for (uint64_t i = 1; i <= 300; i++) {
        assert_int_equal(mk_feed_append(&feed, 1, mk_slice_of(frame, sizeof(frame))), 0);
        assert_int_equal(mk_sink_frames_behind(&receiver.sink), i);
    }
    for (uint64_t i = 299;; i--) {
        take(&receiver, sizeof(frame), sizeof(frame));
        assert_int_equal(mk_sink_frames_behind(&receiver.sink), i);
        if (i == 0)
            break;
    }
    mk_sink_leave(&receiver.sink);
    assert_int_equal(mk_sink_frames_behind(&receiver.sink), 0);
    mk_buf_fini(&receiver.got);
    mk_feed_fini(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sink_gets_every_byte),
        cmocka_unit_test(test_frames_are_whole),
        cmocka_unit_test(test_joins_at_the_end),
        cmocka_unit_test(test_a_chunk_may_stay_empty),
        cmocka_unit_test(test_a_sink_that_lags_is_notified),
        cmocka_unit_test(test_a_sink_is_notified_when_it_had_read_everything),
        cmocka_unit_test(test_lag_is_found_later),
        cmocka_unit_test(test_counts_the_frames_left_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
