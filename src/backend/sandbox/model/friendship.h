/* friendship: who is a friend of whom, and how each side has filed the other. */
#ifndef SB_MODEL_FRIENDSHIP_H
#define SB_MODEL_FRIENDSHIP_H

#include "backend/sandbox/model/world_list.h"

/* Returns 1 when they are friends, 0, or -errno. */
int sb_friendship_find(struct sb_db *db, uint64_t one, uint64_t other);

/* Returns 0 when they are friends, SB_REFUSED or -errno. */
int sb_friendship_require(struct sb_request *request, uint64_t viewer, uint64_t friend);

/* Makes two people friends of each other, or ends that. Inside the transaction. 0 or -errno. */
int sb_friendship_begin(struct sb_db *db, uint64_t one, uint64_t other);
int sb_friendship_end(struct sb_db *db, uint64_t one, uint64_t other);

/* FriendEntity: `friend` as `viewer` has filed them. Returns 1, 0 when they are none, or -errno. */
int sb_friend_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t friend,
                   yyjson_mut_val **entity);

/* All friends of the viewer, and those that the viewer has pinned. Return 0 or -errno. */
int sb_friends_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array);
int sb_pinned_friends_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                           yyjson_mut_val **array);

/* The friendships of a world. */
extern const struct sb_world_list sb_friendship_list;

#endif
