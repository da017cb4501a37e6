/*
 * segment_media: images, voices and videos in a message. Their URLs are not stored: segment_url.c
 * makes them for each reader.
 */
#include "backend/sandbox/media/media.h"

#include "backend/sandbox/model/segment.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/call_media.h"

#include <errno.h>

enum { SUMMARY_BYTES = 1024 };

static bool put_size(yyjson_mut_doc *doc, yyjson_mut_val *to, const struct sb_media *media)
{
    return yyjson_mut_obj_add_uint(doc, to, "width", media->info.width) &&
           yyjson_mut_obj_add_uint(doc, to, "height", media->info.height);
}

/* Its bytes, beside a limit of its kind. */
static int check_size(struct sb_compose *compose, enum sb_limit_id limit,
                      const struct sb_media *media)
{
    return sb_limit_check(compose->request, limit, media->size, compose->path);
}

/*
 * Puts the resource_id of the content into `to`; it must be of one of `kinds`, and of a size within
 * `limit`. Returns 0, SB_REFUSED or -ENOMEM.
 */
static int put_content(struct sb_compose *compose, yyjson_mut_val *uri, unsigned kinds,
                       enum sb_limit_id limit, yyjson_mut_val *to, const struct sb_media **media)
{
    int rc = sb_request_media_kind(compose->request, uri, kinds);
    if (rc != 0)
        return rc;
    *media = sb_request_media(compose->request, uri);
    rc = check_size(compose, limit, *media);
    if (rc != 0)
        return rc;
    compose->has_content = true;
    compose->has_media = true;
    return yyjson_mut_obj_add_strcpy(compose->request->doc, to, "resource_id", (*media)->id)
               ? 0
               : -ENOMEM;
}

int sb_compose_image(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    yyjson_mut_doc *doc = compose->request->doc;
    const struct sb_media *media;
    int rc = sb_admit_image(compose);
    if (rc == 0)
        rc = put_content(compose, yyjson_mut_obj_get(data, "uri"), 1u << SB_MEDIA_IMAGE,
                         SB_LIMIT_IMAGE_BYTES, to, &media);
    if (rc != 0)
        return rc;
    bool is_sticker = yyjson_mut_equals_str(yyjson_mut_obj_get(data, "sub_type"), "sticker");
    struct mk_slice summary = is_sticker ? MK_SLICE("[动画表情]") : MK_SLICE("[图片]");
    if (milky_has(data, "summary"))
        summary.ptr = milky_string(data, "summary", &summary.len);
    if (summary.len > SUMMARY_BYTES)
        return sb_refuse(compose->request, SB_BAD_MESSAGE,
                         "the summary of an image has at most %d bytes",
                         "图片的 summary 最长 %d 字节", SUMMARY_BYTES);
    compose->has_sticker |= is_sticker && compose->depth == 0;
    bool ok = put_size(doc, to, media) && sb_text_put(doc, to, "summary", summary) &&
              yyjson_mut_obj_add_str(doc, to, "sub_type", is_sticker ? "sticker" : "normal");
    return ok ? 0 : -ENOMEM;
}

int sb_compose_record(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    const struct sb_media *media;
    int rc = put_content(compose, yyjson_mut_obj_get(data, "uri"), 1u << SB_MEDIA_AUDIO,
                         SB_LIMIT_RECORD_BYTES, to, &media);
    if (rc == 0)
        rc = sb_limit_check(compose->request, SB_LIMIT_RECORD_SECONDS, media->info.duration,
                            compose->path);
    if (rc != 0)
        return rc;
    return yyjson_mut_obj_add_uint(compose->request->doc, to, "duration", media->info.duration)
               ? 0
               : -ENOMEM;
}

static int check_thumb(struct sb_compose *compose, yyjson_mut_val *uri)
{
    int rc = sb_request_media_kind(compose->request, uri, 1u << SB_MEDIA_IMAGE);
    return rc ? rc
              : check_size(compose, SB_LIMIT_VIDEO_THUMB_BYTES,
                           sb_request_media(compose->request, uri));
}

/*
 * The message that others receive has no field for a thumbnail; it must be an image all the same.
 */
int sb_compose_video(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    yyjson_mut_doc *doc = compose->request->doc;
    const struct sb_media *media;
    int rc = put_content(compose, yyjson_mut_obj_get(data, "uri"), 1u << SB_MEDIA_VIDEO,
                         SB_LIMIT_VIDEO_BYTES, to, &media);
    if (rc == 0 && milky_has(data, "thumb_uri"))
        rc = check_thumb(compose, yyjson_mut_obj_get(data, "thumb_uri"));
    if (rc != 0)
        return rc;
    bool ok = put_size(doc, to, media) &&
              yyjson_mut_obj_add_uint(doc, to, "duration", media->info.duration);
    return ok ? 0 : -ENOMEM;
}
