/*
 * schema_social: the tables of what people are to each other beside friendship: pins, read marks,
 * likes, requests, and the sessions of those who are no friends. All of it goes with its people.
 */
#include "backend/sandbox/store/schema.h"

/* clang-format off */
static const char sb_schema_social_sql[] =
    /* Where the cookies of this world come from. */
    "INSERT INTO secret VALUES ('cookies', randomblob(32));"

    /* The conversations that somebody has put on top. scene as in conversation; peer: the friend,
     * the group, or the other one of a temporary session. A pin goes with what it stands on. */
    "CREATE TABLE pin ("
    "  owner INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  scene INTEGER NOT NULL,"
    "  peer INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, scene, peer)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER pin_unfriended AFTER DELETE ON friendship BEGIN"
    "  DELETE FROM pin WHERE owner = old.owner AND scene = 0 AND peer = old.friend;"
    "END;"
    "CREATE TRIGGER pin_left AFTER DELETE ON member BEGIN"
    "  DELETE FROM pin WHERE owner = old.uin AND scene = 1 AND peer = old.group_id;"
    "END;"

    /* How far somebody has read a conversation. */
    "CREATE TABLE read_mark ("
    "  owner INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,"
    "  seq INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, conversation)"
    ") STRICT, WITHOUT ROWID;"

    /* conversation of scene 2, temp: low and high are the two QQ numbers in order. group_id: the
     * group that they came through last. */
    "CREATE TABLE temp_session ("
    "  conversation INTEGER PRIMARY KEY REFERENCES conversation ON DELETE CASCADE,"
    "  group_id INTEGER NOT NULL"
    ") STRICT;"

    /* Likes of a profile. day: days since 1970 in China; today: how many on that day. */
    "CREATE TABLE profile_like ("
    "  liker INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  uin INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  day INTEGER NOT NULL,"
    "  today INTEGER NOT NULL,"
    "  total INTEGER NOT NULL,"
    "  PRIMARY KEY (liker, uin)"
    ") STRICT, WITHOUT ROWID;"

    /* The last request of each to each; a new one takes the place of the old one. state: 0 pending,
     * 1 accepted, 2 rejected, 3 ignored. reason: of the rejection. */
    "CREATE TABLE friend_request ("
    "  id INTEGER PRIMARY KEY,"
    "  initiator INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  target INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  time INTEGER NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0,"
    "  is_filtered INTEGER NOT NULL,"
    "  comment TEXT NOT NULL,"
    "  via TEXT NOT NULL,"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  UNIQUE (target, initiator)"
    ") STRICT;"
    "CREATE INDEX friend_request_to ON friend_request (target, is_filtered, id);";

const struct sb_feature sb_schema_social = {
    .steps = (const struct sb_schema_step[]){ { 3, sb_schema_social_sql }, { 0 } },
};
