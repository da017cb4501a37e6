/* sender: see the header. The ring is never left with anything under way. */
#include "net/sender.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

/* Fewer are sent one by one: the ring costs something too. */
enum { WORTH_IT = 4 };

static const char module[] = "net";

enum ring_state {
    RING_UNTRIED, /* until it is needed */
    RING_OPEN,
    RING_NONE,
};

struct mk_sender {
    struct io_uring ring;
    enum ring_state state;
    size_t count;
    struct mk_send *queued[MK_SENDER_MOST];
};

/* --- the ring --- */

/* One of before Linux 5.17 is not used: the first of them could not send. */
static void open_ring(struct mk_sender *sender)
{
    struct io_uring_params params = { 0 };
    int rc = io_uring_queue_init_params(MK_SENDER_MOST, &sender->ring, &params);
    if (rc == 0 && !(params.features & IORING_FEAT_CQE_SKIP)) {
        io_uring_queue_exit(&sender->ring);
        rc = -ENOSYS;
    }
    sender->state = rc < 0 ? RING_NONE : RING_OPEN;
    if (rc < 0)
        mk_log_debug(module, "no io_uring (%s): one system call per send", strerror(-rc));
}

static bool has_ring(struct mk_sender *sender)
{
    if (sender->state == RING_UNTRIED)
        open_ring(sender);
    return sender->state == RING_OPEN;
}

static void close_ring(struct mk_sender *sender)
{
    if (sender->state == RING_OPEN)
        io_uring_queue_exit(&sender->ring);
    sender->state = RING_NONE;
}

static void enter_in_ring(struct mk_sender *sender, struct mk_send *send)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&sender->ring);
    assert(entry); /* it has as many as can be queued, and is empty */
    if (send->count == 1) {
        io_uring_prep_send(entry, send->fd, send->parts[0].iov_base, send->parts[0].iov_len,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        send->message = (struct msghdr){ .msg_iov = send->parts, .msg_iovlen = send->count };
        io_uring_prep_sendmsg(entry, send->fd, &send->message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    io_uring_sqe_set_data(entry, send);
}

/* Notes what has been done. Returns how many that were. */
static size_t collect(struct mk_sender *sender)
{
    struct io_uring_cqe *done;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&sender->ring, head, done)
    {
        struct mk_send *send = io_uring_cqe_get_data(done);
        send->took = done->res == -EAGAIN || done->res == -EINTR ? 0 : done->res;
        count++;
    }
    io_uring_cq_advance(&sender->ring, count);
    return count;
}

/* Returns how many of those that are queued, from the first on, were sent. */
static size_t run_ring(struct mk_sender *sender)
{
    for (size_t i = 0; i < sender->count; i++)
        enter_in_ring(sender, sender->queued[i]);
    int rc = io_uring_submit_and_wait(&sender->ring, (unsigned)sender->count);
    size_t taken = rc < 0 ? 0 : (size_t)rc;
    for (size_t left = taken - collect(sender); left > 0; left -= collect(sender)) {
        struct io_uring_cqe *first;
        io_uring_wait_cqe(&sender->ring, &first);
    }
    if (taken < sender->count) {
        close_ring(sender); /* what is still in it must never be sent */
        mk_log_debug(module, "io_uring took %zu of %zu: one system call per send from now on",
                     taken, sender->count);
    }
    return taken;
}

/* --- what others call --- */

struct mk_sender *mk_sender_new(void)
{
    return calloc(1, sizeof(struct mk_sender));
}

struct mk_sender *mk_sender_free(struct mk_sender *sender)
{
    if (sender)
        close_ring(sender);
    free(sender);
    return NULL;
}

void mk_sender_use_ring(struct mk_sender *sender, bool may)
{
    if (!may)
        close_ring(sender);
    else if (sender->state == RING_NONE)
        sender->state = RING_UNTRIED;
}

void mk_send_now(struct mk_send *out)
{
    out->message = (struct msghdr){ .msg_iov = out->parts, .msg_iovlen = out->count };
    do {
        out->took = out->count == 1
                        ? send(out->fd, out->parts[0].iov_base, out->parts[0].iov_len, MSG_NOSIGNAL)
                        : sendmsg(out->fd, &out->message, MSG_NOSIGNAL);
    } while (out->took < 0 && errno == EINTR);
    if (out->took < 0)
        out->took = errno == EAGAIN ? 0 : -errno;
}

void mk_sender_queue(struct mk_sender *sender, struct mk_send *send)
{
    assert(sender->count < MK_SENDER_MOST);
    sender->queued[sender->count++] = send;
}

void mk_sender_run(struct mk_sender *sender)
{
    size_t done = 0;
    if (sender->count >= WORTH_IT && has_ring(sender))
        done = run_ring(sender);
    for (; done < sender->count; done++)
        mk_send_now(sender->queued[done]);
    sender->count = 0;
}
