/*
 * ring: see the header. No send is ever left under way in it: a send does not wait for a socket, so
 * all of them are complete when the system call returns.
 */
#include "net/ring.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

struct mk_ring {
    struct io_uring uring;
};

/* Rings of kernels before Linux 5.17 are not used: early ones could not send. */
int mk_ring_open(struct mk_ring **result)
{
    struct io_uring_params params = { 0 };
    struct mk_ring *ring = calloc(1, sizeof(*ring));
    *result = NULL;
    if (!ring)
        return -ENOMEM;
    int rc = io_uring_queue_init_params(MK_SENDER_MAX, &ring->uring, &params);
    if (rc < 0) {
        free(ring);
        return rc;
    }
    if (!(params.features & IORING_FEAT_CQE_SKIP)) {
        mk_ring_close(ring);
        return -ENOSYS;
    }
    *result = ring;
    return 0;
}

struct mk_ring *mk_ring_close(struct mk_ring *ring)
{
    if (ring)
        io_uring_queue_exit(&ring->uring);
    free(ring);
    return NULL;
}

static void enter(struct mk_ring *ring, struct mk_send *send)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    if (send->count == 1) {
        io_uring_prep_send(entry, send->fd, send->parts[0].iov_base, send->parts[0].iov_len,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        send->message = (struct msghdr){ .msg_iov = send->parts, .msg_iovlen = send->count };
        io_uring_prep_sendmsg(entry, send->fd, &send->message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    io_uring_sqe_set_data(entry, send);
}

/* Stores the results of completed sends. Returns their number. */
static size_t collect(struct mk_ring *ring)
{
    struct io_uring_cqe *done;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&ring->uring, head, done)
    {
        struct mk_send *send = io_uring_cqe_get_data(done);
        send->took = done->res == -EAGAIN || done->res == -EINTR ? 0 : done->res;
        count++;
    }
    io_uring_cq_advance(&ring->uring, count);
    return count;
}

size_t mk_ring_send(struct mk_ring *ring, struct mk_send *const *sends, size_t count)
{
    for (size_t i = 0; i < count; i++)
        enter(ring, sends[i]);
    int rc = io_uring_submit_and_wait(&ring->uring, (unsigned)count);
    size_t taken = rc < 0 ? 0 : (size_t)rc;
    for (size_t left = taken - collect(ring); left > 0; left -= collect(ring)) {
        struct io_uring_cqe *first;
        io_uring_wait_cqe(&ring->uring, &first);
    }
    return taken;
}
