/*
 * address: listen addresses as written in the configuration: HOST:PORT, [IPV6]:PORT or unix:PATH.
 */
#ifndef MK_NET_ADDRESS_H
#define MK_NET_ADDRESS_H

#include "base/slice.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { MK_ADDRESS_TEXT = 128 };

struct mk_address {
    struct sockaddr_storage socket; /* AF_INET, AF_INET6 or AF_UNIX */
    socklen_t len;
};

/*
 * HOST is an IPv4 address or "localhost" (127.0.0.1). PORT 0 is any free port. Returns NULL, or an
 * English clause that describes the error.
 */
const char *mk_address_parse(struct mk_slice text, struct mk_address *address);

/* Returns whether only this machine can reach it: 127.0.0.0/8, ::1, a Unix socket. */
bool mk_address_is_local(const struct mk_address *address);

/*
 * Returns whether it is an address of the public Internet: not of this machine, a private network,
 * a link or a multicast group, nor reserved, nor an IPv6 address that wraps such an IPv4 address
 * (mapped, 6to4, NAT64). Only IPv4 and IPv6 addresses are public.
 */
bool mk_address_is_public(const struct sockaddr *address);

/*
 * Sets `address` to the one that a program on this machine connects to: the loopback address where
 * `listening` is the wildcard address.
 */
void mk_address_reachable(const struct mk_address *listening, struct mk_address *address);

/* Writes the address in the same form ("127.0.0.1:3000"), cut to fit. Returns `text`. */
const char *mk_address_format(const struct mk_address *address, char text[MK_ADDRESS_TEXT]);

#endif
