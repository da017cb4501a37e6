/* mute: see the header. */
#include "backend/sandbox/model/mute.h"

#include "backend/sandbox/model/group.h"

#include <inttypes.h>

int sb_mute_check(struct sb_request *request, uint64_t group, const struct sb_member *member)
{
    struct sb_group state;
    if (member->shut_up_end_time > sb_request_now(request))
        return sb_refuse(request, SB_MUTED,
                         "%" PRIu64 " is muted in group %" PRIu64 " until %" PRIu64,
                         "%" PRIu64 " 在群 %" PRIu64 " 中被禁言至 %" PRIu64, member->uin, group,
                         member->shut_up_end_time);
    if (member->role > SB_ROLE_MEMBER)
        return 0;
    int rc = sb_group_find(&request->sandbox->db, group, &state);
    if (rc > 0 && state.whole_mute)
        return sb_refuse(request, SB_MUTED,
                         "all members of group %" PRIu64
                         " are muted: only its owner and admins can speak",
                         "群 %" PRIu64 " 已开启全员禁言：只有群主与管理员可以发言", group);
    return rc < 0 ? rc : 0;
}
