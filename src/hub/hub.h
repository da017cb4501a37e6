/*
 * hub: the events of one bot on their way from the backend to everyone who listens.
 *
 *   backend -> milky_emit -> mk_hub_emit: number it, encode it once per (dialect, envelope), frame
 * it once per (dialect, envelope, framing) -> feed -> sinks
 */
#ifndef MK_HUB_HUB_H
#define MK_HUB_HUB_H

#include "base/buf.h"
#include "hub/feed.h"
#include "protocol/event.h"

/* What is put around an event's JSON. */
enum mk_framing {
    MK_FRAMING_WEBSOCKET,        /* a text frame of a server */
    MK_FRAMING_WEBSOCKET_MASKED, /* a text frame of a client */
    MK_FRAMING_LINE,             /* a line feed behind it: webhooks take it line by line */
    MK_FRAMING_SSE,              /* a server-sent event "milky_event", its id the event's number */
};
enum { MK_DIALECTS = 2, MK_ENVELOPES = 2, MK_FRAMINGS = 4 };

struct mk_hub {
    uint64_t self_id;
    uint64_t events; /* emitted so far: the number of the last one */
    uint64_t
        encodings; /* JSON texts made for them: at most one per (dialect, envelope) and event */
    struct mk_feed feeds[MK_DIALECTS][MK_ENVELOPES][MK_FRAMINGS];
    struct mk_arena arena; /* what translating one event makes */
    struct mk_buf json;    /* one event, encoded */
    struct mk_buf frame;   /* one event, framed, where that takes a copy */
};

void mk_hub_init(struct mk_hub *hub, uint64_t self_id);
/* All sinks must have left. */
void mk_hub_fini(struct mk_hub *hub);

/* Joins the feed of this kind; see mk_feed_join. */
int mk_hub_join(struct mk_hub *hub, struct mk_sink *sink, enum mk_dialect dialect,
                enum mk_envelope envelope, enum mk_framing framing);

/*
 * Gives an event to every sink. Returns 0; -EINVAL for data that is not of its type, -ENOMEM or
 * -ENOBUFS (an event of more than 64 MiB) when some feed did not get it.
 */
int mk_hub_emit(struct mk_hub *hub, const struct mk_event *event);

#endif
