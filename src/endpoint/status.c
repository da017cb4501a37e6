/* status: see the header. */
#include "endpoint/status.h"

#include "base/clock.h"
#include "endpoint/parts.h"
#include "endpoint/process.h"
#include "endpoint/transport_stats.h"
#include "protocol/call.h"

#include <milky/version.h>

/* Writes into one document. A value is left out when out of memory. */
struct writer {
    yyjson_mut_doc *doc;
    const struct milky_endpoint *endpoint;
    struct mk_stats_table stats;
};

static void add_uint(struct writer *w, yyjson_mut_val *object, const char *name, uint64_t value)
{
    yyjson_mut_obj_add_uint(w->doc, object, name, value);
}

static void add_text(struct writer *w, yyjson_mut_val *object, const char *name, const char *value)
{
    yyjson_mut_obj_add_strcpy(w->doc, object, name, value);
}

/* Texts for people, in both languages. */
static void add_phrase(struct writer *w, yyjson_mut_val *object, const char *name, const char *en,
                       const char *zh)
{
    yyjson_mut_val *both = yyjson_mut_obj_add_obj(w->doc, object, name);
    add_text(w, both, "en", en);
    add_text(w, both, "zh", zh);
}

static void add_health(struct writer *w, yyjson_mut_val *object, const struct mk_health *health,
                       bool waits)
{
    uint64_t now = mk_clock_real_ms();
    if (waits)
        add_uint(w, object, "next_try_ms", health->next_try > now ? health->next_try - now : 0);
    if (health->failure.kind == MK_FAILURE_NONE)
        return;
    add_text(w, object, "last_error", mk_failure_text(&health->failure));
    add_uint(w, object, "last_error_time", health->failed_at);
    const struct mk_advice *advice = mk_health_advice(health);
    add_phrase(w, object, "last_error_text", health->failure.en, health->failure.zh);
    add_text(w, object, "trouble", mk_trouble_name(advice->trouble));
    if (advice->words.en)
        add_phrase(w, object, "advice", advice->words.en, advice->words.zh);
}

static yyjson_mut_val *transport_of(struct writer *w, const struct mk_stats_row *row)
{
    const struct mk_transport_stats *stats = &row->stats;
    const struct mk_transport_counter *counters = row->class->counters;
    yyjson_mut_val *object = yyjson_mut_obj(w->doc);
    add_text(w, object, "transport", stats->transport);
    add_text(w, object, stats->health ? "url" : "address", stats->name);
    add_text(w, object, "state", stats->state);
    if (stats->has_connections && !stats->health)
        add_uint(w, object, "connections", stats->connections);
    if (stats->has_events) {
        add_uint(w, object, "behind_events", stats->lag.events);
        add_uint(w, object, "behind_bytes", stats->lag.bytes);
    }
    for (size_t i = 0; counters && counters[i].metric; i++)
        if (counters[i].status)
            add_uint(w, object, counters[i].status, stats->counters[i]);
    if (stats->health)
        add_health(w, object, stats->health, stats->waits);
    return object;
}

static yyjson_mut_val *bot_of(struct writer *w, const struct mk_bot *bot)
{
    yyjson_mut_val *object = yyjson_mut_obj(w->doc);
    const struct mk_account *account = &bot->account;
    bool is_offline = account->state == MILKY_STATE_OFFLINE;
    add_uint(w, object, "self_id", bot->hub.self_id);
    add_text(w, object, "backend", account->host->name);
    add_text(w, object, "state", is_offline ? "offline" : "online");
    add_uint(w, object, "since", account->since / 1000);
    if (is_offline)
        add_text(w, object, "reason", account->reason);
    add_uint(w, object, "calls", bot->dispatch.stats->calls);
    add_uint(w, object, "failed_calls", bot->dispatch.stats->failed);
    add_uint(w, object, "calls_in_flight", bot->dispatch.in_flight);
    add_uint(w, object, "last_event", bot->hub.events);
    add_uint(w, object, "dropped_connections", bot->hub.overruns);
    add_uint(w, object, "unanswered_pings", bot->unanswered_pings);
    if (w->endpoint->journal) {
        struct mk_journal_measure measure;
        mk_journal_measure(w->endpoint->journal, bot->hub.self_id, &measure);
        add_uint(w, object, "first_kept_event", measure.first);
        add_uint(w, object, "dead_letters", measure.dead_letters);
    }
    yyjson_mut_val *transports = yyjson_mut_obj_add_arr(w->doc, object, "transports");
    for (size_t i = 0; i < w->stats.count; i++)
        if (w->stats.rows[i].bot == bot)
            yyjson_mut_arr_append(transports, transport_of(w, &w->stats.rows[i]));
    return object;
}

static void add_backend(struct writer *w, yyjson_mut_val *array, const struct milky_host *host,
                        const char *state)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(w->doc, array);
    struct mk_host_load load = mk_host_load(host);
    add_text(w, object, "name", host->name);
    add_text(w, object, "type", host->table.name);
    add_text(w, object, "state", state);
    add_uint(w, object, "bots", host->roster.count);
    add_uint(w, object, "calls_in_flight", load.calls);
    add_uint(w, object, "files_in_flight", load.files);
    add_uint(w, object, "late_calls", host->late);
}

/* The running backends, and the retired ones that have not ended. */
static void add_backends(struct writer *w, yyjson_mut_val *root)
{
    const struct milky_endpoint *endpoint = w->endpoint;
    yyjson_mut_val *array = yyjson_mut_obj_add_arr(w->doc, root, "backends");
    for (size_t i = 0; i < endpoint->host_count; i++)
        add_backend(w, array, endpoint->hosts[i], "running");
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        if (!endpoint->leaving[i].has_ended)
            add_backend(w, array, endpoint->leaving[i].host, "ending");
}

static void add_process(struct writer *w, yyjson_mut_val *root)
{
    struct mk_process process;
    mk_process_measure(&process);
    yyjson_mut_val *object = yyjson_mut_obj_add_obj(w->doc, root, "process");
    yyjson_mut_obj_add_real(w->doc, object, "cpu_seconds", process.cpu_seconds);
    add_uint(w, object, "resident_bytes", process.resident);
    add_uint(w, object, "open_fds", process.open_fds);
    add_uint(w, object, "most_fds", process.most_fds);
}

static void add_turned_away(struct writer *w, yyjson_mut_val *root)
{
    static const char *const names[MK_REFUSAL_KINDS] = {
        [MK_REFUSAL_CONNECTIONS] = "connections",
        [MK_REFUSAL_PER_ADDRESS] = "connections_per_address",
        [MK_REFUSAL_TLS_HANDSHAKES] = "tls_handshakes",
        [MK_REFUSAL_SILENT] = "silent",
        [MK_REFUSAL_IDLE] = "idle",
        [MK_REFUSAL_MISSING] = "missing_credentials",
        [MK_REFUSAL_WRONG] = "wrong_credentials",
        [MK_REFUSAL_FOREIGN] = "foreign_pages",
        [MK_REFUSAL_BLOCKED] = "blocked",
        [MK_REFUSAL_TLS] = "tls_failed",
        [MK_REFUSAL_SLOW_TLS] = "slow_tls",
        [MK_REFUSAL_SLOW_HEAD] = "slow_heads",
        [MK_REFUSAL_SLOW_BODY] = "slow_bodies",
    };
    const uint64_t *counts = mk_guard_counts(w->endpoint->guard);
    yyjson_mut_val *object = yyjson_mut_obj_add_obj(w->doc, root, "turned_away");
    for (size_t i = 0; i < MK_REFUSAL_KINDS; i++)
        add_uint(w, object, names[i], counts[i]);
    add_uint(w, object, "receiving", mk_guard_receiving(w->endpoint->guard)->refused);
}

static yyjson_mut_val *write_status(struct writer *w)
{
    const struct milky_endpoint *endpoint = w->endpoint;
    yyjson_mut_val *root = yyjson_mut_obj(w->doc);
    add_text(w, root, "version", MILKY_VERSION);
    add_text(w, root, "state", endpoint->stopping ? "stopping" : "running");
    add_text(w, root, "backend", endpoint->hosts[0]->table.name);
    add_backends(w, root);
    add_uint(w, root, "uptime", (mk_clock_real_ms() - endpoint->started_at) / 1000);
    add_process(w, root);
    if (endpoint->journal) {
        yyjson_mut_val *journal = yyjson_mut_obj_add_obj(w->doc, root, "journal");
        add_uint(w, journal, "bytes", mk_journal_size(endpoint->journal));
        yyjson_mut_obj_add_bool(w->doc, journal, "well", mk_journal_is_healthy(endpoint->journal));
    }
    add_turned_away(w, root);
    yyjson_mut_val *bots = yyjson_mut_obj_add_arr(w->doc, root, "bots");
    for (size_t i = 0; i < endpoint->bot_count; i++)
        yyjson_mut_arr_append(bots, bot_of(w, endpoint->bots[i]));
    return root;
}

void mk_status_run(struct milky_endpoint *endpoint, struct mk_call *call)
{
    struct writer w = { .doc = call->doc, .endpoint = endpoint };
    int rc = mk_stats_table_init(&w.stats, endpoint);
    yyjson_mut_val *status = rc == 0 ? write_status(&w) : NULL;
    mk_stats_table_fini(&w.stats);
    if (status)
        mk_call_ok(call, status);
    else
        mk_call_fail(call, MILKY_INTERNAL, "out of memory");
}
