/* retired: see the header. */
#include "endpoint/retired.h"

#include "base/log.h"
#include "host/cache.h"
#include "protocol/call.h"

#include <errno.h>
#include <stdlib.h>

int mk_retired_reserve(struct milky_endpoint *endpoint)
{
    size_t most_gone = endpoint->gone_count + endpoint->bot_count + 1;
    struct mk_bot **gone = realloc(endpoint->gone, most_gone * sizeof(*gone));
    if (!gone)
        return -ENOMEM;
    endpoint->gone = gone;
    size_t most_leaving = endpoint->leaving_count + endpoint->host_count + 1;
    struct mk_leaving *leaving = realloc(endpoint->leaving, most_leaving * sizeof(*leaving));
    if (!leaving)
        return -ENOMEM;
    endpoint->leaving = leaving;
    return 0;
}

void mk_retired_add_bot(struct milky_endpoint *endpoint, struct mk_bot *bot)
{
    endpoint->gone[endpoint->gone_count++] = bot;
}

void mk_retired_add_host(struct milky_endpoint *endpoint, struct milky_host *host)
{
    mk_host_close(host);
    endpoint->leaving[endpoint->leaving_count++] = (struct mk_leaving){ .host = host };
}

/* --- bots --- */

/* A backend may still hold a call that has ended; then the bot must stay. */
static bool has_calls(const struct mk_bot *bot)
{
    const struct milky_host *host = bot->account.host;
    if (bot->dispatch.in_flight > 0)
        return true;
    for (uint32_t i = 0; i < host->calls.count; i++) {
        const struct mk_slot *slot = mk_calls_at(&host->calls, i);
        if (slot->state != MK_SLOT_FREE && slot->call->dispatch == &bot->dispatch)
            return true;
    }
    return false;
}

static void free_bot(struct mk_bot *bot)
{
    mk_cache_forget_bot(bot->account.host->owner->cache, bot->hub.self_id);
    mk_bot_fini(bot);
    free(bot);
}

static void reap_bots(struct milky_endpoint *endpoint)
{
    size_t kept = 0;
    for (size_t i = 0; i < endpoint->gone_count; i++) {
        struct mk_bot *bot = endpoint->gone[i];
        if (mk_bot_idle(bot) && !has_calls(bot))
            free_bot(bot);
        else
            endpoint->gone[kept++] = bot;
    }
    endpoint->gone_count = kept;
}

/* --- backends --- */

static bool has_bots(const struct milky_endpoint *endpoint, const struct milky_host *host)
{
    for (size_t i = 0; i < endpoint->gone_count; i++)
        if (endpoint->gone[i]->account.host == host)
            return true;
    return false;
}

/* No call or request waits for its answer. */
static bool is_quiet(const struct milky_host *host)
{
    struct mk_host_load load = mk_host_load(host);
    return load.calls + load.files == 0;
}

/* libuv lets go of the handles that a backend has closed in this turn or the next one. */
static bool is_over(const struct milky_endpoint *endpoint, const struct mk_leaving *leaving)
{
    return leaving->has_ended && endpoint->loop->turns > leaving->ended_in + 1 &&
           !has_bots(endpoint, leaving->host);
}

/* A backend may call the endpoint from its `free`, even to reload. */
static void end_hosts(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->leaving_count; i++) {
        struct milky_host *host = endpoint->leaving[i].host;
        if (endpoint->leaving[i].has_ended || !is_quiet(host))
            continue;
        endpoint->leaving[i].has_ended = true;
        endpoint->leaving[i].ended_in = endpoint->loop->turns;
        mk_log_info("endpoint", "the backend %s has ended", "后端 %s 已结束", host->name);
        mk_host_end(host);
    }
}

static void reap_hosts(struct milky_endpoint *endpoint)
{
    size_t kept = 0;
    for (size_t i = 0; i < endpoint->leaving_count; i++) {
        struct mk_leaving *leaving = &endpoint->leaving[i];
        if (is_over(endpoint, leaving))
            mk_host_free(leaving->host);
        else
            endpoint->leaving[kept++] = *leaving;
    }
    endpoint->leaving_count = kept;
}

/* --- all of them --- */

void mk_retired_reap(struct milky_endpoint *endpoint)
{
    end_hosts(endpoint);
    reap_bots(endpoint);
    reap_hosts(endpoint);
}

void mk_retired_end(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        mk_host_end(endpoint->leaving[i].host);
}

void mk_retired_fini(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->gone_count; i++)
        free_bot(endpoint->gone[i]);
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        mk_host_free(endpoint->leaving[i].host);
    free(endpoint->gone);
    free(endpoint->leaving);
}
