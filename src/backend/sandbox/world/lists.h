/* lists: all lists of a world, those of the features in the order of api/features.c. */
#ifndef SB_WORLD_LISTS_H
#define SB_WORLD_LISTS_H

#include "backend/sandbox/model/world_list.h"

enum { SB_WORLD_LISTS_MAX = 64 };

/*
 * Fills `lists` and returns how many there are. The order is one in which they can be loaded: a
 * list is behind those that its elements refer to.
 */
size_t sb_world_lists(const struct sb_world_list *lists[SB_WORLD_LISTS_MAX]);

#endif
