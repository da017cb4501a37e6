/*
 * bot: one account with its dispatch, its hub and its transports, of which it knows the class alone
 * (transport/transport.h).
 */
#ifndef MK_ENDPOINT_BOT_H
#define MK_ENDPOINT_BOT_H

#include "host/host.h"
#include "hub/hub.h"
#include "protocol/dispatch.h"
#include "transport/transport.h"

#include <milky/milky.h>

/* What all bots of an endpoint share. */
struct mk_bot_shared {
    struct mk_loop *loop;
    struct mk_http_client **http; /* made by the first transport that needs it */
    struct mk_journal *journal;   /* or NULL */
    struct mk_guard *guard;
    const struct mk_session_limits *limits;
    struct mk_deflate *deflate;                    /* of all WebSockets */
    struct mk_resource_source *files;              /* of backends */
    const struct mk_transport_class *const *table; /* of transports */
};

struct mk_bot {
    struct mk_account account; /* what the host of its backend knows of it */
    struct mk_dispatch dispatch;
    struct mk_hub hub;
    struct mk_timer *retry;    /* for readers of the hub that are stuck */
    struct mk_list transports; /* in the order of the table and of the configuration */
    struct mk_list draining;   /* transports that a reload has taken out, until they are idle */
};

/*
 * Makes the bot, which `host` answers for, and its transports, none of which is active yet. Returns
 * 0 or a negative errno, logged; then mk_bot_fini is still to be called.
 */
int mk_bot_init(struct mk_bot *bot, const struct mk_bot_shared *shared, struct milky_host *host,
                const struct milky_bot *config);
/* It must be idle. */
void mk_bot_fini(struct mk_bot *bot);

/* Starts its transports that have not started. Returns 0 or a negative errno, logged: then those
 * behind the one that failed have not. */
int mk_bot_start(struct mk_bot *bot, const struct mk_transport **failed);

/* Ends its connections at once; servers go on listening, and clients connect again. */
void mk_bot_drop(struct mk_bot *bot);

/* As milky_endpoint_stop; then the bot becomes idle by itself, or by abort. */
void mk_bot_stop(struct mk_bot *bot);
void mk_bot_abort(struct mk_bot *bot);
bool mk_bot_idle(const struct mk_bot *bot);

/*
 * Writes "http://HOST:PORT[PREFIX]" of its first server on TCP, as a program on this machine
 * reaches it where it listens to all addresses. Returns 0, -ENOENT where it has none, or -ENOBUFS.
 */
int mk_bot_write_base(const struct mk_bot *bot, struct mk_buf *out);

/* The *index-th of its ports; where it has fewer, false, and *index is lowered by their number. */
bool mk_bot_port(const struct mk_bot *bot, size_t *index, struct milky_port *port);

/* --- a reload (bot_reload.c) --- */

/*
 * Makes the transports that another configuration asks for, of which none is active yet, and adds
 * them to the list, which is to be freed by mk_transports_free. Returns 0 or a negative errno,
 * logged unless memory is out.
 */
int mk_bot_prepare(struct mk_bot *bot, const struct mk_bot_shared *shared,
                   const struct milky_bot *config, struct mk_list *fresh);
/*
 * Takes over what was prepared, in two steps. First the transports that are configured as before
 * move to `fresh` with their connections, and adopt what may differ. Between the two the others'
 * listeners may be given to new ones.
 */
void mk_bot_keep(struct mk_bot *bot, struct mk_list *fresh);
/* Then what is left is drained, and what is new is started. Returns how many transports these were
 * together; `fresh` is empty. */
size_t mk_bot_reload(struct mk_bot *bot, struct mk_list *fresh);
/* To be called now and then: frees what is drained. */
void mk_bot_reap(struct mk_bot *bot);

#endif
