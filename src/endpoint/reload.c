/*
 * reload: an endpoint goes on with another configuration. All that may go wrong is tried first:
 * where something does, nothing has changed.
 */
#include "endpoint/reload.h"
#include "endpoint/endpoint.h"

#include "base/log.h"
#include "endpoint/config_check.h"

#include <errno.h>
#include <stdlib.h>

/* What has been made for one bot of the configuration. */
struct change {
    struct mk_bot *bot;   /* that runs, or one that is new */
    struct mk_list fresh; /* its transports to be; a new one has them itself */
    bool is_new;
};

struct plan {
    struct change *changes; /* in the order of the configuration */
    size_t count;
    struct mk_bot **bots; /* what the host's will be */
    uint64_t *self_ids;
    struct mk_bot **gone;
    char *resource_base; /* or NULL */
};

static int prepare_bot(struct change *change, struct milky_host *host,
                       const struct mk_bot_shared *shared, const struct milky_bot *config)
{
    mk_list_init(&change->fresh);
    change->bot = mk_host_find_bot(host, config->self_id);
    if (change->bot)
        return mk_bot_prepare(change->bot, shared, config, &change->fresh);
    change->bot = calloc(1, sizeof(*change->bot));
    if (!change->bot)
        return -ENOMEM;
    change->is_new = true;
    return mk_bot_init(change->bot, shared, config);
}

/* --- listening --- */

/* The transports that the bot will have. */
static struct mk_list *made(struct change *change)
{
    return change->is_new ? &change->bot->transports : &change->fresh;
}

static bool listens_on(const struct mk_transport *transport, const char *listen)
{
    return transport->listen && strcmp(transport->listen, listen) == 0;
}

/* The transport that listens there now; where a free port is asked for, it must be the bot's own.
 */
static struct mk_transport *find_listening(const struct milky_host *host, const struct mk_bot *bot,
                                           const char *listen)
{
    for (size_t i = 0; i < host->bot_count; i++) {
        if (mk_transport_any_port(listen) && host->bots[i] != bot)
            continue;
        MK_LIST_FOR_EACH (node, &host->bots[i]->transports)
            if (listens_on(mk_transport_of(node), listen) &&
                mk_transport_listening(mk_transport_of(node)))
                return mk_transport_of(node);
    }
    return NULL;
}

/* "127.0.0.1:3000" may be taken by a "0.0.0.0:3000" of our own. */
static void explain_overlap(const struct milky_host *host, const char *listen)
{
    const char *port = strrchr(listen, ':');
    for (size_t i = 0; i < host->bot_count; i++)
        MK_LIST_FOR_EACH (node, &host->bots[i]->transports) {
            const char *other = mk_transport_of(node)->listen;
            if (!other || strncmp(other, "unix:", 5) == 0 || strcmp(strrchr(other, ':'), port) != 0)
                continue;
            mk_log_error("endpoint",
                         "%s overlaps with %s, where bot %llu listens: take that out and reload, "
                         "then put this in and reload again",
                         listen, other, (unsigned long long)host->self_ids[i]);
            return;
        }
}

/* An embedder may have given it to two bots; the command line has checked that. */
static bool is_claimed(struct plan *plan, const struct change *until, const char *listen)
{
    if (mk_transport_any_port(listen))
        return false;
    for (struct change *change = plan->changes; change != until; change++)
        MK_LIST_FOR_EACH (node, made(change))
            if (listens_on(mk_transport_of(node), listen))
                return true;
    return false;
}

/* Listens where none of ours does, and where it is the first of this configuration to. */
static int listen_if_new(struct plan *plan, const struct milky_host *host,
                         const struct change *change, struct mk_transport *transport)
{
    if (is_claimed(plan, change, transport->listen)) {
        mk_log_error("endpoint", "two bots cannot listen on %s", transport->listen);
        return -EADDRINUSE;
    }
    if (find_listening(host, change->bot, transport->listen))
        return 0;
    int rc = mk_transport_start(transport);
    if (rc == -EADDRINUSE)
        explain_overlap(host, transport->listen);
    return rc;
}

/* The other listeners change hands when nothing can go wrong any more. */
static int listen_where_new(struct plan *plan, const struct milky_host *host)
{
    int rc = 0;
    for (size_t i = 0; i < plan->count; i++)
        MK_LIST_FOR_EACH (node, made(&plan->changes[i]))
            if (rc == 0 && mk_transport_of(node)->listen)
                rc = listen_if_new(plan, host, &plan->changes[i], mk_transport_of(node));
    return rc;
}

/* What listens where another transport is to listen now, in another way or for another bot. */
static void hand_over_listeners(struct plan *plan, const struct milky_host *host)
{
    for (size_t i = 0; i < plan->count; i++)
        MK_LIST_FOR_EACH (node, made(&plan->changes[i])) {
            struct mk_transport *transport = mk_transport_of(node);
            if (!transport->listen || mk_transport_listening(transport))
                continue;
            struct mk_transport *old =
                find_listening(host, plan->changes[i].bot, transport->listen);
            if (old)
                mk_transport_listen_for(transport, old);
        }
}

/* --- the whole --- */

static int prepare(struct plan *plan, struct milky_host *host, const struct milky_config *config)
{
    int rc = mk_config_check(config);
    if (rc < 0)
        return rc;
    const struct mk_bot_shared shared = mk_host_shared(host);
    plan->changes = calloc(config->bot_count + 1, sizeof(*plan->changes));
    plan->bots = calloc(config->bot_count + 1, sizeof(*plan->bots));
    plan->self_ids = calloc(config->bot_count + 1, sizeof(*plan->self_ids));
    plan->gone = calloc(host->gone_count + host->bot_count + 1, sizeof(*plan->gone));
    if (!plan->changes || !plan->bots || !plan->self_ids || !plan->gone)
        return -ENOMEM;
    rc = mk_host_resource_base(config->resource_url, &plan->resource_base);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++) {
        struct change *change = &plan->changes[plan->count++];
        rc = prepare_bot(change, host, &shared, &config->bots[i]);
        plan->bots[i] = change->bot;
        plan->self_ids[i] = config->bots[i].self_id;
    }
    return rc == 0 ? listen_where_new(plan, host) : rc;
}

/* Frees what is not needed any more: all of it where the plan was given up. */
static void discard(struct plan *plan, bool given_up)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct change *change = &plan->changes[i];
        if (!change->is_new) {
            mk_transports_free(&change->fresh);
        } else if (given_up && change->bot) {
            mk_bot_fini(change->bot);
            free(change->bot);
        }
    }
    free(plan->resource_base);
    free(plan->changes);
    free(plan->bots);
    free(plan->self_ids);
    free(plan->gone);
}

/* Bots that are in the host and not in the plan. Returns their number. */
static size_t dismiss(struct milky_host *host, struct plan *plan)
{
    size_t count = host->gone_count;
    if (count > 0) /* before the first reload there is no array */
        memcpy(plan->gone, host->gone, count * sizeof(*plan->gone));
    for (size_t i = 0; i < host->bot_count; i++) {
        size_t j = 0;
        while (j < plan->count && plan->changes[j].bot != host->bots[i])
            j++;
        if (j < plan->count)
            continue;
        mk_bot_stop(host->bots[i]);
        plan->gone[count++] = host->bots[i];
    }
    return count - host->gone_count;
}

/* The plan gets what the host had, to be freed with it. */
static void take_over(struct milky_host *host, struct plan *plan, size_t gone)
{
    struct mk_bot **bots = host->bots, **old_gone = host->gone;
    uint64_t *self_ids = host->self_ids;
    char *resource_base = host->resource_base;
    host->resource_base = plan->resource_base;
    plan->resource_base = resource_base;
    host->bots = plan->bots;
    host->self_ids = plan->self_ids;
    host->bot_count = plan->count;
    host->gone = plan->gone;
    host->gone_count += gone;
    plan->bots = bots;
    plan->self_ids = self_ids;
    plan->gone = old_gone;
}

static size_t carry_out(struct milky_endpoint *endpoint, struct plan *plan,
                        const struct milky_config *config)
{
    struct milky_host *host = &endpoint->host;
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->changes[i].is_new)
            mk_bot_keep(plan->changes[i].bot, &plan->changes[i].fresh);
    hand_over_listeners(plan, host);
    size_t gone = dismiss(host, plan);
    size_t changed = gone, added = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct change *change = &plan->changes[i];
        added += change->is_new;
        if (!change->is_new)
            changed += mk_bot_reload(change->bot, &change->fresh);
    }
    take_over(host, plan, gone);
    mk_loop_busy_poll(&host->loop, config->busy_poll_us);
    mk_streams_use_io_uring(&host->loop, !config->no_io_uring);
    host->deflate.threshold = mk_host_compression_threshold(config);
    if ((gone > 0 || added > 0) && host->backend->bots_changed)
        host->backend->bots_changed(host->backend);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->changes[i].is_new) {
            plan->changes[i].bot->dispatch.stats->timed = endpoint->has_operations;
            mk_bot_start(plan->changes[i].bot);
        }
    mk_host_open_resources(host);
    return changed + added;
}

int milky_endpoint_reload(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    struct milky_host *host = &endpoint->host;
    struct plan plan = { 0 };
    if (!endpoint->started || endpoint->stopping)
        return -EINVAL;
    int rc = prepare(&plan, host, config);
    if (rc < 0) {
        discard(&plan, true);
        mk_log_error("endpoint", "not reloaded, everything is as it was: %s", strerror(-rc));
        return rc;
    }
    size_t changed = carry_out(endpoint, &plan, config);
    discard(&plan, false);
    mk_log_info("endpoint", "reloaded: %zu of the bots' transports were added, removed or changed",
                changed);
    return 0;
}

void milky_endpoint_on_reload(struct milky_endpoint *endpoint, const char *(*reload)(void *arg),
                              void *arg)
{
    endpoint->reload = reload;
    endpoint->reload_arg = arg;
}

void mk_reload_run(struct milky_endpoint *endpoint, struct milky_call *call)
{
    const char *why = endpoint->reload ? endpoint->reload(endpoint->reload_arg)
                                       : "this endpoint has no configuration to read again";
    if (why)
        milky_call_fail(call, MILKY_MALFORMED, "%s", why);
    else
        milky_call_ok(call, NULL);
}
