/* file: see the header. */
#include "backend/sandbox/api/file.h"

#include "backend/sandbox/api/send.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/call_media.h"
#include "base/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

uint64_t sb_file_id_new(struct sb_db *db)
{
    uint64_t id;
    sb_random_bytes(db, &id, sizeof(id));
    return id >> 1 | 1; /* SQLite's integers are signed, and 0 is the root */
}

void sb_file_id_write(uint64_t id, char text[SB_FILE_ID])
{
    strcpy(text, "/");
    if (id != 0)
        mk_hex_write_u64(id, text + 1);
}

bool sb_file_id_read(struct mk_slice text, uint64_t *id)
{
    bool is_root = mk_slice_eq(text, MK_SLICE("/"));
    if (is_root)
        *id = 0;
    return is_root || (mk_slice_starts_with(text, MK_SLICE("/")) &&
                       mk_hex_read_u64(mk_slice_from(text, 1), id) && *id > 0);
}

int sb_file_id_check(struct sb_request *request, const struct mk_json_path *path, const char *field,
                     struct mk_slice text)
{
    uint64_t id;
    if (sb_file_id_read(text, &id) && id > 0)
        return 0;
    return sb_refuse_field(request, path, field, "expected / and 16 hexadecimal digits",
                           "应为 / 加 16 位十六进制数字");
}

int sb_file_name_check(struct sb_request *request, const char *field, struct mk_slice name)
{
    const struct sb_text_rule rule = { field, 1, SB_FILE_NAME_MAX_BYTES, false };
    int rc = sb_text_check(request, &rule, name);
    if (rc != 0)
        return rc;
    if (name.len > SB_FILE_NAME_MAX_BYTES)
        return sb_refuse(request, SB_BAD_TEXT, "%s is too long: at most %d bytes",
                         "%s 过长：最多 %d 字节", field, SB_FILE_NAME_MAX_BYTES);
    if (memchr(name.ptr, '/', name.len) || memchr(name.ptr, '\\', name.len))
        return sb_refuse(request, SB_BAD_TEXT, "%s must not have slashes in it", "%s 不能含有斜杠",
                         field);
    if (mk_slice_eq(name, MK_SLICE(".")) || mk_slice_eq(name, MK_SLICE("..")))
        return sb_refuse(request, SB_BAD_TEXT, "%s is not a name", "%s 不是合法的名称", field);
    return 0;
}

int sb_upload_begin(struct sb_request *request, struct sb_upload *upload)
{
    upload->name = sb_text_param(request->params, "file_name");
    int rc = sb_file_name_check(request, "file_name", upload->name);
    if (rc != 0)
        return rc;
    upload->media = sb_request_media(request, yyjson_mut_obj_get(request->params, "file_uri"));
    if (!upload->media)
        return -EIO;
    upload->id = sb_file_id_new(&request->sandbox->db);
    sb_file_id_write(upload->id, upload->file_id);
    return sb_result(request, "file_id", yyjson_mut_strcpy(request->doc, upload->file_id));
}

bool sb_upload_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct sb_upload *upload)
{
    return yyjson_mut_obj_add_strcpy(doc, object, "file_id", upload->file_id) &&
           sb_text_put(doc, object, "file_name", upload->name) &&
           yyjson_mut_obj_add_uint(doc, object, "file_size", upload->media->size);
}

/* An IncomingSegment array. Only the message to a friend has the hash. */
static yyjson_mut_val *message_json(yyjson_mut_doc *doc, const struct sb_upload *upload,
                                    bool with_hash)
{
    yyjson_mut_val *segments = yyjson_mut_arr(doc);
    yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, segments), *data = NULL;
    if (yyjson_mut_obj_add_str(doc, segment, "type", "file"))
        data = yyjson_mut_obj_add_obj(doc, segment, "data");
    bool ok =
        data && sb_upload_put(doc, data, upload) &&
        (!with_hash || yyjson_mut_obj_add_strcpy(doc, data, "file_hash", upload->media->tri_sha1));
    return ok ? segments : NULL;
}

int sb_upload_send(struct sb_request *request, const struct sb_upload *upload, enum sb_scene scene,
                   uint64_t to)
{
    bool is_group = scene == SB_SCENE_GROUP;
    yyjson_mut_val *message = message_json(request->doc, upload, !is_group);
    if (!message)
        return -ENOMEM;
    return sb_send_segments(request, scene, request->self_id, to, message);
}

int sb_refuse_no_file(struct sb_request *request)
{
    return sb_refuse(request, SB_NO_FILE, "there is no such file here", "没有这个文件");
}

int sb_file_url(struct sb_request *request, const char *media, const char *name)
{
    char url[SB_MEDIA_URL];
    int rc = sb_media_url(request->sandbox->media, request->self_id, media, name, url);
    if (rc < 0)
        return rc;
    return sb_result(request, "download_url", yyjson_mut_strcpy(request->doc, url));
}
