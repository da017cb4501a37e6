/*
 * sender: sends on many sockets together. For a small message most of the cost is the system call;
 * with io_uring one call makes all queued sends. Without io_uring each send is a system call of its
 * own, with the same results.
 *
 * It never waits: bytes that a socket does not accept at once are not sent.
 */
#ifndef MK_NET_SENDER_H
#define MK_NET_SENDER_H

#include "net/send.h"

#include <stdbool.h>

struct mk_sender;

/* Returns NULL when out of memory. */
struct mk_sender *mk_sender_new(void);
struct mk_sender *mk_sender_free(struct mk_sender *sender);

/* Sets whether io_uring may be used; by default it may. */
void mk_sender_use_ring(struct mk_sender *sender, bool may);

/* Sends one. */
void mk_send_now(struct mk_send *send);

/*
 * Queues a send, which must stay valid until mk_sender_run has returned; at most MK_SENDER_MAX.
 * Each must be for another socket, since their order is undefined.
 */
void mk_sender_queue(struct mk_sender *sender, struct mk_send *send);
/* Makes all queued sends, and sets `took` of each. */
void mk_sender_run(struct mk_sender *sender);

#endif
