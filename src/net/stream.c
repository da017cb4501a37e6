/*
 * stream: the life cycle and the input of a connection. A stream watches its socket with uv_poll
 * instead of uv_tcp_t: the handle is smaller, output does not have to be passed to libuv and stay
 * in place until it is written, and a shared source gets the exact number of bytes that the kernel
 * took.
 */
#include "net/address.h"
#include "net/stream_impl.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct mk_stream_limits default_limits = {
    .output = 64 * 1024 * 1024,
    .read_pause = 256 * 1024,
    .input = MK_STREAM_READ_BUFFER,
};

/* --- life --- */

static void on_closed(uv_handle_t *handle)
{
    struct mk_stream *stream = MK_CONTAINER_OF((uv_poll_t *)handle, struct mk_stream, poll);
    if (stream->events)
        stream->events->closed(stream->owner, stream->error);
    void (*gone)(void *) = stream->gone;
    void *arg = stream->gone_arg;
    mk_buf_fini(&stream->output);
    mk_tls_free(stream->tls);
    free(stream);
    if (gone)
        gone(arg);
}

static void drop_kept(struct mk_stream *stream)
{
    if (stream->kept)
        mk_list_remove(&stream->kept->resumed);
    free(stream->kept);
    stream->kept = NULL;
}

void mk_stream_finish(struct mk_stream *stream, int error)
{
    if (stream->state == MK_STREAM_GONE)
        return;
    stream->state = MK_STREAM_GONE;
    stream->error = error;
    stream->source = NULL;
    stream->owed = 0;
    mk_list_remove(&stream->dirty);
    mk_list_remove(&stream->yield);
    mk_timeout_disarm(&stream->linger);
    drop_kept(stream);
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    close(stream->fd);
}

/* On a dual-stack socket an IPv4 client has the address ::ffff:1.2.3.4; notes it as IPv4. */
static void note_remote(struct mk_stream *stream, const struct sockaddr *address)
{
    struct mk_address remote = { 0 };
    char text[MK_ADDRESS_TEXT];
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        struct sockaddr_in *in = (struct sockaddr_in *)&remote.socket;
        in->sin_family = AF_INET;
        in->sin_port = in6->sin6_port;
        memcpy(&in->sin_addr, &in6->sin6_addr.s6_addr[12], sizeof(in->sin_addr));
    } else if (address->sa_family == AF_INET6) {
        memcpy(&remote.socket, address, sizeof(struct sockaddr_in6));
    } else if (address->sa_family == AF_INET) {
        memcpy(&remote.socket, address, sizeof(struct sockaddr_in));
    } else {
        snprintf(stream->remote, sizeof(stream->remote), "unix");
        return;
    }
    mk_address_format(&remote, text);
    snprintf(stream->remote, sizeof(stream->remote), "%.*s", MK_STREAM_REMOTE_TEXT - 1, text);
}

struct mk_stream *mk_stream_new(struct mk_streams *streams, int fd, const struct sockaddr *address)
{
    struct mk_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    if (uv_poll_init(streams->loop->uv, &stream->poll, fd) < 0) {
        free(stream);
        return NULL;
    }
    stream->poll.data = streams;
    stream->streams = streams;
    stream->fd = fd;
    stream->limits = default_limits;
    mk_buf_init(&stream->output, stream->limits.output);
    mk_list_init(&stream->dirty);
    mk_list_init(&stream->yield);
    mk_timeout_init(&stream->linger);
    note_remote(stream, address);
    return stream;
}

/* --- watching the socket --- */

static bool wants_to_read(const struct mk_stream *stream)
{
    if (stream->ended || stream->state == MK_STREAM_GONE)
        return false;
    if (stream->state != MK_STREAM_OPEN)
        return stream->dropped < MK_STREAM_DROP_MAX;
    if (stream->tls && !stream->tls->handshake_done)
        return true;
    return stream->events && !stream->paused && !stream->yielded && !stream->kept &&
           !mk_stream_congested(stream);
}

static void on_socket(uv_poll_t *poll, int status, int events);

static void watch_for(struct mk_stream *stream, int interest)
{
    if (stream->state == MK_STREAM_GONE || stream->interest == interest)
        return;
    stream->interest = (uint8_t)interest;
    if (interest == 0)
        uv_poll_stop(&stream->poll);
    else
        uv_poll_start(&stream->poll, interest, on_socket);
}

/*
 * The events to watch for while nothing is read: the peer's end, and after that a hang-up. The
 * kernel reports a hang-up whatever is watched for, so this is urgent data, which hardly ever
 * arrive.
 */
static int hangup_interest(const struct mk_stream *stream)
{
    if (stream->state != MK_STREAM_OPEN || !stream->paused || !stream->events ||
        !stream->events->hangup)
        return 0;
    return stream->hung_up ? UV_PRIORITIZED : UV_DISCONNECT;
}

/*
 * A stream that does not want to read still watches for readability until it is reported: each
 * change costs two system calls, and most pauses end before anything arrives.
 */
void mk_stream_watch(struct mk_stream *stream)
{
    if (stream->interest == UV_READABLE && !stream->blocked)
        return; /* the usual case */
    int interest = stream->interest & UV_READABLE;
    if (wants_to_read(stream))
        interest |= UV_READABLE;
    if (stream->blocked)
        interest |= UV_WRITABLE;
    if (!(interest & UV_READABLE))
        interest |= hangup_interest(stream);
    watch_for(stream, interest);
}

/* Called when readability was reported but is not wanted. */
static void stop_reading(struct mk_stream *stream)
{
    watch_for(stream, (stream->interest & ~UV_READABLE) | hangup_interest(stream));
}

/* --- in --- */

/* Passes bytes to the owner while it takes them. Returns how many it took. */
static size_t pass_to_owner(struct mk_stream *stream, char *data, size_t len)
{
    size_t taken = 0;
    while (taken < len && stream->state == MK_STREAM_OPEN && stream->events && !stream->paused &&
           !stream->yielded && !mk_stream_congested(stream)) {
        size_t more = stream->events->read(stream->owner, data + taken, len - taken);
        if (stream->state != MK_STREAM_OPEN)
            break;
        assert(more <= len - taken);
        taken += more;
    }
    return taken;
}

static void keep(struct mk_stream *stream, const char *data, size_t len)
{
    size_t had = stream->kept ? stream->kept->len : 0;
    if (stream->kept)
        mk_list_remove(&stream->kept->resumed);
    struct mk_stream_kept *kept = realloc(stream->kept, sizeof(*kept) + had + len);
    if (!kept) {
        mk_stream_finish(stream, -ENOMEM);
        return;
    }
    if (had == 0)
        *kept = (struct mk_stream_kept){ .stream = stream };
    mk_list_init(&kept->resumed);
    memcpy(kept->data + had, data, len);
    kept->len = had + len;
    stream->kept = kept;
}

/* Passes new bytes to the owner, or appends them to those that it has not taken yet. */
static void take_in(struct mk_stream *stream, char *data, size_t len)
{
    size_t taken = stream->kept ? 0 : pass_to_owner(stream, data, len);
    if (taken < len && stream->state == MK_STREAM_OPEN)
        keep(stream, data + taken, len - taken);
}

void mk_stream_report_end(struct mk_stream *stream)
{
    if (!stream->ended || stream->end_reported || stream->kept || stream->paused ||
        stream->yielded || !stream->events || stream->state != MK_STREAM_OPEN)
        return;
    stream->end_reported = true;
    stream->events->end(stream->owner);
}

void mk_stream_deliver_kept(struct mk_stream *stream)
{
    /* Detached from the stream, since the owner may close it while it reads the bytes. */
    struct mk_stream_kept *kept = stream->kept;
    stream->kept = NULL;
    kept->at += pass_to_owner(stream, kept->data + kept->at, kept->len - kept->at);
    bool left = kept->at < kept->len || (stream->paused && stream->ended);
    if (left && stream->state == MK_STREAM_OPEN)
        stream->kept = kept; /* even without bytes: after a resume the owner gets the end */
    else
        free(kept);
    mk_stream_report_end(stream);
    mk_stream_watch(stream);
}

/* Owners get kept bytes at the end of the turn, when none of their functions is on the stack. */
void mk_stream_resume_kept(struct mk_stream *stream)
{
    if (stream->kept && !stream->paused && !stream->yielded && stream->events &&
        !mk_stream_congested(stream) && mk_list_empty(&stream->kept->resumed))
        mk_list_push(&stream->streams->resumed, &stream->kept->resumed);
}

static void fail_tls(struct mk_stream *stream)
{
    mk_stream_send(stream); /* sends the alert with the reason */
    mk_stream_finish(stream, -EPROTO);
}

/* Returns whether the handshake is done and the stream still exists. */
static bool continue_handshake(struct mk_stream *stream)
{
    struct mk_tls *tls = stream->tls;
    int rc = mk_tls_handshake(tls);
    if (rc < 0)
        fail_tls(stream);
    if (rc <= 0)
        return false;
    if (tls->ready)
        tls->ready(tls->arg);
    return stream->state == MK_STREAM_OPEN;
}

/* Unlike the end of a socket, close_notify may arrive while the stream is paused. */
static void on_end_of_cipher(struct mk_stream *stream)
{
    stream->ended = true;
    if (!stream->kept && (stream->paused || !stream->events))
        keep(stream, "", 0);
}

static void take_in_cipher(struct mk_stream *stream, const char *data, size_t len)
{
    struct mk_tls *tls = stream->tls;
    char *plain = stream->streams->plain_buffer;
    ssize_t got = 0;
    tls->in = mk_slice_of(data, len);
    if (tls->handshake_done || continue_handshake(stream)) {
        while (stream->state == MK_STREAM_OPEN &&
               (got = mk_tls_read(tls, plain, MK_STREAM_READ_BUFFER)) > 0)
            take_in(stream, plain, (size_t)got);
    }
    tls->in = (struct mk_slice){ 0 };
    if (stream->state != MK_STREAM_OPEN)
        return;
    if (got == -EPIPE)
        on_end_of_cipher(stream);
    else if (got < 0)
        fail_tls(stream);
    mk_stream_wake(
        stream); /* sends the handshake's bytes, and the output that waited for its end */
}

static void on_end(struct mk_stream *stream)
{
    stream->ended = true;
    if (stream->state == MK_STREAM_LINGERING)
        mk_stream_finish(stream, 0);
    else if (stream->state == MK_STREAM_OPEN && stream->tls && !stream->tls->handshake_done)
        mk_stream_finish(stream, -ECONNRESET);
}

static void on_read_error(struct mk_stream *stream, int error)
{
    /* After mk_stream_close all output was sent, and further input does not matter. */
    mk_stream_finish(stream, stream->state == MK_STREAM_LINGERING ? 0 : error);
}

/* Reads once. Returns false where there is nothing to be read. */
static bool read_some(struct mk_stream *stream)
{
    char *buffer = stream->streams->read_buffer;
    size_t most = MK_STREAM_READ_BUFFER;
    if (stream->limits.input < most)
        most = stream->limits.input;
    ssize_t got;
    do {
        got = recv(stream->fd, buffer, most, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got < 0)
        on_read_error(stream, -errno);
    else if (got == 0)
        on_end(stream);
    else if (stream->state != MK_STREAM_OPEN)
        stream->dropped += (size_t)got;
    else if (stream->tls)
        take_in_cipher(stream, buffer, (size_t)got);
    else
        take_in(stream, buffer, (size_t)got);
    mk_stream_report_end(stream);
    return true;
}

/* Reads what has come before an error. */
static void read_rest(struct mk_stream *stream)
{
    while (wants_to_read(stream) && read_some(stream)) {
    }
}

/* A peer that answers early and closes breaks the sending; its answer may have come before that. */
void mk_stream_fail_sending(struct mk_stream *stream, int error)
{
    if (stream->state == MK_STREAM_OPEN && (error == -EPIPE || error == -ECONNRESET)) {
        mk_stream_drop_output(stream);
        read_rest(stream);
    }
    mk_stream_finish(stream, error);
}

/* libuv reports an error of the socket without its number, and stops watching. */
static void on_socket_error(struct mk_stream *stream)
{
    int error = 0;
    socklen_t len = sizeof(error);
    stream->interest = 0;
    read_rest(stream); /* and the error itself */
    if (stream->state == MK_STREAM_GONE)
        return;
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    on_read_error(stream, error ? -error : -ECONNRESET);
}

/* Returns whether both directions have ended, or the connection is broken. */
static bool is_gone(const struct mk_stream *stream)
{
    struct pollfd polled = { .fd = stream->fd };
    return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLERR | POLLHUP));
}

bool mk_stream_has_input(const struct mk_stream *stream)
{
    struct pollfd polled = { .fd = stream->fd, .events = POLLIN };
    return poll(&polled, 1, 0) > 0;
}

static void on_hangup(struct mk_stream *stream)
{
    stream->hung_up = true;
    mk_stream_watch(stream);
    stream->events->hangup(stream->owner);
}

/* Handles an event while the stream is paused. */
static void on_unread(struct mk_stream *stream, int events)
{
    char urgent;
    if (is_gone(stream))
        on_socket_error(stream);
    else if (events & UV_DISCONNECT)
        on_hangup(stream);
    else if (recv(stream->fd, &urgent, 1, MSG_OOB) < 0)
        watch_for(stream, stream->interest &
                              ~UV_PRIORITIZED); /* urgent data are not watched for any more */
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct mk_stream *stream = MK_CONTAINER_OF(poll, struct mk_stream, poll);
    if (status < 0) {
        on_socket_error(stream);
        return;
    }
    if ((events & UV_WRITABLE) && stream->blocked) {
        /* Sent at the end of the turn, after its hooks. */
        stream->blocked = false;
        mk_list_remove(&stream->dirty);
        mk_stream_wake(stream);
    }
    if (events & stream->interest & (UV_DISCONNECT | UV_PRIORITIZED))
        on_unread(stream, events);
    if (!(events & UV_READABLE))
        return;
    mk_loop_note_input(stream->streams->loop);
    bool wanted = wants_to_read(stream);
    if (wanted)
        read_some(stream);
    if (stream->state == MK_STREAM_LINGERING && stream->dropped >= MK_STREAM_DROP_MAX)
        mk_stream_finish(stream, 0);
    else if (!wanted || stream->ended)
        stop_reading(stream);
}

/* --- functions for the owner --- */

void mk_stream_adopt(struct mk_stream *stream, const struct mk_stream_events *events, void *owner)
{
    stream->events = events;
    stream->owner = owner;
    mk_stream_resume_kept(stream);
    mk_stream_watch(stream);
}

void mk_stream_pause(struct mk_stream *stream)
{
    stream->paused = true;
    if (stream->kept)
        mk_list_remove(&stream->kept->resumed);
}

void mk_stream_resume(struct mk_stream *stream)
{
    stream->paused = false;
    mk_stream_resume_kept(stream);
    mk_stream_watch(stream);
}

bool mk_stream_paused(const struct mk_stream *stream)
{
    return stream->paused;
}

void mk_stream_close(struct mk_stream *stream)
{
    if (stream->state != MK_STREAM_OPEN)
        return;
    mk_stream_set_source(stream, NULL);
    if (stream->state == MK_STREAM_GONE)
        return;
    if (stream->tls && !stream->tls->handshake_done) {
        mk_stream_finish(stream,
                         0); /* before the handshake nothing can be sent, not even close_notify */
        return;
    }
    stream->state = MK_STREAM_CLOSING;
    drop_kept(stream);
    mk_timeout_arm(&stream->streams->lingering, &stream->linger);
    mk_stream_wake(stream);
    mk_stream_watch(stream);
}

void mk_stream_abort(struct mk_stream *stream, int error)
{
    mk_stream_finish(stream, error);
}

void mk_stream_on_gone(struct mk_stream *stream, void (*gone)(void *arg), void *arg)
{
    stream->gone = gone;
    stream->gone_arg = arg;
}

void mk_stream_remote_address(const struct mk_stream *stream, struct mk_address *address)
{
    *address = (struct mk_address){ .len = sizeof(address->socket) };
    if (getpeername(stream->fd, (struct sockaddr *)&address->socket, &address->len) < 0)
        *address = (struct mk_address){ 0 };
}

const char *mk_stream_remote(const struct mk_stream *stream)
{
    return stream->remote;
}
