/*
 * endpoint: implements milky/milky.h: makes an endpoint of a configuration, which connects
 * backends, bots, their hubs and transports to one loop, and frees it in order. run.c starts, runs
 * and stops it; reload.c applies another configuration.
 */
#include "base/error_text.h"
#include "base/escape.h"
#include "base/log.h"
#include "config/check.h"
#include "config/defaults.h"
#include "endpoint/files.h"
#include "endpoint/hosts.h"
#include "endpoint/parts.h"
#include "endpoint/requests.h"
#include "endpoint/retired.h"
#include "host/cache.h"
#include "transport/table.h"

#include <errno.h>
#include <milky/milky.h>
#include <stdlib.h>

/* --- shared by bots --- */

static const char *explain_journal(int rc)
{
    switch (rc) {
    case -EBUSY:
        return mk_tr("another process has it open: is another milky running with this data_dir?",
                     "另一个进程正在使用它：是否有另一个 milky 使用此 data_dir？");
    case -EINVAL:
        return mk_tr("it is not a journal of this version of milky, so it was not touched (see the "
                     "log): move it away, or choose another path",
                     "它不是此版本 milky 的事件日志，没有改动（详见日志）：请移走它，或更换路径");
    case -EROFS:
        return mk_tr("it cannot be written: whose is it?", "它不可写：所有者是谁？");
    case -EIO:
        return mk_tr("it cannot be opened: does its folder exist, can it be written, is it a "
                     "database? See the log",
                     "无法打开：所在目录是否存在、是否可写、它是否为数据库？详见日志");
    default:
        return mk_error_text(-rc);
    }
}

static int open_journal(struct milky_endpoint *endpoint, const struct milky_journal *config,
                        struct milky_error *error)
{
    if (!config->path)
        return 0;
    struct mk_journal_config journal = {
        .path = config->path,
        .max_events = config->max_events,
        .max_age = config->max_age,
        .flush = !config->no_flush,
    };
    int rc = mk_journal_open(&journal, &endpoint->journal);
    if (rc < 0)
        mk_error_set(error, "journal.path", "%s: %s", "%s：%s", config->path, explain_journal(rc));
    endpoint->owner.journal = endpoint->journal;
    return rc;
}

struct mk_bot_shared mk_endpoint_shared(struct milky_endpoint *endpoint)
{
    return (struct mk_bot_shared){
        .loop = endpoint->loop,
        .http = endpoint->http,
        .journal = endpoint->journal,
        .guard = endpoint->guard,
        .limits = &endpoint->limits,
        .deflate = &endpoint->deflate,
        .replays = &endpoint->replays,
        .files = &endpoint->files,
        .cache = endpoint->owner.cache,
        .table = endpoint->table,
    };
}

struct mk_bot *mk_endpoint_find_bot(const struct milky_endpoint *endpoint, uint64_t self_id)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        if (endpoint->bots[i]->hub.self_id == self_id)
            return endpoint->bots[i];
    return NULL;
}

static int make_guard(struct milky_endpoint *endpoint, const struct milky_limits *config)
{
    const struct mk_web_limits limits = {
        .connections = config->connections,
        .connections_per_address = config->connections_per_address
                                       ? config->connections_per_address
                                       : MK_DEFAULT_CONNECTIONS_PER_ADDRESS,
        .limits_this_machine = config->connections_per_address > 0,
        .tls_handshakes = config->tls_handshakes,
        .failed_credentials = config->failed_credentials,
        .header_bytes = config->header_bytes,
        .body_bytes = config->body_bytes,
        .header_ms = config->header_seconds * 1000,
        .body_ms = config->body_seconds * 1000,
        .idle_ms = config->idle_seconds * 1000,
        .receiving_bytes = config->receiving_bytes,
    };
    endpoint->limits = (struct mk_session_limits){
        .message_bytes = config->message_bytes,
        .calls_in_flight = config->calls_in_flight,
        .lag_bytes = config->lag_bytes,
        .pending_bytes = config->pending_bytes_per_connection,
        .pending_bytes_of_bot = config->pending_bytes_per_bot,
    };
    endpoint->guard = mk_guard_new(endpoint->loop, &limits);
    if (!endpoint->guard)
        return -ENOMEM;
    endpoint->limits.receiving = mk_guard_receiving(endpoint->guard);
    return 0;
}

/* --- making --- */

/* Behind the journal, which keeps a second process from the same folder. */
static int make_cache(struct milky_endpoint *endpoint, const struct milky_config *config,
                      struct milky_error *error)
{
    const struct mk_cache_config cache = {
        .folder = config->cache,
        .bytes = config->limits.cache_bytes,
        .bytes_of_bot = config->limits.cache_bytes_per_bot,
        .idle_ms = config->limits.cache_seconds * 1000,
    };
    int rc = config->cache ? mk_cache_new(endpoint->loop, &cache, &endpoint->owner.cache) : 0;
    if (rc < 0)
        mk_error_set(error, "cache", "%s: %s", "%s：%s", config->cache, mk_error_text(-rc));
    return rc;
}

static int make_http(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    const struct mk_proxy_texts proxies = {
        .http = config->http_proxy,
        .https = config->https_proxy,
        .direct = config->no_proxy,
    };
    endpoint->http = mk_web_client_new(endpoint->loop, &proxies);
    return endpoint->http ? 0 : -ENOMEM;
}

static int init_bots(struct milky_endpoint *endpoint, const struct milky_config *config,
                     struct mk_planned_hosts *hosts)
{
    endpoint->bots = calloc(config->bot_count + 1, sizeof(*endpoint->bots));
    if (!endpoint->bots)
        return -ENOMEM;
    int rc = 0;
    const struct mk_bot_shared shared = mk_endpoint_shared(endpoint);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++) {
        struct mk_bot *bot = calloc(1, sizeof(*bot));
        if (!bot)
            return -ENOMEM;
        endpoint->bots[endpoint->bot_count++] = bot;
        rc = mk_bot_init(bot, &shared, mk_hosts_find(hosts, config->bots[i].backend),
                         &config->bots[i]);
        if (bot->dispatch.stats)
            bot->dispatch.stats->timed = endpoint->operations_address.is_set;
    }
    return rc == 0 ? mk_hosts_plan_bots(hosts, endpoint->bots, endpoint->bot_count) : rc;
}

static void drop(struct mk_host_owner *owner, struct mk_account *account)
{
    (void)owner;
    mk_bot_drop(MK_CONTAINER_OF(account, struct mk_bot, account));
}

static int resource_url(struct mk_host_owner *owner, const struct milky_host *host,
                        struct mk_account *account, const char *token, const char *name, char *url,
                        size_t size)
{
    return mk_files_url(MK_CONTAINER_OF(owner, struct milky_endpoint, owner), host, account, token,
                        name, url, size);
}

/* Makes the loop and the parts that only need the loop; milky_endpoint_free expects all of them. */
static int init_parts(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    int rc = mk_loop_get(config->loop, &endpoint->loop);
    if (rc < 0)
        return rc;
    endpoint->owner = (struct mk_host_owner){
        .loop = endpoint->loop,
        .call_ms = config->limits.call_seconds * 1000,
        .language = config->language,
        .drop = drop,
        .resource_url = resource_url,
    };
    endpoint->table = mk_transport_table;
    mk_loop_busy_poll(endpoint->loop, config->busy_poll_us);
    mk_deflate_init(&endpoint->deflate, config->compression_threshold);
    endpoint->deflate.most_windows = config->limits.window_bytes;
    mk_requests_init(endpoint);
    rc = mk_run_init(endpoint);
    if (rc == 0)
        return 0;
    mk_run_fini(endpoint);
    mk_requests_fini(endpoint);
    mk_deflate_fini(&endpoint->deflate);
    mk_loop_put(endpoint->loop);
    return rc;
}

/* Makes the parts of the configuration. */
static int make_parts(struct milky_endpoint *endpoint, const struct milky_config *config,
                      struct milky_error *error)
{
    struct mk_planned_hosts hosts;
    int rc = mk_hosts_plan(&hosts, endpoint, config, error);
    if (rc == 0)
        mk_hosts_take_over(endpoint, &hosts);
    if (rc == 0)
        rc = mk_streams_use_io_uring(endpoint->loop, !config->no_io_uring);
    if (rc == 0)
        rc = mk_addresses_init(endpoint, config);
    if (rc == 0)
        rc = mk_files_init(endpoint, config);
    if (rc == 0)
        rc = make_guard(endpoint, &config->limits);
    if (rc == 0)
        rc = open_journal(endpoint, &config->journal, error);
    if (rc == 0)
        rc = make_cache(endpoint, config, error);
    if (rc == 0)
        rc = make_http(endpoint, config);
    if (rc == 0)
        rc = init_bots(endpoint, config, &hosts);
    mk_hosts_plan_fini(&hosts);
    return rc;
}

static int make(const struct milky_config *config, struct milky_endpoint **result,
                struct milky_error *error)
{
    struct milky_endpoint *endpoint = calloc(1, sizeof(*endpoint));
    int rc = endpoint ? init_parts(endpoint, config) : -ENOMEM;
    if (rc < 0) {
        mk_hosts_discard(NULL, config);
        free(endpoint);
        return rc;
    }
    rc = make_parts(endpoint, config, error);
    if (rc < 0)
        milky_endpoint_free(endpoint);
    else
        *result = endpoint;
    return rc;
}

int milky_endpoint_new(const struct milky_config *given, struct milky_endpoint **result,
                       struct milky_error *error)
{
    struct mk_config_taken taken;
    mk_error_clear(error);
    int rc = mk_config_take(given, &taken, error);
    if (rc < 0)
        mk_hosts_discard(NULL, &taken.config);
    else
        rc = make(&taken.config, result, error);
    mk_config_give_back(&taken);
    if (rc < 0 && rc != -EINVAL)
        mk_log_error("endpoint", "cannot start: %s", "无法启动：%s", mk_error_text(-rc));
    if (rc < 0)
        mk_error_complete(error, MK_PHRASE("cannot start", "无法启动"), rc);
    return rc;
}

/* --- the end --- */

static void free_bots(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        mk_bot_fini(endpoint->bots[i]);
        free(endpoint->bots[i]);
    }
    free(endpoint->bots);
}

void milky_endpoint_free(struct milky_endpoint *endpoint)
{
    if (!endpoint)
        return;
    mk_run_end(endpoint); /* no connection is left */
    endpoint->owner.cache = mk_cache_free(endpoint->owner.cache);
    mk_hosts_end(endpoint);
    mk_retired_end(endpoint);
    free_bots(endpoint);
    mk_retired_fini(endpoint);
    mk_hosts_free(endpoint);
    mk_addresses_fini(endpoint);
    mk_files_fini(endpoint);
    mk_requests_fini(endpoint);
    mk_web_client_free(endpoint->http);
    mk_journal_close(endpoint->journal);
    mk_guard_free(endpoint->guard);
    mk_deflate_fini(&endpoint->deflate);
    mk_replays_fini(&endpoint->replays);
    mk_run_fini(endpoint);
    mk_loop_put(endpoint->loop);
    free(endpoint);
}

/* --- the library --- */

const char *milky_version(void)
{
    return MILKY_VERSION;
}

void milky_language_set(enum milky_language language)
{
    mk_language_set(language == MILKY_CHINESE ? MK_CHINESE : MK_ENGLISH);
}

void milky_log_to(void (*write)(const char *line, size_t len), int level, bool json)
{
    mk_log_setup((enum mk_log_level)level, json ? MK_LOG_JSON : MK_LOG_TEXT, write);
}
