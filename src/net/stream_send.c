/*
 * stream_send: the output of a stream. Two things are sent: the owner's output, and runs of frames
 * of a source that many streams share. They alternate between frames only: once a part of a run was
 * sent, the rest of it is owed, and is sent before further output.
 *
 * The sending of a stream in a turn is a job: it is prepared, sent together with others
 * (net/sender), accounted for, and concluded. Only the conclusion calls the owner.
 */
#include "net/stream_impl.h"

#include <errno.h>
#include <stdint.h>

enum {
    TURN_MAX = 1024 * 1024,    /* bytes of one stream in one turn, so that others are served too */
    CIPHER_AHEAD = 128 * 1024, /* bytes encrypted before the kernel has taken them */
    RECORD_MAX = 16 * 1024,    /* of TLS (RFC 8446, 5.1) */
    CACHE_LINE = 64,
};

enum send_result { SEND_DONE, SEND_BLOCKED };

/* The parts to send next, in this order. `owed` and `rest` are one run of the source. */
struct parts {
    struct mk_slice owed;
    struct mk_slice own;
    struct mk_slice rest;
};

/* One stream's sending in one turn. */
struct job {
    struct mk_stream *stream;
    struct parts parts;
    struct mk_send send; /* of these parts */
    size_t len;          /* of the parts */
    size_t total;        /* bytes that the kernel has taken */
    int result;          /* a send_result, or a negative errno */
    bool sending;        /* there was something to send */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- output buffers: borrowed from the loop's spare ones while there is output --- */

static void borrow_memory(struct mk_streams *streams, struct mk_buf *buf)
{
    if (buf->data || streams->spare_count == 0)
        return;
    struct mk_buf *spare = &streams->spares[streams->spare_count - 1];
    if (spare->cap > buf->max)
        return;
    buf->data = spare->data;
    buf->cap = spare->cap;
    streams->spare_count--;
}

static void return_memory(struct mk_streams *streams, struct mk_buf *buf)
{
    buf->len = 0;
    if (!buf->data)
        return;
    if (buf->cap > MK_STREAM_SPARE_MAX || streams->spare_count == MK_STREAM_SPARES) {
        mk_buf_fini(buf);
        return;
    }
    streams->spares[streams->spare_count++] = *buf;
    buf->data = NULL;
    buf->cap = 0;
}

struct mk_buf *mk_stream_output(struct mk_stream *stream)
{
    borrow_memory(stream->streams, &stream->output);
    return &stream->output;
}

/* Sent bytes still lie at the front: the cap is raised by them. */
static void cap_output(struct mk_stream *stream)
{
    size_t most = stream->limits.output;
    stream->output.max = most > SIZE_MAX - stream->sent ? SIZE_MAX : most + stream->sent;
}

size_t mk_stream_backlog(const struct mk_stream *stream)
{
    size_t backlog = stream->output.len - stream->sent;
    if (stream->tls)
        backlog += mk_tls_pending(stream->tls).len;
    return backlog;
}

void mk_stream_drop_output(struct mk_stream *stream)
{
    stream->source = NULL;
    stream->owed = 0;
    stream->sent = 0;
    return_memory(stream->streams, &stream->output);
    cap_output(stream);
    if (stream->tls)
        mk_tls_sent(stream->tls, mk_tls_pending(stream->tls).len);
}

void mk_stream_wake(struct mk_stream *stream)
{
    if (stream->blocked || stream->state > MK_STREAM_CLOSING || !mk_list_empty(&stream->dirty))
        return;
    mk_list_push(&stream->streams->dirty, &stream->dirty);
}

bool mk_stream_congested(const struct mk_stream *stream)
{
    return mk_stream_backlog(stream) > stream->limits.read_pause;
}

/* Copies the owed bytes of the source to the front of the output. */
static int copy_owed(struct mk_stream *stream)
{
    struct mk_slice run = stream->source->peek(stream->source);
    struct mk_buf all;
    mk_buf_init(&all, SIZE_MAX);
    int rc = mk_buf_append(&all, run.ptr, smaller(stream->owed, run.len));
    if (rc == 0)
        rc = mk_buf_append_slice(&all, mk_slice_from(mk_buf_slice(&stream->output), stream->sent));
    if (rc < 0) {
        mk_buf_fini(&all);
        return rc;
    }
    return_memory(stream->streams, &stream->output);
    stream->output = all;
    stream->sent = 0;
    cap_output(stream);
    return 0;
}

void mk_stream_set_source(struct mk_stream *stream, struct mk_stream_source *source)
{
    int rc = 0;
    if (stream->state > MK_STREAM_CLOSING)
        return;
    if (stream->source && stream->owed > 0)
        rc = copy_owed(stream);
    stream->owed = 0;
    stream->source = source;
    if (rc < 0)
        mk_stream_finish(stream, rc);
    else if (source)
        mk_stream_wake(stream);
}

/* --- sending --- */

static struct parts gather(struct mk_stream *stream)
{
    struct parts parts = { 0 };
    if (stream->source) {
        struct mk_slice run = stream->source->peek(stream->source);
        stream->owed = smaller(stream->owed, run.len);
        parts.owed = mk_slice_of(run.ptr, stream->owed);
        parts.rest = mk_slice_from(run, stream->owed);
    }
    parts.own = mk_slice_from(mk_buf_slice(&stream->output), stream->sent);
    return parts;
}

static void account_own(struct mk_stream *stream, size_t len)
{
    stream->sent += len;
    if (stream->sent == stream->output.len) {
        stream->output.len = 0;
        stream->sent = 0;
    } else if (stream->sent >= stream->output.len / 2) {
        mk_buf_consume(&stream->output, stream->sent);
        stream->sent = 0;
    }
    cap_output(stream);
}

/*
 * Removes `len` sent bytes from the parts. Returns false where the source is known to have no more.
 */
static bool account(struct mk_stream *stream, const struct parts *parts, size_t len)
{
    size_t owed = smaller(len, parts->owed.len);
    size_t own = smaller(len - owed, parts->own.len);
    size_t rest = len - owed - own;
    stream->owed -= owed;
    if (rest > 0)
        stream->owed = parts->rest.len - rest;
    if (own > 0)
        account_own(stream, own);
    stream->pending = stream->pending || len > 0;
    if (!stream->source)
        return false;
    return owed + rest == 0 || stream->source->advance(stream->source, owed + rest);
}

/* Encrypts output, up to CIPHER_AHEAD bytes ahead of the kernel. */
static int encrypt(struct mk_stream *stream)
{
    struct mk_tls *tls = stream->tls;
    while (tls->handshake_done && mk_tls_pending(tls).len < CIPHER_AHEAD) {
        struct parts parts = gather(stream);
        struct mk_slice next = parts.owed;
        if (next.len == 0)
            next = parts.own;
        if (next.len == 0)
            next = parts.rest;
        if (next.len == 0) {
            if (stream->state == MK_STREAM_CLOSING)
                mk_tls_shutdown(tls);
            return 0;
        }
        next.len = smaller(next.len, RECORD_MAX);
        int rc = mk_tls_write(tls, next);
        if (rc < 0)
            return rc;
        account(stream, &parts, next.len);
    }
    return 0;
}

/* Returns whether there is something to send now; if not, job->result has the reason. */
static bool prepare(struct job *job)
{
    struct mk_stream *stream = job->stream;
    job->result = SEND_DONE;
    if (stream->tls) {
        job->result = encrypt(stream);
        job->parts = (struct parts){ .own = mk_tls_pending(stream->tls) };
    } else {
        job->parts = gather(stream);
    }
    job->len = job->parts.owed.len + job->parts.own.len + job->parts.rest.len;
    if (job->result < 0 || job->len == 0)
        return false;
    if (job->total >= TURN_MAX) {
        job->result = SEND_BLOCKED;
        return false;
    }
    mk_send_init(&job->send, stream->fd);
    mk_send_add(&job->send, job->parts.owed);
    mk_send_add(&job->send, job->parts.own);
    mk_send_add(&job->send, job->parts.rest);
    return true;
}

/* Accounts for a prepared send that was made. Returns whether more may be sent now. */
static bool account_job(struct job *job)
{
    struct mk_stream *stream = job->stream;
    if (job->send.took < 0) {
        job->result = (int)job->send.took;
        return false;
    }
    size_t took = (size_t)job->send.took;
    bool more = true;
    job->total += took;
    if (stream->tls)
        mk_tls_sent(stream->tls, took);
    else
        more = account(stream, &job->parts, took);
    if (took == job->len)
        return more;
    job->result = SEND_BLOCKED;
    return false;
}

static bool begin(struct job *job, struct mk_stream *stream)
{
    job->stream = stream;
    job->total = 0;
    mk_list_remove(&stream->dirty);
    if (stream->tls)
        borrow_memory(stream->streams, &stream->tls->out);
    return prepare(job);
}

/* Sends the rest of a job, one send after another, after the first. Calls no owner. */
static void send_rest(struct job *job)
{
    while (account_job(job) && prepare(job))
        mk_send_now(&job->send);
}

/* Ends the sending of a job in this turn. */
static void end_job(struct job *job)
{
    struct mk_stream *stream = job->stream;
    stream->blocked = job->result == SEND_BLOCKED;
    if (stream->blocked)
        mk_list_push(&stream->streams->blocked, &stream->dirty);
    else if (stream->tls && job->result == SEND_DONE)
        return_memory(stream->streams, &stream->tls->out);
}

static void end_sending(struct mk_stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
    stream->state = MK_STREAM_LINGERING;
    if (stream->ended || stream->dropped >= MK_STREAM_DROP_MAX)
        mk_stream_finish(stream, 0);
    else
        mk_timeout_arm(&stream->streams->lingering, &stream->linger);
}

static void report_drained(struct mk_stream *stream)
{
    if (!stream->pending)
        return;
    stream->pending = false;
    if (stream->events && stream->events->drained)
        stream->events->drained(stream->owner);
}

/* Reports the result to the owner, which may then do anything, also to other streams. */
static void conclude(const struct job *job)
{
    struct mk_stream *stream = job->stream;
    if (stream->state == MK_STREAM_GONE)
        return;
    if (job->result < 0) {
        mk_stream_finish(stream, job->result);
        return;
    }
    if (stream->state == MK_STREAM_CLOSING && job->total > 0)
        mk_timeout_arm(&stream->streams->lingering, &stream->linger);
    if (stream->blocked && job->total > 0 && stream->state == MK_STREAM_OPEN && stream->events &&
        stream->events->sent)
        stream->events->sent(stream->owner);
    /*
     * During a TLS handshake, output waits even though the kernel would take it. A stream that was
     * woken again by the owner of another one has more to send.
     */
    if (!stream->blocked && stream->output.len == 0 && mk_list_empty(&stream->dirty)) {
        return_memory(stream->streams, &stream->output);
        if (stream->state == MK_STREAM_CLOSING)
            end_sending(stream);
        else
            report_drained(stream);
    }
    mk_stream_resume_kept(stream);
    mk_stream_watch(stream);
}

void mk_stream_send(struct mk_stream *stream)
{
    struct job job;
    if (begin(&job, stream)) {
        mk_send_now(&job.send);
        send_rest(&job);
    }
    end_job(&job);
    conclude(&job);
}

/*
 * With thousands of streams, none is in the cache when it is processed. So their memory is
 * prefetched: a stream's two streams ahead, and its source's one stream ahead.
 */
static void fetch_ahead(const struct mk_list *node, const struct mk_list *end)
{
    const struct mk_list *next = node->next;
    if (next == end)
        return;
    const struct mk_stream *stream = MK_CONTAINER_OF(next, const struct mk_stream, dirty);
    __builtin_prefetch(stream->source);
    __builtin_prefetch((const char *)stream->source + CACHE_LINE);
    stream = MK_CONTAINER_OF(next->next, const struct mk_stream, dirty);
    __builtin_prefetch(stream);
    __builtin_prefetch((const char *)stream + CACHE_LINE);
}

/* Takes as many streams out of the list as can send together. Returns their number. */
static size_t begin_some(struct mk_streams *streams, struct mk_list *dirty, struct job *jobs)
{
    size_t count = 0;
    for (; count < MK_SENDER_MAX && !mk_list_empty(dirty); count++) {
        struct mk_stream *stream = MK_CONTAINER_OF(dirty->next, struct mk_stream, dirty);
        fetch_ahead(&stream->dirty, dirty);
        jobs[count].sending = begin(&jobs[count], stream);
        if (jobs[count].sending)
            mk_sender_queue(streams->sender, &jobs[count].send);
    }
    return count;
}

/*
 * Sends many streams at a time: all of them have sent and are accounted for before any owner is
 * called.
 */
void mk_streams_flush(struct mk_streams *streams)
{
    struct job jobs[MK_SENDER_MAX];
    struct mk_list dirty;
    mk_list_take(&dirty, &streams->dirty);
    while (!mk_list_empty(&dirty)) {
        size_t count = begin_some(streams, &dirty, jobs);
        mk_sender_run(streams->sender);
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].sending)
                send_rest(&jobs[i]);
            end_job(&jobs[i]);
        }
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].result < 0)
                mk_stream_fail_sending(jobs[i].stream, jobs[i].result);
            else
                conclude(&jobs[i]);
        }
    }
}
