/*
 * conversation: a friend, a group or a temporary session, as one side sees it; its messages are
 * message.h's.
 */
#ifndef SB_MODEL_CONVERSATION_H
#define SB_MODEL_CONVERSATION_H

#include "backend/sandbox/model/world_list.h"

/* By their number in the database. */
enum sb_scene { SB_SCENE_FRIEND, SB_SCENE_GROUP, SB_SCENE_TEMP };

/* "friend", "group", "temp"; ended by NULL */
extern const char *const sb_scene_names[];

/* The same by number, and back: any other name is temp. */
const char *sb_scene_name(enum sb_scene scene);
enum sb_scene sb_scene_of(const char *name);

struct sb_conversation {
    enum sb_scene scene;
    uint64_t viewer;   /* the side that sees it */
    uint64_t with;     /* the friend, the group, or the stranger of a temporary session */
    uint64_t id;       /* of the row; 0 before the first message */
    uint64_t last_seq; /* 0 likewise */
};

/*
 * Finds the row, if there is one. Returns 0 or -errno. Does not check that the viewer takes part in
 * the conversation.
 */
int sb_conversation_find(struct sb_db *db, enum sb_scene scene, uint64_t viewer, uint64_t with,
                         struct sb_conversation *conversation);

/*
 * A temporary session is open from its first message on, until an operator closes it, and while
 * both are in the group that it goes through. Returns 1 with that group, 0, or -errno.
 */
int sb_temp_session_find(struct sb_db *db, uint64_t one, uint64_t other, uint64_t *group);

/* Ends that, until the next message. Inside the transaction. Returns 0 or -errno. */
int sb_temp_session_close(struct sb_db *db, uint64_t one, uint64_t other);

/*
 * Where two talk to each other: as friends, or else in the temporary session that is open between
 * them. Returns 0, SB_REFUSED where there is neither, or -errno.
 */
int sb_private_scene(struct sb_request *request, uint64_t viewer, uint64_t user,
                     enum sb_scene *scene);

/*
 * Finds the conversation of `viewer`, and its FriendEntity, its GroupEntity or (temp) that of the
 * group that the session goes through, NULL when the viewer is not in that group any more; `entity`
 * may be NULL. Returns 0, SB_REFUSED when the viewer takes no part in the conversation, or -errno.
 * A temporary session without messages is found, empty. One that is open takes the place of the
 * chat with a person who is no friend.
 */
int sb_conversation_require(struct sb_request *request, enum sb_scene scene, uint64_t viewer,
                            uint64_t with, struct sb_conversation *conversation,
                            yyjson_mut_val **entity);

/* The same for the caller and the params `message_scene` and `peer_id`. */
int sb_conversation_param(struct sb_request *request, struct sb_conversation *conversation,
                          yyjson_mut_val **entity);

/* Adds the row where there is none. Inside the transaction. Returns 0 or -errno. */
int sb_conversation_add(struct sb_db *db, struct sb_conversation *conversation);

/* Its last message is number `seq`. Inside the transaction. Returns 0 or -errno. */
int sb_conversation_grow(struct sb_db *db, struct sb_conversation *conversation, uint64_t seq);

/* A temporary session goes through `group`. Inside the transaction. Returns 0 or -errno. */
int sb_conversation_set_group(struct sb_db *db, const struct sb_conversation *conversation,
                              uint64_t group);

/* The conversations of a world. */
extern const struct sb_world_list sb_conversation_list;

#endif
