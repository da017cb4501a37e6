/* deliveries: see the header. */
#include "endpoint/deliveries.h"

#include "base/error_text.h"
#include "endpoint/held_events.h"
#include "endpoint/parts.h"
#include "protocol/call.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE = 100 };

static void fail_with(struct mk_call *call, int rc)
{
    mk_call_fail(call, MILKY_INTERNAL, "%s", mk_error_text(-rc));
}

/* --- listing --- */

static yyjson_mut_val *describe(yyjson_mut_doc *doc, const struct mk_dead_letter *letter)
{
    char name[MK_REMOTE_NAME];
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_uint(doc, object, "id", letter->id);
    yyjson_mut_obj_add_uint(doc, object, "self_id", letter->self_id);
    yyjson_mut_obj_add_strcpy(doc, object, "webhook", mk_remote_name(letter->sink, name));
    yyjson_mut_obj_add_uint(doc, object, "number", letter->number);
    yyjson_mut_obj_add_uint(doc, object, "time", letter->time);
    yyjson_mut_obj_add_uint(doc, object, "status", letter->status);
    bool is_answered = letter->status > 0;
    yyjson_mut_obj_add_strncpy(doc, object, "response", letter->response.ptr,
                               is_answered ? letter->response.len : 0);
    if (!is_answered)
        yyjson_mut_obj_add_strncpy(doc, object, "error", letter->response.ptr,
                                   letter->response.len);
    return object;
}

static void list(struct mk_journal *journal, struct mk_call *call, uint64_t after)
{
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(doc, root, "deliveries");
    struct mk_dead_letter letter = { .id = after };
    int found = 1;
    for (size_t i = 0; i <= PAGE; i++) {
        found = mk_journal_find_dead_letter(journal, letter.id + 1, &letter);
        if (found <= 0 || i == PAGE)
            break;
        yyjson_mut_arr_append(all, describe(doc, &letter));
    }
    if (found < 0) {
        fail_with(call, found);
        return;
    }
    yyjson_mut_obj_add_bool(doc, root, "more", found > 0);
    mk_call_ok(call, root);
}

/* --- dropping --- */

static void drop(struct mk_journal *journal, struct mk_call *call, yyjson_mut_val *which)
{
    struct mk_dead_letter letter = { 0 };
    uint64_t count = 0;
    int rc = 0;
    if (yyjson_mut_is_uint(which)) {
        rc = mk_journal_remove_dead_letter(journal, yyjson_mut_get_uint(which));
        count = rc > 0;
    }
    while (yyjson_mut_is_str(which) &&
           (rc = mk_journal_find_dead_letter(journal, 0, &letter)) > 0) {
        rc = mk_journal_remove_dead_letter(journal, letter.id);
        if (rc < 0)
            break;
        count++;
    }
    if (rc < 0) {
        fail_with(call, rc);
        return;
    }
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_uint(doc, root, "dropped", count);
    mk_call_ok(call, root);
}

/* --- posting again --- */

struct retry {
    struct mk_journal *journal;
    struct mk_call *call;
    uint64_t id;
};

static void answer(struct mk_call *call, uint64_t id, const char *outcome, unsigned status,
                   const char *message)
{
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_uint(doc, root, "id", id);
    yyjson_mut_obj_add_str(doc, root, "outcome", outcome);
    if (status)
        yyjson_mut_obj_add_uint(doc, root, "status", status);
    if (message)
        yyjson_mut_obj_add_strcpy(doc, root, "message", message);
    mk_call_ok(call, root);
}

static void on_reposted(void *arg, const struct mk_repost_result *result)
{
    struct retry *retry = arg;
    int rc = 0;
    if (result->outcome == MK_REPOST_TAKEN)
        rc = mk_journal_remove_dead_letter(retry->journal, retry->id);
    if (rc < 0)
        fail_with(retry->call, rc);
    else if (result->outcome == MK_REPOST_TAKEN)
        answer(retry->call, retry->id, "taken", result->status, NULL);
    else if (result->outcome == MK_REPOST_REFUSED)
        answer(retry->call, retry->id, "refused", result->status, NULL);
    else
        answer(retry->call, retry->id, "failed", 0, result->error);
    free(retry);
}

/* Posts by the transport that set the event aside. -ENOENT: it is not in the configuration any
 * more. */
static int repost(const struct milky_endpoint *endpoint, const struct mk_dead_letter *letter,
                  const struct mk_repost_caller *caller)
{
    const struct mk_bot *bot = mk_endpoint_find_bot(endpoint, letter->self_id);
    if (!bot)
        return -ENOENT;
    MK_LIST_FOR_EACH (node, &bot->transports) {
        struct mk_transport *transport = mk_transport_of(node);
        int rc = transport->class->repost
                     ? transport->class->repost(transport, letter->sink, letter->number, caller)
                     : -ENOENT;
        if (rc != -ENOENT)
            return rc;
    }
    return -ENOENT;
}

static void retry(const struct milky_endpoint *endpoint, struct mk_call *call, uint64_t id)
{
    struct mk_dead_letter letter;
    int rc = mk_journal_find_dead_letter(endpoint->journal, id, &letter);
    if (rc < 0) {
        fail_with(call, rc);
        return;
    }
    if (rc == 0 || letter.id != id) {
        mk_call_fail(call, MILKY_UNKNOWN, mk_tr("there is no delivery %llu", "没有投递 %llu"),
                     (unsigned long long)id);
        return;
    }
    struct retry *retry = malloc(sizeof(*retry));
    if (!retry) {
        fail_with(call, -ENOMEM);
        return;
    }
    *retry = (struct retry){ endpoint->journal, call, id };
    const struct mk_repost_caller caller = { on_reposted, retry };
    rc = repost(endpoint, &letter, &caller);
    if (rc == 0)
        return;
    free(retry);
    if (rc > 0)
        answer(call, id, "gone", 0, NULL);
    else if (rc == -ENOENT)
        answer(call, id, "unconfigured", 0, NULL);
    else if (rc == -EBUSY)
        answer(call, id, "failed", 0,
               mk_tr("another one is being posted there, or milky is stopping",
                     "另一个投递正在进行，或 milky 正在停止"));
    else
        fail_with(call, rc);
}

void mk_deliveries_run(struct milky_endpoint *endpoint, struct mk_call *call)
{
    yyjson_mut_val *params = call->params;
    yyjson_mut_val *again = yyjson_mut_obj_get(params, "retry");
    yyjson_mut_val *dropped = yyjson_mut_obj_get(params, "drop");
    if (yyjson_mut_obj_get(params, "skip"))
        mk_held_events_skip(endpoint, call);
    else if (yyjson_mut_obj_get(params, "resume"))
        mk_held_events_resume(endpoint, call);
    else if (!endpoint->journal)
        mk_call_fail(call, MILKY_NOT_SUPPORTED, "%s",
                     mk_tr("there is no journal, so nothing is set aside",
                           "没有事件日志，因此没有搁置的投递"));
    else if (again && !yyjson_mut_is_uint(again))
        mk_call_fail(call, MILKY_MALFORMED, "%s",
                     mk_tr("retry: expected the id of a delivery", "retry：应为投递的编号"));
    else if (dropped && !yyjson_mut_is_uint(dropped) && !yyjson_mut_equals_str(dropped, "all"))
        mk_call_fail(call, MILKY_MALFORMED, "%s",
                     mk_tr("drop: expected the id of a delivery, or \"all\"",
                           "drop：应为投递的编号，或 \"all\""));
    else if (again)
        retry(endpoint, call, yyjson_mut_get_uint(again));
    else if (dropped)
        drop(endpoint->journal, call, dropped);
    else
        list(endpoint->journal, call, yyjson_mut_get_uint(yyjson_mut_obj_get(params, "after")));
}
