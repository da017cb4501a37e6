/* schema: finds entries of the generated tables, by name and by number. */
#include "protocol/schema.h"

#include "protocol/tables.h"

const char *mk_dialect_name(enum mk_dialect dialect)
{
    return mk_dialects[dialect].name.ptr;
}

enum mk_dialect mk_dialect_of_minor(unsigned minor)
{
    for (size_t i = 0; i < mk_dialect_count; i++)
        if (mk_dialects[i].minor == minor)
            return (enum mk_dialect)i;
    return MK_DIALECT_NEWEST;
}

/*
 * The last eight bytes of a name, the first of them lowest: with the length they distinguish nearly
 * all names.
 */
static inline uint64_t tail_of(struct mk_slice name)
{
    uint64_t tail = 0;
    if (name.len < sizeof(tail))
        return 0;
    memcpy(&tail, name.ptr + name.len - sizeof(tail), sizeof(tail));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(tail) : tail;
}

/* As spec/generate_c.py hashes it. */
static inline uint8_t hash_of(struct mk_slice name)
{
    return (uint8_t)((tail_of(name) ^ name.len) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
}

static const struct mk_action *find_action(const struct mk_action *actions, const uint8_t *slots,
                                           struct mk_slice name)
{
    for (uint8_t at = hash_of(name); slots[at] != MK_NO_SLOT; at++)
        if (mk_slice_eq(actions[slots[at]].name, name))
            return &actions[slots[at]];
    return NULL;
}

const struct mk_action *mk_action_find(enum mk_dialect dialect, struct mk_slice name)
{
    const struct mk_dialect_tables *tables = &mk_dialects[dialect];
    const struct mk_action *found = find_action(tables->actions, tables->slots, name);
    if (!found && dialect == MK_DIALECT_DRAFT)
        found = find_action(mk_actions, mk_actions_slots, name);
    return found;
}

const struct mk_event_type *mk_event_type_find(struct mk_slice name)
{
    for (uint8_t at = hash_of(name); mk_event_types_slots[at] != MK_NO_SLOT; at++)
        if (mk_slice_eq(mk_event_types[mk_event_types_slots[at]].name, name))
            return &mk_event_types[mk_event_types_slots[at]];
    return NULL;
}

struct mk_slice mk_event_type_name(const struct mk_event_type *type)
{
    return type->name;
}

static const struct mk_event_form *form_of(const struct mk_event_type *type,
                                           enum mk_dialect dialect)
{
    return &mk_dialects[dialect].events[type - mk_event_types];
}

struct mk_slice mk_event_type_draft_name(const struct mk_event_type *type)
{
    return form_of(type, MK_DIALECT_DRAFT)->name;
}

bool mk_event_type_is_in(const struct mk_event_type *type, enum mk_dialect dialect)
{
    return form_of(type, dialect)->data != NULL;
}
