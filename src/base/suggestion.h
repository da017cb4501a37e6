/*
 * suggestion: guesses at what a mistyped word was meant to be.
 */
#ifndef MK_BASE_SUGGESTION_H
#define MK_BASE_SUGGESTION_H

#include "base/slice.h"

/*
 * The best guess so far at what `word` means. Zero it, then offer candidates; `best` stays NULL
 * where none comes near.
 */
struct mk_suggestion {
    const char *best;
    size_t distance;
};
void mk_suggestion_offer(struct mk_suggestion *near, struct mk_slice word, const char *candidate);

#endif
