/*
 * move: a world that a version before kept elsewhere, with its contents (media_store.c), comes to
 * where it is kept now.
 */
#ifndef SB_STORE_MOVE_H
#define SB_STORE_MOVE_H

#include "backend/sandbox/store/feature.h"

/*
 * Moves the database at `from`, if there is one (NULL and "": there is none), and the folder of
 * contents beside it, to `to`, whose folder is there. It takes three steps that stand for
 * themselves: a process that ends in between leaves the rest to the next. Returns 0, or a negative
 * errno, logged: then everything that was not moved is where it was.
 */
int sb_world_move(const struct sb_feature *const *features, const char *from, const char *to);

#endif
