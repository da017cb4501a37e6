/* mute: who cannot speak in a group for now. api/group_mute.c mutes and unmutes. */
#ifndef SB_MODEL_MUTE_H
#define SB_MODEL_MUTE_H

#include "backend/sandbox/model/member.h"

/* Refuses where the member or all members of the group are muted. 0, SB_REFUSED or -errno. */
int sb_mute_check(struct sb_request *request, uint64_t group, const struct sb_member *member);

#endif
