/*
 * subscription: a stream that gets the events of a hub: the reader, which is its cursor, and the
 * source that the stream asks for bytes when it flushes. Embedded in what owns the stream.
 */
#ifndef MK_TRANSPORT_SUBSCRIPTION_H
#define MK_TRANSPORT_SUBSCRIPTION_H

#include "hub/reader.h"
#include "net/stream.h"

struct mk_subscription {
    struct mk_stream_source source; /* in front of what it looks at: all of it is fetched at once */
    struct mk_reader reader;
    struct mk_stream *stream;
    void (*overrun)(struct mk_subscription *subscription);
};

/*
 * The stream gets the events behind number `since` (MK_READER_LIVE: from now on) in this format.
 * `overrun` is called when it is more than `max_lag` bytes behind, after it has been taken out of
 * the feed; it should end the connection. Returns 0 or -ENOMEM.
 */
int mk_subscription_start(struct mk_subscription *subscription, struct mk_hub *hub,
                          struct mk_stream *stream, const struct mk_event_format *format,
                          uint64_t since, uint64_t max_lag,
                          void (*overrun)(struct mk_subscription *subscription));

/* The stream gets no more events, once the frame that it is in is complete. May be called twice. */
void mk_subscription_stop(struct mk_subscription *subscription);

/* The connections of a transport that get events. Zero it, then add them one by one. */
struct mk_connection_stats {
    size_t count;
    struct mk_lag most; /* how far the slowest is behind, in events and in bytes */
};
void mk_connection_stats_add(struct mk_connection_stats *stats,
                             const struct mk_subscription *subscription);

/* The stream is gone already. May be called after stop. */
void mk_subscription_fini(struct mk_subscription *subscription);

#endif
