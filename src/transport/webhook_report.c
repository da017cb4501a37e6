/* webhook_report: the state and the numbers of a webhook, for the status and the metrics. */
#include "transport/webhook_private.h"

enum { POSTS, DELIVERIES, RETRIES, SET_ASIDE, DROPPED, TRIES, SINCE, FAILING, PAUSED };

const struct mk_transport_counter mk_webhook_counters[] = {
    [POSTS] = { "posts", "milky_webhook_posts_total", "counter", "Posts of an event." },
    [DELIVERIES] = { "deliveries", "milky_webhook_deliveries_total", "counter",
                     "Events that were accepted." },
    [RETRIES] = { "retries", "milky_webhook_retries_total", "counter",
                  "Posts of an event that had been posted before." },
    [SET_ASIDE] = { "set_aside", "milky_webhook_dead_letters_total", "counter",
                    "Events that were refused, given up or skipped, and set aside." },
    [DROPPED] = { "dropped", "milky_webhook_dropped_events_total", "counter",
                  "Events that were dropped, because there is no journal." },
    [TRIES] = { "tries", "milky_webhook_event_tries", "gauge",
                "Failed posts of the current event that may be its own fault." },
    [SINCE] = { "trying_since", "milky_webhook_event_since_seconds", "gauge",
                "When the current event was first posted, in seconds since 1970; 0 without one." },
    [FAILING] = { NULL, "milky_webhook_failing", "gauge", "1 when the last post failed." },
    [PAUSED] = { NULL, "milky_webhook_paused", "gauge",
                 "1 while nothing is posted, because its receiver answers 410, 401 or 403." },
    { 0 },
};

static enum mk_remote_state state_of(const struct mk_webhook *webhook)
{
    if (webhook->stopping)
        return MK_REMOTE_STOPPED;
    if (webhook->paused)
        return MK_REMOTE_PAUSED;
    if (webhook->event.len == 0)
        return MK_REMOTE_IDLE;
    return webhook->request || webhook->calls.doc ? MK_REMOTE_DELIVERING : MK_REMOTE_WAITING;
}

size_t mk_webhook_report(const struct mk_transport *transport,
                         struct mk_transport_stats stats[MK_TRANSPORT_ROWS])
{
    const struct mk_webhook *webhook =
        MK_CONTAINER_OF(transport, const struct mk_webhook, transport);
    const struct mk_health *health = &webhook->health;
    enum mk_remote_state state = state_of(webhook);
    stats[0] = (struct mk_transport_stats){
        .transport = MK_WEBHOOK_MODULE,
        .name = webhook->name,
        .state = mk_remote_state_name(state),
        .has_events = true,
        .lag = mk_reader_lag(&webhook->reader),
        .health = health,
        .waits = state == MK_REMOTE_WAITING,
        .counters = { [POSTS] = health->attempts,
                      [DELIVERIES] = health->successes,
                      [RETRIES] = health->retries,
                      [SET_ASIDE] = webhook->set_aside,
                      [DROPPED] = webhook->dropped,
                      [TRIES] = webhook->attempts.tries + webhook->attempts.refusals,
                      [SINCE] = webhook->event_since,
                      [FAILING] = health->failing,
                      [PAUSED] = webhook->paused },
    };
    /* The exact numbers are known here, not in the feed. */
    uint64_t taken = webhook->event.len > 0 ? webhook->number - 1 : webhook->number;
    stats[0].lag.events = webhook->hub->events > taken ? webhook->hub->events - taken : 0;
    return 1;
}
