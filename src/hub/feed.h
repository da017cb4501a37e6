/*
 * feed: an append-only stream of encoded frames that many sinks read, each at its own pace.
 *
 * The bytes lie in chunks; a frame never crosses from one chunk into the next. A sink is a cursor:
 * a chunk and an offset in it. Each chunk holds the next one, each sink holds the chunk it stands
 * in, the feed holds the last one: so memory is kept exactly as far back as the slowest sink
 * stands, and nothing is queued, copied or counted per sink. A sink is told once that there is
 * something, and again only after it has read to the end, so events that come together cost the
 * sinks nothing but the first.
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
    struct mk_feed *feed; /* NULL while it has joined none */
    struct mk_feed_chunk *chunk;
    size_t offset;
    uint64_t position; /* in bytes since the feed began */
    uint64_t max_lag;
    uint64_t lost;    /* the number of the first event that the feed has not; 0: none */
    uint64_t lost_at; /* where it would have been, as a position */
    void (*ready)(struct mk_sink *sink);   /* frames were appended, and it stood at the end */
    void (*overrun)(struct mk_sink *sink); /* it lags by more than `max_lag` bytes */
};

struct mk_feed {
    struct mk_list at_end;      /* sinks that have everything */
    struct mk_list behind;      /* sinks that were told and have not read all of it */
    struct mk_feed_chunk *tail; /* NULL before the first sink */
    uint64_t end;               /* position behind the last byte */
    uint64_t check_at;          /* until the end passes this no sink can lag too much */
};

void mk_feed_init(struct mk_feed *feed);
/* All sinks must have left. */
void mk_feed_fini(struct mk_feed *feed);

bool mk_feed_has_sinks(const struct mk_feed *feed);

/*
 * Appends a frame and tells every sink that stood at the end. Where nobody listens nothing is kept.
 * A sink that is told may leave, and may not join before this has returned; others may not be made
 * to. Returns 0 or -ENOMEM; then no sink got the frame.
 */
int mk_feed_append(struct mk_feed *feed, struct mk_slice frame);

/*
 * Event `number` could not be appended: every sink is told that there is something new, and when it
 * stands where the event would be, it is for the sink's owner to get it from elsewhere.
 */
void mk_feed_mark_lost(struct mk_feed *feed, uint64_t number);

/* The sink has everything up to an event that the feed has lost: it is sink->lost. */
bool mk_sink_at_lost_event(const struct mk_sink *sink);

/* Joins at the end: the sink gets what is appended from now on. Returns 0 or -ENOMEM. */
int mk_feed_join(struct mk_feed *feed, struct mk_sink *sink);

/* Leaves; does nothing where it has not joined. */
void mk_sink_leave(struct mk_sink *sink);

/*
 * The bytes from where the sink stands to the end of a chunk or to a loss: whole frames. Empty
 * where it stands at the end, or at a loss.
 */
struct mk_slice mk_sink_peek(struct mk_sink *sink);

/*
 * Goes on by `len` bytes, at most what peek gave. Returns false where it has reached the end
 * and nothing was lost there.
 */
bool mk_sink_advance(struct mk_sink *sink, size_t len);

/* Bytes between the sink and the end. */
uint64_t mk_sink_lag(const struct mk_sink *sink);

/*
 * The same in frames, for somebody who watches: walks the chunks between. In the chunk that the
 * sink stands in (64 KiB) it takes all frames for equally long.
 */
uint64_t mk_sink_frames_behind(const struct mk_sink *sink);

/* The same for somebody who must be sure: it is not behind by more frames than that. */
uint64_t mk_sink_max_frames_behind(const struct mk_sink *sink);

#endif
