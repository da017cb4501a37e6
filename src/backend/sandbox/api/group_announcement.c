/* group_board: the announcements of a group. Their ids are numbers that are never given again. */
#include "backend/sandbox/api/group_act.h"

#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/call_media.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group: shows its newest announcement */
static const struct sb_query group_preview_sql = {
    "UPDATE qq_group SET announcement = coalesce((SELECT content"
    " FROM group_announcement WHERE group_id = ?1 ORDER BY id DESC"
    " LIMIT 1), '') WHERE group_id = ?1"
};
/* id */
static const struct sb_query announcement_sql = {
    "SELECT group_id FROM group_announcement WHERE id = ?1"
};
/* group: the newest first */
static const struct sb_query announcements_sql = {
    "SELECT id, uin, time, content, image FROM group_announcement"
    " WHERE group_id = ?1 ORDER BY id DESC"
};
/* group, uin, time, content, image */
static const struct sb_query announcement_add_sql = {
    "INSERT INTO group_announcement (group_id, uin, time, content,"
    " image) VALUES (?1, ?2, ?3, ?4, ?5)"
};
/* id */
static const struct sb_query announcement_remove_sql = {
    "DELETE FROM group_announcement WHERE id = ?1"
};

enum { CONTENT_CHARS = 600 };

/* --- putting up --- */

static int write_announcement(struct sb_request *request, uint64_t actor, uint64_t group,
                              struct mk_slice content, const struct sb_media *image)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *add = SB_DB_USE(db, &announcement_add_sql, group, actor, sb_request_now(request));
    sb_text_bind(add, 4, content);
    if (image)
        sb_text_bind(add, 5, mk_slice_str(image->id));
    rc = sb_db_run(db, add);
    sqlite3_bind_null(add, 4);
    sqlite3_bind_null(add, 5);
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &group_preview_sql, group)) : rc;
}

int sb_group_announce(struct sb_request *request, uint64_t actor, uint64_t group,
                      struct mk_slice content, yyjson_mut_val *image_uri)
{
    static const struct sb_text_rule rule = { "content", 1, CONTENT_CHARS, true };
    static const struct mk_phrase action = { "make announcements", "发布群公告" };
    struct sb_member self;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, content);
    if (rc == 0 && image_uri)
        rc = sb_request_media_kind(request, image_uri, 1u << SB_MEDIA_IMAGE);
    if (rc != 0)
        return rc;
    return write_announcement(request, actor, group, content,
                              image_uri ? sb_request_media(request, image_uri) : NULL);
}

/* --- taking down --- */

static bool read_id(struct mk_slice text, uint64_t *id)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 18 || text.ptr[0] == '0')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *id = value;
    return true;
}

static int require_announcement(struct sb_request *request, uint64_t group, struct mk_slice text,
                                uint64_t *id)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = 0;
    if (read_id(text, id)) {
        sqlite3_stmt *row = SB_DB_USE(db, &announcement_sql, *id);
        rc = sb_db_step(db, row);
        if (rc > 0 && sb_db_uint(row, 0) != group)
            rc = 0;
        sqlite3_reset(row);
    }
    if (rc == 0)
        return sb_refuse(request, SB_NO_ANNOUNCEMENT,
                         "group %" PRIu64 " has no announcement with this announcement_id",
                         "群 %" PRIu64 " 没有此 announcement_id 的公告", group);
    return rc < 0 ? rc : 0;
}

int sb_group_unannounce(struct sb_request *request, uint64_t actor, uint64_t group,
                        struct mk_slice announcement_id)
{
    static const struct mk_phrase action = { "delete announcements", "删除群公告" };
    struct sb_db *db = &request->sandbox->db;
    struct sb_member self;
    uint64_t id = 0;
    int rc = sb_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = sb_require_role(request, group, &self, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = require_announcement(request, group, announcement_id, &id);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &announcement_remove_sql, id));
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &group_preview_sql, group)) : rc;
}

/* --- reading --- */

/* GroupAnnouncementEntity of a row. Returns 0 or -errno. */
static int put_announcement(struct sb_request *request, uint64_t group, sqlite3_stmt *row,
                            yyjson_mut_val *list)
{
    yyjson_mut_doc *doc = request->doc;
    struct mk_slice image = sb_db_text(row, 4);
    char id[24], url[SB_MEDIA_URL];
    snprintf(id, sizeof(id), "%" PRIu64, sb_db_uint(row, 0));
    yyjson_mut_val *entity = yyjson_mut_arr_add_obj(doc, list);
    bool ok = yyjson_mut_obj_add_uint(doc, entity, "group_id", group) &&
              yyjson_mut_obj_add_strcpy(doc, entity, "announcement_id", id) &&
              yyjson_mut_obj_add_uint(doc, entity, "user_id", sb_db_uint(row, 1)) &&
              yyjson_mut_obj_add_uint(doc, entity, "time", sb_db_uint(row, 2)) &&
              sb_put_text(doc, entity, "content", sb_db_text(row, 3));
    if (!ok)
        return -ENOMEM;
    if (image.len == 0)
        return 0;
    int rc = sb_media_url(request->sandbox->media, request->self_id, image.ptr, NULL, url);
    if (rc < 0)
        return rc;
    return yyjson_mut_obj_add_strcpy(doc, entity, "image_url", url) ? 0 : -ENOMEM;
}

static int get_group_announcements(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    struct sb_member self;
    int rc = sb_require_self(request, group, request->self_id, &self);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &announcements_sql, group);
    rc = list ? sb_db_step(db, row) : -ENOMEM;
    for (; rc > 0; rc = sb_db_step(db, row)) {
        rc = put_announcement(request, group, row, list);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc < 0 ? rc : sb_result(request, "announcements", list);
}

/* --- APIs --- */

static int send_group_announcement(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    bool has_image = milky_has(params, "image_uri");
    return sb_group_announce(request, request->self_id, milky_uint(params, "group_id"),
                             sb_text_param(params, "content"),
                             has_image ? yyjson_mut_obj_get(params, "image_uri") : NULL);
}

static int delete_group_announcement(struct sb_request *request)
{
    return sb_group_unannounce(request, request->self_id, milky_uint(request->params, "group_id"),
                               sb_text_param(request->params, "announcement_id"));
}

static const struct sb_api apis[] = {
    { "get_group_announcements", get_group_announcements },
    { "send_group_announcement", send_group_announcement },
    { "delete_group_announcement", delete_group_announcement },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_announcement = { .apis = apis };
