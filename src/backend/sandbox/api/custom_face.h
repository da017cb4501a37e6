/* custom_face: the stickers of an account, which QQ calls custom faces: those that it has sent. */
#ifndef SB_API_CUSTOM_FACE_H
#define SB_API_CUSTOM_FACE_H

#include "backend/sandbox/turn/request.h"

/*
 * Adds the stickers of a message (IncomingSegments) that `user` sends to their own. Inside the
 * transaction. Returns 0 or -errno.
 */
int sb_custom_face_use(struct sb_request *request, uint64_t user, yyjson_mut_val *segments);

#endif
