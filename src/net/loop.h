/*
 * loop: a libuv loop whose turns have an end, and what happens there.
 *
 * A turn is everything that one poll brought (or the timers that came due). When it ends, first the
 * turn hooks run (the backend commits and replies), then the phases: that of streams gives their
 * owners what was kept back, and sends what was written.
 *
 * Knows nothing of streams or timers: they are built on it (net/stream, net/timer).
 */
#ifndef MK_NET_LOOP_H
#define MK_NET_LOOP_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct mk_turn_hook {
    struct mk_list node;
    void (*run)(struct mk_turn_hook *hook);
};

/* What lives as long as the loop and has something to do at the end of each turn. */
struct mk_phase {
    struct mk_list node;
    /*
     * Returns whether the end of the turn begins anew, with the hooks: they are to see what this
     * has done, or there is more to do.
     */
    bool (*run)(struct mk_phase *phase);
    /* There is something to do for it. */
    bool (*pending)(const struct mk_phase *phase);
    /* May be NULL. The loop ends, and has forgotten the phase: it frees itself. */
    void (*fini)(struct mk_phase *phase);
};

struct mk_loop;

/* The loop's own handles; on the heap, for libuv lets go of them only after a while. */
struct mk_loop_handles {
    struct mk_loop *loop;      /* NULL: it has ended, and they are being closed */
    uv_check_t after_poll;     /* ends the turn of what a poll brought */
    uv_prepare_t after_timers; /* ends the turn of timers and of what closing handles did */
    uv_idle_t unfinished;      /* runs while a turn left something: the next poll does not wait */
    uv_idle_t watchful;        /* runs while the loop looks again before it sleeps */
    unsigned open;             /* how many of them libuv still holds */
};

struct mk_loop {
    uv_loop_t *uv;
    struct mk_loop_handles *handles;
    uint64_t busy_poll_ns; /* for so long after input */
    uint64_t input_at;     /* in ns; 0: looking no more */
    bool had_input;        /* in this turn */
    uint64_t
        quiet_until; /* nothing of libuv's comes due before this time (uv_now), but by a poll */
    bool own;        /* `uv` was made here */
    bool running;    /* mk_loop_run is below on the stack */
    bool stopped;
    unsigned users; /* of mk_loop_get */
    unsigned holds;
    uint64_t turns; /* that have ended */
    struct mk_list hooks;
    struct mk_list phases;
};

/*
 * Runs on `given`, which stays its owner's and must outlive it, or with NULL on a loop of its own.
 * Returns 0 or a negative errno; -EBUSY where another one runs on `given` already.
 *
 * Whoever owns the given loop runs it as ever. What is written to a stream leaves before the loop
 * polls next, wherever it was written but in a prepare handle that was started before this.
 */
int mk_loop_init(struct mk_loop *loop, uv_loop_t *given);

/*
 * Everything that was made on it must have been freed or closed; streams that still linger end.
 * Runs until libuv has let go of all of that, and of work in other threads (a name that is looked
 * up), but not for the handles of others: what these have left open is logged ("left open: timer"),
 * and costs the memory of a loop that is not `given`. Runs a given loop a few times without
 * waiting, so not from a callback of it.
 */
void mk_loop_fini(struct mk_loop *loop);

/*
 * The one that runs on `given`, which all who ask for it share, or with NULL a new one on a loop of
 * its own. Returns 0 or a negative errno, as mk_loop_init. The last one to put it back ends it
 * (mk_loop_fini); the others run `given` a few times, as that does, until libuv has let go of what
 * they have closed. NULL is allowed.
 */
int mk_loop_get(uv_loop_t *given, struct mk_loop **loop);
struct mk_loop *mk_loop_put(struct mk_loop *loop);

/* Others run on it, too (mk_loop_get). */
static inline bool mk_loop_is_shared(const struct mk_loop *loop)
{
    return loop->users > 1;
}

/* Something is left to wait for until all who hold it have released it. */
void mk_loop_hold(struct mk_loop *loop);
void mk_loop_release(struct mk_loop *loop);

/*
 * Runs until mk_loop_stop, or until nothing is left to wait for. Ends the turn it stops in. A
 * stopped timer is nothing to wait for. Stopped before it runs, it returns at once.
 */
void mk_loop_run(struct mk_loop *loop);
void mk_loop_stop(struct mk_loop *loop);

/*
 * For a program whose own loop is of another kind: it polls the descriptor for input, at most for
 * the timeout (milliseconds; -1: for ever), and takes a step, which does what is due and does not
 * wait. To ask for the timeout ends the turn, so what was written meanwhile is sent.
 */
int mk_loop_fd(const struct mk_loop *loop);
int mk_loop_timeout(struct mk_loop *loop);
/* Returns whether anything is left to wait for, and mk_loop_stop was not called. */
bool mk_loop_step(struct mk_loop *loop);

/* The loop that runs on this one of libuv's (milky_host_loop), or NULL. Walks over all handles. */
struct mk_loop *mk_loop_of(uv_loop_t *uv);

/*
 * After each turn with input of a stream, the loop polls without waiting for `us` microseconds
 * before it sleeps (0, the default: it sleeps at once). Waking a sleeping process up takes longer
 * than a call, so with few busy connections it answers several times as many; the price is a
 * processor that does nothing else meanwhile. May be changed at any time.
 */
void mk_loop_busy_poll(struct mk_loop *loop, uint64_t us);

/* Something has come: to be busy for. */
static inline void mk_loop_note_input(struct mk_loop *loop)
{
    loop->had_input = true;
}

/*
 * Something has happened that the end of a turn is to see: the loop does not go to sleep without
 * one. To be called for what is done outside of a callback that the loop waited for.
 */
static inline void mk_loop_wake(struct mk_loop *loop)
{
    loop->quiet_until = 0;
}

/* The time of this turn in milliseconds (monotonic), read once per turn. */
uint64_t mk_loop_now(const struct mk_loop *loop);

/*
 * Hooks run in the order they were added, at the end of every turn; more than once where what they
 * did let a stream go on (a turn ends when no phase has anything left to do). They may add and
 * remove hooks.
 */
void mk_loop_add_hook(struct mk_loop *loop, struct mk_turn_hook *hook);
void mk_loop_remove_hook(struct mk_turn_hook *hook);

/* Phases run in the order they were added, behind the hooks, and stay until the loop ends. */
void mk_loop_add_phase(struct mk_loop *loop, struct mk_phase *phase);
/* The one with this `run`, or NULL: so its maker finds it again. */
struct mk_phase *mk_loop_find_phase(const struct mk_loop *loop, bool (*run)(struct mk_phase *));

#endif
