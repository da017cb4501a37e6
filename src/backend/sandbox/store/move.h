/* move: a world that an older version kept elsewhere is moved, with its contents (media/content.c).
 */
#ifndef SB_STORE_MOVE_H
#define SB_STORE_MOVE_H

#include "backend/sandbox/store/feature.h"

/*
 * Moves the database at `from`, if there is one (NULL and "": there is none), and the folder of
 * contents beside it, to `to`, whose folder is there. It
 * takes three steps, each complete in itself: when the process ends in between, the next start does
 * the rest. Returns 0, or a negative errno, logged: then all that was not moved is where it was.
 */
int sb_move_world(const struct sb_feature *const *features, const char *from, const char *to);

#endif
