/*
 * escape: text of others as it may be shown to a person, in a line of a log or on a terminal. What
 * could end the line, move the cursor, hide or reorder what is shown is escaped as JSON does.
 */
#ifndef MK_BASE_ESCAPE_H
#define MK_BASE_ESCAPE_H

#include "base/buf.h"

#include <stdint.h>

/*
 * The character at the start of `text` where it must not be shown as it is: C0, DEL and C1
 * controls, line and paragraph separators, and the controls of bidirectional text (UAX #9). Returns
 * its length in bytes; 0 for any other.
 */
size_t mk_escape_unsafe(struct mk_slice text, uint32_t *code);

/* Appends `text`, such characters as \u009b. Returns 0 or the error of the buf. */
int mk_escape_append(struct mk_buf *out, struct mk_slice text);

/*
 * Appends `text` as a JSON string, quotes included, with such characters escaped as well, cut to
 * its first `most` bytes between two characters, with "..." behind the quotes where something was
 * cut. It may be no UTF-8: then it ends before the first byte that is none. Returns 0 or the error
 * of the buf; then a part may have been appended.
 */
int mk_escape_quote(struct mk_buf *out, struct mk_slice text, size_t most);

#endif
