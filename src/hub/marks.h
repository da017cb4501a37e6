/*
 * marks: the last number that was given to an event of each bot, in a small file beside the
 * journal. SQLite's log ends where its first damaged byte is: then the journal alone would not know
 * that there were events behind it, and would give their numbers again.
 *
 * One line of fixed length per bot, with a checksum: it is rewritten in place, so that this needs
 * no room on the disk. It is not flushed: after a power failure the journal and the world, which
 * are, know at least as much.
 */
#ifndef MK_HUB_MARKS_H
#define MK_HUB_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_mark {
    uint64_t self_id;
    uint64_t number;
    size_t line;
    bool changed; /* and not written yet */
};

/* Zeroed, but for `file`, which is -1, it is closed. */
struct mk_marks {
    int file;
    struct mk_mark *marks; /* ordered by bot */
    size_t count, room;
    size_t lines; /* of the file; one that is damaged belongs to no bot */
    bool changed;
    bool failing; /* it could not be written, which was logged */
};

/*
 * Opens or creates the file `path`. A line that is damaged is left out, logged. Returns 0 or a
 * negative errno, logged; mk_marks_close may be called in any case.
 */
int mk_marks_open(struct mk_marks *marks, const char *path);
void mk_marks_close(struct mk_marks *marks);

/* The last number of a bot, 0 if none is known. */
uint64_t mk_marks_get(const struct mk_marks *marks, uint64_t self_id);

/* Raises the last number of a bot, in memory. Returns 0 or -ENOMEM. */
int mk_marks_raise(struct mk_marks *marks, uint64_t self_id, uint64_t number);

/* Writes what has changed. Failures are logged, once. */
void mk_marks_write(struct mk_marks *marks);

#endif
