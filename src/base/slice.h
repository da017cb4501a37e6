/*
 * slice: a borrowed run of bytes. It owns nothing and is passed by value; its holder must know what
 * keeps the bytes alive.
 */
#ifndef MK_BASE_SLICE_H
#define MK_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct mk_slice {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* A slice over a string literal, or over a NUL-terminated string. */
#define MK_SLICE(literal) ((struct mk_slice){ (literal), sizeof(literal) - 1 })

static inline struct mk_slice mk_slice_of(const char *ptr, size_t len)
{
    return (struct mk_slice){ ptr, len };
}

static inline struct mk_slice mk_slice_str(const char *text)
{
    return (struct mk_slice){ text, text ? strlen(text) : 0 };
}

static inline bool mk_slice_eq(struct mk_slice a, struct mk_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool mk_slice_starts_with(struct mk_slice s, struct mk_slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* The part from `from` on; empty when `from` is past the end. */
static inline struct mk_slice mk_slice_from(struct mk_slice s, size_t from)
{
    return from < s.len ? (struct mk_slice){ s.ptr + from, s.len - from } : (struct mk_slice){ 0 };
}

/* Compares without regard to the case of ASCII letters (header names, schemes, tokens). */
bool mk_slice_eq_nocase(struct mk_slice a, struct mk_slice b);

/* Without the spaces and tabs at both ends (RFC 9110 OWS). */
struct mk_slice mk_slice_trim(struct mk_slice s);

/*
 * Takes the next element of a list such as "a, b;q=1, c" off `rest`, split at `separator` and
 * trimmed. Returns false when nothing is left. Empty elements are skipped (RFC 9110, 5.6.1).
 */
bool mk_slice_next(struct mk_slice *rest, char separator, struct mk_slice *element);

/* A NUL-terminated copy on the heap, to be freed with free(); NULL when out of memory. */
char *mk_slice_dup(struct mk_slice s);

#endif
