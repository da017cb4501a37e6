/*
 * guard: admits clients to a server: counts connections, in total and by address, and wrong
 * credentials; and, for statistics, refusals by reason. All ports that share the limits share a
 * guard.
 *
 * IPv6 addresses are counted by their /64, which is what one customer gets. Clients on a Unix
 * socket belong to the same user, and only count towards the total of connections.
 */
#ifndef MK_WEB_GUARD_H
#define MK_WEB_GUARD_H

#include "net/stream.h"
#include "web/handshakes.h"
#include "web/receiving.h"
#include "web/waiting.h"

/* Limits for clients. */
struct mk_web_limits {
    uint64_t connections;
    uint64_t connections_per_address;
    bool limits_this_machine;    /* the limit above applies to local addresses too */
    uint64_t tls_handshakes;     /* under way */
    uint64_t failed_credentials; /* of one address in a minute */
    uint64_t header_bytes;       /* of a request */
    uint64_t body_bytes;
    uint64_t header_ms;       /* for a head to arrive */
    uint64_t body_ms;         /* for a body; restarted with each 64 KiB of it */
    uint64_t idle_ms;         /* between two requests */
    uint64_t receiving_bytes; /* of bodies and messages that arrive; 0: without limit */
};

struct mk_guard;
struct mk_guard_client; /* an address that is connected, or that has failed recently */

/* Returns NULL when out of memory. */
struct mk_guard *mk_guard_new(struct mk_loop *loop, const struct mk_web_limits *limits);
/* All connections must be gone. NULL is allowed. */
struct mk_guard *mk_guard_free(struct mk_guard *guard);

const struct mk_web_limits *mk_guard_limits(const struct mk_guard *guard);

/* The pool that a port's connections are taken from. */
enum mk_guard_pool {
    MK_GUARD_COMMON,
    MK_GUARD_RESERVED, /* has room when the common one is full; on a Unix socket, always */
};

/*
 * Counts a connection until its stream is gone. Returns its client, which is valid as long as the
 * stream; NULL when there are too many connections or out of memory: then it must not be served.
 */
struct mk_guard_client *mk_guard_admit(struct mk_guard *guard, struct mk_stream *stream,
                                       enum mk_guard_pool places);

/*
 * Adds a connection of this client to those that may end to make room for a new one, which is when
 * mk_guard_admit calls `waiter->end`.
 */
void mk_guard_client_waits(struct mk_guard_client *client, struct mk_waiter *waiter);

/* The TLS handshakes of all its servers. */
struct mk_handshakes *mk_guard_handshakes(struct mk_guard *guard);

/* What arrives on all connections, those to servers of others included. */
struct mk_receiving *mk_guard_receiving(struct mk_guard *guard);

/*
 * The kind of sender at an address. They are counted separately, since any web page in a browser
 * can guess tokens, which says nothing about the programs of its machine.
 */
enum mk_guard_origin {
    MK_GUARD_PROGRAM,
    MK_GUARD_PAGE, /* perhaps a web page of another origin */
    MK_GUARD_ORIGINS,
};

/* Counts wrong credentials of a client. */
void mk_guard_client_failed(struct mk_guard_client *client, enum mk_guard_origin origin);

/*
 * Returns for how many seconds further wrong credentials of the client are answered 429, because
 * there were too many; or 0.
 */
uint64_t mk_guard_client_blocked(const struct mk_guard_client *client, enum mk_guard_origin origin);

/* --- refusals --- */

enum mk_refusal {
    MK_REFUSAL_CONNECTIONS,    /* by limits.connections */
    MK_REFUSAL_PER_ADDRESS,    /* by limits.connections_per_address */
    MK_REFUSAL_TLS_HANDSHAKES, /* by limits.tls_handshakes */
    MK_REFUSAL_SILENT,         /* ended for a new connection: it had never asked */
    MK_REFUSAL_IDLE,           /* the same: it was idle between two requests */
    MK_REFUSAL_MISSING,        /* no credentials (401) */
    MK_REFUSAL_WRONG,          /* wrong credentials */
    MK_REFUSAL_FOREIGN,        /* a web page of another origin */
    MK_REFUSAL_BLOCKED,        /* too many wrong credentials before (429) */
    MK_REFUSAL_TLS,            /* a handshake failed, or the client aborted it */
    MK_REFUSAL_SLOW_TLS,       /* too slow: a handshake */
    MK_REFUSAL_SLOW_HEAD,      /* the head of a request */
    MK_REFUSAL_SLOW_BODY,      /* the body of a request */
    MK_REFUSAL_KINDS,
};

/* Counts a refusal. Does nothing for NULL. */
void mk_guard_count(struct mk_guard *guard, enum mk_refusal refusal);

/* The counts since the start, by kind. */
const uint64_t *mk_guard_counts(const struct mk_guard *guard);

#endif
