/* webhook_signature: see the header. */
#include "transport/webhook_signature.h"

#include "base/base64.h"
#include "base/buf.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { LONGEST_MESSAGE = 128 * 1024 * 1024 };

/* The key's bytes into `key`; returns their number, or -EINVAL. */
static int decode_secret(struct mk_slice secret, unsigned char key[MK_SIGNATURE_SECRET])
{
    static const struct mk_slice prefix = { "whsec_", sizeof("whsec_") - 1 };
    if (secret.len > MK_SIGNATURE_SECRET)
        return -EINVAL;
    if (!mk_slice_starts_with(secret, prefix)) {
        memcpy(key, secret.ptr, secret.len);
        return (int)secret.len;
    }
    size_t len;
    bool good = mk_base64_decode(mk_slice_from(secret, prefix.len), key, &len);
    return good && len > 0 ? (int)len : -EINVAL;
}

int mk_webhook_sign(struct mk_slice secret, const char *id, uint64_t timestamp,
                    struct mk_slice body, char signature[MK_SIGNATURE_LEN])
{
    unsigned char key[MK_SIGNATURE_SECRET], digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    struct mk_buf message;
    int key_len = decode_secret(secret, key);
    if (key_len < 0)
        return key_len;
    mk_buf_init(&message, LONGEST_MESSAGE);
    int rc = mk_buf_printf(&message, "%s.%llu.", id, (unsigned long long)timestamp);
    if (rc == 0)
        rc = mk_buf_append_slice(&message, body);
    if (rc == 0 && !HMAC(EVP_sha256(), key, key_len, (const unsigned char *)message.data,
                         message.len, digest, &digest_len))
        rc = -ENOMEM;
    mk_buf_fini(&message);
    if (rc < 0)
        return rc;
    memcpy(signature, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)signature + 3, digest, (int)digest_len);
    return 0;
}
