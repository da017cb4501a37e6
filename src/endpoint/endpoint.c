/*
 * endpoint: implements milky/milky.h. Wires backends, bots, their hubs and transports to one loop,
 * and takes them down again in order.
 *
 * Stopping: every transport is told, each becomes idle by itself, and the loop ends when all are;
 * what is not idle after GRACE_MS is ended by force.
 */
#include "base/clock.h"
#include "base/error_text.h"
#include "base/log.h"
#include "base/shown.h"
#include "config/check.h"
#include "config/defaults.h"
#include "endpoint/files.h"
#include "endpoint/hosts.h"
#include "endpoint/metrics.h"
#include "endpoint/parts.h"
#include "endpoint/requests.h"
#include "transport/table.h"

#include <errno.h>
#include <milky/milky.h>
#include <stdlib.h>

enum {
    GRACE_MS = 4000,
    MOST_COMMITS = 8, /* more, in a turn */
};

/* --- making --- */

/* One of the two addresses that are no bot's. */
static int parse_address(const char *text, const char *given_token, struct mk_address *address,
                         char **token)
{
    *token = mk_slice_dup(mk_slice_str(given_token));
    if (!*token)
        return -ENOMEM;
    return mk_address_parse(mk_slice_str(text), address) ? -EINVAL : 0;
}

static int parse_addresses(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    int rc = 0;
    endpoint->has_control = config->control != NULL;
    endpoint->has_operations = config->operations != NULL;
    if (config->control)
        rc = parse_address(config->control, config->control_access_token,
                           &endpoint->control_address, &endpoint->control_token);
    if (rc == 0 && config->operations)
        rc = parse_address(config->operations, config->operations_access_token,
                           &endpoint->operations_address, &endpoint->operations_token);
    return rc;
}

static int open_journal(struct milky_endpoint *endpoint, const struct milky_journal *config)
{
    if (!config->path)
        return 0;
    struct mk_journal_config journal = {
        .path = config->path,
        .max_events = config->max_events,
        .max_age = config->max_age,
        .flush = !config->no_flush,
        .events_kept = mk_hosts_keep_events(endpoint),
    };
    int rc = mk_journal_open(&journal, &endpoint->journal);
    endpoint->owner.journal = endpoint->journal;
    return rc;
}

struct mk_bot_shared mk_endpoint_shared(struct milky_endpoint *endpoint)
{
    return (struct mk_bot_shared){
        .loop = &endpoint->loop,
        .http = &endpoint->http,
        .journal = endpoint->journal,
        .guard = endpoint->guard,
        .limits = &endpoint->limits,
        .deflate = &endpoint->deflate,
        .files = &endpoint->files,
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

static int init_bots(struct milky_endpoint *endpoint, const struct milky_config *config)
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
        rc = mk_bot_init(bot, &shared, mk_hosts_find(endpoint, config->bots[i].backend),
                         &config->bots[i]);
        if (bot->dispatch.stats)
            bot->dispatch.stats->timed = config->operations != NULL;
    }
    return rc == 0 ? mk_hosts_set_bots(endpoint, endpoint->bots, endpoint->bot_count) : rc;
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
    };
    endpoint->limits = (struct mk_session_limits){
        .message_bytes = config->message_bytes,
        .calls_in_flight = config->calls_in_flight,
        .lag_bytes = config->lag_bytes,
    };
    endpoint->guard = mk_guard_new(&endpoint->loop, &limits);
    return endpoint->guard ? 0 : -ENOMEM;
}

static void on_turn_end(struct mk_turn_hook *hook);
static void on_grace_over(void *arg);

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

/* The loop, and what needs nothing else. */
static int init_parts(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    int rc = mk_loop_init(&endpoint->loop, NULL);
    if (rc < 0)
        return rc;
    endpoint->owner = (struct mk_host_owner){
        .loop = &endpoint->loop,
        .call_ms = config->limits.call_seconds * 1000,
        .drop = drop,
        .resource_url = resource_url,
    };
    endpoint->table = mk_transport_table;
    mk_loop_busy_poll(&endpoint->loop, config->busy_poll_us);
    mk_deflate_init(&endpoint->deflate, config->compression_threshold);
    mk_requests_init(endpoint);
    endpoint->turn.run = on_turn_end;
    mk_loop_add_hook(&endpoint->loop, &endpoint->turn);
    return 0;
}

/* What the configuration asks for, behind the backends. */
static int make_parts(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    endpoint->grace = mk_timer_new(&endpoint->loop, on_grace_over, endpoint);
    mk_files_init(endpoint);
    bool ready =
        endpoint->grace && mk_streams_use_io_uring(&endpoint->loop, !config->no_io_uring) == 0;
    int rc = ready ? parse_addresses(endpoint, config) : -ENOMEM;
    if (rc == 0)
        rc = mk_files_base(config->resource_url, &endpoint->resource_base);
    if (rc == 0)
        rc = make_guard(endpoint, &config->limits);
    if (rc == 0)
        rc = open_journal(endpoint, &config->journal);
    return rc == 0 ? init_bots(endpoint, config) : rc;
}

int milky_endpoint_new(const struct milky_config *given, struct milky_endpoint **result,
                       struct milky_error *error)
{
    struct mk_config_taken taken;
    const struct milky_config *config = &taken.config;
    mk_error_set(error, "", "%s", "");
    int rc = mk_config_take(given, &taken, error);
    struct milky_endpoint *endpoint = rc == 0 ? calloc(1, sizeof(*endpoint)) : NULL;
    if (rc == 0)
        rc = endpoint ? init_parts(endpoint, config) : -ENOMEM;
    if (!endpoint || rc < 0) {
        if (rc != -EINVAL)
            mk_log_error("endpoint", "cannot start: %s", mk_error_text(-rc));
        mk_hosts_discard(config);
        free(endpoint);
    } else {
        rc = mk_hosts_make(endpoint, config, error);
        if (rc == 0)
            rc = make_parts(endpoint, config);
        if (rc == -ENOMEM)
            mk_log_error("endpoint", "cannot start: out of memory");
        if (rc < 0)
            milky_endpoint_free(endpoint);
    }
    if (rc < 0 && error && error->text[0] == '\0')
        mk_error_set(error, "", "cannot start: %s", mk_error_text(-rc));
    if (rc == 0)
        *result = endpoint;
    mk_config_give_back(&taken);
    return rc;
}

static void begin_stop(struct milky_endpoint *endpoint)
{
    endpoint->stopping = true;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_stop(endpoint->bots[i]);
    if (endpoint->control)
        mk_http_port_stop(mk_control_port(endpoint->control));
    if (endpoint->file_server)
        endpoint->file_server->class->stop(endpoint->file_server);
}

static void end_by_force(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_abort(endpoint->bots[i]);
    for (size_t i = 0; i < endpoint->gone_count; i++)
        mk_bot_abort(endpoint->gone[i]);
    if (endpoint->control)
        mk_http_port_abort(mk_control_port(endpoint->control));
    if (endpoint->operations)
        mk_http_port_abort(mk_operations_port(endpoint->operations));
    if (endpoint->file_server)
        endpoint->file_server->class->abort(endpoint->file_server);
}

static void free_bot(struct mk_bot *bot)
{
    mk_bot_fini(bot);
    free(bot);
}

void milky_endpoint_free(struct milky_endpoint *endpoint)
{
    if (!endpoint)
        return;
    begin_stop(endpoint);
    end_by_force(endpoint);
    mk_hosts_stop(endpoint);
    mk_loop_run(&endpoint->loop); /* until all is idle: no connection is left */
    mk_hosts_end(endpoint);
    for (size_t i = 0; i < endpoint->bot_count; i++)
        free_bot(endpoint->bots[i]);
    for (size_t i = 0; i < endpoint->gone_count; i++)
        free_bot(endpoint->gone[i]);
    mk_hosts_free(endpoint);
    mk_control_free(endpoint->control);
    mk_operations_free(endpoint->operations);
    mk_transport_free(endpoint->file_server);
    mk_requests_fini(endpoint);
    mk_http_client_free(endpoint->http);
    mk_journal_close(endpoint->journal);
    mk_guard_free(endpoint->guard);
    mk_deflate_fini(&endpoint->deflate);
    mk_timer_free(endpoint->grace);
    mk_loop_remove_hook(&endpoint->turn);
    mk_loop_fini(&endpoint->loop);
    free(endpoint->control_token);
    free(endpoint->operations_token);
    free(endpoint->bots);
    free(endpoint->gone);
    free(endpoint->resource_base);
    free(endpoint);
}

/* --- running --- */

static int told(const char *what, const struct mk_address *address, int rc,
                struct milky_error *error)
{
    char text[MK_ADDRESS_TEXT];
    if (rc < 0) {
        mk_address_format(address, text);
        mk_log_error("endpoint", "%s: cannot listen on %s: %s", what, text, mk_error_text(-rc));
        mk_error_set(error, what, "cannot listen on %s: %s", text, mk_error_text(-rc));
    }
    return rc;
}

/* The backends, and behind them the endpoint itself. */
static struct mk_dispatch *desk_at(void *arg, size_t index, const char **name)
{
    struct milky_endpoint *endpoint = arg;
    if (index < endpoint->host_count) {
        *name = endpoint->hosts[index]->name;
        return &endpoint->hosts[index]->dispatch;
    }
    *name = "endpoint";
    return index == endpoint->host_count ? &endpoint->requests.dispatch : NULL;
}

static int open_control(struct milky_endpoint *endpoint, struct milky_error *error)
{
    if (!endpoint->has_control)
        return 0;
    const struct mk_control_desks desks = { desk_at, endpoint };
    int rc = mk_control_open(&endpoint->loop, &endpoint->control_address,
                             mk_slice_str(endpoint->control_token), endpoint->guard, &desks,
                             &endpoint->control);
    return told("control", &endpoint->control_address, rc, error);
}

static const char *unready(const struct milky_endpoint *endpoint)
{
    if (endpoint->stopping)
        return "stopping";
    if (!endpoint->ready)
        return "starting";
    if (endpoint->journal && !mk_journal_well(endpoint->journal))
        return "the journal cannot be written";
    return NULL;
}

/* One bot that is offline is no reason to send the others' programs elsewhere. */
static bool is_ready(void *arg, struct mk_buf *words)
{
    const struct milky_endpoint *endpoint = arg;
    const char *why = unready(endpoint);
    size_t offline = 0;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        offline += endpoint->bots[i]->account.state == MILKY_STATE_OFFLINE;
    if (!why && offline > 0 && offline == endpoint->bot_count)
        why = "no bot is online";
    mk_buf_printf(words, "%s\n", why ? why : "ready");
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        const struct mk_account *account = &endpoint->bots[i]->account;
        if (account->state != MILKY_STATE_OFFLINE)
            continue;
        mk_buf_printf(words, "bot %llu is offline%s", (unsigned long long)account->self_id,
                      *account->reason ? ": " : "");
        mk_shown_append(words, mk_slice_str(account->reason));
        mk_buf_append_char(words, '\n');
    }
    return !why;
}

static int open_operations(struct milky_endpoint *endpoint, struct milky_error *error)
{
    if (!endpoint->has_operations)
        return 0;
    const struct mk_operations_source source = { is_ready, mk_metrics_write, endpoint };
    int rc = mk_operations_open(&endpoint->loop, &endpoint->operations_address,
                                mk_slice_str(endpoint->operations_token), endpoint->guard, &source,
                                &endpoint->operations);
    return told("operations", &endpoint->operations_address, rc, error);
}

int milky_endpoint_start(struct milky_endpoint *endpoint, struct milky_error *error)
{
    mk_error_set(error, "", "%s", "");
    endpoint->started_at = mk_clock_real_ms();
    int rc = open_operations(endpoint, error);
    if (rc == 0)
        rc = mk_hosts_start(endpoint, error);
    endpoint->started = rc == 0;
    if (rc == 0)
        rc = open_control(endpoint, error);
    for (size_t i = 0; i < endpoint->bot_count && rc == 0; i++)
        rc = mk_bot_start(endpoint->bots[i]);
    if (rc == 0)
        rc = mk_files_open(endpoint);
    endpoint->ready = rc == 0;
    if (rc < 0 && error && error->text[0] == '\0')
        mk_error_set(error, "", "cannot start: %s", mk_error_text(-rc));
    return rc;
}

void milky_endpoint_run(struct milky_endpoint *endpoint)
{
    mk_loop_run(&endpoint->loop);
}

static bool is_idle(const struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        if (!mk_bot_idle(endpoint->bots[i]))
            return false;
    for (size_t i = 0; i < endpoint->gone_count; i++)
        if (!mk_bot_idle(endpoint->gone[i]))
            return false;
    if (endpoint->file_server && !endpoint->file_server->class->idle(endpoint->file_server))
        return false;
    return !endpoint->control || mk_http_port_idle(mk_control_port(endpoint->control));
}

/* What is not stored is not sent: nothing leaves of which a crash would undo the cause. */
static bool commit_once(struct milky_endpoint *endpoint)
{
    struct mk_journal *journal = endpoint->journal;
    if (journal && mk_journal_commit(journal) < 0) {
        mk_streams_drop_output(&endpoint->loop, -EIO);
        return false;
    }
    if (journal && !mk_journal_well(journal))
        return false;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_hub_committed(&endpoint->bots[i]->hub);
    return true;
}

/* Backends may emit when they hear that all is stored; what comes last is stored unheard. */
static void commit(struct milky_endpoint *endpoint)
{
    bool more = endpoint->journal != NULL;
    bool well = commit_once(endpoint);
    for (int i = 0; i < MOST_COMMITS && well && more; i++) {
        more = false;
        for (size_t j = 0; j < endpoint->host_count; j++)
            more |= mk_host_stored(endpoint->hosts[j]);
        if (more)
            well = commit_once(endpoint);
    }
}

static void on_turn_end(struct mk_turn_hook *hook)
{
    struct milky_endpoint *endpoint = MK_CONTAINER_OF(hook, struct milky_endpoint, turn);
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_turn_end(endpoint->hosts[i]);
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_reap(endpoint->bots[i]);
    commit(endpoint);
    if (!endpoint->stopping || !is_idle(endpoint))
        return;
    /* Who watches may see it stop: this is the last to go. */
    struct mk_http_port *last =
        endpoint->operations ? mk_operations_port(endpoint->operations) : NULL;
    if (last && !mk_http_port_idle(last))
        mk_http_port_stop(last);
    if (!last || mk_http_port_idle(last))
        mk_loop_stop(&endpoint->loop);
}

static void on_grace_over(void *arg)
{
    mk_log_warn("endpoint", "some connections did not end in time: ending them");
    end_by_force(arg);
}

void milky_endpoint_stop(struct milky_endpoint *endpoint)
{
    if (endpoint->stopping)
        return;
    begin_stop(endpoint);
    mk_timer_start(endpoint->grace, GRACE_MS);
}

/* --- asking --- */

struct uv_loop_s *milky_endpoint_loop(const struct milky_endpoint *endpoint)
{
    return endpoint->loop.uv;
}

bool milky_endpoint_port(const struct milky_endpoint *endpoint, size_t index,
                         struct milky_port *port)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        if (mk_bot_port(endpoint->bots[i], &index, port))
            return true;
    if (endpoint->control && index-- == 0) {
        *port = (struct milky_port){
            .size = port->size,
            .transport = "control",
            .address = mk_control_port(endpoint->control)->text,
        };
        return true;
    }
    if (!endpoint->operations || index > 0)
        return false;
    *port = (struct milky_port){
        .size = port->size,
        .transport = "operations",
        .address = mk_operations_port(endpoint->operations)->text,
    };
    return true;
}

const char *milky_version(void)
{
    return MILKY_VERSION;
}

void milky_log_to(void (*write)(const char *line, size_t len), int level, bool json)
{
    mk_log_setup((enum mk_log_level)level, json ? MK_LOG_JSON : MK_LOG_TEXT, write);
}
