/*
 * guard: who may still come in: counts connections, all together and by address, and credentials
 * that were wrong. One for all that an endpoint listens on. It counts, too, what was turned away
 * and why, for those who watch.
 *
 * An IPv6 address counts by its /64, which is what one customer gets. Clients on a Unix socket are
 * the same user's, and count as connections alone.
 */
#ifndef MK_WEB_GUARD_H
#define MK_WEB_GUARD_H

#include "net/stream.h"
#include "web/handshakes.h"

/* What clients may use up; struct milky_limits says more. */
struct mk_limits {
    uint64_t connections;
    uint64_t connections_per_address;
    bool limits_this_machine; /* the one above is for local addresses too */
    uint64_t tls_handshakes;
    uint64_t failed_credentials;
    uint64_t header_bytes;
    uint64_t body_bytes;
    uint64_t message_bytes;
    uint64_t header_ms;
    uint64_t body_ms;
    uint64_t idle_ms;
    uint64_t calls_in_flight;
    uint64_t lag_bytes;
};

struct mk_guard;
struct mk_guest; /* an address that is connected, or that has failed lately */

/* Returns NULL when memory is out. */
struct mk_guard *mk_guard_new(struct mk_loop *loop, const struct mk_limits *limits);
/* All connections must be gone. NULL is allowed. */
struct mk_guard *mk_guard_free(struct mk_guard *guard);

const struct mk_limits *mk_guard_limits(const struct mk_guard *guard);

/* Which connections: the operator's addresses have a few places of their own. */
enum mk_guard_for {
    MK_GUARD_CLIENTS,   /* of the bots */
    MK_GUARD_OPERATORS, /* when there is no place for clients any more, there still is for these */
};

/*
 * Counts a connection until its stream is gone. Returns whom it is from, for as long as the stream
 * is there; NULL when there are too many, or no memory: then it is not to be served. An operator on
 * a Unix socket is always let in.
 */
struct mk_guest *mk_guard_admit(struct mk_guard *guard, struct mk_stream *stream,
                                enum mk_guard_for whom);

/* The TLS handshakes of its servers. */
struct mk_handshakes *mk_guard_handshakes(struct mk_guard *guard);

/*
 * Who speaks from an address. They are counted apart, for any page that a browser shows can guess,
 * and must not lock out the programs of its machine.
 */
enum mk_guest_kind {
    MK_GUEST_PROGRAM,
    MK_GUEST_PAGE, /* perhaps a web page of another origin */
    MK_GUEST_KINDS,
};

/* It has shown credentials that are wrong. */
void mk_guest_failed(struct mk_guest *guest, enum mk_guest_kind kind);

/* 0, or for how many seconds it is refused, whatever it shows, since it was wrong too often. */
uint64_t mk_guest_blocked(const struct mk_guest *guest, enum mk_guest_kind kind);

/* --- what was turned away --- */

enum mk_turned_away {
    MK_AWAY_CONNECTIONS, /* by limits.connections */
    MK_AWAY_PER_ADDRESS, /* by limits.connections_per_address */
    MK_AWAY_CROWDED_TLS, /* by limits.tls_handshakes */
    MK_AWAY_MISSING,     /* credentials: none were shown (401) */
    MK_AWAY_WRONG,       /* they were wrong */
    MK_AWAY_FOREIGN,     /* a web page of another origin */
    MK_AWAY_BLOCKED,     /* too many wrong ones had come before (429) */
    MK_AWAY_TLS,         /* a handshake failed, or was given up by the peer */
    MK_AWAY_SLOW_TLS,    /* too slow: a handshake, */
    MK_AWAY_SLOW_HEAD,   /* the head of a request, */
    MK_AWAY_SLOW_BODY,   /* its body */
    MK_AWAY_KINDS,
};

/* Counts one. NULL is allowed: then nobody counts. */
void mk_guard_count(struct mk_guard *guard, enum mk_turned_away what);

/* How often, since the start, by kind. */
const uint64_t *mk_guard_counts(const struct mk_guard *guard);

#endif
