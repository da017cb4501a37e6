/*
 * profile: what somebody shows of themselves, and the likes that it gets; and the cookies of an
 * account, which no server takes: they are there so that programs find what they expect.
 */
#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/social.h"

#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"
#include "base/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* uin, text */
static const struct sb_query set_nickname_sql = {
    "UPDATE person SET nickname = ?2 WHERE uin = ?1"
};
static const struct sb_query set_bio_sql = { "UPDATE person SET bio = ?2 WHERE uin = ?1" };
/* liker, uin, day: how many on that day */
static const struct sb_query likes_sql = {
    "SELECT today FROM profile_like WHERE liker = ?1 AND uin = ?2 AND day = ?3"
};
/* liker, uin, day, count */
static const struct sb_query like_sql = { "INSERT INTO profile_like VALUES (?1, ?2, ?3, ?4, ?4)"
                                          " ON CONFLICT DO UPDATE SET total = total + ?4, day = ?3,"
                                          " today = CASE day WHEN ?3 THEN today ELSE 0 END + ?4" };

enum { SKEY_CHARS = 9, P_SKEY_CHARS = 43, DOMAIN_MAX = 253 };

/* --- nickname and signature --- */

static int set_text(struct sb_request *request, uint64_t actor, const struct sb_query *query,
                    const struct sb_text_rule *rule, struct mk_slice text)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_text_check(request, rule, text);
    if (rc == 0)
        rc = sb_person_require(request, actor);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *update = sb_db_use(db, query, 1, &actor);
    sb_text_bind(update, 2, text);
    return sb_db_run(db, update);
}

int sb_set_nickname(struct sb_request *request, uint64_t actor, struct mk_slice nickname)
{
    static const struct sb_text_rule rule = { "new_nickname", 1, SB_NICKNAME_MAX_CHARS, false };
    return set_text(request, actor, &set_nickname_sql, &rule, nickname);
}

int sb_set_bio(struct sb_request *request, uint64_t actor, struct mk_slice bio)
{
    static const struct sb_text_rule rule = { "new_bio", 0, SB_BIO_MAX_CHARS, true };
    return set_text(request, actor, &set_bio_sql, &rule, bio);
}

static int set_nickname(struct sb_request *request)
{
    return sb_set_nickname(request, request->self_id,
                           sb_text_param(request->params, "new_nickname"));
}

static int set_bio(struct sb_request *request)
{
    return sb_set_bio(request, request->self_id, sb_text_param(request->params, "new_bio"));
}

/* --- likes --- */

static uint64_t today(const struct sb_db *db)
{
    return (sb_clock_now(db) + 8 * 60 * 60) / (24 * 60 * 60);
}

int sb_like(struct sb_request *request, uint64_t actor, uint64_t friend, uint64_t count)
{
    struct sb_db *db = &request->sandbox->db;
    if (count == 0)
        return sb_refuse(request, MILKY_MALFORMED, "count must be at least 1", "count 至少为 1");
    int rc = sb_friendship_require(request, actor, friend);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &likes_sql, actor, friend, today(db));
    rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t given = rc > 0 ? sb_db_uint(row, 0) : 0;
    sqlite3_reset(row);
    if (count > SB_LIKES_A_DAY - given)
        return sb_refuse(request, SB_TOO_MUCH,
                         "at most %d likes a day for one friend: %" PRIu64
                         " of them have been given to %" PRIu64,
                         "每天最多给同一好友点赞 %d 次：已点赞 %" PRIu64 " 次（%" PRIu64 "）",
                         SB_LIKES_A_DAY, given, friend);
    rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &like_sql, actor, friend, today(db), count));
}

static int send_profile_like(struct sb_request *request)
{
    return sb_like(request, request->self_id, milky_uint(request->params, "user_id"),
                   milky_uint(request->params, "count"));
}

/* --- cookies --- */

/* `count` letters and digits that the world's secret and `label` decide. 0 or -errno. */
static int derive(struct sb_db *db, const char *label, size_t count, char *out)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t hash[2 * MK_SHA256_LEN];
    sqlite3_stmt *row = sb_db_use(db, &sb_secret_sql, 0, NULL);
    sb_text_bind(row, 1, mk_slice_str("cookies"));
    int rc = sb_db_step(db, row);
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

static int get_cookies(struct sb_request *request)
{
    char domain[DOMAIN_MAX + 1], label[DOMAIN_MAX + 64];
    char skey[SKEY_CHARS + 2], p_skey[P_SKEY_CHARS + 1], cookies[256];
    if (!read_domain(sb_text_param(request->params, "domain"), domain))
        return sb_refuse(request, SB_BAD_TEXT, "domain must be a host name such as qun.qq.com",
                         "domain 应为域名，例如 qun.qq.com");
    snprintf(label, sizeof(label), "p_skey %" PRIu64 " %s", request->self_id, domain);
    int rc = derive_skey(request, skey);
    if (rc == 0)
        rc = derive(&request->sandbox->db, label, P_SKEY_CHARS, p_skey);
    if (rc < 0)
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

static const struct sb_api apis[] = {
    { "set_nickname", set_nickname },           { "set_bio", set_bio },
    { "send_profile_like", send_profile_like }, { "get_cookies", get_cookies },
    { "get_csrf_token", get_csrf_token },       { NULL, NULL },
};

const struct sb_feature sb_feature_profile = { .apis = apis };
