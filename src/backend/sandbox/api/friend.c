/* friend: the friends of an account, and how a friendship ends. */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/turn/turn.h"

static int get_friend_list(struct sb_request *request)
{
    yyjson_mut_val *friends;
    int rc = sb_friends_json(&request->sandbox->db, request->doc, request->self_id, &friends);
    return rc < 0 ? rc : sb_result(request, "friends", friends);
}

static int get_friend_info(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id");
    yyjson_mut_val *entity;
    int rc = sb_friend_json(&request->sandbox->db, request->doc, request->self_id, user, &entity);
    if (rc == 0)
        return sb_refuse_no_friend(request, request->self_id, user);
    return rc < 0 ? rc : sb_result(request, "friend", entity);
}

/* Ends it on both sides. The conversation stays, out of reach until they are friends again. */
static int delete_friend(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id");
    int rc = sb_friendship_require(request, request->self_id, user);
    if (rc == 0)
        rc = sb_turn_write(request);
    return rc == 0 ? sb_friendship_end(&request->sandbox->db, request->self_id, user) : rc;
}

static const struct sb_api apis[] = {
    { "get_friend_list", get_friend_list },
    { "get_friend_info", get_friend_info },
    { "delete_friend", delete_friend },
    { NULL, NULL },
};

const struct sb_feature sb_feature_friend = { .apis = apis };
