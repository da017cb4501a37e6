/* websocket_upgrade: see the header. */
#include "transport/websocket_upgrade.h"

#include "wire/url.h"
#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <errno.h>

uint64_t mk_event_since(const struct mk_http1_request *request, struct mk_slice header)
{
    struct mk_slice text;
    if (!mk_url_query_find(request->query, MK_SLICE("since"), &text))
        text = header.len > 0 ? mk_http1_find(request, header) : header;
    uint64_t since = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (!is_digit || since > (MK_READER_LIVE - 10) / 10)
            return MK_READER_LIVE;
        since = since * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0 ? since : MK_READER_LIVE;
}

void mk_websocket_upgrade_check(struct mk_http_connection *connection,
                                const struct mk_http1_request *request)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = "";
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    struct mk_slice extra = { 0 };
    if (status == 426)
        extra = MK_SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (status != 101)
        mk_http_answer_failure(connection, status, reason, extra);
}

void mk_websocket_upgrade(struct mk_http_connection *connection,
                          const struct mk_http1_request *request,
                          struct mk_session_context *sessions, struct mk_list *list)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = "";
    if (mk_http_answer_stopping(connection))
        return;
    struct mk_stream *stream = mk_http_connection_stream(connection);
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    struct mk_deflate *deflate = mk_session_context_deflate(sessions);
    struct mk_slice extension = { 0 };
    if (deflate)
        extension = mk_ws_deflate_accept(request);
    if (extension.len == 0)
        deflate = NULL;
    int rc = status == 101 ? mk_ws_handshake_accept(mk_stream_output(stream), accept, extension)
                           : -EINVAL;
    uint64_t since = mk_event_since(request, (struct mk_slice){ 0 });
    if (rc < 0 || !mk_session_new(sessions, stream, since, deflate, list, NULL, NULL)) {
        mk_stream_abort(stream, rc < 0 ? rc : -ENOMEM);
        return;
    }
    mk_stream_wake(stream);
    mk_http_connection_release(connection);
}
