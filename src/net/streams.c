/*
 * streams: the state that the streams of one loop share, and their work at the end of a turn: first
 * resumed streams pass their kept bytes to their owners, then all streams that have output send it.
 */
#include "net/stream_impl.h"

#include <errno.h>
#include <stdlib.h>

static void on_linger_end(struct mk_timeout *timeout)
{
    struct mk_stream *stream = MK_CONTAINER_OF(timeout, struct mk_stream, linger);
    mk_stream_finish(stream, stream->state == MK_STREAM_LINGERING ? 0 : -ETIMEDOUT);
}

static struct mk_streams *of_phase(struct mk_phase *phase)
{
    return MK_CONTAINER_OF(phase, struct mk_streams, phase);
}

static void deliver(struct mk_streams *streams)
{
    struct mk_list resumed;
    mk_list_take(&resumed, &streams->resumed);
    while (!mk_list_empty(&resumed)) {
        struct mk_stream_kept *kept = MK_CONTAINER_OF(resumed.next, struct mk_stream_kept, resumed);
        mk_list_remove(&kept->resumed);
        mk_stream_deliver_kept(kept->stream);
    }
}

/* Streams that had yielded before this turn go on. Returns whether there was any. */
static bool continue_yielded(struct mk_streams *streams)
{
    struct mk_list due;
    if (streams->turn == streams->loop->turns || mk_list_empty(&streams->due))
        return false;
    streams->turn = streams->loop->turns;
    mk_list_take(&due, &streams->due);
    while (!mk_list_empty(&due))
        mk_stream_continue(MK_CONTAINER_OF(due.next, struct mk_stream, yield));
    return true;
}

/* Those that have yielded in this turn go on in the next one, which does not wait for input. */
static void await_next_turn(struct mk_streams *streams)
{
    while (!mk_list_empty(&streams->yielded)) {
        struct mk_list *node = streams->yielded.next;
        mk_list_remove(node);
        mk_list_push(&streams->due, node);
    }
    if (!mk_list_empty(&streams->due))
        mk_loop_continue(streams->loop);
}

/* The hooks must run after owners got kept bytes, and before output is sent. */
static bool end_turn(struct mk_phase *phase)
{
    struct mk_streams *streams = of_phase(phase);
    if (continue_yielded(streams))
        return true;
    if (!mk_list_empty(&streams->resumed)) {
        deliver(streams);
        return true;
    }
    if (!mk_list_empty(&streams->dirty))
        mk_streams_flush(streams);
    if (!mk_list_empty(&streams->dirty) || !mk_list_empty(&streams->resumed))
        return true;
    await_next_turn(streams);
    return false;
}

static bool is_pending(const struct mk_phase *phase)
{
    const struct mk_streams *streams = MK_CONTAINER_OF(phase, struct mk_streams, phase);
    return !mk_list_empty(&streams->dirty) || !mk_list_empty(&streams->resumed);
}

/* Ends a stream that lingers when the loop ends. */
static void end_stream(uv_handle_t *handle, void *streams)
{
    if (handle->type != UV_POLL || handle->data != streams)
        return;
    struct mk_stream *stream = MK_CONTAINER_OF((uv_poll_t *)handle, struct mk_stream, poll);
    stream->events = NULL;
    mk_stream_finish(stream, 0);
}

static struct mk_streams *streams_free(struct mk_streams *streams)
{
    mk_sender_free(streams->sender);
    while (streams->spare_count > 0)
        mk_buf_fini(&streams->spares[--streams->spare_count]);
    mk_tls_roots_free(streams->roots);
    free(streams->plain_buffer);
    free(streams->read_buffer);
    free(streams);
    return NULL;
}

static void on_loop_end(struct mk_phase *phase)
{
    struct mk_streams *streams = of_phase(phase);
    uv_walk(streams->loop->uv, end_stream, streams);
    mk_timeouts_fini(&streams->lingering);
    streams_free(streams);
}

static struct mk_streams *streams_new(struct mk_loop *loop)
{
    struct mk_streams *streams = calloc(1, sizeof(*streams));
    if (!streams)
        return NULL;
    streams->loop = loop;
    mk_list_init(&streams->dirty);
    mk_list_init(&streams->blocked);
    mk_list_init(&streams->resumed);
    mk_list_init(&streams->yielded);
    mk_list_init(&streams->due);
    streams->sender = mk_sender_new();
    streams->read_buffer = malloc(MK_STREAM_READ_BUFFER);
    if (!streams->sender || !streams->read_buffer ||
        mk_timeouts_init(&streams->lingering, loop, MK_STREAM_LINGER_MS, on_linger_end) < 0)
        return streams_free(streams);
    streams->phase =
        (struct mk_phase){ .run = end_turn, .pending = is_pending, .fini = on_loop_end };
    mk_loop_add_phase(loop, &streams->phase);
    return streams;
}

struct mk_streams *mk_streams_of(struct mk_loop *loop)
{
    struct mk_phase *phase = mk_loop_find_phase(loop, end_turn);
    return phase ? of_phase(phase) : streams_new(loop);
}

const struct mk_tls_roots *mk_streams_roots(struct mk_streams *streams)
{
    if (!streams->roots)
        streams->roots = mk_tls_roots_new();
    return streams->roots;
}

int mk_stream_start_tls(struct mk_stream *stream, struct mk_tls *tls)
{
    struct mk_streams *streams = stream->streams;
    if (!streams->plain_buffer)
        streams->plain_buffer = malloc(MK_STREAM_READ_BUFFER);
    if (!streams->plain_buffer) {
        mk_tls_free(tls);
        return -ENOMEM;
    }
    stream->tls = tls;
    /* A client sends first; for a server this does nothing. The handshake cannot be done yet. */
    int rc = mk_tls_handshake(tls);
    mk_stream_wake(stream);
    mk_stream_watch(stream);
    return rc < 0 ? rc : 0;
}

int mk_streams_use_io_uring(struct mk_loop *loop, bool may)
{
    struct mk_streams *streams = mk_streams_of(loop);
    if (!streams)
        return -ENOMEM;
    mk_sender_use_ring(streams->sender, may);
    return 0;
}

void mk_streams_drop_output(struct mk_loop *loop, int error)
{
    struct mk_phase *phase = mk_loop_find_phase(loop, end_turn);
    if (!phase)
        return;
    struct mk_streams *streams = of_phase(phase);
    struct mk_list *lists[] = { &streams->dirty, &streams->blocked };
    for (size_t i = 0; i < 2; i++)
        while (!mk_list_empty(lists[i]))
            mk_stream_finish(MK_CONTAINER_OF(lists[i]->next, struct mk_stream, dirty), error);
}
