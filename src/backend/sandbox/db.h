/*
 * db: the database of a world: opening it, its transaction, and its statements, each prepared once.
 * It knows SQLite and the tables, and nothing of calls.
 *
 * How durable: write-ahead log with synchronous=FULL. A commit that has returned survives the loss
 * of power; with one commit per turn of the loop that costs a flush per turn, not per call.
 */
#ifndef MK_SANDBOX_DB_H
#define MK_SANDBOX_DB_H

#include "base/slice.h"

#include <sqlite3.h>
#include <stdint.h>

/* The statements; their text, parameters and columns are in statements.c. */
enum mk_sql {
    MK_SQL_PERSON,
    MK_SQL_PROFILE,
    MK_SQL_FRIEND,
    MK_SQL_FRIENDS,
    MK_SQL_GROUP,
    MK_SQL_GROUPS,
    MK_SQL_MEMBER,
    MK_SQL_MEMBERS,
    MK_SQL_GROUP_BOTS,
    MK_SQL_CONVERSATION,
    MK_SQL_CONVERSATION_ADD,
    MK_SQL_CONVERSATION_SENT,
    MK_SQL_MEMBER_SENT,
    MK_SQL_MESSAGE,
    MK_SQL_MESSAGE_ADD,
    MK_SQL_MESSAGE_RECALL,
    MK_SQL_HISTORY,
    MK_SQL_FORWARD,
    MK_SQL_FORWARD_ADD,
    MK_SQL_ALL_PEOPLE,
    MK_SQL_ALL_GROUPS,
    MK_SQL_MEDIA,
    MK_SQL_MEDIA_ADD,
    MK_SQL_SECRET_SET,
    MK_SQL_PERSON_AVATAR,
    MK_SQL_PERSON_SET_AVATAR,
    MK_SQL_GROUP_AVATAR,
    MK_SQL_GROUP_SET_AVATAR,
    MK_SQL_FACES,
    MK_SQL_FACE_USE,
    MK_SQL_CLOCK,
    MK_SQL_CLOCK_SET,
    MK_SQL_SAID,
    MK_SQL_ROLLBACK,
    MK_SQL_UNSENT,
    MK_SQL_UNSENT_ADD,
    MK_SQL_UNSENT_FORGET,
    /* social */
    MK_SQL_SET_NICKNAME,
    MK_SQL_SET_BIO,
    MK_SQL_SECRET,
    MK_SQL_LIKES,
    MK_SQL_LIKE,
    MK_SQL_PIN,
    MK_SQL_PIN_ADD,
    MK_SQL_PIN_REMOVE,
    MK_SQL_PINNED_FRIENDS,
    MK_SQL_PINNED_GROUPS,
    MK_SQL_MARK_READ,
    MK_SQL_TEMP_SESSION,
    MK_SQL_TEMP_SESSION_SET,
    MK_SQL_UNFRIEND,
    MK_SQL_BEFRIEND_CATEGORY,
    MK_SQL_BEFRIEND,
    MK_SQL_FRIEND_REQUEST,
    MK_SQL_FRIEND_REQUESTS,
    MK_SQL_FRIEND_REQUEST_REMOVE,
    MK_SQL_FRIEND_REQUEST_ADD,
    MK_SQL_FRIEND_REQUEST_ANSWER,
    /* groups */
    MK_SQL_GROUP_STATE,
    MK_SQL_GROUP_RENAME,
    MK_SQL_GROUP_SET_WHOLE_MUTE,
    MK_SQL_GROUP_SET_POLICY,
    MK_SQL_GROUP_DISSOLVE,
    MK_SQL_GROUP_PREVIEW,
    MK_SQL_GROUP_MANAGERS,
    MK_SQL_MEMBER_SET_CARD,
    MK_SQL_MEMBER_SET_TITLE,
    MK_SQL_MEMBER_SET_ROLE,
    MK_SQL_MEMBER_SET_MUTE,
    MK_SQL_MEMBER_ADD,
    MK_SQL_MEMBER_REMOVE,
    MK_SQL_MEMBERS_REMOVE,
    MK_SQL_BLOCK,
    MK_SQL_BLOCK_ADD,
    MK_SQL_BLOCK_REMOVE,
    MK_SQL_NOTICE,
    MK_SQL_NOTICES,
    MK_SQL_NOTICE_LAST,
    MK_SQL_NOTICE_ADD,
    MK_SQL_NOTICE_FOR,
    MK_SQL_NOTICE_FOR_MANAGERS,
    MK_SQL_NOTICE_HAND_OVER,
    MK_SQL_NOTICE_ANSWER,
    MK_SQL_NOTICE_LAPSE,
    MK_SQL_NOTICE_LAPSE_ALL,
    MK_SQL_ANNOUNCEMENT,
    MK_SQL_ANNOUNCEMENTS,
    MK_SQL_ANNOUNCEMENT_ADD,
    MK_SQL_ANNOUNCEMENT_REMOVE,
    MK_SQL_ESSENCE,
    MK_SQL_ESSENCES,
    MK_SQL_ESSENCE_ADD,
    MK_SQL_ESSENCE_REMOVE,
    MK_SQL_REACTION,
    MK_SQL_REACTION_ADD,
    MK_SQL_REACTION_REMOVE,
    /* files */
    MK_SQL_PRIVATE_FILE,
    MK_SQL_PRIVATE_FILE_ADD,
    MK_SQL_GROUP_FILE,
    MK_SQL_GROUP_FILES,
    MK_SQL_GROUP_FILE_ADD,
    MK_SQL_GROUP_FILE_DOWNLOADED,
    MK_SQL_GROUP_FILE_MOVE,
    MK_SQL_GROUP_FILE_RENAME,
    MK_SQL_GROUP_FILE_DELETE,
    MK_SQL_FOLDER,
    MK_SQL_FOLDER_NAMED,
    MK_SQL_FOLDERS,
    MK_SQL_FOLDER_ADD,
    MK_SQL_FOLDER_CHANGED,
    MK_SQL_FOLDER_RENAME,
    MK_SQL_FOLDER_EMPTY,
    MK_SQL_FOLDER_DELETE,
    MK_SQL_CONTROL_PENDING,
    MK_SQL_COUNT
};

const char *mk_sql_text(enum mk_sql sql);

/* The machine's clock, moved by `offset` seconds, or one that shows `stopped_at` for ever. */
struct mk_world_clock {
    int64_t offset;
    uint64_t stopped_at; /* 0: it runs */
};

/* The random numbers of a world; see world_random.h. */
struct mk_world_random {
    bool is_seeded;
    uint64_t state; /* of the sequence, where it is */
};

struct mk_db {
    sqlite3 *handle;
    sqlite3_stmt *statements[MK_SQL_COUNT];
    bool in_transaction;
    struct mk_world_clock clock; /* as in the tables; see world_clock.h */
    struct mk_world_random random;
    int told;         /* the error that the log was told of last, ... */
    uint64_t told_at; /* ... and when, monotonic ms */
};

/*
 * Opens `path` and begins a transaction in which the tables exist; the caller fills them and
 * commits. `*is_new` tells that they were made just now. Returns 0 or what mk_sandbox_new's comment
 * lists, logged; then `db` is closed.
 */
int mk_db_open(struct mk_db *db, const char *path, bool *is_new);

/* Rolls back what is open. A zeroed or closed `db` is fine. */
void mk_db_close(struct mk_db *db);

/*
 * Opens a database as a file to be moved: it is whole without what SQLite keeps beside it, and
 * until mk_db_close no other process can open it. Returns as mk_db_open.
 */
int mk_db_open_alone(struct mk_db *db, const char *path);

/* The transaction. Begin is nothing when one is open; on failure of commit nothing was changed. */
int mk_db_begin(struct mk_db *db);
int mk_db_commit(struct mk_db *db);
void mk_db_rollback(struct mk_db *db);

/* True when SQLite itself has given up the transaction (disk full, out of memory). */
bool mk_db_lost_transaction(const struct mk_db *db);

/*
 * A statement with its first parameters bound to `count` integers; more may be bound by hand. It
 * must be stepped until mk_db_step returns something else than 1, or reset.
 */
sqlite3_stmt *mk_db_use(struct mk_db *db, enum mk_sql sql, size_t count, const uint64_t *values);
#define MK_DB_USE(db, sql, ...)                                                                    \
    mk_db_use(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),               \
              (const uint64_t[]){ __VA_ARGS__ })

/*
 * Returns 1 when there is a row, 0 at the end, or -ENOSPC, -ENOMEM, -EIO (logged). After anything
 * but 1 the statement is ready for its next use.
 */
int mk_db_step(struct mk_db *db, sqlite3_stmt *statement);

/* Steps to the end, for statements without rows. Returns 0 or as above. */
int mk_db_run(struct mk_db *db, sqlite3_stmt *statement);

/* Runs SQL that is no statement of the list. Each `?` takes the next of `values`. 0, or as above.
 */
int mk_db_exec(struct mk_db *db, const char *sql, size_t count, const uint64_t *values);
#define MK_DB_EXEC(db, sql, ...)                                                                   \
    mk_db_exec(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),              \
               (const uint64_t[]){ __VA_ARGS__ })

/* The number that SQL without parameters asks for. Returns 0, or as above. */
int mk_db_number(struct mk_db *db, const char *sql, uint64_t *number);

/* Columns of the current row; NULL is 0 and "". Texts are borrowed until the next step. */
static inline uint64_t mk_db_uint(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static inline struct mk_slice mk_db_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return mk_slice_of(text ? text : "", (size_t)sqlite3_column_bytes(statement, column));
}

#endif
