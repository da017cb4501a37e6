/*
 * sse_client: see the header. It is requesting (`exchange`) or reading (`stream`). If its owner
 * cancels it while it parses bytes, it is freed when that has returned.
 */
#include "web/sse_client.h"

#include "net/timer.h"
#include "web/http_exchange.h"
#include "wire/http1_chunks.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST_REQUEST = 16 * 1024 };

static const struct mk_phrase at_end = { "it ended the stream of events", "对方结束了事件流" };
static const struct mk_phrase no_length = { "it does not say where its answer ends",
                                            "对方没有说明应答在何处结束" };

struct mk_sse_client {
    struct mk_loop *loop;
    struct mk_sse_client_options options;
    const struct mk_sse_client_events *events;
    void *owner;
    struct mk_http_exchange *exchange;
    struct mk_stream *stream;
    struct mk_timer *idle;
    uint64_t received_at; /* time of the last received byte, in loop time */
    struct mk_sse_parser parser;
    struct mk_http1_chunks chunks;
    uint64_t left; /* bytes of a body of known length still to come */
    bool chunked;
    bool busy; /* on_read is on the stack */
    bool over; /* cancelled, or `closed` was called */
};

static void free_client(struct mk_sse_client *client)
{
    mk_timer_free(client->idle);
    mk_sse_parser_fini(&client->parser);
    free(client);
}

static void drop_stream(struct mk_sse_client *client)
{
    if (!client->stream)
        return;
    mk_stream_adopt(client->stream, NULL, NULL);
    mk_stream_abort(client->stream, 0);
    client->stream = NULL;
}

/* Ends it; no callback is called after this. */
static void end(struct mk_sse_client *client)
{
    client->over = true;
    drop_stream(client);
    if (!client->busy)
        free_client(client);
}

struct mk_sse_client *mk_sse_client_cancel(struct mk_sse_client *client)
{
    if (!client || client->over)
        return NULL;
    client->exchange = mk_http_exchange_cancel(client->exchange);
    end(client);
    return NULL;
}

/* Called below on_read, which frees the client afterwards. */
static void fail_reading(struct mk_sse_client *client, enum mk_failure_kind kind,
                         const struct mk_phrase *why)
{
    struct mk_failure failure;
    client->over = true;
    drop_stream(client);
    client->events->closed(client->owner, mk_failure_say(&failure, kind, why));
}

static void fail(struct mk_sse_client *client, const struct mk_failure *failure)
{
    client->over = true;
    drop_stream(client);
    client->events->closed(client->owner, failure);
    if (!client->busy)
        free_client(client);
}

static void fail_for(struct mk_sse_client *client, enum mk_failure_kind kind,
                     const struct mk_phrase *why)
{
    struct mk_failure failure;
    fail(client, mk_failure_say(&failure, kind, why));
}

struct mk_slice mk_sse_client_last_id(const struct mk_sse_client *client)
{
    return mk_sse_parser_last_id(&client->parser);
}

int64_t mk_sse_client_retry(const struct mk_sse_client *client)
{
    return client->parser.retry_ms;
}

/* --- reading --- */

static void take_text(struct mk_sse_client *client, struct mk_slice text)
{
    while (text.len > 0 && !client->over) {
        size_t consumed;
        int rc = mk_sse_parser_feed(&client->parser, text.ptr, text.len, &consumed);
        text = mk_slice_from(text, consumed);
        if (rc == MK_SSE_EVENT)
            client->events->event(client->owner, &client->parser.event);
        else if (rc == -ENOBUFS)
            fail_reading(client, MK_FAILURE_TOO_LONG,
                         MK_PHRASE("an event is too long", "事件过长"));
        else if (rc < 0)
            fail_reading(client, MK_FAILURE_NO_MEMORY, MK_PHRASE("out of memory", "内存不足"));
    }
}

static void fail_chunks(struct mk_sse_client *client)
{
    static const struct mk_phrase wrong[] = {
        [MK_HTTP1_CHUNKS_WRONG_SIZE] = { "its answer is no valid HTTP: the size of a chunk",
                                         "对方的应答不是有效的 HTTP：分块的大小" },
        [MK_HTTP1_CHUNKS_WRONG_END] = { "its answer is no valid HTTP: no CRLF is behind a chunk",
                                        "对方的应答不是有效的 HTTP：分块之后没有 CRLF" },
        [MK_HTTP1_CHUNKS_WRONG_TRAILER] = { "its answer is no valid HTTP: a trailer",
                                            "对方的应答不是有效的 HTTP：尾部字段" },
        [MK_HTTP1_CHUNKS_LONG_EXTRA] = { "its chunk extensions or trailers are too long",
                                         "对方的分块扩展或尾部字段过长" },
    };
    bool is_long = client->chunks.wrong == MK_HTTP1_CHUNKS_LONG_EXTRA;
    fail_reading(client, is_long ? MK_FAILURE_TOO_LONG : MK_FAILURE_PROTOCOL,
                 &wrong[client->chunks.wrong]);
}

static void take_chunks(struct mk_sse_client *client, struct mk_slice input)
{
    while (input.len > 0 && !client->over) {
        size_t consumed;
        struct mk_slice data;
        int status = mk_http1_chunks_feed(&client->chunks, input, &consumed, &data);
        input = mk_slice_from(input, consumed);
        if (status == MK_HTTP1_CHUNKS_DATA)
            take_text(client, data);
        else if (status == MK_HTTP1_CHUNKS_END)
            fail_reading(client, MK_FAILURE_CLOSED, &at_end);
        else if (status == MK_HTTP1_CHUNKS_BAD)
            fail_chunks(client);
    }
}

static void take_body(struct mk_sse_client *client, struct mk_slice input)
{
    if (input.len > client->left)
        input.len = (size_t)client->left;
    client->left -= input.len;
    take_text(client, input);
    if (client->left == 0 && !client->over)
        fail_reading(client, MK_FAILURE_CLOSED, &at_end);
}

static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_sse_client *client = owner;
    struct mk_slice input = mk_slice_of(data, len);
    client->received_at = mk_loop_now(client->loop);
    client->busy = true;
    if (client->chunked)
        take_chunks(client, input);
    else
        take_body(client, input);
    client->busy = false;
    if (client->over)
        free_client(client);
    return len;
}

/* Without a length, the end of the connection ends the body. */
static void on_end(void *owner)
{
    struct mk_sse_client *client = owner;
    bool is_whole = !client->chunked && client->left > UINT64_MAX / 2;
    fail_for(client, MK_FAILURE_CLOSED,
             is_whole ? &at_end : MK_PHRASE("it closed the connection", "对方关闭了连接"));
}

static void on_closed(void *owner, int error)
{
    struct mk_sse_client *client = owner;
    struct mk_failure failure;
    client->stream = NULL;
    fail(client, mk_failure_errno(&failure, error));
}

static const struct mk_stream_events reading_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

/* Reading only notes the time, so the timer may have to be started for the rest. */
static void on_idle(void *arg)
{
    struct mk_sse_client *client = arg;
    uint64_t silent = mk_loop_now(client->loop) - client->received_at;
    if (silent < client->options.idle_ms)
        mk_timer_start(client->idle, client->options.idle_ms - silent);
    else
        fail_for(
            client, MK_FAILURE_TIMEOUT,
            MK_PHRASE("it sends nothing, not even a comment", "对方什么都不发送，连注释也没有"));
}

/* --- the answer --- */

/* Returns false where it is not a length, or an impossible one. */
static bool read_length(struct mk_slice text, uint64_t *length)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || number > UINT64_MAX / 100)
            return false;
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *length = number;
    return text.len > 0;
}

static const struct mk_phrase no_stream = {
    "its answer is not a stream of events (text/event-stream)",
    "对方的应答不是事件流（text/event-stream）",
};
static const struct mk_phrase is_compressed = {
    "its answer is compressed, which was not asked for",
    "对方的应答经过压缩，而请求没有要求",
};

/* Returns the error of an answer whose status is right, or NULL. */
static const struct mk_phrase *note_answer(struct mk_sse_client *client,
                                           const struct mk_http1_response *response)
{
    struct mk_slice type = mk_http1_response_find(response, MK_SLICE("Content-Type"));
    struct mk_slice coding = mk_http1_response_find(response, MK_SLICE("Transfer-Encoding"));
    struct mk_slice content = mk_http1_response_find(response, MK_SLICE("Content-Encoding"));
    struct mk_slice length = mk_http1_response_find(response, MK_SLICE("Content-Length"));
    struct mk_slice wanted = MK_SLICE("text/event-stream");
    struct mk_slice essence = mk_slice_of(type.ptr, type.len < wanted.len ? type.len : wanted.len);
    bool is_longer = type.len > wanted.len && !memchr("; \t", type.ptr[wanted.len], 3);
    if (!mk_slice_eq_nocase(essence, wanted) || is_longer)
        return &no_stream;
    if (content.len > 0 && !mk_slice_eq_nocase(content, MK_SLICE("identity")))
        return &is_compressed;
    client->chunked = coding.ptr != NULL;
    if (client->chunked && (length.ptr || !mk_slice_eq_nocase(coding, MK_SLICE("chunked"))))
        return &no_length;
    client->left = UINT64_MAX;
    if (length.ptr && !read_length(length, &client->left))
        return &no_length;
    return NULL;
}

static void on_exchange_done(void *arg, struct mk_stream *stream,
                             const struct mk_http_exchange_result *result)
{
    struct mk_sse_client *client = arg;
    struct mk_failure failure;
    client->exchange = NULL;
    client->stream = stream;
    if (!stream) {
        fail(client, result->failure);
        return;
    }
    if (result->response->status != 200) {
        const struct mk_http_asked asked = {
            .protocol = "text/event-stream",
            .tls = client->options.url->tls,
            .token = client->options.token,
        };
        mk_http_exchange_refused(&failure, result, &asked);
        fail(client, &failure);
        return;
    }
    const struct mk_phrase *wrong = note_answer(client, result->response);
    if (wrong) {
        fail_for(client, MK_FAILURE_PROTOCOL, wrong);
        return;
    }
    mk_stream_adopt(stream, &reading_events, client);
    client->received_at = mk_loop_now(client->loop);
    if (client->options.idle_ms > 0)
        mk_timer_start(client->idle, client->options.idle_ms);
    client->busy = true;
    if (client->events->opened)
        client->events->opened(client->owner);
    client->busy = false;
    if (client->over)
        free_client(client);
    else if (client->left == 0)
        fail_for(client, MK_FAILURE_CLOSED, &at_end);
}

/* --- the request --- */

static int write_line(struct mk_buf *out, const char *name, struct mk_slice value)
{
    return mk_buf_printf(out, "%s%.*s\r\n", name, (int)value.len, value.len > 0 ? value.ptr : "");
}

static int write_request(void *arg, struct mk_buf *out)
{
    struct mk_sse_client *client = arg;
    const struct mk_sse_client_options *options = &client->options;
    struct mk_buf text;
    mk_buf_init(&text, LONGEST_REQUEST);
    int rc = mk_buf_append_slice(&text, MK_SLICE("GET "));
    if (rc == 0)
        rc = mk_url_write_target(&text, options->url, NULL, (struct mk_slice){ 0 });
    if (rc == 0)
        rc = mk_buf_append_slice(&text, MK_SLICE(" HTTP/1.1\r\nHost: "));
    if (rc == 0)
        rc = mk_http_exchange_host(&text, options->url);
    if (rc == 0)
        rc = mk_buf_append_slice(&text, MK_SLICE("\r\nAccept: text/event-stream\r\n"
                                                 "Accept-Encoding: identity\r\n"
                                                 "Cache-Control: no-store\r\n"));
    if (rc == 0 && options->token)
        rc = write_line(&text, "Authorization: Bearer ", mk_slice_str(options->token));
    if (rc == 0 && options->last_event_id.len > 0)
        rc = write_line(&text, "Last-Event-ID: ", options->last_event_id);
    if (rc == 0)
        rc = mk_buf_append_slice(&text, options->extra);
    if (rc == 0)
        rc = mk_buf_append_slice(&text, MK_SLICE("\r\n"));
    if (rc == 0)
        rc = mk_buf_append_slice(out, mk_buf_slice(&text));
    mk_buf_fini(&text);
    return rc;
}

struct mk_sse_client *mk_sse_client_start(struct mk_loop *loop,
                                          const struct mk_sse_client_options *options,
                                          const struct mk_sse_client_events *events, void *owner)
{
    struct mk_sse_client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->loop = loop;
    client->options = *options;
    client->events = events;
    client->owner = owner;
    mk_sse_parser_init(&client->parser, options->most);
    const struct mk_http_exchange_options ask = {
        .url = options->url,
        .tls = options->tls,
        .connect_ms = options->connect_ms,
        .answer_ms = options->answer_ms,
        .write = write_request,
    };
    client->idle = mk_timer_new(loop, on_idle, client);
    int rc =
        client->idle ? mk_sse_parser_resume_from(&client->parser, options->last_event_id) : -ENOMEM;
    if (rc == 0)
        client->exchange = mk_http_exchange_start(loop, &ask, on_exchange_done, client);
    if (client->exchange)
        return client;
    free_client(client);
    return NULL;
}
