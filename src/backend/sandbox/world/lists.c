/* world_lists: what stands in a world: see world.h. Here are people, and the list of lists. */
#include "backend/sandbox/world/fields.h"

static const char *const sexes[] = { "unknown", "male", "female", NULL };
static const char *const states[] = { "pending", "accepted", "rejected", "ignored", NULL };
const char *const sb_world_scenes[] = { "friend", "group", "temp", NULL };

/* clang-format off */
static const struct sb_world_list categories = {
    .name = "categories",
    .select = "SELECT 0, category_id, name FROM friend_category WHERE owner = ?1"
              " AND NOT (category_id = 0 AND name = '我的好友') ORDER BY category_id",
    .insert = "INSERT INTO friend_category (owner, category_id, name) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){
        COUNT("category_id"),
        { "category_name", SB_COLUMN_TEXT, true },
        END,
    },
};

static const struct sb_world_list custom_faces = {
    .name = "custom_faces",
    .select = "SELECT 0, media, time FROM custom_face WHERE owner = ?1 ORDER BY media",
    .insert = "INSERT INTO custom_face (owner, media, time) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ CONTENT("resource_id"), TIME("time"), END },
};

const struct sb_world_list sb_world_people = {
    .name = "people",
    .select = "SELECT uin, uin, nickname, sex, age, level, qid, bio, country, city, school, is_bot,"
              " avatar FROM person ORDER BY uin",
    .insert = "INSERT INTO person (uin, nickname, sex, age, level, qid, bio, country, city, school,"
              " is_bot, avatar) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    .columns = (const struct sb_column[]){
        SOMEBODY("user_id"),
        { "nickname", SB_COLUMN_TEXT, true },
        { "sex", SB_COLUMN_CHOICE, .choices = sexes },
        COUNT("age"),
        { "level", SB_COLUMN_NUMBER, .otherwise = 1 },
        TEXT("qid"),
        TEXT("bio"),
        TEXT("country"),
        TEXT("city"),
        TEXT("school"),
        FLAG("is_bot"),
        PICTURE("avatar"),
        LIST("categories"),
        LIST("custom_faces"),
        END,
    },
    .lists = (const struct sb_world_list *const[]){ &categories, &custom_faces, NULL },
    .after = "INSERT OR IGNORE INTO friend_category VALUES (?1, 0, '我的好友')",
};

/* A friendship is two rows: how each side has filed the other. */
const struct sb_world_list sb_world_friendships = {
    .name = "friendships",
    .select = "SELECT 0, f.owner, f.friend, f.remark, f.category_id, b.remark, b.category_id"
              " FROM friendship f JOIN friendship b ON b.owner = f.friend AND b.friend = f.owner"
              " WHERE f.owner < f.friend ORDER BY f.owner, f.friend",
    .insert = "INSERT INTO friendship (owner, friend, remark, category_id)"
              " VALUES (?2, ?3, ?4, ?5), (?3, ?2, ?6, ?7)",
    .columns = (const struct sb_column[]){
        PERSON("user_id"),
        PERSON("friend_id"),
        TEXT("remark"),
        COUNT("category_id"),
        TEXT("friend_remark"),
        COUNT("friend_category_id"),
        END,
    },
};

static const struct sb_world_list likes = {
    .name = "likes",
    .select = "SELECT 0, liker, uin, day, today, total FROM profile_like ORDER BY liker, uin",
    .insert = "INSERT INTO profile_like (liker, uin, day, today, total)"
              " VALUES (?2, ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        PERSON("user_id"),
        PERSON("friend_id"),
        COUNT("day"),
        COUNT("today"),
        COUNT("total"),
        END,
    },
};

static const struct sb_world_list friend_requests = {
    .name = "friend_requests",
    .select = "SELECT 0, initiator, target, time, state, is_filtered, comment, via, reason"
              " FROM friend_request ORDER BY id",
    .insert = "INSERT INTO friend_request (initiator, target, time, state, is_filtered, comment,"
              " via, reason) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    .columns = (const struct sb_column[]){
        PERSON("initiator_id"),
        PERSON("target_user_id"),
        TIME("time"),
        { "state", SB_COLUMN_CHOICE, .choices = states },
        FLAG("is_filtered"),
        TEXT("comment"),
        TEXT("via"),
        TEXT("reason"),
        END,
    },
};

static const struct sb_world_list pins = {
    .name = "pins",
    .select = "SELECT 0, owner, scene, peer FROM pin ORDER BY owner, scene, peer",
    .insert = "INSERT INTO pin (owner, scene, peer) VALUES (?2, ?3, ?4)",
    .columns = (const struct sb_column[]){
        PERSON("user_id"),
        { "message_scene", SB_COLUMN_CHOICE, true, .choices = sb_world_scenes },
        SOMEBODY("peer_id"),
        END,
    },
};
/* clang-format on */

const struct sb_world_list *const sb_world_lists[] = {
    &sb_world_people,
    &sb_world_friendships,
    &likes,
    &friend_requests,
    &sb_world_groups,
    &sb_world_conversations,
    &sb_world_forwards,
    &sb_world_notifications,
    &pins,
    &sb_world_private_files,
    NULL,
};
