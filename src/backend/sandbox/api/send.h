/* send: messages are sent: the one way for bots, people and the sandbox itself. */
#ifndef SB_API_SEND_H
#define SB_API_SEND_H

#include "backend/sandbox/model/conversation.h"

/* Each returns 0, SB_REFUSED or -errno. */

/*
 * `sender` sends segments that no sender can write, as others will see them (IncomingSegment
 * array), to a friend or in a group: the message that shows a file. Each bot in the conversation
 * but the sender gets a message_receive. The request gets no result.
 */
int sb_send_segments(struct sb_request *request, enum sb_scene scene, uint64_t sender,
                     uint64_t with, yyjson_mut_val *segments);

/*
 * The same for an operator, who gets {message_seq, time}. `through`: the group of a temporary
 * session, for that scene.
 */
int sb_send_shown(struct sb_request *request, enum sb_scene scene, uint64_t with, uint64_t through,
                  yyjson_mut_val *segments);

/*
 * `sender` sends `message` (an OutgoingSegment array) to `user`, who is in the same group: in a
 * temporary session (scene temp), or between friends in their private chat. The session goes
 * through that group from now on. The result is {message_seq, time}. An API of Milky sends only
 * into a session that is open: an operator opens it, for a person.
 */
int sb_send_temp(struct sb_request *request, uint64_t sender, uint64_t user, uint64_t group,
                 yyjson_mut_val *message);

#endif
