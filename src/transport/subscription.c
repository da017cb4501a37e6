/* subscription: see the header. */
#include "transport/subscription.h"

enum { MOST_LAG = 16 * 1024 * 1024 }; /* bytes of events that a stream may be behind */

static void on_ready(struct mk_sink *sink)
{
    mk_stream_wake(MK_CONTAINER_OF(sink, struct mk_subscription, sink)->stream);
}

static void on_overrun(struct mk_sink *sink)
{
    struct mk_subscription *subscription = MK_CONTAINER_OF(sink, struct mk_subscription, sink);
    mk_subscription_stop(subscription);
    subscription->overrun(subscription);
}

static struct mk_slice peek(struct mk_stream_source *source)
{
    return mk_sink_peek(&MK_CONTAINER_OF(source, struct mk_subscription, source)->sink);
}

static void advance(struct mk_stream_source *source, size_t len)
{
    mk_sink_advance(&MK_CONTAINER_OF(source, struct mk_subscription, source)->sink, len);
}

int mk_subscription_start(struct mk_subscription *subscription, struct mk_hub *hub,
                          struct mk_stream *stream, enum mk_dialect dialect,
                          enum mk_envelope envelope, enum mk_framing framing,
                          void (*overrun)(struct mk_subscription *subscription))
{
    *subscription = (struct mk_subscription){
        .sink = { .ready = on_ready, .overrun = on_overrun, .max_lag = MOST_LAG },
        .source = { .peek = peek, .advance = advance },
        .stream = stream,
        .overrun = overrun,
    };
    int rc = mk_hub_join(hub, &subscription->sink, dialect, envelope, framing);
    if (rc == 0)
        mk_stream_set_source(stream, &subscription->source);
    return rc;
}

void mk_subscription_stop(struct mk_subscription *subscription)
{
    if (!subscription->sink.feed)
        return;
    mk_stream_set_source(subscription->stream, NULL);
    mk_sink_leave(&subscription->sink);
}

void mk_subscription_fini(struct mk_subscription *subscription)
{
    mk_sink_leave(&subscription->sink);
}
