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
    MAX_INTERIM = 8, /* responses that announce another one (RFC 9110, 15.2) */
};

struct mk_http_exchange {
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_http_exchange_result *result);
    void *arg;
    int (*write)(void *arg, struct mk_buf *out);
    uint32_t answer_ms;
    struct mk_timer *timer; /* limits the wait for the answer */
    struct mk_connect *connect;
    struct mk_stream *stream;
    struct mk_buf answer; /* its head so far */
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

void mk_http_exchange_refused(struct mk_failure *failure, unsigned status, const char *protocol)
{
    if (status == 401)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: it wants an access_token",
                       "对方应答 %u：需要 access_token", status);
    else if (status == 403)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: the access_token is wrong",
                       "对方应答 %u：access_token 错误", status);
    else if (status == 404)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: there is no %s at this path",
                       "对方应答 %u：此路径上没有 %s", status, protocol);
    else if (status / 100 == 3)
        mk_failure_set(failure, MK_FAILURE_STATUS,
                       "it answered %u, a redirect, which is not followed",
                       "对方应答 %u：这是重定向，不会跟随", status);
    else
        mk_failure_status(failure, status);
    failure->status = status;
}

static void check_head(struct mk_http_exchange *exchange, int status,
                       const struct mk_http1_response *response)
{
    struct mk_failure failure;
    if (status == MK_HTTP1_HEAD)
        finish(exchange,
               &(struct mk_http_exchange_result){ .response = response, .connected = true });
    else if (status == MK_HTTP1_NEED_MORE)
        fail(exchange, mk_failure_set(&failure, MK_FAILURE_TOO_LONG, "its answer is too long",
                                      "对方的应答过长"));
    else
        fail(exchange, mk_failure_set(&failure, MK_FAILURE_PROTOCOL, "its answer is not HTTP/1.1",
                                      "对方的应答不是 HTTP/1.1"));
}

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
    check_head(exchange, status, &response);
    return taken;
}

static void on_end(void *owner)
{
    struct mk_http_exchange *exchange = owner;
    struct mk_failure failure;
    fail(exchange,
         mk_failure_set(&failure, MK_FAILURE_NO_ANSWER,
                        "it closed the connection before it answered", "对方在应答之前关闭了连接"));
}

static void on_closed(void *owner, int error)
{
    struct mk_http_exchange *exchange = owner;
    struct mk_failure failure;
    exchange->stream = NULL;
    fail(exchange, mk_failure_errno(&failure, error));
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
    fail(exchange, mk_failure_set(&failure, MK_FAILURE_TIMEOUT, "it did not answer in time",
                                  "对方未及时应答"));
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
