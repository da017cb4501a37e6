/*
 * sqlite_memory: cheap memory for SQLite. SQLite allocates all the time, and allocations are slow
 * under a sanitizer; the targets do not test SQLite itself.
 */
#ifndef MK_FUZZ_SQLITE_MEMORY_H
#define MK_FUZZ_SQLITE_MEMORY_H

#include "fuzz.h"

#include <sqlite3.h>

/* Pieces are kept by their size, a power of two, once they have been asked for. Two words in front
 * of each: its class, and the next free one. */
enum { SQLITE_CLASSES = 40, SQLITE_HEAD = 16, SQLITE_LEAST = 5 };
static void *sqlite_kept[SQLITE_CLASSES];

static int sqlite_class(int size)
{
    int class = SQLITE_LEAST;
    while ((size_t)1 << class < (size_t)size)
        class ++;
    return class;
}

static void *sqlite_malloc(int size)
{
    int class = sqlite_class(size);
    size_t *piece = sqlite_kept[class];
    if (piece)
        sqlite_kept[class] = *(void **)(piece + 1);
    else
        piece = malloc(SQLITE_HEAD + ((size_t)1 << class));
    if (!piece)
        return NULL;
    piece[0] = (size_t) class;
    return (char *)piece + SQLITE_HEAD;
}

static size_t *sqlite_head(void *memory)
{
    return (size_t *)(void *)((char *)memory - SQLITE_HEAD);
}

static void sqlite_free(void *memory)
{
    size_t *piece = sqlite_head(memory);
    *(void **)(piece + 1) = sqlite_kept[piece[0]];
    sqlite_kept[piece[0]] = piece;
}

static int sqlite_size(void *memory)
{
    return memory ? (int)((size_t)1 << *sqlite_head(memory)) : 0;
}

static void *sqlite_realloc(void *memory, int size)
{
    if (size <= sqlite_size(memory))
        return memory;
    void *grown = sqlite_malloc(size);
    if (grown) {
        memcpy(grown, memory, (size_t)sqlite_size(memory));
        sqlite_free(memory);
    }
    return grown;
}

static int sqlite_round(int size)
{
    return 1 << sqlite_class(size);
}

static int sqlite_init(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void sqlite_shutdown(void *context)
{
    (void)context;
}

/* Before SQLite is first used; on one thread alone. */
static inline void sqlite_take_memory(void)
{
    static const struct sqlite3_mem_methods methods = {
        .xMalloc = sqlite_malloc,
        .xFree = sqlite_free,
        .xRealloc = sqlite_realloc,
        .xSize = sqlite_size,
        .xRoundup = sqlite_round,
        .xInit = sqlite_init,
        .xShutdown = sqlite_shutdown,
    };
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

#endif
