/* suggestion: see the header. */
#include "base/suggestion.h"

#include <stdbool.h>

enum { LONGEST_WORD = 48 };

/* The Levenshtein distance, computed row by row. */
static size_t distance(struct mk_slice a, struct mk_slice b)
{
    size_t row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = corner + (a.ptr[i] != b.ptr[j]);
            corner = row[j + 1];
            size_t edit = (row[j] < corner ? row[j] : corner) + 1;
            row[j + 1] = change < edit ? change : edit;
        }
    }
    return row[b.len];
}

static bool contains(struct mk_slice text, struct mk_slice part)
{
    return part.len >= 4 && memmem(text.ptr, text.len, part.ptr, part.len);
}

void mk_suggestion_offer(struct mk_suggestion *near, struct mk_slice word, const char *candidate)
{
    struct mk_slice other = mk_slice_str(candidate);
    if (word.len == 0 || word.len > LONGEST_WORD || other.len > LONGEST_WORD)
        return;
    size_t edits = distance(word, other);
    size_t longer = word.len > other.len ? word.len : other.len;
    size_t most = longer <= 4 ? 1 : longer < 9 ? 2 : longer / 3;
    /* "token" means "access_token", though the two are far apart. */
    if (edits > most && (contains(other, word) || contains(word, other)))
        edits = most;
    if (edits > most || (near->best && near->distance <= edits))
        return;
    near->best = candidate;
    near->distance = edits;
}
