/*
 * reload: an endpoint goes on with another configuration. All that may go wrong is tried first:
 * where something does, nothing has changed.
 */
#include "endpoint/reload.h"
#include "base/error_text.h"
#include "endpoint/parts.h"

#include "base/log.h"
#include "config/check.h"
#include "endpoint/files.h"
#include "endpoint/hosts.h"
#include "protocol/call.h"

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
    struct mk_bot **bots; /* what the endpoint's will be */
    struct mk_bot **gone;
    char *resource_base; /* or NULL */
};

/* Returns 0; -EINVAL, logged, with the reason in `error`; -ENOMEM; or what a transport could not.
 */
static int prepare_bot(struct change *change, struct milky_endpoint *endpoint,
                       const struct mk_bot_shared *shared, const struct milky_bot *config,
                       struct milky_error *error)
{
    struct milky_host *host = mk_hosts_find(endpoint, config->backend);
    mk_list_init(&change->fresh);
    change->bot = mk_endpoint_find_bot(endpoint, config->self_id);
    if (change->bot && change->bot->account.host == host)
        return mk_bot_prepare(change->bot, shared, config, &change->fresh);
    if (change->bot) {
        mk_log_error("endpoint", "bot %llu cannot change its backend",
                     (unsigned long long)config->self_id);
        mk_error_set(error, "", "bot %llu cannot change its backend: take it out and reload first",
                     (unsigned long long)config->self_id);
        return -EINVAL;
    }
    change->bot = calloc(1, sizeof(*change->bot));
    if (!change->bot)
        return -ENOMEM;
    change->is_new = true;
    return mk_bot_init(change->bot, shared, host, config);
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
static struct mk_transport *find_listening(const struct milky_endpoint *endpoint,
                                           const struct mk_bot *bot, const char *listen)
{
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        if (mk_transport_any_port(listen) && endpoint->bots[i] != bot)
            continue;
        MK_LIST_FOR_EACH (node, &endpoint->bots[i]->transports)
            if (listens_on(mk_transport_of(node), listen) &&
                mk_transport_listening(mk_transport_of(node)))
                return mk_transport_of(node);
    }
    return NULL;
}

/* "127.0.0.1:3000" may be taken by a "0.0.0.0:3000" of our own. */
static void explain_overlap(const struct milky_endpoint *endpoint, const char *listen)
{
    const char *port = strrchr(listen, ':');
    for (size_t i = 0; i < endpoint->bot_count; i++)
        MK_LIST_FOR_EACH (node, &endpoint->bots[i]->transports) {
            const char *other = mk_transport_of(node)->listen;
            if (!other || strncmp(other, "unix:", 5) == 0 || strcmp(strrchr(other, ':'), port) != 0)
                continue;
            mk_log_error("endpoint",
                         "%s overlaps with %s, where bot %llu listens: take that out and reload, "
                         "then put this in and reload again",
                         listen, other, (unsigned long long)endpoint->bots[i]->hub.self_id);
            return;
        }
}

/* Listens where none of ours does. No two bots of a configuration have one address. */
static int listen_if_new(const struct milky_endpoint *endpoint, const struct change *change,
                         struct mk_transport *transport)
{
    if (find_listening(endpoint, change->bot, transport->listen))
        return 0;
    int rc = mk_transport_start(transport);
    if (rc == -EADDRINUSE)
        explain_overlap(endpoint, transport->listen);
    return rc;
}

/* The other listeners change hands when nothing can go wrong any more. */
static int listen_where_new(struct plan *plan, const struct milky_endpoint *endpoint)
{
    int rc = 0;
    for (size_t i = 0; i < plan->count; i++)
        MK_LIST_FOR_EACH (node, made(&plan->changes[i]))
            if (rc == 0 && mk_transport_of(node)->listen)
                rc = listen_if_new(endpoint, &plan->changes[i], mk_transport_of(node));
    return rc;
}

/* What listens where another transport is to listen now, in another way or for another bot. */
static void hand_over_listeners(struct plan *plan, const struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < plan->count; i++)
        MK_LIST_FOR_EACH (node, made(&plan->changes[i])) {
            struct mk_transport *transport = mk_transport_of(node);
            if (!transport->listen || mk_transport_listening(transport))
                continue;
            struct mk_transport *old =
                find_listening(endpoint, plan->changes[i].bot, transport->listen);
            if (old)
                mk_transport_listen_for(transport, old);
        }
}

/* --- the whole --- */

/* Frees the backends of the configuration that do not run yet. Returns the number of the others. */
static size_t discard_new_backends(const struct milky_endpoint *endpoint,
                                   const struct milky_config *config)
{
    size_t known = 0;
    for (size_t i = 0; i < config->backend_count; i++) {
        const struct milky_config_backend *backend = &config->backends[i];
        const struct milky_host *host = mk_hosts_find(endpoint, backend->name);
        if (host && host->backend == backend->table && host->self == backend->self)
            known++;
        else if (backend->table)
            mk_host_discard(backend->table, backend->self);
    }
    return known;
}

/* All backends of the configuration run already. Returns 0 or -EINVAL, with the reason. */
static int check_backends(const struct milky_endpoint *endpoint, const struct milky_config *config,
                          struct milky_error *error)
{
    size_t known = discard_new_backends(endpoint, config);
    if (known == config->backend_count && known == endpoint->host_count)
        return 0;
    mk_log_error("endpoint", "backends cannot change while the endpoint runs");
    mk_error_set(error, "backends", "they cannot change while the endpoint runs");
    return -EINVAL;
}

static int prepare(struct plan *plan, struct milky_endpoint *endpoint,
                   const struct milky_config *config, struct milky_error *error)
{
    int rc = check_backends(endpoint, config, error);
    if (rc < 0)
        return rc;
    const struct mk_bot_shared shared = mk_endpoint_shared(endpoint);
    plan->changes = calloc(config->bot_count + 1, sizeof(*plan->changes));
    plan->bots = calloc(config->bot_count + 1, sizeof(*plan->bots));
    plan->gone = calloc(endpoint->gone_count + endpoint->bot_count + 1, sizeof(*plan->gone));
    if (!plan->changes || !plan->bots || !plan->gone)
        return -ENOMEM;
    rc = mk_files_base(config->resource_url, &plan->resource_base);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++) {
        struct change *change = &plan->changes[plan->count++];
        rc = prepare_bot(change, endpoint, &shared, &config->bots[i], error);
        plan->bots[i] = change->bot;
    }
    return rc == 0 ? listen_where_new(plan, endpoint) : rc;
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
    free(plan->gone);
}

/* Bots that are in the endpoint and not in the plan. Returns their number. */
static size_t dismiss(struct milky_endpoint *endpoint, struct plan *plan)
{
    size_t count = endpoint->gone_count;
    if (count > 0) /* before the first reload there is no array */
        memcpy(plan->gone, endpoint->gone, count * sizeof(*plan->gone));
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        size_t j = 0;
        while (j < plan->count && plan->changes[j].bot != endpoint->bots[i])
            j++;
        if (j < plan->count)
            continue;
        mk_bot_stop(endpoint->bots[i]);
        plan->gone[count++] = endpoint->bots[i];
    }
    return count - endpoint->gone_count;
}

/* The plan gets what the endpoint had, to be freed with it. */
static void take_over(struct milky_endpoint *endpoint, struct plan *plan, size_t gone)
{
    struct mk_bot **bots = endpoint->bots, **old_gone = endpoint->gone;
    char *resource_base = endpoint->resource_base;
    endpoint->resource_base = plan->resource_base;
    plan->resource_base = resource_base;
    endpoint->bots = plan->bots;
    endpoint->bot_count = plan->count;
    endpoint->gone = plan->gone;
    endpoint->gone_count += gone;
    plan->bots = bots;
    plan->gone = old_gone;
}

static size_t carry_out(struct milky_endpoint *endpoint, struct plan *plan,
                        const struct milky_config *config)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->changes[i].is_new)
            mk_bot_keep(plan->changes[i].bot, &plan->changes[i].fresh);
    hand_over_listeners(plan, endpoint);
    size_t gone = dismiss(endpoint, plan);
    size_t changed = gone, added = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct change *change = &plan->changes[i];
        added += change->is_new;
        if (!change->is_new)
            changed += mk_bot_reload(change->bot, &change->fresh);
    }
    take_over(endpoint, plan, gone);
    mk_loop_busy_poll(&endpoint->loop, config->busy_poll_us);
    mk_streams_use_io_uring(&endpoint->loop, !config->no_io_uring);
    endpoint->deflate.threshold = config->compression_threshold;
    if (mk_hosts_set_bots(endpoint, endpoint->bots, endpoint->bot_count) < 0)
        mk_log_error("endpoint", "out of memory: backends do not know of the bots that changed");
    for (size_t i = 0; i < plan->count; i++)
        if (plan->changes[i].is_new) {
            plan->changes[i].bot->dispatch.stats->timed = endpoint->has_operations;
            mk_bot_start(plan->changes[i].bot);
        }
    mk_files_open(endpoint);
    return changed + added;
}

static int reload_with(struct milky_endpoint *endpoint, const struct milky_config *config, int rc,
                       struct milky_error *error)
{
    struct plan plan = { 0 };
    if (rc == 0)
        rc = prepare(&plan, endpoint, config, error);
    else
        discard_new_backends(endpoint, config);
    if (rc < 0) {
        discard(&plan, true);
        mk_log_error("endpoint", "not reloaded, everything is as it was: %s", mk_error_text(-rc));
        if (error && error->text[0] == '\0')
            mk_error_set(error, "", "not reloaded: %s", mk_error_text(-rc));
        return rc;
    }
    size_t changed = carry_out(endpoint, &plan, config);
    discard(&plan, false);
    mk_log_info("endpoint", "reloaded: %zu of the bots' transports were added, removed or changed",
                changed);
    return 0;
}

int milky_endpoint_reload(struct milky_endpoint *endpoint, const struct milky_config *given,
                          struct milky_error *error)
{
    struct mk_config_taken taken;
    mk_error_set(error, "", "%s", "");
    int rc = mk_config_take(given, &taken, error);
    if (rc == 0 && (!endpoint->started || endpoint->stopping)) {
        rc = -EINVAL;
        mk_error_set(error, "", "the endpoint does not run");
    }
    rc = reload_with(endpoint, &taken.config, rc, error);
    mk_config_give_back(&taken);
    return rc;
}

void milky_endpoint_on_reload(struct milky_endpoint *endpoint,
                              const char *(*reload)(void *arg, const char **restart), void *arg)
{
    endpoint->reload = reload;
    endpoint->reload_arg = arg;
}

/* {"needs_restart": ["limits", ...]}; NULL for no lines. What memory does not suffice for is left
 * out. */
static yyjson_mut_val *write_restart(yyjson_mut_doc *doc, struct mk_slice lines)
{
    struct mk_slice line;
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "needs_restart");
    while (mk_slice_next(&lines, '\n', &line))
        if (line.len > 0)
            yyjson_mut_arr_add_strncpy(doc, list, line.ptr, line.len);
    return yyjson_mut_arr_size(list) > 0 ? object : NULL;
}

void mk_reload_run(struct milky_endpoint *endpoint, struct mk_call *call)
{
    const char *restart = NULL;
    const char *why = endpoint->reload ? endpoint->reload(endpoint->reload_arg, &restart)
                                       : "this endpoint has no configuration to read again";
    if (why)
        mk_call_fail(call, MILKY_MALFORMED, "%s", why);
    else
        mk_call_ok(call, write_restart(call->doc, mk_slice_str(restart)));
}
