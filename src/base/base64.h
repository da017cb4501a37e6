/*
 * base64: RFC 4648. mk_base64_decode is strict: no white space, no missing padding, no stray bits.
 * mk_base64_read takes what encoders write: either alphabet, lines, and no padding.
 */
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

/* --- a text of others, run by run --- */

enum mk_base64_fault {
    MK_BASE64_GOOD,
    MK_BASE64_CHARACTER, /* one that is in neither alphabet */
    MK_BASE64_PADDING,   /* an '=' that ends nothing, or is not at the end */
    MK_BASE64_CUT,       /* the last byte is incomplete */
};

/* Zeroed: at the start. */
struct mk_base64_reader {
    uint32_t bits; /* those of `held` characters */
    unsigned held; /* at most 3 characters, of which no byte was written */
    unsigned padding;
    uint64_t position; /* characters that were read: where the fault is */
};

/*
 * Decodes a run of any length into `out` (mk_base64_most bytes). White space is skipped, both
 * alphabets are taken, mixed too, and padding may be missing. `*len` is set in any case.
 */
enum mk_base64_fault mk_base64_read(struct mk_base64_reader *reader, struct mk_slice run,
                                    uint8_t *out, size_t *len);

/* The end of the text: decodes what is held into `out` (2 bytes). */
enum mk_base64_fault mk_base64_read_end(struct mk_base64_reader *reader, uint8_t *out, size_t *len);

/* The most bytes that a run decodes to, with what was held before it. */
static inline size_t mk_base64_most(size_t chars)
{
    return (chars + 3) / 4 * 3;
}

/* The number of characters of the text that are no white space and no padding. */
size_t mk_base64_count(struct mk_slice text);

/* The number of bytes that so many of them encode. */
static inline size_t mk_base64_bytes(size_t count)
{
    return count / 4 * 3 + count % 4 * 3 / 4;
}

/* --- writing --- */

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
