/* send: one send on a socket, prepared by a stream and performed by the sender or the ring. */
#ifndef MK_NET_SEND_H
#define MK_NET_SEND_H

#include "base/slice.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
    MK_SEND_PARTS = 3,
    MK_SENDER_MAX = 64, /* sends at a time */
};

struct mk_send {
    int fd;
    struct iovec parts[MK_SEND_PARTS];
    size_t count;          /* of parts */
    ssize_t took;          /* the bytes that the kernel took, or a negative errno */
    struct msghdr message; /* the sender's */
};

/* Starts a send without parts. */
static inline void mk_send_init(struct mk_send *send, int fd)
{
    send->fd = fd;
    send->count = 0;
}

/* Parts are sent in the order in which they were added; empty ones are skipped. */
static inline void mk_send_add(struct mk_send *send, struct mk_slice part)
{
    if (part.len > 0)
        send->parts[send->count++] =
            (struct iovec){ .iov_base = (char *)part.ptr, .iov_len = part.len };
}

#endif
