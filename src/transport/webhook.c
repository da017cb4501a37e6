/*
 * webhook: see the header. The sink stands at the first event that is not delivered; an event goes
 * through three steps: posting (`request`), perhaps waiting to be posted again (`timer`), and
 * executing the calls of the response (`actions`). Then the sink moves on.
 */
#include "transport/webhook.h"

#include "base/backoff.h"
#include "base/json.h"
#include "base/log.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 15 * 1000,
    FIRST_WAIT_MS = 500,
    MOST_WAIT_MS = 60 * 1000,
    MOST_LAG = 64 * 1024 * 1024, /* bytes of events kept for a receiver that is away */
    LONGEST_RESPONSE = 16 * 1024 * 1024,
    LONGEST_HEADERS = 8 * 1024,
    HEADERS = 4,
};

static const char module[] = "webhook";

struct mk_webhook {
    struct mk_loop *loop;
    struct mk_http_client *http;
    struct mk_dispatch *dispatch;
    struct mk_hub *hub;
    enum mk_dialect dialect;
    char *url;
    char name[256]; /* the URL without credentials and query, for logs */
    char *headers[HEADERS + 1];
    struct mk_sink sink;
    struct mk_slice event; /* at the sink: what is being delivered; empty while there is nothing */
    struct mk_http_request *request;
    struct mk_timer *timer;
    struct mk_backoff backoff;
    struct mk_caller caller;
    yyjson_doc *actions; /* a response that is being executed */
    size_t next_action;
    bool executing; /* below execute on the stack */
    bool stopping;
};

static void deliver_next(struct mk_webhook *webhook);

/* --- executing the calls of a response --- */

static void finish_event(struct mk_webhook *webhook)
{
    yyjson_doc_free(webhook->actions);
    webhook->actions = NULL;
    mk_sink_advance(&webhook->sink, webhook->event.len + 1);
    webhook->event = (struct mk_slice){ 0 };
    deliver_next(webhook);
}

/* Hands the next call over. Returns false when there is none left. */
static bool execute_next(struct mk_webhook *webhook)
{
    yyjson_val *root = yyjson_doc_get_root(webhook->actions);
    yyjson_val *action = yyjson_is_arr(root)         ? yyjson_arr_get(root, webhook->next_action)
                         : webhook->next_action == 0 ? root
                                                     : NULL;
    if (!action)
        return false;
    webhook->next_action++;
    size_t len;
    char *text = yyjson_val_write(action, YYJSON_WRITE_NOFLAG, &len);
    if (text)
        mk_dispatch_message(webhook->dispatch, webhook->dialect, mk_slice_of(text, len),
                            &webhook->caller);
    else
        mk_log_error(module, "%s: out of memory for a call", webhook->name);
    free(text);
    return true;
}

/* One at a time, so that they take effect in their order. A call that waits ends this for now. */
static void execute(struct mk_webhook *webhook)
{
    bool more = true;
    webhook->executing = true;
    while (more && webhook->caller.in_flight == 0)
        more = execute_next(webhook);
    webhook->executing = false;
    if (!more)
        finish_event(webhook);
}

/* Nobody can be told of the reply: a webhook has no way back. */
static void on_reply(struct mk_caller *caller, const struct milky_call *call)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(caller, struct mk_webhook, caller);
    int retcode = mk_call_retcode(call);
    if (retcode != 0)
        mk_log_warn(module, "%s: call %zu of its response failed: %d %s", webhook->name,
                    webhook->next_action, retcode, mk_call_message(call));
    /* Later replies go on from here; those that come at once return into execute's own loop. */
    if (!webhook->executing && webhook->actions)
        execute(webhook);
}

static bool is_call(yyjson_val *value)
{
    return yyjson_is_str(yyjson_obj_get(value, "action"));
}

static bool are_calls(yyjson_val *root)
{
    size_t index, count;
    yyjson_val *item;
    if (!yyjson_is_arr(root))
        return is_call(root);
    yyjson_arr_foreach (root, index, count, item) {
        if (!is_call(item))
            return false;
    }
    return true;
}

/* The response to a delivered event: calls, or nothing that concerns us. */
static void on_acknowledged(struct mk_webhook *webhook, const struct mk_http_response *response)
{
    yyjson_doc *doc = NULL;
    mk_backoff_reset(&webhook->backoff);
    if (response->status != 204 && response->body.len > 0) {
        doc = mk_json_read(response->body, NULL, NULL);
        if (!doc || !are_calls(yyjson_doc_get_root(doc))) {
            mk_log_info(module, "%s: its response (%u, %zu bytes) is no call, so nothing is done",
                        webhook->name, response->status, response->body.len);
            yyjson_doc_free(doc);
            doc = NULL;
        }
    }
    webhook->actions = doc;
    webhook->next_action = 0;
    if (doc)
        execute(webhook);
    else
        finish_event(webhook);
}

/* --- posting --- */

static void on_failed(struct mk_webhook *webhook, const char *why)
{
    if (webhook->stopping) {
        mk_log_warn(module, "%s: %s; stopping, so it is not tried again", webhook->name, why);
        mk_webhook_abort(webhook);
        return;
    }
    uint32_t wait = mk_backoff_next(&webhook->backoff);
    mk_log_warn(module, "%s: %s; next try in %u.%u s", webhook->name, why, wait / 1000,
                wait % 1000 / 100);
    mk_timer_start(webhook->timer, wait);
}

static void on_response(void *arg, const struct mk_http_response *response)
{
    struct mk_webhook *webhook = arg;
    webhook->request = NULL;
    if (response->error) {
        on_failed(webhook, response->error);
    } else if (response->status / 100 == 2) {
        on_acknowledged(webhook, response);
    } else {
        char why[64];
        snprintf(why, sizeof(why), "it answered %u", response->status);
        on_failed(webhook, why);
    }
}

static void post_event(struct mk_webhook *webhook)
{
    struct mk_http_post post = {
        .url = webhook->url,
        .headers = (const char *const *)webhook->headers,
        .body = webhook->event,
        .timeout_ms = TIMEOUT_MS,
        .response_limit = LONGEST_RESPONSE,
        .done = on_response,
        .arg = webhook,
    };
    webhook->request = mk_http_client_post(webhook->http, &post);
    if (!webhook->request)
        on_failed(webhook, "out of memory");
}

static void deliver_next(struct mk_webhook *webhook)
{
    struct mk_slice ready = mk_sink_peek(&webhook->sink);
    if (ready.len == 0)
        return;
    const char *end = memchr(ready.ptr, '\n', ready.len);
    webhook->event = mk_slice_of(ready.ptr, (size_t)(end - ready.ptr));
    post_event(webhook);
}

static void on_timer(void *arg)
{
    post_event(arg);
}

static void on_sink_ready(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, sink);
    if (webhook->event.len == 0)
        deliver_next(webhook);
}

/* The receiver is away for too long: what it missed is given up. */
static void on_sink_overrun(struct mk_sink *sink)
{
    struct mk_webhook *webhook = MK_CONTAINER_OF(sink, struct mk_webhook, sink);
    uint64_t lag = mk_sink_lag(sink);
    if (webhook->actions)
        return; /* the event at hand is delivered: this is asked again with the next one */
    mk_log_error(module, "%s: %llu bytes of events were not taken and are dropped", webhook->name,
                 (unsigned long long)lag);
    webhook->request = mk_http_request_cancel(webhook->request);
    mk_timer_stop(webhook->timer);
    mk_sink_leave(sink);
    webhook->event = (struct mk_slice){ 0 };
    if (mk_webhook_start(webhook) < 0)
        mk_log_error(module, "%s: out of memory: it gets no more events", webhook->name);
}

/* --- life --- */

/* "scheme://host:port/path": what may be logged of a URL. */
static void name_webhook(struct mk_webhook *webhook)
{
    struct mk_url url;
    if (mk_url_parse(mk_slice_str(webhook->url), &url))
        url = (struct mk_url){ 0 };
    snprintf(webhook->name, sizeof(webhook->name), "%.*s://%.*s:%u%.*s", (int)url.scheme.len,
             url.scheme.ptr, (int)url.authority_host.len, url.authority_host.ptr, url.port,
             (int)url.path.len, url.path.ptr);
}

static char *header_line(const char *name, struct mk_slice value)
{
    struct mk_buf line;
    mk_buf_init(&line, LONGEST_HEADERS);
    int rc = mk_buf_printf(&line, "%s%.*s", name, (int)value.len, value.ptr);
    char *copy = rc == 0 ? mk_slice_dup(mk_buf_slice(&line)) : NULL;
    mk_buf_fini(&line);
    return copy;
}

static int make_headers(struct mk_webhook *webhook, struct mk_slice token)
{
    char self_id[24];
    snprintf(self_id, sizeof(self_id), "%llu", (unsigned long long)webhook->hub->self_id);
    size_t count = 0;
    webhook->headers[count++] = mk_slice_dup(MK_SLICE("Content-Type: application/json"));
    webhook->headers[count++] = header_line("X-Self-ID: ", mk_slice_str(self_id));
    webhook->headers[count++] = mk_slice_dup(MK_SLICE("User-Agent: milky/" MILKY_VERSION));
    if (token.len > 0)
        webhook->headers[count++] = header_line("Authorization: Bearer ", token);
    for (size_t i = 0; i < count; i++)
        if (!webhook->headers[i])
            return -ENOMEM;
    return 0;
}

struct mk_webhook *mk_webhook_new(struct mk_loop *loop, struct mk_http_client *http,
                                  struct mk_slice url, struct mk_slice token,
                                  enum mk_dialect dialect, struct mk_dispatch *dispatch,
                                  struct mk_hub *hub)
{
    struct mk_webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook)
        return NULL;
    webhook->loop = loop;
    webhook->http = http;
    webhook->dispatch = dispatch;
    webhook->hub = hub;
    webhook->dialect = dialect;
    webhook->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MOST_WAIT_MS };
    webhook->sink.ready = on_sink_ready;
    webhook->sink.overrun = on_sink_overrun;
    webhook->sink.max_lag = MOST_LAG;
    mk_caller_init(&webhook->caller, on_reply);
    webhook->url = mk_slice_dup(url);
    webhook->timer = mk_timer_new(loop, on_timer, webhook);
    if (!webhook->url || !webhook->timer || make_headers(webhook, token) < 0)
        return mk_webhook_free(webhook);
    name_webhook(webhook);
    return webhook;
}

struct mk_webhook *mk_webhook_free(struct mk_webhook *webhook)
{
    if (!webhook)
        return NULL;
    mk_webhook_abort(webhook);
    mk_caller_fini(&webhook->caller);
    mk_timer_free(webhook->timer);
    for (size_t i = 0; i < HEADERS; i++)
        free(webhook->headers[i]);
    free(webhook->url);
    free(webhook);
    return NULL;
}

int mk_webhook_start(struct mk_webhook *webhook)
{
    return mk_hub_join(webhook->hub, &webhook->sink, webhook->dialect, MK_ENVELOPE_BARE,
                       MK_FRAMING_LINE);
}

void mk_webhook_stop(struct mk_webhook *webhook)
{
    webhook->stopping = true;
    if (webhook->event.len > 0 && !webhook->request && !webhook->actions)
        mk_webhook_abort(webhook); /* it was waiting to try again */
}

void mk_webhook_abort(struct mk_webhook *webhook)
{
    uint64_t lag = mk_sink_lag(&webhook->sink);
    if (lag > 0)
        mk_log_warn(module, "%s: stopped with %llu bytes of events undelivered", webhook->name,
                    (unsigned long long)lag);
    webhook->stopping = true;
    webhook->request = mk_http_request_cancel(webhook->request);
    if (webhook->timer)
        mk_timer_stop(webhook->timer);
    mk_sink_leave(&webhook->sink);
    webhook->event = (struct mk_slice){ 0 };
    yyjson_doc_free(webhook->actions);
    webhook->actions = NULL;
}

bool mk_webhook_idle(const struct mk_webhook *webhook)
{
    return webhook->stopping && webhook->event.len == 0;
}
