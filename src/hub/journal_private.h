/*
 * journal_private: internals shared by journal.c, which writes and reads, and journal_open.c, which
 * creates and upgrades the tables.
 */
#ifndef MK_HUB_JOURNAL_PRIVATE_H
#define MK_HUB_JOURNAL_PRIVATE_H

#include "base/backoff.h"
#include "base/buf.h"
#include "base/language.h"
#include "hub/journal.h"

#include <sqlite3.h>
#include <stdbool.h>

enum mk_journal_statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    APPEND,
    SET_LAST,
    GET_LAST,
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
    STATEMENTS
};

struct mk_journal {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct mk_journal_config config;
    sqlite3_stmt *borrowed; /* at a row whose texts the caller may still read */
    struct mk_buf pending;  /* the transaction's records: see redo.h */
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

#endif
