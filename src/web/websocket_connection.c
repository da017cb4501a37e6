/*
 * websocket_connection: see the header. The states are open, closing (our close frame was sent, the
 * peer's is awaited) and done (both were sent, or the peer violated the protocol: the stream is
 * closing).
 */
#include "web/websocket_connection.h"

#include "base/error_text.h"
#include "web/websocket_end.h"
#include "wire/deflate.h"

#include <errno.h>
#include <stdlib.h>

enum state { OPEN, CLOSING, DONE };

struct mk_websocket {
    struct mk_websocket_context *context;
    struct mk_stream *stream;
    const struct mk_websocket_events *events;
    void *owner;
    struct mk_timeout timeout;
    uint64_t received_at; /* time of the last received byte, in loop time */
    uint64_t pinged_at;   /* time of the last keep-alive ping */
    struct mk_ws_parser parser;
    struct mk_inflate_window *window; /* of the peer's messages; NULL: each begins anew */
    size_t received;                  /* bytes of a message that has not arrived whole */
    uint16_t peer_code;
    uint8_t state;
    bool ping_timed_out; /* a ping was not answered */
    bool is_plain;       /* what is sent is not compressed */
    bool peer_closed;    /* its close frame has come */
    bool sent_too_much;  /* beyond web/receiving.h */
    uint16_t own_code;   /* of the close frame that we have begun with; 0: none */
    int error;           /* a negative errno, with which the connection ended; 0: none */
    const char *why;     /* static text, or NULL */
    char *peer_reason;   /* of its close frame; or NULL */
    size_t peer_reason_len;
    const struct mk_phrase *wrong; /* the rule that the peer violated, static; or NULL */
};

static struct mk_websocket *of_timeout(struct mk_timeout *timeout)
{
    return MK_CONTAINER_OF(timeout, struct mk_websocket, timeout);
}

/*
 * `idle` expired. Reading only notes the time, so the timeout may have to be armed for the rest. A
 * paused connection is not read: no ping is sent, and no answer is expected.
 */
static void send_idle_ping(struct mk_timeout *timeout)
{
    struct mk_websocket *websocket = of_timeout(timeout);
    struct mk_websocket_context *context = websocket->context;
    if (mk_stream_paused(websocket->stream) ||
        mk_loop_now(context->loop) - websocket->received_at < context->idle.ms) {
        mk_timeout_arm(&context->idle, timeout);
        return;
    }
    websocket->pinged_at = mk_loop_now(context->loop);
    struct mk_slice says = { 0 };
    if (websocket->events->ping_payload)
        says = websocket->events->ping_payload(websocket->owner);
    mk_websocket_send(websocket, MK_WS_PING, says);
    mk_timeout_arm(&context->patience, timeout);
}

/* `patience` expired. */
static void give_up(struct mk_timeout *timeout)
{
    struct mk_websocket *websocket = of_timeout(timeout);
    struct mk_websocket_context *context = websocket->context;
    bool was_received =
        mk_stream_paused(websocket->stream) || websocket->received_at >= websocket->pinged_at;
    if (websocket->state == OPEN && was_received) {
        mk_timeout_arm(&context->idle, timeout);
        return;
    }
    websocket->ping_timed_out = websocket->state == OPEN;
    websocket->why = websocket->state == OPEN
                         ? mk_tr("no answer to a ping", "对 ping 没有应答")
                         : mk_tr("no answer to a close frame", "对关闭帧没有应答");
    mk_stream_abort(websocket->stream, -ETIMEDOUT);
}

int mk_websocket_context_init(struct mk_websocket_context *context, struct mk_loop *loop,
                              enum mk_ws_role role, size_t message_limit, uint64_t idle_ms,
                              uint64_t patience_ms)
{
    context->loop = loop;
    context->role = role;
    context->message_limit = message_limit;
    context->receiving = NULL;
    int rc = mk_timeouts_init(&context->idle, loop, idle_ms, send_idle_ping);
    if (rc < 0)
        return rc;
    rc = mk_timeouts_init(&context->patience, loop, patience_ms, give_up);
    if (rc < 0)
        mk_timeouts_fini(&context->idle);
    return rc;
}

void mk_websocket_context_fini(struct mk_websocket_context *context)
{
    mk_timeouts_fini(&context->idle);
    mk_timeouts_fini(&context->patience);
}

/*
 * Wakes the stream after its output grew, or ends the connection when out of memory or over a
 * limit.
 */
static void sent(struct mk_websocket *websocket, int rc)
{
    if (rc == 0) {
        mk_stream_wake(websocket->stream);
        return;
    }
    websocket->why = rc == -ENOBUFS ? mk_tr("it does not receive its messages", "对方未接收消息")
                                    : mk_tr("out of memory", "内存不足");
    websocket->state = DONE;
    websocket->error = rc;
    mk_stream_abort(websocket->stream, rc);
}

/* Returns NULL for a server, whose frames are not masked. */
static struct mk_random *masks(const struct mk_websocket *websocket)
{
    return websocket->context->role == MK_WS_CLIENT ? &websocket->context->masks : NULL;
}

/* Nothing may follow a close frame (RFC 6455, 5.5.1): a source is removed at the end of a frame. */
static void send_close(struct mk_websocket *websocket, uint16_t code, struct mk_slice reason)
{
    mk_stream_set_source(websocket->stream, NULL);
    sent(websocket,
         mk_ws_write_close(mk_stream_output(websocket->stream), masks(websocket), code, reason));
}

/* Both close frames were sent, or the peer violated the framing. */
static void finish(struct mk_websocket *websocket)
{
    if (websocket->state == DONE)
        return;
    websocket->state = DONE;
    mk_timeout_disarm(&websocket->timeout);
    mk_stream_close(websocket->stream);
}

static void on_close_frame(struct mk_websocket *websocket, const struct mk_ws_event *event)
{
    websocket->peer_code = event->code;
    websocket->peer_closed = true;
    if (event->payload.len > 0) /* without memory it is not shown */
        websocket->peer_reason = mk_slice_dup(event->payload);
    websocket->peer_reason_len = websocket->peer_reason ? event->payload.len : 0;
    websocket->why = mk_tr("closed by the peer", "由对方关闭");
    if (websocket->state == OPEN)
        send_close(websocket, event->code, (struct mk_slice){ 0 });
    finish(websocket);
}

static void on_failure(struct mk_websocket *websocket, const struct mk_ws_event *event)
{
    websocket->why = event->reason->en;
    websocket->wrong = event->reason;
    if (websocket->own_code == 0)
        websocket->own_code = event->code;
    if (websocket->state == OPEN)
        send_close(websocket, event->code, mk_slice_str(event->reason->en));
    finish(websocket);
}

enum { CONTROL_WORK = 64 };

static void on_cut(struct mk_websocket *websocket)
{
    if (websocket->events->cut)
        websocket->events->cut(websocket->owner);
    else
        mk_websocket_close(websocket, MK_WS_TOO_BIG,
                           MK_SLICE("a message is too long when it is decompressed"));
}

static size_t work_of(const struct mk_ws_event *event, int status)
{
    if (event->cut)
        return MK_STREAM_SHARE;
    return status == MK_WS_MESSAGE ? MK_STREAM_REQUEST + event->payload.len : CONTROL_WORK;
}

static void on_event(struct mk_websocket *websocket, int status)
{
    const struct mk_ws_event *event = &websocket->parser.event;
    mk_stream_worked(websocket->stream, work_of(event, status));
    if (status == MK_WS_FAIL)
        on_failure(websocket, event);
    else if (event->opcode == MK_WS_CLOSE)
        on_close_frame(websocket, event);
    else if (event->opcode == MK_WS_PING)
        mk_websocket_send(websocket, MK_WS_PONG, event->payload);
    else if (event->opcode == MK_WS_PONG) {
        if (websocket->state == OPEN && websocket->events->pong)
            websocket->events->pong(websocket->owner, event->payload);
    } else if (event->cut && websocket->state == OPEN)
        on_cut(websocket);
    else if (status == MK_WS_MESSAGE && websocket->state == OPEN)
        websocket->events->message(websocket->owner, event->opcode, event->payload);
}

/* Returns whether nothing more is to be read for now. */
static bool is_held(const struct mk_stream *stream)
{
    return mk_stream_paused(stream) || mk_stream_congested(stream) || mk_stream_yielded(stream);
}

/* Frees what has arrived at once: the stream may linger until the peer has read this. */
static void refuse_rest(struct mk_websocket *websocket)
{
    websocket->why = mk_tr("too many bytes of messages are arriving (limits.receiving_bytes)",
                           "正在接收的消息字节数过多（limits.receiving_bytes）");
    websocket->sent_too_much = true;
    if (websocket->state == OPEN)
        send_close(websocket, MK_WS_TRY_AGAIN_LATER,
                   MK_SLICE("too many bytes of messages are arriving: try again later"));
    if (websocket->own_code == 0)
        websocket->own_code = MK_WS_TRY_AGAIN_LATER;
    finish(websocket);
    mk_ws_parser_fini(&websocket->parser);
}

static void count_received(struct mk_websocket *websocket)
{
    struct mk_receiving *receiving = websocket->context->receiving;
    size_t now = websocket->parser.message.len;
    if (now == websocket->received || mk_receiving_count(receiving, &websocket->received, now))
        return;
    refuse_rest(websocket);
    mk_receiving_count(receiving, &websocket->received, 0);
}

/* On a message the owner may pause the stream (too many calls in flight), write much, or close. */
static size_t on_read(void *owner, char *data, size_t len)
{
    struct mk_websocket *websocket = owner;
    size_t at = 0;
    websocket->received_at = mk_loop_now(websocket->context->loop);
    while (at < len && websocket->state != DONE) {
        if (is_held(websocket->stream))
            return at;
        size_t consumed;
        int status = mk_ws_parser_feed(&websocket->parser, data + at, len - at, &consumed);
        at += consumed;
        if (status < 0) {
            sent(websocket, status);
            break;
        }
        if (status != MK_WS_NEED_MORE) {
            on_event(websocket, status);
            mk_ws_parser_release(&websocket->parser);
        }
        count_received(websocket);
    }
    return len;
}

static void on_end(void *owner)
{
    struct mk_websocket *websocket = owner;
    if (!websocket->why)
        websocket->why =
            mk_tr("the peer disconnected without a close frame", "对方未发送关闭帧即断开");
    finish(websocket);
}

/*
 * The connection is paused, and the peer has ended its side without a close frame. An unsolicited
 * pong (RFC 6455, 5.5.3) needs no answer; if the peer is gone, it causes a reset.
 */
static void on_hangup(void *owner)
{
    mk_websocket_send(owner, MK_WS_PONG, (struct mk_slice){ 0 });
}

static void on_sent(void *owner)
{
    struct mk_websocket *websocket = owner;
    if (websocket->state == OPEN)
        websocket->events->sent(websocket->owner);
}

static void on_closed(void *owner, int error)
{
    struct mk_websocket *websocket = owner;
    const char *why = websocket->why;
    if (websocket->error == 0)
        websocket->error = error;
    if (!why)
        why = error < 0 ? mk_error_text(-error) : mk_tr("closed", "已关闭");
    mk_timeout_disarm(&websocket->timeout);
    websocket->events->closed(websocket->owner, websocket->peer_code, why);
    mk_ws_parser_fini(&websocket->parser);
    mk_receiving_count(websocket->context->receiving, &websocket->received, 0);
    mk_inflate_window_free(websocket->window);
    free(websocket->peer_reason);
    free(websocket);
}

/* An owner without `sent` is not called after each send. */
static const struct mk_stream_events stream_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
    .hangup = on_hangup,
};

static const struct mk_stream_events stream_events_with_sent = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
    .drained = on_sent,
    .sent = on_sent,
    .hangup = on_hangup,
};

struct mk_websocket *mk_websocket_new(struct mk_websocket_context *context,
                                      struct mk_stream *stream,
                                      const struct mk_websocket_events *events, void *owner)
{
    struct mk_websocket *websocket = malloc(sizeof(*websocket));
    if (!websocket)
        return NULL;
    *websocket = (struct mk_websocket){
        .context = context,
        .stream = stream,
        .events = events,
        .owner = owner,
        .received_at = mk_loop_now(context->loop),
        .peer_code = MK_WS_ABNORMAL,
        .state = OPEN,
    };
    mk_ws_parser_init(&websocket->parser, context->role, context->message_limit);
    mk_timeout_init(&websocket->timeout);
    mk_timeout_arm(&context->idle, &websocket->timeout);
    mk_stream_adopt(stream, events->sent ? &stream_events_with_sent : &stream_events, websocket);
    return websocket;
}

void mk_websocket_set_deflate(struct mk_websocket *websocket, struct mk_deflate *deflate)
{
    mk_ws_parser_set_deflate(&websocket->parser, deflate);
}

void mk_websocket_set_compression(struct mk_websocket *websocket,
                                  const struct mk_compression *compression)
{
    mk_ws_parser_set_deflate(&websocket->parser, compression->codec);
    mk_ws_parser_set_window(&websocket->parser, compression->window);
    mk_inflate_window_free(websocket->window);
    websocket->window = compression->window;
}

void mk_websocket_send_plain(struct mk_websocket *websocket)
{
    websocket->is_plain = true;
}

struct mk_stream *mk_websocket_stream(const struct mk_websocket *websocket)
{
    return websocket->stream;
}

bool mk_websocket_take(struct mk_websocket *websocket, struct mk_buf *message)
{
    return mk_ws_parser_take(&websocket->parser, message);
}

void mk_websocket_pause(struct mk_websocket *websocket)
{
    mk_stream_pause(websocket->stream);
}

void mk_websocket_resume(struct mk_websocket *websocket)
{
    if (!mk_stream_paused(websocket->stream))
        return;
    websocket->received_at = mk_loop_now(websocket->context->loop);
    mk_stream_resume(websocket->stream);
}

void mk_websocket_explain(const struct mk_websocket *websocket, struct mk_failure *failure)
{
    const struct mk_websocket_end end = {
        .stream = websocket->stream,
        .error = websocket->error,
        .peer_closed = websocket->peer_closed,
        .peer_code = websocket->peer_code,
        .peer_reason = mk_slice_of(websocket->peer_reason, websocket->peer_reason_len),
        .own_code = websocket->own_code,
        .wrong = websocket->wrong,
        .sent_too_much = websocket->sent_too_much,
        .unanswered_ms = websocket->ping_timed_out ? websocket->context->patience.ms : 0,
    };
    mk_websocket_end_explain(&end, failure);
}

bool mk_websocket_ping_timed_out(const struct mk_websocket *websocket)
{
    return websocket->ping_timed_out;
}

static bool compresses(const struct mk_websocket *websocket)
{
    return websocket->parser.deflate && !websocket->is_plain;
}

/* Returns false if it should be sent uncompressed. */
static bool send_compressed(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                            struct mk_slice payload)
{
    struct mk_deflate *deflate = websocket->parser.deflate;
    bool is_data = opcode == MK_WS_TEXT || opcode == MK_WS_BINARY;
    if (!is_data || !mk_deflate_compress(deflate, payload, &payload))
        return false;
    sent(websocket, mk_ws_write_compressed(mk_stream_output(websocket->stream), masks(websocket),
                                           opcode, payload));
    mk_deflate_release_deflated(deflate);
    return true;
}

void mk_websocket_send(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                       struct mk_slice payload)
{
    if (websocket->state != OPEN)
        return;
    if (compresses(websocket) && send_compressed(websocket, opcode, payload))
        return;
    sent(websocket,
         mk_ws_write_frame(mk_stream_output(websocket->stream), masks(websocket), opcode, payload));
}

struct mk_buf *mk_websocket_begin(struct mk_websocket *websocket, struct mk_ws_open *open)
{
    if (websocket->state != OPEN)
        return NULL;
    struct mk_buf *out = mk_stream_output(websocket->stream);
    int rc = mk_ws_begin_frame(out, masks(websocket), open);
    if (rc == 0)
        return out;
    sent(websocket, rc);
    return NULL;
}

/* Replaces the payload by the compressed one; returns false if that is not worth it. */
static bool compress_written(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                             struct mk_buf *out, const struct mk_ws_open *open, int *rc)
{
    struct mk_deflate *deflate = websocket->parser.deflate;
    struct mk_slice payload = mk_slice_from(mk_buf_slice(out), open->payload);
    if (!compresses(websocket) || !mk_deflate_compress(deflate, payload, &payload))
        return false;
    out->len = open->begin;
    *rc = mk_ws_write_compressed(out, masks(websocket), opcode, payload);
    mk_deflate_release_deflated(deflate);
    return true;
}

void mk_websocket_end(struct mk_websocket *websocket, enum mk_ws_opcode opcode,
                      const struct mk_ws_open *open, int rc)
{
    struct mk_buf *out = mk_stream_output(websocket->stream);
    if (rc == 0 && !compress_written(websocket, opcode, out, open, &rc))
        rc = mk_ws_end_frame(out, masks(websocket), opcode, open);
    if (rc < 0)
        out->len = open->begin;
    sent(websocket, rc);
}

void mk_websocket_close(struct mk_websocket *websocket, uint16_t code, struct mk_slice reason)
{
    if (websocket->state != OPEN)
        return;
    websocket->own_code = code;
    send_close(websocket, code, reason);
    if (websocket->state == DONE)
        return;
    websocket->state = CLOSING;
    mk_timeout_arm(&websocket->context->patience, &websocket->timeout);
    /* A paused stream would never read the answer. */
    mk_stream_resume(websocket->stream);
}

void mk_websocket_abort(struct mk_websocket *websocket, int error)
{
    websocket->state = DONE;
    mk_stream_abort(websocket->stream, error);
}
