/*
 * inflation: a long compressed message, decompressed as it arrives, so that no one turn has the
 * work of all of it. It has a state of zlib's for itself; short messages share one (wire/deflate).
 */
#ifndef MK_WIRE_INFLATION_H
#define MK_WIRE_INFLATION_H

#include "wire/deflate.h"

struct mk_inflation;

/* Borrows both; `window` may be NULL. Returns NULL when out of memory. */
struct mk_inflation *mk_inflation_new(struct mk_deflate *codec, struct mk_inflate_window *window);
/* NULL is allowed; returns NULL. */
struct mk_inflation *mk_inflation_free(struct mk_inflation *inflation);

/*
 * Decompresses the next piece, until the result has `most` bytes: what is left of the piece waits
 * for a later call with a larger `most`. The result may have `expected` bytes in the end. Returns
 * 0, MK_INFLATE_BAD or -ENOMEM. A message with too many blocks is no error before its end.
 */
int mk_inflation_feed(struct mk_inflation *inflation, struct mk_slice piece, size_t most,
                      size_t expected);

/* The message is complete. Returns what mk_deflate_inflate does. */
int mk_inflation_end(struct mk_inflation *inflation, size_t limit);

/* The bytes that it was fed. */
size_t mk_inflation_fed(const struct mk_inflation *inflation);

/* What is decompressed so far; borrowed until the next call. */
struct mk_slice mk_inflation_text(const struct mk_inflation *inflation);

/* Moves it into `message`. */
void mk_inflation_take(struct mk_inflation *inflation, struct mk_buf *message);

#endif
