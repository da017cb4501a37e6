/*
 * timer: a single timer on the loop, and queues of timeouts that share one duration: since all
 * timeouts of a queue are equally long, the queue is sorted by due time without further work, and
 * one timer, set for the first, is enough.
 */
#include "net/timer.h"
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct mk_timer {
    uv_timer_t uv;
    void (*fire)(void *arg);
    void *arg;
};

static void on_timer(uv_timer_t *uv)
{
    struct mk_timer *timer = MK_CONTAINER_OF(uv, struct mk_timer, uv);
    timer->fire(timer->arg);
}

struct mk_timer *mk_timer_new(struct mk_loop *loop, void (*fire)(void *arg), void *arg)
{
    struct mk_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    uv_timer_init(loop->uv, &timer->uv);
    timer->fire = fire;
    timer->arg = arg;
    return timer;
}

static void on_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_timer_t *)handle, struct mk_timer, uv));
}

struct mk_timer *mk_timer_free(struct mk_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, on_closed);
    return NULL;
}

void mk_timer_start(struct mk_timer *timer, uint64_t ms)
{
    uv_timer_start(&timer->uv, on_timer, ms, 0);
}

void mk_timer_stop(struct mk_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool mk_timer_active(const struct mk_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv);
}

static void on_due(void *arg)
{
    struct mk_timeouts *timeouts = arg;
    uint64_t now = mk_loop_now(timeouts->loop);
    while (!mk_list_empty(&timeouts->armed)) {
        struct mk_timeout *first = MK_CONTAINER_OF(timeouts->armed.next, struct mk_timeout, node);
        if (first->due > now) {
            mk_timer_start(timeouts->timer, first->due - now);
            return;
        }
        mk_list_remove(&first->node);
        timeouts->expire(first);
    }
    mk_timer_stop(timeouts->timer);
}

int mk_timeouts_init(struct mk_timeouts *timeouts, struct mk_loop *loop, uint64_t ms,
                     void (*expire)(struct mk_timeout *timeout))
{
    assert(ms > 0);
    struct mk_timer *timer = mk_timer_new(loop, on_due, timeouts);
    if (!timer)
        return -ENOMEM;
    *timeouts = (struct mk_timeouts){ .loop = loop, .timer = timer, .ms = ms, .expire = expire };
    mk_list_init(&timeouts->armed);
    return 0;
}

void mk_timeouts_fini(struct mk_timeouts *timeouts)
{
    if (!timeouts)
        return;
    assert(mk_list_empty(&timeouts->armed));
    timeouts->timer = mk_timer_free(timeouts->timer);
}

void mk_timeout_init(struct mk_timeout *timeout)
{
    mk_list_init(&timeout->node);
    timeout->due = 0;
}

void mk_timeout_arm(struct mk_timeouts *timeouts, struct mk_timeout *timeout)
{
    struct mk_list *only = timeout->node.next;
    if (only == &timeouts->armed && only == timeout->node.prev)
        mk_list_remove(
            &timeout->node); /* the timer keeps running: it fires early, and checks again */
    else
        mk_timeout_disarm(timeout);
    timeout->due = mk_loop_now(timeouts->loop) + timeouts->ms;
    bool first = mk_list_empty(&timeouts->armed);
    mk_list_push(&timeouts->armed, &timeout->node);
    /* A timer that runs is due earlier than this timeout, and will then be set for it. */
    if (first && !uv_is_active((uv_handle_t *)&timeouts->timer->uv))
        mk_timer_start(timeouts->timer, timeouts->ms);
}

void mk_timeout_disarm(struct mk_timeout *timeout)
{
    struct mk_list *only = timeout->node.next;
    bool last = only != &timeout->node && only == timeout->node.prev;
    mk_list_remove(&timeout->node);
    /*
     * Both neighbours are the queue's head. A timer that is left running would keep the loop alive.
     */
    if (last)
        mk_timer_stop(MK_CONTAINER_OF(only, struct mk_timeouts, armed)->timer);
}
