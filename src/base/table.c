/* table: see the header. Multiply-shift hashing; the number of buckets doubles with the entries. */
#include "base/table.h"

#include <stdlib.h>

enum { FEW_BITS = 4, MOST_BITS = 30 };

static struct mk_list *bucket_of(const struct mk_table *table, uint64_t key)
{
    return &table->buckets[key * table->factor >> (64 - table->bits)];
}

static void set_buckets(struct mk_table *table, struct mk_list *buckets, unsigned bits)
{
    for (size_t i = 0; i < (size_t)1 << bits; i++)
        mk_list_init(&buckets[i]);
    table->buckets = buckets;
    table->bits = bits;
}

void mk_table_init(struct mk_table *table, uint64_t secret)
{
    *table = (struct mk_table){ .factor = secret ? secret | 1 : 0x9e3779b97f4a7c15 };
    set_buckets(table, table->few, FEW_BITS);
}

void mk_table_fini(struct mk_table *table)
{
    if (table->buckets != table->few)
        free(table->buckets);
    *table = (struct mk_table){ .factor = table->factor };
}

/* Without memory for more buckets they become longer. */
static void grow(struct mk_table *table)
{
    struct mk_list *old = table->buckets;
    size_t old_count = (size_t)1 << table->bits;
    struct mk_list *buckets = malloc(2 * old_count * sizeof(*buckets));
    if (!buckets)
        return;
    set_buckets(table, buckets, table->bits + 1);
    for (size_t i = 0; i < old_count; i++) {
        MK_LIST_FOR_EACH (it, &old[i]) {
            mk_list_remove(it);
            mk_list_push(bucket_of(table, MK_CONTAINER_OF(it, struct mk_table_entry, node)->key),
                         it);
        }
    }
    if (old != table->few)
        free(old);
}

void mk_table_add(struct mk_table *table, struct mk_table_entry *entry, uint64_t key)
{
    if (table->count >> table->bits > 0 && table->bits < MOST_BITS)
        grow(table);
    entry->key = key;
    mk_list_push(bucket_of(table, key), &entry->node);
    table->count++;
}

void mk_table_remove(struct mk_table *table, struct mk_table_entry *entry)
{
    mk_list_remove(&entry->node);
    table->count--;
}

struct mk_table_entry *mk_table_find(const struct mk_table *table, uint64_t key,
                                     const struct mk_table_entry *after)
{
    struct mk_list *bucket = bucket_of(table, key);
    for (struct mk_list *it = after ? after->node.next : bucket->next; it != bucket;
         it = it->next) {
        struct mk_table_entry *entry = MK_CONTAINER_OF(it, struct mk_table_entry, node);
        if (entry->key == key)
            return entry;
    }
    return NULL;
}
