/*
 * bot: one account with its dispatch, its hub and its transports, of which it knows only the class
 * (transport/transport.h).
 */
#ifndef MK_ENDPOINT_BOT_H
#define MK_ENDPOINT_BOT_H

#include "host/host.h"
#include "hub/hub.h"
#include "protocol/dispatch.h"
#include "transport/transport.h"

#include <milky/milky.h>

/* Shared by all bots of an endpoint. */
struct mk_bot_shared {
    struct mk_loop *loop;
    struct mk_web_client *http; /* for posts */
    struct mk_journal *journal; /* or NULL */
    struct mk_guard *guard;
    const struct mk_session_limits *limits;
    struct mk_deflate *deflate;                    /* of all WebSockets */
    struct mk_replays *replays;                    /* of all bots */
    struct mk_resource_source *files;              /* of backends */
    struct mk_cache *cache;                        /* of uploads; or NULL */
    const struct mk_transport_class *const *table; /* of transports */
};

struct mk_bot {
    struct mk_account account; /* the bot for the host of its backend */
    struct mk_dispatch dispatch;
    struct mk_hub hub;
    uint64_t unanswered_pings; /* WebSockets that ended because they did not answer a ping */
    struct mk_timer *retry;    /* for readers of the hub that are stuck */
    struct mk_list transports; /* in the order of the table and of the configuration */
    struct mk_list draining;   /* removed by a reload; freed when they are idle */
};

/*
 * Makes the bot of a backend's `host`, and its transports, none of which is started. Returns 0 or a
 * negative errno, logged; mk_bot_fini must be called in any case.
 */
int mk_bot_init(struct mk_bot *bot, const struct mk_bot_shared *shared, struct milky_host *host,
                const struct milky_bot *config);
/* Notes whether any of its transports sends the bot's own messages. */
void mk_bot_note_own_messages(struct mk_bot *bot);
/* The bot must be idle. */
void mk_bot_fini(struct mk_bot *bot);

/* Starts its transports that are not started. Returns 0 or a negative errno, logged: then `*failed`
 * and the ones after it are not started. */
int mk_bot_start(struct mk_bot *bot, const struct mk_transport **failed);

/* Closes its connections at once. Servers keep listening, and clients connect again. */
void mk_bot_drop(struct mk_bot *bot);

/* As milky_endpoint_stop. Then the bot becomes idle after a while, or at once by mk_bot_abort. */
void mk_bot_stop(struct mk_bot *bot);
void mk_bot_abort(struct mk_bot *bot);
bool mk_bot_idle(const struct mk_bot *bot);

/*
 * Writes "http://HOST:PORT[PREFIX]" of its first server on TCP; a server that listens on all
 * addresses has the loopback address there. Returns 0, -ENOENT when it has no such server, or
 * -ENOBUFS.
 */
int mk_bot_write_base(const struct mk_bot *bot, struct mk_buf *out);

/* The *index-th of its ports. False when it has fewer; then *index is reduced by their number. */
bool mk_bot_port(const struct mk_bot *bot, size_t *index, struct milky_port *port);

/* --- a reload (bot_reload.c) --- */

/*
 * Makes the transports of another configuration, none of which is started, and adds them to the
 * list, which is freed with mk_transports_free. Returns 0 or a negative errno, which is logged but
 * for -ENOMEM.
 */
int mk_bot_prepare(struct mk_bot *bot, const struct mk_bot_shared *shared,
                   const struct milky_bot *config, struct mk_list *fresh);
/*
 * The bot takes over the prepared transports in two steps. In the first, running transports whose
 * configuration is the same replace the new ones in `fresh`: they keep their connections, and take
 * the settings that may differ. Between the two steps the listeners of the other running transports
 * may be given to new ones.
 */
void mk_bot_keep(struct mk_bot *bot, struct mk_list *fresh);
/* In the second step the remaining old transports are drained, and the new ones are started.
 * Returns the number of both together; `fresh` is empty. */
size_t mk_bot_reload(struct mk_bot *bot, struct mk_list *fresh);
/* Frees the transports that are drained. Called in every turn. */
void mk_bot_reap(struct mk_bot *bot);

#endif
