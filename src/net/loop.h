/*
 * loop: the one libuv loop, and what happens at the end of each of its turns.
 *
 * A turn is everything that one poll brought (or the timers that came due). When it ends, first the
 * turn hooks run (the backend commits and replies), then every stream that has something to send
 * sends all of it at once.
 */
#ifndef MK_NET_LOOP_H
#define MK_NET_LOOP_H

#include "base/list.h"

#include <stdint.h>
#include <uv.h>

enum { MK_LOOP_READ_BUFFER = 64 * 1024 };

struct mk_turn_hook {
    struct mk_list node;
    void (*run)(struct mk_turn_hook *hook);
};

struct mk_streams;

struct mk_loop {
    uv_loop_t uv;
    uv_check_t after_poll;     /* ends the turn of what a poll brought */
    uv_prepare_t after_timers; /* ends the turn of timers and of what closing handles did */
    uv_idle_t unfinished;      /* runs while a turn left something: the next poll does not wait */
    uv_idle_t watchful;        /* runs while the loop looks again before it sleeps */
    uint64_t busy_poll_ns;     /* for so long after input */
    uint64_t input_at;         /* in ns; 0: looking no more */
    bool had_input;            /* in this turn */
    uint64_t turns;            /* that have ended */
    struct mk_list hooks;
    struct mk_list dirty;   /* streams that have output */
    struct mk_list blocked; /* those of them whose output the kernel does not take for now */
    char *read_buffer; /* shared by all streams: bytes stay in it only during a read callback */
    struct mk_streams *streams; /* what else they share (stream_impl.h) */
    bool stopped;
};

/* Returns 0 or a negative errno. */
int mk_loop_init(struct mk_loop *loop);

/* Every handle made on the loop must have been freed; runs until they are closed, then frees. */
void mk_loop_fini(struct mk_loop *loop);

/*
 * Runs until mk_loop_stop, or until nothing is left to wait for. Ends the turn it stops in. A
 * paused stream and a stopped timer are nothing to wait for. Stopped before it runs, it returns at
 * once.
 */
void mk_loop_run(struct mk_loop *loop);
void mk_loop_stop(struct mk_loop *loop);

/* The loop whose libuv loop this is (milky_host_loop): for a backend that connects to others. */
static inline struct mk_loop *mk_loop_of(struct uv_loop_s *uv)
{
    return MK_CONTAINER_OF(uv, struct mk_loop, uv);
}

/*
 * After each turn with input of a stream, the loop polls without waiting for `us` microseconds
 * before it sleeps (0, the default: it sleeps at once). Waking a sleeping process up takes longer
 * than a call, so with few busy connections it answers several times as many; the price is a
 * processor that does nothing else meanwhile. May be changed at any time.
 */
void mk_loop_busy_poll(struct mk_loop *loop, uint64_t us);

/*
 * Whether many streams may send with one system call, where the kernel has io_uring and allows it
 * (they may, until this says otherwise). May be changed at any time.
 */
void mk_loop_use_io_uring(struct mk_loop *loop, bool may);

/* Ends, with this error, every stream that has something to send: it is not sent. */
void mk_loop_drop_output(struct mk_loop *loop, int error);

/* The time of this turn in milliseconds (monotonic), read once per turn. */
uint64_t mk_loop_now(const struct mk_loop *loop);

/*
 * Hooks run in the order they were added, at the end of every turn; more than once where what they
 * did let a stream go on (a turn ends when no stream has anything left to do). They may add and
 * remove hooks.
 */
void mk_loop_add_hook(struct mk_loop *loop, struct mk_turn_hook *hook);
void mk_loop_remove_hook(struct mk_turn_hook *hook);

/* --- timers --- */

struct mk_timer; /* a single one: for what is rare. Connections use mk_timeouts */

/* Returns NULL when memory is out. `fire` may free the timer. */
struct mk_timer *mk_timer_new(struct mk_loop *loop, void (*fire)(void *arg), void *arg);
struct mk_timer *mk_timer_free(struct mk_timer *timer);
void mk_timer_start(struct mk_timer *timer, uint64_t ms); /* once; starts anew if it runs */
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
/* None may be armed any more. Not from within `expire`. */
void mk_timeouts_fini(struct mk_timeouts *timeouts);

void mk_timeout_init(struct mk_timeout *timeout);
/* (Re)starts it: it expires `ms` from now. It can move from one queue to another this way. */
void mk_timeout_arm(struct mk_timeouts *timeouts, struct mk_timeout *timeout);
void mk_timeout_disarm(struct mk_timeout *timeout);

#endif
