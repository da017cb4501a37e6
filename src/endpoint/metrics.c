/*
 * metrics: see the header. The format needs all samples of a family together, so each family
 * iterates over all bots or transports.
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
};

/* Iterates over the bots: `bot`, and `id`, its self_id as text. */
#define EACH_BOT(w, bot, id)                                                                       \
    for (size_t i_ = 0; i_ < (w)->endpoint->bot_count; i_++)                                       \
        for (const struct mk_bot *bot = (w)->endpoint->bots[i_], *once_ = bot; once_;              \
             once_ = NULL)                                                                         \
            for (const char *id = (w)->stats.bot_ids[i_]; id; id = NULL)

/* --- calls --- */

static void write_retcodes(struct writer *w, const char *id, const char *action,
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

static void write_durations(struct writer *w, const char *id, const char *action,
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

static void write_calls(struct writer *w)
{
    mk_exposition_family(&w->x, "milky_calls_total", "counter",
                         "API calls that were answered, by their name in Milky 1.2 and retcode.");
    each_action(w, write_retcodes);
    mk_exposition_family(&w->x, "milky_call_duration_seconds", "histogram",
                         "Time from the arrival of an API call to its reply.");
    each_action(w, write_durations);
}

/* --- numbers, one for each backend, bot, transport or journal --- */

enum of { BACKENDS, BOTS, JOURNALS, CONNECTED, LISTENERS, SINKS };

/* The source of a number. */
union subject {
    const struct milky_host *host;
    const struct mk_bot *bot;
    const struct mk_journal_measure *journal;
    const struct mk_transport_stats *transport;
};

/* Reads a number from its subject `s`. */
#define READ(name, value)                                                                          \
    static uint64_t name(union subject s)                                                          \
    {                                                                                              \
        return value;                                                                              \
    }
READ(bots, s.host->roster.count)
READ(backend_calls, mk_host_load(s.host).calls)
READ(backend_late, s.host->late)
READ(online, s.bot->account.state == MILKY_STATE_ONLINE)
READ(in_flight, s.bot->dispatch.in_flight)
READ(replayed, s.bot->hub.replayed)
READ(gaps, s.bot->hub.gaps)
READ(overruns, s.bot->hub.overruns)
READ(unanswered, s.bot->unanswered_pings)
READ(connections, s.transport->connections)
READ(accepted, s.transport->accepted)
READ(lag_events, s.transport->lag.events)
READ(lag_bytes, s.transport->lag.bytes)
READ(held, s.journal->first ? s.journal->last - s.journal->first + 1 : 0)
READ(first, s.journal->first)
READ(last, s.journal->last)
READ(dead_letters, s.journal->dead_letters)
#undef READ

struct family {
    const char *name;
    const char *type;
    enum of of;
    uint64_t (*read)(union subject s);
    const char *help;
};

static const struct family families[] = {
    { "milky_backend_bots", "gauge", BACKENDS, bots, "Bots of a backend." },
    { "milky_backend_calls_in_flight", "gauge", BACKENDS, backend_calls,
      "Calls, including operators' requests, that wait for the answer of a backend." },
    { "milky_backend_late_calls_total", "counter", BACKENDS, backend_late,
      "Calls that a backend did not answer in time." },
    { "milky_bot_online", "gauge", BOTS, online, "1 while the bot is logged in, else 0." },
    { "milky_calls_in_flight", "gauge", BOTS, in_flight, "API calls that wait for their reply." },
    { "milky_events_replayed_total", "counter", BOTS, replayed,
      "Events that were read from the journal for a client that came back." },
    { "milky_event_gaps_total", "counter", BOTS, gaps,
      "Gaps: times that a client was notified of events that are gone from the journal." },
    { "milky_connections_dropped_total", "counter", BOTS, overruns,
      "Connections that were closed because they did not receive their events." },
    { "milky_pings_unanswered_total", "counter", BOTS, unanswered,
      "WebSockets that were closed because they did not answer a ping." },
    { "milky_connections", "gauge", CONNECTED, connections, "Open connections." },
    { "milky_connections_accepted_total", "counter", LISTENERS, accepted,
      "Connections that a listening address has accepted." },
    { "milky_sink_lag_events", "gauge", SINKS, lag_events,
      "Events that the slowest receiver of a transport has not received yet." },
    { "milky_sink_lag_bytes", "gauge", SINKS, lag_bytes,
      "Bytes of events that the slowest receiver of a transport has not received yet." },
};

static const struct family journal_families[] = {
    { "milky_journal_events", "gauge", JOURNALS, held, "Events that the journal holds." },
    { "milky_journal_first_number", "gauge", JOURNALS, first,
      "The number of the oldest of them; 0 for none." },
    { "milky_journal_last_number", "gauge", JOURNALS, last, "The number of the last event." },
    { "milky_dead_letters", "gauge", JOURNALS, dead_letters,
      "Deliveries that are set aside (`milky deliveries`)." },
};

static void write_of_bots(struct writer *w, const struct family *family)
{
    struct mk_journal *journal = w->endpoint->journal;
    struct mk_journal_measure measure;
    EACH_BOT(w, bot, id)
    {
        union subject subject = { .bot = bot };
        if (family->of == JOURNALS) {
            mk_journal_measure(journal, bot->hub.self_id, &measure);
            subject.journal = &measure;
        }
        mk_exposition_count(&w->x, "", family->read(subject), "bot", id, NULL);
    }
}

static void write_of_backends(struct writer *w, const struct family *family)
{
    for (size_t i = 0; i < w->endpoint->host_count; i++) {
        const struct milky_host *host = w->endpoint->hosts[i];
        mk_exposition_count(&w->x, "", family->read((union subject){ .host = host }), "backend",
                            host->name, "type", host->table.name, NULL);
    }
}

static bool has_number(const struct mk_transport_stats *stats, enum of of)
{
    if (of == LISTENERS)
        return stats->has_accepted;
    return of == SINKS ? stats->has_events : stats->has_connections;
}

static void write_of_row(struct writer *w, const struct mk_stats_row *row, uint64_t value)
{
    mk_exposition_count(&w->x, "", value, "bot", row->bot_id, "transport", row->stats.transport,
                        "name", row->stats.name, "index", row->index, NULL);
}

static void write_of_transports(struct writer *w, const struct family *family)
{
    for (size_t i = 0; i < w->stats.count; i++) {
        const struct mk_stats_row *row = &w->stats.rows[i];
        if (has_number(&row->stats, family->of))
            write_of_row(w, row, family->read((union subject){ .transport = &row->stats }));
    }
}

/* Writes the counters that only the transports of one class have. */
static void write_counters(struct writer *w, const struct mk_transport_class *class)
{
    const struct mk_transport_counter *counters = class->counters;
    for (size_t i = 0; counters && counters[i].metric; i++) {
        mk_exposition_family(&w->x, counters[i].metric, counters[i].type, counters[i].help);
        for (size_t j = 0; j < w->stats.count; j++)
            if (w->stats.rows[j].class == class)
                write_of_row(w, &w->stats.rows[j], w->stats.rows[j].stats.counters[i]);
    }
}

static void write_families(struct writer *w, const struct family *table, size_t count)
{
    for (const struct family *family = table; family < table + count; family++) {
        mk_exposition_family(&w->x, family->name, family->type, family->help);
        if (family->of == BACKENDS)
            write_of_backends(w, family);
        else if (family->of == BOTS || family->of == JOURNALS)
            write_of_bots(w, family);
        else
            write_of_transports(w, family);
    }
}

static void write_numbers(struct writer *w)
{
    const struct milky_endpoint *endpoint = w->endpoint;
    write_families(w, families, sizeof(families) / sizeof(families[0]));
    for (size_t i = 0; endpoint->table[i]; i++)
        write_counters(w, endpoint->table[i]);
    if (endpoint->journal)
        write_families(w, journal_families, sizeof(journal_families) / sizeof(journal_families[0]));
}

static void write_events(struct writer *w)
{
    mk_exposition_family(&w->x, "milky_events_total", "counter", "Events, by type.");
    EACH_BOT(w, bot, id)
    for (size_t i = 0; i < mk_event_type_count && i < MK_COUNTED_TYPES; i++)
        if (bot->hub.emitted[i] > 0)
            mk_exposition_count(&w->x, "", bot->hub.emitted[i], "bot", id, "type",
                                mk_event_types[i].name.ptr, NULL);
}

/* --- refusals --- */

/* The samples of a family are adjacent; the first has `help`. */
static const struct {
    const char *name;
    const char *label;
    const char *value;
    enum mk_refusal kind;
    const char *help;
} away[] = {
    { "milky_connections_refused_total", "limit", "connections", MK_REFUSAL_CONNECTIONS,
      "Connections that were closed because a limit was reached, by limit." },
    { NULL, "limit", "connections_per_address", MK_REFUSAL_PER_ADDRESS, NULL },
    { NULL, "limit", "tls_handshakes", MK_REFUSAL_TLS_HANDSHAKES, NULL },
    { "milky_credentials_refused_total", "reason", "missing", MK_REFUSAL_MISSING,
      "Requests whose credentials were refused." },
    { NULL, "reason", "wrong", MK_REFUSAL_WRONG, NULL },
    { NULL, "reason", "foreign", MK_REFUSAL_FOREIGN, NULL },
    { "milky_requests_blocked_total", NULL, NULL, MK_REFUSAL_BLOCKED,
      "Requests that were answered 429: too many wrong credentials had come from their address." },
    { "milky_tls_handshakes_failed_total", NULL, NULL, MK_REFUSAL_TLS,
      "TLS handshakes of clients that failed." },
    { "milky_timeouts_total", "waiting_for", "tls_handshake", MK_REFUSAL_SLOW_TLS,
      "Connections that were closed because the client did not send in time." },
    { NULL, "waiting_for", "head", MK_REFUSAL_SLOW_HEAD, NULL },
    { NULL, "waiting_for", "body", MK_REFUSAL_SLOW_BODY, NULL },
};

static void write_turned_away(struct writer *w)
{
    const uint64_t *counts = mk_guard_counts(w->endpoint->guard);
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        if (away[i].name)
            mk_exposition_family(&w->x, away[i].name, "counter", away[i].help);
        mk_exposition_count(&w->x, "", counts[away[i].kind], away[i].label, away[i].value, NULL);
    }
}

/* --- the process --- */

struct fact {
    const char *name;
    const char *type;
    double value;
    const char *help;
};

static void write_facts(struct writer *w, const struct fact *facts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mk_exposition_family(&w->x, facts[i].name, facts[i].type, facts[i].help);
        mk_exposition_number(&w->x, "", facts[i].value, NULL);
    }
}

static void write_process(struct writer *w)
{
    struct mk_process process;
    mk_process_measure(&process);
    const struct milky_endpoint *endpoint = w->endpoint;
    const struct fact facts[] = {
        { "milky_loop_turns_total", "counter", (double)endpoint->loop->turns,
          "Turns of the event loop." },
        { "process_start_time_seconds", "gauge", (double)w->endpoint->started_at / 1e3,
          "When it started, since 1970." },
        { "process_cpu_seconds_total", "counter", process.cpu_seconds,
          "Processor time that was used." },
        { "process_resident_memory_bytes", "gauge", (double)process.resident, "Memory in use." },
        { "process_open_fds", "gauge", (double)process.open_fds,
          "File descriptors that are open." },
        { "process_max_fds", "gauge", (double)process.most_fds,
          "File descriptors that may be open." },
    };
    mk_exposition_family(&w->x, "milky_build_info", "gauge", "1, with the version.");
    mk_exposition_count(&w->x, "", 1, "version", MILKY_VERSION, "libuv", uv_version_string(), NULL);
    write_facts(w, facts, sizeof(facts) / sizeof(facts[0]));
}

static void write_compression(struct writer *w)
{
    const struct mk_deflate_stats *stats = &w->endpoint->deflate.stats;
    const struct fact facts[] = {
        { "milky_compressed_messages_total", "counter", (double)stats->compressed,
          "WebSocket messages that were compressed; an event is one, however many get it." },
        { "milky_compressed_bytes_before_total", "counter", (double)stats->before,
          "Bytes of these messages before compression." },
        { "milky_compressed_bytes_after_total", "counter", (double)stats->after,
          "Their bytes after compression." },
        { "milky_decompressed_messages_total", "counter", (double)stats->decompressed,
          "Compressed WebSocket messages that were received." },
        { "milky_decompressions_refused_total", "counter", (double)stats->refused,
          "Compressed messages that were damaged, or too long." },
    };
    write_facts(w, facts, sizeof(facts) / sizeof(facts[0]));
}

static void write_journal(struct writer *w)
{
    struct mk_journal *journal = w->endpoint->journal;
    if (!journal)
        return;
    const struct fact facts[] = {
        { "milky_journal_bytes", "gauge", (double)mk_journal_size(journal),
          "Size of the journal's database." },
        { "milky_journal_failing", "gauge", !mk_journal_is_healthy(journal),
          "1 while the journal cannot be written." },
    };
    write_facts(w, facts, sizeof(facts) / sizeof(facts[0]));
}

int mk_metrics_write(void *arg, struct mk_buf *out)
{
    struct writer w = { .x = { .out = out }, .endpoint = arg };
    w.x.rc = mk_stats_table_init(&w.stats, arg);
    if (w.x.rc == 0) {
        write_process(&w);
        write_calls(&w);
        write_events(&w);
        write_numbers(&w);
        write_compression(&w);
        write_journal(&w);
        write_turned_away(&w);
    }
    mk_stats_table_fini(&w.stats);
    return w.x.rc;
}
