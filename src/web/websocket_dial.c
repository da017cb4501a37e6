/* websocket_dial: see the header. Sends the request (web/http_exchange), and checks the answer. */
#include "web/websocket_dial.h"

#include "web/http_exchange.h"
#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <stdlib.h>

enum { LONGEST_REQUEST = 16 * 1024 };

struct mk_websocket_dial {
    struct mk_websocket_dial_options options;
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome);
    void *arg;
    struct mk_http_exchange *exchange;
    char key[MK_WS_KEY_LEN];
};

struct mk_websocket_dial *mk_websocket_dial_cancel(struct mk_websocket_dial *dial)
{
    if (!dial)
        return NULL;
    mk_http_exchange_cancel(dial->exchange);
    free(dial);
    return NULL;
}

/* --- the answer --- */

static void check_answer(struct mk_websocket_dial *dial, const struct mk_http1_response *response,
                         struct mk_dial_outcome *outcome)
{
    outcome->step = MK_DIAL_ANSWERED;
    if (response->status != 101) {
        mk_http_exchange_refused(&outcome->failure, response->status, "WebSocket");
        return;
    }
    bool *deflate = dial->options.offers_deflate ? &outcome->deflate : NULL;
    const char *wrong = mk_ws_handshake_verify(response, dial->key, deflate);
    if (wrong)
        mk_failure_set(&outcome->failure, MK_FAILURE_PROTOCOL, "%s", "%s", wrong);
    else
        outcome->step = MK_DIAL_DONE;
}

static void on_exchange_done(void *arg, struct mk_stream *stream,
                             const struct mk_http_exchange_result *result)
{
    struct mk_websocket_dial *dial = arg;
    struct mk_dial_outcome outcome = { .step = MK_DIAL_CONNECTING };
    dial->exchange = NULL;
    if (result->response)
        check_answer(dial, result->response, &outcome);
    else
        outcome.failure = *result->failure;
    if (!result->response && result->connected)
        outcome.step = MK_DIAL_HANDSHAKING;
    if (stream && outcome.step != MK_DIAL_DONE) {
        mk_stream_adopt(stream, NULL, NULL);
        mk_stream_abort(stream, 0);
        stream = NULL;
    }
    dial->done(dial->arg, stream, &outcome);
    free(dial);
}

/* --- the request --- */

static int write_request(void *arg, struct mk_buf *out)
{
    struct mk_websocket_dial *dial = arg;
    const struct mk_websocket_dial_options *options = &dial->options;
    struct mk_buf target, host, extra;
    mk_ws_handshake_key(dial->key);
    mk_buf_init(&target, LONGEST_REQUEST);
    mk_buf_init(&host, LONGEST_REQUEST);
    mk_buf_init(&extra, LONGEST_REQUEST);
    int rc = mk_url_write_target(&target, options->url, options->token ? "access_token" : NULL,
                                 mk_slice_str(options->token));
    if (rc == 0)
        rc = mk_http_exchange_host(&host, options->url);
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
    const struct mk_http_exchange_options ask = {
        .url = options->url,
        .tls = options->tls,
        .connect_ms = options->connect_ms,
        .answer_ms = options->handshake_ms,
        .write = write_request,
    };
    dial->exchange = mk_http_exchange_start(loop, &ask, on_exchange_done, dial);
    return dial->exchange ? dial : mk_websocket_dial_cancel(dial);
}
