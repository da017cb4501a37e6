/*
 * guard: who may still come in: counts connections, all together and by address, and credentials
 * that were wrong. One for all servers of an endpoint.
 *
 * An IPv6 address counts by its /64, which is what one customer gets. Clients on a Unix socket are
 * the same user's, and count as connections alone.
 */
#ifndef MK_TRANSPORT_GUARD_H
#define MK_TRANSPORT_GUARD_H

#include "net/stream.h"

/* What clients may use up; struct milky_limits says more. */
struct mk_limits {
    uint64_t connections;
    uint64_t connections_per_address;
    bool limits_this_machine; /* the one above is for local addresses too */
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
extern const struct mk_limits mk_default_limits;

struct mk_guard;
struct mk_guest; /* an address that is connected, or that has failed lately */

/* Returns NULL when memory is out. */
struct mk_guard *mk_guard_new(struct mk_loop *loop, const struct mk_limits *limits);
/* All connections must be gone. NULL is allowed. */
struct mk_guard *mk_guard_free(struct mk_guard *guard);

const struct mk_limits *mk_guard_limits(const struct mk_guard *guard);

/*
 * Counts a connection until its stream is gone. Returns whom it is from, for as long as the stream
 * is there; NULL when there are too many, or no memory: then it is not to be served.
 */
struct mk_guest *mk_guard_admit(struct mk_guard *guard, struct mk_stream *stream);

/* It has shown credentials that are wrong. */
void mk_guest_failed(struct mk_guest *guest);

/* 0, or for how many seconds it is refused, whatever it shows, since it was wrong too often. */
uint64_t mk_guest_blocked(const struct mk_guest *guest);

#endif
