/* segment_url: see the header. */
#include "backend/sandbox/model/segment_url.h"

#include "backend/sandbox/media/media.h"

#include <errno.h>

static bool has_content(yyjson_mut_val *type)
{
    return yyjson_mut_equals_str(type, "image") || yyjson_mut_equals_str(type, "record") ||
           yyjson_mut_equals_str(type, "video");
}

bool sb_segment_has_media(yyjson_mut_val *segments)
{
    size_t i, count;
    yyjson_mut_val *segment;
    yyjson_mut_arr_foreach (segments, i, count, segment) {
        yyjson_mut_val *type = yyjson_mut_obj_get(segment, "type");
        yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
        if (has_content(type) || (yyjson_mut_equals_str(type, "reply") &&
                                  sb_segment_has_media(yyjson_mut_obj_get(data, "segments"))))
            return true;
    }
    return false;
}

int sb_segment_fill_urls(struct sb_sandbox *sandbox, uint64_t self_id, yyjson_mut_doc *doc,
                         yyjson_mut_val *segments)
{
    size_t i, count;
    yyjson_mut_val *segment;
    int rc = 0;
    yyjson_mut_arr_foreach (segments, i, count, segment) {
        yyjson_mut_val *type = yyjson_mut_obj_get(segment, "type");
        yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
        char url[SB_MEDIA_URL];
        if (yyjson_mut_equals_str(type,
                                  "reply")) /* a reply in a reply is dropped when it is sent */
            rc = sb_segment_fill_urls(sandbox, self_id, doc, yyjson_mut_obj_get(data, "segments"));
        else if (has_content(type)) {
            rc = sb_media_url(sandbox->media, self_id, milky_string(data, "resource_id", NULL),
                              NULL, url);
            yyjson_mut_obj_remove_key(data, "temp_url");
            if (rc == 0 && !yyjson_mut_obj_add_strcpy(doc, data, "temp_url", url))
                rc = -ENOMEM;
        }
        if (rc < 0)
            break;
    }
    return rc;
}
