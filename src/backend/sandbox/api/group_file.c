/*
 * group_file: the files of a group. All members download, and upload where the group's settings let
 * them; the uploader of a file, the owner and the admins may move, rename and delete it.
 */
#include "backend/sandbox/api/file.h"
#include "backend/sandbox/api/group_file_life.h"
#include "backend/sandbox/api/group_folder.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>

/* clang-format off */
/* id: random; file_id is made of it (api/file.h). folder: group_folder.id, or 0 for the root.
 * Several files may have the same name, as in QQ. */
static const char group_file_sql[] =
    "CREATE TABLE group_file ("
    "  id INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  folder INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  media TEXT NOT NULL REFERENCES media,"
    "  size INTEGER NOT NULL,"
    "  uploader INTEGER NOT NULL,"
    "  uploaded_time INTEGER NOT NULL,"
    "  downloaded_times INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX group_file_in ON group_file (group_id, folder, uploaded_time, id);";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id, group, now: one that has expired is not found */
static const struct sb_query find_sql = {
    "SELECT folder, uploader, name, media, size, expire_time FROM group_file"
    " WHERE id = ?1 AND group_id = ?2 AND (expire_time = 0 OR expire_time > ?3)"
};
enum { FOUND_FOLDER, FOUND_UPLOADER, FOUND_NAME, FOUND_MEDIA, FOUND_SIZE, FOUND_EXPIRE_TIME };

/* id, group, folder, size, uploader, time, expire time, name, media */
static const struct sb_query add_sql = {
    "INSERT INTO group_file (id, group_id, folder, size, uploader,"
    " uploaded_time, expire_time, name, media)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
};
/* id */
static const struct sb_query downloaded_sql = {
    "UPDATE group_file SET downloaded_times = downloaded_times + 1 WHERE id = ?1"
};
/* id, folder */
static const struct sb_query move_sql = { "UPDATE group_file SET folder = ?2 WHERE id = ?1" };
/* id, name */
static const struct sb_query rename_sql = { "UPDATE group_file SET name = ?2 WHERE id = ?1" };
/* id */
static const struct sb_query delete_sql = { "DELETE FROM group_file WHERE id = ?1" };

/* --- uploading --- */

static int emit_upload(struct sb_request *request, const struct sb_upload *upload, uint64_t group)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, json, "user_id", request->self_id) &&
              sb_upload_put(doc, json, upload);
    return sb_group_event(request, group, 0, "group_file_upload", ok ? json : NULL);
}

static int write_file(struct sb_request *request, const struct sb_upload *upload, uint64_t group,
                      uint64_t folder)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t size = upload->media->size, expires;
    int rc = sb_group_file_expiry(request, group, size, &expires);
    if (rc < 0)
        return rc;
    sqlite3_stmt *insert = SB_DB_USE(db, &add_sql, upload->id, group, folder, size,
                                     request->self_id, sb_request_now(request), expires);
    sb_text_bind(insert, 8, upload->name);
    sb_text_bind(insert, 9, mk_slice_str(upload->media->id));
    rc = sb_db_run(db, insert);
    return rc < 0 ? rc : sb_group_folder_changed(db, folder, 1);
}

/* All members, or the owner and the admins only. */
static int require_upload_right(struct sb_request *request, uint64_t group)
{
    static const struct mk_phrase action = { "upload files to this group", "向本群上传文件" };
    struct sb_group_settings settings;
    int rc = sb_group_settings_find(&request->sandbox->db, group, &settings);
    bool admins = rc == 0 && settings.uploads == SB_UPLOADS_ADMINS;
    return rc ? rc
              : sb_rights_require(request, group, admins ? SB_ROLE_ADMIN : SB_ROLE_MEMBER, &action);
}

static int upload_group_file(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id"), folder;
    struct sb_upload upload;
    int rc = require_upload_right(request, group);
    if (rc == 0)
        rc = sb_group_folder_param(request, group, "parent_folder_id", &folder);
    if (rc == 0)
        rc = sb_group_file_check_count(request, group);
    if (rc == 0)
        rc = sb_upload_begin(request, &upload);
    if (rc == 0)
        rc = emit_upload(request, &upload, group);
    if (rc == 0)
        rc = sb_upload_send(request, &upload, SB_SCENE_GROUP, group);
    return rc ? rc : write_file(request, &upload, group, folder);
}

/* --- one file --- */

struct group_file {
    uint64_t id;
    uint64_t folder;
    uint64_t uploader;
    uint64_t size;
    uint64_t expire_time; /* 0: permanent */
    struct mk_slice name; /* texts live in the request's document */
    struct mk_slice media;
};

/* The file of the group that `file_id` names. Returns 0, SB_REFUSED or -errno. */
static int require_file(struct sb_request *request, uint64_t group, struct group_file *file)
{
    struct sb_db *db = &request->sandbox->db;
    if (!sb_file_id_read(sb_text_param(request->params, "file_id"), &file->id))
        return sb_refuse_no_file(request);
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, file->id, group, sb_request_now(request));
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_file(request);
    file->folder = sb_db_uint(row, FOUND_FOLDER);
    file->uploader = sb_db_uint(row, FOUND_UPLOADER);
    file->size = sb_db_uint(row, FOUND_SIZE);
    file->expire_time = sb_db_uint(row, FOUND_EXPIRE_TIME);
    file->name = sb_db_text(row, FOUND_NAME);
    file->media = sb_db_text(row, FOUND_MEDIA);
    bool ok = sb_text_keep(request->doc, &file->name) && sb_text_keep(request->doc, &file->media);
    sqlite3_reset(row);
    return ok ? 0 : -ENOMEM;
}

/*
 * The same; the file must be in the folder that `parent_folder_id` names. The draft has no such
 * field: there it is empty, and the file may be in any folder.
 */
static int require_file_there(struct sb_request *request, uint64_t group, struct group_file *file)
{
    bool anywhere = sb_text_param(request->params, "parent_folder_id").len == 0;
    uint64_t folder = 0;
    int rc = anywhere ? 0 : sb_group_folder_param(request, group, "parent_folder_id", &folder);
    if (rc == 0)
        rc = require_file(request, group, file);
    if (rc == 0 && !anywhere && file->folder != folder)
        return sb_refuse(request, SB_NO_FILE,
                         "the file is not in the folder that parent_folder_id names",
                         "文件不在 parent_folder_id 指定的文件夹中");
    return rc;
}

/* It is the caller's own file, or they are the owner or an admin. */
static int require_right(struct sb_request *request, uint64_t group, const struct sb_member *self,
                         const struct group_file *file, const struct mk_phrase *action)
{
    if (file->uploader == self->uin)
        return 0;
    return sb_rights_require_role(request, group, self, SB_ROLE_ADMIN, action);
}

static int get_group_file_download_url(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_member self;
    struct group_file file;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = require_file(request, group, &file);
    if (rc == 0)
        rc = sb_file_url(request, file.media.ptr, file.name.ptr);
    if (rc == 0)
        rc = sb_turn_write(request);
    /* Like QQ, this counts the requests for a URL: it does not see the downloads themselves. */
    return rc ? rc : sb_db_run(db, SB_DB_USE(db, &downloaded_sql, file.id));
}

static int move_group_file(struct sb_request *request)
{
    static const struct mk_phrase action = { "move files of others", "移动他人的文件" };
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id"), target;
    struct sb_member self;
    struct group_file file;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = require_file_there(request, group, &file);
    if (rc == 0)
        rc = sb_group_folder_param(request, group, "target_folder_id", &target);
    if (rc == 0)
        rc = require_right(request, group, &self, &file, &action);
    if (rc != 0 || target == file.folder)
        return rc;
    rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &move_sql, file.id, target));
    if (rc == 0)
        rc = sb_group_folder_changed(db, file.folder, -1);
    return rc < 0 ? rc : sb_group_folder_changed(db, target, 1);
}

static int rename_group_file(struct sb_request *request)
{
    static const struct mk_phrase action = { "rename files of others", "重命名他人的文件" };
    struct sb_db *db = &request->sandbox->db;
    struct mk_slice name = sb_text_param(request->params, "new_file_name");
    uint64_t group = milky_uint(request->params, "group_id");
    struct sb_member self;
    struct group_file file;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_file_name_check(request, "new_file_name", name);
    if (rc == 0)
        rc = require_file_there(request, group, &file);
    if (rc == 0)
        rc = require_right(request, group, &self, &file, &action);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *update = SB_DB_USE(db, &rename_sql, file.id);
    sb_text_bind(update, 2, name);
    return sb_db_run(db, update);
}

/* The file that `file_id` names, which the caller may change. Returns 0, SB_REFUSED or -errno. */
static int require_file_of(struct sb_request *request, uint64_t group,
                           const struct mk_phrase *action, struct group_file *file)
{
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = require_file(request, group, file);
    return rc ? rc : require_right(request, group, &self, file, action);
}

/* The message that shows the file stays. */
static int delete_group_file(struct sb_request *request)
{
    static const struct mk_phrase action = { "delete files of others", "删除他人的文件" };
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id");
    struct group_file file;
    int rc = require_file_of(request, group, &action, &file);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &delete_sql, file.id));
    return rc ? rc : sb_group_folder_changed(db, file.folder, -1);
}

/* A file that is permanent already stays so. */
static int persist_group_file(struct sb_request *request)
{
    static const struct mk_phrase action = { "keep files of others", "保留他人的文件" };
    uint64_t group = milky_uint(request->params, "group_id");
    struct group_file file;
    int rc = require_file_of(request, group, &action, &file);
    if (rc != 0 || file.expire_time == 0)
        return rc;
    return sb_group_file_persist(request, group, file.id, file.size);
}

static const struct sb_api apis[] = {
    { "upload_group_file", upload_group_file },
    { "persist_group_file", persist_group_file },
    { "get_group_file_download_url", get_group_file_download_url },
    { "move_group_file", move_group_file },
    { "rename_group_file", rename_group_file },
    { "delete_group_file", delete_group_file },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

enum { LIST_FILE_ID, LIST_FOLDER_ID };

static int check_file(struct sb_request *request, const struct mk_json_path *path,
                      yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    uint64_t id;
    if (values[LIST_FOLDER_ID].given && !sb_file_id_read(values[LIST_FOLDER_ID].text, &id))
        return sb_file_id_check(request, path, "parent_folder_id", values[LIST_FOLDER_ID].text);
    return sb_file_id_check(request, path, "file_id", values[LIST_FILE_ID].text);
}

/* clang-format off */
/* A file without parent_folder_id is in the root. Its size is that of the content. */
static const struct sb_world_list world_files = {
    .name = "files",
    .within = &sb_group_list,
    .select = "SELECT 0, printf('/%016x', id), CASE folder WHEN 0 THEN NULL ELSE"
              " printf('/%016x', folder) END, name, media, uploader, uploaded_time,"
              " downloaded_times, expire_time FROM group_file WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_file (group_id, id, folder, name, media, uploader, uploaded_time,"
              " downloaded_times, expire_time, size) SELECT ?1, from_hex(substr(?2, 2)),"
              " from_hex(substr(coalesce(?3, '/'), 2)), ?4, ?5, ?6, ?7, ?8, ?9, size FROM media"
              " WHERE sha256 = ?5",
    .columns = (const struct sb_column[]){
        [LIST_FILE_ID] = SB_COLUMN_REQUIRED_TEXT("file_id"),
        [LIST_FOLDER_ID] = { "parent_folder_id", SB_KIND_TEXT, .nullable = true },
        SB_COLUMN_REQUIRED_TEXT("file_name"),
        SB_COLUMN_CONTENT("resource_id"),
        SB_COLUMN_ID("uploader_id"),
        SB_COLUMN_TIME("uploaded_time"),
        SB_COLUMN_NUMBER("downloaded_times"),
        SB_COLUMN_NUMBER("expire_time"),
        { NULL },
    },
    .check = check_file,
    .after = "UPDATE group_folder SET file_count = file_count + 1 WHERE (id, group_id) ="
             " (SELECT folder, group_id FROM group_file WHERE id = ?1)",
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 6, group_file_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_files, NULL };

const struct sb_feature sb_feature_group_file = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
