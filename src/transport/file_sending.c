/* file_sending: see the header. */
#include "transport/file_sending.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, STALLED_MS = 60 * 1000 };

struct sending {
    struct mk_list node;
    struct mk_file_sendings *owner;
    struct mk_stream *stream;
    struct mk_timeout stalled;
    int fd;      /* -1: all of it has been read */
    uint64_t at; /* the next byte to read */
    uint64_t end;
};

static void close_file(struct sending *sending)
{
    if (sending->fd >= 0)
        close(sending->fd);
    sending->fd = -1;
}

/* Reads the next piece into the output; at the end of the file the connection ends. */
static void send_piece(struct sending *sending)
{
    struct mk_buf *out = mk_stream_output(sending->stream);
    uint64_t left = sending->end - sending->at;
    size_t count = left < PIECE ? (size_t)left : PIECE;
    int rc = mk_buf_reserve(out, count);
    while (rc == 0 && count > 0) {
        ssize_t got = pread(sending->fd, out->data + out->len, count, (off_t)sending->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) { /* the file became shorter */
            rc = got < 0 ? -errno : -EIO;
            break;
        }
        out->len += (size_t)got;
        sending->at += (uint64_t)got;
        count -= (size_t)got;
    }
    if (rc < 0) {
        mk_stream_abort(sending->stream, rc);
        return;
    }
    mk_timeout_arm(&sending->owner->stalled, &sending->stalled);
    mk_stream_wake(sending->stream);
    if (sending->at < sending->end)
        return;
    close_file(sending);
    mk_stream_close(sending->stream);
}

static size_t on_read(void *owner, char *data, size_t len)
{
    (void)owner;
    (void)data;
    return len;
}

static void on_end(void *owner)
{
    (void)owner; /* the client has no more requests, but waits for the answer */
}

static void on_closed(void *owner, int error)
{
    struct sending *sending = owner;
    (void)error;
    mk_timeout_disarm(&sending->stalled);
    mk_list_remove(&sending->node);
    close_file(sending);
    free(sending);
}

static void on_drained(void *owner)
{
    send_piece(owner);
}

static const struct mk_stream_events stream_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
    .drained = on_drained,
};

static void on_stalled(struct mk_timeout *timeout)
{
    mk_stream_abort(MK_CONTAINER_OF(timeout, struct sending, stalled)->stream, -ETIMEDOUT);
}

int mk_file_sending_start(struct mk_file_sendings *sendings, struct mk_stream *stream, int fd,
                          uint64_t from, uint64_t end)
{
    struct sending *sending = malloc(sizeof(*sending));
    if (!sending)
        return -ENOMEM;
    *sending =
        (struct sending){ .owner = sendings, .stream = stream, .fd = fd, .at = from, .end = end };
    mk_timeout_init(&sending->stalled);
    mk_list_push(&sendings->streams, &sending->node);
    mk_stream_adopt(stream, &stream_events, sending);
    mk_stream_resume(stream); /* so that a disconnect is noticed */
    send_piece(sending);
    return 0;
}

int mk_file_sendings_init(struct mk_file_sendings *sendings, struct mk_loop *loop)
{
    mk_list_init(&sendings->streams);
    return mk_timeouts_init(&sendings->stalled, loop, STALLED_MS, on_stalled);
}

void mk_file_sendings_fini(struct mk_file_sendings *sendings)
{
    mk_timeouts_fini(&sendings->stalled);
}

void mk_file_sendings_abort(struct mk_file_sendings *sendings)
{
    MK_LIST_FOR_EACH (node, &sendings->streams)
        mk_stream_abort(MK_CONTAINER_OF(node, struct sending, node)->stream, 0);
}

bool mk_file_sendings_idle(const struct mk_file_sendings *sendings)
{
    return mk_list_empty(&sendings->streams);
}
