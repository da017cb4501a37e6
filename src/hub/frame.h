/* frame: wraps an event's JSON in the framing of a sink. */
#ifndef MK_HUB_FRAME_H
#define MK_HUB_FRAME_H

#include "base/buf.h"
#include "base/random.h"

#include <stdint.h>

enum mk_framing {
    MK_FRAMING_WEBSOCKET,        /* a text frame of a server */
    MK_FRAMING_WEBSOCKET_MASKED, /* a text frame of a client */
    /* The same two with compressed messages. */
    MK_FRAMING_WEBSOCKET_DEFLATE,
    MK_FRAMING_WEBSOCKET_MASKED_DEFLATE,
    MK_FRAMING_LINE, /* "NUMBER JSON\n": webhooks read it line by line */
    MK_FRAMING_SSE,  /* a server-sent event "milky_event", its id the event's number */
};
enum {
    MK_FRAMINGS = 6,
    MK_FRAME_MORE = 256, /* the most bytes that a frame adds to its JSON */
};

static inline bool mk_framing_compresses(enum mk_framing framing)
{
    return framing == MK_FRAMING_WEBSOCKET_DEFLATE ||
           framing == MK_FRAMING_WEBSOCKET_MASKED_DEFLATE;
}

/* An encoded event. */
struct mk_encoded {
    uint64_t number;
    struct mk_slice json;
    struct mk_slice deflated; /* the same, compressed; empty: sent uncompressed */
};

/*
 * Appends the frame of an event; `masks` generates the keys of masked frames. Returns 0 or the
 * error of the buf.
 */
int mk_frame_write(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                   const struct mk_encoded *event);

/*
 * Appends the frame for a gap, events `from` to `to` that are not kept any more:
 * {"post_type":"gap","self_id":N,"data":{"from","to"}}, in server-sent events named "milky_gap"; as
 * a line it has the number 0. Returns as above.
 */
int mk_frame_write_gap(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                       uint64_t self_id, uint64_t from, uint64_t to);

#endif
