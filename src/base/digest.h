/* digest: SHA-1, SHA-256 and HMAC, of bytes that lie in several pieces. */
#ifndef MK_BASE_DIGEST_H
#define MK_BASE_DIGEST_H

#include "base/slice.h"

#include <stdint.h>

enum { MK_SHA1_LEN = 20, MK_SHA256_LEN = 32 };

/* Of the pieces one after the other. Return 0 or -ENOMEM. Safe on any thread. */
int mk_sha1(const struct mk_slice *pieces, size_t count, uint8_t digest[MK_SHA1_LEN]);
int mk_sha256(const struct mk_slice *pieces, size_t count, uint8_t digest[MK_SHA256_LEN]);

/* HMAC-SHA-256 (RFC 2104). Returns 0 or -ENOMEM. */
int mk_hmac_sha256(struct mk_slice key, struct mk_slice text, uint8_t mac[MK_SHA256_LEN]);

/* Lower-case hexadecimal with a NUL: 2 * len + 1 bytes. */
void mk_hex_write(const uint8_t *bytes, size_t len, char *text);

/* Reads exactly `len` bytes, in lower case; false where `text` is not that. */
bool mk_hex_read(struct mk_slice text, uint8_t *bytes, size_t len);

#endif
