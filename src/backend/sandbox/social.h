/*
 * social: what people do with themselves and with each other outside of messages. Each function is
 * the one way to do it, for bots (the APIs of profile.c, peer.c and friend.c) as for persons
 * (control): `actor` is who does it. They check that the actor exists and may; texts are borrowed.
 * All return 0 with an empty result, MK_REFUSED or -errno.
 */
#ifndef MK_SANDBOX_SOCIAL_H
#define MK_SANDBOX_SOCIAL_H

#include "backend/sandbox/message.h"

enum {
    MK_NICKNAME_MAX_CHARS = 36,
    MK_BIO_MAX_CHARS = 80,
    MK_REQUEST_TEXT_MAX_CHARS = 100, /* comment, via and reason of a friend request */
    MK_LIKES_A_DAY = 10,             /* of one for one friend; days begin at midnight in China */
};

/* --- oneself (profile.c) --- */

int mk_set_nickname(struct mk_request *request, uint64_t actor, struct mk_slice nickname);
int mk_set_bio(struct mk_request *request, uint64_t actor, struct mk_slice bio);

/* --- conversations (peer.c) --- */

/* Puts a conversation on top, or back. Event peer_pin_change to the actor, if that changes it. */
int mk_pin_peer(struct mk_request *request, uint64_t actor, enum mk_scene scene, uint64_t peer,
                bool is_pinned);

/* The actor has read everything up to message `seq`, which must exist; it may be recalled. */
int mk_mark_read(struct mk_request *request, uint64_t actor, enum mk_scene scene, uint64_t peer,
                 uint64_t seq);

/* --- friends (friend.c; mk_like is in profile.c) --- */

/* 1 when they are friends, 0, or -errno. */
int mk_are_friends(struct mk_db *db, uint64_t one, uint64_t other);

/* 0 when they are friends, MK_REFUSED or -errno. */
int mk_require_friend(struct mk_request *request, uint64_t actor, uint64_t friend);

/*
 * The actor nudges the friend, or (`is_self`) himself where the friend sees it. Event friend_nudge
 * to both.
 */
int mk_nudge_friend(struct mk_request *request, uint64_t actor, uint64_t friend, bool is_self);

/* Likes the profile of a friend, `count` times. */
int mk_like(struct mk_request *request, uint64_t actor, uint64_t friend, uint64_t count);

/* Ends a friendship on both sides. The conversation stays, out of reach until they are friends. */
int mk_delete_friend(struct mk_request *request, uint64_t actor, uint64_t friend);

/* The states of a friend request, by their number in the database. */
enum mk_request_state { MK_PENDING, MK_ACCEPTED, MK_REJECTED, MK_IGNORED };
const char *mk_request_state_name(uint64_t state); /* "pending" ... */

/*
 * The actor asks to become a friend of `target`. A new request takes the place of an earlier one
 * between the two, answered or not. Event friend_request to the target, unless QQ's filter held the
 * request back (`is_filtered`): those are found with get_friend_requests only.
 */
struct mk_friend_wish {
    uint64_t target;
    struct mk_slice comment; /* "I am ..." */
    struct mk_slice via;     /* how the actor found the target: "QQ群 ..." */
    bool is_filtered;
};
int mk_request_friend(struct mk_request *request, uint64_t actor,
                      const struct mk_friend_wish *wish);

/*
 * The actor answers the pending request of `initiator`: `answer` is MK_ACCEPTED (they are friends
 * from now on), MK_REJECTED (with a reason, which may be empty) or MK_IGNORED.
 */
int mk_answer_friend(struct mk_request *request, uint64_t actor, uint64_t initiator,
                     bool is_filtered, enum mk_request_state answer, struct mk_slice reason);

#endif
