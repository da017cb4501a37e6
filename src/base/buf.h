/*
 * buf: a growable run of bytes whose cap is set when it is made. Everything that a peer can make
 * grow is kept in a buf, so nothing grows without a bound.
 */
#ifndef MK_BASE_BUF_H
#define MK_BASE_BUF_H

#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

struct mk_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; /* len never passes this */
};

/* Empty, without memory of its own until the first byte. `max` is in bytes. */
void mk_buf_init(struct mk_buf *buf, size_t max);

/* Frees the bytes; the buf can be used again (it is as after init). NULL is allowed. */
void mk_buf_fini(struct mk_buf *buf);

/*
 * Makes room for `extra` bytes behind len, so that data[len .. len + extra) may be written.
 * Returns 0, -ENOBUFS when that would pass max, -ENOMEM. On failure nothing has changed.
 */
int mk_buf_reserve(struct mk_buf *buf, size_t extra);

/*
 * The same, for a text of which `left` bytes are announced: memory grows with the bytes that have
 * arrived; when those are many, all of `left` is reserved at once, because the first access to
 * memory that the system has moved may be slow.
 */
int mk_buf_reserve_announced(struct mk_buf *buf, size_t extra, uint64_t left);

/* Gives memory back that nothing was written to. */
void mk_buf_shrink(struct mk_buf *buf);

/* Appends; the same errors as mk_buf_reserve, and all or nothing. */
int mk_buf_append(struct mk_buf *buf, const void *data, size_t len);
int mk_buf_append_slice(struct mk_buf *buf, struct mk_slice s);
int mk_buf_append_char(struct mk_buf *buf, char c);
int mk_buf_append_u64(struct mk_buf *buf, uint64_t number);
int mk_buf_printf(struct mk_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int mk_buf_vprintf(struct mk_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Appends where room was made with mk_buf_reserve: cannot fail. */
static inline void mk_buf_put(struct mk_buf *buf, struct mk_slice s)
{
    if (s.len > 0)
        memcpy(buf->data + buf->len, s.ptr, s.len);
    buf->len += s.len;
}

/* Drops the first `count` bytes (count <= len) and moves the rest to the front. */
void mk_buf_consume(struct mk_buf *buf, size_t count);

/* Removes all bytes. Keeps at most `keep` bytes of memory. */
void mk_buf_reset(struct mk_buf *buf, size_t keep);

static inline struct mk_slice mk_buf_slice(const struct mk_buf *buf)
{
    return mk_slice_of(buf->data, buf->len);
}

#endif
