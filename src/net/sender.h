/*
 * sender: what many sockets are to send, sent together. A system call costs more than what it does
 * for a small message; with io_uring one call sends for all that are queued. Where the kernel has
 * none, or does not let us use it, each is a call of its own, and nobody sees a difference.
 *
 * Nothing waits here: what a socket does not take at once is not sent.
 */
#ifndef MK_NET_SENDER_H
#define MK_NET_SENDER_H

#include "base/slice.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
    MK_SEND_PARTS = 3,
    MK_SENDER_MOST = 64, /* sends at a time */
};

struct mk_send {
    int fd;
    struct iovec parts[MK_SEND_PARTS];
    size_t count;          /* of parts */
    ssize_t took;          /* the bytes that the kernel took, or a negative errno */
    struct msghdr message; /* the sender's */
};

struct mk_sender;

/* Returns NULL when memory is out. */
struct mk_sender *mk_sender_new(void);
struct mk_sender *mk_sender_free(struct mk_sender *sender);

/* Whether io_uring may be used, as it is at first; without it there are more system calls. */
void mk_sender_use_ring(struct mk_sender *sender, bool may);

/* Starts a send without parts. */
static inline void mk_send_init(struct mk_send *send, int fd)
{
    send->fd = fd;
    send->count = 0;
}

/* Parts go out in the order in which they were added; an empty one adds nothing. */
static inline void mk_send_add(struct mk_send *send, struct mk_slice part)
{
    if (part.len > 0)
        send->parts[send->count++] =
            (struct iovec){ .iov_base = (char *)part.ptr, .iov_len = part.len };
}

/* Sends one. */
void mk_send_now(struct mk_send *send);

/*
 * Queues one, which must stay until mk_sender_run has returned; at most MK_SENDER_MOST. Each may be
 * for another socket, for they are sent in no order.
 */
void mk_sender_queue(struct mk_sender *sender, struct mk_send *send);
/* Sends all that are queued: `took` of each is set when it returns. */
void mk_sender_run(struct mk_sender *sender);

#endif
