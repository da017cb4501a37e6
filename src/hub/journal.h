/*
 * journal: the events of all bots of an endpoint, numbered, on disk, and how far each durable sink
 * has got with them. Bounded by count and age.
 *
 * What is written in a turn of the loop becomes one transaction, which the endpoint commits at the
 * turn's end before anything of that turn is sent. Knows SQLite, and of Milky only that an event
 * has a type, a time and data.
 */
#ifndef MK_HUB_JOURNAL_H
#define MK_HUB_JOURNAL_H

#include "base/slice.h"

#include <stdint.h>

struct mk_journal;

struct mk_journal_config {
    const char *path;    /* of the database file; it is made where it is missing */
    uint64_t max_events; /* kept per bot */
    uint64_t max_age;    /* seconds that an event is kept, by the machine's clock */
    bool flush;          /* events survive the loss of power, and not only of the process */
    bool events_kept;    /* who makes them keeps them until mk_journal_flush has returned 0 */
};

/*
 * Opens it. Returns 0, or a negative errno, logged: -EBUSY when another process has it, -EINVAL
 * when the file is something else, or of a newer version; an older one is brought up to date.
 */
int mk_journal_open(const struct mk_journal_config *config, struct mk_journal **journal);

/* Sets `events_kept`, for what is added from now on. NULL is allowed. */
void mk_journal_set_kept(struct mk_journal *journal, bool events_kept);

/* Commits what is open. NULL is allowed. */
struct mk_journal *mk_journal_close(struct mk_journal *journal);

/*
 * Ends the turn's transaction; nothing where none is open. Returns 0, or a negative errno, logged,
 * when an event of this turn is not stored; that is tried again at the end of later turns, whatever
 * SQLite has done with the transaction.
 */
int mk_journal_commit(struct mk_journal *journal);

/*
 * Waits for the disk, where `flush` wants that: all events of earlier turns survive the loss of
 * power then. Returns 0, -EAGAIN while some could not even be committed, or -EIO, logged.
 */
int mk_journal_flush(struct mk_journal *journal);

/* --- events --- */

struct mk_journal_event {
    uint64_t number;
    uint64_t time; /* seconds since 1970 */
    struct mk_slice type;
    struct mk_slice data; /* JSON, in 1.2 */
};

/*
 * Adds an event. Returns 0 where it is in the turn's transaction or will be tried again at its end;
 * otherwise a negative errno, logged.
 */
int mk_journal_append(struct mk_journal *journal, uint64_t self_id,
                      const struct mk_journal_event *event);

/*
 * The key of an event that was just added (hub/keys.h), as text: they are stored together, or
 * neither is. `ordinal` counts the keys of a bot; those of less than `keep_from` are forgotten, now
 * or soon. Returns as append.
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
 * An event has happened that could not even be added: this turn's commit fails, so that nobody is
 * told that it is stored.
 */
void mk_journal_fail_commit(struct mk_journal *journal);

/*
 * The number of the last event that was ever added for this bot; 0 before the first. Returns 0 or a
 * negative errno, logged.
 */
int mk_journal_last(struct mk_journal *journal, uint64_t self_id, uint64_t *number);

/*
 * The first event from number `from` on; its texts are borrowed until the next call of a function
 * of the journal. Returns 1, 0 when there is none, or a negative errno, logged.
 */
int mk_journal_find(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                    struct mk_journal_event *event);

/* What it holds of a bot. Numbers are given in turn, so it has last - first + 1 events, or none. */
struct mk_journal_measure {
    uint64_t first;        /* the number of the oldest event; 0: there is none */
    uint64_t last;         /* as mk_journal_last */
    uint64_t dead_letters; /* dead letters */
};
void mk_journal_measure(struct mk_journal *journal, uint64_t self_id,
                        struct mk_journal_measure *measure);

/* Bytes of the database, all bots together, but for its write-ahead log. */
uint64_t mk_journal_size(struct mk_journal *journal);

/* The last commit did not fail. */
bool mk_journal_is_healthy(const struct mk_journal *journal);

/* --- durable sinks --- */

/*
 * How far a sink has got: returns 1 and its number, 0 for an unknown sink, or a negative errno,
 * logged.
 */
int mk_journal_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                      uint64_t *number);

/*
 * A sink starts: `*number` becomes how far it has got. One that is new has got as far as it says,
 * and is known from then on: not even the loss of power makes it new again, or it would miss what
 * came since. Returns 0 or a negative errno, logged.
 */
int mk_journal_start_sink(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t *number);

/* Sets it. Returns 0 or a negative errno, logged. */
int mk_journal_set_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t number);

/* --- dead letters: deliveries that were refused for good --- */

struct mk_dead_letter {
    uint64_t id; /* given by add */
    uint64_t self_id;
    uint64_t number; /* of the event */
    uint64_t time;   /* of the refusal, seconds since 1970 */
    unsigned status;
    struct mk_slice sink;
    struct mk_slice response; /* the beginning of its body, valid UTF-8 */
};

int mk_journal_add_dead_letter(struct mk_journal *journal, const struct mk_dead_letter *letter);

/* The first one whose id is at least `id`, borrowed as above. Returns 1, 0, or a negative errno. */
int mk_journal_find_dead_letter(struct mk_journal *journal, uint64_t id,
                                struct mk_dead_letter *letter);

/* Forgets one. Returns 1, 0 when there is none, or a negative errno. */
int mk_journal_remove_dead_letter(struct mk_journal *journal, uint64_t id);

#endif
