/* percent: the percent-coding of URIs (RFC 3986, 2.1). */
#ifndef MK_BASE_PERCENT_H
#define MK_BASE_PERCENT_H

#include "base/buf.h"

/* The byte that the escape at `at` encodes ("%2f" is 0x2f); -1 where no valid escape begins there.
 */
int mk_percent_at(struct mk_slice text, size_t at);

/*
 * Appends `text` with its escapes decoded; the result may hold any byte, NUL too. '+' is left as it
 * is. Returns 0; -EINVAL for a '%' that begins no escape; or the error of the buf. Then nothing was
 * appended.
 */
int mk_percent_decode(struct mk_buf *out, struct mk_slice text);

/* The same into `to`, which has room for `text.len` bytes, but a '%' that begins no escape is
 * copied. Returns the number of bytes written. */
size_t mk_percent_decode_lenient(struct mk_slice text, char *to);

/*
 * Appends `text` with everything escaped but the characters that ECMAScript's encodeURIComponent
 * leaves: ASCII letters, digits and -_.!~*'(). Returns 0 or the error of the buf; then nothing was
 * appended.
 */
int mk_percent_encode(struct mk_buf *out, struct mk_slice text);

/*
 * Appends a path or a query with what it may not hold (RFC 3986, 3.3 and 3.4) escaped; its escapes
 * are left, but a '%' that begins none is escaped. Returns 0 or the error of the buf; then nothing
 * was appended.
 */
int mk_percent_complete(struct mk_buf *out, struct mk_slice text);

#endif
