/*
 * websocket_dial: see the header. It is connecting (`connect`) or shaking hands (`stream`);
 * whatever ends it does so by way of finish.
 */
#include "web/websocket_dial.h"

#include "net/connect.h"
#include "net/timer.h"
#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST_ANSWER = 16 * 1024, LONGEST_REQUEST = 16 * 1024 };

struct mk_websocket_dial {
    struct mk_websocket_dial_options options;
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome);
    void *arg;
    struct mk_timer *timer; /* the end of patience with a handshake */
    struct mk_connect *connect;
    struct mk_stream *stream;
    struct mk_buf answer; /* the head of the server's response, so far */
    char key[MK_WS_KEY_LEN];
};

static void free_dial(struct mk_websocket_dial *dial)
{
    mk_timer_free(dial->timer);
    mk_buf_fini(&dial->answer);
    free(dial);
}

static void let_go(struct mk_websocket_dial *dial)
{
    if (!dial->stream)
        return;
    mk_stream_hand_over(dial->stream, NULL, NULL);
    mk_stream_abort(dial->stream, 0);
    dial->stream = NULL;
}

struct mk_websocket_dial *mk_websocket_dial_cancel(struct mk_websocket_dial *dial)
{
    if (!dial)
        return NULL;
    mk_connect_cancel(dial->connect);
    let_go(dial);
    free_dial(dial);
    return NULL;
}

static void finish(struct mk_websocket_dial *dial, const struct mk_dial_outcome *outcome)
{
    if (outcome->step != MK_DIAL_DONE)
        let_go(dial);
    dial->done(dial->arg, dial->stream, outcome);
    free_dial(dial);
}

/* No whole answer came, or one that is wrong. */
static void fail(struct mk_websocket_dial *dial, enum mk_dial_step step, enum mk_failure_kind kind,
                 const char *why)
{
    struct mk_dial_outcome outcome = { .step = step };
    mk_failure_set(&outcome.failure, kind, "%s", why);
    finish(dial, &outcome);
}

/* --- shaking hands --- */

static void refused(struct mk_websocket_dial *dial, unsigned status)
{
    struct mk_dial_outcome outcome = { .step = MK_DIAL_ANSWERED };
    const char *more = "";
    if (status == 401)
        more = ": it wants an access_token";
    else if (status == 403)
        more = ": the access_token is wrong";
    else if (status == 404)
        more = ": there is no WebSocket at this path";
    else if (status / 100 == 3)
        more = ", a redirect, which is not followed";
    mk_failure_status(&outcome.failure, status, more);
    finish(dial, &outcome);
}

static void judge(struct mk_websocket_dial *dial, const struct mk_http1_response *response)
{
    struct mk_dial_outcome outcome = { .step = MK_DIAL_DONE };
    if (response->status != 101) {
        refused(dial, response->status);
        return;
    }
    bool *deflate = dial->options.offers_deflate ? &outcome.deflate : NULL;
    const char *wrong = mk_ws_handshake_verify(response, dial->key, deflate);
    if (wrong)
        fail(dial, MK_DIAL_ANSWERED, MK_FAILURE_PROTOCOL, wrong);
    else
        finish(dial, &outcome);
}

/* The head of the response may come in pieces; what follows it belongs to the next owner. */
static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_websocket_dial *dial = owner;
    struct mk_http1_response response;
    size_t before = dial->answer.len;
    size_t head_len;
    /* A busy server may send much behind a short head. */
    size_t room = LONGEST_ANSWER - before;
    if (mk_buf_append(&dial->answer, data, len < room ? len : room) < 0) {
        fail(dial, MK_DIAL_ASKING, MK_FAILURE_NO_MEMORY, "out of memory");
        return len;
    }
    int status = mk_http1_read_response(mk_buf_slice(&dial->answer), &response, &head_len);
    if (status == MK_HTTP1_NEED_MORE && len <= room)
        return len;
    if (status == MK_HTTP1_NEED_MORE)
        fail(dial, MK_DIAL_ASKING, MK_FAILURE_TOO_LONG, "its answer to the handshake is too long");
    else if (status != MK_HTTP1_HEAD)
        fail(dial, MK_DIAL_ASKING, MK_FAILURE_PROTOCOL,
             "its answer to the handshake is not HTTP/1.1");
    else
        judge(dial, &response);
    return status == MK_HTTP1_HEAD ? head_len - before : len;
}

static void on_end(void *owner)
{
    fail(owner, MK_DIAL_ASKING, MK_FAILURE_NO_ANSWER,
         "it closed the connection during the handshake");
}

static void on_closed(void *owner, int error)
{
    struct mk_websocket_dial *dial = owner;
    dial->stream = NULL;
    struct mk_dial_outcome outcome = { .step = MK_DIAL_ASKING };
    mk_failure_errno(&outcome.failure, error);
    finish(dial, &outcome);
}

static const struct mk_stream_events handshake_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

static void on_timeout(void *arg)
{
    fail(arg, MK_DIAL_ASKING, MK_FAILURE_TIMEOUT, "it did not answer the handshake in time");
}

/* The Host header has the port only where it is not the scheme's own. */
static int write_request(struct mk_websocket_dial *dial, struct mk_buf *out)
{
    const struct mk_websocket_dial_options *options = &dial->options;
    const struct mk_url *url = options->url;
    struct mk_buf target, host, extra;
    mk_buf_init(&target, LONGEST_REQUEST);
    mk_buf_init(&host, LONGEST_REQUEST);
    mk_buf_init(&extra, LONGEST_REQUEST);
    int rc = mk_url_write_target(&target, url, options->token ? "access_token" : NULL,
                                 mk_slice_str(options->token));
    if (rc == 0)
        rc = mk_buf_append_slice(&host, url->authority_host);
    if (rc == 0 && !url->default_port)
        rc = mk_buf_printf(&host, ":%u", url->port);
    if (rc == 0)
        rc = mk_buf_append_slice(&extra, options->extra);
    if (rc == 0 && options->offers_deflate)
        rc = mk_buf_append_slice(&extra, mk_ws_deflate_offer());
    if (rc == 0)
        rc = mk_ws_handshake_request(out, mk_buf_slice(&target), mk_buf_slice(&host), dial->key,
                                     mk_buf_slice(&extra));
    mk_buf_fini(&target);
    mk_buf_fini(&host);
    mk_buf_fini(&extra);
    return rc;
}

static void on_connected(void *arg, struct mk_stream *stream, const struct mk_failure *failure)
{
    struct mk_websocket_dial *dial = arg;
    dial->connect = NULL;
    if (!stream) {
        finish(dial, &(struct mk_dial_outcome){ MK_DIAL_CONNECTING, *failure, false });
        return;
    }
    dial->stream = stream;
    mk_stream_adopt(stream, &handshake_events, dial);
    mk_ws_handshake_key(dial->key);
    if (write_request(dial, mk_stream_output(stream)) < 0) {
        fail(dial, MK_DIAL_ASKING, MK_FAILURE_NO_MEMORY, "out of memory");
        return;
    }
    mk_stream_wake(stream);
    mk_timer_start(dial->timer, dial->options.handshake_ms);
}

struct mk_websocket_dial *mk_websocket_dial_start(
    struct mk_loop *loop, const struct mk_websocket_dial_options *options,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome),
    void *arg)
{
    struct mk_websocket_dial *dial = calloc(1, sizeof(*dial));
    if (!dial)
        return NULL;
    dial->options = *options;
    dial->done = done;
    dial->arg = arg;
    mk_buf_init(&dial->answer, LONGEST_ANSWER);
    dial->timer = mk_timer_new(loop, on_timeout, dial);
    char *host = mk_slice_dup(options->url->host);
    struct mk_connect_options connect = {
        .host = host,
        .port = options->url->port,
        .tls = options->url->tls,
        .tls_context = options->tls,
        .timeout_ms = options->connect_ms,
    };
    if (dial->timer && host)
        dial->connect = mk_connect_start(loop, &connect, on_connected, dial);
    free(host);
    return dial->connect ? dial : mk_websocket_dial_cancel(dial);
}
