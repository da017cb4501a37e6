/* avatar: the pictures of people and groups. */
#ifndef SB_API_AVATAR_H
#define SB_API_AVATAR_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/turn/request.h"

/* The URL of the picture, for `self_id`: the one that was set, or a plain one. 0 or -errno. */
int sb_avatar_of_person(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t uin,
                        char url[SB_MEDIA_URL]);
int sb_avatar_of_group(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t group,
                       char url[SB_MEDIA_URL]);

#endif
