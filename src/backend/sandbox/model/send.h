/* send: the one way in which anybody, bot or person, says something. */
#ifndef SB_MODEL_SEND_H
#define SB_MODEL_SEND_H

#include "backend/sandbox/turn/request.h"

/*
 * `sender` says `message` (an OutgoingSegment array) to a friend or in a group. Every bot in the
 * conversation but the sender gets a message_receive. The result is {message_seq, time}.
 * Return 0, SB_REFUSED or -errno.
 */
int sb_send_private(struct sb_request *request, uint64_t sender, uint64_t user,
                    yyjson_mut_val *message);
int sb_send_group(struct sb_request *request, uint64_t sender, uint64_t group,
                  yyjson_mut_val *message);

/*
 * The same with segments that nobody can write, as others will see them (IncomingSegment array),
 * and without a result: the message that shows a file.
 */
int sb_post_private(struct sb_request *request, uint64_t sender, uint64_t user,
                    yyjson_mut_val *segments);
int sb_post_group(struct sb_request *request, uint64_t sender, uint64_t group,
                  yyjson_mut_val *segments);

/*
 * `sender` says something to `user`, who is in the same group: in a temporary session (scene temp),
 * or between friends in their private chat. The session goes through that group from now on. No API
 * of Milky sends into one, so only persons do.
 */
int sb_send_temp(struct sb_request *request, uint64_t sender, uint64_t user, uint64_t group,
                 yyjson_mut_val *message);

#endif
