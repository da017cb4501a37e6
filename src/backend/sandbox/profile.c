/*
 * profile: what somebody shows of themselves, and the likes that it gets; and the cookies of an
 * account, which no server takes: they are there so that programs find what they expect.
 */
#include "backend/sandbox/social.h"
#include "backend/sandbox/text.h"
#include "base/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { SKEY_CHARS = 9, P_SKEY_CHARS = 43, DOMAIN_MAX = 253 };

/* --- nickname and signature --- */

static int set_text(struct mk_request *request, uint64_t actor, enum mk_sql sql,
                    const struct mk_text_rule *rule, struct mk_slice text)
{
    struct mk_db *db = &request->sandbox->db;
    struct mk_slice nickname;
    int rc = mk_text_check(request, rule, text);
    if (rc != 0)
        return rc;
    rc = mk_person_find(db, request->doc, actor, &nickname, NULL);
    if (rc <= 0)
        return rc < 0 ? rc : mk_refuse_no_user(request, actor);
    rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *update = mk_db_use(db, sql, 1, &actor);
    mk_text_bind(update, 2, text);
    return mk_db_run(db, update);
}

int mk_set_nickname(struct mk_request *request, uint64_t actor, struct mk_slice nickname)
{
    static const struct mk_text_rule rule = { "new_nickname", 1, MK_NICKNAME_MAX_CHARS, false };
    return set_text(request, actor, MK_SQL_SET_NICKNAME, &rule, nickname);
}

int mk_set_bio(struct mk_request *request, uint64_t actor, struct mk_slice bio)
{
    static const struct mk_text_rule rule = { "new_bio", 0, MK_BIO_MAX_CHARS, true };
    return set_text(request, actor, MK_SQL_SET_BIO, &rule, bio);
}

static int set_nickname(struct mk_request *request)
{
    return mk_set_nickname(request, request->self_id,
                           mk_text_param(request->params, "new_nickname"));
}

static int set_bio(struct mk_request *request)
{
    return mk_set_bio(request, request->self_id, mk_text_param(request->params, "new_bio"));
}

/* --- likes --- */

static uint64_t today(const struct mk_db *db)
{
    return (mk_world_now(db) + 8 * 60 * 60) / (24 * 60 * 60);
}

int mk_like(struct mk_request *request, uint64_t actor, uint64_t friend, uint64_t count)
{
    struct mk_db *db = &request->sandbox->db;
    if (count == 0)
        return mk_refuse(request, MILKY_MALFORMED, "count 不能为 0 (count must be at least 1)");
    int rc = mk_require_friend(request, actor, friend);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_LIKES, actor, friend, today(db));
    rc = mk_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t given = rc > 0 ? mk_db_uint(row, 0) : 0;
    sqlite3_reset(row);
    if (count > MK_LIKES_A_DAY - given)
        return mk_refuse(request, MK_SANDBOX_TOO_MUCH,
                         "今日对该好友点赞已达上限，最多 %d 次 (at most %d likes a day for one "
                         "friend: %" PRIu64 " of them have been given to %" PRIu64 ")",
                         MK_LIKES_A_DAY, MK_LIKES_A_DAY, given, friend);
    rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    return mk_db_run(db, MK_DB_USE(db, MK_SQL_LIKE, actor, friend, today(db), count));
}

static int send_profile_like(struct mk_request *request)
{
    return mk_like(request, request->self_id, milky_uint(request->params, "user_id"),
                   milky_uint(request->params, "count"));
}

/* --- cookies --- */

/* `count` letters and digits that the world's secret and `label` decide. 0 or -errno. */
static int derive(struct mk_db *db, const char *label, size_t count, char *out)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t hash[2 * MK_SHA256_LEN];
    sqlite3_stmt *row = mk_db_use(db, MK_SQL_SECRET, 0, NULL);
    mk_text_bind(row, 1, mk_slice_str("cookies"));
    int rc = mk_db_step(db, row);
    if (rc <= 0)
        return rc < 0 ? rc : -EIO;
    struct mk_slice secret =
        mk_slice_of(sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    rc = mk_hmac_sha256(secret, mk_slice_str(label), hash);
    if (rc == 0)
        rc = mk_hmac_sha256(secret, mk_slice_of((const char *)hash, MK_SHA256_LEN),
                            hash + MK_SHA256_LEN);
    sqlite3_reset(row);
    for (size_t i = 0; rc == 0 && i < count; i++)
        out[i] = digits[hash[i] % 62];
    out[count] = '\0';
    return rc;
}

static int derive_skey(struct mk_request *request, char skey[SKEY_CHARS + 2])
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

static int get_cookies(struct mk_request *request)
{
    char domain[DOMAIN_MAX + 1], label[DOMAIN_MAX + 64];
    char skey[SKEY_CHARS + 2], p_skey[P_SKEY_CHARS + 1], cookies[256];
    if (!read_domain(mk_text_param(request->params, "domain"), domain))
        return mk_refuse(request, MK_SANDBOX_BAD_TEXT,
                         "domain 不是合法的域名 (domain must be a host name such as qun.qq.com)");
    snprintf(label, sizeof(label), "p_skey %" PRIu64 " %s", request->self_id, domain);
    int rc = derive_skey(request, skey);
    if (rc == 0)
        rc = derive(&request->sandbox->db, label, P_SKEY_CHARS, p_skey);
    if (rc < 0)
        return rc;
    snprintf(cookies, sizeof(cookies),
             "uin=o%010" PRIu64 "; skey=%s; p_uin=o%010" PRIu64 "; p_skey=%s_", request->self_id,
             skey, request->self_id, p_skey);
    return mk_result(request, "cookies", yyjson_mut_strcpy(request->doc, cookies));
}

/* QQ's bkn of the skey that get_cookies gives. */
static int get_csrf_token(struct mk_request *request)
{
    char skey[SKEY_CHARS + 2] = "", token[16];
    int rc = derive_skey(request, skey);
    if (rc < 0)
        return rc;
    uint32_t bkn = 5381;
    for (const char *c = skey; *c; c++)
        bkn += (bkn << 5) + (unsigned char)*c;
    snprintf(token, sizeof(token), "%" PRIu32, bkn & 0x7fffffff);
    return mk_result(request, "csrf_token", yyjson_mut_strcpy(request->doc, token));
}

const struct mk_sandbox_api mk_profile_apis[] = {
    { "set_nickname", set_nickname },           { "set_bio", set_bio },
    { "send_profile_like", send_profile_like }, { "get_cookies", get_cookies },
    { "get_csrf_token", get_csrf_token },       { NULL, NULL },
};
