/*
 * timer: a single timer on the loop, for rare uses, and timeouts of many connections that share one
 * duration.
 */
#ifndef MK_NET_TIMER_H
#define MK_NET_TIMER_H

#include "base/list.h"

#include <stdint.h>

struct mk_loop;
struct mk_timer;

/* Returns NULL when out of memory. `fire` may free the timer. */
struct mk_timer *mk_timer_new(struct mk_loop *loop, void (*fire)(void *arg), void *arg);
struct mk_timer *mk_timer_free(struct mk_timer *timer);
void mk_timer_start(struct mk_timer *timer, uint64_t ms); /* fires once; restarts if it runs */
void mk_timer_stop(struct mk_timer *timer);
bool mk_timer_active(const struct mk_timer *timer); /* it will fire */

/*
 * Timeouts of many connections that share one duration: arming is two list operations, no matter
 * how many there are, and one timer serves them all.
 */
struct mk_timeout {
    struct mk_list node;
    uint64_t due;
};

struct mk_timeouts {
    struct mk_loop *loop;
    struct mk_timer *timer;
    struct mk_list armed; /* in the order they come due */
    uint64_t ms;
    void (*expire)(struct mk_timeout *timeout);
};

/*
 * `ms` is at least 1. `expire` is called with the timeout already disarmed; it may arm it again,
 * and arm and disarm others. Returns 0 or -ENOMEM.
 */
int mk_timeouts_init(struct mk_timeouts *timeouts, struct mk_loop *loop, uint64_t ms,
                     void (*expire)(struct mk_timeout *timeout));
/* No timeout may be armed any more. Must not be called from within `expire`. */
void mk_timeouts_fini(struct mk_timeouts *timeouts);

void mk_timeout_init(struct mk_timeout *timeout);
/* (Re)starts it: it expires `ms` from now. It can move from one queue to another this way. */
void mk_timeout_arm(struct mk_timeouts *timeouts, struct mk_timeout *timeout);
void mk_timeout_disarm(struct mk_timeout *timeout);

#endif
