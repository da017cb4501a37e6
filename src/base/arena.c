/* arena: a chain of blocks, each at least as large as the allocation that needed it. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_KEPT = 16384 };

struct mk_arena_block {
    struct mk_arena_block *older;
    size_t size;
    _Alignas(ALIGN) char data[];
};

void mk_arena_init(struct mk_arena *arena)
{
    *arena = (struct mk_arena){ 0 };
}

static void free_blocks(struct mk_arena_block *block)
{
    while (block) {
        struct mk_arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void mk_arena_fini(struct mk_arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->block);
    mk_arena_init(arena);
}

static void use_block(struct mk_arena *arena, struct mk_arena_block *block)
{
    arena->block = block;
    arena->at = block->data;
    arena->end = block->data + block->size;
}

static int add_block(struct mk_arena *arena, size_t size)
{
    size_t wanted = arena->block ? arena->block->size * 2 : FIRST_BLOCK;
    if (wanted < size)
        wanted = size;
    struct mk_arena_block *block = malloc(sizeof(*block) + wanted);
    if (!block)
        return -1;
    block->older = arena->block;
    block->size = wanted;
    use_block(arena, block);
    return 0;
}

static size_t aligned(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *mk_arena_alloc(struct mk_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4)
        return NULL;
    size = aligned(size ? size : 1);
    if (size > (size_t)(arena->end - arena->at) && add_block(arena, size) < 0)
        return NULL;
    void *piece = arena->at;
    arena->at += size;
    return piece;
}

void *mk_arena_grow(struct mk_arena *arena, void *old, size_t old_size, size_t size)
{
    if (size <= old_size)
        return old;
    bool is_last = (char *)old + aligned(old_size ? old_size : 1) == arena->at;
    if (is_last && size < SIZE_MAX / 4 && aligned(size) <= (size_t)(arena->end - (char *)old)) {
        arena->at = (char *)old + aligned(size);
        return old;
    }
    void *piece = mk_arena_alloc(arena, size);
    if (piece)
        memcpy(piece, old, old_size);
    return piece;
}

char *mk_arena_dup(struct mk_arena *arena, struct mk_slice s)
{
    char *copy = mk_arena_alloc(arena, s.len + 1);
    if (!copy)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *mk_arena_printf(struct mk_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = needed < 0 ? NULL : mk_arena_alloc(arena, (size_t)needed + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)needed + 1, format, args);
    va_end(args);
    return text;
}

size_t mk_arena_size(const struct mk_arena *arena)
{
    size_t size = 0;
    for (const struct mk_arena_block *block = arena->block; block; block = block->older)
        size += block->size;
    return size;
}

void mk_arena_reset(struct mk_arena *arena)
{
    if (!arena->block)
        return;
    struct mk_arena_block *kept = arena->block;
    if (kept->size > LARGEST_KEPT) {
        mk_arena_fini(arena);
        return;
    }
    free_blocks(kept->older);
    kept->older = NULL;
    use_block(arena, kept);
}
