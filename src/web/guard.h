/*
 * guard: which clients a server lets in: counts connections, all together and by address, and
 * credentials that were wrong; and, for statistics, what was refused and why. One for all ports
 * that share the limits.
 *
 * An IPv6 address counts by its /64, which is what one customer gets. Clients on a Unix socket are
 * the same user's, and count as connections alone.
 */
#ifndef MK_WEB_GUARD_H
#define MK_WEB_GUARD_H

#include "net/stream.h"
#include "web/handshakes.h"

/* What clients may use up. */
struct mk_web_limits {
    uint64_t connections;
    uint64_t connections_per_address;
    bool limits_this_machine;    /* the one above is for local addresses too */
    uint64_t tls_handshakes;     /* under way */
    uint64_t failed_credentials; /* of one address in a minute */
    uint64_t header_bytes;       /* of a request */
    uint64_t body_bytes;
    uint64_t header_ms; /* for a head to arrive, */
    uint64_t body_ms;   /* for a body, anew with each 64 KiB of it */
    uint64_t idle_ms;   /* between two requests */
};

struct mk_guard;
struct mk_guard_client; /* an address that is connected, or that has failed lately */

/* Returns NULL when out of memory. */
struct mk_guard *mk_guard_new(struct mk_loop *loop, const struct mk_web_limits *limits);
/* All connections must be gone. NULL is allowed. */
struct mk_guard *mk_guard_free(struct mk_guard *guard);

const struct mk_web_limits *mk_guard_limits(const struct mk_guard *guard);

/* Which places a port's connections take. */
enum mk_guard_pool {
    MK_GUARD_COMMON,
    MK_GUARD_RESERVED, /* there are some when no common ones are left; on a Unix socket, always */
};

/*
 * Counts a connection until its stream is gone. Returns whom it is from, for as long as the stream
 * is there; NULL when there are too many, or no memory: then it is not to be served.
 */
struct mk_guard_client *mk_guard_admit(struct mk_guard *guard, struct mk_stream *stream,
                                       enum mk_guard_pool places);

/* The TLS handshakes of its servers. */
struct mk_handshakes *mk_guard_handshakes(struct mk_guard *guard);

/*
 * Who speaks from an address. They are counted apart, for any page that a browser shows can guess,
 * and must not lock out the programs of its machine.
 */
enum mk_guard_origin {
    MK_GUARD_PROGRAM,
    MK_GUARD_PAGE, /* perhaps a web page of another origin */
    MK_GUARD_ORIGINS,
};

/* It has shown credentials that are wrong. */
void mk_guard_client_failed(struct mk_guard_client *client, enum mk_guard_origin origin);

/* 0, or for how many seconds it is refused, whatever it shows, since it was wrong too often. */
uint64_t mk_guard_client_blocked(const struct mk_guard_client *client, enum mk_guard_origin origin);

/* --- what was refused --- */

enum mk_refusal {
    MK_REFUSAL_CONNECTIONS,    /* by limits.connections */
    MK_REFUSAL_PER_ADDRESS,    /* by limits.connections_per_address */
    MK_REFUSAL_TLS_HANDSHAKES, /* by limits.tls_handshakes */
    MK_REFUSAL_MISSING,        /* credentials: none were shown (401) */
    MK_REFUSAL_WRONG,          /* they were wrong */
    MK_REFUSAL_FOREIGN,        /* a web page of another origin */
    MK_REFUSAL_BLOCKED,        /* too many wrong ones had come before (429) */
    MK_REFUSAL_TLS,            /* a handshake failed, or was given up by the peer */
    MK_REFUSAL_SLOW_TLS,       /* too slow: a handshake, */
    MK_REFUSAL_SLOW_HEAD,      /* the head of a request, */
    MK_REFUSAL_SLOW_BODY,      /* its body */
    MK_REFUSAL_KINDS,
};

/* Counts one. NULL is allowed, and counts nothing. */
void mk_guard_count(struct mk_guard *guard, enum mk_refusal refusal);

/* How often, since the start, by kind. */
const uint64_t *mk_guard_counts(const struct mk_guard *guard);

#endif
