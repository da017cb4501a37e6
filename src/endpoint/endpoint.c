/*
 * endpoint: implements milky/milky.h. Wires bots, their hubs and transports and one backend to one
 * loop, and takes them down again in order.
 *
 * Stopping: every transport is told, each becomes idle by itself, and the loop ends when all are;
 * what is not idle after GRACE_MS is ended by force.
 */
#include "endpoint/endpoint.h"

#include "base/clock.h"
#include "base/log.h"
#include "endpoint/config_check.h"
#include "endpoint/metrics.h"
#include "transport/table.h"

#include <errno.h>
#include <milky/milky.h>
#include <milky/version.h>
#include <stdlib.h>

enum {
    GRACE_MS = 4000,
    MOST_EVENTS = 100000,
    MOST_AGE = 7 * 24 * 3600, /* seconds */
};

/* --- making --- */

/* One of the two addresses that are no bot's. Returns 0 or a negative errno, logged. */
static int parse_address(const char *what, const char *text, const char *given_token,
                         struct mk_address *address, char **token)
{
    const char *error = mk_address_parse(mk_slice_str(text), address);
    *token = mk_slice_dup(mk_slice_str(given_token));
    if (!*token)
        return -ENOMEM;
    if (!error && (*token)[0] == '\0' && !mk_address_is_local(address))
        error = "without an access_token only this machine may be listened to";
    if (!error)
        return 0;
    mk_log_error("endpoint", "%s \"%s\": %s", what, text, error);
    return -EINVAL;
}

static int parse_addresses(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    int rc = 0;
    endpoint->has_control = config->control != NULL;
    endpoint->has_operations = config->operations != NULL;
    if (config->control)
        rc = parse_address("control", config->control, config->control_access_token,
                           &endpoint->control_address, &endpoint->control_token);
    if (rc == 0 && config->operations)
        rc = parse_address("operations", config->operations, config->operations_access_token,
                           &endpoint->operations_address, &endpoint->operations_token);
    return rc;
}

static int open_journal(struct milky_host *host, const struct milky_journal *config)
{
    if (!config->path)
        return 0;
    struct mk_journal_config journal = {
        .path = config->path,
        .max_events = config->max_events ? config->max_events : MOST_EVENTS,
        .max_age = config->max_age ? config->max_age : MOST_AGE,
        .flush = !config->no_flush,
        .events_kept = host->backend->keeps_events,
    };
    return mk_journal_open(&journal, &host->journal);
}

struct mk_bot_shared mk_host_shared(struct milky_host *host)
{
    return (struct mk_bot_shared){
        .loop = &host->loop,
        .http = &host->http,
        .journal = host->journal,
        .backend = host->backend,
        .guard = host->guard,
        .deflate = &host->deflate,
        .table = host->table,
    };
}

static int init_bots(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    struct milky_host *host = &endpoint->host;
    host->bots = calloc(config->bot_count + 1, sizeof(*host->bots));
    host->self_ids = calloc(config->bot_count + 1, sizeof(*host->self_ids));
    if (!host->bots || !host->self_ids)
        return -ENOMEM;
    int rc = 0;
    const struct mk_bot_shared shared = mk_host_shared(host);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++) {
        host->self_ids[i] = config->bots[i].self_id;
        host->bots[i] = calloc(1, sizeof(**host->bots));
        if (!host->bots[i])
            return -ENOMEM;
        rc = mk_bot_init(host->bots[i], &shared, &config->bots[i]);
        host->bot_count = i + 1;
        if (host->bots[i]->dispatch.stats)
            host->bots[i]->dispatch.stats->timed = config->operations != NULL;
    }
    return rc;
}

static uint64_t or_default(uint64_t given, uint64_t usual)
{
    return given > 0 ? given : usual;
}

static int make_guard(struct milky_host *host, const struct milky_limits *config)
{
    const struct mk_limits *usual = &mk_default_limits;
    const struct mk_limits limits = {
        .connections = or_default(config->connections, usual->connections),
        .connections_per_address =
            or_default(config->connections_per_address, usual->connections_per_address),
        .limits_this_machine = config->connections_per_address > 0,
        .tls_handshakes = or_default(config->tls_handshakes, usual->tls_handshakes),
        .failed_credentials = or_default(config->failed_credentials, usual->failed_credentials),
        .header_bytes = or_default(config->header_bytes, usual->header_bytes),
        .body_bytes = or_default(config->body_bytes, usual->body_bytes),
        .message_bytes = or_default(config->message_bytes, usual->message_bytes),
        .header_ms = or_default(config->header_seconds * 1000, usual->header_ms),
        .body_ms = or_default(config->body_seconds * 1000, usual->body_ms),
        .idle_ms = or_default(config->idle_seconds * 1000, usual->idle_ms),
        .calls_in_flight = or_default(config->calls_in_flight, usual->calls_in_flight),
        .lag_bytes = or_default(config->lag_bytes, usual->lag_bytes),
    };
    host->guard = mk_guard_new(&host->loop, &limits);
    return host->guard ? 0 : -ENOMEM;
}

size_t mk_host_compression_threshold(const struct milky_config *config)
{
    return or_default(config->compression_threshold, MK_DEFLATE_THRESHOLD);
}

static void on_turn_end(struct mk_turn_hook *hook);
static void on_grace_over(void *arg);

int milky_endpoint_new(const struct milky_config *config, struct milky_backend *backend,
                       struct milky_endpoint **result)
{
    int rc = mk_config_check(config);
    if (rc < 0) {
        backend->free(backend);
        return rc;
    }
    struct milky_endpoint *endpoint = calloc(1, sizeof(*endpoint));
    rc = endpoint ? mk_loop_init(&endpoint->host.loop, NULL) : -ENOMEM;
    if (rc < 0) {
        mk_log_error("endpoint", "cannot start: %s", strerror(-rc));
        backend->free(backend);
        free(endpoint);
        return rc;
    }
    struct milky_host *host = &endpoint->host;
    host->backend = backend;
    host->table = mk_transport_table;
    mk_loop_busy_poll(&host->loop, config->busy_poll_us);
    bool ready = mk_streams_use_io_uring(&host->loop, !config->no_io_uring) == 0;
    mk_deflate_init(&host->deflate, mk_host_compression_threshold(config));
    mk_dispatch_init(&host->dispatch, backend, 0);
    mk_requests_init(&endpoint->requests, endpoint);
    endpoint->turn.run = on_turn_end;
    mk_loop_add_hook(&host->loop, &endpoint->turn);
    endpoint->grace = mk_timer_new(&host->loop, on_grace_over, endpoint);
    ready = ready && endpoint->grace;
    rc = ready ? parse_addresses(endpoint, config) : -ENOMEM;
    if (rc == 0)
        rc = mk_host_resource_base(config->resource_url, &host->resource_base);
    if (rc == 0)
        rc = make_guard(host, &config->limits);
    if (rc == 0)
        rc = open_journal(host, &config->journal);
    if (rc == 0)
        rc = init_bots(endpoint, config);
    if (rc < 0) {
        if (rc == -ENOMEM)
            mk_log_error("endpoint", "cannot start: out of memory");
        milky_endpoint_free(endpoint);
        return rc;
    }
    *result = endpoint;
    return 0;
}

static void begin_stop(struct milky_endpoint *endpoint)
{
    endpoint->stopping = true;
    for (size_t i = 0; i < endpoint->host.bot_count; i++)
        mk_bot_stop(endpoint->host.bots[i]);
    if (endpoint->control)
        mk_http_port_stop(mk_control_port(endpoint->control));
    if (endpoint->host.resources)
        endpoint->host.resources->class->stop(endpoint->host.resources);
}

static void end_by_force(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host.bot_count; i++)
        mk_bot_abort(endpoint->host.bots[i]);
    for (size_t i = 0; i < endpoint->host.gone_count; i++)
        mk_bot_abort(endpoint->host.gone[i]);
    if (endpoint->control)
        mk_http_port_abort(mk_control_port(endpoint->control));
    if (endpoint->operations)
        mk_http_port_abort(mk_operations_port(endpoint->operations));
    if (endpoint->host.resources)
        endpoint->host.resources->class->abort(endpoint->host.resources);
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
    struct milky_host *host = &endpoint->host;
    begin_stop(endpoint);
    end_by_force(endpoint);
    mk_loop_run(&host->loop); /* until all is idle: nothing speaks to anybody any more */
    host->backend->free(host->backend);
    for (size_t i = 0; i < host->bot_count; i++)
        free_bot(host->bots[i]);
    for (size_t i = 0; i < host->gone_count; i++)
        free_bot(host->gone[i]);
    mk_control_free(endpoint->control);
    mk_operations_free(endpoint->operations);
    mk_transport_free(host->resources);
    mk_dispatch_fini(&host->dispatch);
    mk_requests_fini(&endpoint->requests);
    mk_http_client_free(host->http);
    mk_journal_close(host->journal);
    mk_guard_free(host->guard);
    mk_deflate_fini(&host->deflate);
    mk_timer_free(endpoint->grace);
    mk_loop_remove_hook(&endpoint->turn);
    mk_loop_fini(&host->loop);
    free(endpoint->control_token);
    free(endpoint->operations_token);
    free(host->bots);
    free(host->gone);
    free(host->self_ids);
    free(host->resource_base);
    free(endpoint);
}

/* --- running --- */

static int told(const char *what, const struct mk_address *address, int rc)
{
    char text[MK_ADDRESS_TEXT];
    if (rc < 0)
        mk_log_error("endpoint", "%s: cannot listen on %s: %s", what,
                     mk_address_format(address, text), strerror(-rc));
    return rc;
}

static int open_control(struct milky_endpoint *endpoint)
{
    if (!endpoint->has_control)
        return 0;
    int rc =
        mk_control_open(&endpoint->host.loop, &endpoint->control_address,
                        mk_slice_str(endpoint->control_token), endpoint->host.guard,
                        &endpoint->host.dispatch, &endpoint->requests.dispatch, &endpoint->control);
    return told("control", &endpoint->control_address, rc);
}

static const char *unready(void *arg)
{
    const struct milky_endpoint *endpoint = arg;
    if (endpoint->stopping)
        return "stopping";
    if (!endpoint->ready)
        return "starting";
    if (endpoint->host.journal && !mk_journal_well(endpoint->host.journal))
        return "the journal cannot be written";
    return NULL;
}

static int open_operations(struct milky_endpoint *endpoint)
{
    if (!endpoint->has_operations)
        return 0;
    const struct mk_operations_source source = { unready, mk_metrics_write, endpoint };
    int rc = mk_operations_open(&endpoint->host.loop, &endpoint->operations_address,
                                mk_slice_str(endpoint->operations_token), endpoint->host.guard,
                                &source, &endpoint->operations);
    return told("operations", &endpoint->operations_address, rc);
}

int milky_endpoint_start(struct milky_endpoint *endpoint)
{
    struct milky_host *host = &endpoint->host;
    endpoint->started_at = mk_clock_real_ms();
    int rc = open_operations(endpoint);
    if (rc == 0)
        rc = host->backend->start(host->backend, host);
    endpoint->started = rc == 0;
    if (rc == 0)
        rc = open_control(endpoint);
    for (size_t i = 0; i < host->bot_count && rc == 0; i++)
        rc = mk_bot_start(host->bots[i]);
    if (rc == 0)
        rc = mk_host_open_resources(host);
    endpoint->ready = rc == 0;
    return rc;
}

void milky_endpoint_run(struct milky_endpoint *endpoint)
{
    mk_loop_run(&endpoint->host.loop);
}

static bool is_idle(const struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host.bot_count; i++)
        if (!mk_bot_idle(endpoint->host.bots[i]))
            return false;
    for (size_t i = 0; i < endpoint->host.gone_count; i++)
        if (!mk_bot_idle(endpoint->host.gone[i]))
            return false;
    if (endpoint->host.resources &&
        !endpoint->host.resources->class->idle(endpoint->host.resources))
        return false;
    return !endpoint->control || mk_http_port_idle(mk_control_port(endpoint->control));
}

static void on_turn_end(struct mk_turn_hook *hook)
{
    struct milky_endpoint *endpoint = MK_CONTAINER_OF(hook, struct milky_endpoint, turn);
    struct milky_backend *backend = endpoint->host.backend;
    if (endpoint->started && backend->turn_end)
        backend->turn_end(backend);
    for (size_t i = 0; i < endpoint->host.bot_count; i++)
        mk_bot_reap(endpoint->host.bots[i]);
    /* Nobody is told that something has happened which a crash would undo. */
    struct mk_journal *journal = endpoint->host.journal;
    if (journal && mk_journal_commit(journal) < 0)
        mk_streams_drop_output(&endpoint->host.loop, -EIO);
    else if (!journal || mk_journal_well(journal))
        for (size_t i = 0; i < endpoint->host.bot_count; i++)
            mk_hub_committed(&endpoint->host.bots[i]->hub);
    if (!endpoint->stopping || !is_idle(endpoint))
        return;
    /* Who watches may see it stop: this is the last to go. */
    struct mk_http_port *last =
        endpoint->operations ? mk_operations_port(endpoint->operations) : NULL;
    if (last && !mk_http_port_idle(last))
        mk_http_port_stop(last);
    if (!last || mk_http_port_idle(last))
        mk_loop_stop(&endpoint->host.loop);
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
    return milky_host_loop(&endpoint->host);
}

bool milky_endpoint_port(const struct milky_endpoint *endpoint, size_t index,
                         struct milky_port *port)
{
    for (size_t i = 0; i < endpoint->host.bot_count; i++)
        if (mk_bot_port(endpoint->host.bots[i], &index, port))
            return true;
    if (endpoint->control && index-- == 0) {
        *port = (struct milky_port){
            .transport = "control",
            .address = mk_control_port(endpoint->control)->text,
        };
        return true;
    }
    if (!endpoint->operations || index > 0)
        return false;
    *port = (struct milky_port){
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
