/*
 * message: the messages of conversations.
 *
 * A message_seq counts within its conversation, from 1, without gaps, and is the same number for
 * everyone in it.
 */
#ifndef SB_MODEL_MESSAGE_H
#define SB_MODEL_MESSAGE_H

#include "backend/sandbox/model/conversation.h"

struct sb_message {
    uint64_t seq;
    uint64_t sender;
    uint64_t time;
    yyjson_mut_val *segments; /* IncomingSegment array */
    bool recalled;
    bool hidden;       /* only its sender sees it */
    size_t stored_len; /* bytes of the segments where they were read from the database */
};

/* The id of its row. */
static inline uint64_t sb_message_id(uint64_t conversation, uint64_t seq)
{
    return conversation << 32 | seq;
}

/*
 * Finds the message `seq` that the viewer of the conversation sees, recalled or not, and reads its
 * segments into `doc`. Returns 1, 0 when there is none, or -errno.
 */
int sb_message_find(struct sb_db *db, yyjson_mut_doc *doc,
                    const struct sb_conversation *conversation, uint64_t seq,
                    struct sb_message *message);

/* The same for one that was not recalled. Returns 0, SB_REFUSED or -errno. */
int sb_message_require(struct sb_request *request, const struct sb_conversation *conversation,
                       uint64_t seq, struct sb_message *message);

/* Reads a row of the table that begins with these columns; not recalled. Returns 0 or -errno. */
#define SB_MESSAGE_COLUMNS "id, sender, time, segments"
enum { SB_MESSAGE_ID, SB_MESSAGE_SENDER, SB_MESSAGE_TIME, SB_MESSAGE_SEGMENTS, SB_MESSAGE_MORE };
int sb_message_read(yyjson_mut_doc *doc, sqlite3_stmt *row, struct sb_message *message);

/*
 * IncomingMessage. `entity` is the FriendEntity or GroupEntity of the conversation (NULL: a
 * temporary session through no group), `member` the GroupMemberEntity of the sender (NULL but in
 * groups); it takes both and the segments over, which get their URLs. Returns NULL when out of
 * memory.
 */
yyjson_mut_val *sb_message_json(struct sb_request *request,
                                const struct sb_conversation *conversation,
                                const struct sb_message *message, yyjson_mut_val *entity,
                                yyjson_mut_val *member);

/*
 * Adds a message, whose segments are `json`, at the end of the conversation, which is added where
 * it is new. Inside the transaction. Returns 0 or -errno.
 */
int sb_message_add(struct sb_db *db, struct sb_conversation *conversation,
                   const struct sb_message *message, struct mk_slice json);

/* The messages of a conversation of a world. */
extern const struct sb_world_list sb_message_list;

#endif
