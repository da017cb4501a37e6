/*
 * hangup: SIGHUP makes `milky serve` read its configuration again. From its first moment to its
 * last it has a handler, because by default the signal would end the process: also before the
 * configuration is read, and while an endpoint that has stopped is freed.
 */
#ifndef MK_CLI_HANGUP_H
#define MK_CLI_HANGUP_H

#include <uv.h>

struct mk_hangup {
    uv_poll_t poll;
    void (*run)(void *arg);
    void *arg;
};

/* From now on no SIGHUP ends the process. Returns 0 or a negative errno. May be called again. */
int mk_hangup_hold(void);

/*
 * Calls `run` on this loop for signals that come, or came since mk_hangup_hold; many may become one
 * call. The handle does not keep the loop running. Returns 0 or a negative errno.
 */
int mk_hangup_watch(struct mk_hangup *hangup, uv_loop_t *loop);

/* Signals are dropped from now on. For one that is watched. */
void mk_hangup_forget(struct mk_hangup *hangup);

#endif
