/*
 * state: the functions of milky/backend.h by which a backend declares whether a bot is online,
 * which actions it supports and its implementation, and the calls that the host answers
 * accordingly.
 */
#include "host/host.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error_text.h"
#include "base/log.h"
#include "protocol/call.h"
#include "protocol/text.h"

#include <errno.h>
#include <milky/json.h>
#include <stdlib.h>

enum { LONGEST_REASON = 4096 };

/* --- capabilities --- */

struct mk_impl {
    char *name;
    char *version;
    char *protocol_version;
    char *protocol_type;
};

static void free_impl(struct mk_impl *impl)
{
    if (!impl)
        return;
    free(impl->name);
    free(impl->version);
    free(impl->protocol_version);
    free(impl->protocol_type);
    free(impl);
}

void mk_capabilities_fini(struct mk_capabilities *capabilities)
{
    free(capabilities->actions);
    free_impl(capabilities->impl);
    *capabilities = (struct mk_capabilities){ 0 };
}

/* Returns those of one bot, or of the host; NULL if there is no such bot. */
static struct mk_capabilities *capabilities_of(struct milky_host *host, uint64_t self_id)
{
    struct mk_account *account = self_id ? mk_host_find(host, self_id) : NULL;
    if (self_id && !account)
        return NULL;
    return account ? &account->capabilities : &host->capabilities;
}

/* A declaration for all bots replaces those of single bots. */
static void clear_bot_settings(struct milky_host *host,
                               void (*forget)(struct mk_capabilities *capabilities))
{
    for (size_t i = 0; i < host->roster.count; i++)
        forget(&host->roster.accounts[i]->capabilities);
}

static void forget_actions(struct mk_capabilities *capabilities)
{
    free(capabilities->actions);
    capabilities->actions = NULL;
}

static void forget_impl(struct mk_capabilities *capabilities)
{
    free_impl(capabilities->impl);
    capabilities->impl = NULL;
}

static bool has_bit(const uint64_t *bits, size_t number)
{
    return bits[number / 64] >> number % 64 & 1;
}

int milky_host_supports(struct milky_host *host, uint64_t self_id, const char *const *actions,
                        size_t count)
{
    struct mk_capabilities *capabilities = capabilities_of(host, self_id);
    if (!capabilities)
        return -ENOENT;
    uint64_t *bits = calloc(milky_action_count() / 64 + 1, sizeof(*bits));
    if (!bits)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int number = actions[i] ? milky_action_number(actions[i]) : -1;
        if (number < 0) {
            mk_log_error(host->name, "the backend supports an unknown action: \"%s\"",
                         "后端支持的 API 未知：\"%s\"", actions[i] ? actions[i] : "");
            free(bits);
            return -EINVAL;
        }
        bits[number / 64] |= UINT64_C(1) << number % 64;
    }
    if (self_id == 0)
        clear_bot_settings(host, forget_actions);
    free(capabilities->actions);
    capabilities->actions = bits;
    return 0;
}

/* --- the implementation --- */

static yyjson_mut_val *describe(const struct mk_impl *impl, yyjson_mut_doc *doc)
{
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_strcpy(doc, result, "impl_name", impl->name) &&
        yyjson_mut_obj_add_strcpy(doc, result, "impl_version", impl->version) &&
        yyjson_mut_obj_add_strcpy(doc, result, "qq_protocol_version", impl->protocol_version) &&
        yyjson_mut_obj_add_strcpy(doc, result, "qq_protocol_type", impl->protocol_type) &&
        yyjson_mut_obj_add_str(doc, result, "milky_version", mk_dialect_name(MK_DIALECT_NEWEST));
    return ok ? result : NULL;
}

/* Checks it as a result of get_impl_info: all texts are UTF-8, and the type is in the table. */
static int check_impl(const struct milky_host *host, const struct mk_impl *impl)
{
    char problem[256] = "";
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *result = doc ? describe(impl, doc) : NULL, *checked;
    char *text = result ? yyjson_mut_val_write(result, 0, NULL) : NULL; /* NULL for invalid UTF-8 */
    int rc = result ? text ? 0 : -EINVAL : -ENOMEM;
    if (rc == 0)
        rc = milky_check_result("get_impl_info", result, doc, &checked, problem, sizeof(problem));
    if (rc == -EINVAL)
        mk_log_error(host->name, "the backend described itself wrongly: %s",
                     "后端的自我描述有误：%s",
                     text ? problem : mk_tr("a text is not UTF-8", "文本不是 UTF-8"));
    free(text);
    yyjson_mut_doc_free(doc);
    return rc;
}

static struct mk_impl *copy_impl(const struct milky_impl *from)
{
    struct milky_impl given = { 0 };
    memcpy(&given, from, from->size < sizeof(given) ? from->size : sizeof(given));
    struct mk_impl *impl = calloc(1, sizeof(*impl));
    if (!impl)
        return NULL;
    impl->name = mk_slice_dup(mk_slice_str(given.impl_name));
    impl->version = mk_slice_dup(mk_slice_str(given.impl_version));
    impl->protocol_version = mk_slice_dup(mk_slice_str(given.qq_protocol_version));
    impl->protocol_type = mk_slice_dup(mk_slice_str(given.qq_protocol_type));
    if (impl->name && impl->version && impl->protocol_version && impl->protocol_type)
        return impl;
    free_impl(impl);
    return NULL;
}

int milky_host_set_impl(struct milky_host *host, uint64_t self_id, const struct milky_impl *impl)
{
    struct mk_capabilities *capabilities = capabilities_of(host, self_id);
    if (!capabilities)
        return -ENOENT;
    struct mk_impl *copy = copy_impl(impl);
    int rc = copy ? check_impl(host, copy) : -ENOMEM;
    if (rc < 0) {
        free_impl(copy);
        return rc;
    }
    if (self_id == 0)
        clear_bot_settings(host, forget_impl);
    free_impl(capabilities->impl);
    capabilities->impl = copy;
    return 0;
}

/* --- calls that the host answers --- */

static const char *offline_message(const struct milky_host *host)
{
    return mk_tr_in((enum mk_language)host->owner->language, "the bot is offline", "Bot 已离线");
}

static void answer_impl(struct mk_call *call, const struct mk_impl *impl)
{
    yyjson_mut_val *result = describe(impl, call->doc);
    if (result)
        mk_call_ok(call, result);
    else
        mk_call_fail(call, MILKY_INTERNAL, "out of memory");
}

bool mk_host_intercept(struct mk_account *account, struct mk_call *call)
{
    const struct milky_host *host = account->host;
    const struct mk_capabilities *own = &account->capabilities, *all = &host->capabilities;
    const uint64_t *actions = own->actions ? own->actions : all->actions;
    const struct mk_impl *impl = own->impl ? own->impl : all->impl;
    if (account->state == MILKY_STATE_OFFLINE)
        mk_call_fail_text(call, MILKY_OFFLINE, mk_slice_str(offline_message(host)));
    else if (impl && call->number == host->impl_action)
        answer_impl(call, impl);
    else if (actions && !has_bit(actions, call->number))
        mk_call_fail(call, MILKY_NOT_SUPPORTED,
                     mk_tr_in((enum mk_language)host->owner->language,
                              "the backend %s does not support %s", "后端 %s 不支持 %s"),
                     host->name, call->name);
    else
        return false;
    return true;
}

/* --- online and offline --- */

/* Returns a copy on the heap, valid UTF-8, or NULL when out of memory. */
static char *copy_reason(const char *reason)
{
    struct mk_buf text;
    mk_buf_init(&text, 3 * LONGEST_REASON);
    struct mk_slice given = mk_slice_str(reason);
    if (given.len > LONGEST_REASON)
        given.len = LONGEST_REASON;
    char *copy = NULL;
    if (mk_text_write_repaired(&text, given) == 0)
        copy = mk_slice_dup(mk_buf_slice(&text));
    mk_buf_fini(&text);
    return copy;
}

static int emit_offline(struct mk_account *account)
{
    struct milky_host *host = account->host;
    uint64_t now = host->table.now ? host->table.now(host->self) : mk_clock_real_ms() / 1000;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = doc ? yyjson_mut_obj(doc) : NULL;
    int rc = -ENOMEM;
    if (yyjson_mut_obj_add_str(doc, data, "reason", account->reason))
        rc = milky_emit(host, account->self_id, "bot_offline", now, data);
    yyjson_mut_doc_free(doc);
    return rc;
}

static void end_calls(struct mk_account *account)
{
    struct milky_host *host = account->host;
    for (uint32_t i = 0; i < host->calls.count; i++) {
        struct mk_slot *slot = mk_calls_at(&host->calls, i);
        if (slot->state == MK_SLOT_OPEN && slot->call->dispatch->target == &account->target)
            mk_host_cancel(host, slot, MILKY_OFFLINE, mk_slice_str(offline_message(host)));
    }
}

static void log_state(const struct mk_account *account)
{
    const char *name = account->host->name;
    unsigned long long self_id = account->self_id;
    if (account->state == MILKY_STATE_ONLINE)
        mk_log_info(name, "bot %llu is online again", "Bot %llu 已恢复在线", self_id);
    else if (*account->reason)
        mk_log_info(name, "bot %llu is offline: %s", "Bot %llu 已离线：%s", self_id,
                    account->reason);
    else
        mk_log_info(name, "bot %llu is offline", "Bot %llu 已离线", self_id);
}

int milky_host_set_state(struct milky_host *host, uint64_t self_id, enum milky_state state,
                         const char *reason)
{
    struct mk_account *account = mk_host_find(host, self_id);
    if (!account)
        return -ENOENT;
    bool is_offline = state != MILKY_STATE_ONLINE;
    bool was_offline = account->state != MILKY_STATE_ONLINE;
    char *copy = is_offline ? copy_reason(reason) : NULL;
    if (is_offline && !copy)
        return -ENOMEM;
    free(account->reason);
    account->reason = copy;
    if (is_offline == was_offline)
        return 0;
    account->state = is_offline ? MILKY_STATE_OFFLINE : MILKY_STATE_ONLINE;
    account->since = mk_clock_real_ms();
    log_state(account);
    if (!is_offline)
        return 0;
    int rc = emit_offline(account);
    if (rc < 0)
        mk_log_error(host->name, "bot_offline of bot %llu was lost: %s",
                     "Bot %llu 的 bot_offline 事件丢失：%s", (unsigned long long)self_id,
                     mk_error_text(-rc));
    end_calls(account);
    return 0;
}

enum milky_state milky_host_state(const struct milky_host *host, uint64_t self_id)
{
    const struct mk_account *account = mk_host_find(host, self_id);
    return account ? account->state : MILKY_STATE_OFFLINE;
}
