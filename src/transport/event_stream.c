/* event_stream: see the header. */
#include "transport/event_stream.h"

#include "base/log.h"
#include "transport/websocket_upgrade.h"
#include "wire/sse.h"

#include <errno.h>
#include <stdlib.h>

enum { HEARTBEAT_MS = 15 * 1000, LONGEST_LINES = 1024 };

static const char module[] = "event_stream";

/* One connection of Server-Sent Events. Its response ends with the connection. */
struct sse_connection {
    struct mk_list node;
    struct mk_event_stream *owner;
    struct mk_stream *stream;
    struct mk_subscription events;
    struct mk_timeout heartbeat;
};

static void on_heartbeat(struct mk_timeout *timeout)
{
    struct sse_connection *connection = MK_CONTAINER_OF(timeout, struct sse_connection, heartbeat);
    int rc = mk_sse_write_comment(mk_stream_output(connection->stream), MK_SLICE("still here"));
    if (rc < 0) {
        mk_stream_abort(connection->stream, rc);
        return;
    }
    mk_stream_wake(connection->stream);
    mk_timeout_arm(&connection->owner->heartbeat, timeout);
}

static void on_overrun(struct mk_subscription *subscription)
{
    struct sse_connection *connection =
        MK_CONTAINER_OF(subscription, struct sse_connection, events);
    mk_log_warn(module, "%s does not receive its events: closing it", "%s 未接收事件：关闭连接",
                mk_stream_remote(connection->stream));
    mk_stream_abort(connection->stream, -ENOBUFS);
}

/* Drops the client's bytes, which have no meaning. */
static size_t on_read(void *owner, char *data, size_t len)
{
    (void)owner;
    (void)data;
    return len;
}

static void on_end(void *owner)
{
    struct sse_connection *connection = owner;
    mk_stream_abort(connection->stream, 0);
}

static void on_closed(void *owner, int error)
{
    (void)error;
    struct sse_connection *connection = owner;
    mk_log_info(module, "%s disconnected", "%s 已断开", mk_stream_remote(connection->stream));
    mk_timeout_disarm(&connection->heartbeat);
    mk_subscription_fini(&connection->events);
    mk_list_remove(&connection->node);
    free(connection);
}

static const struct mk_stream_events stream_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

/* nginx would hold the events back until it has 4 KiB of them (X-Accel-Buffering). */
static int write_sse_head(struct mk_buf *out, struct mk_slice usual)
{
    struct mk_buf lines;
    mk_buf_init(&lines, LONGEST_LINES);
    int rc = mk_buf_append_slice(&lines, usual);
    if (rc == 0)
        rc = mk_buf_append_slice(&lines,
                                 MK_SLICE("Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"));
    if (rc == 0)
        rc = mk_http1_write_head(out, 200, MK_SLICE("text/event-stream"), MK_HTTP1_NO_LENGTH, false,
                                 mk_buf_slice(&lines));
    mk_buf_fini(&lines);
    return rc;
}

static int open_sse(struct mk_event_stream *events, struct mk_http_connection *http, uint64_t since)
{
    const struct mk_event_format format = {
        .dialect = events->sessions.dialect,
        .envelope = MK_ENVELOPE_BARE,
        .framing = MK_FRAMING_SSE,
        .filter = events->sessions.filter,
    };
    struct sse_connection *connection = malloc(sizeof(*connection));
    if (!connection)
        return -ENOMEM;
    struct mk_stream *stream = mk_http_connection_stream(http);
    connection->owner = events;
    connection->stream = stream;
    struct mk_buf *out = mk_stream_output(stream);
    int rc = write_sse_head(out, mk_http_connection_lines(http));
    if (rc == 0)
        rc = mk_sse_write_comment(out, MK_SLICE("welcome"));
    if (rc == 0)
        rc = mk_subscription_start(&connection->events, events->hub, stream, &format, since,
                                   events->sessions.most_lag, on_overrun);
    if (rc < 0) {
        free(connection);
        return rc;
    }
    mk_timeout_init(&connection->heartbeat);
    mk_timeout_arm(&events->heartbeat, &connection->heartbeat);
    mk_list_push(&events->streams, &connection->node);
    mk_stream_adopt(stream, &stream_events, connection);
    mk_stream_wake(stream);
    mk_log_info(module, "%s connected", "%s 已连接", mk_stream_remote(stream));
    return 0;
}

/* --- requests --- */

void mk_event_stream_head(struct mk_event_stream *events, struct mk_http_connection *connection,
                          const struct mk_http1_request *request)
{
    if (!mk_http_admit(connection, request, &events->access, MK_AUTH_QUERY_OR_HEADER,
                       &mk_http_rules_1_x))
        return;
    if (!mk_slice_eq(request->method, MK_SLICE("GET")))
        mk_http_answer_failure(connection, 405, "use GET for events", MK_SLICE("Allow: GET\r\n"));
    else if (request->upgrade_websocket)
        mk_websocket_upgrade_check(connection, request);
}

void mk_event_stream_request(struct mk_event_stream *events, struct mk_http_connection *connection,
                             const struct mk_http1_request *request)
{
    if (request->upgrade_websocket) {
        mk_websocket_upgrade(connection, request, &events->sessions, &events->websockets);
        return;
    }
    if (mk_http_answer_stopping(connection))
        return;
    int rc = open_sse(events, connection, mk_event_since(request, MK_SLICE("Last-Event-ID")));
    if (rc < 0)
        mk_stream_abort(mk_http_connection_stream(connection), rc);
    else
        mk_http_connection_release(connection);
}

/* --- life --- */

int mk_event_stream_init(struct mk_event_stream *events, struct mk_loop *loop, struct mk_hub *hub,
                         enum mk_dialect dialect)
{
    mk_list_init(&events->websockets);
    mk_list_init(&events->streams);
    events->hub = hub;
    events->access = (struct mk_access){ 0 };
    int rc = mk_timeouts_init(&events->heartbeat, loop, HEARTBEAT_MS, on_heartbeat);
    if (rc < 0)
        return rc;
    rc = mk_session_context_init(&events->sessions, loop, MK_WS_SERVER, NULL, hub, dialect,
                                 MK_ENVELOPE_BARE, module);
    if (rc < 0)
        mk_timeouts_fini(&events->heartbeat);
    return rc;
}

void mk_event_stream_fini(struct mk_event_stream *events)
{
    mk_session_context_fini(&events->sessions);
    mk_timeouts_fini(&events->heartbeat);
}

void mk_event_stream_stop(struct mk_event_stream *events)
{
    mk_session_stop_all(&events->websockets);
    MK_LIST_FOR_EACH (node, &events->streams) {
        struct sse_connection *connection = MK_CONTAINER_OF(node, struct sse_connection, node);
        mk_subscription_stop(&connection->events);
        mk_timeout_disarm(&connection->heartbeat);
        mk_stream_close(connection->stream);
    }
}

void mk_event_stream_abort(struct mk_event_stream *events)
{
    mk_session_abort_all(&events->websockets);
    MK_LIST_FOR_EACH (node, &events->streams)
        mk_stream_abort(MK_CONTAINER_OF(node, struct sse_connection, node)->stream, 0);
}

bool mk_event_stream_idle(const struct mk_event_stream *events)
{
    return mk_list_empty(&events->websockets) && mk_list_empty(&events->streams);
}

void mk_event_stream_measure(const struct mk_event_stream *events,
                             struct mk_connection_stats *stats)
{
    mk_session_measure(&events->websockets, stats);
    MK_LIST_FOR_EACH (node, &events->streams)
        mk_connection_stats_add(stats, &MK_CONTAINER_OF(node, struct sse_connection, node)->events);
}
