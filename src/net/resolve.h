/*
 * resolve: the addresses of a name, looked up with getaddrinfo on threads of its own: a name server
 * that does not answer holds a thread for as long as the C library waits, often half a minute, and
 * would hold back all that libuv's few threads do. Names are independent of each other: each is
 * looked up once at a time, for all that wait for it, and so holds one thread at most.
 *
 * A loop has up to MK_RESOLVE_THREADS of them, which end when they have nothing to do. The end of
 * the loop waits for none: a thread in getaddrinfo owns what it uses, and ends by itself.
 */
#ifndef MK_NET_RESOLVE_H
#define MK_NET_RESOLVE_H

#include "net/loop.h"

#include <netdb.h>

enum { MK_RESOLVE_THREADS = 16 };

/* Shared by those that have waited for the name. */
struct mk_addresses {
    unsigned refs;
    struct addrinfo *first; /* their ports are 0 */
};

struct mk_addresses *mk_addresses_ref(struct mk_addresses *addresses);
struct mk_addresses *mk_addresses_unref(struct mk_addresses *addresses); /* NULL is allowed */

/* Returns the addresses of a host that is one, and of "localhost"; NULL: the host is a name. */
struct mk_addresses *mk_resolve_at_once(const char *host);

struct mk_lookup;

/* One that waits for a name. */
struct mk_resolve {
    struct mk_list node;
    struct mk_lookup *lookup; /* NULL: it does not wait */
    /* `error` is libuv's, or 0. The addresses are borrowed for the call, NULL with an error. */
    void (*done)(struct mk_resolve *resolve, int error, struct mk_addresses *addresses);
};

/*
 * Calls `done` once, later. Returns 0, or a negative errno; then `done` is not called. What waits
 * must be cancelled before the loop ends, and does not keep it running.
 */
int mk_resolve_start(struct mk_loop *loop, struct mk_resolve *resolve, const char *host,
                     void (*done)(struct mk_resolve *resolve, int error,
                                  struct mk_addresses *addresses));
/* `done` is not called any more. Nothing happens if it does not wait. */
void mk_resolve_cancel(struct mk_resolve *resolve);

/* Returns whether no thread was free for the name up to now. */
bool mk_resolve_is_queued(const struct mk_resolve *resolve);

/* For tests: looks names up with this function, which returns an error of getaddrinfo. */
int mk_resolve_use(struct mk_loop *loop, int (*find)(const char *host, struct addrinfo **found));

#endif
