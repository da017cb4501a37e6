/* file: see the header. */
#include "backend/sandbox/file.h"

#include "backend/sandbox/entity.h"
#include "backend/sandbox/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

uint64_t mk_file_id_new(struct mk_db *db)
{
    uint64_t id;
    mk_world_random_bytes(db, &id, sizeof(id));
    return id >> 1 | 1; /* SQLite's integers are signed, and 0 is the root */
}

void mk_file_id_write(uint64_t id, char text[MK_FILE_ID])
{
    if (id == 0)
        strcpy(text, "/");
    else
        snprintf(text, MK_FILE_ID, "/%016" PRIx64, id);
}

bool mk_file_id_read(struct mk_slice text, uint64_t *id)
{
    uint64_t value = 0;
    bool is_root = text.len == 1;
    if ((!is_root && text.len != MK_FILE_ID - 1) || text.ptr[0] != '/')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;
        if (!digit)
            return false;
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *id = value;
    return is_root || value > 0;
}

int mk_file_name_check(struct mk_request *request, const char *field, struct mk_slice name)
{
    const struct mk_text_rule rule = { field, 1, MK_FILE_NAME_MAX_BYTES, false };
    int rc = mk_text_check(request, &rule, name);
    if (rc != 0)
        return rc;
    if (name.len > MK_FILE_NAME_MAX_BYTES)
        return mk_refuse(request, MK_SANDBOX_BAD_TEXT,
                         "%s 过长，最多 %d 字节 (%s is too long: at most %d bytes)", field,
                         MK_FILE_NAME_MAX_BYTES, field, MK_FILE_NAME_MAX_BYTES);
    if (memchr(name.ptr, '/', name.len) || memchr(name.ptr, '\\', name.len))
        return mk_refuse(request, MK_SANDBOX_BAD_TEXT,
                         "%s 不能含有斜杠 (%s must not have slashes in it)", field, field);
    if (mk_slice_eq(name, MK_SLICE(".")) || mk_slice_eq(name, MK_SLICE("..")))
        return mk_refuse(request, MK_SANDBOX_BAD_TEXT, "%s 不正确 (%s is no name)", field, field);
    return 0;
}

int mk_upload_begin(struct mk_request *request, struct mk_upload *upload)
{
    upload->name = mk_text_param(request->params, "file_name");
    int rc = mk_file_name_check(request, "file_name", upload->name);
    if (rc != 0)
        return rc;
    upload->media = mk_request_media(request, yyjson_mut_obj_get(request->params, "file_uri"));
    if (!upload->media)
        return -EIO;
    upload->id = mk_file_id_new(&request->sandbox->db);
    mk_file_id_write(upload->id, upload->file_id);
    return mk_result(request, "file_id", yyjson_mut_strcpy(request->doc, upload->file_id));
}

bool mk_upload_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct mk_upload *upload)
{
    return yyjson_mut_obj_add_strcpy(doc, object, "file_id", upload->file_id) &&
           mk_put_text(doc, object, "file_name", upload->name) &&
           yyjson_mut_obj_add_uint(doc, object, "file_size", upload->media->size);
}

yyjson_mut_val *mk_upload_message(yyjson_mut_doc *doc, const struct mk_upload *upload,
                                  bool with_hash)
{
    yyjson_mut_val *segments = yyjson_mut_arr(doc);
    yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, segments), *data = NULL;
    if (yyjson_mut_obj_add_str(doc, segment, "type", "file"))
        data = yyjson_mut_obj_add_obj(doc, segment, "data");
    bool ok =
        data && mk_upload_put(doc, data, upload) &&
        (!with_hash || yyjson_mut_obj_add_strcpy(doc, data, "file_hash", upload->media->tri_sha1));
    return ok ? segments : NULL;
}

int mk_refuse_no_file(struct mk_request *request)
{
    return mk_refuse(request, MK_SANDBOX_NO_FILE, "文件不存在 (there is no such file here)");
}

int mk_file_url(struct mk_request *request, const char *media, const char *name)
{
    char url[MK_MEDIA_URL];
    int rc = mk_media_url(request->sandbox, request->self_id, media, name, url);
    if (rc < 0)
        return rc;
    return mk_result(request, "download_url", yyjson_mut_strcpy(request->doc, url));
}
