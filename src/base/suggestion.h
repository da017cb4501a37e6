/* suggestion: finds the word that a mistyped one was meant to be ("did you mean"). */
#ifndef MK_BASE_SUGGESTION_H
#define MK_BASE_SUGGESTION_H

#include "base/slice.h"

/*
 * The best candidate so far. Zero it, then offer candidates; `best` stays NULL where none is close
 * to `word`.
 */
struct mk_suggestion {
    const char *best;
    size_t distance;
};
void mk_suggestion_offer(struct mk_suggestion *near, struct mk_slice word, const char *candidate);

#endif
