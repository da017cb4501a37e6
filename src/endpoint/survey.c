/* survey: see the header. */
#include "endpoint/survey.h"

#include "endpoint/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { KINDS = 3 }; /* that a listening address may have at most */

static struct mk_surveyed *add(struct mk_survey *survey, const struct mk_surveyed *entry,
                               size_t index)
{
    struct mk_surveyed *added = &survey->transports[survey->count++];
    *added = *entry;
    snprintf(added->index, sizeof(added->index), "%zu", index);
    return added;
}

static void add_crowd(struct mk_survey *survey, struct mk_surveyed entry, const char *transport,
                      size_t index, const struct mk_crowd *crowd)
{
    entry.transport = transport;
    entry.connections = crowd->count;
    entry.lag = crowd->most;
    entry.has_events = true;
    add(survey, &entry, index);
}

static void add_server(struct mk_survey *survey, struct mk_surveyed entry, size_t index,
                       const struct mk_bot_server *server)
{
    struct mk_server_measure measure;
    mk_server_measure(server->server, &measure);
    entry.name = server->address;
    entry.listening = measure.listening;
    entry.accepted = measure.accepted;
    entry.is_listener = true;
    if (mk_server_has_http(server->server)) {
        entry.transport = "http_server";
        entry.connections = measure.http;
        add(survey, &entry, index);
        entry.is_listener = false;
        add_crowd(survey, entry, "event_stream", index, &measure.events);
    }
    if (mk_server_has_websocket(server->server))
        add_crowd(survey, entry, "websocket_server", index, &measure.websockets);
}

static void add_remote(struct mk_survey *survey, struct mk_surveyed entry, const char *transport,
                       size_t index)
{
    entry.transport = transport;
    entry.name = entry.remote.name;
    entry.is_remote = true;
    entry.has_events = true;
    entry.lag = entry.remote.lag;
    entry.connections = entry.remote.state == MK_REMOTE_CONNECTED;
    add(survey, &entry, index);
}

static void add_bot(struct mk_survey *survey, const struct mk_bot *bot, const char *bot_id)
{
    struct mk_surveyed entry = { .bot = bot, .bot_id = bot_id };
    for (size_t i = 0; i < bot->server_count; i++)
        add_server(survey, entry, i, &bot->servers[i]);
    for (size_t i = 0; i < bot->client_count; i++) {
        mk_websocket_client_report(bot->clients[i], &entry.remote);
        add_remote(survey, entry, "websocket_client", i);
    }
    for (size_t i = 0; i < bot->webhook_count; i++) {
        mk_webhook_report(bot->webhooks[i], &entry.remote);
        add_remote(survey, entry, "webhook", i);
    }
}

int mk_survey_take(struct mk_survey *survey, const struct milky_endpoint *endpoint)
{
    const struct milky_host *host = &endpoint->host;
    size_t most = 1;
    for (size_t i = 0; i < host->bot_count; i++)
        most += KINDS * host->bots[i]->server_count + host->bots[i]->client_count +
                host->bots[i]->webhook_count;
    *survey = (struct mk_survey){
        .transports = calloc(most, sizeof(struct mk_surveyed)),
        .bot_ids = calloc(host->bot_count + 1, sizeof(*survey->bot_ids)),
    };
    if (!survey->transports || !survey->bot_ids)
        return -ENOMEM;
    for (size_t i = 0; i < host->bot_count; i++) {
        snprintf(survey->bot_ids[i], sizeof(survey->bot_ids[i]), "%llu",
                 (unsigned long long)host->self_ids[i]);
        add_bot(survey, host->bots[i], survey->bot_ids[i]);
    }
    return 0;
}

void mk_survey_fini(struct mk_survey *survey)
{
    free(survey->transports);
    free(survey->bot_ids);
}
