/*
 * subscription: a stream that gets the events of a hub: the sink that stands in the feed, and the
 * source that the stream asks for bytes when it flushes. Embedded in what owns the stream.
 */
#ifndef MK_TRANSPORT_SUBSCRIPTION_H
#define MK_TRANSPORT_SUBSCRIPTION_H

#include "hub/hub.h"
#include "net/stream.h"

struct mk_subscription {
    struct mk_sink sink;
    struct mk_stream_source source;
    struct mk_stream *stream;
    void (*overrun)(struct mk_subscription *subscription);
};

/*
 * Joins the hub's feed of this kind: the stream gets what is emitted from now on. `overrun` is
 * called when it is too far behind, after it has been taken out of the feed; it should end the
 * connection. Returns 0 or -ENOMEM.
 */
int mk_subscription_start(struct mk_subscription *subscription, struct mk_hub *hub,
                          struct mk_stream *stream, enum mk_dialect dialect,
                          enum mk_envelope envelope, enum mk_framing framing,
                          void (*overrun)(struct mk_subscription *subscription));

/* The stream gets no more events, once the frame that it is in is complete. May be called twice. */
void mk_subscription_stop(struct mk_subscription *subscription);

/* The stream is gone already. May be called after stop. */
void mk_subscription_fini(struct mk_subscription *subscription);

#endif
