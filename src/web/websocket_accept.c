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

struct mk_stream *mk_websocket_accept(struct mk_http_connection *connection,
                                      const struct mk_http1_request *request, bool may_compress,
                                      bool *compressed)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason;
    struct mk_stream *stream = mk_http_connection_stream(connection);
    struct mk_slice extension = { 0 };
    if (may_compress)
        extension = mk_ws_deflate_accept(request);
    int rc = mk_ws_handshake_check(request, accept, &reason) == 101
                 ? mk_ws_handshake_accept(mk_stream_output(stream), accept, extension)
                 : -EINVAL;
    if (rc < 0) {
        mk_stream_abort(stream, rc);
        return NULL;
    }
    mk_stream_wake(stream);
    mk_stream_adopt(stream, NULL, NULL);
    mk_http_connection_release(connection);
    *compressed = extension.len > 0;
    return stream;
}
