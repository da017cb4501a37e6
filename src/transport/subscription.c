/* subscription: see the header. */
#include "transport/subscription.h"

static struct mk_subscription *of_sink(struct mk_sink *sink)
{
    return MK_CONTAINER_OF(sink, struct mk_subscription, reader.sink);
}

static struct mk_reader *reader_of(struct mk_stream_source *source)
{
    return &MK_CONTAINER_OF(source, struct mk_subscription, source)->reader;
}

static void on_ready(struct mk_sink *sink)
{
    mk_stream_wake(of_sink(sink)->stream);
}

static void on_overrun(struct mk_sink *sink)
{
    struct mk_subscription *subscription = of_sink(sink);
    subscription->reader.hub->overruns++;
    mk_subscription_stop(subscription);
    subscription->overrun(subscription);
}

static struct mk_slice peek(struct mk_stream_source *source)
{
    return mk_reader_peek(reader_of(source));
}

static bool advance(struct mk_stream_source *source, size_t len)
{
    return mk_reader_advance(reader_of(source), len);
}

int mk_subscription_start(struct mk_subscription *subscription, struct mk_hub *hub,
                          struct mk_stream *stream, const struct mk_event_format *format,
                          uint64_t since, uint64_t max_lag,
                          void (*overrun)(struct mk_subscription *subscription))
{
    *subscription = (struct mk_subscription){
        .source = { .peek = peek, .advance = advance },
        .reader.sink = { .ready = on_ready, .overrun = on_overrun },
        .stream = stream,
        .overrun = overrun,
    };
    int rc = mk_reader_start(&subscription->reader, hub, format, since, max_lag);
    if (rc == 0)
        mk_stream_set_source(stream, &subscription->source);
    return rc;
}

void mk_subscription_stop(struct mk_subscription *subscription)
{
    if (!mk_reader_started(&subscription->reader))
        return;
    mk_stream_set_source(subscription->stream, NULL);
    mk_reader_stop(&subscription->reader);
}

void mk_subscription_fini(struct mk_subscription *subscription)
{
    mk_reader_stop(&subscription->reader);
}

void mk_connection_stats_add(struct mk_connection_stats *stats,
                             const struct mk_subscription *subscription)
{
    const struct mk_reader *reader = &subscription->reader;
    stats->count++;
    if (mk_sink_lag(&reader->sink) <= stats->most.bytes && !reader->replaying)
        return; /* frames are counted for the slowest only */
    struct mk_lag lag = mk_reader_lag(reader);
    if (lag.bytes > stats->most.bytes)
        stats->most.bytes = lag.bytes;
    if (lag.events > stats->most.events)
        stats->most.events = lag.events;
}
