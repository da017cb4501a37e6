/*
 * journal_private: what journal.c, which writes and reads, shares with journal_open.c, which makes
 * the tables and brings them up to date.
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
    sqlite3_stmt *borrowed; /* stands on a row whose texts somebody may still read */
    struct mk_buf pending;  /* what the transaction adds: see redo.h */
    struct mk_backoff retry;
    uint64_t retry_at;   /* after a commit that failed: no sooner than this, monotonic ms */
    int64_t clock;       /* how far the wall clock was ahead of the monotonic one, ms */
    uint64_t untrusted;  /* since then the wall clock is not believed, monotonic ms; 0: it is */
    bool in_transaction; /* as far as we know */
    bool broken;         /* SQLite has not all that is pending */
    bool unlogged;       /* the transaction has something that is not pending: no memory for it */
    bool doubtful;       /* a flush failed: the system may have dropped what it could not write */
    bool fresh;          /* something was added since the last attempt to commit of which nobody
                          * may be told before it is stored */
    bool lasting;        /* what was added since then must survive the loss of power */
    bool missed;         /* events were lost since then */
};

/* Logs `what` failed and why, once while commits fail. Returns its negative errno. */
int mk_journal_fail(struct mk_journal *journal, const struct mk_phrase *what);

#endif
