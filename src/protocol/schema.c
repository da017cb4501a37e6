/* schema: finding things in the generated tables, by name and by number. */
#include "protocol/schema.h"

#include "protocol/tables.h"

const char *mk_dialect_name(enum mk_dialect dialect)
{
    return dialect == MK_DIALECT_DRAFT ? "draft" : "1.2";
}

/* The last bytes of a name: they tell names of the same length apart, nearly always. */
static inline uint64_t tail_of(struct mk_slice name)
{
    uint64_t tail = 0;
    if (name.len >= sizeof(tail))
        memcpy(&tail, name.ptr + name.len - sizeof(tail), sizeof(tail));
    return tail;
}

static const struct mk_action *find_action(const struct mk_action *actions, const uint8_t *start,
                                           struct mk_slice name)
{
    if (name.len > MK_NAME_MAX)
        return NULL;
    uint64_t tail = tail_of(name);
    for (size_t i = start[name.len]; i < start[name.len + 1]; i++)
        if (tail_of(actions[i].name) == tail &&
            memcmp(actions[i].name.ptr, name.ptr, name.len) == 0)
            return &actions[i];
    return NULL;
}

const struct mk_action *mk_action_find(enum mk_dialect dialect, struct mk_slice name)
{
    const struct mk_action *found = NULL;
    if (dialect == MK_DIALECT_DRAFT)
        found = find_action(mk_actions_draft, mk_actions_draft_start, name);
    return found ? found : find_action(mk_actions_1_2, mk_actions_1_2_start, name);
}

const struct mk_event_type *mk_event_type_find(struct mk_slice name)
{
    if (name.len > MK_NAME_MAX)
        return NULL;
    size_t end = mk_event_types_start[name.len + 1];
    for (size_t i = mk_event_types_start[name.len]; i < end; i++)
        if (memcmp(mk_event_types[i].name.ptr, name.ptr, name.len) == 0)
            return &mk_event_types[i];
    return NULL;
}

struct mk_slice mk_event_type_name(const struct mk_event_type *type)
{
    return type->name;
}
