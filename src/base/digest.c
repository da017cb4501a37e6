/* digest: OpenSSL's. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* OpenSSL's own struct, by another name. Software digests cannot fail but for memory, at their
 * beginning. */
static struct mk_digest *begin(const EVP_MD *kind)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && !EVP_DigestInit_ex(context, kind, NULL)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct mk_digest *)(void *)context;
}

struct mk_digest *mk_digest_sha1(void)
{
    return begin(EVP_sha1());
}

struct mk_digest *mk_digest_sha256(void)
{
    return begin(EVP_sha256());
}

void mk_digest_add(struct mk_digest *digest, struct mk_slice bytes)
{
    if (digest && bytes.len > 0)
        EVP_DigestUpdate((EVP_MD_CTX *)(void *)digest, bytes.ptr, bytes.len);
}

int mk_digest_end(struct mk_digest *digest, uint8_t *out)
{
    EVP_MD_CTX *context = (EVP_MD_CTX *)(void *)digest;
    int ok = context && EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return ok ? 0 : -ENOMEM;
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
