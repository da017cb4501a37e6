/*
 * sqlite_log: what SQLite drops of a write-ahead log when it opens a database. It reads the log up
 * to the first frame whose checksum is wrong, and ignores the rest without an error: one flipped
 * bit takes back all transactions behind it.
 */
#ifndef MK_BASE_SQLITE_LOG_H
#define MK_BASE_SQLITE_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct mk_sqlite_log {
    uint64_t kept; /* transactions that SQLite reads */
    uint64_t lost; /* those behind, or with, the first damaged frame */
    bool headless; /* the head of the log is damaged: all are lost, and none can be counted */
};

/*
 * Reads the log of the database file `path`, before that is opened. A log that is missing or cannot
 * be read has nothing.
 *
 * A loss that is of one transaction alone may also be one that a crash has interrupted: its frames
 * are written in their order, each in two parts.
 */
void mk_sqlite_log_check(const char *path, struct mk_sqlite_log *log);

static inline bool mk_sqlite_log_is_damaged(const struct mk_sqlite_log *log)
{
    return log->lost > 0 || log->headless;
}

#endif
