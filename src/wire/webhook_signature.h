/*
 * webhook_signature: the signature of the Standard Webhooks specification
 * (https://github.com/standard-webhooks/standard-webhooks), version 1: HMAC-SHA256.
 */
#ifndef MK_WIRE_WEBHOOK_SIGNATURE_H
#define MK_WIRE_WEBHOOK_SIGNATURE_H

#include "base/slice.h"

#include <stdint.h>

enum {
    MK_SIGNATURE_LEN = 3 + 44 + 1, /* "v1,", base64 of 32 bytes, NUL */
    MK_SIGNATURE_SECRET = 512,     /* bytes of the longest secret */
};

/*
 * Writes the value of `webhook-signature` for a message. `secret` is "whsec_" and the key in base64
 * (RFC 4648, with padding), else its bytes are the key. Returns 0, -EINVAL for a secret that is too
 * long or whose "whsec_" is not followed by the base64 of at least a byte, or -ENOMEM.
 */
int mk_webhook_sign(struct mk_slice secret, const char *id, uint64_t timestamp,
                    struct mk_slice body, char signature[MK_SIGNATURE_LEN]);

#endif
