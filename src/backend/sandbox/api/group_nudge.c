/* group_nudge: a member nudges another one, or themselves. */
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/member.h"

static int send_group_nudge(struct sb_request *request)
{
    yyjson_mut_doc *doc = request->doc;
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t user = milky_uint(request->params, "user_id");
    struct sb_member self, other;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    if (rc == 0)
        rc = sb_member_require(request, group, user, &other);
    if (rc != 0)
        return rc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, data, "group_id", group) &&
              yyjson_mut_obj_add_uint(doc, data, "sender_id", request->self_id) &&
              yyjson_mut_obj_add_uint(doc, data, "receiver_id", user) &&
              yyjson_mut_obj_add_str(doc, data, "display_action", "戳了戳") &&
              yyjson_mut_obj_add_str(doc, data, "display_suffix", "") &&
              yyjson_mut_obj_add_str(doc, data, "display_action_img_url", "");
    return sb_group_event(request, group, 0, "group_nudge", ok ? data : NULL);
}

static const struct sb_api apis[] = {
    { "send_group_nudge", send_group_nudge },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group_nudge = { .apis = apis };
