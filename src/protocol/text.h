/* text: makes received text valid for our own messages. */
#ifndef MK_PROTOCOL_TEXT_H
#define MK_PROTOCOL_TEXT_H

#include "base/buf.h"

/*
 * Appends `text` with U+FFFD in place of each byte that is not UTF-8. Errors are those of the buf.
 */
int mk_text_write_repaired(struct mk_buf *out, struct mk_slice text);

/* The same, cut to 64 bytes between two characters, with "..." if it was cut. */
int mk_text_write_truncated(struct mk_buf *out, struct mk_slice text);

#endif
