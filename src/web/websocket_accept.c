/* websocket_accept: see the header. */
#include "web/websocket_accept.h"

#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <errno.h>

bool mk_websocket_acceptable(const struct mk_http1_request *request,
                             struct mk_websocket_refusal *refusal)
{
    char accept[MK_WS_ACCEPT_LEN];
    *refusal = (struct mk_websocket_refusal){ .reason = "" };
    refusal->status = mk_ws_handshake_check(request, accept, &refusal->reason);
    if (refusal->status == 426)
        refusal->extra = MK_SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    return refusal->status == 101;
}

/* Writes the header line of the answer; "" where messages are not compressed. */
static void agree(const struct mk_http1_request *request, struct mk_deflate *codec,
                  struct mk_compression *compression, char line[MK_WS_DEFLATE_LINE])
{
    *compression = (struct mk_compression){ 0 };
    line[0] = '\0';
    if (!codec)
        return;
    struct mk_ws_deflate_terms terms =
        mk_ws_deflate_accept(request, mk_deflate_window_room(codec), line);
    if (terms.accepted && !mk_compression_init(compression, codec, terms.peer_bits))
        line[0] = '\0';
}

struct mk_stream *mk_websocket_accept(struct mk_http_connection *connection,
                                      const struct mk_http1_request *request,
                                      struct mk_deflate *codec, struct mk_compression *compression)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason;
    struct mk_stream *stream = mk_http_connection_stream(connection);
    char line[MK_WS_DEFLATE_LINE];
    agree(request, codec, compression, line);
    int rc = mk_ws_handshake_check(request, accept, &reason) == 101
                 ? mk_ws_handshake_accept(mk_stream_output(stream), accept, mk_slice_str(line))
                 : -EINVAL;
    if (rc < 0) {
        compression->window = mk_inflate_window_free(compression->window);
        mk_stream_abort(stream, rc);
        return NULL;
    }
    mk_stream_wake(stream);
    mk_stream_adopt(stream, NULL, NULL);
    mk_http_connection_release(connection);
    return stream;
}
