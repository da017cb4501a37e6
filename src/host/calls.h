/*
 * calls: the open calls of one backend by number; another instance holds its open requests for
 * files. A number is the index of a slot (its low half) and the generation of the slot's content
 * (its high half): it is never reused, and an invented, used or late number is invalid.
 *
 * host/call.c answers calls; protocol/call.h is the call itself.
 */
#ifndef MK_HOST_CALLS_H
#define MK_HOST_CALLS_H

#include "net/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_cache_claim;
struct mk_call;
struct mk_resource_request;

enum mk_slot_state {
    MK_SLOT_FREE,
    MK_SLOT_OPEN,   /* waits for the backend's answer */
    MK_SLOT_ENDING, /* ended without an answer; the backend is being notified */
    MK_SLOT_HELD,   /* ended, but the backend may still use borrowed data */
};

struct mk_slot {
    uint64_t number; /* of the open call, else MK_NO_CALL */
    union {
        struct mk_call *call; /* NULL if free */
        struct mk_resource_request *resource;
    };
    struct mk_calls *calls;
    struct mk_cache_claim *claims; /* uploads that the call uses (host/cache.h); mostly NULL */
    struct mk_timeout deadline;    /* armed while the call is open */
    uint32_t index;
    uint32_t generation; /* of its current or last call */
    uint32_t next;       /* the next free slot */
    enum mk_slot_state state;
    bool unanswered; /* its last call has ended without the backend's answer */
};

#define MK_NO_CALL UINT64_MAX

enum { MK_CALLS_CHUNK = 64 };

/* Slots do not move. */
struct mk_calls {
    struct mk_slot **chunks;
    uint32_t count; /* of slots */
    uint32_t first_free;
};

void mk_calls_init(struct mk_calls *calls);
/* All slots must be free. */
void mk_calls_fini(struct mk_calls *calls);

/* Opens a slot with a new number; the caller sets its content. Returns NULL when out of memory. */
struct mk_slot *mk_calls_take(struct mk_calls *calls);

/* Assigns a number to a call (call->ticket). Returns its slot, or NULL when out of memory. */
struct mk_slot *mk_calls_add(struct mk_calls *calls, struct mk_call *call);

/* Frees the slot: its number becomes invalid, and its deadline is disarmed. */
void mk_calls_remove(struct mk_calls *calls, struct mk_slot *slot);

/* Returns the slot that has or had this number; NULL if the number never existed. */
struct mk_slot *mk_calls_trace(const struct mk_calls *calls, uint64_t number);

static inline struct mk_slot *mk_calls_at(const struct mk_calls *calls, uint32_t index)
{
    return &calls->chunks[index / MK_CALLS_CHUNK][index % MK_CALLS_CHUNK];
}

/* Returns the slot of an open call, or NULL. */
static inline struct mk_slot *mk_calls_find(const struct mk_calls *calls, uint64_t number)
{
    uint32_t index = (uint32_t)number;
    if (index >= calls->count)
        return NULL;
    struct mk_slot *slot = mk_calls_at(calls, index);
    return slot->number == number ? slot : NULL;
}

#endif
