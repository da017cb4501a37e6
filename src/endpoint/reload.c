/*
 * reload: applies another configuration to an endpoint. Everything that can fail is done first:
 * when it fails, nothing has changed.
 */
#include "endpoint/reload.h"
#include "base/error_text.h"
#include "endpoint/expiry.h"
#include "endpoint/parts.h"

#include "base/log.h"
#include "config/check.h"
#include "endpoint/files.h"
#include "endpoint/hosts.h"
#include "endpoint/retired.h"
#include "protocol/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The change of one bot of the configuration. */
struct change {
    struct mk_bot *bot;   /* a running one, or a new one */
    struct mk_list fresh; /* the new transports of a running bot; a new bot has its own */
    bool is_new;
};

struct plan {
    struct mk_planned_hosts hosts;
    struct change *changes; /* in the order of the configuration */
    size_t count;
    struct mk_bot **bots; /* the future bots of the endpoint */
    char *resource_base;  /* or NULL */
};

/* A running bot must keep its backend. */
static int check_backend(const struct mk_bot *bot, const struct milky_host *host, size_t index,
                         struct milky_error *error)
{
    const struct milky_host *old = bot->account.host;
    char path[64], text[400];
    if (old == host)
        return 0;
    bool has_same_name = strcmp(old->name, host->name) == 0;
    snprintf(path, sizeof(path), "bots[%zu].backend", index);
    snprintf(text, sizeof(text),
             has_same_name
                 ? mk_tr("%s is not the backend of this name that serves bot %llu, and a bot "
                         "cannot change its backend while it runs: take it out, reload, and put "
                         "it in again",
                         "%s 不是正在为 Bot %llu 服务的同名后端，而 Bot "
                         "运行时不能更换后端：请移除它，重新加载，再加入")
                 : mk_tr("%s is not the backend that serves bot %llu, and a bot cannot change its "
                         "backend while it runs: take it out, reload, and put it in again",
                         "%s 不是正在为 Bot %llu 服务的后端，而 Bot "
                         "运行时不能更换后端：请移除它，重新加载，再加入"),
             host->name, (unsigned long long)bot->hub.self_id);
    mk_log_error("endpoint", "%s: %s", "%s：%s", path, text);
    mk_error_set(error, path, "%s", "%s", text);
    return -EINVAL;
}

/* Returns 0; -EINVAL, logged, with the reason in `error`; -ENOMEM; or the error of a transport. */
static int prepare_bot(struct plan *plan, struct milky_endpoint *endpoint,
                       const struct mk_bot_shared *shared, const struct milky_bot *config,
                       struct milky_error *error)
{
    size_t index = plan->count++;
    struct change *change = &plan->changes[index];
    struct milky_host *host = mk_hosts_find(&plan->hosts, config->backend);
    mk_list_init(&change->fresh);
    change->bot = plan->bots[index] = mk_endpoint_find_bot(endpoint, config->self_id);
    if (change->bot) {
        int rc = check_backend(change->bot, host, index, error);
        return rc == 0 ? mk_bot_prepare(change->bot, shared, config, &change->fresh) : rc;
    }
    change->bot = plan->bots[index] = calloc(1, sizeof(*change->bot));
    if (!change->bot)
        return -ENOMEM;
    change->is_new = true;
    int rc = mk_bot_init(change->bot, shared, host, config);
    if (change->bot->dispatch.stats)
        change->bot->dispatch.stats->timed = endpoint->operations_address.is_set;
    return rc;
}

/* --- listening --- */

/* The future transports of the bot. */
static struct mk_list *made(struct change *change)
{
    return change->is_new ? &change->bot->transports : &change->fresh;
}

static bool listens_on(const struct mk_transport *transport, const char *listen)
{
    return transport->listen && strcmp(transport->listen, listen) == 0;
}

/* The transport that listens on the address now. For port 0 it must be one of the bot itself.
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

/* "127.0.0.1:3000" may overlap with a "0.0.0.0:3000" of ours. Fills `error` and returns true if so.
 */
static bool explain_overlap(const struct milky_endpoint *endpoint, const char *listen,
                            struct milky_error *error)
{
    const char *port = strrchr(listen, ':');
    for (size_t i = 0; i < endpoint->bot_count; i++)
        MK_LIST_FOR_EACH (node, &endpoint->bots[i]->transports) {
            const char *other = mk_transport_of(node)->listen;
            if (!other || strncmp(other, "unix:", 5) == 0 || strcmp(strrchr(other, ':'), port) != 0)
                continue;
            char text[512];
            snprintf(text, sizeof(text),
                     mk_tr("%s overlaps with %s, where bot %llu listens: take that out and reload, "
                           "then put this in and reload again",
                           "%s 与 %s 重叠，后者由 Bot %llu "
                           "监听：请先移除后者并重新加载，再加入此项并重新加载"),
                     listen, other, (unsigned long long)endpoint->bots[i]->hub.self_id);
            mk_log_error("endpoint", "%s", "%s", text);
            mk_error_set(error, "", "%s", "%s", text);
            return true;
        }
    return false;
}

/* Listens on an address that none of ours listens on. No two bots of a configuration share one. */
static int listen_if_new(const struct milky_endpoint *endpoint, const struct plan *plan,
                         size_t index, struct mk_transport *transport, struct milky_error *error)
{
    if (find_listening(endpoint, plan->changes[index].bot, transport->listen))
        return 0;
    int rc = mk_transport_start(transport);
    if (rc < 0 && !(rc == -EADDRINUSE && explain_overlap(endpoint, transport->listen, error)))
        mk_error_set_transport(error, index, transport, rc);
    return rc;
}

/* Opens the new addresses. The other listeners are handed over later, when nothing can fail. */
static int listen_where_new(struct plan *plan, const struct milky_endpoint *endpoint,
                            struct milky_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < plan->count; i++)
        MK_LIST_FOR_EACH (node, made(&plan->changes[i]))
            if (rc == 0 && mk_transport_of(node)->listen)
                rc = listen_if_new(endpoint, plan, i, mk_transport_of(node), error);
    return rc;
}

/* Gives open listeners to the transports that use the same address from now on. */
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

/* --- all of it --- */

/* The last step that can fail, because the start of a backend may not be undone. */
static int start_backends(struct plan *plan, struct milky_endpoint *endpoint,
                          struct milky_error *error)
{
    int rc = mk_hosts_plan_bots(&plan->hosts, plan->bots, plan->count);
    if (rc < 0)
        return rc;
    rc = mk_hosts_start_new(&plan->hosts, error);
    if (rc == 0 && endpoint->stopping) {
        mk_error_set(error, "", "the endpoint was stopped by a backend that started",
                     "程序被一个启动的后端停止");
        rc = -ECANCELED;
    }
    return rc;
}

static int prepare(struct plan *plan, struct milky_endpoint *endpoint,
                   const struct milky_config *config, struct milky_error *error)
{
    int rc = mk_hosts_plan(&plan->hosts, endpoint, config, error);
    if (rc < 0)
        return rc;
    const struct mk_bot_shared shared = mk_endpoint_shared(endpoint);
    plan->changes = calloc(config->bot_count + 1, sizeof(*plan->changes));
    plan->bots = calloc(config->bot_count + 1, sizeof(*plan->bots));
    if (!plan->changes || !plan->bots)
        return -ENOMEM;
    rc = mk_retired_reserve(endpoint);
    if (rc == 0)
        rc = mk_files_base(config->resource_url, &plan->resource_base);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++)
        rc = prepare_bot(plan, endpoint, &shared, &config->bots[i], error);
    if (rc == 0)
        rc = listen_where_new(plan, endpoint, error);
    return rc == 0 ? start_backends(plan, endpoint, error) : rc;
}

/* Frees the rest of the plan: all of it when it was given up. */
static void discard(struct plan *plan, bool given_up)
{
    mk_hosts_plan_fini(&plan->hosts);
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
}

/* Stops and retires the bots that are not in the plan. Returns their number. */
static size_t dismiss(struct milky_endpoint *endpoint, const struct plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        size_t j = 0;
        while (j < plan->count && plan->bots[j] != endpoint->bots[i])
            j++;
        if (j < plan->count)
            continue;
        mk_bot_stop(endpoint->bots[i]);
        mk_retired_add_bot(endpoint, endpoint->bots[i]);
        count++;
    }
    return count;
}

/*
 * All events so far are on disk afterwards: a bot may get another backend, which does not know the
 * events that the former one keeps.
 */
static void flush_journal(struct milky_endpoint *endpoint)
{
    if (endpoint->journal && mk_journal_flush(endpoint->journal) < 0)
        mk_journal_settle(endpoint->journal, true);
}

/* Swaps the parts of the endpoint with those of the plan, which frees the old ones. */
static void take_over(struct milky_endpoint *endpoint, struct plan *plan)
{
    struct mk_bot **bots = endpoint->bots;
    char *resource_base = endpoint->resource_base;
    endpoint->resource_base = plan->resource_base;
    plan->resource_base = resource_base;
    endpoint->bots = plan->bots;
    endpoint->bot_count = plan->count;
    plan->bots = bots;
    mk_hosts_take_over(endpoint, &plan->hosts);
}

/* Applies the settings of the whole endpoint. */
static void change_settings(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    mk_loop_busy_poll(endpoint->loop, config->busy_poll_us);
    mk_streams_use_io_uring(endpoint->loop, !config->no_io_uring);
    endpoint->deflate.threshold = config->compression_threshold;
    endpoint->owner.language = config->language;
    mk_files_look(endpoint);
    mk_files_open(endpoint);
}

/* Returns the number of transports that were added, removed or changed. */
static size_t carry_out(struct milky_endpoint *endpoint, struct plan *plan,
                        const struct milky_config *config)
{
    const struct mk_transport *failed;
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->changes[i].is_new)
            mk_bot_keep(plan->changes[i].bot, &plan->changes[i].fresh);
    hand_over_listeners(plan, endpoint);
    size_t changed = dismiss(endpoint, plan);
    for (size_t i = 0; i < plan->count; i++) {
        struct change *change = &plan->changes[i];
        changed += change->is_new ? 1 : mk_bot_reload(change->bot, &change->fresh);
    }
    flush_journal(endpoint);
    take_over(endpoint, plan);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->changes[i].is_new)
            mk_bot_start(plan->changes[i].bot, &failed);
    change_settings(endpoint, config);
    mk_hosts_give_bots(endpoint, &plan->hosts);
    mk_expiry_run(endpoint);
    return changed;
}

static int go_on_with(struct milky_endpoint *endpoint, const struct milky_config *config,
                      struct milky_error *error)
{
    struct plan plan = { 0 };
    endpoint->reloading = true;
    int rc = prepare(&plan, endpoint, config, error);
    if (rc == 0)
        mk_log_info(
            "endpoint", "reloaded: %zu of the bots' transports were added, removed or changed",
            "已重新加载：新增、移除或更改了 %zu 个通信方式", carry_out(endpoint, &plan, config));
    discard(&plan, rc < 0);
    endpoint->reloading = false;
    return rc;
}

/* Returns 0, or a negative errno with the reason when it cannot reload now. */
static int check_time(const struct milky_endpoint *endpoint, struct milky_error *error)
{
    if (endpoint->reloading) {
        mk_error_set(error, "", "another reload is under way", "另一次重新加载正在进行");
        return -EBUSY;
    }
    if (endpoint->ready && !endpoint->stopping)
        return 0;
    mk_error_set(error, "", "the endpoint does not run", "程序没有在运行");
    return -EINVAL;
}

int milky_endpoint_reload(struct milky_endpoint *endpoint, const struct milky_config *given,
                          struct milky_error *error)
{
    struct mk_config_taken taken;
    mk_error_clear(error);
    int rc = mk_config_take(given, &taken, error);
    if (rc == 0)
        rc = check_time(endpoint, error);
    if (rc < 0)
        mk_hosts_discard(endpoint, &taken.config);
    else
        rc = go_on_with(endpoint, &taken.config, error);
    mk_config_give_back(&taken);
    if (rc < 0) {
        mk_log_error("endpoint", "not reloaded, nothing has changed: %s",
                     "未重新加载，一切保持不变：%s", mk_error_text(-rc));
        mk_error_complete(error, MK_PHRASE("not reloaded", "未重新加载"), rc);
    }
    return rc;
}

void milky_endpoint_on_reload(struct milky_endpoint *endpoint,
                              const char *(*reload)(void *arg, const char **restart), void *arg)
{
    endpoint->reload = reload;
    endpoint->reload_arg = arg;
}

/* {"needs_restart": ["limits", ...]}; NULL for no lines. A line is left out when out of memory. */
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
                                       : mk_tr("this endpoint has no configuration to read again",
                                               "没有可重新读取的配置");
    if (why)
        mk_call_fail(call, MILKY_MALFORMED, "%s", why);
    else
        mk_call_ok(call, write_restart(call->doc, mk_slice_str(restart)));
}
