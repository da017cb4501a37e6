/* base64: RFC 4648, strictly: no white space, no missing padding, no bits left over. */
#ifndef MK_BASE_BASE64_H
#define MK_BASE_BASE64_H

#include "base/slice.h"

#include <stdint.h>

/* The bytes that a text of so many characters stands for at most. */
static inline size_t mk_base64_size(size_t chars)
{
    return chars / 4 * 3;
}

/*
 * Decodes into `out` (mk_base64_size bytes). A long text may be decoded in runs whose length is a
 * multiple of four; only the last may have padding. Returns false on anything malformed.
 */
bool mk_base64_decode(struct mk_slice text, uint8_t *out, size_t *len);

/* The alphabet of URLs, without padding; a NUL at the end: (len * 4 + 2) / 3 + 1 bytes. */
void mk_base64url_encode(const uint8_t *bytes, size_t len, char *text);

/* Reads exactly `len` bytes; false where `text` is not that. */
bool mk_base64url_decode(struct mk_slice text, uint8_t *bytes, size_t len);

#endif
