/*
 * feed: gives one input to a parser in every way that a network may: whole, byte by byte and in
 * random pieces. Each piece ends at a page that nobody may read, and is spoilt as soon as it was
 * taken, so that reading too far and keeping what was only borrowed are seen at once.
 *
 * Include it after cmocka.h.
 */
#ifndef MK_TESTS_FEED_H
#define MK_TESTS_FEED_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Writable memory whose end is the end of a page, with a page behind it that faults. */
struct feed_guard {
    char *map;
    size_t map_len;
    char *end;
};

static inline void feed_guard_init(struct feed_guard *guard, size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (room + page) / page * page;
    guard->map_len = usable + page;
    guard->map =
        mmap(NULL, guard->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(guard->map, MAP_FAILED);
    guard->end = guard->map + usable;
    assert_int_equal(mprotect(guard->end, page, PROT_NONE), 0);
}

static inline void feed_guard_fini(struct feed_guard *guard)
{
    munmap(guard->map, guard->map_len);
}

/* Copies `input` (at most `room` bytes) so that it ends at the guard page. */
static inline char *feed_guard_put(struct feed_guard *guard, struct mk_slice input)
{
    char *at = guard->end - input.len;
    if (input.len > 0)
        memcpy(at, input.ptr, input.len);
    return at;
}

/*
 * One parser under test. `begin` makes a fresh one and returns it; `piece` takes all of `data` and
 * may write to it; both tell what came out by appending to `log`. `data` is gone when `piece`
 * returns. `end` frees.
 */
struct feed_subject {
    void *(*begin)(void *user, struct mk_buf *log);
    void (*piece)(void *state, char *data, size_t len);
    void (*end)(void *state);
};

/* How large the next piece is. */
enum feed_way { FEED_WHOLE, FEED_BYTES, FEED_TINY, FEED_RANDOM, FEED_HALVES, FEED_WAYS };

static inline size_t feed_piece_len(enum feed_way way, size_t left, unsigned *seed)
{
    size_t len = left;
    if (way == FEED_BYTES)
        len = 1;
    else if (way == FEED_TINY)
        len = 1 + (size_t)rand_r(seed) % 4;
    else if (way == FEED_RANDOM)
        len = 1 + (size_t)rand_r(seed) % (left < 64 ? left : 64);
    else if (way == FEED_HALVES)
        len = 1 + (size_t)rand_r(seed) % left;
    return len < left ? len : left;
}

static inline void feed_one_way(const struct feed_subject *subject, void *user,
                                struct mk_slice input, enum feed_way way, unsigned seed,
                                struct mk_buf *log)
{
    struct feed_guard guard;
    feed_guard_init(&guard, input.len);
    void *state = subject->begin(user, log);
    for (size_t at = 0; at < input.len;) {
        size_t len = feed_piece_len(way, input.len - at, &seed);
        char *piece = feed_guard_put(&guard, mk_slice_of(input.ptr + at, len));
        subject->piece(state, piece, len);
        memset(piece, 0xaa, len);
        at += len;
    }
    subject->end(state);
    feed_guard_fini(&guard);
}

/*
 * Feeds `input` in every way and fails the test unless all logs are the same. `log` was initialised
 * by the caller and is left with what came out.
 */
static inline void feed_every_way(const struct feed_subject *subject, void *user,
                                  struct mk_slice input, struct mk_buf *log)
{
    feed_one_way(subject, user, input, FEED_WHOLE, 0, log);
    struct mk_buf other;
    mk_buf_init(&other, log->max);
    for (unsigned round = 0; round < 24; round++) {
        enum feed_way way = round == 0 ? FEED_BYTES : FEED_TINY + round % (FEED_WAYS - FEED_TINY);
        mk_buf_reset(&other, SIZE_MAX);
        feed_one_way(subject, user, input, way, round, &other);
        if (!mk_slice_eq(mk_buf_slice(&other), mk_buf_slice(log))) {
            print_error("input:\n%.*s\n--- whole:\n%.*s\n--- in pieces (round %u):\n%.*s\n",
                        (int)input.len, input.ptr, (int)log->len, log->data, round, (int)other.len,
                        other.data);
            fail();
        }
    }
    mk_buf_fini(&other);
}

#endif
