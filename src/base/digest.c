/* digest: implemented with OpenSSL. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/*
 * A struct mk_digest is OpenSSL's own context. Software digests fail only for lack of memory, and
 * only when they begin.
 */
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
