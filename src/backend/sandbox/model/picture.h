/* picture: avatars and stickers, for whoever sets or uses them. All return 0, SB_REFUSED or -errno.
 */
#ifndef SB_MODEL_PICTURE_H
#define SB_MODEL_PICTURE_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/turn/request.h"

/* `uri` is that of the params (media.h). A group's picture is for its owner and admins to set. */
int sb_set_avatar(struct sb_request *request, uint64_t actor, yyjson_mut_val *uri);
int sb_set_group_avatar(struct sb_request *request, uint64_t actor, uint64_t group,
                        yyjson_mut_val *uri);

/* The URL of a person's or a group's picture: the one that was set, or a plain one. 0 or -errno. */
int sb_person_avatar_url(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t uin,
                         char url[SB_MEDIA_URL]);
int sb_group_avatar_url(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t group,
                        char url[SB_MEDIA_URL]);

/*
 * The stickers of a message (IncomingSegments) that `user` has sent are now among their own: QQ's
 * custom faces. Inside the transaction.
 */
int sb_use_stickers(struct sb_request *request, uint64_t user, yyjson_mut_val *segments);

#endif
