/*
 * call: the functions of milky/backend.h and milky/json.h about calls. Each looks up the number
 * that the backend passes: an invalid one is refused, and affects no other call.
 */
#include "host/host.h"

#include "base/json.h"
#include "base/json_error.h"
#include "base/log.h"
#include "host/cache.h"
#include "protocol/call.h"

#include <errno.h>
#include <milky/json.h>

enum { LONGEST_RESULT = 64 * 1024 * 1024 };

/* --- ending --- */

void mk_host_cancel(struct milky_host *host, struct mk_slot *slot, int retcode,
                    struct mk_slice message)
{
    uint64_t number = slot->number;
    mk_timeout_disarm(&slot->deadline);
    slot->number = MK_NO_CALL;
    slot->unanswered = true;
    slot->state = host->table.cancelled ? MK_SLOT_ENDING : MK_SLOT_HELD;
    mk_call_abandon(slot->call, retcode, message);
    if (!host->table.cancelled)
        return;
    host->table.cancelled(host->self, number);
    mk_call_free(slot->call);
    mk_calls_remove(&host->calls, slot);
}

/*
 * The log level of a mistake of the backend: an error only the first time, to keep the log short.
 */
static enum mk_log_level mistake_level(struct milky_host *host)
{
    enum mk_log_level level = host->misuse_logged ? MK_LOG_DEBUG : MK_LOG_ERROR;
    host->misuse_logged = true;
    return level;
}

/* Logs that the backend has used a call that is not open. Returns -ENOENT. */
static int refuse_call(struct milky_host *host, uint64_t number)
{
    struct mk_slot *slot = mk_calls_trace(&host->calls, number);
    if (!slot) {
        mk_log(mistake_level(host), host->name,
               "the backend has answered a call that never was: %llx",
               "后端应答了不存在的调用：%llx", (unsigned long long)number);
        return -ENOENT;
    }
    bool is_last = slot->generation == (uint32_t)(number >> 32);
    if (is_last && slot->state == MK_SLOT_HELD) { /* it no longer needs the borrowed data */
        mk_call_free(slot->call);
        mk_calls_remove(&host->calls, slot);
    } else if (is_last && !slot->unanswered) {
        mk_log(mistake_level(host), host->name,
               "the backend has answered a call that it had answered before: %llx",
               "后端重复应答了一个调用：%llx", (unsigned long long)number);
        return -ENOENT;
    }
    mk_log_debug(host->name, "an answer came too late: %llx", "应答来得太晚：%llx",
                 (unsigned long long)number);
    return -ENOENT;
}

/*
 * Returns the open call of this number, and removes it from the table; NULL if it is not open.
 * `claims` gets the uploads that it has used.
 */
static struct mk_call *take_with(struct milky_host *host, uint64_t number,
                                 struct mk_cache_claim **claims)
{
    struct mk_slot *slot = mk_calls_find(&host->calls, number);
    if (!slot)
        return NULL;
    struct mk_call *call = slot->call;
    if (claims) {
        *claims = slot->claims;
        slot->claims = NULL;
    }
    mk_calls_remove(&host->calls, slot);
    return call;
}

static struct mk_call *take(struct milky_host *host, uint64_t number)
{
    return take_with(host, number, NULL);
}

/* Uploads that are for one use go when the call has succeeded. */
static int succeed(struct mk_call *call, yyjson_mut_val *data, struct mk_cache_claim *claims)
{
    int rc = mk_call_ok(call, data);
    if (claims)
        mk_cache_settle(&claims, rc == 0);
    return rc;
}

/* --- answering --- */

int milky_call_ok(struct milky_host *host, uint64_t number, yyjson_mut_val *data)
{
    struct mk_cache_claim *claims = NULL;
    struct mk_call *call = take_with(host, number, &claims);
    return call ? succeed(call, data, claims) : refuse_call(host, number);
}

/* Reads a value into the call's own document. Returns 0; -EINVAL, logged; -ENOMEM. */
static int read_result(struct mk_call *call, struct mk_slice json, yyjson_mut_val **data)
{
    yyjson_alc alc = mk_json_alc(&call->arena);
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS, .msg = NULL };
    yyjson_doc *doc = json.len <= LONGEST_RESULT ? mk_json_read(json, &alc, &error) : NULL;
    *data = doc ? yyjson_val_mut_copy(call->doc, yyjson_doc_get_root(doc)) : NULL;
    if (*data)
        return 0;
    if (doc || error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return -ENOMEM;
    mk_log_error("host", "result of %s, made by the backend, at byte %zu: %s",
                 "后端给出的 %s 的结果，第 %zu 字节：%s", call->name, error.pos,
                 error.msg ? mk_json_error_text(mk_language_get(), &error)
                           : mk_tr("longer than 64 MiB", "超过 64 MiB"));
    return -EINVAL;
}

int milky_call_ok_json(struct milky_host *host, uint64_t number, const char *json, size_t len)
{
    struct mk_cache_claim *claims = NULL;
    struct mk_call *call = take_with(host, number, &claims);
    yyjson_mut_val *data = NULL;
    if (!call)
        return refuse_call(host, number);
    int rc = json ? read_result(call, mk_slice_of(json, len), &data) : 0;
    if (rc == 0)
        return succeed(call, data, claims);
    mk_cache_settle(&claims, false);
    mk_call_fail(call, MILKY_INTERNAL, "%s",
                 rc == -ENOMEM ? "out of memory" : "the backend made a result that is no JSON");
    return rc;
}

int milky_call_fail_text(struct milky_host *host, uint64_t number, int retcode, const char *message)
{
    struct mk_call *call = take(host, number);
    if (!call)
        return refuse_call(host, number);
    mk_call_fail_text(call, retcode, mk_slice_str(message));
    return 0;
}

int milky_call_fail(struct milky_host *host, uint64_t number, int retcode, const char *format, ...)
{
    struct mk_call *call = take(host, number);
    if (!call)
        return refuse_call(host, number);
    va_list args;
    va_start(args, format);
    mk_call_fail_v(call, retcode, format, args);
    va_end(args);
    return 0;
}

/* --- uploads --- */

int milky_call_cached(struct milky_host *host, uint64_t number, const char *uri)
{
    struct mk_slot *slot = mk_calls_find(&host->calls, number);
    struct mk_cache *cache = host->owner->cache;
    if (!slot || !cache)
        return -ENOENT;
    return mk_cache_claim(cache, slot->call->dispatch->self_id, number, mk_slice_str(uri),
                          &slot->claims);
}

/* --- reading --- */

static const struct mk_call *find(const struct milky_host *host, uint64_t number)
{
    const struct mk_slot *slot = mk_calls_find(&host->calls, number);
    return slot ? slot->call : NULL;
}

bool milky_call_open(const struct milky_host *host, uint64_t number)
{
    return mk_calls_find(&host->calls, number) != NULL;
}

size_t milky_call_number(const struct milky_host *host, uint64_t number)
{
    const struct mk_call *call = find(host, number);
    return call ? call->number : SIZE_MAX;
}

const char *milky_call_action(const struct milky_host *host, uint64_t number)
{
    const struct mk_call *call = find(host, number);
    return call ? call->name : "";
}

uint64_t milky_call_self_id(const struct milky_host *host, uint64_t number)
{
    const struct mk_call *call = find(host, number);
    return !call ? 0 : call->actor ? call->actor : call->dispatch->self_id;
}

yyjson_mut_val *milky_call_params(const struct milky_host *host, uint64_t number)
{
    const struct mk_call *call = find(host, number);
    return call ? call->params : NULL;
}

yyjson_mut_doc *milky_call_doc(const struct milky_host *host, uint64_t number)
{
    const struct mk_call *call = find(host, number);
    return call ? call->doc : NULL;
}

/* Writes a value as text to the call's arena; returns an empty slice when out of memory. */
static struct mk_slice write_text(struct mk_call *call, yyjson_mut_val *value)
{
    yyjson_alc alc = mk_json_alc(&call->arena);
    size_t len = 0;
    const char *json = yyjson_mut_val_write_opts(value, 0, &alc, &len, NULL);
    return mk_slice_of(json, len);
}

static const char *text_result(struct mk_slice text, size_t *len)
{
    if (len)
        *len = text.len;
    return text.ptr;
}

const char *milky_call_params_json(struct milky_host *host, uint64_t number, size_t *len)
{
    struct mk_slot *slot = mk_calls_find(&host->calls, number);
    struct mk_slice text = { 0 };
    if (slot && !slot->call->params_json.ptr)
        slot->call->params_json = write_text(slot->call, slot->call->params);
    if (slot)
        text = slot->call->params_json;
    return text_result(text.ptr ? text : MK_SLICE("{}"), len);
}

const char *milky_call_param_json(struct milky_host *host, uint64_t number, const char *name,
                                  size_t *len)
{
    struct mk_slot *slot = mk_calls_find(&host->calls, number);
    yyjson_mut_val *value = slot ? yyjson_mut_obj_get(slot->call->params, name) : NULL;
    return text_result(value ? write_text(slot->call, value) : (struct mk_slice){ 0 }, len);
}
