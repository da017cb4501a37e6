/* lists: see the header. */
#include "backend/sandbox/world/lists.h"

#include "backend/sandbox/api/features.h"

#include <assert.h>

size_t sb_world_lists(const struct sb_world_list *lists[SB_WORLD_LISTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; sb_features[i]; i++)
        for (size_t k = 0; sb_features[i]->lists && sb_features[i]->lists[k]; k++) {
            assert(count < SB_WORLD_LISTS_MAX);
            lists[count++] = sb_features[i]->lists[k];
        }
    return count;
}
