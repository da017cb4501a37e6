/* group_message: messages of groups that APIs name by their number. */
#ifndef SB_MODEL_GROUP_MESSAGE_H
#define SB_MODEL_GROUP_MESSAGE_H

#include "backend/sandbox/turn/request.h"

/* Finds the row of a message that was not recalled. Returns 0, SB_REFUSED or -errno. */
int sb_group_message_require(struct sb_request *request, uint64_t group, uint64_t seq,
                             uint64_t *id);

#endif
