/*
 * http_request: one exchange of the HTTP client: see the header. It is connecting (`connect`) or
 * has a connection (`stream`), or will fail in the next turn (`doomed`). Every outcome ends in
 * finish.
 */
#include "web/http_client_impl.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LONG_BODY = 64 * 1024, /* a longer one is sent from where it is, without a copy */
    CONNECT_BODY = 64 * 1024,
};

static const struct mk_response_limits response_limits = {
    .head_bytes = 64 * 1024,
    .header_count = 100,
    .interim = 16,
};

/* --- the end --- */

static void drop_stream(struct mk_web_request *request)
{
    struct mk_stream *stream = request->stream;
    request->stream = NULL;
    request->rest = (struct mk_slice){ 0 };
    if (!stream)
        return;
    mk_stream_adopt(stream, NULL, NULL);
    mk_stream_abort(stream, 0);
}

void mk_web_request_free(struct mk_web_request *request)
{
    mk_list_remove(&request->node);
    request->connect = mk_connect_cancel(request->connect);
    drop_stream(request);
    mk_timer_free(request->timer);
    mk_response_reader_fini(&request->reader);
    mk_buf_fini(&request->head);
    mk_tls_context_free(request->tls);
    free(request->text);
    free(request);
}

struct mk_web_request *mk_web_request_cancel(struct mk_web_request *request)
{
    if (request)
        mk_web_request_free(request);
    return NULL;
}

/* `done` may free the client. */
static void finish(struct mk_web_request *request, const struct mk_web_response *response)
{
    request->connect = mk_connect_cancel(request->connect);
    drop_stream(request);
    mk_timer_stop(request->timer);
    mk_list_remove(&request->node);
    mk_list_push(&request->client->ending, &request->node);
    request->done(request->arg, response);
    mk_web_request_free(request);
}

static void fail(struct mk_web_request *request, struct mk_failure *failure)
{
    bool at_proxy = request->step < MK_HTTP_SECURING || !request->url.tls;
    if (request->proxy && request->proxy->host && at_proxy)
        mk_http_failure_of_proxy(failure, request->proxy->host, request->proxy->port);
    /* A proxy that wants a password has passed nothing on. */
    failure->is_sent = request->step == MK_HTTP_ANSWERING && failure->status != 407;
    finish(request, &(struct mk_web_response){ .failure = failure });
}

/* Fails in the next turn, since `done` must not be called from within the start. */
static void fail_soon(struct mk_web_request *request, int error)
{
    request->doomed = true;
    mk_failure_errno(&request->failure, error);
    mk_timer_start(request->timer, 0);
}

static void on_timer(void *arg)
{
    struct mk_web_request *request = arg;
    struct mk_failure failure = request->failure;
    const struct mk_connect *connect = request->connect;
    bool secures = connect && mk_connect_is_securing(connect);
    if (!request->doomed && !(connect && mk_connect_explain_late(connect, &failure)))
        mk_http_failure_late(&failure, secures ? MK_HTTP_SECURING : request->step, &request->reader,
                             request->timeout_ms);
    fail(request, &failure);
}

/* --- the response --- */

static struct mk_http_origin origin_of(const struct mk_web_request *request)
{
    return (struct mk_http_origin){
        .host = request->url.host,
        .port = request->url.port,
        .tls = request->url.tls,
        .context = request->tls,
        .proxy = request->proxy,
    };
}

/* A date counts from the response's own, since our clock and the server's may differ. */
static uint64_t retry_after_of(const struct mk_response_reader *reader)
{
    if (reader->retry_after != MK_RESPONSE_NO_RETRY)
        return (uint64_t)reader->retry_after;
    if (reader->retry_at == MK_RESPONSE_NO_DATE)
        return 0;
    int64_t now =
        reader->date != MK_RESPONSE_NO_DATE ? reader->date : (int64_t)(mk_clock_real_ms() / 1000);
    return reader->retry_at > now ? (uint64_t)(reader->retry_at - now) : 0;
}

/* Keeps the connection for the next request. */
static void keep_stream(struct mk_web_request *request)
{
    const struct mk_http_origin origin = origin_of(request);
    struct mk_stream *stream = request->stream;
    request->stream = NULL;
    if (request->source.peek)
        mk_stream_set_source(stream, NULL);
    mk_http_pool_put(&request->client->pool, &origin, stream);
}

static void connect_to_server(struct mk_web_request *request);

/*
 * A server may end a kept connection with a 408 that crosses the request (RFC 9110, 15.5.9), which
 * then is sent once more on a fresh one. A 408 that keeps the connection is an answer.
 */
static void on_response(struct mk_web_request *request, bool has_more)
{
    const struct mk_response_reader *reader = &request->reader;
    if (reader->status == 408 && !reader->keep_alive && request->reused) {
        drop_stream(request);
        connect_to_server(request);
        return;
    }
    if (reader->status == 407 && request->proxy && !request->url.tls) {
        struct mk_failure failure;
        fail(request, mk_http_failure_proxy_status(&failure, reader->status));
        return;
    }
    bool is_sent = request->rest.len == 0 && mk_stream_backlog(request->stream) == 0;
    if (reader->keep_alive && is_sent && !has_more)
        keep_stream(request);
    finish(request, &(struct mk_web_response){
                        .status = reader->status,
                        .retry_after = retry_after_of(reader),
                        .body = mk_buf_slice(&reader->body),
                    });
}

static void secure(struct mk_web_request *request);

/* The proxy's answer to a CONNECT. Bytes behind it cannot be TLS: we have sent nothing yet. */
static void on_tunnel(struct mk_web_request *request, bool has_more)
{
    struct mk_failure failure;
    if (request->reader.status / 100 != 2) {
        fail(request, mk_http_failure_proxy_status(&failure, request->reader.status));
    } else if (has_more || mk_stream_backlog(request->stream) > 0) {
        fail(request, mk_failure_say(&failure, MK_FAILURE_PROTOCOL,
                                     MK_PHRASE("it sent something into the tunnel before the "
                                               "server could",
                                               "它在服务器之前向隧道发送了数据")));
    } else {
        secure(request);
    }
}

/* The connection has ended. A kept one may have been closed while the request was on its way. */
static void on_lost(struct mk_web_request *request, int error)
{
    struct mk_failure failure;
    bool again = request->reused && request->reader.received == 0;
    drop_stream(request);
    if (again)
        connect_to_server(request);
    else
        fail(request, mk_http_failure_ended(&failure, &request->reader,
                                            request->url.tls && !request->proxy, error));
}

static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_web_request *request = owner;
    struct mk_failure failure;
    size_t consumed;
    int status = mk_response_reader_feed(&request->reader, mk_slice_of(data, len), &consumed);
    if (status < 0)
        fail(request, mk_failure_errno(&failure, status));
    else if (status == MK_RESPONSE_BAD)
        fail(request, mk_http_failure_wrong(&failure, &request->reader));
    else if (status == MK_RESPONSE_END && request->step == MK_HTTP_TUNNELLING)
        on_tunnel(request, consumed < len);
    else if (status == MK_RESPONSE_END)
        on_response(request, consumed < len);
    return len;
}

static void on_end(void *owner)
{
    struct mk_web_request *request = owner;
    if (mk_response_reader_end(&request->reader))
        on_response(request, true);
    else
        on_lost(request, 0);
}

static void on_closed(void *owner, int error)
{
    struct mk_web_request *request = owner;
    request->stream = NULL;
    on_lost(request, error);
}

static const struct mk_stream_events events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

/* --- the request --- */

static struct mk_slice peek_body(struct mk_stream_source *source)
{
    return MK_CONTAINER_OF(source, struct mk_web_request, source)->rest;
}

static bool advance_body(struct mk_stream_source *source, size_t len)
{
    struct mk_web_request *request = MK_CONTAINER_OF(source, struct mk_web_request, source);
    request->rest = mk_slice_from(request->rest, len);
    return request->rest.len > 0;
}

/* Becomes the owner of a connection, and gets ready for the answer. */
static void await_answer(struct mk_web_request *request, struct mk_stream *stream,
                         enum mk_http_step step)
{
    struct mk_response_limits limits = response_limits;
    bool tunnelling = step == MK_HTTP_TUNNELLING;
    limits.body = tunnelling ? CONNECT_BODY : request->response_limit;
    request->step = step;
    request->stream = stream;
    mk_response_reader_fini(&request->reader);
    mk_response_reader_init(&request->reader, &limits, tunnelling);
    mk_stream_adopt(stream, &events, request);
}

static void send_request(struct mk_web_request *request, struct mk_stream *stream)
{
    await_answer(request, stream, MK_HTTP_ANSWERING);
    struct mk_buf *out = mk_stream_output(stream);
    int rc = mk_buf_append_slice(out, mk_buf_slice(&request->head));
    if (rc == 0 && request->body.len <= LONG_BODY)
        rc = mk_buf_append_slice(out, request->body);
    if (rc < 0) {
        drop_stream(request);
        fail_soon(request, rc);
        return;
    }
    if (request->body.len > LONG_BODY) {
        request->rest = request->body;
        request->source = (struct mk_stream_source){ peek_body, advance_body };
        mk_stream_set_source(stream, &request->source);
    }
    mk_stream_wake(stream);
}

static void on_secured(void *arg, struct mk_stream *stream, const struct mk_failure *failure)
{
    struct mk_web_request *request = arg;
    request->connect = NULL;
    if (stream) {
        send_request(request, stream);
        return;
    }
    struct mk_failure copy = *failure;
    fail(request, &copy);
}

static void ask_proxy(struct mk_web_request *request, struct mk_stream *stream)
{
    await_answer(request, stream, MK_HTTP_TUNNELLING);
    int rc = mk_web_write_connect(request, mk_stream_output(stream));
    if (rc < 0) {
        drop_stream(request);
        fail_soon(request, rc);
        return;
    }
    mk_stream_wake(stream);
}

static void on_connected(void *arg, struct mk_stream *stream, const struct mk_failure *failure)
{
    struct mk_web_request *request = arg;
    if (stream && request->proxy && request->url.tls) {
        request->connect = NULL;
        ask_proxy(request, stream);
    } else {
        on_secured(arg, stream, failure);
    }
}

/* Starts TLS in the tunnel. */
static void secure(struct mk_web_request *request)
{
    struct mk_stream *stream = request->stream;
    char *host = mk_slice_dup(request->url.host);
    const struct mk_connect_options options = {
        .host = host,
        .tls = true,
        .tls_context = request->tls,
        .timeout_ms = request->timeout_ms,
    };
    request->step = MK_HTTP_SECURING;
    if (host)
        request->connect =
            mk_connect_secure(request->client->loop, &options, stream, on_secured, request);
    free(host);
    if (request->connect) {
        request->stream = NULL;
        return;
    }
    drop_stream(request);
    fail_soon(request, -ENOMEM);
}

static void connect_to_server(struct mk_web_request *request)
{
    const struct mk_proxy *proxy = request->proxy;
    char *host = mk_slice_dup(proxy ? mk_slice_str(proxy->host) : request->url.host);
    const struct mk_connect_options options = {
        .host = host,
        .port = proxy ? proxy->port : request->url.port,
        .tls = request->url.tls && !proxy,
        .tls_context = request->tls,
        .timeout_ms = request->timeout_ms,
    };
    request->reused = false;
    request->step = MK_HTTP_CONNECTING;
    if (host)
        request->connect = mk_connect_start(request->client->loop, &options, on_connected, request);
    free(host);
    if (!request->connect)
        fail_soon(request, -ENOMEM);
}

int mk_web_request_begin(struct mk_web_request *request)
{
    request->timer = mk_timer_new(request->client->loop, on_timer, request);
    if (!request->timer)
        return -ENOMEM;
    mk_timer_start(request->timer, request->doomed ? 0 : request->timeout_ms);
    if (request->doomed)
        return 0;
    const struct mk_http_origin origin = origin_of(request);
    struct mk_stream *kept = mk_http_pool_take(&request->client->pool, &origin);
    request->reused = kept != NULL;
    if (kept)
        send_request(request, kept);
    else
        connect_to_server(request);
    return 0;
}
