/*
 * listener: accepts connections on TCP (IPv4, IPv6) or a Unix-domain socket.
 */
#ifndef MK_NET_LISTENER_H
#define MK_NET_LISTENER_H

#include "net/address.h"
#include "net/stream.h"

struct mk_listener;

/*
 * Listens. `accepted` is called with each new stream, which it must adopt or abort before it
 * returns; it may free the listener. A Unix socket is created with mode 0600, and replaces one on
 * which no process listens any more; TCP sockets have SO_REUSEADDR, accepted ones TCP_NODELAY.
 * "[::]" accepts IPv4 as well, other IPv6 addresses do not.
 *
 * When the process is out of descriptors, connections wait in the backlog, which is logged once,
 * and accepting resumes when one is free again; there is no busy loop.
 *
 * Returns 0, or a negative errno (-EADDRINUSE, -EACCES, ...).
 */
int mk_listener_open(struct mk_loop *loop, const struct mk_address *address,
                     void (*accepted)(void *arg, struct mk_stream *stream), void *arg,
                     struct mk_listener **listener);

/*
 * Gives the listener to another owner, which gets all connections that are accepted from now on.
 * May be called from within `accepted`.
 */
void mk_listener_adopt(struct mk_listener *listener,
                       void (*accepted)(void *arg, struct mk_stream *stream), void *arg);

/* Stops accepting; accepted connections stay. Removes a Unix socket's file. NULL is allowed. */
struct mk_listener *mk_listener_free(struct mk_listener *listener);

/* The address, with the actual port where 0 was requested. */
const struct mk_address *mk_listener_address(const struct mk_listener *listener);

#endif
