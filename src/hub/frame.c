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

static int write_named(struct mk_buf *out, enum mk_framing framing, uint64_t number,
                       struct mk_slice name, struct mk_slice json)
{
    switch (framing) {
    case MK_FRAMING_WEBSOCKET:
        return mk_ws_write_frame(out, MK_WS_SERVER, MK_WS_TEXT, json);
    case MK_FRAMING_WEBSOCKET_MASKED:
        return mk_ws_write_frame(out, MK_WS_CLIENT, MK_WS_TEXT, json);
    case MK_FRAMING_LINE:
        return write_line(out, number, json);
    case MK_FRAMING_SSE:
        return mk_sse_write_message(out, number, name, json);
    }
    return 0;
}

int mk_frame_write(struct mk_buf *out, enum mk_framing framing, uint64_t number,
                   struct mk_slice json)
{
    return write_named(out, framing, number, MK_SLICE("milky_event"), json);
}

int mk_frame_write_gap(struct mk_buf *out, enum mk_framing framing, uint64_t self_id, uint64_t from,
                       uint64_t to)
{
    struct mk_buf json;
    mk_buf_init(&json, 256);
    int rc = mk_buf_printf(
        &json, "{\"post_type\":\"gap\",\"self_id\":%llu,\"data\":{\"from\":%llu,\"to\":%llu}}",
        (unsigned long long)self_id, (unsigned long long)from, (unsigned long long)to);
    if (rc == 0)
        rc = write_named(out, framing, 0, MK_SLICE("milky_gap"), mk_buf_slice(&json));
    mk_buf_fini(&json);
    return rc;
}
