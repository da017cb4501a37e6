/* calls: see the header. */
#include "host/calls.h"

#include "host/cache.h"
#include "protocol/call.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define NONE UINT32_MAX

void mk_calls_init(struct mk_calls *calls)
{
    *calls = (struct mk_calls){ .first_free = NONE };
}

void mk_calls_fini(struct mk_calls *calls)
{
    for (uint32_t i = 0; i < calls->count; i++)
        assert(mk_calls_at(calls, i)->state == MK_SLOT_FREE);
    for (uint32_t i = 0; i < calls->count / MK_CALLS_CHUNK; i++)
        free(calls->chunks[i]);
    free(calls->chunks);
    mk_calls_init(calls);
}

static int grow(struct mk_calls *calls)
{
    uint32_t chunk = calls->count / MK_CALLS_CHUNK;
    if (calls->count > NONE - MK_CALLS_CHUNK)
        return -ENOMEM;
    struct mk_slot **chunks = realloc(calls->chunks, (chunk + 1) * sizeof(struct mk_slot *));
    if (!chunks)
        return -ENOMEM;
    calls->chunks = chunks;
    chunks[chunk] = calloc(MK_CALLS_CHUNK, sizeof(struct mk_slot));
    if (!chunks[chunk])
        return -ENOMEM;
    calls->count += MK_CALLS_CHUNK;
    for (uint32_t i = MK_CALLS_CHUNK; i-- > 0;) {
        struct mk_slot *slot = &chunks[chunk][i];
        slot->index = chunk * MK_CALLS_CHUNK + i;
        slot->number = MK_NO_CALL;
        slot->calls = calls;
        mk_timeout_init(&slot->deadline);
        slot->next = calls->first_free;
        calls->first_free = slot->index;
    }
    return 0;
}

struct mk_slot *mk_calls_take(struct mk_calls *calls)
{
    if (calls->first_free == NONE && grow(calls) < 0)
        return NULL;
    struct mk_slot *slot = mk_calls_at(calls, calls->first_free);
    calls->first_free = slot->next;
    slot->generation++;
    slot->number = (uint64_t)slot->generation << 32 | slot->index;
    slot->state = MK_SLOT_OPEN;
    slot->unanswered = false;
    return slot;
}

struct mk_slot *mk_calls_add(struct mk_calls *calls, struct mk_call *call)
{
    struct mk_slot *slot = mk_calls_take(calls);
    if (!slot)
        return NULL;
    slot->call = call;
    call->ticket = slot->number;
    return slot;
}

void mk_calls_remove(struct mk_calls *calls, struct mk_slot *slot)
{
    mk_timeout_disarm(&slot->deadline);
    if (slot->claims)
        mk_cache_settle(&slot->claims, false);
    slot->number = MK_NO_CALL;
    slot->call = NULL;
    slot->state = MK_SLOT_FREE;
    if (slot->generation == UINT32_MAX)
        return; /* all its numbers were used */
    slot->next = calls->first_free;
    calls->first_free = slot->index;
}

struct mk_slot *mk_calls_trace(const struct mk_calls *calls, uint64_t number)
{
    uint32_t index = (uint32_t)number, generation = (uint32_t)(number >> 32);
    if (index >= calls->count || generation == 0)
        return NULL;
    struct mk_slot *slot = mk_calls_at(calls, index);
    return generation <= slot->generation ? slot : NULL;
}
