/*
 * table: an intrusive hash table of 64-bit keys, of which some may be equal. Adding, removing and
 * finding cost the same however many entries there are.
 */
#ifndef MK_BASE_TABLE_H
#define MK_BASE_TABLE_H

#include "base/list.h"

#include <stdint.h>

enum { MK_TABLE_FEW = 16 };

struct mk_table_entry {
    struct mk_list node;
    uint64_t key;
};

struct mk_table {
    struct mk_list few[MK_TABLE_FEW]; /* so that adding needs no memory */
    struct mk_list *buckets;          /* `few`, or allocated */
    unsigned bits;                    /* of a bucket's number */
    uint64_t factor;
    size_t count;
};

/*
 * `secret` is 0 where nobody else chooses the keys; otherwise a random number, without which keys
 * that share a bucket cannot be found. The table must not be moved.
 */
void mk_table_init(struct mk_table *table, uint64_t secret);
/* The entries are forgotten. */
void mk_table_fini(struct mk_table *table);

void mk_table_add(struct mk_table *table, struct mk_table_entry *entry, uint64_t key);
void mk_table_remove(struct mk_table *table, struct mk_table_entry *entry);

/* Returns an entry with the key, the next one after `after` where that is not NULL; or NULL. */
struct mk_table_entry *mk_table_find(const struct mk_table *table, uint64_t key,
                                     const struct mk_table_entry *after);

#endif
