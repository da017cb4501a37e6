/* bot: see the header. */
#include "endpoint/bot.h"

#include "transport/websocket_session.h"

#include <errno.h>

enum { RETRY_MS = 50 };

/* --- making --- */

static void on_stuck(void *arg)
{
    struct mk_bot *bot = arg;
    mk_timer_start(bot->retry, RETRY_MS);
}

static void on_retry(void *arg)
{
    struct mk_bot *bot = arg;
    mk_hub_retry(&bot->hub);
}

int mk_bot_prepare(struct mk_bot *bot, const struct mk_bot_shared *shared,
                   const struct milky_bot *config, struct mk_list *fresh)
{
    const struct mk_transport_context context = {
        .loop = shared->loop,
        .guard = shared->guard,
        .limits = shared->limits,
        .dispatch = &bot->dispatch,
        .hub = &bot->hub,
        .unanswered_pings = &bot->unanswered_pings,
        .http = shared->http,
        .files = shared->files,
        .cache = shared->cache,
        .takes_cached = bot->account.host->table.takes_cached,
    };
    return mk_transports_add(shared->table, &context, config, fresh);
}

int mk_bot_init(struct mk_bot *bot, const struct mk_bot_shared *shared, struct milky_host *host,
                const struct milky_bot *config)
{
    mk_list_init(&bot->transports);
    mk_list_init(&bot->draining);
    mk_account_init(&bot->account, host, &bot->hub, config->self_id);
    mk_dispatch_init(&bot->dispatch, &bot->account.target, config->self_id);
    bot->dispatch.most_held = shared->limits->pending_bytes_of_bot;
    int rc = mk_hub_init(&bot->hub, config->self_id, shared->journal);
    bot->hub.deflate = shared->deflate;
    bot->hub.replays = shared->replays;
    bot->hub.got_stuck = on_stuck;
    bot->hub.arg = bot;
    bot->retry = mk_timer_new(shared->loop, on_retry, bot);
    bot->dispatch.stats = mk_call_stats_new(false);
    if (rc == 0 && (!bot->retry || !bot->dispatch.stats))
        rc = -ENOMEM;
    if (rc == 0)
        rc = mk_bot_prepare(bot, shared, config, &bot->transports);
    mk_bot_note_own_messages(bot);
    return rc;
}

void mk_bot_note_own_messages(struct mk_bot *bot)
{
    bot->hub.own_messages = false;
    MK_LIST_FOR_EACH (node, &bot->transports)
        bot->hub.own_messages |= mk_transport_of(node)->own_messages;
}

void mk_bot_fini(struct mk_bot *bot)
{
    mk_transports_free(&bot->draining);
    mk_transports_free(&bot->transports);
    mk_timer_free(bot->retry);
    mk_account_fini(&bot->account);
    mk_hub_fini(&bot->hub);
    mk_call_stats_free(bot->dispatch.stats);
    mk_dispatch_fini(&bot->dispatch);
}

/* --- life --- */

int mk_bot_start(struct mk_bot *bot, const struct mk_transport **failed)
{
    MK_LIST_FOR_EACH (node, &bot->transports) {
        struct mk_transport *transport = mk_transport_of(node);
        int rc = transport->started ? 0 : mk_transport_start(transport);
        if (rc < 0) {
            *failed = transport;
            return rc;
        }
    }
    return 0;
}

void mk_bot_drop(struct mk_bot *bot)
{
    MK_LIST_FOR_EACH (node, &bot->transports) {
        struct mk_transport *transport = mk_transport_of(node);
        if (transport->class->drop)
            transport->class->drop(transport);
    }
}

void mk_bot_stop(struct mk_bot *bot)
{
    MK_LIST_FOR_EACH (node, &bot->transports)
        mk_transport_of(node)->class->stop(mk_transport_of(node));
}

static void abort_all(struct mk_list *transports)
{
    MK_LIST_FOR_EACH (node, transports)
        mk_transport_of(node)->class->abort(mk_transport_of(node));
}

void mk_bot_abort(struct mk_bot *bot)
{
    abort_all(&bot->transports);
    abort_all(&bot->draining);
}

static bool are_idle(const struct mk_list *transports)
{
    MK_LIST_FOR_EACH (node, transports)
        if (!mk_transport_of(node)->class->idle(mk_transport_of(node)))
            return false;
    return true;
}

bool mk_bot_idle(const struct mk_bot *bot)
{
    return are_idle(&bot->transports) && are_idle(&bot->draining);
}

/* --- ports --- */

int mk_bot_write_base(const struct mk_bot *bot, struct mk_buf *out)
{
    int rc = -ENOENT;
    MK_LIST_FOR_EACH (node, &bot->transports) {
        const struct mk_transport *transport = mk_transport_of(node);
        if (rc == -ENOENT && transport->class->write_base)
            rc = transport->class->write_base(transport, out);
    }
    return rc;
}

bool mk_bot_port(const struct mk_bot *bot, size_t *index, struct milky_port *port)
{
    MK_LIST_FOR_EACH (node, &bot->transports) {
        const struct mk_transport *transport = mk_transport_of(node);
        for (size_t i = 0;
             transport->class->get_port && transport->class->get_port(transport, i, port); i++)
            if ((*index)-- == 0) {
                port->self_id = bot->hub.self_id;
                return true;
            }
    }
    return false;
}
