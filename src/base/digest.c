/* digest: OpenSSL's. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static int digest(const EVP_MD *kind, const struct mk_slice *pieces, size_t count, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, kind, NULL);
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, pieces[i].ptr, pieces[i].len);
    ok = ok && EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return ok ? 0 : -ENOMEM;
}

int mk_sha1(const struct mk_slice *pieces, size_t count, uint8_t out[MK_SHA1_LEN])
{
    return digest(EVP_sha1(), pieces, count, out);
}

int mk_sha256(const struct mk_slice *pieces, size_t count, uint8_t out[MK_SHA256_LEN])
{
    return digest(EVP_sha256(), pieces, count, out);
}

int mk_hmac_sha256(struct mk_slice key, struct mk_slice text, uint8_t mac[MK_SHA256_LEN])
{
    return HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len, mac,
                NULL)
               ? 0
               : -ENOMEM;
}

void mk_hex_write(const uint8_t *bytes, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mk_hex_read(struct mk_slice text, uint8_t *bytes, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
