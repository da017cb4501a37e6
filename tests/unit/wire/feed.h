/*
 * feed: hands an input to a parser whole, byte by byte or randomly split. Each piece lies right
 * before a page that must not be touched, so that reading one byte too many ends the test, and is
 * overwritten when the parser has seen it, so that nothing can still borrow from it.
 */
#ifndef MK_TESTS_FEED_H
#define MK_TESTS_FEED_H

#include "base/slice.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The ways to feed an input: go through all of them. Those from FEED_RANDOM on are random splits.
 */
enum { FEED_WHOLE, FEED_BYTES, FEED_RANDOM, FEED_MODES = 12 };

/* Room for pieces of up to `len` bytes that end where the guard page begins. */
struct feed_guard {
    char *pages;
    size_t size; /* without the last page */
    size_t page;
};

static inline struct feed_guard feed_guard_new(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct feed_guard guard = { .size = (len / page + 1) * page, .page = page };
    guard.pages =
        mmap(NULL, guard.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.pages == MAP_FAILED || mprotect(guard.pages + guard.size, page, PROT_NONE) < 0)
        abort();
    return guard;
}

static inline void feed_guard_free(struct feed_guard guard)
{
    munmap(guard.pages, guard.size + guard.page);
}

/* A copy of the piece that ends at the guard page; it overwrites the one before. */
static inline char *feed_guard_place(struct feed_guard guard, struct mk_slice piece)
{
    char *at = guard.pages + guard.size - piece.len;
    if (piece.len > 0)
        memcpy(at, piece.ptr, piece.len);
    return at;
}

/* xorshift: the same splits in every run. */
static inline uint32_t feed_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/*
 * Calls `take(self, data, len)` for each piece of `input` in the order of the bytes, until it
 * returns false. `data` may be written to. An empty input is one empty piece.
 */
static inline void feed(struct mk_slice input, unsigned mode,
                        bool (*take)(void *self, char *data, size_t len), void *self)
{
    struct feed_guard guard = feed_guard_new(input.len);
    uint32_t seed = mode * 2654435761U + 1;
    bool more = true;
    size_t at = 0;
    do {
        size_t left = input.len - at;
        size_t len = left;
        if (mode == FEED_BYTES && len > 1)
            len = 1;
        else if (mode >= FEED_RANDOM && len > 1)
            len = 1 + feed_random(&seed) % (feed_random(&seed) % 2 ? left : left < 16 ? left : 16);
        char *data = feed_guard_place(guard, mk_slice_of(input.ptr + at, len));
        more = take(self, data, len);
        memset(data, 0xaa, len);
        at += len;
    } while (more && at < input.len);
    feed_guard_free(guard);
}

#endif
