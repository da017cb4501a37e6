/* The hash table, against a plain search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"

#include <stdbool.h>
#include <stdlib.h>

enum { COUNT = 20 * 1000 };

static void entries_are_found(void **state)
{
    struct mk_table table;
    struct mk_table_entry *entries = calloc(COUNT, sizeof(*entries));
    (void)state;
    assert_non_null(entries);
    mk_table_init(&table, 0x123456789abcdef0);
    assert_null(mk_table_find(&table, 1, NULL));
    for (size_t i = 0; i < COUNT; i++)
        mk_table_add(&table, &entries[i], i / 2); /* two with each key */
    for (size_t i = 0; i < COUNT; i += 2) {
        assert_ptr_equal(mk_table_find(&table, i / 2, NULL), &entries[i]);
        assert_ptr_equal(mk_table_find(&table, i / 2, &entries[i]), &entries[i + 1]);
        assert_null(mk_table_find(&table, i / 2, &entries[i + 1]));
    }
    for (size_t i = 0; i < COUNT; i += 2)
        mk_table_remove(&table, &entries[i]);
    assert_int_equal(table.count, COUNT / 2);
    assert_ptr_equal(mk_table_find(&table, 7, NULL), &entries[15]);
    mk_table_fini(&table);
    free(entries);
}

/* Buckets stay short, for keys in a row, multiples of a power of two, and keys of high bits. */
static void buckets_are_short(void **state)
{
    const unsigned shifts[] = { 0, 6, 40 };
    struct mk_table_entry *entries = calloc(COUNT, sizeof(*entries));
    (void)state;
    assert_non_null(entries);
    for (size_t s = 0; s < sizeof(shifts) / sizeof(shifts[0]); s++) {
        struct mk_table table;
        size_t steps = 0;
        mk_table_init(&table, 0);
        for (uint64_t i = 0; i < COUNT; i++)
            mk_table_add(&table, &entries[i], i << shifts[s]);
        for (size_t b = 0; b < (size_t)1 << table.bits; b++) {
            size_t len = 0;
            MK_LIST_FOR_EACH (it, &table.buckets[b])
                len++;
            steps += len * len;
        }
        assert_true(steps < (size_t)8 * COUNT);
        mk_table_fini(&table);
    }
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(buckets_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
