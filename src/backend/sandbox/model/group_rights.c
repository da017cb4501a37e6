/* group_rights: see the header. */
#include "backend/sandbox/model/group_rights.h"

#include "base/language.h"

#include <inttypes.h>

int sb_rights_require_role(struct sb_request *request, uint64_t group, const struct sb_member *self,
                           enum sb_role least, const struct mk_phrase *action)
{
    if (self->role >= least)
        return 0;
    const char *words = mk_tr_in(sb_request_language(request), action->en, action->zh);
    if (least == SB_ROLE_OWNER)
        return sb_refuse(request, SB_NO_PERMISSION, "only the owner of group %" PRIu64 " can %s",
                         "只有群 %" PRIu64 " 的群主可以%s", group, words);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "only the owner or an admin of group %" PRIu64 " can %s",
                     "只有群 %" PRIu64 " 的群主或管理员可以%s", group, words);
}

int sb_rights_require(struct sb_request *request, uint64_t group, enum sb_role least,
                      const struct mk_phrase *action)
{
    struct sb_member self;
    int rc = sb_member_require_self(request, group, request->self_id, &self);
    return rc == 0 ? sb_rights_require_role(request, group, &self, least, action) : rc;
}

int sb_rights_require_above(struct sb_request *request, uint64_t group,
                            const struct sb_member *self, const struct sb_member *other,
                            const struct mk_phrase *action)
{
    int rc = sb_rights_require_role(request, group, self, SB_ROLE_ADMIN, action);
    if (rc != 0 || self->role > other->role)
        return rc;
    const char *words = mk_tr_in(sb_request_language(request), action->en, action->zh);
    if (self->uin == other->uin)
        return sb_refuse(request, SB_NO_PERMISSION, "%" PRIu64 " can %s, but not themselves",
                         "%" PRIu64 " 不能对自己%s", self->uin, words);
    return sb_refuse(request, SB_NO_PERMISSION,
                     "an admin can %s, but %" PRIu64
                     " is the owner or another admin of group %" PRIu64,
                     "管理员可以%s，但 %" PRIu64 " 是群 %" PRIu64 " 的群主或另一管理员", words,
                     other->uin, group);
}
