/*
 * listener: accepts connections on TCP (IPv4, IPv6) or a Unix-domain socket.
 */
#ifndef MK_NET_LISTENER_H
#define MK_NET_LISTENER_H

#include "net/address.h"
#include "net/stream.h"

struct mk_listener;

/*
 * Listens. `accepted` gets each new connection, not yet adopted: it must adopt it (or abort it)
 * before it returns; it may free the listener. A Unix socket that nobody listens on any more is
 * replaced, and is created with mode 0600; SO_REUSEADDR is set on TCP, TCP_NODELAY on what is
 * accepted. "[::]" takes IPv4 as well, any other IPv6 address does not.
 *
 * When the process is out of descriptors, connections wait in the backlog, it is logged once, and
 * accepting goes on when one is free again; there is no busy loop.
 *
 * Returns 0, or a negative errno (-EADDRINUSE, -EACCES, ...).
 */
int mk_listener_open(struct mk_loop *loop, const struct mk_address *address,
                     void (*accepted)(void *arg, struct mk_stream *stream), void *arg,
                     struct mk_listener **listener);

/*
 * Gives it to another owner: what comes from now on, and what waits to be accepted, is told to that
 * one. From outside of `accepted`, or within it.
 */
void mk_listener_adopt(struct mk_listener *listener,
                       void (*accepted)(void *arg, struct mk_stream *stream), void *arg);

/* Stops accepting; what was accepted stays. Removes a Unix socket's file. NULL is allowed. */
struct mk_listener *mk_listener_free(struct mk_listener *listener);

/* Where it listens, with the real port where 0 was asked for. */
const struct mk_address *mk_listener_address(const struct mk_listener *listener);

#endif
