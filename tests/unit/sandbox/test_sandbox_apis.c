/* The handlers of the sandbox against the protocol's table: each API has one, and only one. */
#include "sandbox_world.h"

#include "backend/sandbox/api/features.h"
#include "protocol/tables.h"

#include <string.h>

/* Returns the number of handlers of `action` in all features. */
static size_t handlers_of(const char *action)
{
    size_t count = 0;
    for (size_t i = 0; sb_features[i]; i++)
        for (const struct sb_api *api = sb_features[i]->apis; api && api->name; api++)
            count += strcmp(api->name, action) == 0;
    return count;
}

static void each_api_has_one_handler(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < mk_action_count; i++) {
        const char *action = mk_actions[i].name.ptr;
        bool is_of_the_host = strcmp(action, "get_impl_info") == 0;
        if (handlers_of(action) != (is_of_the_host ? 0 : 1))
            fail_msg("%s has %zu handlers", action, handlers_of(action));
        if (!is_of_the_host && !w->host.supported[i])
            fail_msg("%s has a handler, but the sandbox does not support it", action);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_api_has_one_handler, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
