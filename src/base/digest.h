/* digest: SHA-1, SHA-256 and HMAC, of bytes that come in pieces. Safe on any thread. */
#ifndef MK_BASE_DIGEST_H
#define MK_BASE_DIGEST_H

#include "base/slice.h"

#include <stdint.h>

enum { MK_SHA1_LEN = 20, MK_SHA256_LEN = 32 };

/* A digest that is being computed. Both functions return NULL when out of memory. */
struct mk_digest;
struct mk_digest *mk_digest_sha1(void);
struct mk_digest *mk_digest_sha256(void);

/* Adds bytes. Does nothing where `digest` is NULL. */
void mk_digest_add(struct mk_digest *digest, struct mk_slice bytes);

/*
 * Writes the digest (MK_SHA1_LEN or MK_SHA256_LEN bytes) and frees it. Returns 0, or -ENOMEM where
 * `digest` is NULL.
 */
int mk_digest_end(struct mk_digest *digest, uint8_t *out);

/* HMAC-SHA-256 (RFC 2104). Returns 0 or -ENOMEM. */
int mk_hmac_sha256(struct mk_slice key, struct mk_slice text, uint8_t mac[MK_SHA256_LEN]);

#endif
