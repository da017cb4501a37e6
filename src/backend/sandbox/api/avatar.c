/* avatar: see the header. */
#include "backend/sandbox/api/avatar.h"

#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/member.h"
#include "backend/sandbox/turn/call_media.h"
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/turn/turn.h"

#include <stdio.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* uin; the second also sha256 */
static const struct sb_query person_avatar_sql = { "SELECT avatar FROM person WHERE uin = ?1" };
static const struct sb_query person_set_avatar_sql = {
    "UPDATE person SET avatar = ?2 WHERE uin = ?1"
};
/* group; the second also sha256 */
static const struct sb_query group_avatar_sql = {
    "SELECT avatar FROM qq_group WHERE group_id = ?1"
};
static const struct sb_query group_set_avatar_sql = {
    "UPDATE qq_group SET avatar = ?2 WHERE group_id = ?1"
};
enum { AVATAR_SHA256 };

/* --- URLs --- */

static int make_url(struct sb_sandbox *sandbox, uint64_t self_id, const struct sb_query *query,
                    uint64_t whose, char url[SB_MEDIA_URL])
{
    struct sb_db *db = &sandbox->db;
    char id[SB_MEDIA_ID];
    sqlite3_stmt *row = SB_DB_USE(db, query, whose);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    struct mk_slice set = rc > 0 ? sb_db_text(row, AVATAR_SHA256) : MK_SLICE("");
    bool is_set = set.len == SB_MEDIA_ID - 1;
    snprintf(id, sizeof(id), "%s", is_set ? set.ptr : sb_media_plain_avatar);
    sqlite3_reset(row);
    return sb_media_url(sandbox->media, self_id, id, is_set ? NULL : "avatar.png", url);
}

int sb_avatar_of_person(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t uin,
                        char url[SB_MEDIA_URL])
{
    return make_url(sandbox, self_id, &person_avatar_sql, uin, url);
}

int sb_avatar_of_group(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t group,
                       char url[SB_MEDIA_URL])
{
    return make_url(sandbox, self_id, &group_avatar_sql, group, url);
}

/* --- APIs --- */

/* The picture that the param `field` names becomes the avatar. */
static int set_picture(struct sb_request *request, const char *field, const struct sb_query *query,
                       uint64_t whose)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *uri = yyjson_mut_obj_get(request->params, field);
    int rc = sb_request_media_kind(request, uri, 1u << SB_MEDIA_IMAGE);
    if (rc != 0)
        return rc;
    const struct sb_media *media = sb_request_media(request, uri);
    rc = sb_limit_check(request, SB_LIMIT_AVATAR_IMAGE, media->size, NULL);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *set = SB_DB_USE(db, query, whose);
    sqlite3_bind_text(set, 2, media->id, -1, SQLITE_STATIC);
    rc = sb_db_run(db, set);
    sqlite3_bind_null(set, 2);
    return rc;
}

static int set_avatar(struct sb_request *request)
{
    return set_picture(request, "uri", &person_set_avatar_sql, request->self_id);
}

static int set_group_avatar(struct sb_request *request)
{
    static const struct mk_phrase action = { "change its picture", "修改群头像" };
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_rights_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    return rc == 0 ? set_picture(request, "image_uri", &group_set_avatar_sql, group) : rc;
}

static const struct sb_api apis[] = {
    { "set_avatar", set_avatar },
    { "set_group_avatar", set_group_avatar },
    { NULL, NULL },
};

const struct sb_feature sb_feature_avatar = { .apis = apis };
