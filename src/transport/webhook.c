/*
 * webhook: see the header. The reader is at the first undelivered event. An event goes through
 * three steps: posting (`request`), perhaps waiting for the next try (`timer`), and executing the
 * calls of the response (`calls`). Then the reader advances, and the cursor on disk with it. The
 * next event is taken when the turn's events are stored (`next`): no event is posted before, and
 * the journal is not read while an event is being emitted.
 */
#include "transport/webhook.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/error_text.h"
#include "base/log.h"
#include "base/utf8.h"
#include "hub/reader.h"
#include "net/timer.h"
#include "transport/remote.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"
#include "transport/webhook_repost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_WAIT_MS = 500,
    MAX_WAIT_MS = 60 * 1000,
    MAX_RETRY_AFTER = 60 * 60,  /* the longest Retry-After, in seconds */
    MAX_LAG = 64 * 1024 * 1024, /* bytes of events kept in memory for an unreachable receiver */
    MAX_REFUSALS = 3,     /* of one event: a restarting receiver may answer 404 for a moment */
    KEPT_RESPONSE = 1024, /* bytes of a refusal that are kept with the dead letter */
};

static const char module[] = "webhook";

struct webhook {
    struct mk_transport transport;
    struct mk_webhook_target target;
    struct mk_hub *hub;
    enum mk_dialect dialect;
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    struct mk_health health;
    uint64_t set_aside;
    uint64_t dropped;
    struct mk_webhook_repost *repost; /* under way, or NULL */
    struct mk_reader reader;
    struct mk_hub_waiter next; /* waits to deliver the next event */
    struct mk_slice event;     /* at the reader: being delivered; or empty */
    uint64_t number;           /* of that event */
    uint64_t gap_from;         /* lost events, which the next post reports; 0: none */
    uint64_t gap_to;
    size_t line;       /* bytes of the event's line */
    unsigned refusals; /* how often this event was finally refused */
    struct mk_http_request *request;
    struct mk_timer *timer;
    struct mk_backoff backoff;
    struct mk_webhook_calls calls;
    bool stopping;
};

static struct webhook *webhook_of(struct mk_transport *transport)
{
    return MK_CONTAINER_OF(transport, struct webhook, transport);
}

static void abort_webhook(struct mk_transport *transport);

static void schedule_next(struct webhook *webhook)
{
    mk_hub_await_commit(webhook->hub, &webhook->next);
}

/* --- finishing an event --- */

static void finish_event(struct webhook *webhook)
{
    struct mk_hub *hub = webhook->hub;
    mk_backoff_reset(&webhook->backoff);
    webhook->refusals = 0;
    if (hub->journal)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(webhook->target.url),
                              webhook->number);
    mk_reader_advance(&webhook->reader, webhook->line);
    webhook->event = (struct mk_slice){ 0 };
    schedule_next(webhook);
}

static void on_calls_done(struct mk_webhook_calls *calls)
{
    finish_event(MK_CONTAINER_OF(calls, struct webhook, calls));
}

/* Handles the response to a delivered event: calls, or anything else, which is ignored. */
static void on_acknowledged(struct webhook *webhook, const struct mk_http_response *response)
{
    webhook->gap_from = 0;
    bool empty = response->status == 204 || response->body.len == 0;
    if (!empty && mk_webhook_calls_run(&webhook->calls, response->body) == 0)
        return;
    if (!empty)
        mk_log_info(module, "%s: its response (%u, %zu bytes) is not a call and is ignored",
                    "%s：其响应（%u，%zu 字节）不是调用，已忽略", webhook->name, response->status,
                    response->body.len);
    finish_event(webhook);
}

/* --- failing --- */

static void try_again(struct webhook *webhook, const struct mk_failure *failure,
                      uint64_t retry_after)
{
    if (webhook->stopping) {
        mk_health_fail(&webhook->health, failure, 0);
        mk_log_warn(module, "%s: %s; milky is stopping, so it is not tried again now",
                    "%s：%s；正在停止，不再重试", webhook->name, mk_failure_text(failure));
        abort_webhook(&webhook->transport);
        return;
    }
    uint64_t wait = mk_backoff_next(&webhook->backoff);
    if (retry_after > MAX_RETRY_AFTER)
        retry_after = MAX_RETRY_AFTER;
    if (wait < retry_after * 1000)
        wait = retry_after * 1000;
    mk_log_warn(module, "%s: %s; next try in %llu.%llu s", "%s：%s；%llu.%llu 秒后重试",
                webhook->name, mk_failure_text(failure), (unsigned long long)wait / 1000,
                (unsigned long long)wait % 1000 / 100);
    mk_health_fail(&webhook->health, failure, wait);
    mk_timer_start(webhook->timer, wait);
}

/* Returns whether a status is temporary. All other 4xx are final. */
static bool is_temporary(unsigned status)
{
    return status / 100 != 4 || status == 408 || status == 425 || status == 429;
}

/* Stores the event as a dead letter, so that the events behind it can be delivered. */
static void add_dead_letter(struct webhook *webhook, const struct mk_http_response *response)
{
    struct mk_hub *hub = webhook->hub;
    struct mk_failure failure;
    struct mk_slice body = response->body;
    if (body.len > KEPT_RESPONSE)
        body.len = KEPT_RESPONSE;
    body.len = mk_utf8_valid_prefix(body);
    struct mk_dead_letter letter = {
        .self_id = hub->self_id,
        .number = webhook->number,
        .time = mk_clock_real_ms() / 1000,
        .status = response->status,
        .sink = mk_slice_str(webhook->target.url),
        .response = body,
    };
    if (mk_journal_add_dead_letter(hub->journal, &letter) < 0) {
        mk_failure_set(&failure, MK_FAILURE_STATUS, "it answered %u, which cannot be set aside",
                       "对方应答 %u，但无法搁置此投递", response->status);
        failure.status = response->status;
        try_again(webhook, &failure, 0);
        return;
    }
    mk_failure_set(&failure, MK_FAILURE_STATUS, "it answered %u to event %llu, which is set aside",
                   "对方应答 %u，事件 %llu 已搁置", response->status,
                   (unsigned long long)webhook->number);
    failure.status = response->status;
    mk_log_warn(module, "%s: %s", "%s：%s", webhook->name, mk_failure_text(&failure));
    mk_health_fail(&webhook->health, &failure, 0);
    webhook->set_aside++;
    finish_event(webhook);
}

/* --- posting --- */

static void on_response(void *arg, const struct mk_http_response *response)
{
    struct webhook *webhook = arg;
    webhook->request = NULL;
    if (response->failure) {
        try_again(webhook, response->failure, 0);
    } else if (response->status / 100 == 2) {
        mk_health_succeed(&webhook->health);
        on_acknowledged(webhook, response);
    } else if (webhook->hub->journal && !is_temporary(response->status) &&
               ++webhook->refusals >= MAX_REFUSALS) {
        add_dead_letter(webhook, response);
    } else {
        struct mk_failure failure;
        mk_failure_status(&failure, response->status);
        try_again(webhook, &failure, response->retry_after);
    }
}

static void post_event(struct webhook *webhook)
{
    const struct mk_webhook_event event = {
        .number = webhook->number,
        .json = webhook->event,
        .gap_from = webhook->gap_from,
        .gap_to = webhook->gap_to,
    };
    struct mk_failure failure;
    mk_health_try(&webhook->health);
    webhook->request = mk_webhook_post(&webhook->target, &event, on_response, webhook);
    if (!webhook->request)
        try_again(webhook, mk_failure_errno(&failure, -ENOMEM), 0);
}

/* Takes the next line: "NUMBER JSON". Returns its number; 0 is a gap. */
static uint64_t take_line(struct webhook *webhook, struct mk_slice ready)
{
    const char *end = memchr(ready.ptr, '\n', ready.len);
    const char *space = memchr(ready.ptr, ' ', ready.len);
    webhook->line = (size_t)(end - ready.ptr) + 1;
    webhook->event = mk_slice_of(space + 1, (size_t)(end - space) - 1);
    return strtoull(ready.ptr, NULL, 10);
}

/* Notes that the journal has lost events before they were delivered: the next post reports them. */
static void note_gap(struct webhook *webhook, uint64_t next)
{
    webhook->gap_from = webhook->number + 1;
    webhook->gap_to = next - 1;
    mk_log_error(module, "%s: events %llu to %llu are gone from the journal and were not delivered",
                 "%s：事件 %llu 至 %llu 已不在事件日志中，没有投递", webhook->name,
                 (unsigned long long)webhook->gap_from, (unsigned long long)webhook->gap_to);
}

/* Sets `event` to the next event, if there is one and none is being delivered. */
static bool find_next(struct webhook *webhook)
{
    while (webhook->event.len == 0) {
        struct mk_slice ready = mk_reader_peek(&webhook->reader);
        if (ready.len == 0)
            return false;
        uint64_t number = take_line(webhook, ready);
        if (number == 0) {
            mk_reader_advance(&webhook->reader, webhook->line);
            webhook->event = (struct mk_slice){ 0 };
            continue;
        }
        if (number > webhook->number + 1)
            note_gap(webhook, number);
        webhook->number = number;
    }
    return true;
}

static void deliver_next(struct mk_hub_waiter *waiter)
{
    struct webhook *webhook = MK_CONTAINER_OF(waiter, struct webhook, next);
    bool busy = webhook->event.len > 0 || mk_timer_active(webhook->timer);
    if (!busy && find_next(webhook))
        post_event(webhook);
}

static void on_timer(void *arg)
{
    struct webhook *webhook = arg;
    if (webhook->event.len > 0)
        post_event(webhook);
    else
        schedule_next(webhook); /* it has overrun while it waited */
}

static void on_sink_ready(struct mk_sink *sink)
{
    struct webhook *webhook = MK_CONTAINER_OF(sink, struct webhook, reader.sink);
    if (webhook->event.len == 0)
        schedule_next(webhook);
}

/*
 * The receiver was unreachable for too long to keep its events in memory. With a journal they are
 * read from there later, and none is lost; without one they are dropped.
 */
static void on_sink_overrun(struct mk_sink *sink)
{
    struct webhook *webhook = MK_CONTAINER_OF(sink, struct webhook, reader.sink);
    if (webhook->calls.doc)
        return; /* the current event is delivered: this is checked again with the next one */
    webhook->request = mk_http_request_cancel(webhook->request);
    webhook->number -= webhook->event.len > 0;
    webhook->event = (struct mk_slice){ 0 };
    if (webhook->hub->journal) {
        mk_reader_rewind(&webhook->reader, webhook->number);
    } else {
        webhook->dropped += mk_reader_lag(&webhook->reader).events;
        mk_log_error(module, "%s: %llu bytes of events were not received and are dropped",
                     "%s：%llu 字节的事件未被接收，已丢弃", webhook->name,
                     (unsigned long long)mk_sink_lag(sink));
        mk_reader_rewind(&webhook->reader, webhook->hub->events);
    }
    schedule_next(webhook); /* after the receiver's Retry-After, if any */
}

/* --- making --- */

static void free_webhook(struct mk_transport *transport)
{
    struct webhook *webhook = webhook_of(transport);
    abort_webhook(transport);
    mk_timer_free(webhook->timer);
    mk_webhook_target_fini(&webhook->target);
    free(webhook);
}

static struct webhook *webhook_new(const struct mk_transport_context *context,
                                   enum mk_dialect dialect)
{
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return NULL;
    mk_transport_init(&webhook->transport, &mk_webhook_class);
    webhook->hub = context->hub;
    webhook->dialect = dialect;
    webhook->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MAX_WAIT_MS };
    webhook->calls = (struct mk_webhook_calls){
        .dispatch = context->dispatch,
        .dialect = dialect,
        .name = webhook->name,
        .done = on_calls_done,
    };
    mk_webhook_calls_init(&webhook->calls);
    webhook->next.run = deliver_next;
    mk_list_init(&webhook->next.node);
    webhook->reader.sink.ready = on_sink_ready;
    webhook->reader.sink.overrun = on_sink_overrun;
    webhook->timer = mk_timer_new(context->loop, on_timer, webhook);
    return webhook;
}

/* The URL was validated before. Returns 0 or -ENOMEM. */
static int configure(struct webhook *webhook, struct mk_http_client *http,
                     const struct milky_remote *config)
{
    const struct mk_tls_files tls = mk_remote_tls_files(module, config);
    webhook->transport.identity = mk_transport_key("%s\n%d", config->url, config->dialect);
    mk_remote_name(mk_slice_str(config->url), webhook->name);
    if (!http || !webhook->timer || !webhook->transport.identity)
        return -ENOMEM;
    return mk_webhook_target_init(&webhook->target, http, webhook->hub->self_id,
                                  mk_slice_str(config->url), mk_slice_str(config->access_token),
                                  mk_slice_str(config->secret), &tls);
}

static int add_webhooks(const struct mk_transport_context *context, const struct milky_bot *config,
                        struct mk_list *transports)
{
    int rc = 0;
    for (size_t i = 0; i < config->webhook_count && rc == 0; i++) {
        const struct milky_remote *remote = &config->webhook[i];
        struct webhook *webhook = webhook_new(context, mk_transport_dialect(remote->dialect));
        rc = webhook ? configure(webhook, mk_transport_http(context), remote) : -ENOMEM;
        if (rc == 0)
            mk_list_push(transports, &webhook->transport.node);
        else if (webhook)
            mk_transport_free(&webhook->transport);
    }
    return rc;
}

/* --- life --- */

/* Starts behind its cursor, or, if it is new, with events from now on. */
static int find_start(struct webhook *webhook)
{
    const struct mk_hub *hub = webhook->hub;
    webhook->number = hub->events;
    if (!hub->journal)
        return 0;
    return mk_journal_start_sink(hub->journal, hub->self_id, mk_slice_str(webhook->target.url),
                                 &webhook->number);
}

/* Delivers undelivered and new events. */
static int start(struct mk_transport *transport)
{
    struct webhook *webhook = webhook_of(transport);
    struct mk_event_format format = { webhook->dialect, MK_ENVELOPE_BARE, MK_FRAMING_LINE };
    int rc = find_start(webhook);
    if (rc == 0)
        rc = mk_reader_start(&webhook->reader, webhook->hub, &format, webhook->number, MAX_LAG);
    if (rc == 0)
        schedule_next(webhook);
    else
        mk_log_error(module, "bot %llu: cannot start: %s", "Bot %llu：无法启动：%s",
                     (unsigned long long)webhook->hub->self_id, mk_error_text(-rc));
    return rc;
}

/* Uses the other's token, secret and TLS from the next request on. */
static void adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    struct webhook *webhook = webhook_of(transport), *other = webhook_of(fresh);
    const struct mk_webhook_target target = webhook->target;
    webhook->target = other->target;
    other->target = target;
}

/* Delivers pending events without retries. */
static void stop(struct mk_transport *transport)
{
    struct webhook *webhook = webhook_of(transport);
    webhook->stopping = true;
    if (mk_timer_active(webhook->timer)) /* it waits for the next try */
        abort_webhook(transport);
}

static void abort_webhook(struct mk_transport *transport)
{
    struct webhook *webhook = webhook_of(transport);
    bool undelivered = webhook->event.len > 0;
    if (undelivered && webhook->hub->journal)
        mk_log_info(module, "%s: stopped; events from number %llu on wait for the next start",
                    "%s：已停止；编号 %llu 起的事件等待下次启动", webhook->name,
                    (unsigned long long)webhook->number);
    else if (undelivered)
        mk_log_warn(module, "%s: stopped with %llu bytes of events undelivered",
                    "%s：已停止，%llu 字节的事件没有投递", webhook->name,
                    (unsigned long long)mk_sink_lag(&webhook->reader.sink));
    webhook->stopping = true;
    webhook->request = mk_http_request_cancel(webhook->request);
    if (webhook->timer)
        mk_timer_stop(webhook->timer);
    mk_list_remove(&webhook->next.node);
    mk_reader_stop(&webhook->reader);
    webhook->event = (struct mk_slice){ 0 };
    mk_webhook_calls_fini(&webhook->calls);
    mk_webhook_repost_cancel(webhook->repost, "milky is stopping");
}

static bool is_idle(const struct mk_transport *transport)
{
    const struct webhook *webhook = MK_CONTAINER_OF(transport, const struct webhook, transport);
    return webhook->stopping && webhook->event.len == 0 && mk_list_empty(&webhook->next.node) &&
           !webhook->repost;
}

/* --- dead letters --- */

static int repost(struct mk_transport *transport, struct mk_slice sink, uint64_t number,
                  const struct mk_repost_caller *caller)
{
    struct webhook *webhook = webhook_of(transport);
    if (!mk_slice_eq(mk_slice_str(webhook->target.url), sink))
        return -ENOENT;
    if (webhook->repost || webhook->stopping)
        return -EBUSY;
    const struct mk_repost_config config = {
        .target = &webhook->target,
        .hub = webhook->hub,
        .dispatch = webhook->calls.dispatch,
        .dialect = webhook->dialect,
        .name = webhook->name,
    };
    return mk_webhook_repost_start(&config, number, caller, &webhook->repost);
}

/* --- reporting --- */

enum { POSTS, DELIVERIES, RETRIES, SET_ASIDE, DROPPED, FAILING };

static const struct mk_transport_counter counters[] = {
    [POSTS] = { "posts", "milky_webhook_posts_total", "counter", "Posts of an event." },
    [DELIVERIES] = { "deliveries", "milky_webhook_deliveries_total", "counter",
                     "Events that were accepted." },
    [RETRIES] = { "retries", "milky_webhook_retries_total", "counter",
                  "Posts of an event that had been posted before." },
    [SET_ASIDE] = { "set_aside", "milky_webhook_dead_letters_total", "counter",
                    "Events that were refused for good and set aside." },
    [DROPPED] = { "dropped", "milky_webhook_dropped_events_total", "counter",
                  "Events that were dropped, because there is no journal." },
    [FAILING] = { NULL, "milky_webhook_failing", "gauge", "1 when the last post failed." },
    { 0 },
};

static enum mk_remote_state state_of(const struct webhook *webhook)
{
    if (webhook->stopping)
        return MK_REMOTE_STOPPED;
    if (webhook->event.len == 0)
        return MK_REMOTE_IDLE;
    return webhook->request || webhook->calls.doc ? MK_REMOTE_DELIVERING : MK_REMOTE_WAITING;
}

static size_t report(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS])
{
    const struct webhook *webhook = MK_CONTAINER_OF(transport, const struct webhook, transport);
    const struct mk_health *health = &webhook->health;
    enum mk_remote_state state = state_of(webhook);
    stats[0] = (struct mk_transport_stats){
        .transport = module,
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
                      [FAILING] = health->failing },
    };
    /* The exact numbers are known here, not in the feed. */
    uint64_t taken = webhook->event.len > 0 ? webhook->number - 1 : webhook->number;
    stats[0].lag.events = webhook->hub->events > taken ? webhook->hub->events - taken : 0;
    return 1;
}

const struct mk_transport_class mk_webhook_class = {
    .name = module,
    .counters = counters,
    .ends_at_once = true,
    .add = add_webhooks,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .abort = abort_webhook,
    .idle = is_idle,
    .report = report,
    .free = free_webhook,
    .repost = repost,
};
