/* call: the life of a call, and the functions of milky/backend.h about it. */
#include "protocol/call.h"

#include "base/json.h"
#include "base/log.h"
#include "protocol/dialect.h"
#include "protocol/shape.h"
#include "protocol/tables.h"
#include "protocol/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

enum { MOST_SPARE = 64, LONGEST_MESSAGE = 65536 };

/* --- life --- */

struct milky_call *mk_call_new(struct mk_dispatch *dispatch, struct mk_caller *caller)
{
    struct milky_call *call = dispatch->spare;
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
    *call = (struct milky_call){ .dispatch = dispatch,
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

static void recycle(struct milky_call *call)
{
    struct mk_dispatch *dispatch = call->dispatch;
    dispatch->in_flight--;
    mk_buf_fini(&call->text);
    if (dispatch->spare_count == MOST_SPARE) {
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
        struct milky_call *call = dispatch->spare;
        dispatch->spare = call->next;
        mk_arena_fini(&call->arena);
        free(call);
    }
    dispatch->spare_count = 0;
}

/* The caller may go away while it is being told, so it is not touched afterwards. */
static void finish(struct milky_call *call)
{
    struct mk_caller *caller = call->caller;
    assert(call->open); /* a backend replies once */
    call->open = false;
    mk_call_stats_end(call->dispatch->stats, call->counted, call->retcode, call->began);
    if (caller) {
        mk_list_remove(&call->node);
        caller->in_flight--;
        caller->reply(caller, call);
    }
    recycle(call);
}

void mk_call_end(struct milky_call *call, enum mk_outcome outcome, int retcode,
                 struct mk_slice message)
{
    const char *copy = mk_arena_dup(&call->arena, message);
    call->outcome = outcome;
    call->retcode = retcode;
    call->message = copy ? mk_slice_of(copy, message.len) : MK_SLICE("out of memory");
    finish(call);
}

void mk_call_out_of_memory(struct mk_dispatch *dispatch, struct mk_caller *caller)
{
    struct milky_call call = { .dispatch = dispatch,
                               .caller = caller,
                               .number = SIZE_MAX,
                               .name = "",
                               .retcode = MILKY_INTERNAL,
                               .message = MK_SLICE("out of memory") };
    mk_list_init(&call.node);
    caller->reply(caller, &call);
}

/* --- replies of the backend --- */

static int make_data(struct milky_call *call, yyjson_mut_val *data, struct mk_slice *out)
{
    const struct mk_action *action = call->action;
    if (action) {
        const struct mk_type *shape = mk_actions_1_2[call->number].result;
        int rc = !data && shape->object->count == 0
                     ? 0
                     : mk_shape_check(shape, data, "result of", call->name);
        if (rc < 0)
            return rc;
        if (action->dialect != MK_DIALECT_1_2) {
            const struct mk_object *given = action->params;
            struct mk_peer peer = mk_peer_of(given ? given->peer : NULL, call->params);
            if (action->unwrap.len > 0)
                data = mk_json_member(data, action->unwrap);
            rc = mk_dialect_translate(action->result, data, peer, call->doc, &call->arena, &data);
            if (rc < 0)
                return rc;
        }
    }
    if (!data || (yyjson_mut_is_obj(data) && yyjson_mut_obj_size(data) == 0)) {
        *out = MK_SLICE("{}");
        return 0;
    }
    yyjson_alc alc = mk_json_alc(&call->arena);
    yyjson_write_err error;
    size_t len;
    const char *text = yyjson_mut_val_write_opts(data, 0, &alc, &len, &error);
    if (!text) {
        mk_log_error("protocol", "result of %s, made by the backend: %s", call->name, error.msg);
        return error.code == YYJSON_WRITE_ERROR_MEMORY_ALLOCATION ? -ENOMEM : -EINVAL;
    }
    *out = mk_slice_of(text, len);
    return 0;
}

void milky_call_ok(struct milky_call *call, yyjson_mut_val *data)
{
    struct mk_slice text;
    int rc = make_data(call, data, &text);
    if (rc == 0) {
        call->outcome = MK_OUTCOME_DONE;
        call->retcode = 0;
        call->data = text;
        finish(call);
    } else if (rc == -ENOMEM) {
        mk_call_end(call, MK_OUTCOME_DONE, MILKY_INTERNAL, MK_SLICE("out of memory"));
    } else {
        mk_call_end(call, MK_OUTCOME_DONE, MILKY_INTERNAL,
                    MK_SLICE("the backend made a result that is not of the API's shape"));
    }
}

void milky_call_fail(struct milky_call *call, int retcode, const char *format, ...)
{
    struct mk_buf raw, text;
    mk_buf_init(&raw, LONGEST_MESSAGE);
    mk_buf_init(&text, 3 * LONGEST_MESSAGE);
    va_list args;
    va_start(args, format);
    int rc = mk_buf_vprintf(&raw, format, args);
    va_end(args);
    if (rc == 0)
        rc = mk_text_write_repaired(&text, mk_buf_slice(&raw));
    if (retcode == 0) {
        mk_log_error("protocol", "%s: the backend failed a call with retcode 0", call->name);
        retcode = MILKY_INTERNAL;
    }
    mk_call_end(call, MK_OUTCOME_DONE, retcode,
                rc == 0 ? mk_buf_slice(&text)
                        : MK_SLICE("failed, with a message that was too long"));
    mk_buf_fini(&raw);
    mk_buf_fini(&text);
}

/* --- reading a call --- */

size_t milky_call_number(const struct milky_call *call)
{
    return call->number;
}

const char *milky_call_action(const struct milky_call *call)
{
    return call->name;
}

uint64_t milky_call_self_id(const struct milky_call *call)
{
    return call->dispatch->self_id;
}

yyjson_mut_val *milky_call_params(const struct milky_call *call)
{
    return call->params;
}

yyjson_mut_doc *milky_call_doc(const struct milky_call *call)
{
    return call->doc;
}

enum mk_outcome mk_call_outcome(const struct milky_call *call)
{
    return call->outcome;
}

int mk_call_retcode(const struct milky_call *call)
{
    return call->retcode;
}

const char *mk_call_message(const struct milky_call *call)
{
    return call->message.ptr ? call->message.ptr : "";
}

/* --- reading objects --- */

uint64_t milky_uint(yyjson_mut_val *object, const char *name)
{
    return yyjson_mut_get_uint(yyjson_mut_obj_get(object, name));
}

bool milky_bool(yyjson_mut_val *object, const char *name)
{
    return yyjson_mut_get_bool(yyjson_mut_obj_get(object, name));
}

const char *milky_string(yyjson_mut_val *object, const char *name, size_t *len)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    const char *text = yyjson_mut_get_str(value);
    if (len)
        *len = text ? yyjson_mut_get_len(value) : 0;
    return text;
}

bool milky_has(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return value && !yyjson_mut_is_null(value);
}
