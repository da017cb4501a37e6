/*
 * sender: what many sockets are to send, sent together. A system call costs more than what it does
 * for a small message; with io_uring one call sends for all that are queued. Where the kernel has
 * none, or does not let us use it, each is a call of its own, and nobody sees a difference.
 *
 * Nothing waits here: what a socket does not take at once is not sent.
 */
#ifndef MK_NET_SENDER_H
#define MK_NET_SENDER_H

#include "net/send.h"

#include <stdbool.h>

struct mk_sender;

/* Returns NULL when out of memory. */
struct mk_sender *mk_sender_new(void);
struct mk_sender *mk_sender_free(struct mk_sender *sender);

/* Whether io_uring may be used, as it is at first; without it there are more system calls. */
void mk_sender_use_ring(struct mk_sender *sender, bool may);

/* Sends one. */
void mk_send_now(struct mk_send *send);

/*
 * Queues one, which must stay until mk_sender_run has returned; at most MK_SENDER_MAX. Each may be
 * for another socket, for they are sent in no order.
 */
void mk_sender_queue(struct mk_sender *sender, struct mk_send *send);
/* Sends all that are queued: `took` of each is set when it returns. */
void mk_sender_run(struct mk_sender *sender);

#endif
