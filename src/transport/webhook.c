/*
 * webhook: see the header. The reader stands at the first event that is not delivered; an event
 * goes through three steps: posting (`request`), perhaps waiting to be posted again (`timer`), and
 * executing the calls of the response (`calls`). Then the reader moves on, and the cursor on disk
 * with it. The next event is looked for when the turn's events are stored (`next`): nobody is told
 * of one before, and the journal is not read while one is being emitted.
 */
#include "transport/webhook.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "hub/reader.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_WAIT_MS = 500,
    MOST_WAIT_MS = 60 * 1000,
    MOST_RETRY_AFTER = 60 * 60,  /* seconds that a receiver may ask us to wait */
    MOST_LAG = 64 * 1024 * 1024, /* bytes of events kept in memory for a receiver that is away */
    MOST_REFUSALS = 3,    /* of one event: a receiver that restarts may answer 404 for a moment */
    KEPT_RESPONSE = 1024, /* bytes of a refusal that are kept with the dead letter */
};

static const char module[] = "webhook";

struct mk_webhook {
    struct mk_loop *loop;
    struct mk_webhook_target target;
    struct mk_hub *hub;
    enum mk_dialect dialect;
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    struct mk_health health;
    uint64_t set_aside;
    uint64_t dropped;
    struct mk_webhook_repost *repost;
    struct mk_repost_asker repost_asker;
    struct mk_reader reader;
    struct mk_hub_waiter next; /* waits to deliver what is next */
    struct mk_slice
        event;         /* at the reader: what is being delivered; empty while there is nothing */
    uint64_t number;   /* of that event */
    uint64_t gap_from; /* events that are lost, and were not yet told of; 0: none */
    uint64_t gap_to;
    size_t line;       /* bytes of the event's line */
    unsigned refusals; /* how often this event was answered with "never" */
    struct mk_http_request *request;
    struct mk_timer *timer;
    struct mk_backoff backoff;
    struct mk_webhook_calls calls;
    bool stopping;
};

static void go_on(struct mk_webhook *webhook)
{
    mk_hub_await_commit(webhook->hub, &webhook->next);
}

/* --- an event is done with --- */

static void finish_event(struct mk_webhook *webhook)
{
    struct mk_hub *hub = webhook->hub;
    mk_backoff_reset(&webhook->backoff);
    webhook->refusals = 0;
    if (hub->journal)
        mk_journal_set_cursor(hub->journal, hub->self_id, mk_slice_str(webhook->target.url),
                              webhook->number);
    mk_reader_advance(&webhook->reader, webhook->line);
    webhook->event = (struct mk_slice){ 0 };
    go_on(webhook);
}

static void on_calls_done(struct mk_webhook_calls *calls)
{
    finish_event(MK_CONTAINER_OF(calls, struct mk_webhook, calls));
}

/* The response to a delivered event: calls, or nothing that concerns us. */
static void on_acknowledged(struct mk_webhook *webhook, const struct mk_http_response *response)
{
    webhook->gap_from = 0;
    bool empty = response->status == 204 || response->body.len == 0;
    if (!empty && mk_webhook_calls_run(&webhook->calls, response->body) == 0)
        return;
    if (!empty)
        mk_log_info(module, "%s: its response (%u, %zu bytes) is no call, so nothing is done",
                    webhook->name, response->status, response->body.len);
    finish_event(webhook);
}

/* --- failing --- */

static void try_again(struct mk_webhook *webhook, unsigned status, const char *why,
                      uint64_t retry_after)
{
    if (webhook->stopping) {
        mk_health_fail(&webhook->health, status, why, 0);
        mk_log_warn(module, "%s: %s; stopping, so it is not tried again now", webhook->name, why);
        mk_webhook_abort(webhook);
        return;
    }
    uint64_t wait = mk_backoff_next(&webhook->backoff);
    if (retry_after > MOST_RETRY_AFTER)
        retry_after = MOST_RETRY_AFTER;
    if (wait < retry_after * 1000)
        wait = retry_after * 1000;
    mk_log_warn(module, "%s: %s; next try in %llu.%llu s", webhook->name, why,
                (unsigned long long)wait / 1000, (unsigned long long)wait % 1000 / 100);
    mk_health_fail(&webhook->health, status, why, wait);
    mk_timer_start(webhook->timer, wait);
}

/* Statuses that say: not now. All other 4xx say: never. */
static bool may_pass(unsigned status)
{
    return status / 100 != 4 || status == 408 || status == 425 || status == 429;
}

/* Sets the event aside, to be looked at by a person, so that those behind it can go on. */
static void bury(struct mk_webhook *webhook, const struct mk_http_response *response)
{
    struct mk_hub *hub = webhook->hub;
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
    if (mk_journal_bury(hub->journal, &letter) < 0) {
        try_again(webhook, response->status, "what it refused cannot be set aside", 0);
        return;
    }
    char why[64];
    snprintf(why, sizeof(why), "it answered %u to event %llu, which is set aside", response->status,
             (unsigned long long)webhook->number);
    mk_log_warn(module, "%s: %s", webhook->name, why);
    mk_health_fail(&webhook->health, response->status, why, 0);
    webhook->set_aside++;
    finish_event(webhook);
}

/* --- posting --- */

static void on_response(void *arg, const struct mk_http_response *response)
{
    struct mk_webhook *webhook = arg;
    webhook->request = NULL;
    if (response->error) {
        try_again(webhook, 0, response->error, 0);
    } else if (response->status / 100 == 2) {
        mk_health_succeed(&webhook->health);
        on_acknowledged(webhook, response);
    } else if (webhook->hub->journal && !may_pass(response->status) &&
               ++webhook->refusals >= MOST_REFUSALS) {
        bury(webhook, response);
    } else {
        char why[64];
        snprintf(why, sizeof(why), "it answered %u", response->status);
        try_again(webhook, response->status, why, response->retry_after);
    }
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
    webhook->request = mk_webhook_post(&webhook->target, &event, on_response, webhook);
    if (!webhook->request)
        try_again(webhook, 0, "out of memory", 0);
}

/* Takes the next line off: "NUMBER JSON". Returns its number; 0 is a gap. */
static uint64_t take_line(struct mk_webhook *webhook, struct mk_slice ready)
{
    const char *end = memchr(ready.ptr, '\n', ready.len);
    const char *space = memchr(ready.ptr, ' ', ready.len);
    webhook->line = (size_t)(end - ready.ptr) + 1;
    webhook->event = mk_slice_of(space + 1, (size_t)(end - space) - 1);
    return strtoull(ready.ptr, NULL, 10);
}

/* Some events were gone from the journal before they could be delivered: the next one tells so. */
static void note_gap(struct mk_webhook *webhook, uint64_t next)
{
    webhook->gap_from = webhook->number + 1;
    webhook->gap_to = next - 1;
    mk_log_error(module, "%s: events %llu to %llu are gone from the journal and were not delivered",
                 webhook->name, (unsigned long long)webhook->gap_from,
                 (unsigned long long)webhook->gap_to);
}

/* Puts `event` at the next one there is, if there is any and none is at hand. */
static bool find_next(struct mk_webhook *webhook)
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
    struct mk_webhook *webhook = MK_CONTAINER_OF(waiter, struct mk_webhook, next);
    bool busy = webhook->event.len > 0 || mk_timer_active(webhook->timer);
    if (!busy && find_next(webhook))
        post_event(webhook);
}

static void on_timer(void *arg)
{
    struct mk_webhook *webhook = arg;
    if (webhook->event.len > 0)
        post_event(webhook);
    else
        go_on(webhook); /* it has fallen behind while it waited */
}

static void on_sink_ready(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, reader.sink);
    if (webhook->event.len == 0)
        go_on(webhook);
}

/*
 * The receiver is away for too long to keep its events in memory. With a journal they are read from
 * there later, and nothing is lost; without one they are given up.
 */
static void on_sink_overrun(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, reader.sink);
    if (webhook->calls.doc)
        return; /* the event at hand is delivered: this is asked again with the next one */
    webhook->request = mk_http_request_cancel(webhook->request);
    webhook->number -= webhook->event.len > 0;
    webhook->event = (struct mk_slice){ 0 };
    if (webhook->hub->journal) {
        mk_reader_rewind(&webhook->reader, webhook->number);
    } else {
        webhook->dropped += mk_reader_lag(&webhook->reader).events;
        mk_log_error(module, "%s: %llu bytes of events were not taken and are dropped",
                     webhook->name, (unsigned long long)mk_sink_lag(sink));
        mk_reader_rewind(&webhook->reader, webhook->hub->events);
    }
    go_on(webhook); /* after the wait that its receiver has asked for, if there is one */
}

/* --- life --- */

struct mk_webhook *mk_webhook_new(struct mk_loop *loop, struct mk_http_client *http,
                                  const struct mk_webhook_config *config,
                                  struct mk_dispatch *dispatch, struct mk_hub *hub)
{
    struct mk_webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return NULL;
    webhook->loop = loop;
    webhook->hub = hub;
    webhook->dialect = config->dialect;
    webhook->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MOST_WAIT_MS };
    webhook->calls = (struct mk_webhook_calls){
        .dispatch = dispatch,
        .dialect = config->dialect,
        .name = webhook->name,
        .done = on_calls_done,
    };
    mk_webhook_calls_init(&webhook->calls);
    webhook->next.run = deliver_next;
    mk_list_init(&webhook->next.node);
    webhook->reader.sink.ready = on_sink_ready;
    webhook->reader.sink.overrun = on_sink_overrun;
    webhook->timer = mk_timer_new(loop, on_timer, webhook);
    if (!webhook->timer || mk_webhook_target_init(&webhook->target, http, hub->self_id, config->url,
                                                  config->token, config->secret, &config->tls) < 0)
        return mk_webhook_free(webhook);
    mk_remote_name(config->url, webhook->name);
    return webhook;
}

void mk_webhook_adopt(struct mk_webhook *webhook, struct mk_webhook *fresh)
{
    const struct mk_webhook_target target = webhook->target;
    webhook->target = fresh->target;
    fresh->target = target;
}

bool mk_webhook_started(const struct mk_webhook *webhook)
{
    return mk_reader_started(&webhook->reader);
}

struct mk_webhook *mk_webhook_free(struct mk_webhook *webhook)
{
    if (!webhook)
        return NULL;
    mk_webhook_abort(webhook);
    mk_timer_free(webhook->timer);
    mk_webhook_target_fini(&webhook->target);
    free(webhook);
    return NULL;
}

/* It goes on behind its cursor, or, as a new one, with what comes from now on. */
static int find_place(struct mk_webhook *webhook)
{
    const struct mk_hub *hub = webhook->hub;
    webhook->number = hub->events;
    if (!hub->journal)
        return 0;
    return mk_journal_enter(hub->journal, hub->self_id, mk_slice_str(webhook->target.url),
                            &webhook->number);
}

int mk_webhook_start(struct mk_webhook *webhook)
{
    struct mk_form form = { webhook->dialect, MK_ENVELOPE_BARE, MK_FRAMING_LINE };
    int rc = find_place(webhook);
    if (rc == 0)
        rc = mk_reader_start(&webhook->reader, webhook->hub, &form, webhook->number, MOST_LAG);
    if (rc == 0)
        go_on(webhook);
    return rc;
}

void mk_webhook_stop(struct mk_webhook *webhook)
{
    webhook->stopping = true;
    if (mk_timer_active(webhook->timer)) /* it waits to try again */
        mk_webhook_abort(webhook);
}

void mk_webhook_abort(struct mk_webhook *webhook)
{
    bool undelivered = webhook->event.len > 0;
    if (undelivered && webhook->hub->journal)
        mk_log_info(module, "%s: stopped; events from number %llu on wait for the next start",
                    webhook->name, (unsigned long long)webhook->number);
    else if (undelivered)
        mk_log_warn(module, "%s: stopped with %llu bytes of events undelivered", webhook->name,
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

bool mk_webhook_idle(const struct mk_webhook *webhook)
{
    return webhook->stopping && webhook->event.len == 0 && mk_list_empty(&webhook->next.node) &&
           !webhook->repost;
}

/* --- dead letters --- */

static void on_reposted(void *arg, const struct mk_repost_result *result)
{
    struct mk_webhook *webhook = arg;
    webhook->repost = NULL;
    webhook->repost_asker.done(webhook->repost_asker.arg, result);
}

int mk_webhook_post_again(struct mk_webhook *webhook, uint64_t number,
                          const struct mk_repost_asker *asker)
{
    if (webhook->repost || webhook->stopping)
        return -EBUSY;
    const struct mk_repost_config config = {
        .target = &webhook->target,
        .hub = webhook->hub,
        .dispatch = webhook->calls.dispatch,
        .dialect = webhook->dialect,
        .name = webhook->name,
    };
    const struct mk_repost_asker told = { on_reposted, webhook };
    webhook->repost_asker = *asker;
    return mk_webhook_repost_start(&config, number, &told, &webhook->repost);
}

/* --- being watched --- */

bool mk_webhook_is_at(const struct mk_webhook *webhook, struct mk_slice url)
{
    return mk_slice_eq(mk_slice_str(webhook->target.url), url);
}

static enum mk_remote_state state_of(const struct mk_webhook *webhook)
{
    if (webhook->stopping)
        return MK_REMOTE_STOPPED;
    if (webhook->event.len == 0)
        return MK_REMOTE_IDLE;
    return webhook->request || webhook->calls.doc ? MK_REMOTE_DELIVERING : MK_REMOTE_WAITING;
}

void mk_webhook_report(const struct mk_webhook *webhook, struct mk_remote_report *report)
{
    *report = (struct mk_remote_report){
        .name = webhook->name,
        .state = state_of(webhook),
        .health = &webhook->health,
        .lag = mk_reader_lag(&webhook->reader),
        .set_aside = webhook->set_aside,
        .dropped = webhook->dropped,
    };
    /* Its numbers are known, and better than what the feed can tell. */
    uint64_t taken = webhook->event.len > 0 ? webhook->number - 1 : webhook->number;
    report->lag.events = webhook->hub->events > taken ? webhook->hub->events - taken : 0;
}
