/* received: how much a TCP connection has brought. */
#ifndef MK_NET_RECEIVED_H
#define MK_NET_RECEIVED_H

#include <stdint.h>

/* Bytes that the kernel has received, read or not; 0 where it does not count them. */
uint64_t mk_received(int fd);

#endif
