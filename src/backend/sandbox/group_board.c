/* group_board: the announcements of a group. Their ids are numbers that are never given again. */
#include "backend/sandbox/group_act.h"
#include "backend/sandbox/group_rights.h"
#include "backend/sandbox/media.h"
#include "backend/sandbox/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { CONTENT_CHARS = 600 };

/* --- putting up --- */

static int write_announcement(struct mk_request *request, uint64_t actor, uint64_t group,
                              struct mk_slice content, const struct mk_media *image)
{
    struct mk_db *db = &request->sandbox->db;
    int rc = mk_request_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *add =
        MK_DB_USE(db, MK_SQL_ANNOUNCEMENT_ADD, group, actor, mk_request_now(request));
    mk_text_bind(add, 4, content);
    if (image)
        mk_text_bind(add, 5, mk_slice_str(image->id));
    rc = mk_db_run(db, add);
    sqlite3_bind_null(add, 4);
    sqlite3_bind_null(add, 5);
    return rc == 0 ? mk_db_run(db, MK_DB_USE(db, MK_SQL_GROUP_PREVIEW, group)) : rc;
}

int mk_group_announce(struct mk_request *request, uint64_t actor, uint64_t group,
                      struct mk_slice content, yyjson_mut_val *image_uri)
{
    static const struct mk_text_rule rule = { "content", 1, CONTENT_CHARS, true };
    static const struct mk_deed deed = { "发布群公告", "make announcements" };
    struct mk_member self;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_ADMIN, &deed);
    if (rc == 0)
        rc = mk_text_check(request, &rule, content);
    if (rc == 0 && image_uri)
        rc = mk_request_media_kind(request, image_uri, 1u << MK_MEDIA_IMAGE);
    if (rc != 0)
        return rc;
    return write_announcement(request, actor, group, content,
                              image_uri ? mk_request_media(request, image_uri) : NULL);
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

static int require_announcement(struct mk_request *request, uint64_t group, struct mk_slice text,
                                uint64_t *id)
{
    struct mk_db *db = &request->sandbox->db;
    int rc = 0;
    if (read_id(text, id)) {
        sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_ANNOUNCEMENT, *id);
        rc = mk_db_step(db, row);
        if (rc > 0 && mk_db_uint(row, 0) != group)
            rc = 0;
        sqlite3_reset(row);
    }
    if (rc == 0)
        return mk_refuse(request, MK_SANDBOX_NO_ANNOUNCEMENT,
                         "群公告不存在 (group %" PRIu64
                         " has no announcement with this announcement_id)",
                         group);
    return rc < 0 ? rc : 0;
}

int mk_group_unannounce(struct mk_request *request, uint64_t actor, uint64_t group,
                        struct mk_slice announcement_id)
{
    static const struct mk_deed deed = { "删除群公告", "delete announcements" };
    struct mk_db *db = &request->sandbox->db;
    struct mk_member self;
    uint64_t id = 0;
    int rc = mk_require_self(request, group, actor, &self);
    if (rc == 0)
        rc = mk_require_role(request, group, &self, MK_ROLE_ADMIN, &deed);
    if (rc == 0)
        rc = require_announcement(request, group, announcement_id, &id);
    if (rc == 0)
        rc = mk_request_write(request);
    if (rc == 0)
        rc = mk_db_run(db, MK_DB_USE(db, MK_SQL_ANNOUNCEMENT_REMOVE, id));
    return rc == 0 ? mk_db_run(db, MK_DB_USE(db, MK_SQL_GROUP_PREVIEW, group)) : rc;
}

/* --- reading --- */

/* GroupAnnouncementEntity of a row. Returns 0 or -errno. */
static int put_announcement(struct mk_request *request, uint64_t group, sqlite3_stmt *row,
                            yyjson_mut_val *list)
{
    yyjson_mut_doc *doc = request->doc;
    struct mk_slice image = mk_db_text(row, 4);
    char id[24], url[MK_MEDIA_URL];
    snprintf(id, sizeof(id), "%" PRIu64, mk_db_uint(row, 0));
    yyjson_mut_val *entity = yyjson_mut_arr_add_obj(doc, list);
    bool ok = yyjson_mut_obj_add_uint(doc, entity, "group_id", group) &&
              yyjson_mut_obj_add_strcpy(doc, entity, "announcement_id", id) &&
              yyjson_mut_obj_add_uint(doc, entity, "user_id", mk_db_uint(row, 1)) &&
              yyjson_mut_obj_add_uint(doc, entity, "time", mk_db_uint(row, 2)) &&
              mk_put_text(doc, entity, "content", mk_db_text(row, 3));
    if (!ok)
        return -ENOMEM;
    if (image.len == 0)
        return 0;
    int rc = mk_media_url(request->sandbox, request->self_id, image.ptr, NULL, url);
    if (rc < 0)
        return rc;
    return yyjson_mut_obj_add_strcpy(doc, entity, "image_url", url) ? 0 : -ENOMEM;
}

static int get_group_announcements(struct mk_request *request)
{
    struct mk_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    struct mk_member self;
    int rc = mk_require_self(request, group, request->self_id, &self);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_ANNOUNCEMENTS, group);
    rc = list ? mk_db_step(db, row) : -ENOMEM;
    for (; rc > 0; rc = mk_db_step(db, row)) {
        rc = put_announcement(request, group, row, list);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc < 0 ? rc : mk_result(request, "announcements", list);
}

/* --- APIs --- */

static int send_group_announcement(struct mk_request *request)
{
    yyjson_mut_val *params = request->params;
    bool has_image = milky_has(params, "image_uri");
    return mk_group_announce(request, request->self_id, milky_uint(params, "group_id"),
                             mk_text_param(params, "content"),
                             has_image ? yyjson_mut_obj_get(params, "image_uri") : NULL);
}

static int delete_group_announcement(struct mk_request *request)
{
    return mk_group_unannounce(request, request->self_id, milky_uint(request->params, "group_id"),
                               mk_text_param(request->params, "announcement_id"));
}

const struct mk_sandbox_api mk_group_board_apis[] = {
    { "get_group_announcements", get_group_announcements },
    { "send_group_announcement", send_group_announcement },
    { "delete_group_announcement", delete_group_announcement },
    { NULL, NULL },
};
