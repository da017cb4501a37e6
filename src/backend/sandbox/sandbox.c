/*
 * sandbox: the table of the backend: opens and closes the world, finds the handlers of calls (api/)
 * and of operators' requests (operator/, world/). turn/turn.c runs them.
 */
#include "backend/sandbox/sandbox.h"

#include "backend/sandbox/world/seed.h"

#include "backend/sandbox/api/features.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/operator/overview.h"
#include "backend/sandbox/store/move.h"
#include "backend/sandbox/turn/call_media.h"
#include "backend/sandbox/turn/operations.h"
#include "backend/sandbox/turn/turn.h"
#include "backend/sandbox/world/world.h"
#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <milky/version.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_REMEMBERED = 4096 }; /* bytes of a nickname; a longer one is looked up each time */

/* --- calls --- */

static struct sb_injected_fault next_fault(struct sb_sandbox *sandbox, const struct sb_call *call)
{
    static const struct sb_injected_fault none = { .message = "" };
    if (!sandbox->faults.first)
        return none;
    bool has_group = milky_has(call->params, "group_id");
    bool has_user = milky_has(call->params, "user_id");
    const struct sb_faulted_call faulted = {
        .self_id = call->self_id,
        .action = call->action,
        .group = has_group ? milky_uint(call->params, "group_id") : 0,
        .user = has_user ? milky_uint(call->params, "user_id") : 0,
        .now_ms = sb_clock_now_ms(&sandbox->db),
    };
    return sb_faults_next(&sandbox->faults, &faulted);
}

static void call_api(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    const struct milky_host *host = sandbox->host;
    size_t number = milky_call_number(host, call);
    struct sb_call made = {
        .id = call,
        .action = milky_call_action(host, call),
        .api = sandbox->apis[number],
        .takes_uris = milky_action_takes_uris(number),
        .self_id = milky_call_self_id(host, call),
        .doc = milky_call_doc(host, call),
        .params = milky_call_params(host, call),
    };
    struct sb_injected_fault fault = next_fault(sandbox, &made);
    made.delay_ms = fault.delay_ms;
    made.is_hidden = fault.is_hidden;
    if (fault.retcode)
        sb_turn_refuse(sandbox, &made, fault.retcode, fault.message);
    else
        sb_turn_run(sandbox, &made);
}

/*
 * Gives up a reply that is delayed and media that are being fetched. A call that is part of the
 * turn goes on: its events live in the memory of the call, so the turn is committed before that
 * memory is freed.
 */
static void cancelled(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    if (!sb_faults_cancel(&sandbox->faults, call) && !sb_call_media_cancel(sandbox, call) &&
        sb_outbox_has(&sandbox->outbox, call))
        sb_turn_commit(sandbox);
}

static void end_turn(void *self)
{
    sb_turn_end(self);
}

static uint64_t now(void *self)
{
    const struct sb_sandbox *sandbox = self;
    return sb_clock_now(&sandbox->db);
}

static void resource(void *self, uint64_t request, const char *token)
{
    struct sb_sandbox *sandbox = self;
    sb_media_resource(sandbox->media, request, token);
}

static void control(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    struct sb_call made = {
        .id = call,
        .action = milky_call_action(sandbox->host, call),
        .self_id = milky_call_self_id(sandbox->host, call),
        .doc = milky_call_doc(sandbox->host, call),
        .params = milky_call_params(sandbox->host, call),
        .takes_uris = true,
    };
    struct sb_request request;
    if (!sb_turn_reserve(sandbox, call))
        return;
    sb_turn_request(&request, sandbox, &made);
    int rc = sb_operator_find(&request, milky_call_number(sandbox->host, call), &made.api);
    made.params = request.params;
    if (rc == 0)
        sb_turn_run(sandbox, &made);
    else
        sb_turn_settle(&request, rc);
}

/* --- life --- */

/* Finds the handler of each API. A handler for a name that is no API is a bug. */
static int number_apis(struct sb_sandbox *sandbox)
{
    sandbox->apis = calloc(milky_action_count(), sizeof(*sandbox->apis));
    if (!sandbox->apis)
        return -ENOMEM;
    for (size_t i = 0; sb_features[i]; i++) {
        for (const struct sb_api *api = sb_features[i]->apis; api && api->name; api++) {
            int number = milky_action_number(api->name);
            if (number < 0) {
                mk_log_error("sandbox", "there is a handler for %s, which is not an API of Milky",
                             "有 %s 的处理函数，但它不是 Milky 的 API", api->name);
                return -EINVAL;
            }
            if (sandbox->apis[number]) {
                mk_log_error("sandbox", "there are two handlers for %s", "%s 有两个处理函数",
                             api->name);
                return -EINVAL;
            }
            sandbox->apis[number] = api;
        }
    }
    return 0;
}

/* Says which APIs the sandbox supports, and what it is. */
static int announce(struct sb_sandbox *sandbox)
{
    static const struct milky_impl impl = {
        .size = sizeof(impl),
        .impl_name = "milky",
        .impl_version = MILKY_VERSION,
        .qq_protocol_version = "sandbox",
        .qq_protocol_type = "linux",
    };
    const char **names = calloc(milky_action_count() + 1, sizeof(*names));
    size_t count = 0;
    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < milky_action_count(); i++)
        if (sandbox->apis[i])
            names[count++] = milky_action_name(i);
    int rc = milky_host_supports(sandbox->host, 0, names, count);
    free(names);
    return rc == 0 ? milky_host_set_impl(sandbox->host, 0, &impl) : rc;
}

static int start(void *self, struct milky_host *host)
{
    struct sb_sandbox *sandbox = self;
    sandbox->host = host;
    sandbox->faults.host = host;
    sandbox->outbox.delay = sb_faults_reply_later;
    sandbox->outbox.delay_arg = &sandbox->faults;
    mk_table_init(&sandbox->media_calls, 0);
    int rc = number_apis(sandbox);
    bool is_new = false;
    if (rc == 0)
        rc = announce(sandbox);
    if (rc == 0)
        rc = sb_move_world(sb_features, sandbox->old_path, sandbox->path);
    if (rc == 0)
        rc = sb_db_open(&sandbox->db, sb_features, sandbox->path, &is_new);
    if (rc < 0)
        return rc;
    size_t count;
    const uint64_t *bots = milky_host_bots(host, &count);
    rc = sb_clock_load(&sandbox->db);
    if (rc == 0 && !(is_new && sandbox->world))
        rc = sb_seed(&sandbox->db, is_new, bots, count, sb_clock_now(&sandbox->db));
    if (rc == 0)
        rc = sb_media_start(&sandbox->media, &sandbox->db, host, &sandbox->media_config,
                            sandbox->path);
    if (rc == 0 && is_new && sandbox->world)
        rc = sb_world_start(sandbox);
    if (rc == 0)
        rc = sb_random_seed(&sandbox->db, sandbox->is_seeded ? &sandbox->seed : NULL);
    if (rc == 0)
        rc = sb_db_commit(&sandbox->db);
    if (rc < 0) {
        mk_log_error("sandbox", "cannot prepare the world in %s", "无法准备 %s 中的世界",
                     sandbox->path);
        sb_db_close(&sandbox->db);
        return rc;
    }
    if (is_new)
        mk_log_info("sandbox", "made the world in %s", "已创建世界 %s", sandbox->path);
    else
        mk_log_info("sandbox", "opened the world in %s", "已打开世界 %s", sandbox->path);
    if (is_new || mk_sqlite_log_is_damaged(&sandbox->db.log))
        milky_host_lost_events(host);
    rc = sb_media_sweeper_start(sandbox->media);
    return rc < 0 ? rc : sb_unsent_start(&sandbox->unsent, &sandbox->db, host);
}

static void free_paths(const char *const *paths, size_t count)
{
    for (size_t i = 0; paths && i < count; i++)
        free((char *)(uintptr_t)paths[i]);
    free((void *)(uintptr_t)paths);
}

static void free_config(struct sb_media_config *config)
{
    free_paths(config->roots, config->root_count);
    free_paths(config->closed, config->closed_count);
    free((char *)(uintptr_t)config->data_dir);
    free((char *)(uintptr_t)config->temporary);
}

/* Returns NULL when out of memory. */
static const char *const *copy_paths(const char *const *from, size_t count)
{
    const char **paths = calloc(count + 1, sizeof(*paths));
    for (size_t i = 0; paths && i < count; i++) {
        paths[i] = mk_slice_dup(mk_slice_str(from[i]));
        if (!paths[i]) {
            free_paths(paths, i);
            return NULL;
        }
    }
    return paths;
}

static int copy_config(struct sb_media_config *to, const struct sb_media_config *from)
{
    *to = *from;
    to->roots = copy_paths(from->roots, from->root_count);
    to->closed = copy_paths(from->closed, from->closed_count);
    to->data_dir = mk_slice_dup(mk_slice_str(from->data_dir));
    bool is_given = from->temporary && *from->temporary;
    to->temporary = mk_slice_dup(mk_slice_str(is_given ? from->temporary : "/tmp"));
    return to->roots && to->closed && to->data_dir && to->temporary ? 0 : -ENOMEM;
}

static void free_sandbox(void *self)
{
    struct sb_sandbox *sandbox = self;
    if (sandbox->media)
        sb_call_media_drain(sandbox);
    sb_media_stop(sandbox->media);
    mk_table_fini(&sandbox->media_calls);
    sb_faults_fini(&sandbox->faults);
    if (sandbox->db.in_transaction) /* of a reload: all calls have ended */
        sb_db_rollback(&sandbox->db);
    sb_db_close(&sandbox->db);
    sb_outbox_fini(&sandbox->outbox);
    sb_unsent_fini(&sandbox->unsent);
    mk_buf_fini(&sandbox->login.nickname);
    free(sandbox->apis);
    free(sandbox->path);
    free(sandbox->old_path);
    free(sandbox->world);
    free_config(&sandbox->media_config);
    free(sandbox);
}

int sb_sandbox_dump(struct sb_sandbox *sandbox, struct mk_buf *out)
{
    return sb_world_dump(sandbox, out);
}

int sb_sandbox_group_line(struct sb_sandbox *sandbox, uint64_t bot, enum mk_language language,
                          struct mk_buf *out)
{
    return sb_overview_line(&sandbox->db, bot, language, out);
}

/* New bots join the world; bots that were taken out of the configuration stay in it as people. */
static void bots_changed(void *self)
{
    struct sb_sandbox *sandbox = self;
    size_t count;
    const uint64_t *bots = milky_host_bots(sandbox->host, &count);
    int rc = sb_db_begin(&sandbox->db);
    if (rc == 0)
        rc = sb_seed(&sandbox->db, false, bots, count, sb_clock_now(&sandbox->db));
    if (rc < 0) {
        mk_log_error("sandbox", "the new bots are not in the world until milky starts again: %s",
                     "重新启动之前，新的 Bot 不在世界中：%s", mk_error_text(-rc));
        sb_turn_roll_back(sandbox, rc);
    }
}

int sb_sandbox_close_file(struct sb_sandbox *sandbox, const char *path)
{
    return sandbox->media ? sb_media_close_file(sandbox->media, path) : 0;
}

struct sb_sandbox *sb_sandbox_new(const struct sb_sandbox_config *config)
{
    struct sb_sandbox *sandbox = calloc(1, sizeof(*sandbox));
    char *path = mk_slice_dup(mk_slice_str(config->path));
    char *old_path = mk_slice_dup(mk_slice_str(config->old_path));
    char *world = config->world ? mk_slice_dup(mk_slice_str(config->world)) : NULL;
    if (!sandbox || !path || !old_path || (config->world && !world) ||
        copy_config(&sandbox->media_config, &config->media) < 0) {
        mk_log_error("sandbox", "out of memory", "内存不足");
        if (sandbox)
            free_config(&sandbox->media_config);
        free(sandbox);
        free(path);
        free(old_path);
        free(world);
        return NULL;
    }
    sandbox->path = path;
    sandbox->old_path = old_path;
    sandbox->world = world;
    sandbox->is_lenient = config->is_lenient;
    sandbox->is_seeded = config->seed != NULL;
    sandbox->seed = config->seed ? *config->seed : 0;
    mk_buf_init(&sandbox->login.nickname, LONGEST_REMEMBERED);
    sb_unsent_init(&sandbox->unsent);
    return sandbox;
}

const struct milky_backend sb_backend = {
    .size = sizeof(struct milky_backend),
    .name = "sandbox",
    .keeps_events = true, /* see unsent.h */
    .start = start,
    .call = call_api,
    .cancelled = cancelled,
    .control = control,
    .turn_end = end_turn,
    .resource = resource,
    .bots_changed = bots_changed,
    .now = now,
    .free = free_sandbox,
    .operations = &sb_operations,
    .takes_cached = true,
};
