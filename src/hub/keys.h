/*
 * keys: by what names a bot's last events are known, so that one that is reported again is not
 * emitted again. Bounded: a new key takes the place of the oldest. It knows no journal; the hub
 * fills it from there, and stores what is added (journal.h).
 */
#ifndef MK_HUB_KEYS_H
#define MK_HUB_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MK_KEYS_MAX = 8192, MK_KEY_LEN = 16 };

/* A digest of the name: two names with one key do not happen. */
struct mk_key {
    uint8_t bytes[MK_KEY_LEN];
};

struct mk_known_key {
    struct mk_key key;
    uint64_t number; /* of the event */
    uint32_t next;   /* in its bucket: the place behind it plus 1; 0: the last */
};

/* Zeroed is empty. */
struct mk_keys {
    struct mk_known_key *known; /* a ring: the n-th key that was ever added is at n % MK_KEYS_MAX */
    uint32_t *buckets;          /* the first place plus 1; as many as there is room */
    size_t room;                /* a power of two */
    uint64_t added;             /* keys that were ever added */
};

void mk_keys_fini(struct mk_keys *keys);

/* Makes room for one more, so that adding it cannot fail. Returns 0 or -ENOMEM. */
int mk_keys_reserve(struct mk_keys *keys);

/* Adds a key that is not known, where room was made, in the place of the oldest when there are too
 * many. */
void mk_keys_add(struct mk_keys *keys, const struct mk_key *key, uint64_t number);

/* The number of the event of this key; 0: it is not known. */
uint64_t mk_keys_find(const struct mk_keys *keys, const struct mk_key *key);

#endif
