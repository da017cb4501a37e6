/* webhook_signature: see the header. */
#include "wire/webhook_signature.h"

#include "base/base64.h"
#include "base/digest.h"

#include <errno.h>

enum { LONGEST_MESSAGE = 128 * 1024 * 1024 };

/* Writes the key's bytes to `key`. Returns their number, or -EINVAL. */
static int decode_secret(struct mk_slice secret, uint8_t key[MK_SIGNATURE_SECRET])
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
    uint8_t key[MK_SIGNATURE_SECRET], mac[MK_SHA256_LEN];
    struct mk_buf message;
    int key_len = decode_secret(secret, key);
    if (key_len < 0)
        return key_len;
    mk_buf_init(&message, LONGEST_MESSAGE);
    int rc = mk_buf_printf(&message, "%s.%llu.", id, (unsigned long long)timestamp);
    if (rc == 0)
        rc = mk_buf_append_slice(&message, body);
    if (rc == 0)
        rc = mk_hmac_sha256(mk_slice_of((char *)key, (size_t)key_len), mk_buf_slice(&message), mac);
    mk_buf_fini(&message);
    if (rc < 0)
        return rc;
    memcpy(signature, "v1,", 3);
    mk_base64_encode(mac, sizeof(mac), signature + 3);
    signature[MK_SIGNATURE_LEN - 1] = '\0';
    return 0;
}
