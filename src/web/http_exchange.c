/*
 * http_exchange: see the header. It is connecting (`connect`) or waiting for the answer (`stream`);
 * every outcome ends in finish.
 */
#include "web/http_exchange.h"

#include "net/connect.h"
#include "net/timer.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LONGEST_ANSWER = 16 * 1024,
    SHOWN_BODY = 1024, /* of a 400, whose reason is in it */
    BODY_MS = 1000,    /* that it is waited for */
    MAX_INTERIM = 8,   /* responses that announce another one (RFC 9110, 15.2) */
};

struct mk_http_exchange {
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_http_exchange_result *result);
    void *arg;
    int (*write)(void *arg, struct mk_buf *out);
    uint32_t answer_ms;
    struct mk_timer *timer; /* limits the wait for the answer */
    struct mk_connect *connect;
    struct mk_stream *stream;
    struct mk_buf answer; /* its head so far; of a 400 with the beginning of its body */
    size_t head_len;      /* of a 400 whose body is awaited; else 0 */
    unsigned interim;
};

static void free_exchange(struct mk_http_exchange *exchange)
{
    mk_timer_free(exchange->timer);
    mk_buf_fini(&exchange->answer);
    free(exchange);
}

static void drop_stream(struct mk_http_exchange *exchange)
{
    if (!exchange->stream)
        return;
    mk_stream_adopt(exchange->stream, NULL, NULL);
    mk_stream_abort(exchange->stream, 0);
    exchange->stream = NULL;
}

struct mk_http_exchange *mk_http_exchange_cancel(struct mk_http_exchange *exchange)
{
    if (!exchange)
        return NULL;
    mk_connect_cancel(exchange->connect);
    drop_stream(exchange);
    free_exchange(exchange);
    return NULL;
}

static void finish(struct mk_http_exchange *exchange, const struct mk_http_exchange_result *result)
{
    if (!result->response)
        drop_stream(exchange);
    exchange->done(exchange->arg, exchange->stream, result);
    free_exchange(exchange);
}

/* Ends it without an answer. */
static void fail(struct mk_http_exchange *exchange, const struct mk_failure *failure)
{
    finish(exchange, &(struct mk_http_exchange_result){ .failure = failure, .connected = true });
}

static void out_of_memory(struct mk_http_exchange *exchange)
{
    struct mk_failure failure;
    fail(exchange, mk_failure_errno(&failure, -ENOMEM));
}

/* --- the answer --- */

static bool is_interim(const struct mk_http1_response *response)
{
    return response->status / 100 == 1 && response->status != 101;
}

/*
 * Reads the final head from the received bytes. `skipped` is the length of interim responses before
 * it.
 */
static int read_head(struct mk_http_exchange *exchange, struct mk_http1_response *response,
                     size_t *skipped, size_t *head_len)
{
    *skipped = 0;
    for (;;) {
        int status = mk_http1_read_response(mk_buf_slice(&exchange->answer), response, head_len);
        if (status != MK_HTTP1_HEAD || !is_interim(response) || exchange->interim++ == MAX_INTERIM)
            return status;
        mk_buf_consume(&exchange->answer, *head_len);
        *skipped += *head_len;
    }
}

/* The bytes are no head of HTTP/1.1. */
static void refuse_head(struct mk_http_exchange *exchange)
{
    struct mk_failure failure;
    struct mk_slice answer = mk_buf_slice(&exchange->answer);
    struct mk_slice name = MK_SLICE("HTTP/");
    size_t len = answer.len < name.len ? answer.len : name.len;
    bool is_http = memcmp(answer.ptr, name.ptr, len) == 0;
    /* An alert, or a handshake. */
    if (answer.ptr[0] == 0x15 || answer.ptr[0] == 0x16)
        mk_failure_say(
            &failure, MK_FAILURE_IS_TLS,
            MK_PHRASE("its answer is not HTTP/1.1 but TLS", "对方的应答不是 HTTP/1.1，而是 TLS"));
    else
        mk_failure_quote(
            mk_failure_say(
                &failure, is_http ? MK_FAILURE_PROTOCOL : MK_FAILURE_NOT_HTTP,
                is_http ? MK_PHRASE("its answer is no valid HTTP: ", "对方的应答不是有效的 HTTP：")
                        : MK_PHRASE("its answer is not HTTP/1.1: it begins with ",
                                    "对方的应答不是 HTTP/1.1：其开头是 ")),
            answer, MK_HTTP_SHOWN);
    failure.is_sent = true;
    fail(exchange, &failure);
}

static void check_head(struct mk_http_exchange *exchange, int status,
                       const struct mk_http1_response *response)
{
    struct mk_failure failure;
    if (status == MK_HTTP1_HEAD)
        finish(exchange,
               &(struct mk_http_exchange_result){ .response = response, .connected = true });
    else if (status == MK_HTTP1_NEED_MORE)
        fail(exchange, mk_failure_set(&failure, MK_FAILURE_TOO_LONG,
                                      "its answer is too long: the head has more than %d bytes",
                                      "对方的应答过长：头部超过 %d 字节", LONGEST_ANSWER));
    else
        refuse_head(exchange);
}

/* --- the body of a 400 --- */

static void finish_refusal(struct mk_http_exchange *exchange)
{
    struct mk_http1_response response;
    size_t head_len;
    mk_http1_read_response(mk_buf_slice(&exchange->answer), &response, &head_len);
    finish(exchange, &(struct mk_http_exchange_result){
                         .response = &response,
                         .body = mk_slice_from(mk_buf_slice(&exchange->answer), head_len),
                         .connected = true,
                     });
}

static size_t on_refusal(void *owner, char *data, size_t len)
{
    struct mk_http_exchange *exchange = owner;
    size_t room = exchange->head_len + SHOWN_BODY - exchange->answer.len;
    size_t some = len < room ? len : room;
    if (mk_buf_append(&exchange->answer, data, some) < 0)
        out_of_memory(exchange);
    else if (some == room)
        finish_refusal(exchange);
    return len;
}

static void on_refusal_end(void *owner)
{
    finish_refusal(owner);
}

static void on_refusal_closed(void *owner, int error)
{
    struct mk_http_exchange *exchange = owner;
    (void)error; /* the answer is there */
    exchange->stream = NULL;
    finish_refusal(exchange);
}

static const struct mk_stream_events refusal_events = {
    .read = on_refusal,
    .end = on_refusal_end,
    .closed = on_refusal_closed,
};

/* The head is in the buffer, perhaps with a part of the body. */
static void await_body(struct mk_http_exchange *exchange, size_t head_len)
{
    exchange->head_len = head_len;
    exchange->answer.max = head_len + SHOWN_BODY;
    mk_stream_adopt(exchange->stream, &refusal_events, exchange);
    mk_timer_start(exchange->timer, BODY_MS);
}

/* --- the answer, continued --- */

/* The head may arrive in pieces; the bytes behind it belong to the next owner. */
static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_http_exchange *exchange = owner;
    struct mk_http1_response response;
    size_t before = exchange->answer.len, skipped, head_len;
    /* A server may send many bytes behind a short head. */
    size_t room = LONGEST_ANSWER - before;
    size_t some = len < room ? len : room;
    if (mk_buf_append(&exchange->answer, data, some) < 0) {
        out_of_memory(exchange);
        return len;
    }
    int status = read_head(exchange, &response, &skipped, &head_len);
    if (status == MK_HTTP1_NEED_MORE && exchange->answer.len < LONGEST_ANSWER)
        return some;
    size_t taken = status == MK_HTTP1_HEAD ? skipped + head_len - before : len;
    if (status == MK_HTTP1_HEAD && response.status == 400) {
        exchange->answer.len = head_len;
        await_body(exchange, head_len);
    } else {
        check_head(exchange, status, &response);
    }
    return taken;
}

static bool was_answered(const struct mk_http_exchange *exchange)
{
    return exchange->answer.len > 0 || exchange->interim > 0;
}

static void on_end(void *owner)
{
    struct mk_http_exchange *exchange = owner;
    struct mk_failure failure;
    if (was_answered(exchange))
        mk_failure_say(&failure, MK_FAILURE_CLOSED,
                       MK_PHRASE("it closed the connection before it answered in full",
                                 "对方在应答完成之前关闭了连接"));
    else
        mk_failure_say(
            &failure, MK_FAILURE_NO_ANSWER,
            MK_PHRASE("it closed the connection before it answered", "对方在应答之前关闭了连接"));
    failure.is_sent = true;
    fail(exchange, &failure);
}

static void on_closed(void *owner, int error)
{
    struct mk_http_exchange *exchange = owner;
    struct mk_failure failure;
    mk_connect_explain(exchange->stream, error, &failure);
    if (failure.kind == MK_FAILURE_CLOSED && !was_answered(exchange)) {
        mk_failure_say(
            &failure, MK_FAILURE_NO_ANSWER,
            MK_PHRASE("it reset the connection before it answered", "对方在应答之前重置了连接"));
        failure.error = error;
    }
    failure.is_sent = true;
    exchange->stream = NULL;
    fail(exchange, &failure);
}

static const struct mk_stream_events waiting_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

static void on_timeout(void *arg)
{
    struct mk_http_exchange *exchange = arg;
    struct mk_failure failure;
    if (exchange->head_len > 0) {
        finish_refusal(exchange);
        return;
    }
    mk_failure_set(&failure, MK_FAILURE_TIMEOUT, "it did not answer in time", "对方未及时应答");
    failure.error = -ETIMEDOUT;
    failure.is_sent = true;
    fail(exchange, &failure);
}

/* --- the question --- */

int mk_http_exchange_host(struct mk_buf *out, const struct mk_url *url)
{
    int rc = mk_buf_append_slice(out, url->authority_host);
    return rc < 0 || url->default_port ? rc : mk_buf_printf(out, ":%u", url->port);
}

static void on_connected(void *arg, struct mk_stream *stream, const struct mk_failure *failure)
{
    struct mk_http_exchange *exchange = arg;
    exchange->connect = NULL;
    if (!stream) {
        finish(exchange, &(struct mk_http_exchange_result){ .failure = failure });
        return;
    }
    exchange->stream = stream;
    mk_stream_adopt(stream, &waiting_events, exchange);
    if (exchange->write(exchange->arg, mk_stream_output(stream)) < 0) {
        out_of_memory(exchange);
        return;
    }
    mk_stream_wake(stream);
    mk_timer_start(exchange->timer, exchange->answer_ms);
}

struct mk_http_exchange *mk_http_exchange_start(
    struct mk_loop *loop, const struct mk_http_exchange_options *options,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_http_exchange_result *result),
    void *arg)
{
    struct mk_http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return NULL;
    exchange->done = done;
    exchange->arg = arg;
    exchange->write = options->write;
    exchange->answer_ms = options->answer_ms;
    mk_buf_init(&exchange->answer, LONGEST_ANSWER);
    exchange->timer = mk_timer_new(loop, on_timeout, exchange);
    char *host = mk_slice_dup(options->url->host);
    struct mk_connect_options connect = {
        .host = host,
        .port = options->url->port,
        .tls = options->url->tls,
        .tls_context = options->tls,
        .timeout_ms = options->connect_ms,
    };
    if (exchange->timer && host)
        exchange->connect = mk_connect_start(loop, &connect, on_connected, exchange);
    free(host);
    return exchange->connect ? exchange : mk_http_exchange_cancel(exchange);
}
