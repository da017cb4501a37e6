/* action: the functions of milky/backend.h about names and numbers of actions. */
#include "protocol/schema.h"
#include "protocol/tables.h"

#include <milky/backend.h>

size_t milky_action_count(void)
{
    return mk_action_count;
}

int milky_action_number(const char *name)
{
    const struct mk_action *action = mk_action_find(MK_DIALECT_NEWEST, mk_slice_str(name));
    return action ? (int)action->number : -1;
}

const char *milky_action_name(size_t number)
{
    return number < mk_action_count ? mk_actions[number].name.ptr : NULL;
}

bool milky_action_takes_uris(size_t number)
{
    return number < mk_action_count && mk_actions[number].takes_uris;
}
