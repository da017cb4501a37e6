/* suggestion: see the header. */
#include "base/suggestion.h"

#include <stdbool.h>

enum { LONGEST_WORD = 48 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The Levenshtein distance, in which two neighbours that were swapped count as one edit. */
static size_t distance(struct mk_slice a, struct mk_slice b)
{
    size_t rows[3][LONGEST_WORD + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = least(last[j], row[j - 1]) + 1;
            row[j] = least(row[j], last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.len];
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
