/* group: the groups that the bot is in, and who else is. */
#include "backend/sandbox/entity.h"
#include "backend/sandbox/request.h"

#include <errno.h>

static int get_group_list(struct mk_request *request)
{
    yyjson_mut_val *groups;
    int rc = mk_entity_groups(&request->sandbox->db, request->doc, request->self_id, &groups);
    return rc < 0 ? rc : mk_result(request, "groups", groups);
}

/* The group as the bot sees it, or a refusal: what every API that names a group begins with. */
static int require_group(struct mk_request *request, uint64_t group, yyjson_mut_val **entity)
{
    int rc = mk_entity_group(&request->sandbox->db, request->doc, request->self_id, group, entity);
    if (rc == 0)
        return mk_refuse_no_group(request, request->self_id, group);
    return rc < 0 ? rc : 0;
}

static int get_group_info(struct mk_request *request)
{
    yyjson_mut_val *entity;
    int rc = require_group(request, milky_uint(request->params, "group_id"), &entity);
    return rc != 0 ? rc : mk_result(request, "group", entity);
}

static int get_group_member_list(struct mk_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    yyjson_mut_val *entity, *members;
    int rc = require_group(request, group, &entity);
    if (rc != 0)
        return rc;
    rc = mk_entity_members(&request->sandbox->db, request->doc, group, &members);
    return rc < 0 ? rc : mk_result(request, "members", members);
}

static int get_group_member_info(struct mk_request *request)
{
    uint64_t group = milky_uint(request->params, "group_id");
    uint64_t user = milky_uint(request->params, "user_id");
    yyjson_mut_val *entity;
    int rc = require_group(request, group, &entity);
    if (rc != 0)
        return rc;
    struct mk_member member;
    rc = mk_member_find(&request->sandbox->db, request->doc, group, user, &member);
    if (rc < 0)
        return rc;
    if (rc == 0 || !member.is_member)
        return mk_refuse_no_member(request, group, user);
    entity = mk_entity_member(&request->sandbox->db, request->doc, group, &member);
    return entity ? mk_result(request, "member", entity) : -ENOMEM;
}

const struct mk_sandbox_api mk_group_apis[] = {
    { "get_group_list", get_group_list },
    { "get_group_info", get_group_info },
    { "get_group_member_list", get_group_member_list },
    { "get_group_member_info", get_group_member_info },
    { NULL, NULL },
};
