/* call: the life cycle of a call, and its reply. */
#include "protocol/call.h"

#include "base/json.h"
#include "base/log.h"
#include "protocol/dialect.h"
#include "protocol/result_check.h"
#include "protocol/tables.h"
#include "protocol/text.h"

#include <assert.h>
#include <errno.h>
#include <milky/backend.h>
#include <stdlib.h>

enum { MAX_SPARE = 64, LONGEST_MESSAGE = 65536 };

/* --- life --- */

struct mk_call *mk_call_new(struct mk_dispatch *dispatch, struct mk_caller *caller)
{
    struct mk_call *call = dispatch->spare;
    if (call) {
        dispatch->spare = call->next;
        dispatch->spare_count--;
    } else {
        call = malloc(sizeof(*call));
        if (!call)
            return NULL;
        mk_arena_init(&call->arena);
    }
    struct mk_arena arena = call->arena;
    *call = (struct mk_call){ .dispatch = dispatch,
                              .caller = caller,
                              .arena = arena,
                              .number = SIZE_MAX,
                              .name = "",
                              .counted = SIZE_MAX,
                              .began = mk_call_stats_begin(dispatch->stats),
                              .open = true };
    mk_list_init(&call->node);
    mk_list_push(&caller->calls, &call->node);
    caller->in_flight++;
    dispatch->in_flight++;
    return call;
}

void mk_call_free(struct mk_call *call)
{
    struct mk_dispatch *dispatch = call->dispatch;
    dispatch->held -= call->held;
    mk_buf_fini(&call->text);
    if (dispatch->spare_count == MAX_SPARE) {
        mk_arena_fini(&call->arena);
        free(call);
        return;
    }
    mk_arena_reset(&call->arena);
    call->next = dispatch->spare;
    dispatch->spare = call;
    dispatch->spare_count++;
}

void mk_call_free_spare(struct mk_dispatch *dispatch)
{
    while (dispatch->spare) {
        struct mk_call *call = dispatch->spare;
        dispatch->spare = call->next;
        mk_arena_fini(&call->arena);
        free(call);
    }
    dispatch->spare_count = 0;
}

/* The caller may be freed in its callback, so it is not used afterwards. */
static void reply(struct mk_call *call)
{
    struct mk_caller *caller = call->caller;
    assert(call->open);
    call->open = false;
    call->dispatch->in_flight--;
    mk_list_remove(&call->node); /* of its caller's list, or of the list of orphans */
    if (caller) {
        call->caller = NULL;
        caller->in_flight--;
        caller->held -= call->held;
        caller->reply(caller, call);
    }
    mk_call_stats_end(call->dispatch->stats, call->counted, call->retcode, call->began);
}

static void finish(struct mk_call *call)
{
    reply(call);
    mk_call_free(call);
}

static void set_failure(struct mk_call *call, int retcode, struct mk_slice message)
{
    const char *copy = mk_arena_dup(&call->arena, message);
    call->retcode = retcode;
    call->message = copy ? mk_slice_of(copy, message.len) : MK_SLICE("out of memory");
}

void mk_call_end(struct mk_call *call, enum mk_outcome outcome, int retcode,
                 struct mk_slice message)
{
    call->outcome = outcome;
    set_failure(call, retcode, message);
    finish(call);
}

void mk_call_abandon(struct mk_call *call, int retcode, struct mk_slice message)
{
    call->outcome = MK_OUTCOME_DONE;
    set_failure(call, call->caller ? retcode : MK_CALL_GONE, message);
    reply(call);
}

void mk_call_out_of_memory(struct mk_dispatch *dispatch, struct mk_caller *caller)
{
    struct mk_call call = { .dispatch = dispatch,
                            .caller = caller,
                            .number = SIZE_MAX,
                            .name = "",
                            .retcode = MILKY_INTERNAL,
                            .message = MK_SLICE("out of memory") };
    mk_list_init(&call.node);
    caller->reply(caller, &call);
}

/* --- replies of the target --- */

/* Checks a result against the tables, and translates it to the caller's dialect. */
static int make_data(struct mk_call *call, yyjson_mut_val *data)
{
    const struct mk_action *action = call->action;
    if (action) {
        const struct mk_type *shape = mk_actions[call->number].result;
        int rc =
            !data && shape->object->count == 0 ? 0 : mk_result_check(shape, data, true, call->name);
        if (rc < 0)
            return rc;
        if (action->result != shape) {
            const struct mk_object *given = action->params;
            struct mk_conversation conversation =
                mk_conversation_of(given ? given->conversation : NULL, call->params);
            if (action->unwrap.len > 0)
                data = mk_json_member(data, action->unwrap);
            rc = mk_dialect_translate(action->result, data, conversation, call->doc, &call->arena,
                                      &data);
            if (rc < 0)
                return rc;
        }
    }
    call->data = data;
    return 0;
}

int mk_call_ok(struct mk_call *call, yyjson_mut_val *data)
{
    int rc = make_data(call, data);
    call->outcome = MK_OUTCOME_DONE;
    if (rc == -ENOMEM)
        set_failure(call, MILKY_INTERNAL, MK_SLICE("out of memory"));
    else if (rc < 0)
        set_failure(call, MILKY_INTERNAL,
                    MK_SLICE("the backend made a result that is not of the API's shape"));
    reply(call);
    if (rc == 0 && call->retcode != 0)
        rc = -EINVAL; /* writing it has shown that JSON cannot hold it */
    mk_call_free(call);
    return rc;
}

void mk_call_invalidate_result(struct mk_call *call)
{
    mk_log_error("protocol",
                 "result of %s, made by the backend: JSON cannot hold it (a string that is not "
                 "UTF-8, or an infinite number)",
                 "后端给出的 %s 的结果无法写成 JSON（字符串不是 UTF-8，或数字为无穷大）",
                 call->name);
    set_failure(call, MILKY_INTERNAL, MK_SLICE("the backend made a result that is no JSON"));
}

void mk_call_fail_text(struct mk_call *call, int retcode, struct mk_slice message)
{
    struct mk_buf text;
    mk_buf_init(&text, 3 * LONGEST_MESSAGE);
    int rc = mk_text_write_repaired(&text, message);
    if (retcode == 0) {
        mk_log_error("protocol", "%s: the backend failed a call with retcode 0",
                     "%s：后端以 retcode 0 表示调用失败", call->name);
        retcode = MILKY_INTERNAL;
    }
    mk_call_end(call, MK_OUTCOME_DONE, retcode,
                rc == 0 ? mk_buf_slice(&text)
                        : MK_SLICE("failed, with a message that was too long"));
    mk_buf_fini(&text);
}

void mk_call_fail_v(struct mk_call *call, int retcode, const char *format, va_list args)
{
    struct mk_buf raw;
    mk_buf_init(&raw, LONGEST_MESSAGE);
    int rc = mk_buf_vprintf(&raw, format, args);
    mk_call_fail_text(call, retcode,
                      rc == 0 ? mk_buf_slice(&raw)
                              : MK_SLICE("failed, with a message that was too long"));
    mk_buf_fini(&raw);
}

void mk_call_fail(struct mk_call *call, int retcode, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mk_call_fail_v(call, retcode, format, args);
    va_end(args);
}

/* --- reading a call --- */

enum mk_outcome mk_call_outcome(const struct mk_call *call)
{
    return call->outcome;
}

int mk_call_retcode(const struct mk_call *call)
{
    return call->retcode;
}

const char *mk_call_message(const struct mk_call *call)
{
    return call->message.ptr ? call->message.ptr : "";
}
