/*
 * cookies: the cookies of an account. No server takes them: they are there so that programs find
 * what they expect.
 */
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/store/secret.h"
#include "base/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { SKEY_CHARS = 9, P_SKEY_CHARS = 43, DOMAIN_MAX = 253 };

/* `count` letters and digits that the world's secret and `label` decide. 0 or -errno. */
static int derive(struct sb_db *db, const char *label, size_t count, char *out)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t hash[2 * MK_SHA256_LEN];
    uint8_t key[SB_SECRET_LEN];
    int rc = sb_secret_read(db, "cookies", key);
    if (rc <= 0)
        return rc < 0 ? rc : -EIO;
    const struct mk_slice secret = mk_slice_of((const char *)key, sizeof(key));
    rc = mk_hmac_sha256(secret, mk_slice_str(label), hash);
    if (rc == 0)
        rc = mk_hmac_sha256(secret, mk_slice_of((const char *)hash, MK_SHA256_LEN),
                            hash + MK_SHA256_LEN);
    for (size_t i = 0; rc == 0 && i < count; i++)
        out[i] = digits[hash[i] % 62];
    out[count] = '\0';
    return rc;
}

static int derive_skey(struct sb_request *request, char skey[SKEY_CHARS + 2])
{
    char label[32];
    snprintf(label, sizeof(label), "skey %" PRIu64, request->self_id);
    skey[0] = '@';
    return derive(&request->sandbox->db, label, SKEY_CHARS, skey + 1);
}

/* A host name, in lower case and without the dot that cookies like to begin with. */
static bool read_domain(struct mk_slice text, char domain[DOMAIN_MAX + 1])
{
    if (text.len > 0 && text.ptr[0] == '.')
        text = mk_slice_from(text, 1);
    if (text.len == 0 || text.len > DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_dot = c == '.' && i > 0 && text.ptr[i - 1] != '.' && i + 1 < text.len;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!is_dot && c != '-' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
        domain[i] = c;
    }
    domain[text.len] = '\0';
    return true;
}

/* The site itself and what is below it. */
static bool is_payment(const char *domain)
{
    static const char site[] = "pay.qq.com";
    size_t len = strlen(domain), own = sizeof(site) - 1;
    if (len < own || strcmp(domain + len - own, site) != 0)
        return false;
    return len == own || domain[len - own - 1] == '.';
}

static int get_cookies(struct sb_request *request)
{
    char domain[DOMAIN_MAX + 1], label[DOMAIN_MAX + 64];
    char skey[SKEY_CHARS + 2], p_skey[P_SKEY_CHARS + 1], cookies[256];
    if (!read_domain(sb_text_param(request->params, "domain"), domain))
        return sb_refuse(request, SB_BAD_TEXT, "domain must be a host name such as qun.qq.com",
                         "domain 应为域名，例如 qun.qq.com");
    snprintf(label, sizeof(label), "p_skey %" PRIu64 " %s", request->self_id, domain);
    int rc = sb_limit_check(request, SB_LIMIT_COOKIES_DOMAIN, is_payment(domain), NULL);
    if (rc == 0)
        rc = derive_skey(request, skey);
    if (rc == 0)
        rc = derive(&request->sandbox->db, label, P_SKEY_CHARS, p_skey);
    if (rc != 0)
        return rc;
    snprintf(cookies, sizeof(cookies),
             "uin=o%010" PRIu64 "; skey=%s; p_uin=o%010" PRIu64 "; p_skey=%s_", request->self_id,
             skey, request->self_id, p_skey);
    return sb_result(request, "cookies", yyjson_mut_strcpy(request->doc, cookies));
}

/* QQ's bkn of the skey that get_cookies gives. */
static int get_csrf_token(struct sb_request *request)
{
    char skey[SKEY_CHARS + 2] = "", token[16];
    int rc = derive_skey(request, skey);
    if (rc < 0)
        return rc;
    uint32_t bkn = 5381;
    for (const char *c = skey; *c; c++)
        bkn += (bkn << 5) + (unsigned char)*c;
    snprintf(token, sizeof(token), "%" PRIu32, bkn & 0x7fffffff);
    return sb_result(request, "csrf_token", yyjson_mut_strcpy(request->doc, token));
}

/* --- tables --- */

static const struct sb_schema_step steps[] = {
    { 3,
      "INSERT INTO secret VALUES ('cookies', randomblob(32));" }, /* all cookies derive from it */
    { 0 },
};

static const struct sb_api apis[] = {
    { "get_cookies", get_cookies },
    { "get_csrf_token", get_csrf_token },
    { NULL, NULL },
};

const struct sb_feature sb_feature_cookies = { .apis = apis, .steps = steps };
