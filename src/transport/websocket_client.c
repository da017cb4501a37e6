/*
 * websocket_client: see the header. It is in one of these states: waiting (the timer runs),
 * connecting and shaking hands (`dial`), open (`sessions`), stopped.
 */
#include "transport/websocket_client.h"

#include "base/backoff.h"
#include "base/log.h"
#include "transport/health.h"
#include "web/websocket_dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 15 * 1000,
    HANDSHAKE_MS = 15 * 1000,
    FIRST_WAIT_MS = 500,
    MOST_WAIT_MS = 15 * 1000,
    STEADY_MS = 10 * 1000, /* a connection that lived this long makes the next wait short again */
};

static const char module[] = "websocket_client";

struct mk_websocket_client {
    struct mk_session_context sessions;
    struct mk_list open; /* none or one session */
    struct mk_loop *loop;
    char *text; /* the URL; `url` borrows from it */
    struct mk_url url;
    char *token;
    struct mk_tls_context *tls; /* or NULL */
    uint64_t received;          /* with replay: the last event that the peer has for sure */
    bool replay;
    struct mk_timer *timer; /* the next try */
    struct mk_backoff backoff;
    struct mk_websocket_dial *dial;
    unsigned status;           /* that the last handshake was refused with; 0: with none */
    char self_id[48];          /* the header line that names the bot */
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    uint64_t opened;
    struct mk_health health;
    bool plain; /* the server could not be agreed with about compression: it is offered no more */
    bool started;
    bool stopped;
};

static void connect_now(struct mk_websocket_client *client);

static void try_later(struct mk_websocket_client *client, const char *why)
{
    if (client->stopped)
        return;
    uint32_t wait = mk_backoff_next(&client->backoff);
    mk_log_warn(module, "%s: %s; next try in %u.%u s", client->name, why, wait / 1000,
                wait % 1000 / 100);
    mk_health_fail(&client->health, client->status, why, wait);
    client->status = 0;
    mk_timer_start(client->timer, wait);
}

/* --- open --- */

static void on_session_gone(void *arg)
{
    struct mk_websocket_client *client = arg;
    if (mk_loop_now(client->loop) - client->opened >= STEADY_MS)
        mk_backoff_reset(&client->backoff);
    try_later(client, "disconnected");
}

static void open_session(struct mk_websocket_client *client, struct mk_stream *stream,
                         struct mk_deflate *deflate)
{
    uint64_t since = client->replay ? client->received : MK_READER_LIVE;
    if (!mk_session_new(&client->sessions, stream, since, deflate, &client->open, on_session_gone,
                        client)) {
        mk_stream_hand_over(stream, NULL, NULL);
        mk_stream_abort(stream, -ENOMEM);
        try_later(client, "out of memory");
        return;
    }
    mk_health_succeed(&client->health);
    client->opened = mk_loop_now(client->loop);
}

/* --- connecting and waiting --- */

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome)
{
    struct mk_websocket_client *client = arg;
    client->dial = NULL;
    client->status = outcome->status;
    client->plain = client->plain || outcome->failure == MK_DIAL_WRONG;
    if (stream)
        open_session(client, stream,
                     outcome->deflate ? mk_session_context_deflate(&client->sessions) : NULL);
    else
        try_later(client, outcome->why);
}

static void connect_now(struct mk_websocket_client *client)
{
    const struct mk_websocket_dial_options options = {
        .url = &client->url,
        .token = client->token,
        .extra = mk_slice_str(client->self_id),
        .tls = client->tls,
        .connect_ms = CONNECT_MS,
        .handshake_ms = HANDSHAKE_MS,
        .offers_deflate = !client->plain && mk_session_context_deflate(&client->sessions) != NULL,
    };
    mk_health_try(&client->health);
    client->dial = mk_websocket_dial_start(client->loop, &options, on_dialled, client);
    if (!client->dial)
        try_later(client, "out of memory");
}

static void on_timer(void *arg)
{
    connect_now(arg);
}

/* --- life --- */

struct mk_websocket_client *mk_websocket_client_new(struct mk_loop *loop, struct mk_slice url,
                                                    struct mk_slice token, enum mk_dialect dialect,
                                                    struct mk_dispatch *dispatch,
                                                    struct mk_hub *hub)
{
    struct mk_websocket_client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->loop = loop;
    client->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MOST_WAIT_MS };
    mk_list_init(&client->open);
    snprintf(client->self_id, sizeof(client->self_id), "X-Self-ID: %llu\r\n",
             (unsigned long long)hub->self_id);
    if (mk_session_context_init(&client->sessions, loop, MK_WS_CLIENT, dispatch, hub, dialect,
                                MK_ENVELOPE_WRAPPED, module) < 0) {
        free(client);
        return NULL;
    }
    client->text = mk_slice_dup(url);
    mk_remote_name(url, client->name);
    client->token = token.len > 0 ? mk_slice_dup(token) : NULL;
    client->timer = mk_timer_new(loop, on_timer, client);
    if (!client->text || mk_url_parse(mk_slice_str(client->text), &client->url) || !client->timer ||
        (token.len > 0 && !client->token))
        return mk_websocket_client_free(client);
    return client;
}

struct mk_websocket_client *mk_websocket_client_free(struct mk_websocket_client *client)
{
    if (!client)
        return NULL;
    mk_timer_free(client->timer);
    mk_session_context_fini(&client->sessions);
    mk_websocket_dial_cancel(client->dial);
    mk_tls_context_free(client->tls);
    free(client->token);
    free(client->text);
    free(client);
    return NULL;
}

void mk_websocket_client_set_tls(struct mk_websocket_client *client, struct mk_tls_context *tls)
{
    mk_tls_context_free(client->tls);
    client->tls = tls;
}

void mk_websocket_client_limit(struct mk_websocket_client *client, const struct mk_limits *limits)
{
    mk_session_context_limit(&client->sessions, limits);
}

void mk_websocket_client_set_compression(struct mk_websocket_client *client, bool on)
{
    client->sessions.compresses = on;
}

static void on_received(void *arg, uint64_t number)
{
    struct mk_websocket_client *client = arg;
    struct mk_hub *hub = client->sessions.hub;
    client->received = number;
    if (hub->journal)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(client->text), number);
}

void mk_websocket_client_set_replay(struct mk_websocket_client *client)
{
    client->replay = true;
    client->sessions.received = on_received;
}

/* Where it goes on; as a new one, with what comes from now on. */
static int find_place(struct mk_websocket_client *client)
{
    const struct mk_hub *hub = client->sessions.hub;
    client->received = hub->events;
    if (!hub->journal)
        return 0;
    return mk_journal_enter(hub->journal, hub->self_id, mk_slice_str(client->text),
                            &client->received);
}

void mk_websocket_client_adopt(struct mk_websocket_client *client,
                               struct mk_websocket_client *fresh)
{
    mk_websocket_client_set_tls(client, fresh->tls);
    fresh->tls = NULL;
}

bool mk_websocket_client_started(const struct mk_websocket_client *client)
{
    return client->started;
}

int mk_websocket_client_start(struct mk_websocket_client *client)
{
    int rc = client->replay ? find_place(client) : 0;
    if (rc < 0)
        return rc;
    client->started = true;
    connect_now(client);
    return 0;
}

void mk_websocket_client_stop(struct mk_websocket_client *client)
{
    client->stopped = true;
    mk_timer_stop(client->timer);
    client->dial = mk_websocket_dial_cancel(client->dial);
    mk_session_stop_all(&client->open);
}

void mk_websocket_client_abort(struct mk_websocket_client *client)
{
    mk_session_abort_all(&client->open);
}

bool mk_websocket_client_idle(const struct mk_websocket_client *client)
{
    return client->stopped && mk_list_empty(&client->open);
}

static enum mk_remote_state state_of(const struct mk_websocket_client *client)
{
    if (client->stopped)
        return MK_REMOTE_STOPPED;
    if (!mk_list_empty(&client->open))
        return MK_REMOTE_CONNECTED;
    return client->dial ? MK_REMOTE_CONNECTING : MK_REMOTE_WAITING;
}

void mk_websocket_client_report(const struct mk_websocket_client *client,
                                struct mk_remote_report *report)
{
    struct mk_crowd crowd = { 0 };
    mk_session_measure(&client->open, &crowd);
    *report = (struct mk_remote_report){
        .name = client->name,
        .state = state_of(client),
        .health = &client->health,
        .lag = crowd.most,
    };
}
