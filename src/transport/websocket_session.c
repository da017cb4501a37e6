/* websocket_session: see the header. */
#include "transport/websocket_session.h"

#include "base/log.h"
#include "protocol/reply.h"
#include "wire/deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDLE_MS = 30 * 1000,
    PATIENCE_MS = 15 * 1000,
    LONGEST_NUMBER = 21,
};

struct mk_session {
    struct mk_list node;
    struct mk_session_context *context;
    struct mk_websocket *websocket;
    void (*gone)(void *arg);
    void *arg;
    struct mk_caller caller;
    struct mk_subscription events;
    uint64_t received; /* the peer has every event up to this number */
    uint64_t pinged;   /* the number of the last ping for a receipt; 0: none */
    char pinged_text[LONGEST_NUMBER];
    bool stopping;
};

int mk_session_context_init(struct mk_session_context *context, struct mk_loop *loop,
                            enum mk_ws_role role, struct mk_dispatch *dispatch, struct mk_hub *hub,
                            enum mk_dialect dialect, enum mk_envelope envelope,
                            const char *transport)
{
    context->dispatch = dispatch;
    context->hub = hub;
    context->dialect = dialect;
    context->envelope = envelope;
    context->transport = transport;
    context->compresses = true;
    return mk_websocket_context_init(&context->websocket, loop, role, 0, IDLE_MS, PATIENCE_MS);
}

struct mk_deflate *mk_session_context_deflate(const struct mk_session_context *context)
{
    return context->compresses ? context->hub->deflate : NULL;
}

void mk_session_context_limit(struct mk_session_context *context,
                              const struct mk_session_limits *limits)
{
    context->websocket.message_limit = limits->message_bytes;
    context->websocket.receiving = limits->receiving;
    context->most_calls = limits->calls_in_flight;
    context->most_held = limits->pending_bytes;
    context->most_lag = limits->lag_bytes;
}

void mk_session_context_fini(struct mk_session_context *context)
{
    mk_websocket_context_fini(&context->websocket);
}

static void on_overrun(struct mk_subscription *subscription)
{
    struct mk_session *session = MK_CONTAINER_OF(subscription, struct mk_session, events);
    mk_log_warn(session->context->transport, "%s does not receive its events: closing it",
                "%s 未接收事件：关闭连接",
                mk_stream_remote(mk_websocket_stream(session->websocket)));
    mk_websocket_close(session->websocket, MK_WS_TRY_AGAIN_LATER, MK_SLICE("too slow for events"));
}

/* --- calls --- */

static void close_when_answered(struct mk_session *session)
{
    if (session->stopping && session->caller.in_flight == 0)
        mk_websocket_close(session->websocket, MK_WS_GOING_AWAY, MK_SLICE("milky is stopping"));
}

static bool is_full(const struct mk_session *session)
{
    return session->caller.in_flight >= session->context->most_calls ||
           session->caller.held >= session->context->most_held;
}

static void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct mk_session *session = MK_CONTAINER_OF(caller, struct mk_session, caller);
    struct mk_ws_open open;
    struct mk_buf *out = mk_websocket_begin(session->websocket, &open);
    if (out)
        mk_websocket_end(session->websocket, MK_WS_TEXT, &open, mk_reply_write_message(out, call));
    if (!is_full(session))
        mk_websocket_resume(session->websocket);
    close_when_answered(session);
}

/* Some clients send JSON as binary; the reader of JSON checks that it is UTF-8. */
static bool begins_as_call(struct mk_slice payload)
{
    size_t at = 0;
    while (at < payload.len && memchr(" \t\r\n", payload.ptr[at], 4))
        at++;
    return at < payload.len && payload.ptr[at] == '{';
}

static void on_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct mk_session *session = owner;
    struct mk_session_context *context = session->context;
    if (session->stopping || !context->dispatch)
        return;
    if (opcode == MK_WS_BINARY && !begins_as_call(payload)) {
        mk_websocket_close(session->websocket, MK_WS_UNSUPPORTED_DATA,
                           MK_SLICE("calls are text messages"));
        return;
    }
    struct mk_buf message;
    if (mk_websocket_take(session->websocket, &message))
        mk_dispatch_message_take(context->dispatch, context->dialect, &message, &session->caller);
    else
        mk_dispatch_message(context->dispatch, context->dialect, payload, &session->caller);
    if (is_full(session))
        mk_websocket_pause(session->websocket);
}

/* A small message that becomes a very large one. */
static void on_cut(void *owner)
{
    struct mk_session *session = owner;
    if (!session->stopping && session->context->dispatch)
        mk_dispatch_too_large(session->context->dispatch, &session->caller);
}

/* --- receipts --- */

/* The ping is sent behind the events that it asks for, and a peer reads in order. */
static void request_receipt(struct mk_session *session)
{
    uint64_t taken = mk_reader_taken(&session->events.reader);
    if (session->pinged > 0 || taken <= session->received)
        return;
    session->pinged = taken;
    snprintf(session->pinged_text, LONGEST_NUMBER, "%llu", (unsigned long long)taken);
    mk_websocket_send(session->websocket, MK_WS_PING, mk_slice_str(session->pinged_text));
}

static void on_sent(void *owner)
{
    request_receipt(owner);
}

/*
 * Repeats the number that is not answered yet, so that a peer that answers only the last ping sends
 * a receipt too.
 */
static struct mk_slice ping_payload(void *owner)
{
    const struct mk_session *session = owner;
    return session->pinged > 0 ? mk_slice_str(session->pinged_text) : (struct mk_slice){ 0 };
}

static void on_pong(void *owner, struct mk_slice payload)
{
    struct mk_session *session = owner;
    if (session->pinged == 0 || !mk_slice_eq(payload, mk_slice_str(session->pinged_text)))
        return;
    session->received = session->pinged;
    session->pinged = 0;
    session->context->received(session->arg, session->received);
    request_receipt(session);
}

/* --- life --- */

static void on_closed(void *owner, uint16_t code, const char *why)
{
    struct mk_session *session = owner;
    struct mk_session_context *context = session->context;
    mk_websocket_explain(session->websocket, &context->ended);
    mk_failure_hide(&context->ended, context->secret);
    bool has_cause = context->ended.kind != MK_FAILURE_NONE;
    mk_log_info(context->transport, "%s disconnected (%u: %s)", "%s 已断开（%u：%s）",
                mk_stream_remote(mk_websocket_stream(session->websocket)), code,
                has_cause ? mk_failure_text(&context->ended) : why);
    if (context->unanswered_pings && mk_websocket_ping_timed_out(session->websocket))
        ++*context->unanswered_pings;
    mk_caller_fini(&session->caller);
    mk_subscription_fini(&session->events);
    mk_list_remove(&session->node);
    if (session->gone)
        session->gone(session->arg);
    free(session);
}

static const struct mk_websocket_events websocket_events = {
    .message = on_message,
    .cut = on_cut,
    .closed = on_closed,
};

static const struct mk_websocket_events websocket_events_with_receipts = {
    .message = on_message,
    .cut = on_cut,
    .pong = on_pong,
    .ping_payload = ping_payload,
    .sent = on_sent,
    .closed = on_closed,
};

static enum mk_framing framing_of(enum mk_ws_role role, bool compressed)
{
    if (role == MK_WS_CLIENT)
        return compressed ? MK_FRAMING_WEBSOCKET_MASKED_DEFLATE : MK_FRAMING_WEBSOCKET_MASKED;
    return compressed ? MK_FRAMING_WEBSOCKET_DEFLATE : MK_FRAMING_WEBSOCKET;
}

static struct mk_event_format format_of(const struct mk_session_context *context, bool numbered,
                                        bool compressed)
{
    struct mk_event_format format = {
        .dialect = context->dialect,
        .envelope = context->envelope,
        .framing = framing_of(context->websocket.role, compressed),
        .filter = context->filter,
    };
    if (numbered && format.envelope == MK_ENVELOPE_BARE)
        format.envelope = MK_ENVELOPE_BARE_NUMBERED;
    else if (numbered)
        format.envelope = MK_ENVELOPE_WRAPPED_NUMBERED;
    return format;
}

struct mk_session *mk_session_new(struct mk_session_context *context, struct mk_stream *stream,
                                  uint64_t since, struct mk_compression *compression,
                                  struct mk_list *list, void (*gone)(void *arg), void *arg)
{
    struct mk_session *session = malloc(sizeof(*session));
    if (!session) {
        compression->window = mk_inflate_window_free(compression->window);
        return NULL;
    }
    *session =
        (struct mk_session){ .context = context, .gone = gone, .arg = arg, .received = since };
    mk_caller_init(&session->caller, on_reply);
    struct mk_event_format format =
        format_of(context, since != MK_READER_LIVE, compression->codec && !context->sends_plain);
    if (mk_subscription_start(&session->events, context->hub, stream, &format, since,
                              context->most_lag, on_overrun) < 0) {
        compression->window = mk_inflate_window_free(compression->window);
        free(session);
        return NULL;
    }
    session->websocket = mk_websocket_new(
        &context->websocket, stream,
        context->received ? &websocket_events_with_receipts : &websocket_events, session);
    if (!session->websocket) {
        mk_subscription_stop(&session->events);
        compression->window = mk_inflate_window_free(compression->window);
        free(session);
        return NULL;
    }
    mk_websocket_set_compression(session->websocket, compression);
    if (context->sends_plain)
        mk_websocket_send_plain(session->websocket);
    mk_list_push(list, &session->node);
    mk_log_info(context->transport, "%s connected", "%s 已连接", mk_stream_remote(stream));
    return session;
}

void mk_session_stop_all(struct mk_list *list)
{
    MK_LIST_FOR_EACH (node, list) {
        struct mk_session *session = MK_CONTAINER_OF(node, struct mk_session, node);
        session->stopping = true;
        close_when_answered(session);
    }
}

void mk_session_abort_all(struct mk_list *list)
{
    MK_LIST_FOR_EACH (node, list)
        mk_websocket_abort(MK_CONTAINER_OF(node, struct mk_session, node)->websocket, 0);
}

void mk_session_measure(const struct mk_list *list, struct mk_connection_stats *stats)
{
    MK_LIST_FOR_EACH (node, list)
        mk_connection_stats_add(stats, &MK_CONTAINER_OF(node, struct mk_session, node)->events);
}
