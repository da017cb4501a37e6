/*
 * loop: a libuv loop whose turns have an end, at which hooks and phases run.
 *
 * A turn is the handling of the events of one poll (or of the timers that came due). When it ends,
 * first the turn hooks run (the backend commits and replies), then the phases: that of streams
 * passes kept bytes to owners, and sends output.
 *
 * It knows nothing of streams or timers, which are built on it (net/stream, net/timer).
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

/* An object that lives as long as the loop and runs at the end of each turn. */
struct mk_phase {
    struct mk_list node;
    /*
     * Returns whether the end of the turn must start over with the hooks, because they have to
     * process the results of this phase, or because it has more to do.
     */
    bool (*run)(struct mk_phase *phase);
    /* Returns whether the phase has something to do. */
    bool (*pending)(const struct mk_phase *phase);
    /* May be NULL. Called when the loop has ended and removed the phase, which frees itself. */
    void (*fini)(struct mk_phase *phase);
};

struct mk_loop;

/* The loop's own handles; on the heap, since libuv releases them only later. */
struct mk_loop_handles {
    struct mk_loop *loop;      /* NULL: the loop has ended, and they are being closed */
    uv_check_t after_poll;     /* ends the turn of a poll */
    uv_prepare_t after_timers; /* ends the turn of timers and closed handles */
    uv_idle_t unfinished;      /* runs while a turn left work: the next poll does not wait */
    uv_idle_t watchful;        /* runs during busy polling */
    unsigned open;             /* how many of them libuv has not released */
};

struct mk_loop {
    uv_loop_t *uv;
    struct mk_loop_handles *handles;
    uint64_t busy_poll_ns; /* duration of busy polling after input */
    uint64_t input_at;     /* in ns; 0: busy polling has ended */
    bool had_input;        /* in this turn */
    uint64_t quiet_until;  /* before this time (uv_now) only a poll brings events */
    bool own;              /* `uv` was made here */
    bool running;          /* mk_loop_run is below on the stack */
    bool stopped;
    unsigned users; /* of mk_loop_get */
    unsigned holds;
    uint64_t turns; /* that have ended */
    uint64_t polls; /* that have ended: what is done once for each poll compares this */
    bool goes_on;   /* mk_loop_continue was called since the turn's end began */
    struct mk_list hooks;
    struct mk_list phases;
};

/*
 * Runs on `given`, which stays its owner's and must outlive it, or with NULL on a loop of its own.
 * Returns 0 or a negative errno; -EBUSY where another one runs on `given` already.
 *
 * The owner of the given loop runs it as usual. Output of a stream is sent before the loop polls
 * next, except output from a prepare handle that was started before this.
 */
int mk_loop_init(struct mk_loop *loop, uv_loop_t *given);

/*
 * Everything that was made on the loop must have been freed or closed; streams that still linger
 * end. Runs the loop until libuv has released all of these, and until work in libuv's threads is
 * done, but does not wait for foreign handles: those that are left open are logged
 * ("left open: timer"), and the memory of a loop that is not `given` leaks then. Runs a given loop
 * a few times without waiting, so it must not be called from a callback of that loop.
 */
void mk_loop_fini(struct mk_loop *loop);

/*
 * Returns the loop that runs on `given`, which all callers share, or with NULL a new one on a loop
 * of its own. Returns 0 or a negative errno, as mk_loop_init. mk_loop_put of the last user ends it
 * (mk_loop_fini); that of others runs `given` a few times, until libuv has released the handles
 * that they have closed. NULL is allowed.
 */
int mk_loop_get(uv_loop_t *given, struct mk_loop **loop);
struct mk_loop *mk_loop_put(struct mk_loop *loop);

/* Returns whether it has several users (mk_loop_get). */
static inline bool mk_loop_is_shared(const struct mk_loop *loop)
{
    return loop->users > 1;
}

/* A held loop keeps running until each hold was released. */
void mk_loop_hold(struct mk_loop *loop);
void mk_loop_release(struct mk_loop *loop);

/*
 * Runs until mk_loop_stop, or until nothing is left to wait for; a stopped timer is not waited for.
 * Ends the turn that it stops in. If it was stopped before, it returns at once.
 */
void mk_loop_run(struct mk_loop *loop);
void mk_loop_stop(struct mk_loop *loop);

/*
 * For a program with an event loop of another kind: it polls the descriptor for input, at most for
 * the timeout (milliseconds; -1: for ever), and then calls mk_loop_step, which does the work that
 * is due without waiting. mk_loop_timeout ends the turn, so output that was written meanwhile is
 * sent.
 */
int mk_loop_fd(const struct mk_loop *loop);
int mk_loop_timeout(struct mk_loop *loop);
/* Returns whether anything is left to wait for and mk_loop_stop was not called. */
bool mk_loop_step(struct mk_loop *loop);

/* Returns the loop that runs on this libuv loop (milky_host_loop), or NULL. Walks all handles. */
struct mk_loop *mk_loop_of(uv_loop_t *uv);

/*
 * After each turn with input of a stream, the loop polls without waiting for `us` microseconds
 * before it sleeps (0, the default: it sleeps at once). Waking a sleeping process takes longer than
 * a call, so with few busy connections this allows several times as many calls; the cost is a
 * processor that is busy meanwhile. May be changed at any time.
 */
void mk_loop_busy_poll(struct mk_loop *loop, uint64_t us);

/* Notes input, after which the loop may poll busily. */
static inline void mk_loop_note_input(struct mk_loop *loop)
{
    loop->had_input = true;
}

/*
 * Ensures that a turn ends before the loop sleeps. To be called after work that was not done in a
 * callback of the loop.
 */
static inline void mk_loop_wake(struct mk_loop *loop)
{
    loop->quiet_until = 0;
}

/*
 * Ensures that another turn ends after the next poll, which does not wait: for work that is done in
 * parts, so that others are served in between. To be called again for each turn, also from a hook
 * or a phase.
 */
void mk_loop_continue(struct mk_loop *loop);

/* The time of this turn in milliseconds (monotonic), read once per turn. */
uint64_t mk_loop_now(const struct mk_loop *loop);

/*
 * Hooks run in the order in which they were added, at the end of every turn; they run again when a
 * phase makes the end start over (a turn ends when no phase has anything left to do). They may add
 * and remove hooks.
 */
void mk_loop_add_hook(struct mk_loop *loop, struct mk_turn_hook *hook);
void mk_loop_remove_hook(struct mk_turn_hook *hook);

/*
 * Phases run in the order in which they were added, after the hooks, and stay until the loop ends.
 */
void mk_loop_add_phase(struct mk_loop *loop, struct mk_phase *phase);
/* Returns the phase with this `run`, or NULL. */
struct mk_phase *mk_loop_find_phase(const struct mk_loop *loop, bool (*run)(struct mk_phase *));

#endif
