/* private_file: files that two send each other. Each is kept for a week. */
#include "backend/sandbox/api/file.h"
#include "backend/sandbox/model/conversation.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>

/* clang-format off */
/* id: random; file_id is made of it (api/file.h). */
static const char private_file_sql[] =
    "CREATE TABLE private_file ("
    "  id INTEGER PRIMARY KEY,"
    "  sender INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  receiver INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  media TEXT NOT NULL REFERENCES media"
    ") STRICT;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id */
static const struct sb_query find_sql = {
    "SELECT f.sender, f.receiver, f.name, f.media, m.tri_sha1, f.sent_time"
    " FROM private_file f CROSS JOIN media m ON m.sha256 = f.media"
    " WHERE f.id = ?1"
};
enum { FOUND_SENDER, FOUND_RECEIVER, FOUND_NAME, FOUND_MEDIA, FOUND_HASH, FOUND_SENT_TIME };

/* id, sender, receiver, time, name, media */
static const struct sb_query add_sql = {
    "INSERT INTO private_file (id, sender, receiver, sent_time, name, media)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
};

enum { LIFE_DAYS = 7, DAY = 24 * 60 * 60 };

static int emit_upload(struct sb_request *request, const struct sb_upload *upload, uint64_t viewer,
                       uint64_t friend, bool is_self)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "user_id", friend) &&
              sb_upload_put(doc, json, upload) &&
              yyjson_mut_obj_add_strcpy(doc, json, "file_hash", upload->media->tri_sha1) &&
              yyjson_mut_obj_add_bool(doc, json, "is_self", is_self);
    return ok ? sb_request_event(request, viewer, "friend_file_upload", sb_request_now(request),
                                 json)
              : -ENOMEM;
}

static int upload_private_file(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t actor = request->self_id, friend = milky_uint(request->params, "user_id");
    struct sb_upload upload;
    enum sb_scene scene;
    int rc = sb_private_scene(request, actor, friend, &scene);
    if (rc == 0)
        rc = sb_upload_begin(request, &upload);
    if (rc == 0)
        rc = emit_upload(request, &upload, actor, friend, true);
    if (rc == 0)
        rc = emit_upload(request, &upload, friend, actor, false);
    if (rc == 0)
        rc = sb_upload_send(request, &upload, SB_SCENE_FRIEND, friend);
    if (rc != 0)
        return rc;
    sqlite3_stmt *insert =
        SB_DB_USE(db, &add_sql, upload.id, actor, friend, sb_request_now(request));
    sb_text_bind(insert, 5, upload.name);
    sb_text_bind(insert, 6, mk_slice_str(upload.media->id));
    return sb_db_run(db, insert);
}

/* The draft has no file_hash: there it is empty, and not compared. */
static int check_hash(struct sb_request *request, struct mk_slice hash)
{
    struct mk_slice given = sb_text_param(request->params, "file_hash");
    if (given.len == 0 || mk_slice_eq(given, hash))
        return 0;
    return sb_refuse(request, SB_NO_FILE, "file_hash is not that of this file",
                     "file_hash 与文件不符");
}

/* QQ drops a file that is older; the message that shows it stays. `sent` 0: before that was known.
 */
static int check_age(struct sb_request *request, uint64_t sent)
{
    uint64_t now = sb_request_now(request);
    if (sent == 0 || now < sent + LIFE_DAYS * DAY)
        return 0;
    return sb_refuse(request, SB_NO_FILE, "the file has expired: a private file lives %d days",
                     "文件已过期：私聊文件保留 %d 天", LIFE_DAYS);
}

/* `is_self_send` says that the caller has sent it. False may also mean that it is not known. */
static bool fits_sender(struct sb_request *request, uint64_t sender)
{
    bool own =
        milky_has(request->params, "is_self_send") && milky_bool(request->params, "is_self_send");
    return !own || sender == request->self_id;
}

static int get_private_file_download_url(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t actor = request->self_id, friend = milky_uint(request->params, "user_id"), id;
    enum sb_scene scene;
    int rc = sb_private_scene(request, actor, friend, &scene);
    if (rc != 0)
        return rc;
    if (!sb_file_id_read(sb_text_param(request->params, "file_id"), &id))
        return sb_refuse_no_file(request);
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, id);
    rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc < 0 ? rc : sb_refuse_no_file(request);
    uint64_t sender = sb_db_uint(row, FOUND_SENDER), receiver = sb_db_uint(row, FOUND_RECEIVER);
    struct mk_slice name = sb_db_text(row, FOUND_NAME), media = sb_db_text(row, FOUND_MEDIA);
    bool is_between_them =
        (sender == actor && receiver == friend) || (sender == friend && receiver == actor);
    uint64_t sent = sb_db_uint(row, FOUND_SENT_TIME);
    rc = is_between_them && fits_sender(request, sender)
             ? check_hash(request, sb_db_text(row, FOUND_HASH))
             : sb_refuse_no_file(request);
    if (rc == 0 && (!sb_text_keep(request->doc, &name) || !sb_text_keep(request->doc, &media)))
        rc = -ENOMEM;
    sqlite3_reset(row);
    if (rc == 0)
        rc = check_age(request, sent);
    return rc ? rc : sb_file_url(request, media.ptr, name.ptr);
}

static const struct sb_api apis[] = {
    { "upload_private_file", upload_private_file },
    { "get_private_file_download_url", get_private_file_download_url },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

enum { LIST_FILE_ID };

static int check_file(struct sb_request *request, const struct mk_json_path *path,
                      yyjson_mut_val *element, struct sb_value *values)
{
    (void)element;
    return sb_file_id_check(request, path, "file_id", values[LIST_FILE_ID].text);
}

/* clang-format off */
static const struct sb_world_list world_files = {
    .name = "private_files",
    .select = "SELECT 0, printf('/%016x', id), sender, receiver, name, media, sent_time"
              " FROM private_file ORDER BY id",
    .insert = "INSERT INTO private_file (id, sender, receiver, name, media, sent_time)"
              " VALUES (from_hex(substr(?2, 2)), ?3, ?4, ?5, ?6, ?7)",
    .columns = (const struct sb_column[]){
        [LIST_FILE_ID] = SB_COLUMN_REQUIRED_TEXT("file_id"),
        SB_COLUMN_PERSON("sender_id"),
        SB_COLUMN_PERSON("receiver_id"),
        SB_COLUMN_REQUIRED_TEXT("file_name"),
        SB_COLUMN_CONTENT("resource_id"),
        SB_COLUMN_NUMBER("sent_time"),
        { NULL },
    },
    .check = check_file,
};
/* clang-format on */

static const struct sb_schema_step steps[] = {
    { 6, private_file_sql },
    { 12, "ALTER TABLE private_file ADD COLUMN sent_time INTEGER NOT NULL DEFAULT 0;" },
    { 0 },
};
static const struct sb_world_list *const lists[] = { &world_files, NULL };

const struct sb_feature sb_feature_private_file = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
