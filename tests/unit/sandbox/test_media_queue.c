/* Whose fetch is next. All is counted: no step looks at more than one waiter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/sandbox/media/queue.h"

#include <stdlib.h>

enum { MANY = 200, BOT = 1, OTHER = 2, OPERATOR = 0 };

static struct sb_media_queue queue;

static int setup(void **state)
{
    (void)state;
    sb_media_queue_init(&queue);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sb_media_queue_fini(&queue);
    return 0;
}

static void wait_many(struct sb_media_waiter *waiters, size_t count, uint64_t self_id)
{
    for (size_t i = 0; i < count; i++)
        sb_media_queue_wait(&queue, &waiters[i], self_id, SB_MEDIA_DOWNLOAD);
}

static struct sb_media_waiter *next(void)
{
    return sb_media_queue_next(&queue, SB_MEDIA_DOWNLOAD);
}

static size_t lanes(void)
{
    size_t count = 0;
    MK_LIST_FOR_EACH (it, &queue.lanes)
        count++;
    return count;
}

static void one_bot_does_not_keep_another_waiting(void **state)
{
    static struct sb_media_waiter many[MANY], other;
    (void)state;
    wait_many(many, MANY, BOT);
    for (size_t i = 0; i < SB_MEDIA_DOWNLOADS_EACH; i++)
        assert_ptr_equal(next(), &many[i]); /* first in, first out */
    assert_null(next());
    wait_many(&other, 1, OTHER);
    assert_ptr_equal(next(), &other);
    assert_null(next());
    sb_media_queue_give_back(many[0].lane, SB_MEDIA_DOWNLOAD);
    assert_ptr_equal(next(), &many[SB_MEDIA_DOWNLOADS_EACH]);
    assert_null(next());
}

/* All places are taken; each that becomes free goes to the next bot, not to the one with most. */
static void bots_take_turns(void **state)
{
    enum { BOTS = 8 };
    static struct sb_media_waiter waiters[BOTS][MANY];
    unsigned served[BOTS] = { 0 };
    struct sb_media_waiter *taken[SB_MEDIA_DOWNLOADS];
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < BOTS; i++)
        wait_many(waiters[i], MANY, i);
    while ((taken[count] = next()) && ++count < SB_MEDIA_DOWNLOADS)
        ;
    assert_int_equal(count, SB_MEDIA_DOWNLOADS);
    assert_null(next());
    for (size_t round = 0; round < 50 * BOTS; round++) {
        size_t at = round % SB_MEDIA_DOWNLOADS;
        sb_media_queue_give_back(taken[at]->lane, SB_MEDIA_DOWNLOAD);
        taken[at] = next();
        assert_non_null(taken[at]);
        served[(size_t)(taken[at] - &waiters[0][0]) / MANY]++;
        assert_null(next());
    }
    for (size_t i = 0; i < BOTS; i++)
        assert_int_equal(served[i], 50);
}

/* A call has gone: its fetches leave from anywhere in the queue, and the bot's next is served. */
static void what_leaves_is_not_served(void **state)
{
    static struct sb_media_waiter gone[MANY], next_call;
    (void)state;
    wait_many(gone, MANY, BOT);
    wait_many(&next_call, 1, BOT);
    struct sb_media_lane *lane = gone[0].lane;
    for (size_t i = 0; i < SB_MEDIA_DOWNLOADS_EACH; i++)
        assert_non_null(next());
    for (size_t i = MANY; i-- > SB_MEDIA_DOWNLOADS_EACH;)
        sb_media_queue_leave(&gone[i]);
    assert_null(next()); /* the places are given back by their downloads */
    sb_media_queue_give_back(lane, SB_MEDIA_DOWNLOAD);
    assert_ptr_equal(next(), &next_call);
}

/* Lanes go when their bots have nothing there. */
static void no_lane_is_left_behind(void **state)
{
    static struct sb_media_waiter waiters[MANY], operators;
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        wait_many(&waiters[i], 1, i + 1);
    wait_many(&operators, 1, OPERATOR);
    assert_int_equal(lanes(), MANY);
    struct sb_media_waiter *waiter;
    for (size_t i = 0; i < MANY + 1; i++) {
        assert_non_null((waiter = next()));
        sb_media_queue_wait(&queue, waiter, waiter->lane->entry.key, SB_MEDIA_THREAD);
        sb_media_queue_give_back(waiter->lane, SB_MEDIA_DOWNLOAD);
        if (i % 2)
            sb_media_queue_leave(waiter);
    }
    for (size_t i = 0; i < MANY + 1; i += 2) {
        assert_non_null((waiter = sb_media_queue_next(&queue, SB_MEDIA_THREAD)));
        sb_media_queue_give_back(waiter->lane, SB_MEDIA_THREAD);
    }
    assert_int_equal(lanes(), 0);
    assert_int_equal(queue.by_bot.count, 0);
    assert_int_equal(queue.at[SB_MEDIA_DOWNLOAD].taken + queue.at[SB_MEDIA_THREAD].taken, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_bot_does_not_keep_another_waiting),
        TEST(bots_take_turns),
        TEST(what_leaves_is_not_served),
        TEST(no_lane_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
