/* group_rights: see the header. */
#include "backend/sandbox/model/group_rights.h"

#include <inttypes.h>

int sb_rights_require_role(struct sb_request *request, uint64_t group, const struct sb_member *self,
                           enum sb_role least, const struct sb_privileged_action *action)
{
    if (self->role >= least)
        return 0;
    if (least == SB_ROLE_OWNER)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "需要群主权限才能%s (only the owner of group %" PRIu64 " can %s)",
                         action->chinese, group, action->english);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "需要群主或管理员权限才能%s (only the owner or an admin of group %" PRIu64
                     " can %s)",
                     action->chinese, group, action->english);
}

int sb_rights_require(struct sb_request *request, uint64_t group, enum sb_role least,
                      const struct sb_privileged_action *action)
{
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    return rc == 0 ? sb_rights_require_role(request, group, &self, least, action) : rc;
}

int sb_rights_require_above(struct sb_request *request, uint64_t group,
                            const struct sb_member *self, const struct sb_member *other,
                            const struct sb_privileged_action *action)
{
    int rc = sb_rights_require_role(request, group, self, SB_ROLE_ADMIN, action);
    if (rc != 0 || self->role > other->role)
        return rc;
    if (self->uin == other->uin)
        return sb_refuse(request, SB_NO_PERMISSION,
                         "不能对自己%s (%" PRIu64 " can %s, but not themselves)", action->chinese,
                         self->uin, action->english);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "管理员不能对群主或其他管理员%s (an admin can %s, but %" PRIu64
                     " is the owner or another admin of group %" PRIu64 ")",
                     action->chinese, action->english, other->uin, group);
}
