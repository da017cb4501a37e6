/* group_rights: what the roles of a group allow: an admin manages members, the owner admins. */
#ifndef SB_MODEL_GROUP_RIGHTS_H
#define SB_MODEL_GROUP_RIGHTS_H

#include "backend/sandbox/model/member.h"

/*
 * Each returns 0, SB_REFUSED or -errno. `action` is what takes the right, a verb with its object:
 * {"change its name", "修改群名称"}.
 */

/* The role of `self` must be at least `least`. */
int sb_rights_require_role(struct sb_request *request, uint64_t group, const struct sb_member *self,
                           enum sb_role least, const struct mk_phrase *action);

/* The caller must be in the group, with a role of at least `least`. */
int sb_rights_require(struct sb_request *request, uint64_t group, enum sb_role least,
                      const struct mk_phrase *action);

/*
 * `self` must have a higher role than `other` and be an admin or the owner: the owner may act on
 * all others, an admin on members, and none of them on themselves.
 */
int sb_rights_require_above(struct sb_request *request, uint64_t group,
                            const struct sb_member *self, const struct sb_member *other,
                            const struct mk_phrase *action);

#endif
