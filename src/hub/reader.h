/*
 * reader: a position in the events of a hub, wherever they are: in the journal while it is behind,
 * in the feed once it has caught up. It provides one stream of frames. From the journal it gets
 * piece by piece, when it is its turn (hub/replays).
 */
#ifndef MK_HUB_READER_H
#define MK_HUB_READER_H

#include "hub/replays.h"

struct mk_reader {
    struct mk_sink sink; /* in the feed; not joined while it reads the journal */
    bool live;           /* it reads the feed, not the journal */
    bool replaying;      /* the journal may have more for it */
    struct mk_hub *hub;
    struct mk_event_format format;
    struct mk_replay turn;  /* asks for the next piece of the journal */
    struct mk_piece *piece; /* NULL: none */
    size_t taken;           /* bytes of it that were taken, or belong to earlier events */
    uint64_t before;        /* the number of the last event before it */
    uint64_t next;          /* the number to read from the journal next */
    struct mk_list stuck;   /* in hub->stuck, after a failure */
};

#define MK_READER_LIVE UINT64_MAX /* as `since`: only events that are emitted from now on */

/*
 * Starts behind event number `since`; a number that was not given yet gets a gap. `ready` is called
 * when there is something new to peek at; `overrun` when it is more than `max_lag` bytes behind in
 * the feed. Both belong to reader->sink and are set there before this. Returns 0 or -ENOMEM.
 */
int mk_reader_start(struct mk_reader *reader, struct mk_hub *hub,
                    const struct mk_event_format *format, uint64_t since, uint64_t max_lag);

/* Stops; does nothing if it has not started or has stopped. */
void mk_reader_stop(struct mk_reader *reader);

/*
 * Returns the next whole frames; empty when there are none, or when it has to wait for its turn:
 * then `ready` is called later.
 */
struct mk_slice mk_reader_peek(struct mk_reader *reader);

/*
 * Advances by `len` bytes, at most the length that peek returned. Returns false if there is nothing
 * more yet.
 */
bool mk_reader_advance(struct mk_reader *reader, size_t len);

/*
 * Returns a number up to which all events have been taken; perhaps also some of the next 16 KiB: it
 * is exact when nothing waits. Returns 0 if unknown.
 */
uint64_t mk_reader_taken(const struct mk_reader *reader);

/* Leaves the feed and continues in the journal, behind event number `since`. */
void mk_reader_rewind(struct mk_reader *reader, uint64_t since);

/* How far it is behind: events (see mk_sink_frames_behind), and bytes that are already encoded. */
struct mk_lag {
    uint64_t events;
    uint64_t bytes;
};
struct mk_lag mk_reader_lag(const struct mk_reader *reader);

/* Returns whether it has been started and not stopped. */
bool mk_reader_started(const struct mk_reader *reader);

#endif
