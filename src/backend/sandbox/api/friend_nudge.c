/* friend_nudge: friends nudge each other, and those with an open temporary session. */
#include "backend/sandbox/model/conversation.h"

#include <errno.h>

static int emit(struct sb_request *request, uint64_t viewer, uint64_t friend, bool is_self_send,
                bool is_self_receive)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "user_id", friend) &&
              yyjson_mut_obj_add_bool(doc, json, "is_self_send", is_self_send) &&
              yyjson_mut_obj_add_bool(doc, json, "is_self_receive", is_self_receive) &&
              yyjson_mut_obj_add_str(doc, json, "display_action", "戳了戳") &&
              yyjson_mut_obj_add_str(doc, json, "display_suffix", "") &&
              yyjson_mut_obj_add_str(doc, json, "display_action_img_url", "");
    return ok ? sb_request_event(request, viewer, "friend_nudge", sb_request_now(request), json)
              : -ENOMEM;
}

/* With `is_self` the caller nudges himself, where the friend sees it. */
static int send_friend_nudge(struct sb_request *request)
{
    uint64_t self = request->self_id, friend = milky_uint(request->params, "user_id");
    bool is_self = milky_bool(request->params, "is_self");
    enum sb_scene scene;
    int rc = sb_private_scene(request, self, friend, &scene);
    if (rc == 0)
        rc = emit(request, self, friend, true, is_self);
    return rc == 0 ? emit(request, friend, self, false, !is_self) : rc;
}

static const struct sb_api apis[] = {
    { "send_friend_nudge", send_friend_nudge },
    { NULL, NULL },
};

const struct sb_feature sb_feature_friend_nudge = { .apis = apis };
