/*
 * frame: what is put around an event's JSON on its way to a sink.
 */
#ifndef MK_HUB_FRAME_H
#define MK_HUB_FRAME_H

#include "base/buf.h"
#include "base/random.h"

#include <stdint.h>

enum mk_framing {
    MK_FRAMING_WEBSOCKET,        /* a text frame of a server */
    MK_FRAMING_WEBSOCKET_MASKED, /* a text frame of a client */
    /* The same two for those who take compressed messages. */
    MK_FRAMING_WEBSOCKET_DEFLATE,
    MK_FRAMING_WEBSOCKET_MASKED_DEFLATE,
    MK_FRAMING_LINE, /* "NUMBER JSON\n": webhooks take it line by line */
    MK_FRAMING_SSE,  /* a server-sent event "milky_event", its id the event's number */
};
enum {
    MK_FRAMINGS = 6,
    MK_FRAME_MORE = 256, /* bytes that a frame is longer than its JSON, at most */
};

static inline bool mk_framing_compresses(enum mk_framing framing)
{
    return framing == MK_FRAMING_WEBSOCKET_DEFLATE ||
           framing == MK_FRAMING_WEBSOCKET_MASKED_DEFLATE;
}

/* An event as it is put into frames. */
struct mk_encoded {
    uint64_t number;
    struct mk_slice json;
    struct mk_slice deflated; /* the same, compressed; empty where it goes out as it is */
};

/*
 * Appends the frame of an event; `masks` gives the keys of those that are masked. Returns 0 or the
 * error of the buf.
 */
int mk_frame_write(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                   const struct mk_encoded *event);

/*
 * Appends the frame that tells of events which are not kept any more, numbers `from` to `to`:
 * {"post_type":"gap","self_id":N,"data":{"from","to"}}, in server-sent events named "milky_gap"; as
 * a line it has the number 0. Returns as above.
 */
int mk_frame_write_gap(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                       uint64_t self_id, uint64_t from, uint64_t to);

#endif
