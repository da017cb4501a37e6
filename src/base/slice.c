/* slice: the operations that are too long for the header. */
#include "base/slice.h"

#include <stdlib.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool mk_slice_eq_nocase(struct mk_slice a, struct mk_slice b)
{
    if (a.len != b.len)
        return false;
    if (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0)
        return true; /* nearly all clients write names in the same case */
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct mk_slice mk_slice_trim(struct mk_slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool mk_slice_next(struct mk_slice *rest, char separator, struct mk_slice *element)
{
    while (rest->len > 0) {
        const char *end = memchr(rest->ptr, separator, rest->len);
        size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
        struct mk_slice part = mk_slice_trim(mk_slice_of(rest->ptr, len));
        *rest = mk_slice_from(*rest, end ? len + 1 : len);
        if (part.len > 0) {
            *element = part;
            return true;
        }
    }
    return false;
}

char *mk_slice_dup(struct mk_slice s)
{
    char *copy = malloc(s.len + 1);
    if (!copy)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}
