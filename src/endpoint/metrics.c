/*
 * metrics: see the header. The format wants all samples of a family together, so each family walks
 * over all bots or transports by itself.
 */
#include "endpoint/metrics.h"

#include "base/exposition.h"
#include "endpoint/endpoint.h"
#include "endpoint/process.h"
#include "endpoint/survey.h"
#include "protocol/tables.h"

#include <stdio.h>

struct writer {
    struct mk_exposition x;
    const struct milky_endpoint *endpoint;
    struct mk_survey survey;
};

/* Walks the bots: `bot` and its self_id as text, `id`. */
#define EACH_BOT(w, bot, id)                                                                       \
    for (size_t i_ = 0; i_ < (w)->endpoint->host.bot_count; i_++)                                  \
        for (const struct mk_bot *bot = (w)->endpoint->host.bots[i_], *once_ = bot; once_;         \
             once_ = NULL)                                                                         \
            for (const char *id = (w)->survey.bot_ids[i_]; id; id = NULL)

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
    mk_exposition_family(&w->x, "milky_calls_in_flight", "gauge",
                         "API calls that wait for their reply.");
    EACH_BOT(w, bot, id)
    mk_exposition_count(&w->x, "", bot->dispatch.in_flight, "bot", id, NULL);
}

/* --- events --- */

static void write_events(struct writer *w)
{
    mk_exposition_family(&w->x, "milky_events_total", "counter", "Events, by type.");
    EACH_BOT(w, bot, id)
    for (size_t i = 0; i < mk_event_type_count && i < MK_COUNTED_TYPES; i++)
        if (bot->hub.emitted[i] > 0)
            mk_exposition_count(&w->x, "", bot->hub.emitted[i], "bot", id, "type",
                                mk_event_types[i].name.ptr, NULL);
    mk_exposition_family(&w->x, "milky_events_replayed_total", "counter",
                         "Events that were read from the journal for somebody who came back.");
    EACH_BOT(w, bot, id)
    mk_exposition_count(&w->x, "", bot->hub.replayed, "bot", id, NULL);
    mk_exposition_family(&w->x, "milky_event_gaps_total", "counter",
                         "Times that somebody was told of events that are gone from the journal.");
    EACH_BOT(w, bot, id)
    mk_exposition_count(&w->x, "", bot->hub.gaps, "bot", id, NULL);
    mk_exposition_family(&w->x, "milky_connections_dropped_total", "counter",
                         "Connections that were closed because they did not take their events.");
    EACH_BOT(w, bot, id)
    mk_exposition_count(&w->x, "", bot->hub.overruns, "bot", id, NULL);
}

/* --- transports --- */

enum which { ALL, LISTENERS, SINKS, CLIENTS, WEBHOOKS };

static bool is_meant(const struct mk_surveyed *one, enum which which)
{
    switch (which) {
    case LISTENERS:
        return one->is_listener;
    case SINKS:
        return one->has_events;
    case CLIENTS:
        return one->is_remote && strcmp(one->transport, "websocket_client") == 0;
    case WEBHOOKS:
        return one->is_remote && strcmp(one->transport, "webhook") == 0;
    default:
        return strcmp(one->transport, "webhook") != 0; /* what has connections of its own */
    }
}

struct family {
    const char *name;
    const char *type;
    enum which which;
    uint64_t (*value)(const struct mk_surveyed *one);
    const char *help;
};

static uint64_t connections(const struct mk_surveyed *one)
{
    return one->connections;
}
static uint64_t accepted(const struct mk_surveyed *one)
{
    return one->accepted;
}
static uint64_t lag_events(const struct mk_surveyed *one)
{
    return one->lag.events;
}
static uint64_t lag_bytes(const struct mk_surveyed *one)
{
    return one->lag.bytes;
}
static uint64_t attempts(const struct mk_surveyed *one)
{
    return one->remote.health->attempts;
}
static uint64_t successes(const struct mk_surveyed *one)
{
    return one->remote.health->successes;
}
static uint64_t retries(const struct mk_surveyed *one)
{
    return one->remote.health->retries;
}
static uint64_t failing(const struct mk_surveyed *one)
{
    return one->remote.health->failing;
}
static uint64_t set_aside(const struct mk_surveyed *one)
{
    return one->remote.set_aside;
}
static uint64_t dropped(const struct mk_surveyed *one)
{
    return one->remote.dropped;
}

static const struct family families[] = {
    { "milky_connections", "gauge", ALL, connections, "Open connections." },
    { "milky_connections_accepted_total", "counter", LISTENERS, accepted,
      "Connections that a listening address has accepted." },
    { "milky_sink_lag_events", "gauge", SINKS, lag_events,
      "Events that the slowest receiver of a transport has not got yet." },
    { "milky_sink_lag_bytes", "gauge", SINKS, lag_bytes,
      "Bytes of events that the slowest receiver of a transport has not got yet." },
    { "milky_websocket_client_attempts_total", "counter", CLIENTS, attempts,
      "Connections that were tried." },
    { "milky_websocket_client_connects_total", "counter", CLIENTS, successes,
      "Connections that came about." },
    { "milky_websocket_client_reconnects_total", "counter", CLIENTS, retries,
      "Connections that were tried again, after one was lost or failed." },
    { "milky_websocket_client_failing", "gauge", CLIENTS, failing,
      "1 when the last try failed or its connection was lost." },
    { "milky_webhook_posts_total", "counter", WEBHOOKS, attempts, "Posts of an event." },
    { "milky_webhook_deliveries_total", "counter", WEBHOOKS, successes, "Events that were taken." },
    { "milky_webhook_retries_total", "counter", WEBHOOKS, retries,
      "Posts of an event that had been posted before." },
    { "milky_webhook_dead_letters_total", "counter", WEBHOOKS, set_aside,
      "Events that were refused for good and set aside." },
    { "milky_webhook_dropped_events_total", "counter", WEBHOOKS, dropped,
      "Events that were given up, for want of a journal." },
    { "milky_webhook_failing", "gauge", WEBHOOKS, failing, "1 when the last post failed." },
};

static void write_transports(struct writer *w)
{
    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        const struct family *family = &families[f];
        mk_exposition_family(&w->x, family->name, family->type, family->help);
        for (size_t i = 0; i < w->survey.count; i++) {
            const struct mk_surveyed *one = &w->survey.transports[i];
            if (is_meant(one, family->which))
                mk_exposition_count(&w->x, "", family->value(one), "bot", one->bot_id, "transport",
                                    one->transport, "name", one->name, "index", one->index, NULL);
        }
    }
}

/* --- the journal --- */

static uint64_t held(const struct mk_journal_measure *measure)
{
    return measure->first ? measure->last - measure->first + 1 : 0;
}
static uint64_t first(const struct mk_journal_measure *measure)
{
    return measure->first;
}
static uint64_t last(const struct mk_journal_measure *measure)
{
    return measure->last;
}
static uint64_t dead(const struct mk_journal_measure *measure)
{
    return measure->dead;
}

static void write_journal(struct writer *w)
{
    static const struct {
        const char *name;
        uint64_t (*value)(const struct mk_journal_measure *measure);
        const char *help;
    } all[] = {
        { "milky_journal_events", held, "Events that the journal holds." },
        { "milky_journal_first_number", first, "The number of the oldest of them; 0 for none." },
        { "milky_journal_last_number", last, "The number of the last event there was." },
        { "milky_dead_letters", dead, "Deliveries that are set aside (`milky deliveries`)." },
    };
    struct mk_journal *journal = w->endpoint->host.journal;
    if (!journal)
        return;
    for (size_t f = 0; f < sizeof(all) / sizeof(all[0]); f++) {
        mk_exposition_family(&w->x, all[f].name, "gauge", all[f].help);
        EACH_BOT(w, bot, id)
        {
            struct mk_journal_measure measure;
            mk_journal_measure(journal, bot->hub.self_id, &measure);
            mk_exposition_count(&w->x, "", all[f].value(&measure), "bot", id, NULL);
        }
    }
    mk_exposition_family(&w->x, "milky_journal_bytes", "gauge", "Size of the journal's database.");
    mk_exposition_count(&w->x, "", mk_journal_size(journal), NULL);
    mk_exposition_family(&w->x, "milky_journal_failing", "gauge",
                         "1 while the journal cannot be written.");
    mk_exposition_count(&w->x, "", !mk_journal_well(journal), NULL);
}

/* --- the process --- */

static void write_process(struct writer *w)
{
    struct mk_process process;
    mk_process_measure(&process);
    struct mk_exposition *x = &w->x;
    mk_exposition_family(x, "milky_build_info", "gauge", "1, with the version.");
    mk_exposition_count(x, "", 1, "version", MILKY_VERSION, "libuv", uv_version_string(), NULL);
    mk_exposition_family(x, "milky_loop_turns_total", "counter", "Turns of the event loop.");
    mk_exposition_count(x, "", w->endpoint->host.loop.turns, NULL);
    mk_exposition_family(x, "process_start_time_seconds", "gauge", "When it started, since 1970.");
    mk_exposition_number(x, "", (double)w->endpoint->started_at / 1e3, NULL);
    mk_exposition_family(x, "process_cpu_seconds_total", "counter", "Processor time it took.");
    mk_exposition_number(x, "", process.cpu_seconds, NULL);
    mk_exposition_family(x, "process_resident_memory_bytes", "gauge", "Memory it holds.");
    mk_exposition_count(x, "", process.resident, NULL);
    mk_exposition_family(x, "process_open_fds", "gauge", "File descriptors that are open.");
    mk_exposition_count(x, "", process.open_fds, NULL);
    mk_exposition_family(x, "process_max_fds", "gauge", "File descriptors that may be open.");
    mk_exposition_count(x, "", process.most_fds, NULL);
}

int mk_metrics_write(void *arg, struct mk_buf *out)
{
    struct writer w = { .x = { .out = out }, .endpoint = arg };
    w.x.rc = mk_survey_take(&w.survey, arg);
    if (w.x.rc == 0) {
        write_process(&w);
        write_calls(&w);
        write_events(&w);
        write_transports(&w);
        write_journal(&w);
    }
    mk_survey_fini(&w.survey);
    return w.x.rc;
}
