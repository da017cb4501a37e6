/*
 * calls: the open calls of one backend, by the numbers that it knows them by; its open requests for
 * files, by numbers of their own, are kept in another one. A number is the index
 * of a slot (its low half) and the generation of what is in there (its high half): it is never
 * given twice, and one that was made up, has been used or is too late names nothing.
 *
 * Not here: answering a call (host/call.c), and the call itself (protocol/call.h).
 */
#ifndef MK_HOST_CALLS_H
#define MK_HOST_CALLS_H

#include "net/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_call;
struct mk_resource_request;

enum mk_slot_state {
    MK_SLOT_FREE,
    MK_SLOT_OPEN,   /* the backend is to answer */
    MK_SLOT_ENDING, /* it has ended without an answer, of which the backend is being notified */
    MK_SLOT_HELD,   /* it has ended, and the backend goes on: it may use what it borrowed */
};

struct mk_slot {
    uint64_t number; /* of the open call, else MK_NO_CALL */
    union {
        struct mk_call *call; /* NULL where it is free */
        struct mk_resource_request *resource;
    };
    struct mk_calls *calls;
    struct mk_timeout deadline; /* armed by the owner while the call is open */
    uint32_t index;
    uint32_t generation; /* of the call that is in it, or was the last one */
    uint32_t next;       /* free one */
    enum mk_slot_state state;
    bool unanswered; /* the last call in it has ended without an answer of the backend */
};

#define MK_NO_CALL UINT64_MAX

enum { MK_CALLS_CHUNK = 64 };

/* Slots stay where they are. */
struct mk_calls {
    struct mk_slot **chunks;
    uint32_t count; /* of slots */
    uint32_t first_free;
};

void mk_calls_init(struct mk_calls *calls);
/* All must be free. */
void mk_calls_fini(struct mk_calls *calls);

/* An open slot with a number of its own, whose content is the caller's to set. Returns NULL when
 * out of memory. */
struct mk_slot *mk_calls_take(struct mk_calls *calls);

/* Gives a call its number (call->ticket). Returns its slot, or NULL when out of memory. */
struct mk_slot *mk_calls_add(struct mk_calls *calls, struct mk_call *call);

/* The slot is free again: its number names nothing from here on, and its deadline is off. */
void mk_calls_remove(struct mk_calls *calls, struct mk_slot *slot);

/* The slot that had this number, whatever is in it now; NULL where there never was such a number.
 */
struct mk_slot *mk_calls_trace(const struct mk_calls *calls, uint64_t number);

static inline struct mk_slot *mk_calls_at(const struct mk_calls *calls, uint32_t index)
{
    return &calls->chunks[index / MK_CALLS_CHUNK][index % MK_CALLS_CHUNK];
}

/* The slot of an open call, or NULL. */
static inline struct mk_slot *mk_calls_find(const struct mk_calls *calls, uint64_t number)
{
    uint32_t index = (uint32_t)number;
    if (index >= calls->count)
        return NULL;
    struct mk_slot *slot = mk_calls_at(calls, index);
    return slot->number == number ? slot : NULL;
}

#endif
