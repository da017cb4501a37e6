/*
 * forward: messages that carry a bundle of other messages. The bundle is a row of its own, named by
 * a random forward_id: a bot that has seen that id can read it. segment.h composes one.
 */
#ifndef SB_MODEL_FORWARD_H
#define SB_MODEL_FORWARD_H

#include "backend/sandbox/turn/request.h"

/*
 * Reads the messages (IncomingForwardedMessage array, with user_id in place of avatar_url) of a
 * forward into `doc`. Returns 1, 0 when there is none, or -errno.
 */
int sb_forward_find(struct sb_db *db, yyjson_mut_doc *doc, struct mk_slice forward_id,
                    yyjson_mut_val **messages, bool *is_inner);

#endif
