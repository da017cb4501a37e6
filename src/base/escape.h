/*
 * escape: makes untrusted text safe to display, in a line of a log or on a terminal. Characters
 * that could end the line, move the cursor, or hide or reorder text are escaped as in JSON.
 */
#ifndef MK_BASE_ESCAPE_H
#define MK_BASE_ESCAPE_H

#include "base/buf.h"

#include <stdint.h>

/*
 * Reads the character at the start of `text` into `code` where it is unsafe: C0, DEL and C1
 * controls, line and paragraph separators, and the controls of bidirectional text (UAX #9). Returns
 * its length in bytes; 0 for any other character.
 */
size_t mk_escape_unsafe(struct mk_slice text, uint32_t *code);

/*
 * Appends `text` with unsafe characters escaped, as in \u009b. Returns 0 or the error of the buf.
 */
int mk_escape_append(struct mk_buf *out, struct mk_slice text);

/*
 * Appends `text` as a JSON string, quotes included, with unsafe characters escaped as well. At most
 * `most` bytes of it are written, cut between two characters, and "..." follows the quotes where
 * something was cut. Text that is not UTF-8 ends before its first invalid byte. Returns 0 or the
 * error of the buf; then a part may have been appended.
 */
int mk_escape_quote(struct mk_buf *out, struct mk_slice text, size_t most);

#endif
