/*
 * webhook: see the header. The reader is at the first undelivered event. An event goes through
 * three steps: posting (`request`), perhaps waiting for the next try (`timer`), and executing the
 * calls of the response (`calls`). Then the reader advances, and the cursor on disk with it. The
 * next event is taken when the turn's events are stored (`next`): no event is posted before, and
 * the journal is not read while an event is being emitted. A post that is not accepted is handled
 * in webhook_give_up.c.
 */
#include "base/clock.h"
#include "base/error_text.h"
#include "base/log.h"
#include "transport/webhook_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_WAIT_MS = 500,
    MAX_WAIT_MS = 60 * 1000,
    MAX_LAG = 64 * 1024 * 1024, /* bytes of events kept in memory for an unreachable receiver */
};

static const char module[] = MK_WEBHOOK_MODULE;

static void schedule_next(struct mk_webhook *webhook)
{
    mk_hub_await_commit(webhook->hub, &webhook->next);
}

/* --- finishing an event --- */

void mk_webhook_finish_event(struct mk_webhook *webhook)
{
    struct mk_hub *hub = webhook->hub;
    mk_backoff_reset(&webhook->backoff);
    mk_webhook_attempts_next(&webhook->attempts);
    webhook->event_since = 0;
    if (hub->journal)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(webhook->target.url),
                              webhook->number);
    mk_reader_advance(&webhook->reader, webhook->line);
    webhook->event = (struct mk_slice){ 0 };
    schedule_next(webhook);
}

static void on_calls_done(struct mk_webhook_calls *calls)
{
    mk_webhook_finish_event(MK_CONTAINER_OF(calls, struct mk_webhook, calls));
}

/* Handles the response to a delivered event: calls, or anything else, which is ignored. */
static void on_acknowledged(struct mk_webhook *webhook, const struct mk_web_response *response)
{
    webhook->gap_from = 0;
    bool empty = response->status == 204 || response->body.len == 0;
    if (!empty && mk_webhook_calls_run(&webhook->calls, response->body) == 0)
        return;
    if (!empty)
        mk_log_info(module, "%s: its response (%u, %zu bytes) is not a call and is ignored",
                    "%s：其响应（%u，%zu 字节）不是调用，已忽略", webhook->name, response->status,
                    response->body.len);
    mk_webhook_finish_event(webhook);
}

/* --- posting --- */

static void on_response(void *arg, const struct mk_web_response *response)
{
    struct mk_webhook *webhook = arg;
    webhook->request = NULL;
    if (response->failure || response->status / 100 != 2) {
        mk_webhook_fail(webhook, response);
        return;
    }
    mk_webhook_attempts_judge(&webhook->attempts, &webhook->bounds, MK_WEBHOOK_NO_FAULT,
                              mk_clock_mono_ms());
    mk_health_succeed(&webhook->health);
    on_acknowledged(webhook, response);
}

static void post_event(struct mk_webhook *webhook)
{
    const struct mk_webhook_event event = {
        .number = webhook->number,
        .json = webhook->event,
        .gap_from = webhook->gap_from,
        .gap_to = webhook->gap_to,
    };
    mk_health_try(&webhook->health);
    mk_webhook_attempts_begin(&webhook->attempts, mk_clock_mono_ms());
    if (webhook->event_since == 0)
        webhook->event_since = mk_clock_real_ms() / 1000;
    webhook->request = mk_webhook_post(&webhook->target, &event, on_response, webhook);
    if (!webhook->request)
        mk_webhook_fail_errno(webhook, -ENOMEM);
}

/* Takes the next line: "NUMBER JSON". Returns its number; 0 is a gap. */
static uint64_t take_line(struct mk_webhook *webhook, struct mk_slice ready)
{
    const char *end = memchr(ready.ptr, '\n', ready.len);
    const char *space = memchr(ready.ptr, ' ', ready.len);
    webhook->line = (size_t)(end - ready.ptr) + 1;
    webhook->event = mk_slice_of(space + 1, (size_t)(end - space) - 1);
    return strtoull(ready.ptr, NULL, 10);
}

static uint64_t number_after(struct mk_slice json, struct mk_slice key)
{
    const char *found = memmem(json.ptr, json.len, key.ptr, key.len);
    return found ? strtoull(found + key.len, NULL, 10) : 0;
}

/*
 * The line of a gap: the journal has lost events before they were delivered. The next post reports
 * them. Numbers that are missing without a gap are of events that the filter leaves out.
 */
static void note_gap(struct mk_webhook *webhook)
{
    uint64_t from = number_after(webhook->event, MK_SLICE("\"from\":"));
    uint64_t to = number_after(webhook->event, MK_SLICE("\"to\":"));
    if (webhook->gap_from == 0)
        webhook->gap_from = from;
    webhook->gap_to = to;
    mk_log_error(module, "%s: events %llu to %llu are gone from the journal and were not delivered",
                 "%s：事件 %llu 至 %llu 已不在事件日志中，没有投递", webhook->name,
                 (unsigned long long)from, (unsigned long long)to);
}

bool mk_webhook_find_event(struct mk_webhook *webhook)
{
    while (webhook->event.len == 0) {
        struct mk_slice ready = mk_reader_peek(&webhook->reader);
        if (ready.len == 0)
            return false;
        uint64_t number = take_line(webhook, ready);
        if (number > 0) {
            webhook->number = number;
            return true;
        }
        note_gap(webhook);
        mk_reader_advance(&webhook->reader, webhook->line);
        webhook->event = (struct mk_slice){ 0 };
    }
    return true;
}

static void deliver_next(struct mk_hub_waiter *waiter)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(waiter, struct mk_webhook, next);
    bool busy = webhook->event.len > 0 || mk_timer_active(webhook->timer) || webhook->paused;
    if (!busy && mk_webhook_find_event(webhook))
        post_event(webhook);
}

static void on_timer(void *arg)
{
    struct mk_webhook *webhook = arg;
    if (webhook->event.len > 0)
        post_event(webhook);
    else
        schedule_next(webhook); /* it has overrun while it waited */
}

static void on_sink_ready(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, reader.sink);
    if (webhook->event.len == 0)
        schedule_next(webhook);
}

/*
 * The receiver was unreachable for too long to keep its events in memory. With a journal they are
 * read from there later, and none is lost; without one they are dropped.
 */
static void on_sink_overrun(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, reader.sink);
    if (webhook->calls.doc)
        return; /* the current event is delivered: this is checked again with the next one */
    webhook->request = mk_web_request_cancel(webhook->request);
    webhook->number -= webhook->event.len > 0;
    webhook->event = (struct mk_slice){ 0 };
    if (webhook->hub->journal) {
        mk_reader_rewind(&webhook->reader, webhook->number);
    } else {
        mk_webhook_attempts_next(&webhook->attempts);
        webhook->event_since = 0;
        webhook->dropped += mk_reader_lag(&webhook->reader).events;
        mk_log_error(module, "%s: %llu bytes of events were not received and are dropped",
                     "%s：%llu 字节的事件未被接收，已丢弃", webhook->name,
                     (unsigned long long)mk_sink_lag(sink));
        webhook->gap_from = webhook->gap_from ? webhook->gap_from : webhook->number + 1;
        webhook->gap_to = webhook->hub->events;
        mk_reader_rewind(&webhook->reader, webhook->hub->events);
    }
    schedule_next(webhook); /* after the receiver's Retry-After, if any */
}

/* --- making --- */

static void free_webhook(struct mk_transport *transport)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    mk_webhook_abort(transport);
    mk_timer_free(webhook->timer);
    mk_webhook_target_fini(&webhook->target);
    mk_event_filter_unref(webhook->filter);
    free(webhook);
}

static struct mk_webhook *webhook_new(const struct mk_transport_context *context,
                                      enum mk_dialect dialect)
{
    struct mk_webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return NULL;
    mk_transport_init(&webhook->transport, &mk_webhook_class);
    webhook->hub = context->hub;
    webhook->dialect = dialect;
    webhook->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MAX_WAIT_MS };
    webhook->calls = (struct mk_webhook_calls){
        .loop = context->loop,
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

/* The URL was validated before. Returns 0 or a negative errno, logged unless -ENOMEM. */
static int configure(struct mk_webhook *webhook, struct mk_web_client *http,
                     const struct milky_remote *config)
{
    struct mk_tls_context *tls;
    webhook->transport.own_messages = config->own_messages;
    if (mk_event_filter_new(&config->events, config->own_messages, &webhook->filter) < 0)
        return -ENOMEM;
    webhook->transport.identity =
        mk_transport_key("%s\n%d\n%llx", config->url, config->dialect,
                         (unsigned long long)mk_event_filter_hash(webhook->filter));
    webhook->bounds = (struct mk_webhook_bounds){
        .waits = config->on_give_up == MILKY_GIVE_UP_WAIT,
        .tries = config->give_up_tries,
        .seconds = config->give_up_seconds,
    };
    mk_remote_name(mk_slice_str(config->url), webhook->name);
    webhook->health.traits = mk_remote_traits(
        MK_REMOTE_WEBHOOK, mk_slice_starts_with(mk_slice_str(webhook->name), MK_SLICE("https:")),
        config->access_token && *config->access_token, false);
    if (!webhook->timer || !webhook->transport.identity)
        return -ENOMEM;
    int rc = mk_remote_load_tls(module, config, &tls);
    if (rc < 0)
        return rc;
    rc = mk_webhook_target_init(&webhook->target, http, webhook->hub->self_id,
                                mk_slice_str(config->url), mk_slice_str(config->access_token),
                                mk_slice_str(config->secret), tls, config->timeout);
    webhook->transport.sink = webhook->target.url;
    return rc;
}

static int add_webhooks(const struct mk_transport_context *context, const struct milky_bot *config,
                        struct mk_list *transports)
{
    int rc = 0;
    for (size_t i = 0; i < config->webhook_count && rc == 0; i++) {
        const struct milky_remote *remote = &config->webhook[i];
        struct mk_webhook *webhook = webhook_new(context, mk_transport_dialect(remote->dialect));
        rc = webhook ? configure(webhook, context->http, remote) : -ENOMEM;
        if (rc == 0)
            mk_list_push(transports, &webhook->transport.node);
        else if (webhook)
            mk_transport_free(&webhook->transport);
    }
    return rc;
}

/* --- life --- */

/* Starts behind its cursor, or, if it is new, with events from now on. */
static int find_start(struct mk_webhook *webhook)
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
    struct mk_webhook *webhook = mk_webhook_of(transport);
    const struct mk_event_format format = {
        .dialect = webhook->dialect,
        .envelope = MK_ENVELOPE_BARE,
        .framing = MK_FRAMING_LINE,
        .filter = webhook->filter,
    };
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

/*
 * Uses the other's settings from the next request on. The tries of the current event stay counted;
 * a pause ends, since the reload may be what its receiver needed.
 */
static void adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    struct mk_webhook *webhook = mk_webhook_of(transport), *other = mk_webhook_of(fresh);
    const struct mk_webhook_target target = webhook->target;
    webhook->target = other->target;
    other->target = target;
    transport->sink = webhook->target.url;
    webhook->bounds = other->bounds;
    mk_webhook_resume(transport);
}

/* Delivers pending events without retries. */
static void stop(struct mk_transport *transport)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    webhook->stopping = true;
    if (mk_timer_active(webhook->timer) || webhook->paused) /* it waits for the next try */
        mk_webhook_abort(transport);
}

/* Moves the cursor over events that the filter has left out since the last delivery. */
static void pass_left_out(struct mk_webhook *webhook)
{
    struct mk_hub *hub = webhook->hub;
    if (!hub->journal || !mk_reader_started(&webhook->reader) || webhook->event.len > 0)
        return;
    uint64_t taken = mk_reader_taken(&webhook->reader);
    if (taken > webhook->number)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(webhook->target.url), taken);
}

void mk_webhook_abort(struct mk_transport *transport)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    pass_left_out(webhook);
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
    webhook->request = mk_web_request_cancel(webhook->request);
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
    const struct mk_webhook *webhook =
        MK_CONTAINER_OF(transport, const struct mk_webhook, transport);
    return webhook->stopping && webhook->event.len == 0 && mk_list_empty(&webhook->next.node) &&
           !webhook->repost;
}

/* --- dead letters --- */

static int repost(struct mk_transport *transport, struct mk_slice sink, uint64_t number,
                  const struct mk_repost_caller *caller)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
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
        .loop = webhook->calls.loop,
    };
    return mk_webhook_repost_start(&config, number, caller, &webhook->repost);
}

const struct mk_transport_class mk_webhook_class = {
    .name = module,
    .counters = mk_webhook_counters,
    .ends_at_once = true,
    .add = add_webhooks,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .abort = mk_webhook_abort,
    .idle = is_idle,
    .report = mk_webhook_report,
    .free = free_webhook,
    .repost = repost,
    .trial = mk_webhook_trial,
    .skip = mk_webhook_skip,
    .resume = mk_webhook_resume,
};
