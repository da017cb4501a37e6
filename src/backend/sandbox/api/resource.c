/* resource: the URLs of what messages show. */
#include "backend/sandbox/media/media.h"
#include "backend/sandbox/turn/request.h"

#include <errno.h>

static int get_resource_temp_url(struct sb_request *request)
{
    struct mk_slice id;
    struct sb_media media;
    char url[SB_MEDIA_URL];
    id.ptr = milky_string(request->params, "resource_id", &id.len);
    int rc = sb_media_find(request->sandbox->media, id, &media);
    if (rc == 0)
        return sb_refuse(request, SB_NO_RESOURCE, "there is no resource with this resource_id",
                         "没有此 resource_id 的资源");
    if (rc > 0)
        rc = sb_media_url(request->sandbox->media, request->self_id, media.id, NULL, url);
    if (rc < 0)
        return rc;
    yyjson_mut_val *text = yyjson_mut_strcpy(request->doc, url);
    return text ? sb_result(request, "url", text) : -ENOMEM;
}

static const struct sb_api apis[] = {
    { "get_resource_temp_url", get_resource_temp_url },
    { NULL, NULL },
};

const struct sb_feature sb_feature_resource = { .apis = apis };
