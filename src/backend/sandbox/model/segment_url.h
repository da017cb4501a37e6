/* media_segment: pictures, voices and videos in a message, as senders write and readers see them.
 */
#ifndef SB_MODEL_SEGMENT_URL_H
#define SB_MODEL_SEGMENT_URL_H

#include "backend/sandbox/turn/request.h"

/*
 * Adds `temp_url`, fresh, to the image, record and video segments of a message, those in replies
 * included. Messages are stored without: whoever shows segments to a bot calls this. 0 or -errno.
 */
int sb_segment_fill_urls(struct sb_sandbox *sandbox, uint64_t self_id, yyjson_mut_doc *doc,
                         yyjson_mut_val *segments);

/* There is a segment among them that gets one. */
bool sb_segment_has_media(yyjson_mut_val *segments);

#endif
