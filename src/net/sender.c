/* sender: see the header. */
#include "net/sender.h"

#include "base/error_text.h"
#include "base/log.h"
#include "net/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Fewer sends are made one by one, since the ring has a cost too. */
enum { WORTH_IT = 4 };

static const char module[] = "net";

struct mk_sender {
    struct mk_ring *ring; /* NULL: none */
    bool untried;         /* the ring is opened at its first use */
    size_t count;
    struct mk_send *queued[MK_SENDER_MAX];
};

struct mk_sender *mk_sender_new(void)
{
    struct mk_sender *sender = calloc(1, sizeof(*sender));
    if (sender)
        sender->untried = true;
    return sender;
}

struct mk_sender *mk_sender_free(struct mk_sender *sender)
{
    if (sender)
        mk_ring_close(sender->ring);
    free(sender);
    return NULL;
}

void mk_sender_use_ring(struct mk_sender *sender, bool may)
{
    if (!may)
        sender->ring = mk_ring_close(sender->ring);
    sender->untried = may && !sender->ring;
}

static bool has_ring(struct mk_sender *sender)
{
    if (sender->untried) {
        sender->untried = false;
        int rc = mk_ring_open(&sender->ring);
        if (rc < 0)
            mk_log_debug(module, "no io_uring (%s): one system call per send",
                         "没有 io_uring（%s）：每次发送使用一次系统调用", mk_error_text(-rc));
    }
    return sender->ring;
}

/* Returns how many of the first queued sends were made. */
static size_t send_in_ring(struct mk_sender *sender)
{
    size_t done = mk_ring_send(sender->ring, sender->queued, sender->count);
    if (done < sender->count) {
        sender->ring = mk_ring_close(sender->ring);
        mk_log_debug(module, "io_uring took %zu of %zu: one system call per send from now on",
                     "io_uring 只接受了 %zu / %zu：此后每次发送使用一次系统调用", done,
                     sender->count);
    }
    return done;
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
    assert(sender->count < MK_SENDER_MAX);
    sender->queued[sender->count++] = send;
}

void mk_sender_run(struct mk_sender *sender)
{
    size_t done = 0;
    if (sender->count >= WORTH_IT && has_ring(sender))
        done = send_in_ring(sender);
    for (; done < sender->count; done++)
        mk_send_now(sender->queued[done]);
    sender->count = 0;
}
