/*
 * message: conversations and the messages that stand in them, as one side sees them.
 *
 * A message_seq counts within its conversation, from 1, without gaps, and is the same number for
 * everybody in it. Functions that look something up return 1, 0 (there is none) or -errno.
 */
#ifndef SB_MODEL_MESSAGE_H
#define SB_MODEL_MESSAGE_H

#include "backend/sandbox/turn/request.h"

enum sb_scene { SB_SCENE_FRIEND, SB_SCENE_GROUP, SB_SCENE_TEMP };

/* "friend", "group", "temp", and back: any other name is temp. */
const char *sb_scene_name(enum sb_scene scene);
enum sb_scene sb_scene_of(const char *name);

/* A conversation, seen by `viewer`. */
struct sb_place {
    enum sb_scene scene;
    uint64_t viewer;
    uint64_t peer;     /* the friend, the group, or the stranger of a temporary session: peer_id */
    uint64_t id;       /* of the row, 0 while nobody has said anything */
    uint64_t last_seq; /* 0 likewise */
};

/* Finds the row, if there is one. Returns 0 or -errno; does not check that the viewer belongs
 * there. */
int sb_place_find(struct sb_db *db, enum sb_scene scene, uint64_t viewer, uint64_t peer,
                  struct sb_place *place);

/* What the row is found by (schema.c): the two of a private chat in order, or the group and 0. */
void sb_place_key(const struct sb_place *place, uint64_t *low, uint64_t *high);

/*
 * The conversation of `viewer` with `peer`, and its FriendEntity, its GroupEntity or (temp) that of
 * the group that the session goes through, NULL when the viewer is not in that any more; `entity`
 * may be NULL. Returns 0, SB_REFUSED when the viewer has no part in it, or -errno. A temporary
 * session of two who have never spoken is empty.
 */
int sb_place_require(struct sb_request *request, enum sb_scene scene, uint64_t viewer,
                     uint64_t peer, struct sb_place *place, yyjson_mut_val **entity);

struct sb_message {
    uint64_t seq;
    uint64_t sender;
    uint64_t time;
    yyjson_mut_val *segments; /* IncomingSegment array */
    bool recalled;
    size_t stored_len; /* bytes of the segments where they were read from the world */
};

/* The message `seq`, recalled or not, its segments read into `doc`. */
int sb_message_find(struct sb_db *db, yyjson_mut_doc *doc, const struct sb_place *place,
                    uint64_t seq, struct sb_message *message);

/* One whose columns are id, sender, time, segments; not recalled. Returns 0 or -errno. */
int sb_message_of_row(yyjson_mut_doc *doc, sqlite3_stmt *row, struct sb_message *message);

/*
 * IncomingMessage. `entity` is the FriendEntity or GroupEntity of the place (NULL: a temporary
 * session through no group), `member` the GroupMemberEntity of the sender (NULL but in groups); it
 * takes both and the segments over, which get their URLs. NULL when memory is out.
 */
yyjson_mut_val *sb_message_json(struct sb_request *request, const struct sb_place *place,
                                const struct sb_message *message, yyjson_mut_val *entity,
                                yyjson_mut_val *member);

/* The row of a message: see store/schema.c. */
static inline uint64_t sb_message_id(uint64_t conversation, uint64_t seq)
{
    return conversation << 32 | seq;
}

#endif
