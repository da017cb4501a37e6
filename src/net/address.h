/*
 * address: where to listen, as the configuration writes it: HOST:PORT, [IPV6]:PORT or unix:PATH.
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
 * HOST is an IPv4 address or "localhost" (127.0.0.1). PORT 0 takes a free one. Returns NULL, or
 * what is wrong as an English clause.
 */
const char *mk_address_parse(struct mk_slice text, struct mk_address *address);

/* Only this machine can reach it: 127.0.0.0/8, ::1, a Unix socket. */
bool mk_address_is_local(const struct mk_address *address);

/*
 * An address of the Internet at large: not of this machine, of a private network, of a link, of a
 * multicast group or reserved, nor one that only wraps such an IPv4 address in IPv6 (mapped, 6to4,
 * NAT64). Anything but IPv4 and IPv6 is none.
 */
bool mk_address_is_public(const struct sockaddr *address);

/* What a program on this machine connects to: 127.0.0.1 for an address that stands for all. */
void mk_address_reachable(const struct mk_address *listening, struct mk_address *address);

/* The same form again ("127.0.0.1:3000"), cut to fit; returns `text`. */
const char *mk_address_format(const struct mk_address *address, char text[MK_ADDRESS_TEXT]);

#endif
