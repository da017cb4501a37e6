/*
 * marks: the last number that was given to an event of each bot, in a small file beside the
 * journal. SQLite's log ends where its first damaged byte is: then the journal alone would not know
 * that there were events behind it, and would give their numbers again.
 *
 * One line of fixed length per bot, with a checksum: it is rewritten in place, so that this needs
 * no room on the disk. It is not flushed with each number: after a power failure the journal and
 * the world, which are, know at least as much, unless they are damaged too. For that there is a
 * bound per bot, in a line of its own: no higher number has left. It is flushed before it is
 * passed, once in MK_MARKS_AHEAD numbers, and lowered to the last number when the file is closed.
 *
 * The file is exact while the system runs; of another boot it may be stale. So a line has the boot
 * that has written the file, and says 0 while it is flushed.
 */
#ifndef MK_HUB_MARKS_H
#define MK_HUB_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MK_MARKS_AHEAD = 1024 };

struct mk_mark {
    uint64_t self_id;
    uint64_t number;
    uint64_t bound;
    size_t line, bound_line; /* MK_MARKS_NO_LINE: none yet */
    bool changed;            /* and not written yet */
    bool raised;             /* so is the bound */
    bool known;              /* raised since the file was opened: not a stale number */
};
#define MK_MARKS_NO_LINE SIZE_MAX

/* Zeroed, but for `file`, which is -1, it is closed: numbers are kept in memory alone. */
struct mk_marks {
    int file;
    struct mk_mark *marks; /* ordered by bot */
    size_t count, room;
    size_t lines;                /* of the file; one that is damaged belongs to no bot */
    uint64_t boot, written_boot; /* 0: unknown */
    size_t boot_line;
    bool flush;
    bool exact; /* as it was opened: it has the last number of each bot */
    bool changed;
    bool raised;
    bool failing; /* it could not be written, which was logged */
};

/*
 * Opens or creates the file `path`; without `flush` it survives no power failure. A line that is
 * damaged is left out, logged. Returns 0 or a negative errno, logged; mk_marks_close may be called
 * in any case.
 */
int mk_marks_open(struct mk_marks *marks, const char *path, bool flush);
void mk_marks_close(struct mk_marks *marks);

/* The last number of a bot, 0 if none is known. */
uint64_t mk_marks_get(const struct mk_marks *marks, uint64_t self_id);

/* The bound of a bot: it has had no higher number; 0 if none is known. */
uint64_t mk_marks_bound(const struct mk_marks *marks, uint64_t self_id);

/* Raises the last number of a bot, in memory. Returns 0 or -ENOMEM. */
int mk_marks_raise(struct mk_marks *marks, uint64_t self_id, uint64_t number);

/* Writes what has changed. Failures are logged, once. */
void mk_marks_write(struct mk_marks *marks);

#endif
