/* friend_request: people ask others to become their friends, and answer. */
#ifndef SB_API_FRIEND_REQUEST_H
#define SB_API_FRIEND_REQUEST_H

#include "backend/sandbox/turn/request.h"

/* By their number in the database. */
enum sb_request_state { SB_PENDING, SB_ACCEPTED, SB_REJECTED, SB_IGNORED };

enum { SB_REQUEST_TEXT_MAX_CHARS = 100 }; /* comment, via and reason */

struct sb_friend_wish {
    uint64_t target;
    struct mk_slice comment; /* "I am ..." */
    struct mk_slice via;     /* how the actor found the target: "QQ群 ..." */
    bool is_filtered;
};

/* Each returns 0, SB_REFUSED or -errno. Texts are borrowed until the reply. */

/*
 * The actor asks to become a friend of `target`. A new request takes the place of an earlier one
 * between the two, answered or not. Event friend_request to the target, unless QQ's filter held the
 * request back (`is_filtered`): those are found with get_friend_requests only.
 */
int sb_friend_request_send(struct sb_request *request, uint64_t actor,
                           const struct sb_friend_wish *wish);

/*
 * The actor answers the pending request of `initiator`: `answer` is SB_ACCEPTED (they are friends
 * from now on), SB_REJECTED (with a reason, which may be empty) or SB_IGNORED.
 */
int sb_friend_request_answer(struct sb_request *request, uint64_t actor, uint64_t initiator,
                             bool is_filtered, enum sb_request_state answer,
                             struct mk_slice reason);

/* The same for a request that may or may not have been filtered. */
int sb_friend_request_answer_any(struct sb_request *request, uint64_t actor, uint64_t initiator,
                                 enum sb_request_state answer, struct mk_slice reason);

#endif
