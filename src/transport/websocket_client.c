/*
 * websocket_client: see the header. It is in one of these states: waiting (the timer runs),
 * connecting (`connect`), shaking hands (`stream` without a session), open (`sessions`), stopped.
 */
#include "transport/websocket_client.h"

#include "base/backoff.h"
#include "base/log.h"
#include "net/connect.h"
#include "transport/health.h"
#include "wire/ws_handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 15 * 1000,
    HANDSHAKE_MS = 15 * 1000,
    FIRST_WAIT_MS = 500,
    MOST_WAIT_MS = 15 * 1000,
    STEADY_MS = 10 * 1000, /* a connection that lived this long makes the next wait short again */
    LONGEST_ANSWER = 16 * 1024,
    LONGEST_REQUEST = 16 * 1024,
};

static const char module[] = "websocket_client";

struct mk_websocket_client {
    struct mk_session_context sessions;
    struct mk_list open; /* none or one session */
    struct mk_loop *loop;
    char *text; /* the URL; `url` borrows from it */
    struct mk_url url;
    char *host; /* url.host, NUL-terminated */
    char *token;
    struct mk_tls_context *tls; /* or NULL */
    uint64_t received;          /* with replay: the last event that the peer has for sure */
    bool replay;
    struct mk_timer *timer; /* the next try, or the end of patience with a handshake */
    struct mk_backoff backoff;
    struct mk_connect *connect;
    struct mk_stream *stream; /* while shaking hands */
    struct mk_buf answer;     /* the head of the server's response, so far */
    char key[MK_WS_KEY_LEN];
    const char *why;           /* the handshake failed */
    char refusal[64];          /* what `why` may point at */
    unsigned status;           /* that the handshake was refused with; 0: with none */
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    uint64_t opened;
    struct mk_health health;
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

static void open_session(struct mk_websocket_client *client)
{
    struct mk_stream *stream = client->stream;
    mk_timer_stop(client->timer);
    mk_buf_reset(&client->answer, 0);
    uint64_t since = client->replay ? client->received : MK_READER_LIVE;
    if (!mk_session_new(&client->sessions, stream, since, &client->open, on_session_gone, client)) {
        client->why = "out of memory";
        mk_stream_abort(stream, -ENOMEM);
        return;
    }
    client->stream = NULL;
    mk_health_succeed(&client->health);
    client->opened = mk_loop_now(client->loop);
}

/* --- shaking hands --- */

static void refuse(struct mk_websocket_client *client, const char *why)
{
    client->why = why;
    mk_stream_abort(client->stream, 0);
}

/* Why a status is none to go on with, or NULL. */
static const char *refusal_of(struct mk_websocket_client *client, unsigned status)
{
    const char *redirect = status / 100 == 3 ? ", a redirect, which is not followed" : "";
    switch (status) {
    case 101:
        return NULL;
    case 401:
        return "it answered 401: it wants an access_token";
    case 403:
        return "it answered 403: the access_token is wrong";
    case 404:
        return "it answered 404: there is no WebSocket at this path";
    default:
        snprintf(client->refusal, sizeof(client->refusal), "it answered %u%s", status, redirect);
        return client->refusal;
    }
}

/* The head of the response may come in pieces; what follows it belongs to the session. */
static size_t on_handshake_read(void *owner, char *data, size_t len)
{
    struct mk_websocket_client *client = owner;
    struct mk_http1_response response;
    size_t before = client->answer.len;
    size_t head_len;
    /* A busy server may send much behind a short head. */
    size_t room = LONGEST_ANSWER - before;
    if (mk_buf_append(&client->answer, data, len < room ? len : room) < 0) {
        refuse(client, "out of memory");
        return len;
    }
    int status = mk_http1_read_response(mk_buf_slice(&client->answer), &response, &head_len);
    if (status == MK_HTTP1_NEED_MORE) {
        if (len > room)
            refuse(client, "its answer to the handshake is too long");
        return len;
    }
    if (status != MK_HTTP1_HEAD) {
        refuse(client, "its answer to the handshake is not HTTP/1.1");
        return len;
    }
    const char *error = refusal_of(client, response.status);
    client->status = response.status == 101 ? 0 : response.status;
    if (!error)
        error = mk_ws_handshake_verify(&response, client->key);
    if (error) {
        refuse(client, error);
        return len;
    }
    open_session(client);
    return head_len - before;
}

static void on_handshake_end(void *owner)
{
    refuse(owner, "it closed the connection during the handshake");
}

static void on_handshake_closed(void *owner, int error)
{
    struct mk_websocket_client *client = owner;
    const char *why = client->why ? client->why : strerror(-error);
    client->stream = NULL;
    mk_timer_stop(client->timer);
    mk_buf_reset(&client->answer, 0);
    try_later(client, why);
}

static const struct mk_stream_events handshake_events = {
    .read = on_handshake_read,
    .end = on_handshake_end,
    .closed = on_handshake_closed,
};

/* The Host header has the port only where it is not the scheme's own. */
static int write_handshake(struct mk_websocket_client *client, struct mk_buf *out)
{
    const struct mk_url *url = &client->url;
    struct mk_buf target, host, extra;
    mk_buf_init(&target, LONGEST_REQUEST);
    mk_buf_init(&host, LONGEST_REQUEST);
    mk_buf_init(&extra, LONGEST_REQUEST);
    int rc = mk_url_write_target(&target, url, client->token ? "access_token" : NULL,
                                 mk_slice_str(client->token));
    if (rc == 0)
        rc = mk_buf_append_slice(&host, url->authority_host);
    if (rc == 0 && !url->default_port)
        rc = mk_buf_printf(&host, ":%u", url->port);
    if (rc == 0)
        rc = mk_buf_printf(&extra, "X-Self-ID: %llu\r\n",
                           (unsigned long long)client->sessions.hub->self_id);
    if (rc == 0)
        rc = mk_ws_handshake_request(out, mk_buf_slice(&target), mk_buf_slice(&host), client->key,
                                     mk_buf_slice(&extra));
    mk_buf_fini(&target);
    mk_buf_fini(&host);
    mk_buf_fini(&extra);
    return rc;
}

static void on_connected(void *arg, struct mk_stream *stream, const char *error)
{
    struct mk_websocket_client *client = arg;
    client->connect = NULL;
    if (!stream) {
        try_later(client, error);
        return;
    }
    client->stream = stream;
    client->why = NULL;
    mk_stream_adopt(stream, &handshake_events, client);
    mk_ws_handshake_key(client->key);
    int rc = write_handshake(client, mk_stream_output(stream));
    if (rc < 0) {
        refuse(client, "out of memory");
        return;
    }
    mk_stream_wake(stream);
    mk_timer_start(client->timer, HANDSHAKE_MS);
}

/* --- connecting and waiting --- */

static void connect_now(struct mk_websocket_client *client)
{
    struct mk_connect_options options = {
        .host = client->host,
        .port = client->url.port,
        .tls = client->url.tls,
        .tls_context = client->tls,
        .timeout_ms = CONNECT_MS,
    };
    mk_health_try(&client->health);
    client->connect = mk_connect_start(client->loop, &options, on_connected, client);
    if (!client->connect)
        try_later(client, "out of memory");
}

static void on_timer(void *arg)
{
    struct mk_websocket_client *client = arg;
    if (client->stream)
        refuse(client, "it did not answer the handshake in time");
    else
        connect_now(client);
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
    mk_buf_init(&client->answer, LONGEST_ANSWER);
    if (mk_session_context_init(&client->sessions, loop, MK_WS_CLIENT, dispatch, hub, dialect,
                                MK_ENVELOPE_WRAPPED, module) < 0) {
        free(client);
        return NULL;
    }
    client->text = mk_slice_dup(url);
    mk_remote_name(url, client->name);
    client->token = token.len > 0 ? mk_slice_dup(token) : NULL;
    client->timer = mk_timer_new(loop, on_timer, client);
    if (client->text && !mk_url_parse(mk_slice_str(client->text), &client->url))
        client->host = mk_slice_dup(client->url.host);
    if (!client->host || !client->timer || (token.len > 0 && !client->token))
        return mk_websocket_client_free(client);
    return client;
}

struct mk_websocket_client *mk_websocket_client_free(struct mk_websocket_client *client)
{
    if (!client)
        return NULL;
    mk_timer_free(client->timer);
    mk_session_context_fini(&client->sessions);
    mk_buf_fini(&client->answer);
    mk_tls_context_free(client->tls);
    free(client->host);
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
static void find_place(struct mk_websocket_client *client)
{
    const struct mk_hub *hub = client->sessions.hub;
    uint64_t number = hub->events;
    if (hub->journal)
        mk_journal_cursor(hub->journal, hub->self_id, mk_slice_str(client->text), &number);
    on_received(client, number);
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

void mk_websocket_client_start(struct mk_websocket_client *client)
{
    client->started = true;
    if (client->replay)
        find_place(client);
    connect_now(client);
}

void mk_websocket_client_stop(struct mk_websocket_client *client)
{
    client->stopped = true;
    mk_timer_stop(client->timer);
    client->connect = mk_connect_cancel(client->connect);
    if (client->stream)
        refuse(client, "stopped");
    mk_session_stop_all(&client->open);
}

void mk_websocket_client_abort(struct mk_websocket_client *client)
{
    mk_session_abort_all(&client->open);
}

bool mk_websocket_client_idle(const struct mk_websocket_client *client)
{
    return client->stopped && !client->stream && mk_list_empty(&client->open);
}

static enum mk_remote_state state_of(const struct mk_websocket_client *client)
{
    if (client->stopped)
        return MK_REMOTE_STOPPED;
    if (!mk_list_empty(&client->open))
        return MK_REMOTE_CONNECTED;
    return client->stream || client->connect ? MK_REMOTE_CONNECTING : MK_REMOTE_WAITING;
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
