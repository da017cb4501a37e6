/*
 * stream: one connection as bytes both ways: TCP, a Unix-domain socket, or TLS over TCP.
 *
 * In: every read goes to the owner's `read`, straight out of the loop's shared buffer.
 * Out: what the owner writes is gathered and leaves at the end of the loop's turn, together with
 * what a source has (below), in one vectored send. What the kernel does not take goes on
 * when the socket is writable again; meanwhile new output is gathered.
 *
 * Knows nothing of HTTP or WebSocket.
 */
#ifndef MK_NET_STREAM_H
#define MK_NET_STREAM_H

#include "base/buf.h"
#include "net/address.h"
#include "net/loop.h"

struct mk_stream;

enum { MK_STREAM_READ_BUFFER = 64 * 1024 }; /* the most that is read at a time */

/* What the owner of a stream is told. `owner` is what it gave with mk_stream_adopt. */
struct mk_stream_events {
    /*
     * Bytes came; they may be changed in place, and are gone after the return. Returns how many
     * were taken: all of them, unless the owner has paused the stream in this call, or it has
     * become congested; then the stream keeps the rest, and gives it again after mk_stream_resume,
     * or when enough has been sent. What is not taken for another reason (resumed meanwhile, or
     * handed over) is given at once in another call.
     * The owner may close or abort the stream in here (then the return value does not matter).
     */
    size_t (*read)(void *owner, char *data, size_t len);

    /* The peer will send no more. Output can still be written. Not called after close or abort. */
    void (*end)(void *owner);

    /*
     * The stream is gone, by the owner's wish (error 0), the peer's, or an error (a negative errno,
     * -ETIMEDOUT included). Called once, never from within a call of the owner's to the stream. The
     * stream is freed after it returns.
     */
    void (*closed)(void *owner, int error);

    /*
     * May be NULL. All that was written, and all that the source had, has been taken by the kernel.
     * Called at the end of a turn that sent something; not after close or abort.
     */
    void (*drained)(void *owner);

    /*
     * May be NULL. Some of what was written, or of what the source had, has been taken by the
     * kernel, and the rest waits for it. Called as `drained` is.
     */
    void (*sent)(void *owner);

    /*
     * May be NULL. While the stream is paused, the peer has ended its side: it may be gone, or it
     * may only have said all that it has to say, and want an answer. Called once; what it has sent
     * before its end is still there to be read. Who must know writes something: a peer that is gone
     * answers that with a reset, and the stream ends as usual.
     */
    void (*hangup)(void *owner);
};

/*
 * Bytes that many streams share: a stream asks for them when it flushes, after its own output.
 * Embedded in whatever knows where this stream stands in the shared bytes (the hub's cursor).
 */
struct mk_stream_source {
    /*
     * The next contiguous bytes from where the stream stands, ending between two frames; an empty
     * slice when there are none. They must stay until `advance` has been told of all of them, or
     * the source was taken away. Must do nothing to the stream.
     */
    struct mk_slice (*peek)(struct mk_stream_source *source);
    /*
     * The kernel (or, with TLS, the cipher) has taken the next `len` bytes. Returns false where it
     * is known that there are no more, which spares the stream a look.
     */
    bool (*advance)(struct mk_stream_source *source, size_t len);
};

/*
 * Makes `owner` the stream's owner: of a fresh stream (from a listener or a connector), which then
 * begins to read, or of one that another owner has had (HTTP to WebSocket), whose unread bytes the
 * new owner gets. With NULL events the stream has no owner and calls nothing any more, `closed`
 * included: for use before mk_stream_close or mk_stream_abort.
 */
void mk_stream_adopt(struct mk_stream *stream, const struct mk_stream_events *events, void *owner);

/*
 * Where to write: appending here is what writing is, the stream sends it at the end of the turn
 * after mk_stream_wake. Each append must be whole frames. Errors of the buf are the caller's to
 * deal with (mk_stream_abort).
 */
struct mk_buf *mk_stream_output(struct mk_stream *stream);

/* There is output, or the source has something. Cheap, and may be called often. */
void mk_stream_wake(struct mk_stream *stream);

/*
 * Sets or (NULL) takes away the source. Where the stream stands within a run of the source that is
 * partly sent, the rest of that run is copied before the source is let go, so no frame is torn; the
 * source is not touched any more after this (nor after close or abort, which take it away).
 */
void mk_stream_set_source(struct mk_stream *stream, struct mk_stream_source *source);

/* Bytes that wait to be sent, the source's not counted. */
size_t mk_stream_backlog(const struct mk_stream *stream);

/*
 * More than `read_pause` waits to be sent. Who answers what comes should take no more in this call
 * of `read`: a few bytes may ask for very many.
 */
bool mk_stream_congested(const struct mk_stream *stream);

/*
 * No `read` until mk_stream_resume. The peer's end comes as `end` then, and meanwhile as `hangup`;
 * its going away ends the stream also meanwhile, where there is a `hangup`. Kept bytes come at the
 * end of the turn in which it was resumed, before its output leaves, never from within
 * mk_stream_resume (within `read`: after that returns).
 */
void mk_stream_pause(struct mk_stream *stream);
void mk_stream_resume(struct mk_stream *stream);
/* The owner has paused it. */
bool mk_stream_paused(const struct mk_stream *stream);

/*
 * Sends what was written, ends the sending side, and waits (5 s at most) until the peer has ended
 * its own, dropping what it still sends (16 MiB at most): so that no reset eats what was sent. Then
 * `closed`. A peer that takes nothing of what is still to be sent for 5 s ends it with -ETIMEDOUT.
 * `read` and `end` are not called any more; the source is taken away.
 */
void mk_stream_close(struct mk_stream *stream);

/* Ends it at once with `error` (0 or a negative errno), which `closed` will be told. */
void mk_stream_abort(struct mk_stream *stream, int error);

/* The peer's address ("127.0.0.1:52344", "unix"), NUL-terminated, for logs. */
const char *mk_stream_remote(const struct mk_stream *stream);

/* The same as an address; of no family where it is not known any more. */
void mk_stream_remote_address(const struct mk_stream *stream, struct mk_address *address);

/*
 * Whether the streams of this loop may send with one system call, where the kernel has io_uring and
 * allows it (they may, until this says otherwise). May be changed at any time. Returns 0 or
 * -ENOMEM.
 */
int mk_streams_use_io_uring(struct mk_loop *loop, bool may);

/* Ends, with this error, every stream of this loop that has something to send: it is not sent. */
void mk_streams_drop_output(struct mk_loop *loop, int error);

/* `gone` is called when the stream has been freed, whoever owned it last. To be set once. */
void mk_stream_on_gone(struct mk_stream *stream, void (*gone)(void *arg), void *arg);

#endif
