/* clang-format off */
/*
 * url: the URLs of contents. A token says what it is for and when it expires, and is signed with a
 * key of the world: nothing is kept about the URLs that are given out, and a restart does not end
 * them.
 *
 *   base64url( end in seconds, 5 bytes | SHA-256 of the content, 32 | HMAC of both, 16 )
 */
/* clang-format on */
#include "backend/sandbox/media/private.h"
#include "backend/sandbox/store/clock.h"
#include "backend/sandbox/store/secret.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/error_text.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    END_LEN = 5,
    MAC_LEN = 16,
    SIGNED_LEN = END_LEN + MK_SHA256_LEN,
    TOKEN_LEN = SIGNED_LEN + MAC_LEN,
    TOKEN_TEXT = (TOKEN_LEN * 4 + 2) / 3 + 1,
};

/* --- tokens --- */

int sb_media_url_start(struct sb_media_store *store)
{
    return sb_secret_make(store->db, "media", store->key);
}

static int sign(const struct sb_media_store *store, const uint8_t text[SIGNED_LEN],
                uint8_t mac[MAC_LEN])
{
    uint8_t whole[MK_SHA256_LEN];
    int rc = mk_hmac_sha256(mk_slice_of((const char *)store->key, SB_SECRET_LEN),
                            mk_slice_of((const char *)text, SIGNED_LEN), whole);
    memcpy(mac, whole, MAC_LEN);
    return rc;
}

static int make_token(const struct sb_media_store *store, const char *id, char text[TOKEN_TEXT])
{
    uint8_t token[TOKEN_LEN];
    uint64_t end = sb_clock_now(store->db) + SB_MEDIA_URL_SECONDS;
    for (int i = 0; i < END_LEN; i++)
        token[i] = (uint8_t)(end >> 8 * (END_LEN - 1 - i));
    if (!mk_hex_read(mk_slice_str(id), token + END_LEN, MK_SHA256_LEN))
        return -EINVAL;
    int rc = sign(store, token, token + SIGNED_LEN);
    mk_base64url_encode(token, TOKEN_LEN, text);
    return rc;
}

/* Reads the content that a token is for. Returns false when the token is invalid or has expired. */
static bool read_token(const struct sb_media_store *store, const char *text, char id[SB_MEDIA_ID])
{
    uint8_t token[TOKEN_LEN], mac[MAC_LEN];
    if (!mk_base64url_decode(mk_slice_str(text), token, TOKEN_LEN) || sign(store, token, mac) < 0 ||
        !mk_secret_eq(mk_slice_of((const char *)mac, MAC_LEN),
                      mk_slice_of((const char *)token + SIGNED_LEN, MAC_LEN)))
        return false;
    uint64_t end = 0;
    for (int i = 0; i < END_LEN; i++)
        end = end << 8 | token[i];
    mk_hex_write(token + END_LEN, MK_SHA256_LEN, id);
    return end > sb_clock_now(store->db);
}

/* --- contents --- */

/* The avatar where none was set. */
static const uint8_t plain_avatar[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x64, 0x01, 0x03, 0x00, 0x00, 0x00, 0x4a, 0x2c, 0x07,
    0x17, 0x00, 0x00, 0x00, 0x06, 0x50, 0x4c, 0x54, 0x45, 0xcf, 0xdc, 0xe6, 0x8f, 0xa9, 0xbd, 0xda,
    0xb4, 0x0d, 0x3e, 0x00, 0x00, 0x00, 0xab, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0xed, 0xd2, 0xbd,
    0x0d, 0xc3, 0x20, 0x14, 0x04, 0x60, 0xa3, 0x14, 0x94, 0x19, 0xc1, 0xa3, 0x30, 0x1a, 0x1e, 0xcd,
    0xa3, 0x30, 0x42, 0x4a, 0x8a, 0x88, 0x0b, 0x36, 0xc4, 0xdc, 0x45, 0xc8, 0xb1, 0xa5, 0x28, 0x69,
    0x42, 0xf7, 0x35, 0xef, 0xe7, 0x1e, 0xc3, 0xf0, 0x7f, 0x47, 0xdf, 0x15, 0x2c, 0x87, 0x99, 0x04,
    0xdc, 0x1a, 0x0c, 0x10, 0x9b, 0x2e, 0xc0, 0xbd, 0xc9, 0x02, 0x89, 0x4b, 0x82, 0x8a, 0x8e, 0x59,
    0x13, 0x35, 0x00, 0xb5, 0x50, 0xf9, 0xac, 0x70, 0x48, 0x19, 0x34, 0xda, 0xb7, 0x75, 0x7c, 0xce,
    0xbd, 0x6d, 0x35, 0x17, 0xcd, 0x4c, 0xf3, 0xd4, 0xac, 0xf5, 0x0e, 0x7a, 0xa3, 0x97, 0xfb, 0xe9,
    0x6d, 0x7f, 0xfb, 0x64, 0x32, 0xdd, 0x41, 0x77, 0xdf, 0xf9, 0x13, 0x66, 0xb9, 0x43, 0xa4, 0x58,
    0x28, 0x18, 0xbb, 0x28, 0x71, 0xc9, 0x56, 0xd4, 0xad, 0x9a, 0xbb, 0xf2, 0xab, 0x02, 0x1d, 0x7a,
    0x4b, 0xd4, 0x14, 0x45, 0x6a, 0xb7, 0x35, 0x54, 0xd9, 0xa2, 0xd4, 0x53, 0x19, 0xe5, 0x39, 0x8c,
    0x6a, 0xac, 0x9a, 0x3a, 0x72, 0x55, 0xf3, 0x5b, 0xf9, 0xaa, 0x70, 0x52, 0x15, 0x75, 0xdd, 0x0f,
    0xe8, 0x01, 0xc3, 0xa5, 0x6e, 0x0d, 0x26, 0x28, 0xa2, 0xd2, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45,
    0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
const char sb_media_plain_avatar[] =
    "5aee13c9f12fa38c82538673923232c6b819553ec28e6386fef7d46ec024d0bb";

/* Its file is written when it is first opened; it has no row. */
static int open_plain_avatar(struct sb_media_store *store)
{
    int fd = sb_media_open_content(store, sb_media_plain_avatar);
    if (fd != -ENOENT)
        return fd;
    int rc = sb_media_store_make(store);
    char *path = rc == 0 ? sb_media_store_path(store->folder, sb_media_plain_avatar) : NULL;
    fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (rc == 0 && fd < 0)
        rc = path ? -errno : -ENOMEM;
    if (fd >= 0) {
        if (write(fd, plain_avatar, sizeof(plain_avatar)) != (ssize_t)sizeof(plain_avatar)) {
            unlink(path);
            rc = -EIO;
        }
        close(fd);
    }
    free(path);
    return rc < 0 ? rc : sb_media_open_content(store, sb_media_plain_avatar);
}

int sb_media_open(struct sb_media_store *store, const char *id)
{
    struct sb_media media;
    int rc = sb_media_find(store, mk_slice_str(id), &media);
    if (rc <= 0)
        return rc < 0 ? rc : -ENOENT;
    return sb_media_open_content(store, id);
}

/* Returns a descriptor and its type, -ENOENT, or another negative errno. */
static int open_resource(struct sb_media_store *store, const char *token, const char **content_type)
{
    char id[SB_MEDIA_ID];
    struct sb_media media;
    if (!read_token(store, token, id))
        return -ENOENT;
    int rc = sb_media_find(store, mk_slice_str(id), &media);
    bool is_plain = rc == 0 && strcmp(id, sb_media_plain_avatar) == 0;
    if (rc < 0 || (rc == 0 && !is_plain))
        return rc < 0 ? rc : -ENOENT;
    int fd = is_plain ? open_plain_avatar(store) : sb_media_open_content(store, id);
    if (fd < 0)
        mk_log_error("sandbox", "the content %s cannot be read: %s", "无法读取内容 %s：%s", id,
                     mk_error_text(-fd));
    *content_type = is_plain ? "image/png" : media.info.content_type;
    return fd;
}

void sb_media_resource(struct sb_media_store *store, uint64_t request, const char *token)
{
    struct milky_host *host = store->host;
    const char *content_type;
    int fd = open_resource(store, token, &content_type);
    if (fd >= 0)
        milky_resource_fd(host, request, fd, content_type);
    else if (fd == -ENOENT)
        milky_resource_fail(host, request, 404,
                            "there is no such resource, or its URL has expired");
    else
        milky_resource_fail(host, request, 500, "the resource cannot be read");
}

/* --- URLs --- */

static void name_content(const struct sb_media_info *info, char name[32])
{
    static const char *const kinds[] = { "file", "image", "record", "video" };
    snprintf(name, 32, "%s.%s", kinds[info->kind], info->extension);
}

int sb_media_url(struct sb_media_store *store, uint64_t self_id, const char *id, const char *name,
                 char url[SB_MEDIA_URL])
{
    char token[TOKEN_TEXT], own_name[32] = "image.png";
    struct sb_media_info info;
    int rc = name ? 0 : sb_media_store_info(store, id, &info);
    if (rc < 0)
        return rc;
    if (rc > 0)
        name_content(&info, own_name);
    rc = make_token(store, id, token);
    if (rc == 0)
        rc = milky_host_resource_url(store->host, self_id, token, name ? name : own_name, url,
                                     SB_MEDIA_URL);
    if (rc == -ENOBUFS) /* the name is too long when escaped; it only matters for saving */
        rc = milky_host_resource_url(store->host, self_id, token, "file", url, SB_MEDIA_URL);
    if (rc == -ENOENT) {
        url[0] = '\0';
        rc = 0;
    }
    return rc;
}
