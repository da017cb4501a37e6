/*
 * db: the database of a world: opening it, its transaction, and its statements, each prepared once.
 * It knows SQLite and the tables, and nothing of calls.
 *
 * How durable: write-ahead log with synchronous=FULL. A commit that has returned survives the loss
 * of power; with one commit per turn of the loop that costs a flush per turn, not per call.
 */
#ifndef SB_STORE_DB_H
#define SB_STORE_DB_H

#include "base/slice.h"

#include <sqlite3.h>
#include <stdint.h>

/* The statements; their text, parameters and columns are in statements.c. */
enum sb_sql {
    SB_SQL_PERSON,
    SB_SQL_PROFILE,
    SB_SQL_FRIEND,
    SB_SQL_FRIENDS,
    SB_SQL_GROUP,
    SB_SQL_GROUPS,
    SB_SQL_MEMBER,
    SB_SQL_MEMBERS,
    SB_SQL_GROUP_BOTS,
    SB_SQL_CONVERSATION,
    SB_SQL_CONVERSATION_ADD,
    SB_SQL_CONVERSATION_SENT,
    SB_SQL_MEMBER_SENT,
    SB_SQL_MESSAGE,
    SB_SQL_MESSAGE_ADD,
    SB_SQL_MESSAGE_RECALL,
    SB_SQL_HISTORY,
    SB_SQL_FORWARD,
    SB_SQL_FORWARD_ADD,
    SB_SQL_ALL_PEOPLE,
    SB_SQL_ALL_GROUPS,
    SB_SQL_MEDIA,
    SB_SQL_MEDIA_ADD,
    SB_SQL_SECRET_SET,
    SB_SQL_PERSON_AVATAR,
    SB_SQL_PERSON_SET_AVATAR,
    SB_SQL_GROUP_AVATAR,
    SB_SQL_GROUP_SET_AVATAR,
    SB_SQL_FACES,
    SB_SQL_FACE_USE,
    SB_SQL_CLOCK,
    SB_SQL_CLOCK_SET,
    SB_SQL_SAID,
    SB_SQL_ROLLBACK,
    SB_SQL_UNSENT,
    SB_SQL_UNSENT_ADD,
    SB_SQL_UNSENT_FORGET,
    /* social */
    SB_SQL_SET_NICKNAME,
    SB_SQL_SET_BIO,
    SB_SQL_SECRET,
    SB_SQL_LIKES,
    SB_SQL_LIKE,
    SB_SQL_PIN,
    SB_SQL_PIN_ADD,
    SB_SQL_PIN_REMOVE,
    SB_SQL_PINNED_FRIENDS,
    SB_SQL_PINNED_GROUPS,
    SB_SQL_MARK_READ,
    SB_SQL_TEMP_SESSION,
    SB_SQL_TEMP_SESSION_SET,
    SB_SQL_UNFRIEND,
    SB_SQL_BEFRIEND_CATEGORY,
    SB_SQL_BEFRIEND,
    SB_SQL_FRIEND_REQUEST,
    SB_SQL_FRIEND_REQUESTS,
    SB_SQL_FRIEND_REQUEST_REMOVE,
    SB_SQL_FRIEND_REQUEST_ADD,
    SB_SQL_FRIEND_REQUEST_ANSWER,
    /* groups */
    SB_SQL_GROUP_STATE,
    SB_SQL_GROUP_RENAME,
    SB_SQL_GROUP_SET_WHOLE_MUTE,
    SB_SQL_GROUP_SET_POLICY,
    SB_SQL_GROUP_DISSOLVE,
    SB_SQL_GROUP_PREVIEW,
    SB_SQL_GROUP_MANAGERS,
    SB_SQL_MEMBER_SET_CARD,
    SB_SQL_MEMBER_SET_TITLE,
    SB_SQL_MEMBER_SET_ROLE,
    SB_SQL_MEMBER_SET_MUTE,
    SB_SQL_MEMBER_ADD,
    SB_SQL_MEMBER_REMOVE,
    SB_SQL_MEMBERS_REMOVE,
    SB_SQL_BLOCK,
    SB_SQL_BLOCK_ADD,
    SB_SQL_BLOCK_REMOVE,
    SB_SQL_NOTICE,
    SB_SQL_NOTICES,
    SB_SQL_NOTICE_LAST,
    SB_SQL_NOTICE_ADD,
    SB_SQL_NOTICE_FOR,
    SB_SQL_NOTICE_FOR_MANAGERS,
    SB_SQL_NOTICE_HAND_OVER,
    SB_SQL_NOTICE_ANSWER,
    SB_SQL_NOTICE_LAPSE,
    SB_SQL_NOTICE_LAPSE_ALL,
    SB_SQL_ANNOUNCEMENT,
    SB_SQL_ANNOUNCEMENTS,
    SB_SQL_ANNOUNCEMENT_ADD,
    SB_SQL_ANNOUNCEMENT_REMOVE,
    SB_SQL_ESSENCE,
    SB_SQL_ESSENCES,
    SB_SQL_ESSENCE_ADD,
    SB_SQL_ESSENCE_REMOVE,
    SB_SQL_REACTION,
    SB_SQL_REACTION_ADD,
    SB_SQL_REACTION_REMOVE,
    /* files */
    SB_SQL_PRIVATE_FILE,
    SB_SQL_PRIVATE_FILE_ADD,
    SB_SQL_GROUP_FILE,
    SB_SQL_GROUP_FILES,
    SB_SQL_GROUP_FILE_ADD,
    SB_SQL_GROUP_FILE_DOWNLOADED,
    SB_SQL_GROUP_FILE_MOVE,
    SB_SQL_GROUP_FILE_RENAME,
    SB_SQL_GROUP_FILE_DELETE,
    SB_SQL_FOLDER,
    SB_SQL_FOLDER_NAMED,
    SB_SQL_FOLDERS,
    SB_SQL_FOLDER_ADD,
    SB_SQL_FOLDER_CHANGED,
    SB_SQL_FOLDER_RENAME,
    SB_SQL_FOLDER_EMPTY,
    SB_SQL_FOLDER_DELETE,
    SB_SQL_CONTROL_PENDING,
    SB_SQL_COUNT
};

const char *sb_sql_text(enum sb_sql sql);

/* The machine's clock, moved by `offset` seconds, or one that shows `stopped_at` for ever. */
struct sb_clock {
    int64_t offset;
    uint64_t stopped_at; /* 0: it runs */
};

/* The random numbers of a world; see world_random.h. */
struct sb_random {
    bool is_seeded;
    uint64_t state; /* of the sequence, where it is */
};

struct sb_db {
    sqlite3 *handle;
    sqlite3_stmt *statements[SB_SQL_COUNT];
    bool in_transaction;
    struct sb_clock clock; /* as in the tables; see world_clock.h */
    struct sb_random random;
    int told;         /* the error that the log was told of last, ... */
    uint64_t told_at; /* ... and when, monotonic ms */
};

/*
 * Opens `path` and begins a transaction in which the tables exist; the caller fills them and
 * commits. `*is_new` tells that they were made just now. Returns 0 or what sb_sandbox_new's comment
 * lists, logged; then `db` is closed.
 */
int sb_db_open(struct sb_db *db, const char *path, bool *is_new);

/* Rolls back what is open. A zeroed or closed `db` is fine. */
void sb_db_close(struct sb_db *db);

/*
 * Opens a database as a file to be moved: it is whole without what SQLite keeps beside it, and
 * until sb_db_close no other process can open it. Returns as sb_db_open.
 */
int sb_db_open_alone(struct sb_db *db, const char *path);

/* The transaction. Begin is nothing when one is open; on failure of commit nothing was changed. */
int sb_db_begin(struct sb_db *db);
int sb_db_commit(struct sb_db *db);
void sb_db_rollback(struct sb_db *db);

/* True when SQLite itself has given up the transaction (disk full, out of memory). */
bool sb_db_lost_transaction(const struct sb_db *db);

/*
 * A statement with its first parameters bound to `count` integers; more may be bound by hand. It
 * must be stepped until sb_db_step returns something else than 1, or reset.
 */
sqlite3_stmt *sb_db_use(struct sb_db *db, enum sb_sql sql, size_t count, const uint64_t *values);
#define SB_DB_USE(db, sql, ...)                                                                    \
    sb_db_use(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),               \
              (const uint64_t[]){ __VA_ARGS__ })

/*
 * Returns 1 when there is a row, 0 at the end, or -ENOSPC, -ENOMEM, -EIO (logged). After anything
 * but 1 the statement is ready for its next use.
 */
int sb_db_step(struct sb_db *db, sqlite3_stmt *statement);

/* Steps to the end, for statements without rows. Returns 0 or as above. */
int sb_db_run(struct sb_db *db, sqlite3_stmt *statement);

/* Runs SQL that is no statement of the list. Each `?` takes the next of `values`. 0, or as above.
 */
int sb_db_exec(struct sb_db *db, const char *sql, size_t count, const uint64_t *values);
#define SB_DB_EXEC(db, sql, ...)                                                                   \
    sb_db_exec(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),              \
               (const uint64_t[]){ __VA_ARGS__ })

/* The number that SQL without parameters asks for. Returns 0, or as above. */
int sb_db_number(struct sb_db *db, const char *sql, uint64_t *number);

/* Columns of the current row; NULL is 0 and "". Texts are borrowed until the next step. */
static inline uint64_t sb_db_uint(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static inline struct mk_slice sb_db_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return mk_slice_of(text ? text : "", (size_t)sqlite3_column_bytes(statement, column));
}

#endif
