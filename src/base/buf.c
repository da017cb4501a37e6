/* buf: growth by doubling, never past max. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 256, MANY = 1024 * 1024 };

void mk_buf_init(struct mk_buf *buf, size_t max)
{
    *buf = (struct mk_buf){ .max = max };
}

void mk_buf_fini(struct mk_buf *buf)
{
    if (!buf)
        return;
    free(buf->data);
    mk_buf_init(buf, buf->max);
}

int mk_buf_reserve(struct mk_buf *buf, size_t extra)
{
    if (buf->len > buf->max || extra > buf->max - buf->len)
        return -ENOBUFS;
    if (extra <= buf->cap - buf->len)
        return 0;
    size_t needed = buf->len + extra;
    size_t cap = buf->cap ? buf->cap : SMALLEST;
    while (cap < needed)
        cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
    if (cap > buf->max)
        cap = buf->max;
    char *data = realloc(buf->data, cap);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int mk_buf_reserve_announced(struct mk_buf *buf, size_t extra, uint64_t left)
{
    bool has_many = buf->len > MANY && left > extra && left <= buf->max - buf->len;
    return mk_buf_reserve(buf, has_many ? (size_t)left : extra);
}

void mk_buf_shrink(struct mk_buf *buf)
{
    char *data = buf->len > 0 && buf->len < buf->cap ? realloc(buf->data, buf->len) : NULL;
    if (!data)
        return;
    buf->data = data;
    buf->cap = buf->len;
}

int mk_buf_append(struct mk_buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return 0;
    int rc = mk_buf_reserve(buf, len);
    if (rc < 0)
        return rc;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return 0;
}

int mk_buf_append_slice(struct mk_buf *buf, struct mk_slice s)
{
    return mk_buf_append(buf, s.ptr, s.len);
}

int mk_buf_append_char(struct mk_buf *buf, char c)
{
    return mk_buf_append(buf, &c, 1);
}

int mk_buf_append_u64(struct mk_buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return mk_buf_append(buf, digits + at, sizeof(digits) - at);
}

int mk_buf_vprintf(struct mk_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int needed = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (needed < 0)
        return -EINVAL;
    /* vsnprintf also writes a NUL, which is not counted in len. */
    int rc = mk_buf_reserve(buf, (size_t)needed + 1);
    if (rc < 0)
        return rc;
    vsnprintf(buf->data + buf->len, (size_t)needed + 1, format, args);
    buf->len += (size_t)needed;
    return 0;
}

int mk_buf_printf(struct mk_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = mk_buf_vprintf(buf, format, args);
    va_end(args);
    return rc;
}

void mk_buf_consume(struct mk_buf *buf, size_t count)
{
    if (count == 0)
        return;
    buf->len -= count;
    if (buf->len > 0)
        memmove(buf->data, buf->data + count, buf->len);
}

void mk_buf_reset(struct mk_buf *buf, size_t keep)
{
    buf->len = 0;
    if (buf->cap <= keep)
        return;
    free(buf->data);
    buf->data = NULL;
    buf->cap = 0;
}
