/*
 * dispatch: the entry points of calls. The header describes the whole path; a call ends in
 * protocol/call.c.
 */
#include "protocol/dispatch.h"

#include "base/json.h"
#include "protocol/call.h"
#include "protocol/call_memory.h"
#include "protocol/operations.h"
#include "protocol/problem.h"
#include "protocol/tables.h"
#include "protocol/text.h"
#include "protocol/validate.h"

#include <assert.h>
#include <errno.h>
#include <milky/backend.h>
#include <stdio.h>
#include <stdlib.h>

void mk_dispatch_init(struct mk_dispatch *dispatch, struct mk_call_target *target, uint64_t self_id)
{
    *dispatch = (struct mk_dispatch){ .target = target, .self_id = self_id };
    int len = snprintf(dispatch->head, sizeof(dispatch->head),
                       "{\"post_type\":\"action_response\",\"self_id\":%llu,\"data\":{",
                       (unsigned long long)self_id);
    dispatch->head_len = (uint8_t)len;
}

void mk_dispatch_fini(struct mk_dispatch *dispatch)
{
    assert(dispatch->in_flight == 0);
    mk_call_free_spare(dispatch);
    mk_arena_fini(&dispatch->reading);
}

void mk_caller_init(struct mk_caller *caller,
                    void (*reply)(struct mk_caller *caller, struct mk_call *call))
{
    *caller = (struct mk_caller){ .reply = reply };
    mk_list_init(&caller->calls);
}

void mk_caller_fini(struct mk_caller *caller)
{
    struct mk_list orphans; /* a target may end any of them */
    mk_list_take(&orphans, &caller->calls);
    caller->in_flight = 0;
    caller->held = 0;
    MK_LIST_FOR_EACH (node, &orphans)
        MK_CONTAINER_OF(node, struct mk_call, node)->caller = NULL;
    while (!mk_list_empty(&orphans)) {
        struct mk_call *call = MK_CONTAINER_OF(orphans.next, struct mk_call, node);
        struct mk_call_target *target = call->dispatch->target;
        mk_list_remove(&call->node);
        if (target->caller_gone)
            target->caller_gone(target, call);
    }
}

/* --- calls that do not reach their target --- */

static void end_malformed(struct mk_call *call, struct mk_slice problem)
{
    mk_call_end(call, MK_OUTCOME_MALFORMED, MILKY_MALFORMED, problem);
}

static void end_out_of_memory(struct mk_call *call)
{
    mk_call_end(call, MK_OUTCOME_DONE, MILKY_INTERNAL, MK_SLICE("out of memory"));
}

static void end_busy(struct mk_call *call)
{
    char text[128];
    snprintf(text, sizeof(text),
             "other calls of this bot that wait for their replies hold %llu bytes: try again later",
             (unsigned long long)call->dispatch->held);
    mk_call_end(call, MK_OUTCOME_BUSY, MILKY_BUSY, mk_slice_str(text));
}

static void end_unknown(struct mk_call *call, const char *what, struct mk_slice name)
{
    struct mk_buf text;
    mk_buf_init(&text, 1024);
    int rc = mk_buf_printf(&text, "%s \"", what);
    if (rc == 0)
        rc = mk_text_write_truncated(&text, name);
    if (rc == 0)
        rc = mk_buf_append_char(&text, '"');
    mk_call_end(call, MK_OUTCOME_UNKNOWN, MILKY_UNKNOWN,
                rc == 0 ? mk_buf_slice(&text) : mk_slice_str(what));
    mk_buf_fini(&text);
}

static void end_unreadable(struct mk_call *call, const yyjson_read_err *error)
{
    char text[256];
    if (error->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        end_out_of_memory(call);
        return;
    }
    snprintf(text, sizeof(text), "malformed JSON at byte %zu: %s", error->pos, error->msg);
    end_malformed(call, mk_slice_str(text));
}

/* --- entry points --- */

/* The number under which a call is counted until its params determine the action of 1.x. */
static size_t stats_number(const struct mk_action *action)
{
    return action->route_count > 0 ? action->routes[0].number : action->number;
}

static void call_target(struct mk_call *call, const struct mk_action *action, yyjson_val *given)
{
    yyjson_alc alc = mk_json_alc(&call->arena);
    struct mk_request request;
    call->counted = stats_number(action);
    call->doc = yyjson_mut_doc_new(&alc);
    int verdict =
        call->doc ? mk_validate(action, given, call->doc, &call->arena, &request) : -ENOMEM;
    struct mk_call_target *target = call->dispatch->target;
    switch (verdict) {
    case MK_VALID:
        call->action = action;
        call->number = request.number;
        call->counted = request.number;
        call->name = mk_actions[request.number].name.ptr;
        call->params = request.params;
        if (call->text.len > 0 && mk_call_free_text(call) < 0)
            end_out_of_memory(call);
        else if (mk_call_admit(call))
            target->call(target, call);
        else
            end_busy(call);
        break;
    case MK_MALFORMED:
        end_malformed(call, request.problem);
        break;
    case MK_REFUSED:
        mk_call_end(call, MK_OUTCOME_DONE, MILKY_NOT_SUPPORTED, request.problem);
        break;
    default:
        end_out_of_memory(call);
        break;
    }
}

/*
 * Reads a request: one that was taken over, or is large, in place in call->text; any other into the
 * call's arena.
 */
static yyjson_doc *read_text(struct mk_call *call, struct mk_slice text, struct mk_buf *taken,
                             yyjson_read_err *error)
{
    struct mk_slice asked = taken ? mk_buf_slice(taken) : text;
    bool is_large = asked.len > MK_CALL_LARGE;
    yyjson_alc alc = mk_json_alc(is_large ? &call->dispatch->reading : &call->arena);
    if (taken)
        call->text = *taken;
    if (!mk_json_has_at_most(asked, MK_CALL_MOST_VALUES)) {
        *error =
            (yyjson_read_err){ YYJSON_READ_ERROR_JSON_STRUCTURE, "too many values or escapes", 0 };
        return NULL;
    }
    if (asked.len == 0)
        return NULL;
    if (!taken && !is_large)
        return mk_json_read(asked, &alc, error);
    if (!taken) {
        mk_buf_init(&call->text, asked.len);
        if (mk_buf_append_slice(&call->text, asked) < 0) {
            *error = (yyjson_read_err){ YYJSON_READ_ERROR_MEMORY_ALLOCATION, "out of memory", 0 };
            return NULL;
        }
    }
    return mk_json_read_in_place(&call->text, &alc, error);
}

static void request(struct mk_dispatch *dispatch, const struct mk_action *action,
                    struct mk_slice body, struct mk_buf *taken, struct mk_caller *caller)
{
    struct mk_call *call = mk_call_new(dispatch, caller);
    if (!call) {
        mk_buf_fini(taken);
        mk_call_out_of_memory(dispatch, caller);
        return;
    }
    call->counted = stats_number(action);
    if (mk_slice_eq(body, MK_SLICE("{}"))) {
        call_target(call, action, NULL); /* half of all APIs have no params: nothing to read */
        return;
    }
    yyjson_read_err error = { .code = YYJSON_READ_ERROR_EMPTY_CONTENT };
    yyjson_doc *doc = read_text(call, body, taken, &error);
    if (doc)
        call_target(call, action, yyjson_doc_get_root(doc));
    else if (error.code == YYJSON_READ_ERROR_EMPTY_CONTENT)
        end_malformed(call, MK_SLICE("the body is empty: it must be at least {}"));
    else
        end_unreadable(call, &error);
    mk_arena_reset(&dispatch->reading);
}

void mk_dispatch_request(struct mk_dispatch *dispatch, const struct mk_action *action,
                         struct mk_slice body, struct mk_caller *caller)
{
    request(dispatch, action, body, NULL, caller);
}

void mk_dispatch_request_take(struct mk_dispatch *dispatch, const struct mk_action *action,
                              struct mk_buf *body, struct mk_caller *caller)
{
    request(dispatch, action, (struct mk_slice){ 0 }, body, caller);
}

void mk_dispatch_unknown(struct mk_dispatch *dispatch)
{
    struct mk_call_stats *stats = dispatch->stats;
    mk_call_stats_end(stats, SIZE_MAX, MILKY_UNKNOWN, mk_call_stats_begin(stats));
}

enum { LONGEST_PLAIN = 64 };

/*
 * Returns whether it is a short string that JSON does not escape: ASCII letters, digits and the
 * like.
 */
static bool is_plain(yyjson_val *echo)
{
    const char *text = yyjson_get_str(echo);
    size_t len = yyjson_get_len(echo);
    if (!text || len > LONGEST_PLAIN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

static int keep_plain(struct mk_call *call, yyjson_val *echo)
{
    size_t len = yyjson_get_len(echo);
    char *text = mk_arena_alloc(&call->arena, len + 2);
    if (!text)
        return -ENOMEM;
    text[0] = text[len + 1] = '"';
    memcpy(text + 1, yyjson_get_str(echo), len);
    call->echo = mk_slice_of(text, len + 2);
    return 0;
}

static int keep_text(struct mk_call *call, struct mk_slice json)
{
    if (json.len > MK_CALL_LARGEST_ECHO)
        return -EMSGSIZE;
    const char *copy = mk_arena_dup(&call->arena, json);
    call->echo = mk_slice_of(copy, copy ? json.len : 0);
    return copy ? 0 : -ENOMEM;
}

/*
 * Keeps the JSON of an echo unchanged; most are short strings or numbers. Returns 0, -EMSGSIZE or
 * -ENOMEM.
 */
static int keep_echo(struct mk_call *call, yyjson_val *echo)
{
    if (yyjson_is_raw(echo))
        return keep_text(call, mk_slice_of(yyjson_get_raw(echo), yyjson_get_len(echo)));
    if (is_plain(echo))
        return keep_plain(call, echo);
    if (yyjson_is_str(echo) && yyjson_get_len(echo) > MK_CALL_LARGEST_ECHO)
        return -EMSGSIZE;
    size_t len;
    char *text = yyjson_val_write(echo, YYJSON_WRITE_NOFLAG, &len);
    int rc = text ? keep_text(call, mk_slice_of(text, len)) : -ENOMEM;
    free(text);
    return rc;
}

struct message {
    yyjson_val *action;
    yyjson_val *params;
    yyjson_val *echo;
};

static struct message read_message(yyjson_val *root)
{
    const struct mk_slice action = MK_SLICE("action"), params = MK_SLICE("params");
    struct message message = { 0 };
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach (root, index, count, key, value) {
        struct mk_slice name = mk_slice_of(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key));
        if (name.len == action.len && memcmp(name.ptr, action.ptr, action.len) == 0)
            message.action = value;
        else if (name.len == params.len && memcmp(name.ptr, params.ptr, params.len) == 0)
            message.params = value;
        else if (mk_slice_eq(name, MK_SLICE("echo")))
            message.echo = value;
    }
    return message;
}

static void end_wrong_type(struct mk_call *call, struct mk_slice field, struct mk_slice expected,
                           yyjson_val *got)
{
    const struct mk_json_path at = { .name = field };
    struct mk_slice problem;
    if (mk_problem(&call->arena, &at, expected, got, &problem) < 0)
        end_out_of_memory(call);
    else
        end_malformed(call, problem);
}

static void dispatch_root(struct mk_call *call, enum mk_dialect dialect, yyjson_val *root)
{
    struct message message = read_message(root);
    int rc = message.echo ? keep_echo(call, message.echo) : 0;
    if (rc == -EMSGSIZE) {
        end_malformed(call, MK_SLICE("echo: longer than 4 MiB: nothing was executed"));
        return;
    }
    if (rc < 0) {
        end_out_of_memory(call);
        return;
    }
    if (!yyjson_is_obj(root)) {
        end_wrong_type(call, MK_SLICE("message"), MK_SLICE("object"), root);
        return;
    }
    if (!yyjson_is_str(message.action)) {
        end_wrong_type(call, MK_SLICE("action"), MK_SLICE("string"), message.action);
        return;
    }
    struct mk_slice name =
        mk_slice_of(yyjson_get_str(message.action), yyjson_get_len(message.action));
    const struct mk_action *action = mk_action_find(dialect, name);
    if (!action)
        end_unknown(call, "unknown API", name);
    else
        call_target(call, action, yyjson_is_null(message.params) ? NULL : message.params);
}

static void message(struct mk_dispatch *dispatch, enum mk_dialect dialect, struct mk_slice text,
                    struct mk_buf *taken, struct mk_caller *caller)
{
    struct mk_call *call = mk_call_new(dispatch, caller);
    if (!call) {
        mk_buf_fini(taken);
        mk_call_out_of_memory(dispatch, caller);
        return;
    }
    yyjson_read_err error = { .code = YYJSON_READ_ERROR_EMPTY_CONTENT, .msg = "empty" };
    yyjson_doc *doc = read_text(call, text, taken, &error);
    if (doc)
        dispatch_root(call, dialect, yyjson_doc_get_root(doc));
    else
        end_unreadable(call, &error);
    mk_arena_reset(&dispatch->reading);
}

void mk_dispatch_message(struct mk_dispatch *dispatch, enum mk_dialect dialect,
                         struct mk_slice text, struct mk_caller *caller)
{
    message(dispatch, dialect, text, NULL, caller);
}

void mk_dispatch_message_take(struct mk_dispatch *dispatch, enum mk_dialect dialect,
                              struct mk_buf *text, struct mk_caller *caller)
{
    message(dispatch, dialect, (struct mk_slice){ 0 }, text, caller);
}

void mk_dispatch_too_large(struct mk_dispatch *dispatch, struct mk_caller *caller)
{
    struct mk_call *call = mk_call_new(dispatch, caller);
    if (call)
        end_malformed(call, MK_SLICE("too many values or bytes: a compressed message may become "
                                     "5 MiB long, or twice as long as it came"));
    else
        mk_call_out_of_memory(dispatch, caller);
}

/* --- operators' requests --- */

static void end_unknown_operation(struct mk_call *call, const struct milky_operations *operations,
                                  struct mk_slice name)
{
    const char *near = mk_operation_near(operations, name);
    struct mk_buf text;
    mk_buf_init(&text, 1024);
    int rc = mk_buf_append_slice(&text, MK_SLICE("no such operation: "));
    if (rc == 0)
        rc = mk_text_write_truncated(&text, name);
    if (rc == 0 && near)
        rc = mk_buf_printf(&text, "; did you mean %s?", near);
    mk_call_end(call, MK_OUTCOME_UNKNOWN, MILKY_UNKNOWN,
                rc == 0 ? mk_buf_slice(&text) : MK_SLICE("no such operation"));
    mk_buf_fini(&text);
}

/* By the tables of the target. Returns a verdict, -ENOMEM, or -ENOENT after the call has ended. */
static int check_operation(struct mk_call *call, const struct milky_operations *operations,
                           struct mk_slice action, yyjson_val *given, struct mk_slice *problem)
{
    struct mk_operation_found found = mk_operation_find(operations, action);
    struct mk_operation_request request = { 0 };
    if (!found.operation && !found.api) {
        end_unknown_operation(call, operations, action);
        return -ENOENT;
    }
    int rc = mk_operation_check(&found, given, call->doc, &call->arena, &request);
    call->name = request.name;
    call->number = request.number;
    call->actor = request.actor;
    call->params = request.params;
    *problem = request.problem;
    return rc;
}

/* As it is. */
static int take_operation(struct mk_call *call, struct mk_slice action, yyjson_val *given)
{
    call->params = yyjson_val_mut_copy(call->doc, given);
    call->name = mk_arena_dup(&call->arena, action);
    return call->params && call->name ? 0 : -ENOMEM;
}

static void control_target(struct mk_call *call, struct mk_slice action, yyjson_val *given)
{
    struct mk_call_target *target = call->dispatch->target;
    yyjson_alc alc = mk_json_alc(&call->arena);
    struct mk_slice problem = { 0 };
    call->doc = yyjson_mut_doc_new(&alc);
    int rc = !call->doc ? -ENOMEM
             : target->operations
                 ? check_operation(call, target->operations, action, given, &problem)
                 : take_operation(call, action, given);
    if (rc == -ENOENT)
        return;
    if (rc == 0) {
        target->control(target, call);
        return;
    }
    call->name = "";
    if (rc > 0)
        end_malformed(call, problem);
    else
        end_out_of_memory(call);
}

void mk_dispatch_control(struct mk_dispatch *dispatch, struct mk_slice action, struct mk_slice body,
                         struct mk_caller *caller)
{
    struct mk_call *call = mk_call_new(dispatch, caller);
    if (!call) {
        mk_call_out_of_memory(dispatch, caller);
        return;
    }
    if (!dispatch->target->control) {
        end_unknown(call, "no such request", action);
        return;
    }
    /* Numbers are parsed: without a table their types are unknown. */
    yyjson_alc alc = mk_json_alc(&call->arena);
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS };
    struct mk_slice text = body.len > 0 ? body : MK_SLICE("{}");
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, 0, &alc, &error);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!doc)
        end_unreadable(call, &error);
    else if (!yyjson_is_obj(root))
        end_wrong_type(call, MK_SLICE("params"), MK_SLICE("object"), root);
    else
        control_target(call, action, root);
}
