/*
 * redo: the records of a transaction of the journal, kept in memory until it is committed. SQLite
 * rolls back a transaction on a disk error or when out of memory; then the journal writes it again
 * from here. Does not use SQLite.
 */
#ifndef MK_HUB_REDO_H
#define MK_HUB_REDO_H

#include "base/buf.h"

#include <stdbool.h>

enum mk_redo_kind {
    MK_REDO_EVENT,
    MK_REDO_KEY,
    MK_REDO_CURSOR,
    MK_REDO_ADD_DEAD_LETTER,
    MK_REDO_REMOVE_DEAD_LETTER,
};

/* The values of one statement, as the journal binds them; unused ones are 0 or empty. */
struct mk_redo {
    enum mk_redo_kind kind;
    uint64_t numbers[5];
    struct mk_slice texts[2];
};

/* Appends a copy. Returns 0, or the error of the buf, which is then unchanged. */
int mk_redo_add(struct mk_buf *log, const struct mk_redo *record);

/* Takes the next record off `rest`, initially the log's slice; its texts borrow from the log. */
bool mk_redo_next(struct mk_slice *rest, struct mk_redo *record);

#endif
