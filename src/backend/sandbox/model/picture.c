/* picture: avatars, the stickers that somebody uses, and URLs for what a message shows. */
#include "backend/sandbox/model/picture.h"

#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/media/media.h"

#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/turn/call_media.h"

#include <errno.h>
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
/* owner, limit */
static const struct sb_query faces_sql = {
    "SELECT media FROM custom_face WHERE owner = ?1 ORDER BY time DESC LIMIT ?2"
};
/* owner, time, sha256 */
static const struct sb_query face_use_sql = {
    "INSERT INTO custom_face (owner, time, media) VALUES (?1, ?2, ?3)"
    " ON CONFLICT DO UPDATE SET time = ?2"
};

enum { MOST_FACES = 100 }; /* in a list: those used last */

/* --- avatars --- */

/* The picture of `uri`, or a refusal. */
static int require_picture(struct sb_request *request, yyjson_mut_val *uri, const char **id)
{
    int rc = sb_request_media_kind(request, uri, 1u << SB_MEDIA_IMAGE);
    if (rc == 0)
        *id = sb_request_media(request, uri)->id;
    return rc;
}

static int write_avatar(struct sb_request *request, const struct sb_query *query, uint64_t whose,
                        const char *id)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *set = SB_DB_USE(db, query, whose);
    sqlite3_bind_text(set, 2, id, -1, SQLITE_STATIC);
    rc = sb_db_run(db, set);
    sqlite3_bind_null(set, 2);
    return rc;
}

int sb_set_avatar(struct sb_request *request, uint64_t actor, yyjson_mut_val *uri)
{
    const char *id;
    int rc = require_picture(request, uri, &id);
    return rc == 0 ? write_avatar(request, &person_set_avatar_sql, actor, id) : rc;
}

int sb_set_group_avatar(struct sb_request *request, uint64_t actor, uint64_t group,
                        yyjson_mut_val *uri)
{
    static const struct mk_phrase action = { "change its picture", "修改群头像" };
    struct sb_member self;
    const char *id;
    int rc = sb_member_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_rights_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = require_picture(request, uri, &id);
    return rc == 0 ? write_avatar(request, &group_set_avatar_sql, group, id) : rc;
}

static int avatar(struct sb_sandbox *sandbox, uint64_t self_id, const struct sb_query *query,
                  uint64_t whose, char url[SB_MEDIA_URL])
{
    struct sb_db *db = &sandbox->db;
    char id[SB_MEDIA_ID];
    sqlite3_stmt *row = SB_DB_USE(db, query, whose);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    struct mk_slice set = rc > 0 ? sb_db_text(row, 0) : MK_SLICE("");
    bool is_set = set.len == SB_MEDIA_ID - 1;
    snprintf(id, sizeof(id), "%s", is_set ? set.ptr : sb_media_plain_avatar);
    sqlite3_reset(row);
    return sb_media_url(sandbox->media, self_id, id, is_set ? NULL : "avatar.png", url);
}

int sb_person_avatar_url(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t uin,
                         char url[SB_MEDIA_URL])
{
    return avatar(sandbox, self_id, &person_avatar_sql, uin, url);
}

int sb_group_avatar_url(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t group,
                        char url[SB_MEDIA_URL])
{
    return avatar(sandbox, self_id, &group_avatar_sql, group, url);
}

static int set_avatar(struct sb_request *request)
{
    return sb_set_avatar(request, request->self_id, yyjson_mut_obj_get(request->params, "uri"));
}

static int set_group_avatar(struct sb_request *request)
{
    return sb_set_group_avatar(request, request->self_id, milky_uint(request->params, "group_id"),
                               yyjson_mut_obj_get(request->params, "image_uri"));
}

/* --- stickers --- */

int sb_use_stickers(struct sb_request *request, uint64_t user, yyjson_mut_val *segments)
{
    struct sb_db *db = &request->sandbox->db;
    size_t i, count;
    yyjson_mut_val *segment;
    int rc = 0;
    yyjson_mut_arr_foreach (segments, i, count, segment) {
        yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
        if (!yyjson_mut_equals_str(yyjson_mut_obj_get(data, "sub_type"), "sticker"))
            continue;
        sqlite3_stmt *use = SB_DB_USE(db, &face_use_sql, user, sb_clock_now(db));
        sqlite3_bind_text(use, 3, milky_string(data, "resource_id", NULL), -1, SQLITE_STATIC);
        rc = sb_db_run(db, use);
        sqlite3_bind_null(use, 3);
        if (rc < 0)
            break;
    }
    return rc;
}

static int add_url(struct sb_request *request, const char *id, yyjson_mut_val *urls)
{
    char url[SB_MEDIA_URL];
    int rc = sb_media_url(request->sandbox->media, request->self_id, id, NULL, url);
    if (rc == 0 && !yyjson_mut_arr_add_strcpy(request->doc, urls, url))
        rc = -ENOMEM;
    return rc;
}

static int get_custom_face_url_list(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *urls = yyjson_mut_arr(request->doc);
    if (!urls)
        return -ENOMEM;
    sqlite3_stmt *row = SB_DB_USE(db, &faces_sql, request->self_id, MOST_FACES);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        rc = add_url(request, sb_db_text(row, 0).ptr, urls);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc < 0 ? rc : sb_result(request, "urls", urls);
}

/* --- resources --- */

static int get_resource_temp_url(struct sb_request *request)
{
    struct mk_slice id;
    struct sb_media media;
    char url[SB_MEDIA_URL];
    id.ptr = milky_string(request->params, "resource_id", &id.len);
    int rc = sb_media_find(request->sandbox->media, id, &media);
    if (rc == 0)
        return sb_refuse(request, SB_NO_RESOURCE, "there is no resource with this resource_id",
                         "没有此 resource_id 的资源");
    if (rc > 0)
        rc = sb_media_url(request->sandbox->media, request->self_id, media.id, NULL, url);
    if (rc < 0)
        return rc;
    yyjson_mut_val *text = yyjson_mut_strcpy(request->doc, url);
    return text ? sb_result(request, "url", text) : -ENOMEM;
}

static const struct sb_api apis[] = {
    { "set_avatar", set_avatar },
    { "set_group_avatar", set_group_avatar },
    { "get_custom_face_url_list", get_custom_face_url_list },
    { "get_resource_temp_url", get_resource_temp_url },
    { NULL, NULL },
};

const struct sb_feature sb_feature_picture = { .apis = apis };
