/* group_announcement: the announcements of a group. Their ids are numbers that are never reused. */
#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/call_media.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* clang-format off */
/* image: of the table media, NULL where there is none. */
static const char group_announcement_sql[] =
    "CREATE TABLE group_announcement ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  content TEXT NOT NULL,"
    "  image TEXT REFERENCES media"
    ") STRICT;"
    "CREATE INDEX group_announcement_of ON group_announcement (group_id, id);";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group: the newest announcement becomes the `announcement` of its GroupEntity */
static const struct sb_query set_newest_sql = {
    "UPDATE qq_group SET announcement = coalesce((SELECT content"
    " FROM group_announcement WHERE group_id = ?1 ORDER BY id DESC"
    " LIMIT 1), '') WHERE group_id = ?1"
};

/* id */
static const struct sb_query find_sql = { "SELECT group_id FROM group_announcement WHERE id = ?1" };
enum { FOUND_GROUP };

/* group: the newest first */
static const struct sb_query list_sql = {
    "SELECT id, uin, time, content, image FROM group_announcement"
    " WHERE group_id = ?1 ORDER BY id DESC"
};
enum { LIST_ID, LIST_UIN, LIST_TIME, LIST_CONTENT, LIST_IMAGE };

/* group, uin, time, content, image */
static const struct sb_query add_sql = {
    "INSERT INTO group_announcement (group_id, uin, time, content,"
    " image) VALUES (?1, ?2, ?3, ?4, ?5)"
};
/* id */
static const struct sb_query remove_sql = { "DELETE FROM group_announcement WHERE id = ?1" };

/* --- sending --- */

static int write_announcement(struct sb_request *request, uint64_t group, struct mk_slice content,
                              const struct sb_media *image)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    sqlite3_stmt *add = SB_DB_USE(db, &add_sql, group, request->self_id, sb_request_now(request));
    sb_text_bind(add, 4, content);
    if (image)
        sb_text_bind(add, 5, mk_slice_str(image->id));
    rc = sb_db_run(db, add);
    sqlite3_bind_null(add, 5);
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &set_newest_sql, group)) : rc;
}

/* An admin or the owner. */
static int send_group_announcement(struct sb_request *request)
{
    static const struct sb_text_rule rule = { "content", 1, SB_TEXT_BOUND, true,
                                              &sb_limits[SB_LIMIT_ANNOUNCEMENT_CHARS] };
    static const struct mk_phrase action = { "make announcements", "发布群公告" };
    yyjson_mut_val *params = request->params;
    uint64_t group = milky_uint(params, "group_id");
    struct mk_slice content = sb_text_param(params, "content");
    bool has_image = milky_has(params, "image_uri");
    yyjson_mut_val *uri = yyjson_mut_obj_get(params, "image_uri");
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = sb_text_check(request, &rule, content);
    if (rc == 0 && has_image)
        rc = sb_request_media_kind(request, uri, 1u << SB_MEDIA_IMAGE);
    const struct sb_media *image = rc == 0 && has_image ? sb_request_media(request, uri) : NULL;
    if (image)
        rc = sb_limit_check(request, SB_LIMIT_ANNOUNCEMENT_IMAGE_BYTES, image->size, NULL);
    if (rc != 0)
        return rc;
    return write_announcement(request, group, content, image);
}

/* --- deleting --- */

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

static int require_announcement(struct sb_request *request, uint64_t group, uint64_t *id)
{
    struct sb_db *db = &request->sandbox->db;
    int rc = 0;
    if (read_id(sb_text_param(request->params, "announcement_id"), id)) {
        sqlite3_stmt *row = SB_DB_USE(db, &find_sql, *id);
        rc = sb_db_step(db, row);
        if (rc > 0 && sb_db_uint(row, FOUND_GROUP) != group)
            rc = 0;
        sqlite3_reset(row);
    }
    if (rc == 0)
        return sb_refuse(request, SB_NO_ANNOUNCEMENT,
                         "group %" PRIu64 " has no announcement with this announcement_id",
                         "群 %" PRIu64 " 没有此 announcement_id 的公告", group);
    return rc < 0 ? rc : 0;
}

/* An admin or the owner. */
static int delete_group_announcement(struct sb_request *request)
{
    static const struct mk_phrase action = { "delete announcements", "删除群公告" };
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id"), id = 0;
    int rc = sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
    if (rc == 0)
        rc = require_announcement(request, group, &id);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &remove_sql, id));
    return rc == 0 ? sb_db_run(db, SB_DB_USE(db, &set_newest_sql, group)) : rc;
}

/* --- reading --- */

/* GroupAnnouncementEntity. */
static int add_announcement(sqlite3_stmt *row, void *arg, yyjson_mut_val *list)
{
    struct sb_request *request = arg;
    yyjson_mut_doc *doc = request->doc;
    struct mk_slice image = sb_db_text(row, LIST_IMAGE);
    char id[24], url[SB_MEDIA_URL];
    snprintf(id, sizeof(id), "%" PRIu64, sb_db_uint(row, LIST_ID));
    yyjson_mut_val *json = yyjson_mut_arr_add_obj(doc, list);
    bool ok =
        yyjson_mut_obj_add_uint(doc, json, "group_id", milky_uint(request->params, "group_id")) &&
        yyjson_mut_obj_add_strcpy(doc, json, "announcement_id", id) &&
        yyjson_mut_obj_add_uint(doc, json, "user_id", sb_db_uint(row, LIST_UIN)) &&
        yyjson_mut_obj_add_uint(doc, json, "time", sb_db_uint(row, LIST_TIME)) &&
        sb_text_put(doc, json, "content", sb_db_text(row, LIST_CONTENT));
    if (!ok)
        return -ENOMEM;
    if (image.len == 0)
        return 0;
    int rc = sb_media_url(request->sandbox->media, request->self_id, image.ptr, NULL, url);
    if (rc < 0)
        return rc;
    return yyjson_mut_obj_add_strcpy(doc, json, "image_url", url) ? 0 : -ENOMEM;
}

static int get_group_announcements(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_rows_page(db, SB_DB_USE(db, &list_sql, group), UINT64_MAX, add_announcement,
                          request, list);
    return rc ? rc : sb_result(request, "announcements", list);
}

static const struct sb_api apis[] = {
    { "get_group_announcements", get_group_announcements },
    { "send_group_announcement", send_group_announcement },
    { "delete_group_announcement", delete_group_announcement },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_announcements = {
    .name = "announcements",
    .within = &sb_group_list,
    .select = "SELECT 0, id, uin, time, content, image FROM group_announcement"
              " WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_announcement (group_id, id, uin, time, content, image)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_NULLABLE("announcement_id"),
        SB_COLUMN_ID("user_id"),
        SB_COLUMN_TIME("time"),
        SB_COLUMN_REQUIRED_TEXT("content"),
        SB_COLUMN_PICTURE("image"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 5, group_announcement_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_announcements, NULL };

const struct sb_feature sb_feature_group_announcement = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
