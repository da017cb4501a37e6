/* group_message: see the header. */
#include "backend/sandbox/model/group_message.h"

#include "backend/sandbox/model/message.h"

int sb_group_message_require(struct sb_request *request, uint64_t group, uint64_t seq, uint64_t *id)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_conversation conversation;
    struct sb_message message = { 0 };
    int rc = sb_conversation_find(db, SB_SCENE_GROUP, 0, group, &conversation);
    if (rc == 0)
        rc = sb_message_find(db, request->doc, &conversation, seq, &message);
    if (rc < 0)
        return rc;
    if (rc == 0 || message.recalled)
        return sb_refuse_no_message(request, seq);
    *id = sb_message_id(conversation.id, seq);
    return 0;
}
