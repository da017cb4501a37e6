/*
 * waiting: the connections that may end to make room for new ones, the oldest first: of all servers
 * together, and of one address.
 *
 * When there are too many connections, the oldest that has never asked for anything ends. It is the
 * least likely to be of use, since a regular client asks at once; to refuse the newest would let
 * silent clients keep all others out until their timeouts expire. Where all have asked, and it is
 * the limit of all servers together, the one ends that has been idle for longest: an HTTP client
 * has to expect that between two requests (RFC 9112, 9.5), and one address has only itself to
 * blame. Connections with a request under way, WebSockets and event streams never end for it.
 */
#ifndef MK_WEB_WAITING_H
#define MK_WEB_WAITING_H

#include "base/list.h"
#include "net/stream.h"

enum mk_waiting_kind {
    MK_WAITING_SILENT, /* it has never asked: no head of a request is complete */
    MK_WAITING_IDLE,   /* it has asked; perhaps it is idle now */
    MK_WAITING_KINDS,
};

/* The connections of all servers that share limits, or of one address. */
struct mk_waiting {
    struct mk_list lists[MK_WAITING_KINDS];
    bool is_of_address;
};

/* One connection. Embedded in it; zeroed except for `stream` and `may_end`. */
struct mk_waiter {
    struct mk_list in_all;
    struct mk_list in_address;
    struct mk_waiting *all; /* NULL: not waiting */
    struct mk_waiting *address;
    struct mk_stream *stream;
    /* Returns whether it may end: it is silent, or has been idle since the last call of this. */
    bool (*may_end)(struct mk_waiter *waiter);
    void (*end)(struct mk_waiter *waiter); /* ends it at once */
};

void mk_waiting_init(struct mk_waiting *waiting, bool is_of_address);

/* Adds it as the youngest. It must not be waiting. */
void mk_waiter_add(struct mk_waiter *waiter, struct mk_waiting *all, struct mk_waiting *address);
/* The connection has asked for the first time. Does nothing if it is not waiting. */
void mk_waiter_asked(struct mk_waiter *waiter);
/* Does nothing if it is not waiting. */
void mk_waiter_remove(struct mk_waiter *waiter);

/*
 * Takes out the one to end for a new connection, of all or of one address; `*kind` is what it was.
 * Returns NULL if there is none. Of one address it is a silent one. Takes a few steps: a connection
 * that is not idle becomes the youngest, and has to make a request to do so again.
 */
struct mk_waiter *mk_waiting_take(struct mk_waiting *waiting, enum mk_waiting_kind *kind);

#endif
