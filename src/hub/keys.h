/*
 * keys: the keys of a bot's last events, so that an event that is reported again is not emitted
 * again. Bounded: a new key replaces the oldest. It does not use the journal; the hub fills it from
 * there, and stores new keys (journal.h).
 */
#ifndef MK_HUB_KEYS_H
#define MK_HUB_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MK_KEYS_MAX = 8192, MK_KEY_LEN = 16 };

/* A digest of the key's text; collisions are negligible. */
struct mk_key {
    uint8_t bytes[MK_KEY_LEN];
};

struct mk_known_key {
    struct mk_key key;
    uint64_t number; /* of the event */
    uint32_t next;   /* in its bucket: the next one's index plus 1; 0: the last */
};

/* A zeroed one is empty. */
struct mk_keys {
    struct mk_known_key *known; /* circular: the n-th key is at n % MK_KEYS_MAX */
    uint32_t *buckets;          /* the first one's index plus 1; `room` of them */
    size_t room;                /* a power of two */
    uint64_t added;             /* keys that were ever added */
};

void mk_keys_fini(struct mk_keys *keys);

/* Makes room for one more, so that adding it cannot fail. Returns 0 or -ENOMEM. */
int mk_keys_reserve(struct mk_keys *keys);

/* Adds a new key, for which room was reserved; replaces the oldest when full. */
void mk_keys_add(struct mk_keys *keys, const struct mk_key *key, uint64_t number);

/* Returns the number of the event of this key; 0 if the key is unknown. */
uint64_t mk_keys_find(const struct mk_keys *keys, const struct mk_key *key);

#endif
