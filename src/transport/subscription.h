/*
 * subscription: sends the events of a hub on a stream: the reader is its cursor, and the source
 * provides bytes when the stream flushes. Embedded in the owner of the stream.
 */
#ifndef MK_TRANSPORT_SUBSCRIPTION_H
#define MK_TRANSPORT_SUBSCRIPTION_H

#include "hub/reader.h"
#include "net/stream.h"

struct mk_subscription {
    struct mk_stream_source source; /* prefetched together with the fields that it uses */
    struct mk_reader reader;
    struct mk_stream *stream;
    void (*overrun)(struct mk_subscription *subscription);
};

/*
 * The stream gets the events behind number `since` (MK_READER_LIVE: from now on) in this format.
 * `overrun` is called when it is more than `max_lag` bytes behind, after it has left the feed; the
 * callback should end the connection. Returns 0 or -ENOMEM.
 */
int mk_subscription_start(struct mk_subscription *subscription, struct mk_hub *hub,
                          struct mk_stream *stream, const struct mk_event_format *format,
                          uint64_t since, uint64_t max_lag,
                          void (*overrun)(struct mk_subscription *subscription));

/* Sends no more events after the current frame is complete. May be called twice. */
void mk_subscription_stop(struct mk_subscription *subscription);

/*
 * Statistics of the connections of a transport that get events. Zero it, then add them one by one.
 */
struct mk_connection_stats {
    size_t count;
    struct mk_lag most; /* the lag of the slowest, in events and in bytes */
};
void mk_connection_stats_add(struct mk_connection_stats *stats,
                             const struct mk_subscription *subscription);

/* To be called when the stream is gone. May be called after stop. */
void mk_subscription_fini(struct mk_subscription *subscription);

#endif
