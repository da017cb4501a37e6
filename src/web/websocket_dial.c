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

static void explain_wrong(const struct mk_ws_answer *answer, struct mk_failure *failure)
{
    static const enum mk_failure_kind kinds[] = {
        [MK_WS_WRONG_ANSWER] = MK_FAILURE_HANDSHAKE,
        [MK_WS_WRONG_PROTOCOL] = MK_FAILURE_SUBPROTOCOL,
        [MK_WS_WRONG_EXTENSION] = MK_FAILURE_EXTENSION,
    };
    mk_failure_say(failure, kinds[answer->wrong],
                   MK_PHRASE("it answered 101, but ", "对方应答 101，但"));
    mk_failure_add(failure, answer->why);
    if (answer->seen.ptr) {
        mk_failure_add(failure, MK_PHRASE(": ", "："));
        mk_failure_quote(failure, answer->seen, MK_HTTP_SHOWN);
    }
    failure->is_sent = true;
}

static void check_answer(struct mk_websocket_dial *dial,
                         const struct mk_http_exchange_result *result,
                         struct mk_dial_outcome *outcome)
{
    const struct mk_http1_response *response = result->response;
    struct mk_ws_answer answer;
    outcome->step = MK_DIAL_ANSWERED;
    if (response->status != 101) {
        const struct mk_http_asked asked = {
            .protocol = "WebSocket",
            .tls = dial->options.url->tls,
            .token = dial->options.token,
        };
        mk_http_exchange_refused(&outcome->failure, result, &asked);
        outcome->retry_after_ms = mk_http_exchange_retry_after(response);
    } else if (!mk_ws_handshake_verify(response, dial->key, dial->options.offers_deflate,
                                       &answer)) {
        explain_wrong(&answer, &outcome->failure);
    } else {
        outcome->step = MK_DIAL_DONE;
        outcome->deflate = answer.deflate.accepted;
        outcome->client_bits = answer.deflate.client_bits;
    }
}

static void on_exchange_done(void *arg, struct mk_stream *stream,
                             const struct mk_http_exchange_result *result)
{
    struct mk_websocket_dial *dial = arg;
    struct mk_dial_outcome outcome = {
        .step = MK_DIAL_CONNECTING,
        .offered_deflate = dial->options.offers_deflate,
    };
    dial->exchange = NULL;
    if (result->response)
        check_answer(dial, result, &outcome);
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
