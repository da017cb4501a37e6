/* utf8: well-formed UTF-8 as of Unicode table 3-7 (RFC 3629), validated as the bytes arrive. */
#ifndef MK_BASE_UTF8_H
#define MK_BASE_UTF8_H

#include "base/slice.h"

#include <stdint.h>

/* Zero it to begin; `need` is 0 exactly where a text may end. */
struct mk_utf8 {
    uint8_t need; /* continuation bytes still to come */
    uint8_t low;  /* range of the next one */
    uint8_t high;
};

/* Takes the next bytes; false at the first byte that no continuation could make valid. */
bool mk_utf8_feed(struct mk_utf8 *state, const char *data, size_t len);

/* Returns whether the whole text is valid. */
bool mk_utf8_valid(struct mk_slice text);

/* Returns the length of the longest valid prefix that ends between two characters. */
size_t mk_utf8_valid_prefix(struct mk_slice text);

/*
 * Copies `text` to `to`, NUL-terminated, cut between two characters where it does not fit into
 * `size` bytes (at least 1).
 */
void mk_utf8_copy(char *to, size_t size, struct mk_slice text);

#endif
