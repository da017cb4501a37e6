/* picture: avatars and stickers, for whoever sets or uses them. All return 0, MK_REFUSED or -errno.
 */
#ifndef MK_SANDBOX_PICTURE_H
#define MK_SANDBOX_PICTURE_H

#include "backend/sandbox/request.h"

/* `uri` is that of the params (media.h). A group's picture is for its owner and admins to set. */
int mk_set_avatar(struct mk_request *request, uint64_t actor, yyjson_mut_val *uri);
int mk_set_group_avatar(struct mk_request *request, uint64_t actor, uint64_t group,
                        yyjson_mut_val *uri);

/*
 * The stickers of a message (IncomingSegments) that `user` has sent are now among their own: QQ's
 * custom faces. Inside the transaction.
 */
int mk_use_stickers(struct mk_request *request, uint64_t user, yyjson_mut_val *segments);

#endif
