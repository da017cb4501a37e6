/*
 * sandbox: the backend's table and its life: opening, handing calls to their handlers, and the end
 * of a turn. What the handlers do is in system.c, group.c, send.c, message.c and control.c.
 *
 *   call -> handler -> outbox ---- nothing was written this turn ----> reply at once
 *                        |
 *                        `--- turn_end: one commit -> events and replies, in order
 */
#include "backend/sandbox/sandbox.h"

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/store/move.h"
#include "backend/sandbox/turn/request.h"
#include "backend/sandbox/world/world.h"
#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <milky/version.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LONGEST_REMEMBERED = 4096, /* bytes of a nickname; a longer one is looked up each time */
    MOST_HELD = 256, /* replies that wait for the end of a turn; then it is committed early */
};

/* --- turns --- */

static const char *failure_text(int error)
{
    switch (error) {
    case -ENOSPC:
        return "沙盒的磁盘已满 (the disk of the sandbox is full)";
    case -ENOMEM:
        return "沙盒内存不足 (the sandbox is out of memory)";
    default:
        return "沙盒数据库出错，详见日志 (the sandbox's database failed, see the log)";
    }
}

/* Undoes the turn: nothing of it has happened, and all who wait are told so. */
static void abort_turn(struct sb_sandbox *sandbox, int error)
{
    if (error != -ENOSPC && error != -ENOMEM && error != -EIO) /* db.c has told of these */
        mk_log_error("sandbox", "a turn was undone, and its calls have failed: %s",
                     mk_error_text(-error));
    sb_db_rollback(&sandbox->db);
    sb_media_rolled_back(sandbox);
    sb_clock_load(&sandbox->db); /* the clock may have been moved in this turn */
    sb_outbox_fail(&sandbox->outbox, sandbox->host, MILKY_INTERNAL, failure_text(error));
}

/* Puts the outcome of a handler into the outbox, where a place was reserved before it ran. */
static void settle(struct sb_request *request, int rc)
{
    struct sb_sandbox *sandbox = request->sandbox;
    struct sb_outbox_reply reply = {
        .call = request->call,
        .data = request->result,
        .delay_ms = request->delay_ms,
        .presence = request->presence,
    };
    if (rc != 0) {
        reply.presence.self_id = 0;
        sb_outbox_drop_events(&sandbox->outbox);
        const char *text = rc == SB_REFUSED ? request->message : failure_text(rc);
        yyjson_mut_val *copy = yyjson_mut_strcpy(request->doc, text);
        reply.retcode = rc == SB_REFUSED ? request->retcode : MILKY_INTERNAL;
        reply.message = copy ? yyjson_mut_get_str(copy) : failure_text(-ENOMEM);
    }
    sb_outbox_reply(&sandbox->outbox, &reply);
    bool broken = (rc < 0 && request->wrote) || sb_db_lost_transaction(&sandbox->db);
    if (!broken && sandbox->outbox.event_count > 0) { /* a transaction keeps them: see unsent.h */
        rc = sb_db_begin(&sandbox->db);
        broken = rc < 0;
    }
    if (broken)
        abort_turn(sandbox, rc < 0 ? rc : -EIO);
    else if (!sandbox->db.in_transaction)
        sb_outbox_send(&sandbox->outbox, sandbox->host);
}

static void commit(struct sb_sandbox *sandbox)
{
    while (sandbox->db.in_transaction) { /* a reply may have brought in the next call */
        int rc = sb_unsent_store(&sandbox->unsent, &sandbox->db, &sandbox->outbox, sandbox->host);
        if (rc == 0)
            rc = sb_db_commit(&sandbox->db);
        if (rc < 0) {
            abort_turn(sandbox, rc);
            continue;
        }
        sb_media_committed(sandbox);
        sb_outbox_send(&sandbox->outbox, sandbox->host);
    }
}

static void turn_end(void *self)
{
    struct sb_sandbox *sandbox = self;
    commit(sandbox);
    sb_unsent_turn_end(&sandbox->unsent);
    sb_faults_turn_end(&sandbox->bots);
}

/* --- calls --- */

/* The reason is not cleared: it is long, and nobody reads it before it was set. */
static void fill_request(struct sb_request *request, struct sb_sandbox *sandbox,
                         const struct sb_call *asked)
{
    request->sandbox = sandbox;
    request->call = asked->call;
    request->action = asked->action;
    request->self_id = asked->self_id;
    request->params = asked->params;
    request->doc = asked->doc;
    request->result = NULL;
    request->wrote = false;
    request->media = NULL;
    request->delay_ms = asked->delay_ms;
    request->presence.self_id = 0;
}

/* Makes sure that the reply will find its place; where not, the call is failed. */
static bool reserve(struct sb_sandbox *sandbox, uint64_t call)
{
    if (sb_outbox_reserve(&sandbox->outbox) == 0)
        return true;
    milky_call_fail(sandbox->host, call, MILKY_INTERNAL, "%s", failure_text(-ENOMEM));
    return false;
}

void sb_turn_run(struct sb_sandbox *sandbox, const struct sb_call *asked,
                 struct sb_media_call *media)
{
    if (reserve(sandbox, asked->call)) {
        struct sb_request request;
        fill_request(&request, sandbox, asked);
        request.media = media;
        settle(&request, asked->api->run(&request));
        if (request.presence.self_id) /* the turn's next call meets it */
            commit(sandbox);
    }
    sb_media_call_done(media);
}

/* A call with URIs runs when what they name is there. */
static void run(struct sb_sandbox *sandbox, const struct sb_call *asked)
{
    if (!asked->takes_uris || !sb_media_prepare(sandbox, asked))
        sb_turn_run(sandbox, asked, NULL);
}

/* Answers without a handler, in the order of the other replies. */
static void refuse(struct sb_sandbox *sandbox, const struct sb_call *asked, int retcode,
                   const char *message)
{
    struct sb_request request;
    if (!reserve(sandbox, asked->call))
        return;
    fill_request(&request, sandbox, asked);
    settle(&request, sb_refuse(&request, retcode, "%s", message));
}

static void call_api(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    const struct milky_host *host = sandbox->host;
    size_t number = milky_call_number(host, call);
    struct sb_call asked = {
        .call = call,
        .action = milky_call_action(host, call),
        .api = sandbox->apis[number],
        .takes_uris = milky_action_takes_uris(number),
        .self_id = milky_call_self_id(host, call),
        .doc = milky_call_doc(host, call),
        .params = milky_call_params(host, call),
    };
    struct sb_injected_fault fate = sb_faults_next(&sandbox->bots, asked.self_id, asked.action);
    asked.delay_ms = fate.delay_ms;
    if (sandbox->outbox.reply_count >= MOST_HELD) /* each may be long */
        commit(sandbox);
    if (fate.retcode)
        refuse(sandbox, &asked, fate.retcode, fate.message);
    else
        run(sandbox, &asked);
}

/*
 * What nobody waits for any more is given up; what is part of the turn goes on, and before the
 * memory of the call goes, with which its events are made, the turn is committed.
 */
static void cancelled(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    if (!sb_faults_cancel(&sandbox->bots, call) && !sb_media_cancel(sandbox, call) &&
        sb_outbox_has(&sandbox->outbox, call))
        commit(sandbox);
}

static uint64_t now(void *self)
{
    const struct sb_sandbox *sandbox = self;
    return sb_clock_now(&sandbox->db);
}

static void resource(void *self, uint64_t request, const char *token)
{
    sb_media_resource(self, request, token);
}

static void control(void *self, uint64_t call)
{
    struct sb_sandbox *sandbox = self;
    struct sb_call asked = {
        .call = call,
        .action = milky_call_action(sandbox->host, call),
        .doc = milky_call_doc(sandbox->host, call),
        .params = milky_call_params(sandbox->host, call),
        .takes_uris = true,
    };
    struct sb_request request;
    if (!reserve(sandbox, call))
        return;
    fill_request(&request, sandbox, &asked);
    int rc = sb_control_find(&request, &asked.api);
    asked.self_id = request.self_id;
    asked.params = request.params;
    if (rc == 0)
        run(sandbox, &asked);
    else
        settle(&request, rc);
}

/* --- life --- */

static int number_apis(struct sb_sandbox *sandbox)
{
    static const struct sb_api *const lists[] = {
        sb_system_apis,      sb_picture_apis,      sb_group_apis,         sb_send_apis,
        sb_message_apis,     sb_forward_apis,      sb_profile_apis,       sb_peer_apis,
        sb_friend_apis,      sb_file_private_apis, sb_file_group_apis,    sb_file_folder_apis,
        sb_group_admin_apis, sb_group_board_apis,  sb_group_essence_apis, sb_group_join_apis,
        sb_group_leave_apis, sb_group_notice_apis, sb_group_react_apis,
    };
    sandbox->apis = calloc(milky_action_count(), sizeof(*sandbox->apis));
    if (!sandbox->apis)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct sb_api *api = lists[i]; api->name; api++) {
            int number = milky_action_number(api->name);
            if (number >= 0)
                sandbox->apis[number] = api;
        }
    }
    return 0;
}

/* What is answered at all, and by what. */
static int introduce(struct sb_sandbox *sandbox)
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
    sandbox->bots.host = host;
    sandbox->outbox.bots = &sandbox->bots;
    int rc = number_apis(sandbox);
    bool is_new = false;
    if (rc == 0)
        rc = introduce(sandbox);
    if (rc == 0)
        rc = sb_world_move(sandbox->old_path, sandbox->path);
    if (rc == 0)
        rc = sb_db_open(&sandbox->db, sandbox->path, &is_new);
    if (rc < 0)
        return rc;
    size_t count;
    const uint64_t *bots = milky_host_bots(host, &count);
    rc = sb_clock_load(&sandbox->db);
    if (rc == 0 && !(is_new && sandbox->world))
        rc = sb_seed(&sandbox->db, is_new, bots, count, sb_clock_now(&sandbox->db));
    if (rc == 0)
        rc = sb_media_start(sandbox);
    if (rc == 0 && is_new && sandbox->world)
        rc = sb_world_start(sandbox);
    if (rc == 0)
        rc = sb_random_seed(&sandbox->db, sandbox->is_seeded ? &sandbox->seed : NULL);
    if (rc == 0)
        rc = sb_db_commit(&sandbox->db);
    if (rc < 0) {
        mk_log_error("sandbox", "cannot prepare the world in %s", sandbox->path);
        sb_db_close(&sandbox->db);
        return rc;
    }
    mk_log_info("sandbox", "%s the world in %s", is_new ? "made" : "opened", sandbox->path);
    return sb_unsent_start(&sandbox->unsent, &sandbox->db, host);
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
    free((char *)(uintptr_t)config->closed_below);
    free((char *)(uintptr_t)config->temporary);
}

/* Returns NULL when memory is out. */
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
    to->closed_below = mk_slice_dup(mk_slice_str(from->closed_below));
    bool is_given = from->temporary && *from->temporary;
    to->temporary = mk_slice_dup(mk_slice_str(is_given ? from->temporary : "/tmp"));
    return to->roots && to->closed && to->closed_below && to->temporary ? 0 : -ENOMEM;
}

static void free_sandbox(void *self)
{
    struct sb_sandbox *sandbox = self;
    sb_media_stop(sandbox);
    sb_faults_fini(&sandbox->bots);
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

/* Bots that are new get their place in the world; those that are gone stay people of it. */
static void bots_changed(void *self)
{
    struct sb_sandbox *sandbox = self;
    size_t count;
    const uint64_t *bots = milky_host_bots(sandbox->host, &count);
    int rc = sb_db_begin(&sandbox->db);
    if (rc == 0)
        rc = sb_seed(&sandbox->db, false, bots, count, sb_clock_now(&sandbox->db));
    if (rc < 0) {
        mk_log_error("sandbox",
                     "the new bots have no place in the world until milky starts again: %s",
                     mk_error_text(-rc));
        abort_turn(sandbox, rc);
    }
}

struct sb_sandbox *sb_sandbox_new(const struct sb_sandbox_config *config)
{
    struct sb_sandbox *sandbox = calloc(1, sizeof(*sandbox));
    char *path = mk_slice_dup(mk_slice_str(config->path));
    char *old_path = mk_slice_dup(mk_slice_str(config->old_path));
    char *world = config->world ? mk_slice_dup(mk_slice_str(config->world)) : NULL;
    if (!sandbox || !path || !old_path || (config->world && !world) ||
        copy_config(&sandbox->media_config, &config->media) < 0) {
        mk_log_error("sandbox", "out of memory");
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
    .turn_end = turn_end,
    .resource = resource,
    .bots_changed = bots_changed,
    .now = now,
    .free = free_sandbox,
};
