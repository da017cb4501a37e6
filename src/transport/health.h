/*
 * health: the state of a transport that connects to others: its attempts, its last failure, and the
 * time of its next try. Embedded in a webhook and a websocket_client; read by status and metrics.
 */
#ifndef MK_TRANSPORT_HEALTH_H
#define MK_TRANSPORT_HEALTH_H

#include "net/failure.h"
#include "wire/url.h"

enum { MK_REMOTE_NAME = 256 };

struct mk_health {
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

/* Errors by their remedy. The command line has a sentence for each. */
enum mk_trouble {
    MK_TROUBLE_NONE,
    MK_TROUBLE_UNREACHABLE, /* no answer */
    MK_TROUBLE_NAME,        /* the host's name is not known */
    MK_TROUBLE_TLS,
    MK_TROUBLE_TOKEN,   /* 401, 403 */
    MK_TROUBLE_ADDRESS, /* 404, 405, a redirect, not a WebSocket */
    MK_TROUBLE_BUSY,    /* 429, 503: the server asks to wait */
    MK_TROUBLE_FAILING, /* any other status */
    MK_TROUBLE_SLOW,    /* it does not answer in time */
    MK_TROUBLE_GONE,    /* 410 */
};
enum mk_trouble mk_health_trouble(const struct mk_health *health);
/* "unreachable", as in the status. */
const char *mk_trouble_name(enum mk_trouble trouble);

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

#endif
