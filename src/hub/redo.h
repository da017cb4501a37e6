/*
 * redo: what a transaction of the journal has added, kept in memory until it is committed. SQLite
 * gives a transaction up when the disk fails or memory runs out in the middle of it; then it is
 * written once more from here. Knows no SQLite.
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

/* The values of one statement, as the journal binds them; what it has not is 0 or empty. */
struct mk_redo {
    enum mk_redo_kind kind;
    uint64_t numbers[4];
    struct mk_slice texts[2];
};

/* Adds a copy. Returns 0, or the error of the buf: then it is as before. */
int mk_redo_add(struct mk_buf *log, const struct mk_redo *record);

/* Takes the next record off `rest`, which began as the log's slice; its texts are borrowed of it.
 */
bool mk_redo_next(struct mk_slice *rest, struct mk_redo *record);

#endif
