/*
 * social: what people do with themselves and with each other outside of messages. Each function is
 * the one way to do it, for bots (the APIs of profile.c, peer.c and friend.c) as for persons
 * (control): `actor` is who does it. They check that the actor exists and may; texts are borrowed.
 * All return 0 with an empty result, SB_REFUSED or -errno.
 */
#ifndef SB_MODEL_SOCIAL_H
#define SB_MODEL_SOCIAL_H

#include "backend/sandbox/model/message.h"

enum {
    SB_NICKNAME_MAX_CHARS = 36,
    SB_BIO_MAX_CHARS = 80,
    SB_REQUEST_TEXT_MAX_CHARS = 100, /* comment, via and reason of a friend request */
    SB_LIKES_A_DAY = 10,             /* of one for one friend; days begin at midnight in China */
};

/* --- oneself (profile.c) --- */

int sb_set_nickname(struct sb_request *request, uint64_t actor, struct mk_slice nickname);
int sb_set_bio(struct sb_request *request, uint64_t actor, struct mk_slice bio);

/* --- conversations (peer.c) --- */

/* Puts a conversation on top, or back. Event peer_pin_change to the actor, if that changes it. */
int sb_pin_peer(struct sb_request *request, uint64_t actor, enum sb_scene scene, uint64_t peer,
                bool is_pinned);

/* The actor has read everything up to message `seq`, which must exist; it may be recalled. */
int sb_mark_read(struct sb_request *request, uint64_t actor, enum sb_scene scene, uint64_t peer,
                 uint64_t seq);

/* --- friends (friend.c; sb_like is in profile.c) --- */

/*
 * The actor nudges the friend, or (`is_self`) himself where the friend sees it. Event friend_nudge
 * to both.
 */
int sb_nudge_friend(struct sb_request *request, uint64_t actor, uint64_t friend, bool is_self);

/* Likes the profile of a friend, `count` times. */
int sb_like(struct sb_request *request, uint64_t actor, uint64_t friend, uint64_t count);

/* Ends a friendship on both sides. The conversation stays, out of reach until they are friends. */
int sb_delete_friend(struct sb_request *request, uint64_t actor, uint64_t friend);

/* The states of a friend request, by their number in the database. */
enum sb_request_state { SB_PENDING, SB_ACCEPTED, SB_REJECTED, SB_IGNORED };
const char *sb_request_state_name(uint64_t state); /* "pending" ... */

/*
 * The actor asks to become a friend of `target`. A new request takes the place of an earlier one
 * between the two, answered or not. Event friend_request to the target, unless QQ's filter held the
 * request back (`is_filtered`): those are found with get_friend_requests only.
 */
struct sb_friend_wish {
    uint64_t target;
    struct mk_slice comment; /* "I am ..." */
    struct mk_slice via;     /* how the actor found the target: "QQ群 ..." */
    bool is_filtered;
};
int sb_request_friend(struct sb_request *request, uint64_t actor,
                      const struct sb_friend_wish *wish);

/*
 * The actor answers the pending request of `initiator`: `answer` is SB_ACCEPTED (they are friends
 * from now on), SB_REJECTED (with a reason, which may be empty) or SB_IGNORED.
 */
int sb_answer_friend(struct sb_request *request, uint64_t actor, uint64_t initiator,
                     bool is_filtered, enum sb_request_state answer, struct mk_slice reason);

extern const struct sb_query sb_friend_request_sql;

#endif
