/* read_mark: how far an account has read a conversation. */
#include "backend/sandbox/model/conversation.h"
#include "backend/sandbox/turn/turn.h"

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* owner, conversation, seq: never back */
static const struct sb_query mark_read_sql = { "INSERT INTO read_mark VALUES (?1, ?2, ?3)"
                                               " ON CONFLICT DO UPDATE SET seq = max(seq, ?3)" };

/* The message must exist; it may be recalled. */
static int mark_message_as_read(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t seq = milky_uint(request->params, "message_seq");
    struct sb_conversation conversation;
    int rc = sb_conversation_param(request, &conversation, NULL);
    if (rc != 0)
        return rc;
    if (seq == 0 || seq > conversation.last_seq)
        return sb_refuse_no_message(request, seq);
    rc = sb_turn_write(request);
    if (rc < 0)
        return rc;
    return sb_db_run(db, SB_DB_USE(db, &mark_read_sql, request->self_id, conversation.id, seq));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    { 3, "CREATE TABLE read_mark ("
    "  owner INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,"
    "  seq INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, conversation)"
    ") STRICT, WITHOUT ROWID;" },
    { 0 },
};
/* clang-format on */

static const struct sb_api apis[] = {
    { "mark_message_as_read", mark_message_as_read },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_marks = {
    .name = "read_marks",
    .within = &sb_conversation_list,
    .select = "SELECT 0, owner, seq FROM read_mark WHERE conversation = ?1 ORDER BY owner",
    .insert = "INSERT INTO read_mark (conversation, owner, seq) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ SB_COLUMN_PERSON("user_id"), SB_COLUMN_NUMBER("message_seq"), { NULL } },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_marks, NULL };

const struct sb_feature sb_feature_read_mark = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
