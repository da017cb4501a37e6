/*
 * arena: memory for one call (or one event), taken in small pieces and given back all at once. The
 * first block is kept over a reset, so that a call of the usual size allocates nothing.
 */
#ifndef MK_BASE_ARENA_H
#define MK_BASE_ARENA_H

#include "base/slice.h"

struct mk_arena_block;

struct mk_arena {
    struct mk_arena_block *block; /* the newest one, where pieces are cut from */
    char *at;
    char *end;
};

void mk_arena_init(struct mk_arena *arena);
void mk_arena_fini(struct mk_arena *arena); /* NULL is allowed */

/* `size` bytes, aligned for any type, valid until reset or fini; NULL when out of memory. */
void *mk_arena_alloc(struct mk_arena *arena, size_t size);

/*
 * Makes a piece longer, in place where it is the last one. `old` was given by this arena with
 * `old_size` bytes. Returns the piece, perhaps at a new address, or NULL; then `old` is still
 * valid.
 */
void *mk_arena_grow(struct mk_arena *arena, void *old, size_t old_size, size_t size);

/* A NUL-terminated copy, or NULL. */
char *mk_arena_dup(struct mk_arena *arena, struct mk_slice s);
char *mk_arena_printf(struct mk_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns the bytes of its blocks. */
size_t mk_arena_size(const struct mk_arena *arena);

/* Forgets all pieces. */
void mk_arena_reset(struct mk_arena *arena);

#endif
