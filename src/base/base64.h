/* base64: RFC 4648, strictly: no white space, no missing padding, no bits left over. */
#ifndef MK_BASE_BASE64_H
#define MK_BASE_BASE64_H

#include "base/buf.h"

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

/* The characters that so many bytes become. */
static inline size_t mk_base64_chars(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes mk_base64_chars(len) characters, padding and all, and no NUL. */
void mk_base64_encode(const uint8_t *bytes, size_t len, char *text);

/* Appends them. Of a long run of bytes each piece but the last must be a multiple of three. */
int mk_base64_append(struct mk_buf *buf, const uint8_t *bytes, size_t len);

/* The alphabet of URLs, without padding; a NUL at the end: (len * 4 + 2) / 3 + 1 bytes. */
void mk_base64url_encode(const uint8_t *bytes, size_t len, char *text);

/* Reads exactly `len` bytes; false where `text` is not that. */
bool mk_base64url_decode(struct mk_slice text, uint8_t *bytes, size_t len);

#endif
