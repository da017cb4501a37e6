/* webhook_calls: see the header. */
#include "transport/webhook_calls.h"

#include "base/json.h"
#include "base/log.h"
#include "net/loop.h"

#include <stdlib.h>

enum { MAX_CALLS = 1000, CALLS_IN_TURN = 32 };

static const char module[] = "webhook";

/* Returns the next call of the response; NULL when there is none left. */
static yyjson_val *next_call(struct mk_webhook_calls *calls)
{
    yyjson_val *root = yyjson_doc_get_root(calls->doc);
    size_t before = calls->number++;
    if (before == MAX_CALLS)
        return NULL;
    if (yyjson_is_arr(root))
        return yyjson_arr_iter_next(&calls->rest);
    return before == 0 ? root : NULL;
}

/* Dispatches the next call. Returns false when there is none left. */
static bool execute_next(struct mk_webhook_calls *calls)
{
    yyjson_val *call = next_call(calls);
    if (!call)
        return false;
    size_t len;
    char *text = yyjson_val_write(call, YYJSON_WRITE_NOFLAG, &len);
    if (text)
        mk_dispatch_message(calls->dispatch, calls->dialect, mk_slice_of(text, len),
                            &calls->caller);
    else
        mk_log_error(module, "%s: out of memory for a call", "%s：内存不足，无法执行调用",
                     calls->name);
    free(text);
    return true;
}

static void free_response(struct mk_webhook_calls *calls)
{
    yyjson_doc_free(calls->doc);
    calls->doc = NULL;
    if (calls->held > 0)
        calls->dispatch->held -= calls->held;
    calls->held = 0;
    calls->next_turn = mk_timer_free(calls->next_turn);
}

/* Counts the calls of a turn. Returns false if the next one has to wait for the next turn. */
static bool may_execute(struct mk_webhook_calls *calls)
{
    if (!calls->loop)
        return true;
    if (calls->turn != calls->loop->turns)
        calls->in_turn = 0;
    calls->turn = calls->loop->turns;
    return calls->in_turn++ < CALLS_IN_TURN;
}

/* Executes calls until one has to wait for its reply, or for the next turn. */
static void execute(struct mk_webhook_calls *calls)
{
    bool more = true, may = true;
    calls->executing = true;
    while (more && calls->caller.in_flight == 0 && (may = may_execute(calls)))
        more = execute_next(calls);
    calls->executing = false;
    if (!may)
        mk_timer_start(calls->next_turn, 0);
    if (more)
        return;
    free_response(calls);
    calls->done(calls);
}

static void on_next_turn(void *arg)
{
    struct mk_webhook_calls *calls = arg;
    calls->in_turn = 0;
    execute(calls);
}

/* A webhook cannot send replies: a failure is only logged. */
static void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct mk_webhook_calls *calls = MK_CONTAINER_OF(caller, struct mk_webhook_calls, caller);
    if (mk_call_retcode(call) != 0)
        mk_log_warn(module, "%s: call %zu of its response failed: %d %s",
                    "%s：其响应中的第 %zu 个调用失败：%d %s", calls->name, calls->number,
                    mk_call_retcode(call), mk_call_message(call));
    /* A later reply continues here; an immediate one returns to the loop of execute. */
    if (!calls->executing && calls->doc)
        execute(calls);
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

void mk_webhook_calls_init(struct mk_webhook_calls *calls)
{
    mk_caller_init(&calls->caller, on_reply);
}

void mk_webhook_calls_fini(struct mk_webhook_calls *calls)
{
    mk_caller_fini(&calls->caller);
    free_response(calls);
}

int mk_webhook_calls_run(struct mk_webhook_calls *calls, struct mk_slice body)
{
    yyjson_doc *doc =
        mk_json_has_at_most(body, MK_CALL_MOST_VALUES) ? mk_json_read(body, NULL, NULL) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!doc || !are_calls(root)) {
        yyjson_doc_free(doc);
        return 1;
    }
    if (yyjson_arr_size(root) > MAX_CALLS)
        mk_log_warn(module, "%s: its response has %zu calls: only the first %d are executed",
                    "%s：其响应中有 %zu 个调用：只执行前 %d 个", calls->name, yyjson_arr_size(root),
                    MAX_CALLS);
    calls->next_turn = calls->loop ? mk_timer_new(calls->loop, on_next_turn, calls) : NULL;
    if (calls->loop && !calls->next_turn) {
        mk_log_error(module, "%s: out of memory for its calls", "%s：内存不足，无法执行其调用",
                     calls->name);
        yyjson_doc_free(doc);
        return 1;
    }
    calls->doc = doc;
    calls->number = 0;
    calls->held = body.len;
    calls->dispatch->held += body.len;
    yyjson_arr_iter_init(root, &calls->rest);
    execute(calls);
    return 0;
}
