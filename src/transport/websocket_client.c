/*
 * websocket_client: see the header. It is in one of these states: waiting (the timer runs),
 * connecting, with the handshake (`dial`), open (`sessions`), stopped.
 */
#include "transport/websocket_client.h"

#include "base/backoff.h"
#include "base/error_text.h"
#include "base/log.h"
#include "net/timer.h"
#include "transport/remote.h"
#include "transport/websocket_session.h"
#include "web/websocket_dial.h"
#include "wire/deflate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 15 * 1000,
    HANDSHAKE_MS = 15 * 1000,
    FIRST_WAIT_MS = 500,
    MAX_WAIT_MS = 15 * 1000,
    LONGEST_HEADERS = 1024,
    STEADY_MS = 10 * 1000, /* a connection that lasted this long resets the backoff */
};

static const char module[] = "websocket_client";

struct client {
    struct mk_transport transport;
    struct mk_session_context sessions;
    struct mk_list open; /* none or one session */
    struct mk_loop *loop;
    char *text; /* the URL; `url` borrows from it */
    struct mk_url url;
    char *token;
    struct mk_tls_context *tls; /* or NULL */
    uint64_t received;          /* with replay: the last event that the server has acknowledged */
    bool replay;
    struct mk_timer *timer; /* the next try */
    struct mk_backoff backoff;
    struct mk_websocket_dial *dial;
    struct mk_buf headers;     /* whole lines: the bot's number, and the origin */
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    uint64_t opened;
    struct mk_health health;
    bool plain; /* the negotiation of compression has failed: it is not offered for now */
    bool stopped;
};

static struct client *client_of(struct mk_transport *transport)
{
    return MK_CONTAINER_OF(transport, struct client, transport);
}

static void connect_now(struct client *client);

/* Plans the next try, not earlier than `least` ms from now. Returns the wait. */
static uint32_t plan(struct client *client, const struct mk_failure *failure, uint32_t least)
{
    uint32_t wait = mk_backoff_next(&client->backoff);
    if (wait < least)
        wait = least;
    mk_health_fail(&client->health, failure, wait);
    mk_timer_start(client->timer, wait);
    return wait;
}

static void try_later(struct client *client, const struct mk_failure *failure, uint32_t least)
{
    struct mk_failure shown = *failure;
    if (client->stopped)
        return;
    mk_failure_hide(&shown, client->token);
    uint32_t wait = plan(client, &shown, least);
    mk_log_warn(module, "%s: %s; next try in %u.%u s", "%s：%s；%u.%u 秒后重试", client->name,
                mk_failure_text(&shown), wait / 1000, wait % 1000 / 100);
}

/* --- open --- */

static void on_session_gone(void *arg)
{
    struct client *client = arg;
    struct mk_failure failure = client->sessions.ended;
    if (client->stopped)
        return;
    if (mk_loop_now(client->loop) - client->opened >= STEADY_MS) {
        mk_backoff_reset(&client->backoff);
        client->plain = false;
    }
    if (failure.kind == MK_FAILURE_NONE)
        mk_failure_say(&failure, MK_FAILURE_LOST, MK_PHRASE("disconnected", "连接已断开"));
    uint32_t wait = plan(client, &failure, 0);
    mk_log_warn(module, "%s: disconnected; next try in %u.%u s: %s",
                "%s：连接已断开；%u.%u 秒后重试：%s", client->name, wait / 1000, wait % 1000 / 100,
                mk_failure_text(&failure));
}

static void open_session(struct client *client, struct mk_stream *stream,
                         struct mk_deflate *deflate)
{
    struct mk_compression compression = { .codec = deflate };
    uint64_t since = client->replay ? client->received : MK_READER_LIVE;
    struct mk_failure failure;
    if (!mk_session_new(&client->sessions, stream, since, &compression, &client->open,
                        on_session_gone, client)) {
        mk_stream_adopt(stream, NULL, NULL);
        mk_stream_abort(stream, -ENOMEM);
        try_later(client, mk_failure_errno(&failure, -ENOMEM), 0);
        return;
    }
    mk_health_succeed(&client->health);
    client->opened = mk_loop_now(client->loop);
}

/* --- connecting and waiting --- */

/* Some servers refuse a handshake with an extension that they do not know as malformed. */
static bool may_refuse_compression(const struct mk_dial_outcome *outcome)
{
    return outcome->offered_deflate && outcome->failure.kind == MK_FAILURE_STATUS &&
           outcome->failure.status == 400;
}

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome)
{
    struct client *client = arg;
    client->dial = NULL;
    if (stream) {
        client->sessions.sends_plain = outcome->client_bits < MK_DEFLATE_WINDOW_BITS;
        open_session(client, stream,
                     outcome->deflate ? mk_session_context_deflate(&client->sessions) : NULL);
    } else if (may_refuse_compression(outcome)) {
        struct mk_failure shown = outcome->failure;
        mk_failure_hide(&shown, client->token);
        mk_log_info(module, "%s: %s; trying without compression", "%s：%s；改为不压缩重试",
                    client->name, mk_failure_text(&shown));
        client->plain = true;
        connect_now(client);
    } else {
        client->plain = client->plain || outcome->failure.kind == MK_FAILURE_EXTENSION;
        try_later(client, &outcome->failure, outcome->retry_after_ms);
    }
}

static void connect_now(struct client *client)
{
    const struct mk_websocket_dial_options options = {
        .url = &client->url,
        .token = client->token,
        .extra = mk_buf_slice(&client->headers),
        .tls = client->tls,
        .connect_ms = CONNECT_MS,
        .handshake_ms = HANDSHAKE_MS,
        .offers_deflate = !client->plain && mk_session_context_deflate(&client->sessions) != NULL,
    };
    struct mk_failure failure;
    mk_health_try(&client->health);
    client->dial = mk_websocket_dial_start(client->loop, &options, on_dialled, client);
    if (!client->dial)
        try_later(client, mk_failure_errno(&failure, -ENOMEM), 0);
}

static void on_timer(void *arg)
{
    connect_now(arg);
}

/* --- with replay --- */

static void on_received(void *arg, uint64_t number)
{
    struct client *client = arg;
    struct mk_hub *hub = client->sessions.hub;
    client->received = number;
    if (hub->journal)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(client->text), number);
}

/* Finds the event to start behind; a new client starts with events from now on. */
static int find_start(struct client *client)
{
    const struct mk_hub *hub = client->sessions.hub;
    client->received = hub->events;
    if (!hub->journal)
        return 0;
    return mk_journal_start_sink(hub->journal, hub->self_id, mk_slice_str(client->text),
                                 &client->received);
}

/* --- making --- */

static void free_client(struct mk_transport *transport)
{
    struct client *client = client_of(transport);
    mk_timer_free(client->timer);
    mk_session_context_fini(&client->sessions);
    mk_websocket_dial_cancel(client->dial);
    mk_tls_context_free(client->tls);
    mk_event_filter_unref(client->sessions.filter);
    mk_buf_fini(&client->headers);
    free(client->token);
    free(client->text);
    free(client);
}

static struct client *client_new(const struct mk_transport_context *context,
                                 enum mk_dialect dialect)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    if (mk_session_context_init(&client->sessions, context->loop, MK_WS_CLIENT, context->dispatch,
                                context->hub, dialect, MK_ENVELOPE_WRAPPED, module) < 0) {
        free(client);
        return NULL;
    }
    mk_session_context_limit(&client->sessions, context->limits);
    client->sessions.unanswered_pings = context->unanswered_pings;
    mk_transport_init(&client->transport, &mk_websocket_client_class);
    mk_list_init(&client->open);
    client->loop = context->loop;
    client->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MAX_WAIT_MS };
    mk_buf_init(&client->headers, LONGEST_HEADERS);
    return client;
}

static int write_headers(struct client *client, const char *origin)
{
    int rc = mk_buf_printf(&client->headers, "X-Self-ID: %llu\r\n",
                           (unsigned long long)client->sessions.hub->self_id);
    return rc == 0 && origin ? mk_buf_printf(&client->headers, "Origin: %s\r\n", origin) : rc;
}

/* The URL was validated before. Returns 0, -ENOMEM, or -EINVAL, logged. */
static int configure(struct client *client, const struct milky_remote *config)
{
    struct mk_slice token = mk_slice_str(config->access_token);
    const struct milky_remote_tls *tls = &config->tls;
    client->timer = mk_timer_new(client->loop, on_timer, client);
    client->text = mk_slice_dup(mk_slice_str(config->url));
    client->transport.own_messages = config->own_messages;
    if (mk_event_filter_new(&config->events, config->own_messages, &client->sessions.filter) < 0)
        return -ENOMEM;
    client->token = token.len > 0 ? mk_slice_dup(token) : NULL;
    client->transport.identity = mk_transport_key(
        "%s\n%d\n%s\n%s\n%d\n%d\n%s\n%s\n%s\n%d\n%llx", config->url, config->dialect,
        token.len > 0 ? token.ptr : "", config->origin ? config->origin : "", config->replay,
        config->no_compression, tls->ca ? tls->ca : "", tls->certificate ? tls->certificate : "",
        tls->key ? tls->key : "", tls->insecure_skip_verify,
        (unsigned long long)mk_event_filter_hash(client->sessions.filter));
    if (!client->timer || !client->text || (token.len > 0 && !client->token) ||
        !client->transport.identity || mk_url_parse(mk_slice_str(client->text), &client->url))
        return -ENOMEM;
    if (write_headers(client, config->origin) < 0)
        return -ENOMEM;
    client->health.traits =
        mk_remote_traits(MK_REMOTE_WEBSOCKET, client->url.tls, client->token, config->origin);
    mk_remote_name(mk_slice_str(client->text), client->name);
    client->sessions.secret = client->token;
    client->sessions.compresses = !config->no_compression;
    client->replay = config->replay;
    if (config->replay) {
        client->sessions.received = on_received;
        client->transport.sink = client->text;
    }
    return mk_remote_load_tls(module, config, &client->tls);
}

static int add_clients(const struct mk_transport_context *context, const struct milky_bot *config,
                       struct mk_list *transports)
{
    int rc = 0;
    for (size_t i = 0; i < config->websocket_client_count && rc == 0; i++) {
        const struct milky_remote *remote = &config->websocket_client[i];
        struct client *client = client_new(context, mk_transport_dialect(remote->dialect));
        rc = client ? configure(client, remote) : -ENOMEM;
        if (rc == 0)
            mk_list_push(transports, &client->transport.node);
        else if (client)
            mk_transport_free(&client->transport);
    }
    return rc;
}

/* --- life --- */

static int start(struct mk_transport *transport)
{
    struct client *client = client_of(transport);
    int rc = client->replay ? find_start(client) : 0;
    if (rc < 0) {
        mk_log_error(module, "bot %llu: cannot start: %s", "Bot %llu：无法启动：%s",
                     (unsigned long long)client->sessions.hub->self_id, mk_error_text(-rc));
        return rc;
    }
    connect_now(client);
    return 0;
}

/* The contents of the files may have changed. */
static void adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    struct client *client = client_of(transport), *other = client_of(fresh);
    struct mk_tls_context *tls = client->tls;
    client->tls = other->tls;
    other->tls = tls;
}

/* Answers open calls, closes with 1001, and does not reconnect. */
static void stop(struct mk_transport *transport)
{
    struct client *client = client_of(transport);
    client->stopped = true;
    mk_timer_stop(client->timer);
    client->dial = mk_websocket_dial_cancel(client->dial);
    mk_session_stop_all(&client->open);
}

static void drop(struct mk_transport *transport)
{
    mk_session_abort_all(&client_of(transport)->open);
}

static void abort_client(struct mk_transport *transport)
{
    stop(transport);
    drop(transport);
}

static bool is_idle(const struct mk_transport *transport)
{
    const struct client *client = MK_CONTAINER_OF(transport, const struct client, transport);
    return client->stopped && mk_list_empty(&client->open);
}

/* --- reporting --- */

enum { ATTEMPTS, CONNECTS, RECONNECTS, FAILING };

static const struct mk_transport_counter counters[] = {
    [ATTEMPTS] = { "attempts", "milky_websocket_client_attempts_total", "counter",
                   "Attempts to connect." },
    [CONNECTS] = { "connects", "milky_websocket_client_connects_total", "counter",
                   "Connections that were established." },
    [RECONNECTS] = { "reconnects", "milky_websocket_client_reconnects_total", "counter",
                     "Attempts to connect again, after a connection was lost or failed." },
    [FAILING] = { NULL, "milky_websocket_client_failing", "gauge",
                  "1 when the last attempt failed or its connection was lost." },
    { 0 },
};

static enum mk_remote_state state_of(const struct client *client)
{
    if (client->stopped)
        return MK_REMOTE_STOPPED;
    if (!mk_list_empty(&client->open))
        return MK_REMOTE_CONNECTED;
    return client->dial ? MK_REMOTE_CONNECTING : MK_REMOTE_WAITING;
}

static size_t report(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS])
{
    const struct client *client = MK_CONTAINER_OF(transport, const struct client, transport);
    const struct mk_health *health = &client->health;
    enum mk_remote_state state = state_of(client);
    struct mk_connection_stats sessions = { 0 };
    mk_session_measure(&client->open, &sessions);
    stats[0] = (struct mk_transport_stats){
        .transport = module,
        .name = client->name,
        .state = mk_remote_state_name(state),
        .has_connections = true,
        .connections = state == MK_REMOTE_CONNECTED,
        .has_events = true,
        .lag = sessions.most,
        .health = health,
        .waits = state == MK_REMOTE_WAITING,
        .counters = { [ATTEMPTS] = health->attempts,
                      [CONNECTS] = health->successes,
                      [RECONNECTS] = health->retries,
                      [FAILING] = health->failing },
    };
    return 1;
}

const struct mk_transport_class mk_websocket_client_class = {
    .name = module,
    .counters = counters,
    .add = add_clients,
    .start = start,
    .adopt = adopt,
    .drop = drop,
    .stop = stop,
    .abort = abort_client,
    .idle = is_idle,
    .report = report,
    .free = free_client,
};
