/*
 * bot_reload: a bot takes over the transports of another configuration: compares the running
 * transports with the new ones. See bot.h.
 */
#include "endpoint/bot.h"

/* The running transport that can continue instead of this new one, or NULL. */
static struct mk_transport *find_same(const struct mk_bot *bot, const struct mk_transport *fresh,
                                      bool closely)
{
    MK_LIST_FOR_EACH (node, &bot->transports)
        if (mk_transport_is_same(mk_transport_of(node), fresh, closely))
            return mk_transport_of(node);
    return NULL;
}

/* A new transport that listens already, on an address of its own, is not replaced. */
static void keep(struct mk_bot *bot, struct mk_list *fresh, bool closely)
{
    MK_LIST_FOR_EACH (node, fresh) {
        struct mk_transport *one = mk_transport_of(node);
        bool is_settled = one->started || one->goes_on;
        struct mk_transport *old = is_settled ? NULL : find_same(bot, one, closely);
        if (old)
            mk_transport_adopt(old, one);
    }
}

/* Several on port 0 may look the same: first each continues with exactly its old settings. */
void mk_bot_keep(struct mk_bot *bot, struct mk_list *fresh)
{
    keep(bot, fresh, true);
    keep(bot, fresh, false);
}

/* Returns the number of transports. */
static size_t drain_all(struct mk_bot *bot)
{
    size_t count = 0;
    MK_LIST_FOR_EACH (node, &bot->transports) {
        struct mk_transport *transport = mk_transport_of(node);
        mk_list_remove(node);
        mk_list_push(&bot->draining, node);
        if (transport->class->ends_at_once)
            transport->class->abort(transport);
        else
            transport->class->stop(transport);
        count++;
    }
    return count;
}

size_t mk_bot_reload(struct mk_bot *bot, struct mk_list *fresh)
{
    size_t changed = drain_all(bot);
    mk_list_take(&bot->transports, fresh);
    MK_LIST_FOR_EACH (node, &bot->transports) {
        struct mk_transport *transport = mk_transport_of(node);
        changed += !transport->goes_on;
        transport->goes_on = false;
        if (!transport->started)
            mk_transport_start(transport);
    }
    mk_bot_note_own_messages(bot);
    return changed;
}

void mk_bot_reap(struct mk_bot *bot)
{
    MK_LIST_FOR_EACH (node, &bot->draining)
        if (mk_transport_of(node)->class->idle(mk_transport_of(node)))
            mk_transport_free(mk_transport_of(node));
}
