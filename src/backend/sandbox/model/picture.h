/* picture: avatars and stickers, for whoever sets or uses them. All return 0, SB_REFUSED or -errno.
 */
#ifndef SB_MODEL_PICTURE_H
#define SB_MODEL_PICTURE_H

#include "backend/sandbox/turn/request.h"

/* `uri` is that of the params (media.h). A group's picture is for its owner and admins to set. */
int sb_set_avatar(struct sb_request *request, uint64_t actor, yyjson_mut_val *uri);
int sb_set_group_avatar(struct sb_request *request, uint64_t actor, uint64_t group,
                        yyjson_mut_val *uri);

/*
 * The stickers of a message (IncomingSegments) that `user` has sent are now among their own: QQ's
 * custom faces. Inside the transaction.
 */
int sb_use_stickers(struct sb_request *request, uint64_t user, yyjson_mut_val *segments);

#endif
