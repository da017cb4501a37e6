/*
 * inflate_private: decompressing one message, whole (inflate.c) or as it arrives (inflation.c).
 */
#ifndef MK_WIRE_INFLATE_PRIVATE_H
#define MK_WIRE_INFLATE_PRIVATE_H

#include "wire/deflate.h"

/* Beside enum mk_inflate_status. */
enum {
    MK_INFLATE_ENDED = 100, /* a block marked as the last one ended with the input */
    MK_INFLATE_WAITS,       /* the result is as long as it may be for now */
};

struct mk_inflate_run {
    z_stream *z;
    struct mk_inflate_window *window; /* NULL: each message begins anew */
    struct mk_buf *out;               /* its `max` is the limit */
    size_t blocks;
    bool waits;   /* at the limit it stops, with the rest of the input left in *z */
    Bytef beyond; /* receives the first byte beyond the limit */
};

/* Begins a stream with its history: the window, and the message so far (zlib appends it). */
int mk_inflate_restore(struct mk_inflate_run *run);

/*
 * Decompresses a piece of a message. Another stream may begin behind a block that is marked as the
 * last one (7.2.3.4). Returns 0 when more input is needed, MK_INFLATE_ENDED, MK_INFLATE_WAITS, or
 * an error as mk_deflate_inflate does.
 */
int mk_inflate_piece(struct mk_inflate_run *run, struct mk_slice piece);

/* With its tail appended again, a valid message ends between two blocks and on a byte boundary. */
int mk_inflate_end(struct mk_inflate_run *run);

/* Moves the window, which may be NULL, behind a message, or empties it after a bad one. */
int mk_inflate_slide(struct mk_inflate_window *window, int status, struct mk_slice message);

#endif
