/*
 * group_folder: the folders of a group's files, and the lists of both. All folders are in the root,
 * "/", none is in another one. The owner and the admins create, rename and delete them.
 */
#include "backend/sandbox/api/group_folder.h"

#include "backend/sandbox/api/file.h"
#include "backend/sandbox/api/group_file_life.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/group_rights.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <inttypes.h>

/* clang-format off */
/* id: random; folder_id is made of it (api/file.h). file_count: of the rows of group_file. */
static const char group_folder_sql[] =
    "CREATE TABLE group_folder ("
    "  id INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  creator INTEGER NOT NULL,"
    "  created_time INTEGER NOT NULL,"
    "  last_modified_time INTEGER NOT NULL,"
    "  file_count INTEGER NOT NULL DEFAULT 0,"
    "  UNIQUE (group_id, name)"
    ") STRICT;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group, folder: the newest first */
static const struct sb_query files_sql = {
    "SELECT id, name, size, uploaded_time, uploader, downloaded_times, expire_time"
    " FROM group_file WHERE group_id = ?1 AND folder = ?2"
    " ORDER BY uploaded_time DESC, id DESC"
};
enum {
    FILE_ID,
    FILE_NAME,
    FILE_SIZE,
    FILE_UPLOADED_TIME,
    FILE_UPLOADER,
    FILE_DOWNLOADED_TIMES,
    FILE_EXPIRE_TIME,
};

/* group */
static const struct sb_query folders_sql = {
    "SELECT id, name, creator, created_time, last_modified_time, file_count"
    " FROM group_folder WHERE group_id = ?1 ORDER BY name"
};
enum {
    FOLDER_ID,
    FOLDER_NAME,
    FOLDER_CREATOR,
    FOLDER_CREATED_TIME,
    FOLDER_LAST_MODIFIED_TIME,
    FOLDER_FILE_COUNT,
};

/* id, group */
static const struct sb_query find_sql = {
    "SELECT 1 FROM group_folder WHERE id = ?1 AND group_id = ?2"
};

/* group, name */
static const struct sb_query find_name_sql = {
    "SELECT id FROM group_folder WHERE group_id = ?1 AND name = ?2"
};
enum { FOUND_ID };

/* id, group, creator, time, name */
static const struct sb_query add_sql = {
    "INSERT INTO group_folder (id, group_id, creator, created_time,"
    " last_modified_time, name) VALUES (?1, ?2, ?3, ?4, ?4, ?5)"
};
/* id, files more, time */
static const struct sb_query changed_sql = { "UPDATE group_folder SET file_count = file_count + ?2,"
                                             " last_modified_time = ?3 WHERE id = ?1" };
/* id, time, name */
static const struct sb_query rename_sql = {
    "UPDATE group_folder SET last_modified_time = ?2, name = ?3 WHERE id = ?1"
};
/* group, folder */
static const struct sb_query delete_files_sql = {
    "DELETE FROM group_file WHERE group_id = ?1 AND folder = ?2"
};
/* id */
static const struct sb_query delete_sql = { "DELETE FROM group_folder WHERE id = ?1" };

static int refuse_no_folder(struct sb_request *request, const char *field)
{
    return sb_refuse(request, SB_NO_FOLDER, "%s names no folder of this group",
                     "%s 不是本群的文件夹", field);
}

int sb_group_folder_param(struct sb_request *request, uint64_t group, const char *field,
                          uint64_t *folder)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t id;
    if (!sb_file_id_read(sb_text_param(request->params, field), &id))
        return refuse_no_folder(request, field);
    if (id > 0) {
        sqlite3_stmt *row = SB_DB_USE(db, &find_sql, id, group);
        int rc = sb_db_step(db, row);
        sqlite3_reset(row);
        if (rc <= 0)
            return rc < 0 ? rc : refuse_no_folder(request, field);
    }
    *folder = id;
    return 0;
}

int sb_group_folder_changed(struct sb_db *db, uint64_t folder, int delta)
{
    if (folder == 0)
        return 0;
    return sb_db_run(
        db, SB_DB_USE(db, &changed_sql, folder, (uint64_t)(int64_t)delta, sb_clock_now(db)));
}

/* --- lists --- */

/* Where a listed file or folder is. */
struct in_folder {
    uint64_t group;
    uint64_t folder;
};

static bool put_ids(yyjson_mut_doc *doc, yyjson_mut_val *json, uint64_t group, const char *key,
                    uint64_t id, uint64_t parent)
{
    char own[SB_FILE_ID], above[SB_FILE_ID];
    sb_file_id_write(id, own);
    sb_file_id_write(parent, above);
    return yyjson_mut_obj_add_uint(doc, json, "group_id", group) &&
           yyjson_mut_obj_add_strcpy(doc, json, key, own) &&
           yyjson_mut_obj_add_strcpy(doc, json, "parent_folder_id", above);
}

/* GroupFileEntity. */
static yyjson_mut_val *read_file(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    const struct in_folder *in = arg;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    uint64_t expires = sb_db_uint(row, FILE_EXPIRE_TIME);
    bool ok =
        put_ids(doc, json, in->group, "file_id", sb_db_uint(row, FILE_ID), in->folder) &&
        sb_text_put(doc, json, "file_name", sb_db_text(row, FILE_NAME)) &&
        yyjson_mut_obj_add_uint(doc, json, "file_size", sb_db_uint(row, FILE_SIZE)) &&
        yyjson_mut_obj_add_uint(doc, json, "uploaded_time", sb_db_uint(row, FILE_UPLOADED_TIME)) &&
        (expires == 0 || yyjson_mut_obj_add_uint(doc, json, "expire_time", expires)) &&
        yyjson_mut_obj_add_uint(doc, json, "uploader_id", sb_db_uint(row, FILE_UPLOADER)) &&
        yyjson_mut_obj_add_uint(doc, json, "downloaded_times",
                                sb_db_uint(row, FILE_DOWNLOADED_TIMES));
    return ok ? json : NULL;
}

/* GroupFolderEntity. */
static yyjson_mut_val *read_folder(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    const struct in_folder *in = arg;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok =
        put_ids(doc, json, in->group, "folder_id", sb_db_uint(row, FOLDER_ID), in->folder) &&
        sb_text_put(doc, json, "folder_name", sb_db_text(row, FOLDER_NAME)) &&
        yyjson_mut_obj_add_uint(doc, json, "created_time", sb_db_uint(row, FOLDER_CREATED_TIME)) &&
        yyjson_mut_obj_add_uint(doc, json, "last_modified_time",
                                sb_db_uint(row, FOLDER_LAST_MODIFIED_TIME)) &&
        yyjson_mut_obj_add_uint(doc, json, "creator_id", sb_db_uint(row, FOLDER_CREATOR)) &&
        yyjson_mut_obj_add_uint(doc, json, "file_count", sb_db_uint(row, FOLDER_FILE_COUNT));
    return ok ? json : NULL;
}

static int get_group_files(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_doc *doc = request->doc;
    struct in_folder in = { .group = milky_uint(request->params, "group_id") };
    struct sb_member self;
    yyjson_mut_val *files, *folders = yyjson_mut_arr(doc);
    int rc = sb_member_require_self(request, in.group, request->self_id, &self);
    if (rc == 0)
        rc = sb_group_folder_param(request, in.group, "parent_folder_id", &in.folder);
    if (rc == 0)
        rc = sb_group_files_expire(request, in.group);
    if (rc == 0)
        rc = sb_rows_read(db, SB_DB_USE(db, &files_sql, in.group, in.folder), doc, read_file, &in,
                          &files);
    if (rc == 0 && in.folder == 0)
        rc = sb_rows_read(db, SB_DB_USE(db, &folders_sql, in.group), doc, read_folder, &in,
                          &folders);
    if (rc == 0)
        rc = sb_result(request, "files", files);
    if (rc == 0 && !yyjson_mut_obj_add_val(doc, request->result, "folders", folders))
        rc = -ENOMEM;
    return rc;
}

/* --- creating, renaming, deleting --- */

/* The param must be a name that no folder of the group has, but the folder `own` may. */
static int require_folder_name(struct sb_request *request, uint64_t group, const char *field,
                               uint64_t own)
{
    struct sb_db *db = &request->sandbox->db;
    struct mk_slice name = sb_text_param(request->params, field);
    int rc = sb_file_name_check(request, field, name);
    if (rc != 0)
        return rc;
    sqlite3_stmt *row = SB_DB_USE(db, &find_name_sql, group);
    sb_text_bind(row, 2, name);
    rc = sb_db_step(db, row);
    uint64_t other = rc > 0 ? sb_db_uint(row, FOUND_ID) : own;
    sqlite3_reset(row);
    if (rc < 0)
        return rc;
    if (other != own)
        return sb_refuse(request, SB_ALREADY, "group %" PRIu64 " has a folder of this name already",
                         "群 %" PRIu64 " 已有同名的文件夹", group);
    return 0;
}

static int require_manager(struct sb_request *request, uint64_t group)
{
    static const struct mk_phrase action = { "make, rename and delete folders", "管理文件夹" };
    return sb_rights_require(request, group, SB_ROLE_ADMIN, &action);
}

static int create_group_folder(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id"), id = sb_file_id_new(db);
    char folder_id[SB_FILE_ID];
    sb_file_id_write(id, folder_id);
    int rc = require_manager(request, group);
    if (rc == 0)
        rc = require_folder_name(request, group, "folder_name", id);
    if (rc == 0)
        rc = sb_result(request, "folder_id", yyjson_mut_strcpy(request->doc, folder_id));
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *insert = SB_DB_USE(db, &add_sql, id, group, request->self_id, sb_clock_now(db));
    sb_text_bind(insert, 5, sb_text_param(request->params, "folder_name"));
    return sb_db_run(db, insert);
}

/* The caller manages the group, and `folder_id` names one of its folders, not the root. */
static int require_folder(struct sb_request *request, uint64_t group, uint64_t *folder)
{
    *folder = 0;
    int rc = require_manager(request, group);
    if (rc == 0)
        rc = sb_group_folder_param(request, group, "folder_id", folder);
    if (rc == 0 && *folder == 0)
        return refuse_no_folder(request, "folder_id");
    return rc;
}

static int rename_group_folder(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id"), folder;
    int rc = require_folder(request, group, &folder);
    if (rc == 0)
        rc = require_folder_name(request, group, "new_folder_name", folder);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc != 0)
        return rc;
    sqlite3_stmt *update = SB_DB_USE(db, &rename_sql, folder, sb_clock_now(db));
    sb_text_bind(update, 3, sb_text_param(request->params, "new_folder_name"));
    return sb_db_run(db, update);
}

/* Deletes the files in it as well. */
static int delete_group_folder(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t group = milky_uint(request->params, "group_id"), folder;
    int rc = require_folder(request, group, &folder);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &delete_files_sql, group, folder));
    return rc ? rc : sb_db_run(db, SB_DB_USE(db, &delete_sql, folder));
}

static const struct sb_api apis[] = {
    { "get_group_files", get_group_files },
    { "create_group_folder", create_group_folder },
    { "rename_group_folder", rename_group_folder },
    { "delete_group_folder", delete_group_folder },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

enum { LIST_FOLDER_ID };

static int check_folder(struct sb_request *request, const struct mk_json_path *path,
                        yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    return sb_file_id_check(request, path, "folder_id", values[LIST_FOLDER_ID].text);
}

/* clang-format off */
static const struct sb_world_list world_folders = {
    .name = "folders",
    .within = &sb_group_list,
    .select = "SELECT 0, printf('/%016x', id), name, creator, created_time, last_modified_time"
              " FROM group_folder WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_folder (group_id, id, name, creator, created_time,"
              " last_modified_time) VALUES (?1, from_hex(substr(?2, 2)), ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        [LIST_FOLDER_ID] = SB_COLUMN_REQUIRED_TEXT("folder_id"),
        SB_COLUMN_REQUIRED_TEXT("folder_name"),
        SB_COLUMN_ID("creator_id"),
        SB_COLUMN_TIME("created_time"),
        SB_COLUMN_TIME("last_modified_time"),
        { NULL },
    },
    .check = check_folder,
};
/* clang-format on */

static const struct sb_schema_step steps[] = { { 6, group_folder_sql }, { 0 } };
static const struct sb_world_list *const lists[] = { &world_folders, NULL };

const struct sb_feature sb_feature_group_folder = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
