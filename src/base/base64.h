/* base64: RFC 4648, strictly: no white space, no missing padding, no stray bits. */
#ifndef MK_BASE_BASE64_H
#define MK_BASE_BASE64_H

#include "base/buf.h"

#include <stdint.h>

/* The most bytes that a text of so many characters can decode to. */
static inline size_t mk_base64_size(size_t chars)
{
    return chars / 4 * 3;
}

/*
 * Decodes into `out` (mk_base64_size bytes). A long text may be decoded in runs whose length is a
 * multiple of four; only the last may have padding. Returns false on anything malformed.
 */
bool mk_base64_decode(struct mk_slice text, uint8_t *out, size_t *len);

/* The number of characters that encode so many bytes. */
static inline size_t mk_base64_chars(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes mk_base64_chars(len) characters, padding included, and no NUL. */
void mk_base64_encode(const uint8_t *bytes, size_t len, char *text);

/* Appends the encoding. All pieces of a run but the last must have a multiple of three bytes. */
int mk_base64_append(struct mk_buf *buf, const uint8_t *bytes, size_t len);

/* Uses the URL alphabet without padding, and writes a NUL: (len * 4 + 2) / 3 + 1 bytes. */
void mk_base64url_encode(const uint8_t *bytes, size_t len, char *text);

/* Reads exactly `len` bytes; returns false where `text` does not encode that many. */
bool mk_base64url_decode(struct mk_slice text, uint8_t *bytes, size_t len);

#endif
