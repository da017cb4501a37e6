/* keys: see the header. */
#include "hub/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void mk_keys_fini(struct mk_keys *keys)
{
    free(keys->known);
    free(keys->buckets);
    *keys = (struct mk_keys){ 0 };
}

static uint32_t *bucket_of(const struct mk_keys *keys, const struct mk_key *key)
{
    uint32_t bits;
    memcpy(&bits, key->bytes, sizeof(bits)); /* all bits of a digest are equally good */
    return &keys->buckets[bits & (keys->room - 1)];
}

static void link_in(struct mk_keys *keys, uint32_t index)
{
    uint32_t *bucket = bucket_of(keys, &keys->known[index].key);
    keys->known[index].next = *bucket;
    *bucket = index + 1;
}

static void take_out(struct mk_keys *keys, uint32_t index)
{
    uint32_t *link = bucket_of(keys, &keys->known[index].key);
    while (*link != index + 1)
        link = &keys->known[*link - 1].next;
    *link = keys->known[index].next;
}

int mk_keys_reserve(struct mk_keys *keys)
{
    if (keys->added < keys->room || keys->room == MK_KEYS_MAX)
        return 0;
    size_t room = keys->room ? keys->room * 2 : FIRST_ROOM;
    struct mk_known_key *known = realloc(keys->known, room * sizeof(*known));
    if (known)
        keys->known = known;
    uint32_t *buckets = known ? calloc(room, sizeof(*buckets)) : NULL;
    if (!buckets)
        return -ENOMEM;
    free(keys->buckets);
    keys->buckets = buckets;
    keys->room = room;
    for (uint32_t i = 0; i < keys->added; i++)
        link_in(keys, i);
    return 0;
}

void mk_keys_add(struct mk_keys *keys, const struct mk_key *key, uint64_t number)
{
    uint32_t index = (uint32_t)(keys->added % MK_KEYS_MAX);
    if (keys->added >= MK_KEYS_MAX)
        take_out(keys, index);
    keys->known[index] = (struct mk_known_key){ .key = *key, .number = number };
    link_in(keys, index);
    keys->added++;
}

uint64_t mk_keys_find(const struct mk_keys *keys, const struct mk_key *key)
{
    if (keys->room == 0)
        return 0;
    for (uint32_t at = *bucket_of(keys, key); at > 0; at = keys->known[at - 1].next)
        if (memcmp(&keys->known[at - 1].key, key, sizeof(*key)) == 0)
            return keys->known[at - 1].number;
    return 0;
}
