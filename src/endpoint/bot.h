/*
 * bot: one account with its dispatch, its hub and its transports.
 */
#ifndef MK_ENDPOINT_BOT_H
#define MK_ENDPOINT_BOT_H

#include "hub/hub.h"
#include "net/http_client.h"
#include "protocol/dispatch.h"
#include "transport/server.h"
#include "transport/webhook.h"
#include "transport/websocket_client.h"
#include "wire/url.h"

#include <milky/milky.h>

/* What all bots of an endpoint share. */
struct mk_commons {
    struct mk_loop *loop;
    struct mk_http_client *http; /* NULL where nobody has a webhook */
    struct mk_journal *journal;  /* or NULL */
    struct milky_backend *backend;
    struct mk_guard *guard;
    struct mk_deflate *deflate; /* of all WebSockets */
};

/* A listening address of a bot, and what it was told about it. */
struct mk_bot_server {
    struct mk_server *server;
    char *certificate; /* the file of its TLS; "" for none */
    char *key;
    enum milky_dialect http_dialect;
    enum milky_dialect websocket_dialect;
    bool http_compresses;
    bool websocket_compresses;
    bool goes_on;      /* a reload has kept it */
    size_t http_entry; /* their places in the configuration */
    size_t websocket_entry;
    char listen[MK_ADDRESS_TEXT];  /* as configured */
    char address[MK_ADDRESS_TEXT]; /* the same with the real port */
};

/* A transport that a reload has taken away, until its last connection has ended. */
struct mk_bot_leaver {
    struct mk_list node;
    struct mk_server *server; /* or */
    struct mk_websocket_client *client;
};

struct mk_bot {
    struct mk_bot *owner; /* itself; or whose transports these will be (mk_bot_prepare) */
    struct mk_loop *loop;
    struct mk_guard *guard;
    struct mk_dispatch dispatch;
    struct mk_hub hub;
    struct mk_timer *retry;        /* for readers of the hub that are stuck */
    struct mk_bot_server *servers; /* one per listening address */
    size_t server_count;
    struct mk_websocket_client **clients;
    char **client_keys; /* what was configured, to know it again */
    size_t client_count;
    struct mk_webhook **webhooks;
    char **webhook_keys;
    size_t webhook_count;
    struct mk_list leaving; /* of mk_bot_leaver */
};

/*
 * Makes the bot and its transports, none of which is active yet. Returns 0 or a negative errno,
 * logged; then mk_bot_fini is still to be called.
 */
int mk_bot_init(struct mk_bot *bot, const struct mk_commons *commons,
                const struct milky_bot *config);
/*
 * Makes the transports that another configuration asks for, of which none is active yet, into
 * `fresh`, which is uninitialised. As above; then mk_bot_discard is to be called.
 */
int mk_bot_prepare(struct mk_bot *bot, struct mk_bot *fresh, const struct mk_commons *commons,
                   const struct milky_bot *config);
void mk_bot_discard(struct mk_bot *fresh);
/*
 * Takes over what was prepared, in two steps: what is as it was keeps its connections, and gets its
 * tokens and certificates; what is gone or has changed is ended, what is new is started. First the
 * servers that go on move to `fresh`: returns their number. Between the two the others' listeners
 * may be given to new ones.
 */
size_t mk_bot_keep_servers(struct mk_bot *bot, struct mk_bot *fresh);
/* Returns how many transports are not what they were. */
size_t mk_bot_reload(struct mk_bot *bot, struct mk_bot *fresh, size_t kept_servers);
/* Its last connection has ended. */
bool mk_bot_has_left(const struct mk_bot_leaver *leaver);
/* To be called now and then: frees what has left. */
void mk_bot_sweep(struct mk_bot *bot);

/* An address that stands for a free port: it is another one each time. */
bool mk_bot_any_port(const char *listen);
/* Listens there. Returns 0 or a negative errno, logged. */
int mk_bot_listen_on(struct mk_bot *bot, struct mk_bot_server *entry);
/* Listens, where it does not yet, on all addresses. Returns 0 or a negative errno, logged. */
int mk_bot_listen(struct mk_bot *bot);
/*
 * Starts webhooks and websocket_clients that have not started. Returns 0, or a negative errno where
 * one could not, logged.
 */
int mk_bot_connect(struct mk_bot *bot);

/* It must be idle. */
void mk_bot_fini(struct mk_bot *bot);

/* Listens, connects, delivers. Returns 0 or a negative errno, logged. */
int mk_bot_start(struct mk_bot *bot);

/* Ends its connections at once; servers go on listening, and clients connect again. */
void mk_bot_drop(struct mk_bot *bot);

/* As milky_endpoint_stop; then the bot becomes idle by itself, or by abort. */
void mk_bot_stop(struct mk_bot *bot);
void mk_bot_abort(struct mk_bot *bot);
bool mk_bot_idle(const struct mk_bot *bot);

/*
 * Writes "http://HOST:PORT[PREFIX]" of its first server on TCP, as somebody on this machine reaches
 * it where it listens to all addresses. Returns 0, -ENOENT where it has none, or -ENOBUFS.
 */
int mk_bot_write_base(const struct mk_bot *bot, struct mk_buf *out);

/* The *index-th of its ports; where it has fewer, false, and *index is lowered by their number. */
bool mk_bot_port(const struct mk_bot *bot, size_t *index, struct milky_port *port);

#endif
