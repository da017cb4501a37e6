/*
 * stream: one connection as bytes both ways: TCP, a Unix-domain socket, or TLS over TCP.
 *
 * Input: each read is passed to the owner's `read`, directly from the loop's shared buffer. Output:
 * the owner's output is gathered and sent at the end of the loop's turn, together with that of a
 * source (below), in one vectored send. The part that the kernel does not take is sent when the
 * socket is writable again; meanwhile new output is gathered.
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

/* The callbacks of a stream's owner. `owner` is the argument of mk_stream_adopt. */
struct mk_stream_events {
    /*
     * Bytes have arrived; they may be changed in place, and are invalid after the return. Returns
     * how many were taken: all of them, unless the owner has paused the stream in this call, or it
     * has become congested or has yielded; then the stream keeps the rest, and passes it again
     * after mk_stream_resume, when enough has been sent, or in the next turn. Bytes that are not
     * taken for another reason (the stream was resumed meanwhile, or has a new owner) are passed
     * again at once. The owner may close or abort the stream in this call; then the result does not
     * matter.
     */
    size_t (*read)(void *owner, char *data, size_t len);

    /* The peer will send no more. Output can still be written. Not called after close or abort. */
    void (*end)(void *owner);

    /*
     * The stream has ended: closed by the owner (error 0) or by the peer, or by an error (a
     * negative errno, -ETIMEDOUT included). Called once, never from within a function of the stream
     * that the owner calls. The stream is freed after it returns.
     */
    void (*closed)(void *owner, int error);

    /*
     * May be NULL. The kernel has taken all output, and all bytes of the source. Called at the end
     * of a turn that sent something; not after close or abort.
     */
    void (*drained)(void *owner);

    /*
     * May be NULL. The kernel has taken a part of the output, or of the source's bytes, and the
     * rest waits. Called at the same time as `drained`.
     */
    void (*sent)(void *owner);

    /*
     * May be NULL. The peer has ended its side while the stream is paused: it may be gone, or it
     * may only have sent everything and wait for an answer. Called once; bytes that it sent before
     * can still be read. To find out, the owner writes something: a peer that is gone answers with
     * a reset, and the stream ends as usual.
     */
    void (*hangup)(void *owner);
};

/*
 * Bytes that many streams share: a stream takes them when it flushes, after its own output.
 * Embedded in the object that keeps this stream's position in the shared bytes (the hub's cursor).
 */
struct mk_stream_source {
    /*
     * Returns the next contiguous bytes from the stream's position, ending between two frames; an
     * empty slice when there are none. They must stay valid until `advance` was called for all of
     * them, or the source was removed. Must not change the stream.
     */
    struct mk_slice (*peek)(struct mk_stream_source *source);
    /*
     * The kernel (or, with TLS, the cipher) has taken the next `len` bytes. Returns false where it
     * is known that there are no more, which saves the stream a call of `peek`.
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
 * The output buffer: bytes that are appended to it are sent at the end of the turn after
 * mk_stream_wake. Each append must be whole frames. The caller handles errors of the buf
 * (mk_stream_abort).
 */
struct mk_buf *mk_stream_output(struct mk_stream *stream);

/* Notes that there is output, or that the source has bytes. Cheap, and may be called often. */
void mk_stream_wake(struct mk_stream *stream);

/*
 * Sets or (NULL) removes the source. If a run of the old source was sent in part, the rest of that
 * run is copied first, so that no frame is torn; the old source is not used after this (nor after
 * close or abort, which remove it).
 */
void mk_stream_set_source(struct mk_stream *stream, struct mk_stream_source *source);

/* Returns the number of bytes that wait to be sent, without those of the source. */
size_t mk_stream_backlog(const struct mk_stream *stream);

/*
 * Returns whether input, the peer's end or an error waits in the socket, before the loop has seen
 * it. A system call.
 */
bool mk_stream_has_input(const struct mk_stream *stream);

/*
 * Returns whether more than `read_pause` bytes wait to be sent. An owner that answers requests
 * should take no more bytes in this call of `read`, since a small request may have a large answer.
 */
bool mk_stream_congested(const struct mk_stream *stream);

/*
 * Stops calls of `read` until mk_stream_resume. The peer's end is reported as `hangup` meanwhile,
 * and as `end` after that; a reset ends a stream with a `hangup` callback also while it is paused.
 * Kept bytes are passed at the end of the turn in which the stream was resumed, before its output
 * is sent, never from within mk_stream_resume (which, called in `read`, takes effect after that
 * returns).
 */
void mk_stream_pause(struct mk_stream *stream);
void mk_stream_resume(struct mk_stream *stream);
/* Returns whether the owner has paused it. */
bool mk_stream_paused(const struct mk_stream *stream);

/*
 * Stops calls of `read` until the next turn, so that others are served between: for an owner that
 * has done its share of work in this one.
 */
void mk_stream_yield(struct mk_stream *stream);
/* Returns whether the stream has yielded in this turn. */
bool mk_stream_yielded(const struct mk_stream *stream);

/*
 * Counts work that the owner has done for its peer: the bytes that it has processed, and
 * MK_STREAM_REQUEST for each request. Beyond MK_STREAM_SHARE in one turn the stream yields.
 */
enum { MK_STREAM_SHARE = 64 * 1024, MK_STREAM_REQUEST = 1024 };
void mk_stream_worked(struct mk_stream *stream, size_t work);

/*
 * Sends the output, ends the sending side, and waits (5 s at most) until the peer has ended its
 * own, dropping the bytes that it still sends (16 MiB at most), so that a reset cannot destroy sent
 * bytes. Then `closed` is called. If the peer takes none of the output for 5 s, the stream ends
 * with -ETIMEDOUT. `read` and `end` are not called any more; the source is removed.
 */
void mk_stream_close(struct mk_stream *stream);

/* Ends it at once with `error` (0 or a negative errno), which is passed to `closed`. */
void mk_stream_abort(struct mk_stream *stream, int error);

/* The remote address ("127.0.0.1:52344", "unix"), NUL-terminated, for logs. */
const char *mk_stream_remote(const struct mk_stream *stream);

/* The same as an address; AF_UNSPEC where it is not known any more. */
void mk_stream_remote_address(const struct mk_stream *stream, struct mk_address *address);

/*
 * Sets whether the streams of this loop may send together, with one system call, where the kernel
 * has io_uring and allows it; by default they may. May be changed at any time. Returns 0 or
 * -ENOMEM.
 */
int mk_streams_use_io_uring(struct mk_loop *loop, bool may);

/* Ends, with this error, every stream of this loop that has output; the output is not sent. */
void mk_streams_drop_output(struct mk_loop *loop, int error);

/* Calls `gone` when the stream has been freed, whatever its last owner. To be called once. */
void mk_stream_on_gone(struct mk_stream *stream, void (*gone)(void *arg), void *arg);

#endif
