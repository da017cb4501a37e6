/* host: the life cycle of a backend in an endpoint, and the path of calls to it. See the header. */
#include "host/host.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "protocol/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOG_LATE_MS = 10 * 1000 };

/* --- accounts --- */

/*
 * Passes a call to the backend under a new number; host/call.c handles its answers. Returns the
 * slot if the call is still open then, else NULL.
 */
static struct mk_slot *pass_to_backend(struct milky_host *host, struct mk_call *call,
                                       void (*run)(void *self, uint64_t call))
{
    if (host->closed) {
        mk_call_end(call, MK_OUTCOME_DONE, MILKY_INTERNAL, MK_SLICE("the backend has ended"));
        return NULL;
    }
    struct mk_slot *slot = mk_calls_add(&host->calls, call);
    if (!slot) {
        mk_call_end(call, MK_OUTCOME_DONE, MILKY_INTERNAL, MK_SLICE("out of memory"));
        return NULL;
    }
    uint64_t number = slot->number;
    run(host->self, number);
    return slot->number == number ? slot : NULL;
}

/* Logs one line per interval, however many calls are late. */
static void log_late(struct milky_host *host, const struct mk_call *call)
{
    uint64_t now = mk_loop_now(host->owner->loop);
    host->late++;
    if (host->late_logged && now - host->late_logged < LOG_LATE_MS)
        return;
    host->late_logged = now;
    mk_log_warn(host->name, "%s was not answered within %llu s (late calls so far: %llu)",
                "%s 在 %llu 秒内没有应答（迄今超时的调用：%llu）", call->name,
                (unsigned long long)(host->owner->call_ms / 1000), (unsigned long long)host->late);
}

static void on_deadline(struct mk_timeout *timeout)
{
    struct mk_slot *slot = MK_CONTAINER_OF(timeout, struct mk_slot, deadline);
    struct milky_host *host = MK_CONTAINER_OF(slot->calls, struct milky_host, calls);
    log_late(host, slot->call);
    mk_host_cancel(host, slot, MILKY_INTERNAL, MK_SLICE("timed out"));
}

static void on_call(struct mk_call_target *target, struct mk_call *call)
{
    struct mk_account *account = MK_CONTAINER_OF(target, struct mk_account, target);
    struct milky_host *host = account->host;
    if (mk_host_intercept(account, call))
        return;
    struct mk_slot *slot = pass_to_backend(host, call, host->table.call);
    if (slot)
        mk_timeout_arm(&host->deadlines, &slot->deadline);
}

static void end_orphan(struct milky_host *host, struct mk_call *call)
{
    struct mk_slot *slot = mk_calls_find(&host->calls, call->ticket);
    if (slot)
        mk_host_cancel(host, slot, MK_CALL_GONE, MK_SLICE(""));
}

static void on_caller_gone(struct mk_call_target *target, struct mk_call *call)
{
    end_orphan(MK_CONTAINER_OF(target, struct mk_account, target)->host, call);
}

void mk_account_init(struct mk_account *account, struct milky_host *host, struct mk_hub *hub,
                     uint64_t self_id)
{
    *account = (struct mk_account){
        .target = { .call = on_call, .caller_gone = on_caller_gone },
        .host = host,
        .hub = hub,
        .self_id = self_id,
        .since = mk_clock_real_ms(),
    };
}

void mk_account_fini(struct mk_account *account)
{
    free(account->reason);
    mk_capabilities_fini(&account->capabilities);
}

int mk_roster_init(struct mk_roster *roster, size_t most)
{
    *roster = (struct mk_roster){ .room = most };
    roster->accounts = calloc(most + 1, sizeof(struct mk_account *));
    roster->self_ids = calloc(most + 1, sizeof(uint64_t));
    if (roster->accounts && roster->self_ids)
        return 0;
    mk_roster_fini(roster);
    return -ENOMEM;
}

void mk_roster_add(struct mk_roster *roster, struct mk_account *account)
{
    roster->accounts[roster->count] = account;
    roster->self_ids[roster->count++] = account->self_id;
}

void mk_roster_fini(struct mk_roster *roster)
{
    free(roster->accounts);
    free(roster->self_ids);
    *roster = (struct mk_roster){ 0 };
}

struct mk_account *mk_host_find(const struct milky_host *host, uint64_t self_id)
{
    for (size_t i = 0; i < host->roster.count; i++)
        if (host->roster.self_ids[i] == self_id)
            return host->roster.accounts[i];
    return NULL;
}

/* --- operators' requests --- */

/* Operators' requests have no deadline: loading a world may take long. */
static void on_control(struct mk_call_target *target, struct mk_call *call)
{
    struct milky_host *host = MK_CONTAINER_OF(target, struct milky_host, requests);
    pass_to_backend(host, call, host->table.control);
}

static void on_operator_gone(struct mk_call_target *target, struct mk_call *call)
{
    end_orphan(MK_CONTAINER_OF(target, struct milky_host, requests), call);
}

/* --- life --- */

/*
 * Returns the error of a table, or NULL. A table of an older header is shorter, but includes
 * `call`.
 */
static const char *table_error(const struct milky_backend *backend)
{
    size_t least = offsetof(struct milky_backend, call) + sizeof(backend->call);
    if (backend->size < least)
        return mk_tr("its table is too short: `size` must be sizeof(struct milky_backend)",
                     "它的表过短：`size` 应为 sizeof(struct milky_backend)");
    if (!backend->name)
        return mk_tr("its table has no name", "它的表没有名称");
    if (!backend->call)
        return mk_tr("its table has no function `call`", "它的表没有函数 `call`");
    return NULL;
}

/* Copies the table as far as it goes; the rest is NULL. */
static struct milky_backend copy_of(const struct milky_backend *backend)
{
    struct milky_backend table = { 0 };
    memcpy(&table, backend, backend->size < sizeof(table) ? backend->size : sizeof(table));
    return table;
}

bool mk_host_has_free(const struct milky_backend *backend)
{
    return copy_of(backend).free != NULL;
}

void mk_host_free_backend(const struct milky_backend *backend, void *self)
{
    struct milky_backend table = copy_of(backend);
    if (table.free)
        table.free(self);
}

/* On failure only the host itself has to be freed. */
static int init_parts(struct milky_host *host, struct mk_host_owner *owner, const char *name)
{
    host->owner = owner;
    host->impl_action = (size_t)milky_action_number("get_impl_info");
    mk_calls_init(&host->calls);
    mk_calls_init(&host->resources);
    host->name = mk_slice_dup(mk_slice_str(name));
    host->last_error = calloc(1, MK_HOST_ERROR_MAX);
    int rc = host->name && host->last_error ? 0 : -ENOMEM;
    if (rc == 0)
        rc = mk_posts_init(&host->posts, owner->loop->uv);
    if (rc == 0) {
        rc = mk_timeouts_init(&host->deadlines, owner->loop, owner->call_ms, on_deadline);
        if (rc < 0) {
            mk_posts_close(&host->posts);
            mk_posts_fini(&host->posts);
        }
    }
    if (rc < 0) {
        free(host->name);
        free(host->last_error);
    }
    return rc;
}

int mk_host_new(struct mk_host_owner *owner, const char *name, const struct milky_backend *backend,
                void *self, struct milky_host **result, const char **why)
{
    struct milky_backend table = copy_of(backend);
    *why = table_error(&table);
    struct milky_host *host = *why ? NULL : calloc(1, sizeof(*host));
    int rc = *why ? -EINVAL : host ? init_parts(host, owner, name) : -ENOMEM;
    if (rc < 0) {
        free(host);
        mk_host_free_backend(backend, self);
        return rc;
    }
    host->table = table;
    host->backend = backend;
    host->self = self;
    host->requests = (struct mk_call_target){
        .control = table.control ? on_control : NULL,
        .operations = table.operations,
        .caller_gone = on_operator_gone,
    };
    mk_dispatch_init(&host->dispatch, &host->requests, 0);
    *result = host;
    return 0;
}

int mk_host_start(struct milky_host *host)
{
    int rc = host->table.start ? host->table.start(host->self, host) : 0;
    host->started = rc == 0;
    return rc;
}

void mk_host_close(struct milky_host *host)
{
    host->closed = true;
    for (uint32_t i = 0; i < host->calls.count; i++) {
        struct mk_slot *slot = mk_calls_at(&host->calls, i);
        if (slot->state == MK_SLOT_OPEN && slot->call->dispatch == &host->dispatch)
            mk_timeout_arm(&host->deadlines, &slot->deadline);
    }
}

static size_t count_open(const struct mk_calls *calls)
{
    size_t count = 0;
    for (uint32_t i = 0; i < calls->count; i++)
        count += mk_calls_at(calls, i)->state == MK_SLOT_OPEN;
    return count;
}

struct mk_host_load mk_host_load(const struct milky_host *host)
{
    return (struct mk_host_load){ count_open(&host->calls), count_open(&host->resources) };
}

void mk_host_fail_all(struct milky_host *host, const char *message)
{
    for (uint32_t i = 0; i < host->calls.count; i++) {
        struct mk_slot *slot = mk_calls_at(&host->calls, i);
        if (slot->state == MK_SLOT_OPEN)
            mk_host_cancel(host, slot, MILKY_INTERNAL, mk_slice_str(message));
    }
    mk_host_fail_resources(host, message);
}

void mk_host_turn_end(struct milky_host *host)
{
    if (host->started && !host->stopped && host->table.turn_end)
        host->table.turn_end(host->self);
}

bool mk_host_has_bots(const struct milky_host *host, const struct mk_roster *roster)
{
    size_t count = roster->count;
    return host->roster.accounts && host->roster.count == count &&
           memcmp(host->roster.accounts, roster->accounts, count * sizeof(*roster->accounts)) == 0;
}

void mk_host_set_bots(struct milky_host *host, struct mk_roster *roster)
{
    struct mk_roster old = host->roster;
    host->roster = *roster;
    *roster = old;
    if (host->started && host->table.bots_changed)
        host->table.bots_changed(host->self);
}

bool mk_host_notify_stored(struct milky_host *host)
{
    bool stored = host->unstored;
    host->unstored = false;
    if (stored && !host->ended && host->table.events_stored)
        host->table.events_stored(host->self);
    return host->unstored;
}

void mk_host_stop(struct milky_host *host)
{
    if (host->stopped)
        return;
    host->closed = host->stopped = true;
    mk_posts_close(&host->posts);
    mk_host_fail_all(host, "the backend has ended");
}

void mk_host_end(struct milky_host *host)
{
    mk_host_stop(host);
    if (host->ended)
        return;
    host->ended = true;
    if (host->table.free)
        host->table.free(host->self);
    for (uint32_t i = 0; i < host->calls.count; i++) {
        struct mk_slot *slot = mk_calls_at(&host->calls, i);
        if (slot->state == MK_SLOT_FREE)
            continue;
        mk_call_free(slot->call);
        mk_calls_remove(&host->calls, slot);
    }
    mk_timeouts_fini(&host->deadlines);
}

struct milky_host *mk_host_free(struct milky_host *host)
{
    if (!host)
        return NULL;
    mk_host_end(host);
    mk_calls_fini(&host->calls);
    mk_calls_fini(&host->resources);
    mk_posts_fini(&host->posts);
    mk_dispatch_fini(&host->dispatch);
    mk_roster_fini(&host->roster);
    mk_capabilities_fini(&host->capabilities);
    free(host->name);
    free(host->last_error);
    free(host);
    return NULL;
}

/* --- queries of a backend about the endpoint --- */

const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count)
{
    *count = host->roster.count;
    return host->roster.self_ids;
}

const char *milky_host_name(const struct milky_host *host)
{
    return host->name;
}

void milky_host_log(const struct milky_host *host, int level, const char *text)
{
    if (level < MK_LOG_ERROR || level > MK_LOG_DEBUG)
        level = level < MK_LOG_ERROR ? MK_LOG_ERROR : MK_LOG_DEBUG;
    mk_log((enum mk_log_level)level, host->name, "%s", "%s", text);
    if (level == MK_LOG_ERROR && !host->started)
        snprintf(host->last_error, MK_HOST_ERROR_MAX, "%s", text);
}

bool milky_host_wants_own_messages(const struct milky_host *host, uint64_t self_id)
{
    const struct mk_account *account = mk_host_find(host, self_id);
    return account && account->hub->own_messages;
}

enum milky_language milky_host_language(const struct milky_host *host)
{
    return host->owner->language;
}

struct uv_loop_s *milky_host_loop(const struct milky_host *host)
{
    return host->owner->loop->uv;
}

int milky_host_post(struct milky_host *host, void (*run)(void *arg), void *arg)
{
    return mk_posts_add(&host->posts, run, arg);
}

int milky_host_drop_connections(struct milky_host *host, uint64_t self_id)
{
    struct mk_account *account = mk_host_find(host, self_id);
    if (!account)
        return -ENOENT;
    host->owner->drop(host->owner, account);
    return 0;
}

int milky_host_resource_url(const struct milky_host *host, uint64_t self_id, const char *token,
                            const char *name, char *url, size_t size)
{
    return host->owner->resource_url(host->owner, host, mk_host_find(host, self_id), token, name,
                                     url, size);
}
