/* forwarded_messages: the messages that a forward bundles are read. */
#include "backend/sandbox/api/avatar.h"
#include "backend/sandbox/model/forward.h"
#include "backend/sandbox/model/segment_url.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/turn/limits.h"

#include <errno.h>

/* Adds the URLs that the caller gets. */
static int add_urls(struct sb_request *request, yyjson_mut_val *messages)
{
    size_t i, count;
    yyjson_mut_val *message;
    int rc = 0;
    yyjson_mut_arr_foreach (messages, i, count, message) {
        char url[SB_MEDIA_URL];
        yyjson_mut_val *user = yyjson_mut_obj_remove_key(message, "user_id");
        rc =
            sb_avatar_of_person(request->sandbox, request->self_id, yyjson_mut_get_uint(user), url);
        if (rc == 0)
            rc = sb_segment_fill_urls(request->sandbox, request->self_id, request->doc,
                                      yyjson_mut_obj_get(message, "segments"));
        yyjson_mut_obj_remove_key(message, "avatar_url"); /* worlds of version 1 have one */
        if (rc == 0 && !yyjson_mut_obj_add_strcpy(request->doc, message, "avatar_url", url))
            rc = -ENOMEM;
        if (rc < 0)
            break;
    }
    return rc;
}

static int get_forwarded_messages(struct sb_request *request)
{
    struct mk_slice id = sb_text_param(request->params, "forward_id");
    yyjson_mut_val *messages;
    bool is_inner = false;
    int rc = sb_forward_find(&request->sandbox->db, request->doc, id, &messages, &is_inner);
    if (rc == 0)
        return sb_refuse(request, SB_NO_MESSAGE, "there is no forward with this forward_id",
                         "没有此 forward_id 的合并转发");
    if (rc > 0 && (rc = sb_limit_check(request, SB_LIMIT_FORWARD_INNER_FETCH, is_inner, NULL)) == 0)
        rc = add_urls(request, messages);
    return rc ? rc : sb_result(request, "messages", messages);
}

static const struct sb_api apis[] = {
    { "get_forwarded_messages", get_forwarded_messages },
    { NULL, NULL },
};

const struct sb_feature sb_feature_forwarded_messages = { .apis = apis };
