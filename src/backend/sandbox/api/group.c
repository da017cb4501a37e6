/* group: the groups that the bot is in, and who else is. */
#include "backend/sandbox/model/entity.h"
#include "backend/sandbox/turn/request.h"

#include <errno.h>

static int get_group_list(struct sb_request *request)
{
    yyjson_mut_val *groups;
    int rc = sb_entity_groups(&request->sandbox->db, request->doc, request->self_id, &groups);
    return rc < 0 ? rc : sb_result(request, "groups", groups);
}

/* The group as the bot sees it, or a refusal: what every API that names a group begins with. */
static int require_group(struct sb_request *request, uint64_t group, yyjson_mut_val **entity)
{
    int rc = sb_entity_group(&request->sandbox->db, request->doc, request->self_id, group, entity);
    if (rc == 0)
        return sb_refuse_no_group(request, request->self_id, group);
    return rc < 0 ? rc : 0;
}

static int get_group_info(struct sb_request *request)
{
    yyjson_mut_val *entity;
    int rc = require_group(request, milky_uint(request->params, "group_id"), &entity);
    return rc != 0 ? rc : sb_result(request, "group", entity);
}

static int get_group_member_list(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *entity, *members;
    int rc = require_group(request, group, &entity);
    if (rc != 0)
        return rc;
    rc = sb_entity_members(&request->sandbox->db, request->doc, group, &members);
    return rc < 0 ? rc : sb_result(request, "members", members);
}

static int get_group_member_info(struct sb_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t user = milky_uint(request->params, "user_id");
    yyjson_mut_val *entity;
    int rc = require_group(request, group, &entity);
    if (rc != 0)
        return rc;
    struct sb_member member;
    rc = sb_member_find(&request->sandbox->db, request->doc, group, user, &member);
    if (rc < 0)
        return rc;
    if (rc == 0 || !member.is_member)
        return sb_refuse_no_member(request, group, user);
    entity = sb_entity_member(&request->sandbox->db, request->doc, group, &member);
    return entity ? sb_result(request, "member", entity) : -ENOMEM;
}

static const struct sb_api apis[] = {
    { "get_group_list", get_group_list },
    { "get_group_info", get_group_info },
    { "get_group_member_list", get_group_member_list },
    { "get_group_member_info", get_group_member_info },
    { NULL, NULL },
};

const struct sb_feature sb_feature_group = { .apis = apis };
