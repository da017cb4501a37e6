/*
 * schema_groups: the tables of what goes on in groups besides talking: who asks to come in, what
 * hangs on the board, which messages are kept as essence and how people react to them. What is of a
 * group goes with its row; numbers of people may outlive those people.
 */
#include "backend/sandbox/store/schema.h"

/* clang-format off */
static const char sb_schema_groups_sql[] =
    /* whole_mute: only the owner and admins may speak. join_policy: enum sb_join_policy. dissolved:
     * nobody is in it any more and nobody comes back; its number is not given out again. */
    "ALTER TABLE qq_group ADD COLUMN whole_mute INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN join_policy INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN dissolved INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX member_manager ON member (group_id, uin) WHERE role >= 1;"

    /* Whom an admin did not want to see again. */
    "CREATE TABLE group_block ("
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  PRIMARY KEY (group_id, uin)"
    ") STRICT, WITHOUT ROWID;"

    /* Notifications; kind: enum sb_notice_kind. initiator: who asks or invites, 0 where nobody does.
     * target: whom it is about. state: enum sb_notice_state, NULL where there is nothing to answer.
     * operator: who did it, or answered; NULL while nobody has. source_group: of an invitation. */
    "CREATE TABLE group_notice ("
    "  seq INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  kind INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  initiator INTEGER NOT NULL DEFAULT 0,"
    "  target INTEGER NOT NULL,"
    "  operator INTEGER,"
    "  state INTEGER,"
    "  is_set INTEGER NOT NULL DEFAULT 0,"
    "  is_filtered INTEGER NOT NULL DEFAULT 0,"
    "  source_group INTEGER NOT NULL DEFAULT 0,"
    "  comment TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX group_notice_pending ON group_notice (group_id, target) WHERE state = 0;"

    /* In whose list of notifications one stands, in the order of that list. */
    "CREATE TABLE group_notice_for ("
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  is_filtered INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  PRIMARY KEY (uin, is_filtered, seq)"
    ") STRICT, WITHOUT ROWID;"

    /* image: of the table media, NULL where there is none. */
    "CREATE TABLE group_announcement ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  content TEXT NOT NULL,"
    "  image TEXT REFERENCES media"
    ") STRICT;"
    "CREATE INDEX group_announcement_of ON group_announcement (group_id, id);"

    /* message: the id of the row. */
    "CREATE TABLE group_essence ("
    "  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  operator INTEGER NOT NULL,"
    "  time INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX group_essence_of ON group_essence (group_id, time, message);"

    "CREATE TABLE group_reaction ("
    "  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,"
    "  is_emoji INTEGER NOT NULL,"
    "  face_id TEXT NOT NULL,"
    "  uin INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  PRIMARY KEY (message, is_emoji, face_id, uin)"
    ") STRICT, WITHOUT ROWID;";
/* clang-format on */

const struct sb_feature sb_schema_groups = {
    .steps = (const struct sb_schema_step[]){ { 5, sb_schema_groups_sql }, { 0 } },
};
