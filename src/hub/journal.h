/*
 * journal: stores the numbered events of all bots of an endpoint on disk, and the position of each
 * durable sink. Limited by count and age.
 *
 * The writes of a turn of the loop are one transaction, which the endpoint commits at the turn's
 * end before output of that turn is sent. The journal knows SQLite, and of Milky only that an event
 * has a type, a time and data.
 */
#ifndef MK_HUB_JOURNAL_H
#define MK_HUB_JOURNAL_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct mk_journal;

struct mk_journal_config {
    const char *path;    /* of the database file, which is created if it is missing */
    uint64_t max_events; /* kept per bot */
    uint64_t max_age;    /* seconds that an event is kept, by the wall clock */
    bool flush;          /* events survive a power failure, not only a crash of the process */
};

/*
 * Opens it. Returns 0, or a negative errno, logged: -EBUSY when another process has it, -EINVAL
 * when the file is not a journal, or of a newer version; an older one is upgraded.
 */
int mk_journal_open(const struct mk_journal_config *config, struct mk_journal **journal);

/* Commits the open transaction, and closes the journal. NULL is allowed. */
struct mk_journal *mk_journal_close(struct mk_journal *journal);

/*
 * Commits the turn's transaction, if one is open. Returns 0, or a negative errno, logged, when an
 * event of this turn is not stored; the commit is then retried at the end of later turns, even if
 * SQLite has rolled back the transaction. A transaction that has only kept events stays open for
 * those of later turns, until it has 64 KiB or mk_journal_settle was called: one write for many.
 */
int mk_journal_commit(struct mk_journal *journal);

/* mk_journal_commit has left kept events in an open transaction. */
bool mk_journal_waits(const struct mk_journal *journal);

/* The next commit leaves nothing open, and with `flush` waits for the disk. NULL is allowed. */
void mk_journal_settle(struct mk_journal *journal, bool flush);

/*
 * Commits the transaction and flushes to the disk, if `flush` is set: then all events that were
 * added so far survive a power failure. Returns 0, -EAGAIN while some are not committed, or -EIO,
 * logged.
 */
int mk_journal_flush(struct mk_journal *journal);

/* --- events --- */

struct mk_journal_event {
    uint64_t number;
    uint64_t time; /* seconds since 1970 */
    struct mk_slice type;
    struct mk_slice data; /* JSON, in 1.x */
    bool is_kept;         /* its backend has it too, until mk_journal_flush returns 0 */
};

/*
 * Adds an event. Returns 0 if it is in the turn's transaction or will be written at its end;
 * otherwise a negative errno, logged.
 */
int mk_journal_append(struct mk_journal *journal, uint64_t self_id,
                      const struct mk_journal_event *event);

/*
 * Adds the key (hub/keys.h), as text, of an event that was just added: both are stored, or neither.
 * `ordinal` counts the keys of a bot; keys with ordinals below `keep_from` are deleted, now or
 * soon. Returns as append.
 */
int mk_journal_add_key(struct mk_journal *journal, uint64_t self_id, uint64_t ordinal,
                       uint64_t number, struct mk_slice key, uint64_t keep_from);

/* Visits all keys of a bot in their order. Returns 0 or a negative errno, logged. */
struct mk_journal_key {
    uint64_t ordinal;
    uint64_t number;
    struct mk_slice key;
};
int mk_journal_each_key(struct mk_journal *journal, uint64_t self_id,
                        int (*visit)(void *arg, const struct mk_journal_key *key), void *arg);

/*
 * Makes this turn's commit fail, because an event could not be added: so no output reports it as
 * stored.
 */
void mk_journal_fail_commit(struct mk_journal *journal);

/*
 * Sets `*number` to that of the last event that was ever added for this bot; 0 before the first.
 * Returns 0 or a negative errno, logged.
 */
int mk_journal_last(struct mk_journal *journal, uint64_t self_id, uint64_t *number);

/*
 * What is known of a bot's numbers. A start compares what the journal has with all that refers to a
 * number: cursors, dead letters, keys, and the file of last numbers (hub/marks.h).
 */
struct mk_journal_start {
    uint64_t last;    /* no event has had a higher number */
    uint64_t expired; /* the events up to this number were deleted as too old or too many */
};

/*
 * To be called once before the first event of a bot. Where the journal lacks events at its end,
 * this is logged. Returns 0 or a negative errno, logged.
 */
int mk_journal_start_bot(struct mk_journal *journal, uint64_t self_id,
                         struct mk_journal_start *start);

/*
 * The highest number that the bot may have had, where a loss of power may have taken the last ones;
 * 0 where those are known. Only then do numbers go on behind it, if something is damaged too.
 */
uint64_t mk_journal_bound(const struct mk_journal *journal, uint64_t self_id);

/* No lower number is given from now on, whatever happens. Returns 0 or -ENOMEM, logged. */
int mk_journal_skip(struct mk_journal *journal, uint64_t self_id, uint64_t number);

/* Returns 1 if the journal has this event undamaged, 0, or a negative errno, logged. */
int mk_journal_has(struct mk_journal *journal, uint64_t self_id, uint64_t number);

/*
 * Finds the first undamaged event from number `from` on; its texts are borrowed until the next call
 * of a function of the journal. Returns 1, 0 when there is none, or a negative errno, logged.
 */
int mk_journal_find(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                    struct mk_journal_event *event);

/*
 * The contents of the journal of one bot. Numbers are consecutive: it has last - first + 1 events,
 * or none.
 */
struct mk_journal_measure {
    uint64_t first; /* the number of the oldest event; 0: there is none */
    uint64_t last;  /* as mk_journal_last */
    uint64_t dead_letters;
};
void mk_journal_measure(struct mk_journal *journal, uint64_t self_id,
                        struct mk_journal_measure *measure);

/* The size of the database in bytes, of all bots together, without its write-ahead log. */
uint64_t mk_journal_size(struct mk_journal *journal);

/* Returns whether the last commit succeeded. */
bool mk_journal_is_healthy(const struct mk_journal *journal);

/* --- durable sinks --- */

/*
 * Finds the position of a sink, the number of its last event. Returns 1, 0 for an unknown sink, or
 * a negative errno, logged.
 */
int mk_journal_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                      uint64_t *number);

/*
 * Starts a sink: sets `*number` to its position. A new sink begins at the given `*number`, which is
 * stored so that it survives a power failure: otherwise the sink would be new again, and miss
 * events. Returns 0 or a negative errno, logged.
 */
int mk_journal_start_sink(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t *number);

/* Sets the position. Returns 0 or a negative errno, logged. */
int mk_journal_set_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t number);

/*
 * Deletes the cursors that no sink has used for the maximum age, and dead letters that are older
 * than it: to be called at the start, after each change of sinks, and from time to time. A sink
 * that is back before continues at its cursor. Returns 0 or a negative errno, logged.
 */
int mk_journal_expire_sinks(struct mk_journal *journal,
                            bool (*is_used)(void *arg, uint64_t self_id, struct mk_slice sink),
                            void *arg);

/* --- dead letters: events that a receiver has refused, or that were given up --- */

enum { MK_JOURNAL_DEAD_LETTERS = 10000 }; /* of a bot; beyond that the oldest are deleted */

struct mk_dead_letter {
    uint64_t id; /* assigned when it is added */
    uint64_t self_id;
    uint64_t number; /* of the event */
    uint64_t time;   /* of the refusal, seconds since 1970 */
    unsigned status; /* of the answer; 0: there was none */
    struct mk_slice sink;
    struct mk_slice response; /* the beginning of its body, or why there was none; valid UTF-8 */
};

int mk_journal_add_dead_letter(struct mk_journal *journal, const struct mk_dead_letter *letter);

/*
 * Finds the first one whose id is at least `id`, borrowed as above. Returns 1, 0, or a negative
 * errno.
 */
int mk_journal_find_dead_letter(struct mk_journal *journal, uint64_t id,
                                struct mk_dead_letter *letter);

/* Deletes one. Returns 1, 0 when there is none, or a negative errno. */
int mk_journal_remove_dead_letter(struct mk_journal *journal, uint64_t id);

#endif
