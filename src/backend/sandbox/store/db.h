/*
 * db: the database of a world: opening it, its transaction, and its statements, each prepared once.
 * It knows SQLite and the tables, and nothing of calls.
 *
 * How durable: write-ahead log with synchronous=FULL. A commit that has returned survives the loss
 * of power; with one commit per turn of the loop that costs a flush per turn, not per call.
 */
#ifndef SB_STORE_DB_H
#define SB_STORE_DB_H

#include "backend/sandbox/store/feature.h"
#include "base/language.h"
#include "base/slice.h"
#include "base/sqlite_log.h"

#include <sqlite3.h>
#include <stdint.h>

enum { SB_DB_APPLICATION = 0x4d4c4b59 }; /* PRAGMA application_id of a world: "MLKY" */

/*
 * A statement: a constant beside the code that runs it. The database finds it by its address: it is
 * prepared with its first use and kept until the database is closed.
 */
struct sb_query {
    const char *sql;
};

struct sb_statement; /* a query that has been prepared */

/* The machine's clock, moved by `offset` seconds, or stopped at `stopped_at`. */
struct sb_clock {
    int64_t offset;
    uint64_t stopped_at; /* 0: it is not stopped */
};

/* The random numbers of a world; see random.h. */
struct sb_random {
    bool is_seeded;
    uint64_t state; /* of the sequence, where it is */
};

struct sb_db {
    sqlite3 *handle;
    struct sb_statement *statements; /* a hash table, by the address of the query */
    size_t statement_count, statement_room;
    sqlite3_stmt *begin, *commit, *rollback; /* prepared at the start: they need no memory then */
    bool in_transaction;
    struct sb_clock clock; /* as in the tables; see clock.h */
    struct sb_random random;
    struct mk_sqlite_log log; /* what the start has found of it */
    int logged;               /* the error that was logged last, ... */
    uint64_t logged_at;       /* ... and when, monotonic ms */
};

/*
 * Opens `path` and begins a transaction in which the tables of all features exist; the caller fills
 * them and commits. `*is_new`: they were made just now. Returns 0, or the errors that sandbox.h
 * lists, logged; then `db` is closed.
 */
int sb_db_open(struct sb_db *db, const struct sb_feature *const *features, const char *path,
               bool *is_new);

/* Rolls back an open transaction. A zeroed or closed `db` is fine. */
void sb_db_close(struct sb_db *db);

/*
 * Opens a database as a file to be moved: it is complete without the files that SQLite keeps beside
 * it, and until sb_db_close no other process can open it. Returns as sb_db_open.
 */
int sb_db_open_alone(struct sb_db *db, const struct sb_feature *const *features, const char *path);

/* The transaction. Begin does nothing when one is open; a commit that fails has changed nothing. */
int sb_db_begin(struct sb_db *db);
int sb_db_commit(struct sb_db *db);
void sb_db_rollback(struct sb_db *db);

/* True when SQLite has rolled back the transaction by itself (disk full, out of memory). */
bool sb_db_lost_transaction(const struct sb_db *db);

/*
 * A statement with its first parameters bound to `count` integers; more may be bound by hand. It
 * must be stepped until sb_db_step returns anything but 1, or reset. Returns NULL, logged, when it
 * cannot be prepared: then binding does nothing, and sb_db_step returns the error.
 */
sqlite3_stmt *sb_db_use(struct sb_db *db, const struct sb_query *query, size_t count,
                        const uint64_t *values);
#define SB_DB_USE(db, sql, ...)                                                                    \
    sb_db_use(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),               \
              (const uint64_t[]){ __VA_ARGS__ })

/*
 * Logs that SQLite has failed, the same error once in a while. `what` failed: a clause. Returns the
 * error in as much detail as callers can act on: -ENOSPC, -ENOMEM or -EIO.
 */
int sb_db_fail(struct sb_db *db, const struct mk_phrase *what);

/*
 * Returns 1 when there is a row, 0 at the end, or -ENOSPC, -ENOMEM, -EIO (logged). After anything
 * but 1 the statement is ready for its next use.
 */
int sb_db_step(struct sb_db *db, sqlite3_stmt *statement);

/* Clears the parameters, so that the memory that they borrow may be freed. NULL is allowed. */
void sb_db_unbind(sqlite3_stmt *statement);

/* Steps to the end, for statements without rows. Returns 0 or as above. */
int sb_db_run(struct sb_db *db, sqlite3_stmt *statement);

/* Runs SQL once. Each `?` takes the next of `values`. Returns 0, or as above. */
int sb_db_exec(struct sb_db *db, const char *sql, size_t count, const uint64_t *values);
#define SB_DB_EXEC(db, sql, ...)                                                                   \
    sb_db_exec(db, sql, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),              \
               (const uint64_t[]){ __VA_ARGS__ })

/* Reads the number that SQL without parameters returns. Returns 0, or as above. */
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
