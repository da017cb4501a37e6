/*
 * journal_private: internals shared by the files of the journal:
 *
 *   journal               statements, and the transaction of a turn
 *   journal_open          creates and upgrades the tables
 *   journal_events        events, their numbers and checksums
 *   journal_expiry        which events are deleted, and when
 *   journal_keys, journal_cursors, journal_dead_letters   a table each
 */
#ifndef MK_HUB_JOURNAL_PRIVATE_H
#define MK_HUB_JOURNAL_PRIVATE_H

#include "base/backoff.h"
#include "base/buf.h"
#include "base/language.h"
#include "hub/journal.h"
#include "hub/marks.h"
#include "hub/redo.h"

#include <sqlite3.h>
#include <stdbool.h>

enum mk_journal_statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    APPEND,
    SET_LAST,
    GET_LAST,
    GET_HIGHEST,
    FIND,
    GET_FIRST,
    GET_SIZE,
    COUNT_DEAD_LETTERS,
    PRUNE,
    FIRST_YOUNG,
    ADD_KEY,
    PRUNE_KEYS,
    GET_KEYS,
    GET_CURSOR,
    SET_CURSOR,
    ADD_DEAD_LETTER,
    FIND_DEAD_LETTER,
    REMOVE_DEAD_LETTER,
    LIMIT_DEAD_LETTERS,
    EXPIRE_DEAD_LETTERS,
    NEXT_CURSOR,
    SET_UNUSED,
    SET_USED,
    REMOVE_CURSOR,
    STATEMENTS
};

struct mk_journal {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct mk_journal_config config;
    sqlite3_stmt *borrowed; /* at a row whose texts the caller may still read */
    struct mk_buf pending;  /* the transaction's records: see redo.h */
    struct mk_marks marks;
    bool is_damaged; /* or new: it may lack events that it had on disk */
    struct mk_backoff retry;
    uint64_t retry_at;        /* after a failed commit: not before this, monotonic ms */
    int64_t clock;            /* how far the wall clock was ahead of the monotonic one, ms */
    uint64_t clock_jumped_at; /* monotonic ms; 0: the wall clock is trusted */
    bool in_transaction;      /* as far as is known */
    bool broken;              /* SQLite does not have all pending records */
    bool unlogged;            /* a record of the transaction is not pending, for lack of memory */
    bool flush_failed;        /* a flush failed: the system may have dropped pages */
    bool fresh;               /* records were added that must be stored before any output */
    bool due;                 /* the transaction has more than kept events: no waiting */
    bool needs_flush;         /* records were added that must survive a power failure */
    bool missed;              /* events were lost in this turn */
};

/* Logs `what` failed and why, once while commits fail. Returns its negative errno. */
int mk_journal_fail(struct mk_journal *journal, const struct mk_phrase *what);

/* A statement with its first parameters bound. It ends the loan of the row before it. */
sqlite3_stmt *mk_journal_use(struct mk_journal *journal, enum mk_journal_statement which,
                             size_t count, const uint64_t *values);
#define MK_JOURNAL_USE(journal, which, ...)                                                        \
    mk_journal_use(journal, which, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),   \
                   (const uint64_t[]){ __VA_ARGS__ })
void mk_journal_bind_text(sqlite3_stmt *statement, int index, struct mk_slice text);

/* Steps a statement without rows to its end. Returns 0 or a negative errno, logged. */
int mk_journal_run(struct mk_journal *journal, sqlite3_stmt *statement,
                   const struct mk_phrase *what);

/*
 * Steps to a row, which stays readable until the next use. Returns 1, 0 or a negative errno,
 * logged.
 */
int mk_journal_first_row(struct mk_journal *journal, sqlite3_stmt *statement,
                         const struct mk_phrase *what);
uint64_t mk_journal_column_uint(sqlite3_stmt *row, int column);
struct mk_slice mk_journal_column_text(sqlite3_stmt *row, int column);

/* Called after any failure: SQLite may have rolled back the whole transaction. */
void mk_journal_note_rollback(struct mk_journal *journal);

/* Called before reading, so that all added records are visible. */
int mk_journal_redo_pending(struct mk_journal *journal);

/*
 * Adds a record to the turn's transaction. If SQLite fails, the record is written again when the
 * turn ends; this function fails only if there is no memory for that either. Records other than
 * events and their keys are committed with the turn.
 */
int mk_journal_add_record(struct mk_journal *journal, const struct mk_redo *record);

/* Deletes events beyond the limits. A failure costs disk space, but no events. */
void mk_journal_prune(struct mk_journal *journal, uint64_t self_id, uint64_t last);

#endif
