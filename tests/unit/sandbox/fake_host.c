/* fake_host: see the header. */
#include "fake_host.h"

#include "base/json.h"
#include "protocol/operations.h"
#include "protocol/result_check.h"
#include "protocol/schema.h"
#include "protocol/validate.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the allocation that fails; 0 never does. */
struct rationed {
    yyjson_alc alc;
    size_t left;
};

struct fake_call {
    struct fake_call *next;
    uint64_t id;
    struct rationed memory;
    struct milky_host *host;
    size_t number;
    const char *action;
    uint64_t self_id;
    struct mk_arena arena; /* problems of params */
    yyjson_doc *given;     /* the strings of params are borrowed from it */
    yyjson_mut_doc *doc;
    yyjson_mut_val *params;
    struct fake_reply *reply;
};

static struct fake_call *look_for(const struct milky_host *host, uint64_t id)
{
    struct fake_call *call = host->calls;
    while (call && call->id != id)
        call = call->next;
    return call;
}

/* The sandbox reads none but its own open ones. */
static struct fake_call *find(const struct milky_host *host, uint64_t id)
{
    struct fake_call *call = look_for(host, id);
    assert(call);
    return call;
}

bool milky_call_open(const struct milky_host *host, uint64_t call)
{
    return look_for(host, call) != NULL;
}

size_t milky_call_number(const struct milky_host *host, uint64_t call)
{
    return find(host, call)->number;
}

const char *milky_call_action(const struct milky_host *host, uint64_t call)
{
    return find(host, call)->action;
}

uint64_t milky_call_self_id(const struct milky_host *host, uint64_t call)
{
    return find(host, call)->self_id;
}

yyjson_mut_val *milky_call_params(const struct milky_host *host, uint64_t call)
{
    return find(host, call)->params;
}

yyjson_mut_doc *milky_call_doc(const struct milky_host *host, uint64_t call)
{
    return find(host, call)->doc;
}

int milky_call_cached(struct milky_host *host, uint64_t call, const char *uri)
{
    (void)host;
    (void)call;
    (void)uri;
    return -ENOENT;
}

uint64_t milky_uint(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    assert(yyjson_mut_is_uint(value));
    return yyjson_mut_get_uint(value);
}

bool milky_bool(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    assert(yyjson_mut_is_bool(value));
    return yyjson_mut_get_bool(value);
}

const char *milky_string(yyjson_mut_val *object, const char *name, size_t *len)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    assert(yyjson_mut_is_str(value));
    if (len)
        *len = yyjson_mut_get_len(value);
    return yyjson_mut_get_str(value);
}

bool milky_has(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return value && !yyjson_mut_is_null(value);
}

static yyjson_doc *copy_of(yyjson_mut_val *value)
{
    size_t len;
    char *text = yyjson_mut_val_write(value, 0, &len);
    assert(text); /* also when a text is not UTF-8 */
    yyjson_doc *doc = yyjson_read(text, len, 0);
    free(text);
    assert(doc);
    return doc;
}

static void take_out(struct fake_call *call)
{
    struct milky_host *host = call->host;
    struct fake_call **link = &host->calls;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    call->reply->done = true;
    call->reply->events_before = host->event_count;
}

static void free_call(struct fake_call *call)
{
    yyjson_mut_doc_free(call->doc);
    yyjson_doc_free(call->given);
    mk_arena_fini(&call->arena);
    free(call);
}

static void done(struct fake_call *call)
{
    struct milky_host *host = call->host;
    take_out(call);
    free_call(call);
    void (*on_reply)(void *) = host->on_reply;
    host->on_reply = NULL;
    if (on_reply)
        on_reply(host->context);
}

/* As in the real one: it has ended, and its memory is freed when the backend has been notified. */
static void cancel(struct fake_call *call, int retcode)
{
    struct milky_host *host = call->host;
    call->reply->retcode = retcode;
    take_out(call);
    host->backend->table->cancelled(host->backend->self, call->id);
    free_call(call);
}

void fake_cancel(struct milky_host *host, struct fake_reply *reply)
{
    struct fake_call *call = host->calls;
    while (call && call->reply != reply)
        call = call->next;
    assert(call);
    cancel(call, 1);
}

/* Each was open once: it has been cancelled since. */
static struct fake_call *open_call(const struct milky_host *host, uint64_t id)
{
    assert(id > 0 && id <= host->last_call);
    return look_for(host, id);
}

/* As protocol/call does. */
static bool is_result(const struct fake_call *call, yyjson_mut_val *data)
{
    if (call->number == SIZE_MAX) /* an operator's request: no table describes its result */
        return true;
    const struct mk_type *type = mk_actions[call->number].result;
    return (!data && type->object->count == 0) ||
           mk_result_check(type, data, "result of", call->action) == 0;
}

int milky_call_ok(struct milky_host *host, uint64_t id, yyjson_mut_val *data)
{
    struct fake_call *call = open_call(host, id);
    if (!call)
        return -ENOENT;
    assert(!call->reply->done);
    if (!is_result(call, data)) {
        milky_call_fail(host, id, MILKY_INTERNAL, "the result does not have the API's shape");
        return -EINVAL;
    }
    call->reply->retcode = 0;
    call->reply->data = data ? copy_of(data) : NULL;
    done(call);
    return 0;
}

int milky_call_fail(struct milky_host *host, uint64_t id, int retcode, const char *format, ...)
{
    struct fake_call *call = open_call(host, id);
    if (!call)
        return -ENOENT;
    assert(!call->reply->done && retcode != 0);
    va_list args;
    va_start(args, format);
    vsnprintf(call->reply->message, sizeof(call->reply->message), format, args);
    va_end(args);
    call->reply->retcode = retcode;
    done(call);
    return 0;
}

static size_t index_of(const struct milky_host *host, uint64_t self_id)
{
    size_t bot = 0;
    while (bot < host->bot_count && host->bots[bot] != self_id)
        bot++;
    return bot;
}

int milky_emit(struct milky_host *host, uint64_t self_id, const char *type, uint64_t time,
               yyjson_mut_val *data)
{
    const struct mk_event_type *known = mk_event_type_find(mk_slice_str(type));
    assert(known && mk_result_check(known->data, data, "event", type) == 0);
    size_t bot = index_of(host, self_id);
    if (bot == host->bot_count)
        return -ENOENT;
    host->last_event[bot]++;
    host->events = realloc(host->events, (host->event_count + 1) * sizeof(*host->events));
    assert(host->events);
    struct fake_event *event = &host->events[host->event_count++];
    *event = (struct fake_event){ .self_id = self_id, .time = time, .data = copy_of(data) };
    snprintf(event->type, sizeof(event->type), "%s", type);
    return 0;
}

int milky_emit_again(struct milky_host *host, uint64_t self_id, uint64_t number, const char *type,
                     uint64_t time, yyjson_mut_val *data)
{
    size_t bot = index_of(host, self_id);
    if (bot == host->bot_count)
        return -ENOENT;
    if (number == 0)
        return -EINVAL;
    if (number <= host->last_event[bot])
        return MILKY_REPEATED;
    host->last_event[bot] = number - 1;
    return milky_emit(host, self_id, type, time, data);
}

enum milky_state milky_host_state(const struct milky_host *host, uint64_t self_id)
{
    size_t bot = index_of(host, self_id);
    return bot < host->bot_count && !host->offline[bot] ? MILKY_STATE_ONLINE : MILKY_STATE_OFFLINE;
}

int milky_host_set_state(struct milky_host *host, uint64_t self_id, enum milky_state state,
                         const char *reason)
{
    size_t bot = index_of(host, self_id);
    assert(bot < host->bot_count);
    bool was_offline = host->offline[bot];
    host->offline[bot] = state == MILKY_STATE_OFFLINE;
    if (was_offline || !host->offline[bot])
        return 0;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, data, "reason", reason);
    milky_emit(host, self_id, "bot_offline", host->backend->table->now(host->backend->self), data);
    yyjson_mut_doc_free(doc);
    for (struct fake_call *call = host->calls, *next; call; call = next) {
        next = call->next;
        if (call->self_id == self_id)
            cancel(call, MILKY_OFFLINE);
    }
    return 0;
}

int milky_host_supports(struct milky_host *host, uint64_t self_id, const char *const *names,
                        size_t count)
{
    assert(self_id == 0);
    free(host->supported);
    host->supported = calloc(milky_action_count(), sizeof(bool));
    assert(host->supported);
    for (size_t i = 0; i < count; i++)
        host->supported[milky_action_number(names[i])] = true;
    return 0;
}

int milky_host_set_impl(struct milky_host *host, uint64_t self_id, const struct milky_impl *impl)
{
    assert(self_id == 0 && impl->size == sizeof(*impl));
    host->impl = *impl;
    return 0;
}

void fake_host_stop(struct milky_host *host)
{
    while (host->calls)
        cancel(host->calls, MILKY_INTERNAL);
}

static void answer_impl(struct milky_host *host, struct fake_call *call)
{
    yyjson_mut_val *data = yyjson_mut_obj(call->doc);
    yyjson_mut_obj_add_str(call->doc, data, "impl_name", host->impl.impl_name);
    yyjson_mut_obj_add_str(call->doc, data, "impl_version", host->impl.impl_version);
    yyjson_mut_obj_add_str(call->doc, data, "qq_protocol_version", host->impl.qq_protocol_version);
    yyjson_mut_obj_add_str(call->doc, data, "qq_protocol_type", host->impl.qq_protocol_type);
    yyjson_mut_obj_add_str(call->doc, data, "milky_version", "1.2");
    milky_call_ok(host, call->id, data);
}

void fake_host_fini(struct milky_host *host)
{
    free(host->supported);
    host->supported = NULL;
}

void milky_host_lost_events(struct milky_host *host)
{
    (void)host; /* it knows its numbers */
}

uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id)
{
    for (size_t i = 0; i < host->bot_count; i++)
        if (host->bots[i] == self_id)
            return host->last_event[i];
    return 0;
}

int milky_host_flush(struct milky_host *host)
{
    host->flushes++;
    return host->flush_error;
}

const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count)
{
    *count = host->bot_count;
    return host->bots;
}

int milky_host_drop_connections(struct milky_host *host, uint64_t self_id)
{
    host->dropped = self_id;
    host->drops++;
    return 0;
}

bool milky_host_wants_own_messages(const struct milky_host *host, uint64_t self_id)
{
    (void)self_id;
    return host->own_messages;
}

enum milky_language milky_host_language(const struct milky_host *host)
{
    return host->language;
}

struct uv_loop_s *milky_host_loop(const struct milky_host *host)
{
    return (struct uv_loop_s *)host->loop;
}

int milky_host_resource_url(const struct milky_host *host, uint64_t self_id, const char *token,
                            const char *name, char *url, size_t size)
{
    (void)host;
    int len = snprintf(url, size, "http://%llu.test/resource/%s/%s", (unsigned long long)self_id,
                       token, name);
    return (size_t)len < size ? 0 : -ENOBUFS;
}

void fake_host_forget(struct milky_host *host)
{
    for (size_t i = 0; i < host->event_count; i++)
        yyjson_doc_free(host->events[i].data);
    free(host->events);
    host->events = NULL;
    host->event_count = 0;
}

static bool ration(struct rationed *memory)
{
    if (memory->left == 1)
        return false;
    if (memory->left > 1)
        memory->left--;
    return true;
}

static void *rationed_malloc(void *context, size_t size)
{
    return ration(context) ? malloc(size) : NULL;
}

static void *rationed_realloc(void *context, void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return ration(context) ? realloc(old, size) : NULL;
}

static void rationed_free(void *context, void *piece)
{
    (void)context;
    free(piece);
}

static struct fake_call *new_call(struct milky_host *host, const struct mk_action *known,
                                  const char *action, uint64_t self_id, const char *params,
                                  struct fake_reply *reply)
{
    struct fake_call *call = calloc(1, sizeof(*call));
    assert(call);
    *reply = (struct fake_reply){ 0 };
    *call = (struct fake_call){ .next = host->calls,
                                .id = ++host->last_call,
                                .number = known ? known->number : SIZE_MAX,
                                .host = host,
                                .action = known ? known->name.ptr : action,
                                .self_id = self_id,
                                .reply = reply };
    host->calls = call;
    mk_arena_init(&call->arena);
    yyjson_read_err error;
    call->given = mk_json_read(mk_slice_str(params), NULL, &error);
    assert(call->given); /* the test's own params */
    call->memory.alc =
        (yyjson_alc){ rationed_malloc, rationed_realloc, rationed_free, &call->memory };
    call->doc = yyjson_mut_doc_new(&call->memory.alc);
    if (host->memory > 0) { /* small pools: each piece of memory is asked for */
        yyjson_mut_doc_set_str_pool_size(call->doc, 16);
        yyjson_mut_doc_set_val_pool_size(call->doc, 2);
    }
    return call;
}

void fake_call(struct milky_host *host, const struct fake_backend *backend, uint64_t self_id,
               const char *action, const char *params, struct fake_reply *reply)
{
    const struct mk_action *known = mk_action_find(MK_DIALECT_NEWEST, mk_slice_str(action));
    assert(known);
    struct fake_call *call = new_call(host, known, action, self_id, params, reply);
    struct mk_request request;
    int verdict =
        mk_validate(known, yyjson_doc_get_root(call->given), call->doc, &call->arena, &request);
    call->params = request.params;
    call->memory.left = host->memory;
    host->backend = backend;
    if (verdict != MK_VALID)
        milky_call_fail(host, call->id, MILKY_MALFORMED, "%.*s", (int)request.problem.len,
                        request.problem.ptr);
    else if (index_of(host, self_id) < host->bot_count &&
             milky_host_state(host, self_id) == MILKY_STATE_OFFLINE)
        milky_call_fail(host, call->id, MILKY_OFFLINE, "the bot is offline");
    else if (strcmp(action, "get_impl_info") == 0)
        answer_impl(host, call);
    else if (host->supported && !host->supported[known->number])
        milky_call_fail(host, call->id, MILKY_NOT_SUPPORTED, "%s", action);
    else
        backend->table->call(backend->self, call->id);
}

void fake_control(struct milky_host *host, const struct fake_backend *backend, const char *action,
                  const char *params, struct fake_reply *reply)
{
    const struct mk_operation_found found =
        mk_operation_find(backend->table->operations, mk_slice_str(action));
    struct fake_call *call = new_call(host, NULL, action, 0, params, reply);
    struct mk_operation_request request = { 0 };
    int verdict = MK_VALID;
    call->memory.left = host->memory;
    host->backend = backend;
    if (found.operation || found.api)
        verdict = mk_operation_check(&found, yyjson_doc_get_root(call->given), call->doc,
                                     &call->arena, &request);
    call->action = request.name;
    call->number = request.number;
    call->self_id = request.actor;
    call->params = request.params;
    if (!found.operation && !found.api)
        milky_call_fail(host, call->id, MILKY_UNKNOWN, "no such operation: %s", action);
    else if (verdict < 0)
        milky_call_fail(host, call->id, MILKY_INTERNAL, "out of memory");
    else if (verdict != MK_VALID)
        milky_call_fail(host, call->id, MILKY_MALFORMED, "%.*s", (int)request.problem.len,
                        request.problem.ptr);
    else
        backend->table->control(backend->self, call->id);
}

void fake_ask_resource(struct milky_host *host, const struct fake_backend *backend,
                       const char *token, struct fake_resource *answer)
{
    *answer = (struct fake_resource){ .fd = -1 };
    host->answer = answer;
    host->resource = 1;
    backend->table->resource(backend->self, 1, token);
    assert(host->resource == 0);
}

int milky_resource_fd(struct milky_host *host, uint64_t request, int fd, const char *content_type)
{
    assert(request == host->resource);
    host->resource = 0;
    host->answer->fd = fd;
    snprintf(host->answer->content_type, sizeof(host->answer->content_type), "%s", content_type);
    return 0;
}

int milky_resource_fail(struct milky_host *host, uint64_t request, unsigned status,
                        const char *message)
{
    assert(request == host->resource && message);
    host->resource = 0;
    host->answer->status = status;
    return 0;
}

void fake_reply_fini(struct fake_reply *reply)
{
    yyjson_doc_free(reply->data);
    *reply = (struct fake_reply){ 0 };
}
