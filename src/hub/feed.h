/*
 * feed: an append-only stream of encoded frames that many sinks read, each at its own pace.
 *
 * The bytes lie in chunks; a frame never crosses from one chunk into the next. A sink is a cursor:
 * a chunk and an offset in it. Each chunk references the next one, each sink references its chunk,
 * the feed references the last one: so memory is kept exactly back to the position of the slowest
 * sink, and nothing is queued, copied or counted per sink. `ready` is called once, and again only
 * after the sink has read to the end, so of several events in a row only the first costs the sinks
 * anything.
 */
#ifndef MK_HUB_FEED_H
#define MK_HUB_FEED_H

#include "base/list.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct mk_feed_chunk;
struct mk_feed;

/* One receiver of a feed. Embedded in a connection; `ready` and `overrun` are set by its owner. */
struct mk_sink {
    struct mk_list node;
    struct mk_feed *feed; /* NULL while not joined */
    struct mk_feed_chunk *chunk;
    size_t offset;
    uint64_t position; /* in bytes since the feed began */
    uint64_t max_lag;
    uint64_t lost;    /* the number of the first event missing in the feed; 0: none */
    uint64_t lost_at; /* the position where it would be */
    void (*ready)(struct mk_sink *sink);   /* frames were appended; the sink was at the end */
    void (*overrun)(struct mk_sink *sink); /* it lags by more than `max_lag` bytes */
};

struct mk_feed {
    struct mk_list at_end;      /* sinks at the end */
    struct mk_list behind;      /* sinks that were notified and are not at the end */
    struct mk_feed_chunk *tail; /* NULL before the first sink */
    uint64_t end;               /* position behind the last byte */
    uint64_t check_at;          /* while the end is below this, no sink can lag too much */
};

void mk_feed_init(struct mk_feed *feed);
/* All sinks must have left it. */
void mk_feed_fini(struct mk_feed *feed);

bool mk_feed_has_sinks(const struct mk_feed *feed);

/*
 * Appends the frame of event `number` and notifies every sink at the end. Keeps nothing if there
 * are no sinks. A notified sink may leave the feed, but must not join before this has returned, and
 * must not make others leave or join. Returns 0, or -ENOMEM, when no sink got the frame.
 */
int mk_feed_append(struct mk_feed *feed, uint64_t number, struct mk_slice frame);

/*
 * Notes that event `number` could not be appended, and notifies every sink. When a sink reaches the
 * position of the event, its owner must get the event from elsewhere.
 */
void mk_feed_mark_lost(struct mk_feed *feed, uint64_t number);

/* Returns whether the sink has reached a lost event, which is sink->lost. */
bool mk_sink_at_lost_event(const struct mk_sink *sink);

/*
 * Joins the sink at the end: it gets the frames that are appended from now on. Returns 0 or
 * -ENOMEM.
 */
int mk_feed_join(struct mk_feed *feed, struct mk_sink *sink);

/* Leaves the feed; does nothing if the sink has not joined. */
void mk_sink_leave(struct mk_sink *sink);

/*
 * Returns the bytes from the sink's position to the end of a chunk or to a lost event: whole
 * frames. Empty at the end, or at a lost event.
 */
struct mk_slice mk_sink_peek(struct mk_sink *sink);

/*
 * Advances by `len` bytes, at most the length that peek returned. Returns false if it has reached
 * the end and no event was lost there.
 */
bool mk_sink_advance(struct mk_sink *sink, size_t len);

/* Returns the number of bytes between the sink and the end. */
uint64_t mk_sink_lag(const struct mk_sink *sink);

/*
 * The same in frames, for metrics: walks the chunks in between. In the sink's own chunk (64 KiB) it
 * assumes frames of equal length.
 */
uint64_t mk_sink_frames_behind(const struct mk_sink *sink);

/*
 * Returns a number up to which the sink has taken all events of the feed; `last` is that of the
 * last event. It is exact at the end; before it, perhaps it has taken more of its chunk (64 KiB).
 */
uint64_t mk_sink_taken(const struct mk_sink *sink, uint64_t last);

#endif
