/*
 * health: how something that connects to others is doing: what it has tried, what went wrong last,
 * and when it tries again. Embedded in a webhook and a websocket_client; read by who watches.
 */
#ifndef MK_TRANSPORT_HEALTH_H
#define MK_TRANSPORT_HEALTH_H

#include "net/failure.h"
#include "wire/url.h"

enum { MK_REMOTE_NAME = 256 };

struct mk_health {
    uint64_t attempts;         /* posts, or connections tried */
    uint64_t successes;        /* of them */
    uint64_t retries;          /* attempts that were made because the one before had not worked */
    bool failing;              /* the last attempt failed */
    uint64_t next_try;         /* milliseconds since 1970; 0: it does not wait for one */
    struct mk_failure failure; /* the last one, also when it has passed; of no kind: none yet */
    uint64_t failed_at;        /* seconds since 1970 */
};

void mk_health_try(struct mk_health *health);
void mk_health_succeed(struct mk_health *health);
/* The failure is copied; the next try is in `wait` ms, 0 for none. */
void mk_health_fail(struct mk_health *health, const struct mk_failure *failure, uint64_t wait);

/* What a person can do about an error. The command line has a sentence for each. */
enum mk_trouble {
    MK_TROUBLE_NONE,
    MK_TROUBLE_UNREACHABLE, /* nobody answers */
    MK_TROUBLE_NAME,        /* the host's name is not known */
    MK_TROUBLE_TLS,
    MK_TROUBLE_TOKEN,   /* 401, 403 */
    MK_TROUBLE_ADDRESS, /* 404, 405, a redirect, no WebSocket */
    MK_TROUBLE_BUSY,    /* 429, 503: it asks us to wait */
    MK_TROUBLE_FAILING, /* any other status */
    MK_TROUBLE_SLOW,    /* it does not answer in time */
};
enum mk_trouble mk_health_trouble(const struct mk_health *health);
/* "unreachable", as it stands in the status. */
const char *mk_trouble_name(enum mk_trouble trouble);

/* --- what is told of a webhook or a websocket_client --- */

enum mk_remote_state {
    MK_REMOTE_IDLE,       /* a webhook: nothing is waiting to be delivered */
    MK_REMOTE_DELIVERING, /* a webhook */
    MK_REMOTE_CONNECTING,
    MK_REMOTE_CONNECTED,
    MK_REMOTE_WAITING, /* for the next try */
    MK_REMOTE_STOPPED,
};
const char *mk_remote_state_name(enum mk_remote_state state);

/* Writes "scheme://host:port/path": what may be shown of a URL. Returns `name`. */
const char *mk_remote_name(struct mk_slice url, char name[MK_REMOTE_NAME]);

#endif
