/* segment_url: the URLs of images, voices and videos in messages. */
#ifndef SB_MODEL_SEGMENT_URL_H
#define SB_MODEL_SEGMENT_URL_H

#include "backend/sandbox/turn/request.h"

/*
 * Adds a new `temp_url` to the image, record and video segments of a message, including those in
 * replies. Messages are stored without them: to be called before a bot gets segments. Returns 0 or
 * -errno.
 */
int sb_segment_fill_urls(struct sb_sandbox *sandbox, uint64_t self_id, yyjson_mut_doc *doc,
                         yyjson_mut_val *segments);

/* Returns true when there is a segment that gets one. */
bool sb_segment_has_media(yyjson_mut_val *segments);

#endif
