/*
 * metrics: see the header. One table has all families, in the order in which they are written. The
 * format needs all samples of a family together, so each one iterates over all bots or transports.
 */
#include "endpoint/metrics.h"

#include "base/exposition.h"
#include "endpoint/parts.h"
#include "endpoint/process.h"
#include "endpoint/transport_stats.h"
#include "protocol/tables.h"

#include <milky/version.h>
#include <stdio.h>

struct writer {
    struct mk_exposition x;
    const struct milky_endpoint *endpoint;
    struct mk_stats_table stats;
    struct mk_process process;
};

/* A sample of a family about what was refused: its label, and what is counted. */
struct refusal {
    const char *label; /* NULL ends a table */
    const char *value;
    enum mk_refusal kind;
};

/* The transports that have a sample. */
enum rows { CONNECTED, LISTENERS, SINKS };

struct family {
    const char *name; /* NULL: `write` writes families of its own */
    const char *type;
    const char *help;
    void (*write)(struct writer *w, const struct family *family); /* writes the samples */
    union { /* where `write` gets the value of a sample from */
        double (*endpoint)(const struct writer *w);
        uint64_t (*backend)(const struct milky_host *host);
        uint64_t (*bot)(const struct mk_bot *bot);
        uint64_t (*journal)(const struct mk_journal_measure *journal);
        uint64_t (*transport)(const struct mk_transport_stats *stats);
        const struct refusal *refusals;
    } of;
    enum rows rows;     /* of write_transports */
    bool needs_journal; /* it is left out where there is none */
};

/* Iterates over the bots: `bot`, and `id`, its self_id as text. */
#define EACH_BOT(w, bot, id)                                                                       \
    for (size_t i_ = 0; i_ < (w)->endpoint->bot_count; i_++)                                       \
        for (const struct mk_bot *bot = (w)->endpoint->bots[i_], *once_ = bot; once_;              \
             once_ = NULL)                                                                         \
            for (const char *id = (w)->stats.bot_ids[i_]; id; id = NULL)

/* --- of the endpoint --- */

#define READ(name, value)                                                                          \
    static double name(const struct writer *w)                                                     \
    {                                                                                              \
        return (double)(value);                                                                    \
    }
READ(loop_turns, w->endpoint->loop->turns)
READ(log_dropped, w->process.log_dropped)
READ(started_at, (double)w->endpoint->started_at / 1e3)
READ(cpu_seconds, w->process.cpu_seconds)
READ(resident, w->process.resident)
READ(open_fds, w->process.open_fds)
READ(most_fds, w->process.most_fds)
READ(compressed, w->endpoint->deflate.stats.compressed)
READ(bytes_before, w->endpoint->deflate.stats.before)
READ(bytes_after, w->endpoint->deflate.stats.after)
READ(decompressed, w->endpoint->deflate.stats.decompressed)
READ(not_decompressed, w->endpoint->deflate.stats.refused)
READ(receiving, mk_guard_receiving(w->endpoint->guard)->held)
READ(not_received, mk_guard_receiving(w->endpoint->guard)->refused)
READ(windows, w->endpoint->deflate.windows)
READ(journal_size, mk_journal_size(w->endpoint->journal))
READ(journal_failing, !mk_journal_is_healthy(w->endpoint->journal))
READ(blocked, mk_guard_counts(w->endpoint->guard)[MK_REFUSAL_BLOCKED])
READ(tls_failed, mk_guard_counts(w->endpoint->guard)[MK_REFUSAL_TLS])
#undef READ

static void write_endpoint(struct writer *w, const struct family *family)
{
    mk_exposition_number(&w->x, "", family->of.endpoint(w), NULL);
}

static void write_build(struct writer *w, const struct family *family)
{
    (void)family;
    mk_exposition_count(&w->x, "", 1, "version", MILKY_VERSION, "libuv", uv_version_string(), NULL);
}

static const struct refusal of_connections[] = {
    { "limit", "connections", MK_REFUSAL_CONNECTIONS },
    { "limit", "connections_per_address", MK_REFUSAL_PER_ADDRESS },
    { "limit", "tls_handshakes", MK_REFUSAL_TLS_HANDSHAKES },
    { NULL },
};
static const struct refusal ended_for_others[] = {
    { "was", "silent", MK_REFUSAL_SILENT },
    { "was", "idle", MK_REFUSAL_IDLE },
    { NULL },
};
static const struct refusal of_credentials[] = {
    { "reason", "missing", MK_REFUSAL_MISSING },
    { "reason", "wrong", MK_REFUSAL_WRONG },
    { "reason", "foreign", MK_REFUSAL_FOREIGN },
    { NULL },
};
static const struct refusal timeouts[] = {
    { "waiting_for", "tls_handshake", MK_REFUSAL_SLOW_TLS },
    { "waiting_for", "head", MK_REFUSAL_SLOW_HEAD },
    { "waiting_for", "body", MK_REFUSAL_SLOW_BODY },
    { NULL },
};

static void write_refusals(struct writer *w, const struct family *family)
{
    const uint64_t *counts = mk_guard_counts(w->endpoint->guard);
    for (const struct refusal *one = family->of.refusals; one->label; one++)
        mk_exposition_count(&w->x, "", counts[one->kind], one->label, one->value, NULL);
}

/* --- of each API --- */

static void write_action_retcodes(struct writer *w, const char *id, const char *action,
                                  const struct mk_action_stats *stats)
{
    for (unsigned i = 0; i < stats->known; i++) {
        char retcode[16];
        snprintf(retcode, sizeof(retcode), "%d", stats->retcodes[i].retcode);
        mk_exposition_count(&w->x, "", stats->retcodes[i].count, "bot", id, "action", action,
                            "retcode", retcode, NULL);
    }
    if (stats->others > 0)
        mk_exposition_count(&w->x, "", stats->others, "bot", id, "action", action, "retcode",
                            "other", NULL);
}

static void write_action_durations(struct writer *w, const char *id, const char *action,
                                   const struct mk_action_stats *stats)
{
    uint64_t count = 0;
    if (stats->known == 0)
        return; /* it was never called */
    for (size_t i = 0; i < MK_CALL_BUCKETS; i++) {
        char bound[32];
        snprintf(bound, sizeof(bound), "%g", (double)mk_call_bounds[i] / 1e9);
        count += stats->took[i];
        mk_exposition_count(&w->x, "_bucket", count, "bot", id, "action", action, "le", bound,
                            NULL);
    }
    count += stats->took[MK_CALL_BUCKETS];
    mk_exposition_count(&w->x, "_bucket", count, "bot", id, "action", action, "le", "+Inf", NULL);
    mk_exposition_number(&w->x, "_sum", (double)stats->total_ns / 1e9, "bot", id, "action", action,
                         NULL);
    mk_exposition_count(&w->x, "_count", count, "bot", id, "action", action, NULL);
}

static void each_action(struct writer *w,
                        void (*write)(struct writer *w, const char *id, const char *action,
                                      const struct mk_action_stats *stats))
{
    EACH_BOT(w, bot, id)
    {
        const struct mk_action_stats *stats;
        const char *name;
        for (size_t i = 0; (stats = mk_call_stats_get(bot->dispatch.stats, i, &name)); i++)
            write(w, id, name, stats);
    }
}

static void write_retcodes(struct writer *w, const struct family *family)
{
    (void)family;
    each_action(w, write_action_retcodes);
}

static void write_durations(struct writer *w, const struct family *family)
{
    (void)family;
    each_action(w, write_action_durations);
}

/* --- of each backend, bot, journal --- */

#define READ(name, from, value)                                                                    \
    static uint64_t name(const struct from *it)                                                    \
    {                                                                                              \
        return value;                                                                              \
    }
READ(bots, milky_host, it->roster.count)
READ(backend_calls, milky_host, mk_host_load(it).calls)
READ(backend_late, milky_host, it->late)
READ(online, mk_bot, it->account.state == MILKY_STATE_ONLINE)
READ(in_flight, mk_bot, it->dispatch.in_flight)
READ(replayed, mk_bot, it->hub.replayed)
READ(gaps, mk_bot, it->hub.gaps)
READ(overruns, mk_bot, it->hub.overruns)
READ(unanswered, mk_bot, it->unanswered_pings)
READ(held, mk_journal_measure, it->first ? it->last - it->first + 1 : 0)
READ(first, mk_journal_measure, it->first)
READ(last, mk_journal_measure, it->last)
READ(dead_letters, mk_journal_measure, it->dead_letters)
READ(connections, mk_transport_stats, it->connections)
READ(accepted, mk_transport_stats, it->accepted)
READ(lag_events, mk_transport_stats, it->lag.events)
READ(lag_bytes, mk_transport_stats, it->lag.bytes)
#undef READ

static void write_backends(struct writer *w, const struct family *family)
{
    for (size_t i = 0; i < w->endpoint->host_count; i++) {
        const struct milky_host *host = w->endpoint->hosts[i];
        mk_exposition_count(&w->x, "", family->of.backend(host), "backend", host->name, "type",
                            host->table.name, NULL);
    }
}

static void write_bots(struct writer *w, const struct family *family)
{
    EACH_BOT(w, bot, id)
    mk_exposition_count(&w->x, "", family->of.bot(bot), "bot", id, NULL);
}

static void write_journals(struct writer *w, const struct family *family)
{
    EACH_BOT(w, bot, id)
    {
        struct mk_journal_measure measure;
        mk_journal_measure(w->endpoint->journal, bot->hub.self_id, &measure);
        mk_exposition_count(&w->x, "", family->of.journal(&measure), "bot", id, NULL);
    }
}

static void write_events(struct writer *w, const struct family *family)
{
    (void)family;
    EACH_BOT(w, bot, id)
    for (size_t i = 0; i < mk_event_type_count && i < MK_COUNTED_TYPES; i++)
        if (bot->hub.emitted[i] > 0)
            mk_exposition_count(&w->x, "", bot->hub.emitted[i], "bot", id, "type",
                                mk_event_types[i].name.ptr, NULL);
}

/* --- of each transport --- */

static void write_row(struct writer *w, const struct mk_stats_row *row, uint64_t value)
{
    mk_exposition_count(&w->x, "", value, "bot", row->bot_id, "transport", row->stats.transport,
                        "name", row->stats.name, "index", row->index, NULL);
}

static bool has_number(const struct mk_transport_stats *stats, enum rows rows)
{
    if (rows == LISTENERS)
        return stats->has_accepted;
    return rows == SINKS ? stats->has_events : stats->has_connections;
}

static void write_transports(struct writer *w, const struct family *family)
{
    for (size_t i = 0; i < w->stats.count; i++) {
        const struct mk_stats_row *row = &w->stats.rows[i];
        if (has_number(&row->stats, family->rows))
            write_row(w, row, family->of.transport(&row->stats));
    }
}

/* The counters that one class of transports alone has: each is a family. */
static void write_class(struct writer *w, const struct mk_transport_class *class)
{
    const struct mk_transport_counter *counters = class->counters;
    for (size_t i = 0; counters && counters[i].metric; i++) {
        mk_exposition_family(&w->x, counters[i].metric, counters[i].type, counters[i].help);
        for (size_t j = 0; j < w->stats.count; j++)
            if (w->stats.rows[j].class == class)
                write_row(w, &w->stats.rows[j], w->stats.rows[j].stats.counters[i]);
    }
}

static void write_classes(struct writer *w, const struct family *family)
{
    (void)family;
    for (size_t i = 0; w->endpoint->table[i]; i++)
        write_class(w, w->endpoint->table[i]);
}

/* --- the table --- */

static const struct family families[] = {
    { "milky_build_info", "gauge", "1, with the version.", write_build },
    { "milky_loop_turns_total", "counter", "Turns of the event loop.", write_endpoint,
      .of.endpoint = loop_turns },
    { "milky_log_lines_dropped_total", "counter", "Log lines that could not be written in time.",
      write_endpoint, .of.endpoint = log_dropped },
    { "process_start_time_seconds", "gauge", "When it started, since 1970.", write_endpoint,
      .of.endpoint = started_at },
    { "process_cpu_seconds_total", "counter", "Processor time that was used.", write_endpoint,
      .of.endpoint = cpu_seconds },
    { "process_resident_memory_bytes", "gauge", "Memory in use.", write_endpoint,
      .of.endpoint = resident },
    { "process_open_fds", "gauge", "File descriptors that are open.", write_endpoint,
      .of.endpoint = open_fds },
    { "process_max_fds", "gauge", "File descriptors that may be open.", write_endpoint,
      .of.endpoint = most_fds },
    { "milky_calls_total", "counter",
      "API calls that were answered, by their name in Milky 1.3 and retcode.", write_retcodes },
    { "milky_call_duration_seconds", "histogram",
      "Time from the arrival of an API call to its reply.", write_durations },
    { "milky_events_total", "counter", "Events, by type.", write_events },
    { "milky_backend_bots", "gauge", "Bots of a backend.", write_backends, .of.backend = bots },
    { "milky_backend_calls_in_flight", "gauge",
      "Calls, including operators' requests, that wait for the answer of a backend.",
      write_backends, .of.backend = backend_calls },
    { "milky_backend_late_calls_total", "counter", "Calls that a backend did not answer in time.",
      write_backends, .of.backend = backend_late },
    { "milky_bot_online", "gauge", "1 while the bot is logged in, else 0.", write_bots,
      .of.bot = online },
    { "milky_calls_in_flight", "gauge", "API calls that wait for their reply.", write_bots,
      .of.bot = in_flight },
    { "milky_events_replayed_total", "counter",
      "Events that were read from the journal for a client that came back.", write_bots,
      .of.bot = replayed },
    { "milky_event_gaps_total", "counter",
      "Gaps: times that a client was notified of events that are gone from the journal.",
      write_bots, .of.bot = gaps },
    { "milky_connections_dropped_total", "counter",
      "Connections that were closed because they did not receive their events.", write_bots,
      .of.bot = overruns },
    { "milky_pings_unanswered_total", "counter",
      "WebSockets that were closed because they did not answer a ping.", write_bots,
      .of.bot = unanswered },
    { "milky_connections", "gauge", "Open connections.", write_transports, .rows = CONNECTED,
      .of.transport = connections },
    { "milky_connections_accepted_total", "counter",
      "Connections that a listening address has accepted.", write_transports, .rows = LISTENERS,
      .of.transport = accepted },
    { "milky_sink_lag_events", "gauge",
      "Events that the slowest receiver of a transport has not received yet.", write_transports,
      .rows = SINKS, .of.transport = lag_events },
    { "milky_sink_lag_bytes", "gauge",
      "Bytes of events that the slowest receiver of a transport has not received yet.",
      write_transports, .rows = SINKS, .of.transport = lag_bytes },
    { .write = write_classes },
    { "milky_journal_events", "gauge", "Events that the journal holds.", write_journals,
      .of.journal = held, .needs_journal = true },
    { "milky_journal_first_number", "gauge", "The number of the oldest of them; 0 for none.",
      write_journals, .of.journal = first, .needs_journal = true },
    { "milky_journal_last_number", "gauge", "The number of the last event.", write_journals,
      .of.journal = last, .needs_journal = true },
    { "milky_dead_letters", "gauge", "Deliveries that are set aside (`milky deliveries`).",
      write_journals, .of.journal = dead_letters, .needs_journal = true },
    { "milky_compressed_messages_total", "counter",
      "WebSocket messages that were compressed; an event is one, however many get it.",
      write_endpoint, .of.endpoint = compressed },
    { "milky_compressed_bytes_before_total", "counter",
      "Bytes of these messages before compression.", write_endpoint, .of.endpoint = bytes_before },
    { "milky_compressed_bytes_after_total", "counter", "Their bytes after compression.",
      write_endpoint, .of.endpoint = bytes_after },
    { "milky_decompressed_messages_total", "counter",
      "Compressed WebSocket messages that were received.", write_endpoint,
      .of.endpoint = decompressed },
    { "milky_decompressions_refused_total", "counter",
      "Compressed messages that were damaged, or too long.", write_endpoint,
      .of.endpoint = not_decompressed },
    { "milky_compression_window_bytes", "gauge",
      "Bytes reserved for the compression windows of WebSocket clients (limits.window_bytes).",
      write_endpoint, .of.endpoint = windows },
    { "milky_receiving_bytes", "gauge",
      "Bytes of bodies and messages that are arriving (limits.receiving_bytes).", write_endpoint,
      .of.endpoint = receiving },
    { "milky_receptions_refused_total", "counter",
      "Connections that were closed because a body or a message was too much beside others.",
      write_endpoint, .of.endpoint = not_received },
    { "milky_journal_bytes", "gauge", "Size of the journal's database.", write_endpoint,
      .of.endpoint = journal_size, .needs_journal = true },
    { "milky_journal_failing", "gauge", "1 while the journal cannot be written.", write_endpoint,
      .of.endpoint = journal_failing, .needs_journal = true },
    { "milky_connections_refused_total", "counter",
      "Connections that were closed because a limit was reached, by limit.", write_refusals,
      .of.refusals = of_connections },
    { "milky_connections_ended_for_others_total", "counter",
      "Connections without a request that ended to make room for new ones.", write_refusals,
      .of.refusals = ended_for_others },
    { "milky_credentials_refused_total", "counter", "Requests whose credentials were refused.",
      write_refusals, .of.refusals = of_credentials },
    { "milky_requests_blocked_total", "counter",
      "Requests that were answered 429: too many wrong credentials had come from their address.",
      write_endpoint, .of.endpoint = blocked },
    { "milky_tls_handshakes_failed_total", "counter", "TLS handshakes of clients that failed.",
      write_endpoint, .of.endpoint = tls_failed },
    { "milky_timeouts_total", "counter",
      "Connections that were closed because the client did not send in time.", write_refusals,
      .of.refusals = timeouts },
};

int mk_metrics_write(void *arg, struct mk_buf *out)
{
    struct writer w = { .x = { .out = out }, .endpoint = arg };
    w.x.rc = mk_stats_table_init(&w.stats, arg);
    mk_process_measure(&w.process);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && w.x.rc == 0; i++) {
        const struct family *family = &families[i];
        if (family->needs_journal && !w.endpoint->journal)
            continue;
        if (family->name)
            mk_exposition_family(&w.x, family->name, family->type, family->help);
        family->write(&w, family);
    }
    mk_stats_table_fini(&w.stats);
    return w.x.rc;
}
