/*
 * turn: one turn of the loop in the sandbox: its calls run, one commit makes all their writes
 * durable, then their events and replies are sent.
 *
 *   call -> handler -> outbox ---- the turn has written nothing ----> reply at once
 *                        |
 *                        `--- sb_turn_end: one commit -> events and replies, in order
 *
 * A write that fails rolls back the whole turn and fails its calls.
 */
#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/turn/call_media.h"
#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>

enum {
    MOST_HELD = 256, /* replies that wait for the end of a turn; then it is committed early */
};

/* --- the end of a turn --- */

static const char *failure_text(const struct sb_sandbox *sandbox, int error)
{
    enum mk_language language = sb_language(sandbox);
    switch (error) {
    case -ENOSPC:
        return mk_tr_in(language, "the disk of the sandbox is full", "沙盒的磁盘已满");
    case -ENOMEM:
        return mk_tr_in(language, "the sandbox is out of memory", "沙盒内存不足");
    default:
        return mk_tr_in(language, "the sandbox's database failed, see the log",
                        "沙盒数据库出错，详见日志");
    }
}

void sb_turn_roll_back(struct sb_sandbox *sandbox, int error)
{
    if (error != -ENOSPC && error != -ENOMEM && error != -EIO) /* db.c has logged these */
        mk_log_error("sandbox", "a turn was rolled back, and its calls have failed: %s",
                     "一个轮次已回滚，其中的调用全部失败：%s", mk_error_text(-error));
    sb_db_rollback(&sandbox->db);
    sb_media_rolled_back(sandbox->media);
    sb_clock_load(&sandbox->db); /* the clock may have been moved in this turn */
    sb_outbox_fail(&sandbox->outbox, sandbox->host, MILKY_INTERNAL, failure_text(sandbox, error));
}

void sb_turn_settle(struct sb_request *request, int rc)
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
        const char *text = rc == SB_REFUSED ? request->message : failure_text(sandbox, rc);
        yyjson_mut_val *copy = yyjson_mut_strcpy(request->doc, text);
        reply.retcode = rc == SB_REFUSED ? request->retcode : MILKY_INTERNAL;
        reply.message = copy ? yyjson_mut_get_str(copy) : failure_text(sandbox, -ENOMEM);
    }
    sb_outbox_reply(&sandbox->outbox, &reply);
    bool broken = (rc < 0 && request->wrote) || sb_db_lost_transaction(&sandbox->db);
    if (!broken && sandbox->outbox.event_count > 0) { /* they are stored with it: unsent.h */
        rc = sb_db_begin(&sandbox->db);
        broken = rc < 0;
    }
    if (broken)
        sb_turn_roll_back(sandbox, rc < 0 ? rc : -EIO);
    else if (!sandbox->db.in_transaction)
        sb_outbox_send(&sandbox->outbox, sandbox->host);
}

void sb_turn_commit(struct sb_sandbox *sandbox)
{
    while (sandbox->db.in_transaction) { /* a reply may have brought in the next call */
        /* This may be within a reply of the commit before, whose events have their numbers. */
        sb_outbox_finish(&sandbox->outbox, sandbox->host);
        int rc = sb_unsent_store(&sandbox->unsent, &sandbox->db, &sandbox->outbox, sandbox->host);
        if (rc == 0)
            rc = sb_media_sweep(sandbox->media);
        if (rc == 0)
            rc = sb_db_commit(&sandbox->db);
        if (rc < 0) {
            sb_turn_roll_back(sandbox, rc);
            continue;
        }
        sb_media_committed(sandbox->media);
        sb_outbox_send(&sandbox->outbox, sandbox->host);
    }
}

void sb_turn_end(struct sb_sandbox *sandbox)
{
    sb_turn_commit(sandbox);
    sb_unsent_turn_end(&sandbox->unsent);
    sb_faults_turn_end(&sandbox->faults);
}

/* --- calls --- */

/* The reason is not cleared: it is long, and only read after it was set. */
void sb_turn_request(struct sb_request *request, struct sb_sandbox *sandbox,
                     const struct sb_call *call)
{
    request->sandbox = sandbox;
    request->call = call->id;
    request->action = call->action;
    request->self_id = call->self_id;
    request->params = call->params;
    request->doc = call->doc;
    request->result = NULL;
    request->wrote = false;
    request->media = NULL;
    request->delay_ms = call->delay_ms;
    request->is_hidden = call->is_hidden;
    request->presence.self_id = 0;
}

bool sb_turn_reserve(struct sb_sandbox *sandbox, uint64_t call)
{
    if (sandbox->outbox.reply_count >= MOST_HELD) /* each may be long */
        sb_turn_commit(sandbox);
    if (sb_outbox_reserve(&sandbox->outbox) == 0)
        return true;
    milky_call_fail(sandbox->host, call, MILKY_INTERNAL, "%s", failure_text(sandbox, -ENOMEM));
    return false;
}

static void run(struct sb_sandbox *sandbox, const struct sb_call *call, struct sb_call_media *media)
{
    if (sb_turn_reserve(sandbox, call->id)) {
        struct sb_request request;
        sb_turn_request(&request, sandbox, call);
        request.media = media;
        sb_turn_settle(&request, call->api->run(&request));
        if (request.presence.self_id) /* before the next call of the turn runs */
            sb_turn_commit(sandbox);
    }
    sb_call_media_done(media);
}

void sb_turn_run(struct sb_sandbox *sandbox, const struct sb_call *call)
{
    if (!call->takes_uris || !sb_call_media_prepare(sandbox, call, run))
        run(sandbox, call, NULL);
}

void sb_turn_refuse(struct sb_sandbox *sandbox, const struct sb_call *call, int retcode,
                    const char *message)
{
    struct sb_request request;
    if (!sb_turn_reserve(sandbox, call->id))
        return;
    sb_turn_request(&request, sandbox, call);
    sb_turn_settle(&request, sb_refuse(&request, retcode, "%s", "%s", message));
}

int sb_turn_write(struct sb_request *request)
{
    int rc = sb_db_begin(&request->sandbox->db);
    request->wrote = rc == 0;
    return rc == 0 ? sb_call_media_record(request) : rc;
}
