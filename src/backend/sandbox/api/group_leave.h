/* group_leave: members leave a group, and the owner disbands it. */
#ifndef SB_API_GROUP_LEAVE_H
#define SB_API_GROUP_LEAVE_H

#include "backend/sandbox/turn/request.h"

/* The caller, who must be the owner, disbands the group. Returns 0, SB_REFUSED or -errno. */
int sb_group_disband(struct sb_request *request, uint64_t group);

#endif
