/* operator: see the header. */
#include "backend/sandbox/operator/operator.h"

#include "backend/sandbox/model/person.h"
#include "backend/sandbox/operator/overview.h"
#include "backend/sandbox/world/world.h"

#include <string.h>

/*
 * An API about one friend: that the person does not exist is a better reason than that they are no
 * friend.
 */
static bool is_about_friend(const char *action)
{
    static const char *const names[] = { "send_private_message", "recall_private_message",
                                         "send_friend_nudge", "upload_private_file" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], action) == 0)
            return true;
    return false;
}

/* An API, called by a person. */
static int find_api(struct sb_request *request, size_t number, const struct sb_api **api)
{
    *api = request->sandbox->apis[number];
    if (!*api)
        return sb_refuse(request, MILKY_NOT_SUPPORTED, "the sandbox does not support %s",
                         "沙盒不支持 %s", request->action);
    if (is_about_friend(request->action))
        return sb_person_require(request, milky_uint(request->params, "user_id"));
    return 0;
}

static const struct sb_api *find_operation(const char *name)
{
    static const struct sb_api *const lists[] = {
        sb_operator_actions,  sb_operator_people, sb_operator_bots,           sb_operator_clock,
        sb_operator_overview, sb_world_apis,      sb_operator_group_settings, sb_operator_limits,
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct sb_api *api = lists[i]; api->name; api++)
            if (strcmp(api->name, name) == 0)
                return api;
    return NULL;
}

int sb_operator_find(struct sb_request *request, size_t number, const struct sb_api **api)
{
    int rc = request->self_id ? sb_person_require(request, request->self_id) : 0;
    if (rc != 0)
        return rc;
    if (number != SIZE_MAX)
        return find_api(request, number, api);
    *api = find_operation(request->action);
    if (!*api)
        return sb_refuse(request, MILKY_NOT_SUPPORTED, "the sandbox does not support %s",
                         "沙盒不支持 %s", request->action);
    return (*api)->prepare ? (*api)->prepare(request) : 0;
}
