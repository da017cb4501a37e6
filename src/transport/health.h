/*
 * health: the state of a transport that connects to others: its attempts, its last failure, and the
 * time of its next try. Embedded in a webhook and a websocket_client; read by status and metrics.
 */
#ifndef MK_TRANSPORT_HEALTH_H
#define MK_TRANSPORT_HEALTH_H

#include "transport/advice.h"
#include "wire/url.h"

enum { MK_REMOTE_NAME = 256 };

struct mk_health {
    unsigned traits;           /* of the remote (transport/advice) */
    uint64_t attempts;         /* posts, or connections tried */
    uint64_t successes;        /* of them */
    uint64_t retries;          /* attempts after a failed one */
    bool failing;              /* the last attempt failed */
    uint64_t next_try;         /* milliseconds since 1970; 0: none is planned */
    struct mk_failure failure; /* the last one, even if a success followed */
    uint64_t failed_at;        /* seconds since 1970 */
};

void mk_health_try(struct mk_health *health);
void mk_health_succeed(struct mk_health *health);
/* Notes a failure, which is copied; the next try is in `wait` ms, 0 for none. */
void mk_health_fail(struct mk_health *health, const struct mk_failure *failure, uint64_t wait);

/*
 * What to do about the last failure: nothing once a success has followed, but where it was an open
 * connection that has ended: that it could be made again does not mend that. Never NULL.
 */
const struct mk_advice *mk_health_advice(const struct mk_health *health);

/* --- the state of a webhook or a websocket_client --- */

enum mk_remote_state {
    MK_REMOTE_IDLE,       /* a webhook: nothing to deliver */
    MK_REMOTE_DELIVERING, /* a webhook */
    MK_REMOTE_CONNECTING,
    MK_REMOTE_CONNECTED,
    MK_REMOTE_WAITING, /* for the next try */
    MK_REMOTE_PAUSED,  /* a webhook: until an operator resumes it */
    MK_REMOTE_STOPPED,
};
const char *mk_remote_state_name(enum mk_remote_state state);

/* Writes "scheme://host:port/path", the parts of a URL without secrets. Returns `name`. */
const char *mk_remote_name(struct mk_slice url, char name[MK_REMOTE_NAME]);

/* The traits of a remote; `kind` is MK_REMOTE_WEBSOCKET or MK_REMOTE_WEBHOOK. */
unsigned mk_remote_traits(enum mk_remote_trait kind, bool tls, bool token, bool origin);

#endif
