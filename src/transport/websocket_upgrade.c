/* websocket_upgrade: see the header. */
#include "transport/websocket_upgrade.h"

#include "web/websocket_accept.h"
#include "wire/url.h"

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
    struct mk_websocket_refusal refusal;
    if (!mk_websocket_acceptable(request, &refusal))
        mk_http_answer_failure(connection, refusal.status, refusal.reason, refusal.extra);
}

void mk_websocket_upgrade(struct mk_http_connection *connection,
                          const struct mk_http1_request *request,
                          struct mk_session_context *sessions, struct mk_list *list)
{
    if (mk_http_answer_stopping(connection))
        return;
    uint64_t since = mk_event_since(request, (struct mk_slice){ 0 });
    struct mk_compression compression;
    struct mk_stream *stream = mk_websocket_accept(
        connection, request, mk_session_context_deflate(sessions), &compression);
    if (stream && !mk_session_new(sessions, stream, since, &compression, list, NULL, NULL))
        mk_stream_abort(stream, -ENOMEM);
}
