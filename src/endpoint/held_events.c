/* held_events: see the header. */
#include "endpoint/held_events.h"

#include "base/error_text.h"
#include "endpoint/parts.h"

#include <errno.h>
#include <stdio.h>

/* The webhooks that a request means. */
struct selection {
    const char *url;  /* as configured, or as it is printed; NULL: any */
    uint64_t self_id; /* 0: any */
    bool exact;       /* a webhook has exactly this URL: others whose printed one is equal do not
                         count */
};

/* One webhook of the endpoint. */
struct candidate {
    const struct mk_bot *bot;
    struct mk_transport *transport;
    struct mk_transport_trial trial;
};

static bool is_named(const struct selection *selection, const struct candidate *one)
{
    char name[MK_REMOTE_NAME];
    if (!selection->url || strcmp(selection->url, one->trial.sink) == 0)
        return true;
    return !selection->exact &&
           strcmp(mk_remote_name(mk_slice_str(selection->url), name), one->trial.name) == 0;
}

/*
 * Calls `visit` for each webhook of the selection, until it returns false. Returns the number of
 * calls.
 */
static size_t each(const struct milky_endpoint *endpoint, const struct selection *selection,
                   bool (*visit)(void *arg, const struct candidate *one), void *arg)
{
    size_t count = 0;
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        struct mk_bot *bot = endpoint->bots[i];
        if (selection->self_id && bot->hub.self_id != selection->self_id)
            continue;
        MK_LIST_FOR_EACH (node, &bot->transports) {
            struct candidate one = { .bot = bot, .transport = mk_transport_of(node) };
            const struct mk_transport_class *class = one.transport->class;
            if (!class->trial || !class->trial(one.transport, &one.trial) ||
                !is_named(selection, &one))
                continue;
            count++;
            if (!visit(arg, &one))
                return count;
        }
    }
    return count;
}

static bool note_exact(void *arg, const struct candidate *one)
{
    struct selection *selection = arg;
    selection->exact = strcmp(one->trial.sink, selection->url) == 0;
    return !selection->exact;
}

/* Reads the parameters. False: it has answered. */
static bool select_webhooks(const struct milky_endpoint *endpoint, struct mk_call *call,
                            const char *key, struct selection *selection)
{
    yyjson_mut_val *which = yyjson_mut_obj_get(call->params, key);
    yyjson_mut_val *self_id = yyjson_mut_obj_get(call->params, "self_id");
    *selection = (struct selection){
        .url = yyjson_mut_get_str(which),
        .self_id = yyjson_mut_get_uint(self_id),
    };
    if (!yyjson_mut_is_true(which) && !selection->url) {
        mk_call_fail(
            call, MILKY_MALFORMED,
            mk_tr("%s: expected the URL of a webhook, or true", "%s：应为 webhook 的 URL，或 true"),
            key);
        return false;
    }
    if (self_id &&
        (!yyjson_mut_is_uint(self_id) || !mk_endpoint_find_bot(endpoint, selection->self_id))) {
        mk_call_fail(call, MILKY_UNKNOWN, "%s",
                     mk_tr("self_id: there is no such bot", "self_id：没有这个 Bot"));
        return false;
    }
    if (selection->url)
        each(endpoint, selection, note_exact, selection);
    return true;
}

static void fail_unconfigured(struct mk_call *call)
{
    mk_call_fail(call, MILKY_UNKNOWN, "%s",
                 mk_tr("no webhook of this URL is configured", "配置中没有此 URL 的 webhook"));
}

static void describe(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct candidate *one)
{
    yyjson_mut_obj_add_uint(doc, object, "self_id", one->bot->hub.self_id);
    yyjson_mut_obj_add_strcpy(doc, object, "webhook", one->trial.name);
}

/* --- skipping --- */

/* The webhooks that have an event to skip; the text of several is for the failure. */
struct holders {
    bool any_state; /* also of one that has not failed */
    size_t count;
    struct candidate first;
    char names[1024];
};

static bool note_holder(void *arg, const struct candidate *one)
{
    struct holders *holders = arg;
    if (!one->trial.has_event ||
        (!holders->any_state && !one->trial.is_failing && !one->trial.is_paused))
        return true;
    if (holders->count++ == 0)
        holders->first = *one;
    size_t len = strlen(holders->names);
    snprintf(holders->names + len, sizeof(holders->names) - len, "%s%llu %s", len ? ", " : "",
             (unsigned long long)one->bot->hub.self_id, one->trial.name);
    return true;
}

static void skip(struct mk_call *call, const struct candidate *one)
{
    int rc = one->transport->class->skip(one->transport);
    if (rc < 0) {
        mk_call_fail(call, MILKY_INTERNAL, "%s", mk_error_text(-rc));
        return;
    }
    yyjson_mut_val *root = yyjson_mut_obj(call->doc);
    yyjson_mut_val *skipped = yyjson_mut_obj_add_obj(call->doc, root, "skipped");
    describe(call->doc, skipped, one);
    yyjson_mut_obj_add_uint(call->doc, skipped, "number", one->trial.number);
    mk_call_ok(call, root);
}

void mk_held_events_skip(struct milky_endpoint *endpoint, struct mk_call *call)
{
    struct selection selection;
    if (!select_webhooks(endpoint, call, "skip", &selection))
        return;
    struct holders holders = { .any_state = selection.url != NULL };
    size_t known = each(endpoint, &selection, note_holder, &holders);
    if (selection.url && known == 0)
        fail_unconfigured(call);
    else if (holders.count == 0)
        mk_call_fail(call, MILKY_UNKNOWN, "%s",
                     selection.url
                         ? mk_tr("this webhook is not trying to deliver an event",
                                 "此 webhook 没有正在尝试投递的事件")
                         : mk_tr("no webhook waits with an event that it could not deliver",
                                 "没有 webhook 因投递失败而等待"));
    else if (holders.count > 1)
        mk_call_fail(
            call, MILKY_UNKNOWN,
            mk_tr("several webhooks have such an event, so name one by its whole URL, or "
                  "by URL and bot: %s",
                  "有多个 webhook 存在这样的事件，请用完整 URL（或 URL 与 Bot）指定一个：%s"),
            holders.names);
    else
        skip(call, &holders.first);
}

/* --- resuming --- */

struct resumed {
    yyjson_mut_doc *doc;
    yyjson_mut_val *list;
};

static bool resume_one(void *arg, const struct candidate *one)
{
    struct resumed *resumed = arg;
    if (one->transport->class->resume(one->transport))
        describe(resumed->doc, yyjson_mut_arr_add_obj(resumed->doc, resumed->list), one);
    return true;
}

void mk_held_events_resume(struct milky_endpoint *endpoint, struct mk_call *call)
{
    struct selection selection;
    if (!select_webhooks(endpoint, call, "resume", &selection))
        return;
    yyjson_mut_val *root = yyjson_mut_obj(call->doc);
    struct resumed resumed = { call->doc, yyjson_mut_obj_add_arr(call->doc, root, "resumed") };
    size_t known = each(endpoint, &selection, resume_one, &resumed);
    if (selection.url && known == 0)
        fail_unconfigured(call);
    else if (yyjson_mut_arr_size(resumed.list) == 0)
        mk_call_fail(call, MILKY_UNKNOWN, "%s",
                     selection.url ? mk_tr("this webhook is not paused", "此 webhook 没有暂停")
                                   : mk_tr("no webhook is paused", "没有暂停的 webhook"));
    else
        mk_call_ok(call, root);
}
