/*
 * statements: the SQL of db.h. Parameters are ?1, ?2 in the order of the comment; columns are in
 * the order in which the readers (entity.c and those named) take them. Joins are CROSS JOIN because
 * SQLite keeps their order: from the row that the key names to those it points at.
 */
#include "backend/sandbox/store/db.h"

#define FRIEND_COLUMNS                                                                             \
    "SELECT f.friend, p.nickname, p.sex, p.qid, f.remark, f.category_id, c.name"                   \
    " FROM friendship f CROSS JOIN person p ON p.uin = f.friend"                                   \
    " CROSS JOIN friend_category c ON c.owner = f.owner AND c.category_id = f.category_id"

#define GROUP_COLUMNS                                                                              \
    "SELECT g.group_id, g.name, g.member_count, g.max_member_count, m.remark, g.created_time,"     \
    " g.description, g.question, g.announcement"                                                   \
    " FROM member m CROSS JOIN qq_group g ON g.group_id = m.group_id"

#define MEMBER_COLUMNS                                                                             \
    "SELECT p.uin, p.nickname, p.sex, m.card, m.title, m.level, m.role, m.join_time,"              \
    " m.last_sent_time, m.shut_up_end_time, m.uin IS NOT NULL"

/* `operator` is NULL or a number that is never 0. */
#define NOTICE_COLUMNS                                                                             \
    "SELECT n.seq, n.group_id, n.kind, n.initiator, n.target, n.operator, n.state, n.is_set,"      \
    " n.is_filtered, n.source_group, n.comment"

static const char *const texts[SB_SQL_COUNT] = {
    /* uin */
    [SB_SQL_PERSON] = "SELECT nickname, is_bot FROM person WHERE uin = ?1",
    /* viewer, uin */
    [SB_SQL_PROFILE] = "SELECT p.nickname, p.qid, p.age, p.sex, f.remark, p.bio, p.level,"
                       " p.country, p.city, p.school"
                       " FROM person p LEFT JOIN friendship f ON f.owner = ?1 AND f.friend = p.uin"
                       " WHERE p.uin = ?2",
    /* viewer, friend */
    [SB_SQL_FRIEND] = FRIEND_COLUMNS " WHERE f.owner = ?1 AND f.friend = ?2",
    /* viewer */
    [SB_SQL_FRIENDS] = FRIEND_COLUMNS " WHERE f.owner = ?1 ORDER BY f.friend",
    /* viewer, group */
    [SB_SQL_GROUP] = GROUP_COLUMNS " WHERE m.uin = ?1 AND m.group_id = ?2",
    /* viewer */
    [SB_SQL_GROUPS] = GROUP_COLUMNS " WHERE m.uin = ?1 ORDER BY m.group_id",
    /* group, uin: a person who is not (or no more) in the group has NULLs and a 0 at the end */
    [SB_SQL_MEMBER] = MEMBER_COLUMNS " FROM person p LEFT JOIN member m"
                                     " ON m.group_id = ?1 AND m.uin = p.uin WHERE p.uin = ?2",
    /* group */
    [SB_SQL_MEMBERS] = MEMBER_COLUMNS " FROM member m CROSS JOIN person p ON p.uin = m.uin"
                                      " WHERE m.group_id = ?1 ORDER BY m.uin",
    /* group; left to itself SQLite would walk through all members */
    [SB_SQL_GROUP_BOTS] = "SELECT uin, remark FROM member INDEXED BY member_bot"
                          " WHERE group_id = ?1 AND is_bot = 1 ORDER BY uin",
    /* scene, low, high */
    [SB_SQL_CONVERSATION] =
        "SELECT id, last_seq FROM conversation WHERE scene = ?1 AND low = ?2 AND high = ?3",
    /* scene, low, high */
    [SB_SQL_CONVERSATION_ADD] =
        "INSERT INTO conversation (scene, low, high, last_seq) VALUES (?1, ?2, ?3, 0)",
    /* conversation, seq */
    [SB_SQL_CONVERSATION_SENT] = "UPDATE conversation SET last_seq = ?2 WHERE id = ?1",
    /* group, uin, time */
    [SB_SQL_MEMBER_SENT] = "UPDATE member SET last_sent_time = ?3 WHERE group_id = ?1 AND uin = ?2",
    /* id */
    [SB_SQL_MESSAGE] =
        "SELECT id, sender, time, segments, recalled_by IS NOT NULL FROM message WHERE id = ?1",
    /* id, sender, time, segments */
    [SB_SQL_MESSAGE_ADD] =
        "INSERT INTO message (id, sender, time, segments) VALUES (?1, ?2, ?3, ?4)",
    /* id, operator */
    [SB_SQL_MESSAGE_RECALL] = "UPDATE message SET recalled_by = ?2 WHERE id = ?1",
    /* lowest id, highest id, limit */
    [SB_SQL_HISTORY] = "SELECT id, sender, time, segments FROM message"
                       " WHERE id BETWEEN ?1 AND ?2 AND recalled_by IS NULL"
                       " ORDER BY id DESC LIMIT ?3",
    /* id */
    [SB_SQL_FORWARD] = "SELECT messages FROM forward WHERE id = ?1",
    /* id, messages */
    [SB_SQL_FORWARD_ADD] = "INSERT INTO forward (id, messages) VALUES (?1, ?2)",
    [SB_SQL_ALL_PEOPLE] = "SELECT uin, nickname, is_bot FROM person ORDER BY uin",
    [SB_SQL_ALL_GROUPS] = "SELECT group_id, name, member_count FROM qq_group WHERE dissolved = 0"
                          " ORDER BY group_id",
    /* media.h. sha256 */
    [SB_SQL_MEDIA] = "SELECT size, tri_sha1, content_type, width, height, duration FROM media"
                     " WHERE sha256 = ?1",
    /* size, width, height, duration, sha256, tri_sha1, content_type */
    [SB_SQL_MEDIA_ADD] =
        "INSERT OR IGNORE INTO media (size, width, height, duration, sha256, tri_sha1,"
        " content_type) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    /* name, value (a blob) */
    [SB_SQL_SECRET_SET] = "INSERT OR REPLACE INTO secret (name, value) VALUES (?1, ?2)",
    /* uin; the second also sha256 */
    [SB_SQL_PERSON_AVATAR] = "SELECT avatar FROM person WHERE uin = ?1",
    [SB_SQL_PERSON_SET_AVATAR] = "UPDATE person SET avatar = ?2 WHERE uin = ?1",
    /* group; the second also sha256 */
    [SB_SQL_GROUP_AVATAR] = "SELECT avatar FROM qq_group WHERE group_id = ?1",
    [SB_SQL_GROUP_SET_AVATAR] = "UPDATE qq_group SET avatar = ?2 WHERE group_id = ?1",
    /* owner, limit */
    [SB_SQL_FACES] = "SELECT media FROM custom_face WHERE owner = ?1 ORDER BY time DESC LIMIT ?2",
    /* owner, time, sha256 */
    [SB_SQL_FACE_USE] = "INSERT INTO custom_face (owner, time, media) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT DO UPDATE SET time = ?2",
    /* world_clock.c */
    [SB_SQL_CLOCK] = "SELECT offset, stopped_at FROM clock WHERE id = 1",
    /* offset, stopped_at */
    [SB_SQL_CLOCK_SET] = "INSERT INTO clock (id, offset, stopped_at) VALUES (1, ?1, ?2)"
                         " ON CONFLICT DO UPDATE SET offset = ?1, stopped_at = ?2",
    /* prepared, so that it needs no memory when there is none */
    [SB_SQL_ROLLBACK] = "ROLLBACK",
    [SB_SQL_UNSENT] = "SELECT events FROM unsent ORDER BY id",
    /* events */
    [SB_SQL_UNSENT_ADD] = "INSERT INTO unsent (events) VALUES (?1)",
    [SB_SQL_UNSENT_FORGET] = "DELETE FROM unsent",
    /* world_random.c */
    [SB_SQL_SAID] = "SELECT total(last_seq) + count(*) FROM conversation",

    /* --- social --- */
    /* uin, text */
    [SB_SQL_SET_NICKNAME] = "UPDATE person SET nickname = ?2 WHERE uin = ?1",
    [SB_SQL_SET_BIO] = "UPDATE person SET bio = ?2 WHERE uin = ?1",
    /* name */
    [SB_SQL_SECRET] = "SELECT value FROM secret WHERE name = ?1",
    /* liker, uin, day: how many on that day */
    [SB_SQL_LIKES] = "SELECT today FROM profile_like WHERE liker = ?1 AND uin = ?2 AND day = ?3",
    /* liker, uin, day, count */
    [SB_SQL_LIKE] = "INSERT INTO profile_like VALUES (?1, ?2, ?3, ?4, ?4)"
                    " ON CONFLICT DO UPDATE SET total = total + ?4, day = ?3,"
                    " today = CASE day WHEN ?3 THEN today ELSE 0 END + ?4",
    /* owner, scene, peer */
    [SB_SQL_PIN] = "SELECT 1 FROM pin WHERE owner = ?1 AND scene = ?2 AND peer = ?3",
    [SB_SQL_PIN_ADD] = "INSERT INTO pin VALUES (?1, ?2, ?3)",
    [SB_SQL_PIN_REMOVE] = "DELETE FROM pin WHERE owner = ?1 AND scene = ?2 AND peer = ?3",
    /* owner: FriendEntity, GroupEntity */
    [SB_SQL_PINNED_FRIENDS] =
        FRIEND_COLUMNS " WHERE f.owner = ?1 AND f.friend IN"
                       " (SELECT peer FROM pin WHERE owner = ?1 AND scene = 0) ORDER BY f.friend",
    [SB_SQL_PINNED_GROUPS] =
        GROUP_COLUMNS " WHERE m.uin = ?1 AND m.group_id IN"
                      " (SELECT peer FROM pin WHERE owner = ?1 AND scene = 1) ORDER BY m.group_id",
    /* owner, conversation, seq: never back */
    [SB_SQL_MARK_READ] = "INSERT INTO read_mark VALUES (?1, ?2, ?3)"
                         " ON CONFLICT DO UPDATE SET seq = max(seq, ?3)",
    /* conversation */
    [SB_SQL_TEMP_SESSION] = "SELECT group_id FROM temp_session WHERE conversation = ?1",
    /* conversation, group */
    [SB_SQL_TEMP_SESSION_SET] = "INSERT INTO temp_session VALUES (?1, ?2)"
                                " ON CONFLICT DO UPDATE SET group_id = ?2",
    /* owner, friend: one side */
    [SB_SQL_UNFRIEND] = "DELETE FROM friendship WHERE owner = ?1 AND friend = ?2",
    /* owner */
    [SB_SQL_BEFRIEND_CATEGORY] = "INSERT INTO friend_category VALUES (?1, 0, '我的好友')"
                                 " ON CONFLICT DO NOTHING",
    /* owner, friend: one side */
    [SB_SQL_BEFRIEND] = "INSERT INTO friendship (owner, friend) VALUES (?1, ?2)"
                        " ON CONFLICT DO NOTHING",
    /* target, initiator */
    [SB_SQL_FRIEND_REQUEST] = "SELECT id, state, is_filtered FROM friend_request"
                              " WHERE target = ?1 AND initiator = ?2",
    /* target, is_filtered, limit: the newest first */
    [SB_SQL_FRIEND_REQUESTS] = "SELECT initiator, time, state, comment, via FROM friend_request"
                               " WHERE target = ?1 AND is_filtered = ?2 ORDER BY id DESC LIMIT ?3",
    /* target, initiator */
    [SB_SQL_FRIEND_REQUEST_REMOVE] =
        "DELETE FROM friend_request WHERE target = ?1 AND initiator = ?2",
    /* target, initiator, time, is_filtered, comment, via */
    [SB_SQL_FRIEND_REQUEST_ADD] =
        "INSERT INTO friend_request (target, initiator, time, is_filtered, comment, via)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    /* target, initiator, state, reason: if it is pending */
    [SB_SQL_FRIEND_REQUEST_ANSWER] =
        "UPDATE friend_request SET state = ?3, reason = coalesce(?4, '')"
        " WHERE target = ?1 AND initiator = ?2 AND state = 0",

    /* --- groups --- */
    /* group */
    [SB_SQL_GROUP_STATE] = "SELECT member_count, max_member_count, join_policy, whole_mute"
                           " FROM qq_group WHERE group_id = ?1 AND dissolved = 0",
    /* group, name */
    [SB_SQL_GROUP_RENAME] = "UPDATE qq_group SET name = ?2 WHERE group_id = ?1",
    /* group, flag */
    [SB_SQL_GROUP_SET_WHOLE_MUTE] = "UPDATE qq_group SET whole_mute = ?2 WHERE group_id = ?1",
    /* group, policy */
    [SB_SQL_GROUP_SET_POLICY] = "UPDATE qq_group SET join_policy = ?2 WHERE group_id = ?1",
    /* group */
    [SB_SQL_GROUP_DISSOLVE] = "UPDATE qq_group SET dissolved = 1 WHERE group_id = ?1",
    /* group: shows its newest announcement */
    [SB_SQL_GROUP_PREVIEW] = "UPDATE qq_group SET announcement = coalesce((SELECT content"
                             " FROM group_announcement WHERE group_id = ?1 ORDER BY id DESC"
                             " LIMIT 1), '') WHERE group_id = ?1",
    /* group: its owner and admins */
    [SB_SQL_GROUP_MANAGERS] = "SELECT uin, is_bot FROM member INDEXED BY member_manager"
                              " WHERE group_id = ?1 AND role >= 1 ORDER BY uin",
    /* group, uin, value */
    [SB_SQL_MEMBER_SET_CARD] = "UPDATE member SET card = ?3 WHERE group_id = ?1 AND uin = ?2",
    [SB_SQL_MEMBER_SET_TITLE] = "UPDATE member SET title = ?3 WHERE group_id = ?1 AND uin = ?2",
    [SB_SQL_MEMBER_SET_ROLE] = "UPDATE member SET role = ?3 WHERE group_id = ?1 AND uin = ?2",
    [SB_SQL_MEMBER_SET_MUTE] =
        "UPDATE member SET shut_up_end_time = ?3 WHERE group_id = ?1 AND uin = ?2",
    /* group, uin, time */
    [SB_SQL_MEMBER_ADD] = "INSERT INTO member (group_id, uin, join_time, is_bot)"
                          " SELECT ?1, uin, ?3, is_bot FROM person WHERE uin = ?2",
    /* group, uin */
    [SB_SQL_MEMBER_REMOVE] = "DELETE FROM member WHERE group_id = ?1 AND uin = ?2",
    /* group */
    [SB_SQL_MEMBERS_REMOVE] = "DELETE FROM member WHERE group_id = ?1",
    /* group, uin */
    [SB_SQL_BLOCK] = "SELECT 1 FROM group_block WHERE group_id = ?1 AND uin = ?2",
    [SB_SQL_BLOCK_ADD] = "INSERT INTO group_block VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [SB_SQL_BLOCK_REMOVE] = "DELETE FROM group_block WHERE group_id = ?1 AND uin = ?2",
    /* seq */
    [SB_SQL_NOTICE] = NOTICE_COLUMNS " FROM group_notice n WHERE n.seq = ?1",
    /* uin, is_filtered, the highest seq, limit: the newest first */
    [SB_SQL_NOTICES] = NOTICE_COLUMNS
    " FROM group_notice_for f CROSS JOIN group_notice n ON n.seq = f.seq"
    " WHERE f.uin = ?1 AND f.is_filtered = ?2 AND f.seq <= ?3 ORDER BY f.seq DESC LIMIT ?4",
    [SB_SQL_NOTICE_LAST] = "SELECT coalesce(max(seq), 0) FROM group_notice",
    /* seq, group, kind, time, initiator, target, is_set, is_filtered, source group, operator,
     * state, comment */
    [SB_SQL_NOTICE_ADD] = "INSERT INTO group_notice (seq, group_id, kind, time, initiator, target,"
                          " is_set, is_filtered, source_group, operator, state, comment)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    /* uin, is_filtered, seq */
    [SB_SQL_NOTICE_FOR] = "INSERT INTO group_notice_for VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    /* group, is_filtered, seq: in the lists of the owner and the admins */
    [SB_SQL_NOTICE_FOR_MANAGERS] =
        "INSERT INTO group_notice_for SELECT uin, ?2, ?3 FROM member INDEXED BY member_manager"
        " WHERE group_id = ?1 AND role >= 1 ON CONFLICT DO NOTHING",
    /* group, uin: requests that nobody has answered yet, for a new admin; 0 and 4: enum
     * sb_notice_kind */
    [SB_SQL_NOTICE_HAND_OVER] =
        "INSERT INTO group_notice_for SELECT ?2, is_filtered, seq FROM group_notice"
        " INDEXED BY group_notice_pending WHERE group_id = ?1 AND state = 0 AND kind IN (0, 4)"
        " ON CONFLICT DO NOTHING",
    /* seq, state, operator, reason */
    [SB_SQL_NOTICE_ANSWER] =
        "UPDATE group_notice SET state = ?2, operator = ?3, reason = ?4 WHERE seq = ?1",
    /* group, target, initiator or 0: what still waits becomes ignored */
    [SB_SQL_NOTICE_LAPSE] = "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
                            " WHERE group_id = ?1 AND target = ?2 AND state = 0"
                            " AND (?3 = 0 OR initiator = ?3)",
    /* group */
    [SB_SQL_NOTICE_LAPSE_ALL] = "UPDATE group_notice INDEXED BY group_notice_pending SET state = 3"
                                " WHERE group_id = ?1 AND state = 0",
    /* id */
    [SB_SQL_ANNOUNCEMENT] = "SELECT group_id FROM group_announcement WHERE id = ?1",
    /* group: the newest first */
    [SB_SQL_ANNOUNCEMENTS] = "SELECT id, uin, time, content, image FROM group_announcement"
                             " WHERE group_id = ?1 ORDER BY id DESC",
    /* group, uin, time, content, image */
    [SB_SQL_ANNOUNCEMENT_ADD] = "INSERT INTO group_announcement (group_id, uin, time, content,"
                                " image) VALUES (?1, ?2, ?3, ?4, ?5)",
    /* id */
    [SB_SQL_ANNOUNCEMENT_REMOVE] = "DELETE FROM group_announcement WHERE id = ?1",
    /* id of the message */
    [SB_SQL_ESSENCE] = "SELECT 1 FROM group_essence WHERE message = ?1",
    /* group, limit, offset: the newest first */
    [SB_SQL_ESSENCES] = "SELECT m.id, m.sender, m.time, m.segments, e.operator, e.time"
                        " FROM group_essence e CROSS JOIN message m ON m.id = e.message"
                        " WHERE e.group_id = ?1 AND m.recalled_by IS NULL"
                        " ORDER BY e.time DESC, e.message DESC LIMIT ?2 OFFSET ?3",
    /* id of the message, group, operator, time */
    [SB_SQL_ESSENCE_ADD] = "INSERT INTO group_essence VALUES (?1, ?2, ?3, ?4)",
    /* id of the message */
    [SB_SQL_ESSENCE_REMOVE] = "DELETE FROM group_essence WHERE message = ?1",
    /* id of the message, is_emoji, uin, face_id */
    [SB_SQL_REACTION] = "SELECT 1 FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
                        " AND uin = ?3 AND face_id = ?4",
    /* the same, time */
    [SB_SQL_REACTION_ADD] = "INSERT INTO group_reaction (message, is_emoji, uin, face_id, time)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)",
    [SB_SQL_REACTION_REMOVE] = "DELETE FROM group_reaction WHERE message = ?1 AND is_emoji = ?2"
                               " AND uin = ?3 AND face_id = ?4",

    /* --- files --- */
    /* id */
    [SB_SQL_PRIVATE_FILE] = "SELECT f.sender, f.receiver, f.name, f.media, m.tri_sha1"
                            " FROM private_file f CROSS JOIN media m ON m.sha256 = f.media"
                            " WHERE f.id = ?1",
    /* id, sender, receiver, name, media */
    [SB_SQL_PRIVATE_FILE_ADD] = "INSERT INTO private_file VALUES (?1, ?2, ?3, ?4, ?5)",
    /* id, group */
    [SB_SQL_GROUP_FILE] =
        "SELECT folder, uploader, name, media FROM group_file WHERE id = ?1 AND group_id = ?2",
    /* group, folder: the newest first */
    [SB_SQL_GROUP_FILES] = "SELECT id, name, size, uploaded_time, uploader, downloaded_times"
                           " FROM group_file WHERE group_id = ?1 AND folder = ?2"
                           " ORDER BY uploaded_time DESC, id DESC",
    /* id, group, folder, size, uploader, time, name, media */
    [SB_SQL_GROUP_FILE_ADD] = "INSERT INTO group_file (id, group_id, folder, size, uploader,"
                              " uploaded_time, name, media)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    /* id */
    [SB_SQL_GROUP_FILE_DOWNLOADED] =
        "UPDATE group_file SET downloaded_times = downloaded_times + 1 WHERE id = ?1",
    /* id, folder */
    [SB_SQL_GROUP_FILE_MOVE] = "UPDATE group_file SET folder = ?2 WHERE id = ?1",
    /* id, name */
    [SB_SQL_GROUP_FILE_RENAME] = "UPDATE group_file SET name = ?2 WHERE id = ?1",
    /* id */
    [SB_SQL_GROUP_FILE_DELETE] = "DELETE FROM group_file WHERE id = ?1",
    /* id, group */
    [SB_SQL_FOLDER] = "SELECT 1 FROM group_folder WHERE id = ?1 AND group_id = ?2",
    /* group, name */
    [SB_SQL_FOLDER_NAMED] = "SELECT id FROM group_folder WHERE group_id = ?1 AND name = ?2",
    /* group */
    [SB_SQL_FOLDERS] = "SELECT id, name, creator, created_time, last_modified_time, file_count"
                       " FROM group_folder WHERE group_id = ?1 ORDER BY name",
    /* id, group, creator, time, name */
    [SB_SQL_FOLDER_ADD] = "INSERT INTO group_folder (id, group_id, creator, created_time,"
                          " last_modified_time, name) VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
    /* id, files more, time */
    [SB_SQL_FOLDER_CHANGED] = "UPDATE group_folder SET file_count = file_count + ?2,"
                              " last_modified_time = ?3 WHERE id = ?1",
    /* id, time, name */
    [SB_SQL_FOLDER_RENAME] =
        "UPDATE group_folder SET last_modified_time = ?2, name = ?3 WHERE id = ?1",
    /* group, folder */
    [SB_SQL_FOLDER_EMPTY] = "DELETE FROM group_file WHERE group_id = ?1 AND folder = ?2",
    /* id */
    [SB_SQL_FOLDER_DELETE] = "DELETE FROM group_folder WHERE id = ?1",

    /* control_act.c. group, target: the newest first */
    [SB_SQL_CONTROL_PENDING] = "SELECT seq, kind, is_filtered FROM group_notice"
                               " WHERE group_id = ?1 AND target = ?2 AND state = 0"
                               " ORDER BY seq DESC",
};

const char *sb_sql_text(enum sb_sql sql)
{
    return texts[sql];
}
