/*
 * schema: see the header. Laid out so that every question of the protocol is answered by a primary
 * key or an index, however large the world grows: rows that are small and always asked for by
 * their key live in the key's own tree (WITHOUT ROWID), messages lie in the order of their
 * conversation.
 */
#include "backend/sandbox/store/schema.h"

/* clang-format off */
static const char sb_schema_first_sql[] =
    /* Whoever has a QQ number. Bots are people that a program speaks for. sex: 0 unknown, 1 male,
     * 2 female. */
    "CREATE TABLE person ("
    "  uin INTEGER PRIMARY KEY,"
    "  nickname TEXT NOT NULL,"
    "  sex INTEGER NOT NULL DEFAULT 0,"
    "  qid TEXT NOT NULL DEFAULT '',"
    "  bio TEXT NOT NULL DEFAULT '',"
    "  age INTEGER NOT NULL DEFAULT 0,"
    "  level INTEGER NOT NULL DEFAULT 1,"
    "  country TEXT NOT NULL DEFAULT '',"
    "  city TEXT NOT NULL DEFAULT '',"
    "  school TEXT NOT NULL DEFAULT '',"
    "  is_bot INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"

    /* The folders that a person sorts friends into; everybody has number 0. */
    "CREATE TABLE friend_category ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  category_id INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  PRIMARY KEY (owner, category_id)"
    ") STRICT, WITHOUT ROWID;"

    /* Two rows per friendship: how each side has filed the other. */
    "CREATE TABLE friendship ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  friend INTEGER NOT NULL REFERENCES person,"
    "  remark TEXT NOT NULL DEFAULT '',"
    "  category_id INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (owner, friend),"
    "  FOREIGN KEY (owner, category_id) REFERENCES friend_category"
    ") STRICT, WITHOUT ROWID;"

    /* scene 0, friend: low and high are the two QQ numbers in order, so that both sides share one
     * row. scene 1, group: low is the group, high is 0. */
    "CREATE TABLE conversation ("
    "  id INTEGER PRIMARY KEY,"
    "  scene INTEGER NOT NULL,"
    "  low INTEGER NOT NULL,"
    "  high INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL,"
    "  UNIQUE (scene, low, high)"
    ") STRICT;"

    /* id is conversation.id << 32 | message_seq: a conversation lies together, in order, without a
     * second tree. segments: a JSON array of IncomingSegment. recalled_by: NULL while it stands. */
    "CREATE TABLE message ("
    "  id INTEGER PRIMARY KEY,"
    "  sender INTEGER NOT NULL,"
    "  time INTEGER NOT NULL,"
    "  recalled_by INTEGER,"
    "  segments TEXT NOT NULL"
    ") STRICT;"

    /* A forward that some message shows; forward_id is this number in hexadecimal, random so that
     * nobody guesses it. messages: a JSON array of IncomingForwardedMessage. */
    "CREATE TABLE forward ("
    "  id INTEGER PRIMARY KEY,"
    "  messages TEXT NOT NULL"
    ") STRICT;";
/* clang-format on */

/* world_clock.h. One row where the clock was moved: by `offset` seconds, or to stand at stopped_at.
 */
static const char clock_sql[] = "CREATE TABLE clock ("
                                "  id INTEGER PRIMARY KEY CHECK (id = 1),"
                                "  offset INTEGER NOT NULL,"
                                "  stopped_at INTEGER NOT NULL"
                                ") STRICT;";

/* unsent.h. One row: the events of the last turn that had any, a JSON array. */
static const char unsent_sql[] = "CREATE TABLE unsent ("
                                 "  id INTEGER PRIMARY KEY CHECK (id = 1),"
                                 "  events TEXT NOT NULL"
                                 ") STRICT;";

/*
 * One row, or more where it is long, for each transaction that the journal may not have on disk
 * yet, in their order.
 */
static const char unsent_rows_sql[] =
    "CREATE TEMP TABLE kept AS SELECT id, events FROM unsent;" /* ALTER would take a millisecond */
    "DROP TABLE unsent;"
    "CREATE TABLE unsent ("
    "  id INTEGER PRIMARY KEY,"
    "  events TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO unsent SELECT id, events FROM kept;"
    "DROP TABLE kept;";

const struct sb_feature sb_schema_first = {
    .steps = (const struct sb_schema_step[]){ { 1, sb_schema_first_sql },
                                              { 4, clock_sql },
                                              { 7, unsent_sql },
                                              { 8, unsent_rows_sql },
                                              { 0 } },
};
