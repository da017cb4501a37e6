/* frame: see the header. */
#include "hub/frame.h"

#include "wire/sse.h"
#include "wire/websocket.h"

static int write_line(struct mk_buf *out, uint64_t number, struct mk_slice json)
{
    size_t before = out->len;
    int rc = mk_buf_append_u64(out, number);
    if (rc == 0)
        rc = mk_buf_append_char(out, ' ');
    if (rc == 0)
        rc = mk_buf_append_slice(out, json);
    if (rc == 0)
        rc = mk_buf_append_char(out, '\n');
    if (rc < 0)
        out->len = before;
    return rc;
}

static int write_text(struct mk_buf *out, struct mk_random *masks, const struct mk_encoded *event)
{
    return event->deflated.len > 0 ? mk_ws_write_compressed(out, masks, MK_WS_TEXT, event->deflated)
                                   : mk_ws_write_frame(out, masks, MK_WS_TEXT, event->json);
}

static int write_named(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                       struct mk_slice name, const struct mk_encoded *event)
{
    switch (framing) {
    case MK_FRAMING_WEBSOCKET:
        return mk_ws_write_frame(out, NULL, MK_WS_TEXT, event->json);
    case MK_FRAMING_WEBSOCKET_MASKED:
        return mk_ws_write_frame(out, masks, MK_WS_TEXT, event->json);
    case MK_FRAMING_WEBSOCKET_DEFLATE:
        return write_text(out, NULL, event);
    case MK_FRAMING_WEBSOCKET_MASKED_DEFLATE:
        return write_text(out, masks, event);
    case MK_FRAMING_LINE:
        return write_line(out, event->number, event->json);
    case MK_FRAMING_SSE:
        return mk_sse_write_message(out, event->number, name, event->json);
    }
    return 0;
}

int mk_frame_write(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                   const struct mk_encoded *event)
{
    return write_named(out, masks, framing, MK_SLICE("milky_event"), event);
}

int mk_frame_write_gap(struct mk_buf *out, struct mk_random *masks, enum mk_framing framing,
                       uint64_t self_id, uint64_t from, uint64_t to)
{
    struct mk_buf json;
    mk_buf_init(&json, 256);
    int rc = mk_buf_printf(
        &json, "{\"post_type\":\"gap\",\"self_id\":%llu,\"data\":{\"from\":%llu,\"to\":%llu}}",
        (unsigned long long)self_id, (unsigned long long)from, (unsigned long long)to);
    if (rc == 0)
        rc = write_named(out, masks, framing, MK_SLICE("milky_gap"),
                         &(struct mk_encoded){ .json = mk_buf_slice(&json) });
    mk_buf_fini(&json);
    return rc;
}
