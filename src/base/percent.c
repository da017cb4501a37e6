/* percent: see the header. */
#include "base/percent.h"

#include "base/hex.h"

#include <errno.h>

int mk_percent_at(struct mk_slice text, size_t at)
{
    if (text.len < 3 || at > text.len - 3 || text.ptr[at] != '%')
        return -1;
    int high = mk_hex_digit(text.ptr[at + 1]);
    int low = mk_hex_digit(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t mk_percent_decode_lenient(struct mk_slice text, char *to)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        int byte = text.ptr[at] == '%' ? mk_percent_at(text, at) : -1;
        to[len++] = byte < 0 ? text.ptr[at] : (char)byte;
        at += byte < 0 ? 1 : 3;
    }
    return len;
}

int mk_percent_decode(struct mk_buf *out, struct mk_slice text)
{
    size_t needed = text.len;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] != '%')
            continue;
        if (mk_percent_at(text, at) < 0)
            return -EINVAL;
        needed -= 2;
    }
    if (needed == 0)
        return 0;
    int rc = mk_buf_reserve(out, needed);
    if (rc == 0)
        out->len += mk_percent_decode_lenient(text, out->data + out->len);
    return rc;
}

static bool is_left(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("-_.!~*'()", c));
}

/* Of a path or a query, where an escape may begin with '%'. */
static bool is_allowed(struct mk_slice text, size_t at)
{
    char c = text.ptr[at];
    return is_left(c) || (c != '\0' && strchr("$&+,;=:@/?", c)) || mk_percent_at(text, at) >= 0;
}

typedef bool is_kept(struct mk_slice text, size_t at);

static bool is_unescaped(struct mk_slice text, size_t at)
{
    return is_left(text.ptr[at]);
}

static int encode(struct mk_buf *out, struct mk_slice text, is_kept *keeps)
{
    size_t needed = text.len;
    for (size_t i = 0; i < text.len; i++)
        needed += keeps(text, i) ? 0 : 2;
    int rc = mk_buf_reserve(out, needed);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (keeps(text, i)) {
            out->data[out->len++] = text.ptr[i];
            continue;
        }
        out->data[out->len++] = '%';
        out->data[out->len++] = mk_hex_upper(byte >> 4);
        out->data[out->len++] = mk_hex_upper(byte & 15);
    }
    return 0;
}

int mk_percent_encode(struct mk_buf *out, struct mk_slice text)
{
    return encode(out, text, is_unescaped);
}

int mk_percent_complete(struct mk_buf *out, struct mk_slice text)
{
    return encode(out, text, is_allowed);
}
