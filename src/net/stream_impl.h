/*
 * stream_impl: the internals of streams, for src/net only: for the makers of streams (listener,
 * connect), and for their three parts (stream.c: life cycle and input; stream_send.c: output;
 * streams.c: shared by the streams of a loop).
 */
#ifndef MK_NET_STREAM_IMPL_H
#define MK_NET_STREAM_IMPL_H

#include "net/sender.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/tls.h"

#include <sys/socket.h>

enum {
    MK_STREAM_REMOTE_TEXT = 48,            /* an IPv6 address in brackets with a port */
    MK_STREAM_LINGER_MS = 5000,            /* without progress after mk_stream_close */
    MK_STREAM_DROP_MAX = 16 * 1024 * 1024, /* bytes of a peer that is dropped while closing */
    MK_STREAM_SPARES = 64,                 /* output buffers kept for reuse */
    MK_STREAM_SPARE_MAX = 16 * 1024,       /* bytes; larger ones are freed */
};

enum mk_stream_state {
    MK_STREAM_OPEN,
    MK_STREAM_CLOSING,   /* sends the remaining output */
    MK_STREAM_LINGERING, /* all is sent; waits for the peer's end */
    MK_STREAM_GONE,      /* the socket is closed, libuv has not released the handle yet */
};

struct mk_stream_limits {
    size_t output;     /* bytes of own output not yet taken by the kernel; more closes (-ENOBUFS) */
    size_t read_pause; /* while more than this waits to be sent, nothing is read */
    size_t input;      /* bytes read at a time, so the most that is kept while paused; at least 1 */
};

/* Bytes that were read and not taken. */
struct mk_stream_kept {
    struct mk_list resumed; /* in mk_streams.resumed when the owner wants them */
    struct mk_stream *stream;
    size_t at;
    size_t len;
    char data[];
};

struct mk_stream {
    /*
     * First the fields that each send uses: with thousands of streams, memory accesses cost most.
     */
    struct mk_list dirty; /* in mk_streams.dirty, or, while it is blocked, in mk_streams.blocked */
    struct mk_streams *streams;
    struct mk_stream_source *source;
    struct mk_tls *tls; /* NULL: none */
    int fd;
    enum mk_stream_state state;
    uint8_t interest; /* the events that libuv watches for: UV_READABLE, UV_WRITABLE, ... */
    bool paused;
    bool blocked;      /* the kernel takes no more for now; UV_WRITABLE is awaited */
    bool pending;      /* something was written, and `drained` was not called since */
    bool ended;        /* the peer sends no more */
    bool end_reported; /* ... and `end` was called */
    bool hung_up;      /* `hangup` was called */
    bool yielded;      /* the owner takes no more until the next turn */
    size_t owed;       /* bytes left of a run of the source that must be sent first */
    size_t sent;       /* bytes at the front of `output` that were sent already */
    struct mk_buf output;
    const struct mk_stream_events *events; /* NULL: not adopted, or given up */
    void *owner;
    struct mk_stream_kept *kept; /* NULL: nothing */
    struct mk_list yield;        /* in mk_streams.yielded or .due */
    uint32_t turn;               /* the low bits of the turn in which `work` was done */
    uint32_t work;
    void (*gone)(void *arg); /* or NULL */
    void *gone_arg;
    struct mk_stream_limits limits;
    uv_poll_t poll;
    struct mk_timeout linger;
    size_t dropped; /* bytes dropped since mk_stream_close */
    int error;      /* for `closed` */
    char remote[MK_STREAM_REMOTE_TEXT];
};

/* Shared by the streams of one loop; made with the first of them. */
struct mk_streams {
    struct mk_loop *loop;
    struct mk_list dirty;         /* streams that have output */
    struct mk_list blocked;       /* those of them whose output the kernel does not take for now */
    struct mk_list resumed;       /* of mk_stream_kept */
    struct mk_list yielded;       /* streams that have yielded in this turn */
    struct mk_list due;           /* those that did so in the turn before */
    uint64_t turn;                /* the last turn that `due` was looked at */
    char *read_buffer;            /* bytes stay in it only during a read callback */
    struct mk_phase phase;        /* at the end of a turn */
    struct mk_timeouts lingering; /* streams that close */
    struct mk_buf spares[MK_STREAM_SPARES]; /* empty output buffers */
    unsigned spare_count;
    struct mk_sender *sender;
    char *plain_buffer;         /* TLS decrypts into it; made with the first TLS stream */
    struct mk_tls_roots *roots; /* for outgoing TLS; made with the first such stream */
};

/*
 * Returns those of a loop, which are made at the first call and live as long as the loop; NULL when
 * out of memory.
 */
struct mk_streams *mk_streams_of(struct mk_loop *loop);

/* The roots that outgoing TLS trusts; borrowed. NULL when out of memory. */
const struct mk_tls_roots *mk_streams_roots(struct mk_streams *streams);

/* stream_send.c: lets every dirty stream send. */
void mk_streams_flush(struct mk_streams *streams);

/*
 * Makes a stream of a connected, non-blocking socket. `address` is the remote address. Returns NULL
 * when out of memory; then `fd` still belongs to the caller.
 */
struct mk_stream *mk_stream_new(struct mk_streams *streams, int fd, const struct sockaddr *address);

/*
 * Starts TLS on a stream that has neither sent nor received a byte, adopted or not. Takes `tls`
 * over, also on failure. The handshake proceeds even if the stream is not adopted; output and
 * `read` wait for it; if it fails, the stream closes with -EPROTO. Returns 0, -ENOMEM or -EPROTO;
 * after an error the stream can only be aborted.
 */
int mk_stream_start_tls(struct mk_stream *stream, struct mk_tls *tls);

/* Closes the socket; `closed` follows. Does nothing the second time. */
void mk_stream_finish(struct mk_stream *stream, int error);

/* Passes the kept bytes to the owner. */
void mk_stream_deliver_kept(struct mk_stream *stream);

/* Reports the end of the input, unless some of it is still kept. */
void mk_stream_report_end(struct mk_stream *stream);

/* A new turn has begun after mk_stream_yield: passes the rest to the owner. */
void mk_stream_continue(struct mk_stream *stream);

/* Schedules the kept bytes for the end of the turn, unless the stream is paused or congested. */
void mk_stream_resume_kept(struct mk_stream *stream);

/* Makes libuv watch for the events that the stream waits for now. */
void mk_stream_watch(struct mk_stream *stream);

/* Forgets what was not sent: it cannot be sent any more. */
void mk_stream_drop_output(struct mk_stream *stream);

/* Ends a stream that cannot send, once the owner has read what had come. Calls the owner. */
void mk_stream_fail_sending(struct mk_stream *stream, int error);

/* stream_send.c: sends as much as the kernel takes. The stream may be GONE afterwards. */
void mk_stream_send(struct mk_stream *stream);

#endif
