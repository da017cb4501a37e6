/*
 * fuzz: shared by the targets: a check that ends them, and the splitting of inputs. The block of a
 * piece has exactly its size, so that a sanitizer sees one byte too far.
 */
#ifndef MK_FUZZ_H
#define MK_FUZZ_H

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the target where a rule is broken; `what` says which. */
static inline void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* A copy in a block of its own, to be freed; never NULL. */
static inline char *copy_of(const void *data, size_t len)
{
    char *copy = malloc(len + !len);
    check(copy != NULL, "memory");
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

/* The first byte of the input, which is taken off it; 0 where it is empty. */
static inline uint8_t take_byte(struct mk_slice *input)
{
    uint8_t byte = input->len > 0 ? (uint8_t)input->ptr[0] : 0;
    *input = mk_slice_from(*input, 1);
    return byte;
}

/* The input up to the next `separator`, both taken off it; all of it where there is none. */
static inline struct mk_slice take_until(struct mk_slice *input, char separator)
{
    const char *end = input->len > 0 ? memchr(input->ptr, separator, input->len) : NULL;
    struct mk_slice part = *input;
    if (end)
        part.len = (size_t)(end - input->ptr);
    *input = end ? mk_slice_from(*input, part.len + 1) : (struct mk_slice){ 0 };
    return part;
}

static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

#endif
