/* http_connection: see the header. Here are reading and the life of a connection. */
#include "web/http_connection_impl.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum {
    IDLE_MS = 75 * 1000,
    HEAD_MS = 15 * 1000,
    BODY_MS = 30 * 1000,
    BODY_PROGRESS = 64 * 1024,
    LONGEST_EXTRA = 16 * 1024, /* header lines of one response */
    MAX_SKIPPED = 1024 * 1024, /* a refused body up to this size is read, to keep the connection */
};

void *mk_http_connection_state(struct mk_http_connection *connection)
{
    return connection->service_state;
}

struct mk_stream *mk_http_connection_stream(const struct mk_http_connection *connection)
{
    return connection->stream;
}

struct mk_guard_client *mk_http_connection_client(const struct mk_http_connection *connection)
{
    return connection->client;
}

struct mk_guard *mk_http_connection_guard(const struct mk_http_connection *connection)
{
    return connection->context->guard;
}

bool mk_http_connection_stopping(const struct mk_http_connection *connection)
{
    return connection->context->stopping;
}

bool mk_http_connection_take_body(struct mk_http_connection *connection, struct mk_buf *body)
{
    return mk_http1_parser_take_body(connection->parser, body);
}

void mk_http_connection_set_last(struct mk_http_connection *connection)
{
    connection->keep_alive = false;
}

void mk_http_connection_close(struct mk_http_connection *connection)
{
    if (connection->state == MK_HTTP_CLOSING)
        return;
    connection->state = MK_HTTP_CLOSING;
    mk_timeout_disarm(&connection->timeout);
    mk_stream_close(connection->stream);
}

void mk_http_connection_abort(struct mk_http_connection *connection, int error)
{
    connection->state = MK_HTTP_CLOSING;
    mk_timeout_disarm(&connection->timeout);
    mk_waiter_remove(&connection->waiter);
    mk_stream_abort(connection->stream, error);
}

static void say_continue(struct mk_http_connection *connection)
{
    int rc = mk_buf_append_slice(mk_stream_output(connection->stream),
                                 MK_SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    if (rc < 0)
        mk_http_connection_abort(connection, rc);
    else
        mk_stream_wake(connection->stream);
}

/* --- reading --- */

static void begin_request(struct mk_http_connection *connection,
                          const struct mk_http1_request *request)
{
    connection->answered = false;
    connection->keep_alive = request->keep_alive;
    connection->http10 = request->minor == 0;
    connection->head_only = mk_slice_eq(request->method, MK_SLICE("HEAD"));
    connection->streams = false;
    connection->held = false;
}

/* The body of such a request has no meaning (RFC 9110, 9.3.1), and is not kept. */
static bool is_safe(const struct mk_http1_request *request)
{
    return mk_slice_eq(request->method, MK_SLICE("GET")) ||
           mk_slice_eq(request->method, MK_SLICE("HEAD"));
}

/* Returns whether an unwanted body is read and dropped: if it is short and the client sends it. */
static bool can_skip_body(const struct mk_http1_request *request)
{
    return !request->expect_continue && !request->chunked && request->content_length <= MAX_SKIPPED;
}

/*
 * What is the same at every port: a ping (OPTIONS *: RFC 9110, 9.3.7), and methods that no part of
 * the program implements (15.6.2). Behind a CONNECT the client may already send what it takes for
 * the tunnel's, so the connection ends.
 */
static bool answer_method(struct mk_http_connection *connection,
                          const struct mk_http1_request *request)
{
    struct mk_http_context *context = connection->context;
    bool is_connect = mk_slice_eq(request->method, MK_SLICE("CONNECT"));
    if (mk_slice_eq(request->path, MK_SLICE("*"))) {
        mk_http_respond(connection, 200, (struct mk_slice){ 0 }, (struct mk_slice){ 0 },
                        (struct mk_slice){ 0 });
        return true;
    }
    if (!is_connect && mk_http1_knows_method(request->method))
        return false;
    if (is_connect)
        connection->keep_alive = false;
    context->service->failure(context->arg, connection, 501,
                              is_connect ? "there is no tunnel here" : "unknown method");
    return true;
}

static void pass_head(struct mk_http_connection *connection, const struct mk_http1_request *request)
{
    struct mk_http_context *context = connection->context;
    bool is_usual = mk_slice_eq(request->method, MK_SLICE("POST"));
    if (is_usual || !answer_method(connection, request))
        context->service->head(context->arg, connection, request);
}

static void begin_body(struct mk_http_connection *connection)
{
    connection->in_body = true;
    connection->progress =
        BODY_PROGRESS; /* the timeout starts when the body has to be waited for */
}

static void note_head(struct mk_http_connection *connection)
{
    if (connection->heads++ > 0)
        return;
    connection->idle_for = connection->heads;
    mk_waiter_asked(&connection->waiter);
}

/* The service wants the request. */
static void accept_head(struct mk_http_connection *connection,
                        const struct mk_http1_request *request)
{
    connection->keep_alive = request->keep_alive;
    connection->keeps_body = connection->in_body && !is_safe(request) && !connection->streams;
    if (is_safe(request))
        mk_http1_parser_skip_body(connection->parser);
    if (request->expect_continue)
        say_continue(connection);
}

static void on_head(struct mk_http_connection *connection, const struct mk_http1_request *request)
{
    begin_request(connection, request);
    note_head(connection);
    bool has_body = request->chunked || request->content_length > 0;
    if (has_body)
        begin_body(connection);
    if (has_body && !can_skip_body(request))
        connection->keep_alive = false; /* in case it is refused */
    pass_head(connection, request);
    if (connection->state != MK_HTTP_READING)
        return;
    if (connection->answered)
        mk_http1_parser_skip_body(connection->parser);
    else
        accept_head(connection, request);
}

static void on_request(struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_http_context *context = connection->context;
    if (connection->streams && request->body.len > 0)
        mk_http_connection_pass_piece(connection, request->body);
    if (connection->held)
        mk_http_connection_go_on(connection); /* there is no more of it */
    if (connection->state != MK_HTTP_READING)
        return;
    connection->in_body = false;
    connection->keeps_body = false;
    if (connection->received > 0)
        mk_http_connection_count_received(connection, 0);
    mk_stream_worked(connection->stream, MK_STREAM_REQUEST + request->body.len);
    mk_timeout_arm(&context->idle, &connection->timeout);
    if (connection->answered)
        return;
    connection->state = MK_HTTP_BUSY;
    context->service->request(context->arg, connection, request);
    if (connection->state != MK_HTTP_BUSY)
        return;
    mk_timeout_disarm(&connection->timeout);
    mk_stream_pause(connection->stream);
}

static void on_bad(struct mk_http_connection *connection)
{
    struct mk_http_context *context = connection->context;
    const struct mk_http1_request *request = mk_http1_parser_request(connection->parser);
    const struct mk_http1_error *error = mk_http1_parser_error(connection->parser);
    if (connection->answered && connection->in_body) {
        mk_http_connection_close(
            connection); /* refused already; the error is in the rest of its body */
        return;
    }
    bool head_is_good = request->method.len > 0 && error->status == 413 && !connection->in_body;
    if (head_is_good)
        begin_request(connection, request);
    else if (!connection->in_body)
        connection->head_only = false;
    connection->answered = false;
    connection->keep_alive = false;
    if (head_is_good)
        pass_head(connection, request);
    if (connection->answered)
        return;
    if (head_is_good && connection->streams) { /* its length is the service's affair */
        note_head(connection);
        begin_body(connection);
        accept_head(connection, request);
        return;
    }
    char text[MK_HTTP1_ERROR_TEXT];
    mk_http1_error_text(error, text);
    context->service->failure(context->arg, connection, error->status, text);
}

static void on_parsed(struct mk_http_connection *connection, int status)
{
    if (status == MK_HTTP1_HEAD)
        on_head(connection, mk_http1_parser_request(connection->parser));
    else if (status == MK_HTTP1_PIECE)
        mk_http_connection_pass_piece(connection,
                                      mk_http1_parser_request(connection->parser)->body);
    else if (status == MK_HTTP1_REQUEST)
        on_request(connection, mk_http1_parser_request(connection->parser));
    else if (status == MK_HTTP1_BAD)
        on_bad(connection);
    else if (status < 0)
        mk_http_connection_abort(connection, status);
    if (status == MK_HTTP1_REQUEST)
        mk_http1_parser_done(connection->parser); /* an idle connection keeps no memory of it */
}

/* Part of a request has arrived: the client has to send the rest in time. */
static void on_partial(struct mk_http_connection *connection, size_t came)
{
    struct mk_http_context *context = connection->context;
    if (mk_http1_parser_idle(connection->parser))
        return;
    if (!connection->in_body) {
        if (connection->progress == 0)
            mk_timeout_arm(&context->head, &connection->timeout);
        connection->progress += came;
        return;
    }
    connection->progress += came;
    if (connection->progress >= BODY_PROGRESS) {
        connection->progress = 0;
        mk_timeout_arm(&context->body, &connection->timeout);
    }
}

static void free_connection(struct mk_http_connection *connection)
{
    struct mk_http_context *context = connection->context;
    if (context->service->closed)
        context->service->closed(context->arg, connection);
    mk_timeout_disarm(&connection->timeout);
    mk_handshake_done(&connection->handshake);
    mk_waiter_remove(&connection->waiter);
    mk_list_remove(&connection->node);
    mk_http1_parser_free(connection->parser);
    mk_http_connection_count_received(connection, 0);
    mk_http_connection_clear_lines(connection);
    free(connection);
}

static bool is_held(const struct mk_http_connection *connection)
{
    return connection->held || mk_stream_congested(connection->stream) ||
           mk_stream_yielded(connection->stream);
}

static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_http_connection *connection = owner;
    size_t at = 0;
    int status = MK_HTTP1_NEED_MORE;
    connection->in_read = true;
    /* A request without a body ends with its head: the parser reports it without another byte. */
    while (connection->state == MK_HTTP_READING &&
           (status == MK_HTTP1_HEAD || (at < len && !is_held(connection)))) {
        size_t consumed;
        status = mk_http1_parser_feed(connection->parser, data + at, len - at, &consumed);
        at += consumed;
        if (status == MK_HTTP1_REQUEST)
            connection->progress = 0;
        if (status == MK_HTTP1_NEED_MORE && connection->keeps_body &&
            !mk_http_connection_count_received(connection, connection->received + consumed))
            mk_http_connection_refuse_rest(connection);
        else
            on_parsed(connection, status);
    }
    connection->in_read = false;
    if (connection->state == MK_HTTP_RELEASED) {
        free_connection(connection);
        return at;
    }
    if (connection->state == MK_HTTP_READING && !connection->held)
        on_partial(connection, at);
    return connection->state == MK_HTTP_CLOSING ? len : at;
}

/* --- life --- */

static void on_end(void *owner)
{
    struct mk_http_connection *connection = owner;
    if (connection->state == MK_HTTP_BUSY)
        connection->keep_alive = false; /* the client may still wait for its answer */
    else
        mk_http_connection_close(connection);
}

/*
 * The client waits for its answer and has ended its side: it is gone, or has no further requests. A
 * client that is gone answers an interim response with a reset; any other must accept one (RFC
 * 9110, 15.2), except with HTTP/1.0, which has none.
 */
static void on_hangup(void *owner)
{
    struct mk_http_connection *connection = owner;
    if (connection->state != MK_HTTP_BUSY)
        return;
    if (connection->http10)
        mk_http_connection_abort(connection, -ECONNRESET);
    else
        say_continue(connection);
}

static void on_closed(void *owner, int error)
{
    struct mk_http_connection *connection = owner;
    if (error == -EPROTO)
        mk_log_debug("server", "%s: the TLS handshake failed", "%s：TLS 握手失败",
                     mk_stream_remote(connection->stream));
    if (connection->handshaking && connection->state == MK_HTTP_READING)
        mk_guard_count(connection->context->guard, MK_REFUSAL_TLS);
    connection->state = MK_HTTP_CLOSING;
    free_connection(connection);
}

static const struct mk_stream_events stream_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
    .hangup = on_hangup,
};

static void on_handshake_done(void *arg)
{
    struct mk_http_connection *connection = arg;
    connection->handshaking = false;
    mk_handshake_done(&connection->handshake);
    mk_timeout_arm(&connection->context->idle, &connection->timeout);
}

static int start_tls(struct mk_http_connection *connection)
{
    struct mk_http_context *context = connection->context;
    struct mk_handshake *oldest = NULL;
    if (context->guard)
        oldest = mk_handshake_begin(mk_guard_handshakes(context->guard), &connection->handshake);
    if (oldest) {
        mk_guard_count(context->guard, MK_REFUSAL_TLS_HANDSHAKES);
        mk_http_connection_abort(MK_CONTAINER_OF(oldest, struct mk_http_connection, handshake), 0);
    }
    connection->handshaking = true;
    mk_timeout_arm(&context->head, &connection->timeout);
    return mk_tls_context_accept(context->tls, connection->stream, on_handshake_done, connection);
}

/* --- making room --- */

static struct mk_http_connection *of_waiter(struct mk_waiter *waiter)
{
    return MK_CONTAINER_OF(waiter, struct mk_http_connection, waiter);
}

/* A request that was refused at its head is none, even if its body is still on the way. */
static bool may_end(struct mk_waiter *waiter)
{
    struct mk_http_connection *connection = of_waiter(waiter);
    bool was_idle = connection->idle_for == connection->heads;
    bool has_request =
        connection->state == MK_HTTP_BUSY ||
        (connection->state == MK_HTTP_READING && connection->in_body && !connection->answered);
    connection->idle_for = connection->heads;
    return was_idle && !has_request && mk_stream_backlog(connection->stream) == 0;
}

static void end_waiter(struct mk_waiter *waiter)
{
    mk_http_connection_abort(of_waiter(waiter), 0);
}

void mk_http_connection_open(struct mk_http_context *context, struct mk_stream *stream)
{
    struct mk_guard_client *client = NULL;
    if (context->guard && !(client = mk_guard_admit(context->guard, stream, context->pool))) {
        mk_stream_abort(stream, 0);
        return;
    }
    size_t size = sizeof(struct mk_http_connection) + context->service->state_size;
    struct mk_http_connection *connection = calloc(1, size);
    struct mk_http1_parser *parser = connection ? mk_http1_parser_new(&context->limits) : NULL;
    if (!parser) {
        free(connection);
        mk_stream_abort(stream, -ENOMEM);
        return;
    }
    connection->context = context;
    connection->stream = stream;
    connection->client = client;
    connection->parser = parser;
    connection->state = MK_HTTP_READING;
    connection->waiter =
        (struct mk_waiter){ .stream = stream, .may_end = may_end, .end = end_waiter };
    if (client)
        mk_guard_client_waits(client, &connection->waiter);
    mk_timeout_init(&connection->timeout);
    mk_timeout_arm(&context->idle, &connection->timeout);
    mk_list_push(&context->connections, &connection->node);
    if (context->service->opened)
        context->service->opened(context->arg, connection);
    mk_stream_adopt(stream, &stream_events, connection);
    int rc = context->tls ? start_tls(connection) : 0;
    if (rc < 0)
        mk_http_connection_abort(connection, rc);
}

void mk_http_connection_release(struct mk_http_connection *connection)
{
    connection->state = MK_HTTP_RELEASED;
    if (!connection->in_read)
        free_connection(connection);
}

static struct mk_http_connection *of_timeout(struct mk_timeout *timeout)
{
    return MK_CONTAINER_OF(timeout, struct mk_http_connection, timeout);
}

static void on_idle(struct mk_timeout *timeout)
{
    mk_http_connection_close(of_timeout(timeout));
}

static void on_slow(struct mk_timeout *timeout)
{
    struct mk_http_connection *connection = of_timeout(timeout);
    struct mk_http_context *context = connection->context;
    mk_guard_count(context->guard, connection->handshaking ? MK_REFUSAL_SLOW_TLS
                                   : connection->in_body   ? MK_REFUSAL_SLOW_BODY
                                                           : MK_REFUSAL_SLOW_HEAD);
    connection->keep_alive = false;
    if (!connection->in_body)
        connection->head_only = false; /* the previous request may have been a HEAD */
    if (connection->in_body && connection->answered)
        mk_http_connection_close(connection);
    else
        context->service->failure(context->arg, connection, 408,
                                  connection->in_body ? "the body did not arrive in time"
                                                      : "the request did not arrive in time");
}

int mk_http_context_init(struct mk_http_context *context, struct mk_loop *loop,
                         const struct mk_http_service *service, void *arg)
{
    *context = (struct mk_http_context){
        .loop = loop,
        .service = service,
        .arg = arg,
        .limits = mk_http1_default_limits,
    };
    mk_list_init(&context->connections);
    mk_buf_init(&context->extra, LONGEST_EXTRA);
    int rc = mk_timeouts_init(&context->idle, loop, IDLE_MS, on_idle);
    if (rc < 0)
        return rc;
    rc = mk_timeouts_init(&context->head, loop, HEAD_MS, on_slow);
    if (rc == 0) {
        rc = mk_timeouts_init(&context->body, loop, BODY_MS, on_slow);
        if (rc < 0)
            mk_timeouts_fini(&context->head);
    }
    if (rc < 0)
        mk_timeouts_fini(&context->idle);
    return rc;
}

void mk_http_context_set_guard(struct mk_http_context *context, struct mk_guard *guard)
{
    const struct mk_web_limits *limits = mk_guard_limits(guard);
    context->guard = guard;
    context->limits.header_bytes = (uint32_t)limits->header_bytes;
    context->limits.body = limits->body_bytes;
    context->idle.ms = limits->idle_ms;
    context->head.ms = limits->header_ms;
    context->body.ms = limits->body_ms;
}

void mk_http_context_use_reserved(struct mk_http_context *context)
{
    context->pool = MK_GUARD_RESERVED;
}

void mk_http_context_fini(struct mk_http_context *context)
{
    mk_timeouts_fini(&context->idle);
    mk_timeouts_fini(&context->head);
    mk_timeouts_fini(&context->body);
    mk_buf_fini(&context->extra);
}

void mk_http_context_stop(struct mk_http_context *context)
{
    context->stopping = true;
    MK_LIST_FOR_EACH (node, &context->connections) {
        struct mk_http_connection *connection =
            MK_CONTAINER_OF(node, struct mk_http_connection, node);
        /*
         * Nothing is in transit in either direction: no need to wait until the client closes too.
         */
        bool is_idle =
            connection->state == MK_HTTP_READING && mk_http1_parser_idle(connection->parser);
        if (is_idle && mk_stream_backlog(connection->stream) == 0)
            mk_http_connection_abort(connection, 0);
        else if (is_idle)
            mk_http_connection_close(connection);
    }
}

void mk_http_context_abort(struct mk_http_context *context)
{
    MK_LIST_FOR_EACH (node, &context->connections)
        mk_http_connection_abort(MK_CONTAINER_OF(node, struct mk_http_connection, node), 0);
}
