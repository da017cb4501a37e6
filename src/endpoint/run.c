/*
 * run: starts, runs and stops an endpoint.
 *
 * Stopping: every transport is stopped and becomes idle after a while; the endpoint has stopped
 * when all are idle. Calls that are still open after ANSWER_MS are answered for their backends, and
 * transports that are not idle FORCE_MS later are aborted.
 */
#include "base/clock.h"
#include "base/log.h"
#include "endpoint/expiry.h"
#include "endpoint/files.h"
#include "endpoint/hosts.h"
#include "endpoint/parts.h"
#include "endpoint/retired.h"

#include <errno.h>
#include <milky/milky.h>

enum {
    ANSWER_MS = 3500,
    FORCE_MS = 500,
    SETTLE_MS = 1000,
    MAX_COMMITS = 8, /* additional ones, in a turn */
};

/* --- stopping --- */

static void begin_stop(struct milky_endpoint *endpoint)
{
    endpoint->stopping = true;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_stop(endpoint->bots[i]);
    if (endpoint->control)
        mk_http_port_stop(mk_control_port(endpoint->control));
    if (endpoint->file_server)
        endpoint->file_server->class->stop(endpoint->file_server);
}

static void end_by_force(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_abort(endpoint->bots[i]);
    for (size_t i = 0; i < endpoint->gone_count; i++)
        mk_bot_abort(endpoint->gone[i]);
    if (endpoint->control)
        mk_http_port_abort(mk_control_port(endpoint->control));
    if (endpoint->operations)
        mk_http_port_abort(mk_operations_port(endpoint->operations));
    if (endpoint->file_server)
        endpoint->file_server->class->abort(endpoint->file_server);
}

static bool is_idle(const struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        if (!mk_bot_idle(endpoint->bots[i]))
            return false;
    for (size_t i = 0; i < endpoint->gone_count; i++)
        if (!mk_bot_idle(endpoint->gone[i]))
            return false;
    if (endpoint->file_server && !endpoint->file_server->class->idle(endpoint->file_server))
        return false;
    return !endpoint->control || mk_http_port_idle(mk_control_port(endpoint->control));
}

static void on_grace_over(void *arg)
{
    struct milky_endpoint *endpoint = arg;
    if (!endpoint->answered) {
        endpoint->answered = true;
        mk_hosts_answer_all(endpoint, "milky is stopping");
        mk_timer_start(endpoint->grace, FORCE_MS);
        return;
    }
    mk_log_warn("endpoint", "some connections did not end in time: closing them",
                "部分连接未及时结束：强制关闭");
    end_by_force(endpoint);
}

static void finish_stop(struct milky_endpoint *endpoint)
{
    /* Monitoring can observe the stop, so this address closes last. */
    struct mk_http_port *last =
        endpoint->operations ? mk_operations_port(endpoint->operations) : NULL;
    if (last && !mk_http_port_idle(last))
        mk_http_port_stop(last);
    if (last && !mk_http_port_idle(last))
        return;
    endpoint->stopped = true;
    mk_web_client_close_idle(endpoint->http); /* they would keep an embedder's loop running */
    mk_timer_stop(endpoint->grace);
    mk_timer_stop(endpoint->settling);
    mk_expiry_stop(endpoint);
    if (endpoint->ready)
        mk_loop_release(endpoint->loop);
    endpoint->ready = false;
    if (endpoint->running)
        mk_loop_stop(endpoint->loop);
}

void milky_endpoint_stop(struct milky_endpoint *endpoint)
{
    if (endpoint->stopping)
        return;
    begin_stop(endpoint);
    mk_timer_start(endpoint->grace, ANSWER_MS);
}

bool milky_endpoint_stopped(const struct milky_endpoint *endpoint)
{
    return endpoint->stopped;
}

/* --- turns --- */

/* Drops output about changes that could not be stored. */
static void drop_output(struct milky_endpoint *endpoint)
{
    if (!mk_loop_is_shared(endpoint->loop)) {
        mk_streams_drop_output(endpoint->loop, -EIO);
        return;
    }
    /* Other endpoints have streams on the loop, too: close all of ours instead. */
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_drop(endpoint->bots[i]);
    for (size_t i = 0; i < endpoint->gone_count; i++)
        mk_bot_abort(endpoint->gone[i]);
    if (endpoint->control)
        mk_http_context_abort(&mk_control_port(endpoint->control)->connections);
}

/* Stores, before anything is sent: a crash must not undo the cause of what was sent. */
static bool commit_once(struct milky_endpoint *endpoint)
{
    struct mk_journal *journal = endpoint->journal;
    if (journal && mk_journal_commit(journal) < 0) {
        drop_output(endpoint);
        return false;
    }
    if (journal && !mk_journal_is_healthy(journal))
        return false;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_hub_committed(&endpoint->bots[i]->hub);
    return true;
}

/* Events that a backend keeps may wait for those of later turns, but not for long. */
static bool is_settled(struct milky_endpoint *endpoint)
{
    if (!endpoint->journal)
        return false;
    if (!mk_journal_waits(endpoint->journal))
        return true;
    if (!mk_timer_active(endpoint->settling))
        mk_timer_start(endpoint->settling, SETTLE_MS);
    return false;
}

static void on_settling(void *arg)
{
    struct milky_endpoint *endpoint = arg;
    mk_journal_settle(endpoint->journal, false);
}

/* Backends may emit more events when they are notified. The last ones are stored without notice. */
static void commit(struct milky_endpoint *endpoint)
{
    if (endpoint->stopping)
        mk_journal_settle(endpoint->journal, false);
    bool well = commit_once(endpoint);
    for (int i = 0; i < MAX_COMMITS && well; i++) {
        if (!is_settled(endpoint) || !mk_hosts_stored(endpoint))
            return;
        well = commit_once(endpoint);
    }
}

static void on_replay_asked(void *arg)
{
    struct milky_endpoint *endpoint = arg;
    mk_loop_continue(endpoint->loop);
}

/* Webhooks that got a piece of the journal look for their next events in it. */
static void replay(struct milky_endpoint *endpoint)
{
    if (mk_replays_run(&endpoint->replays, endpoint->loop->polls))
        commit_once(endpoint);
}

static void on_turn_end(struct mk_turn_hook *hook)
{
    struct milky_endpoint *endpoint = MK_CONTAINER_OF(hook, struct milky_endpoint, turn);
    mk_hosts_turn_end(endpoint);
    for (size_t i = 0; i < endpoint->bot_count; i++)
        mk_bot_reap(endpoint->bots[i]);
    commit(endpoint);
    replay(endpoint);
    if (endpoint->gone_count + endpoint->leaving_count > 0)
        mk_retired_reap(endpoint);
    if (endpoint->stopping && !endpoint->stopped && is_idle(endpoint))
        finish_stop(endpoint);
}

int mk_run_init(struct milky_endpoint *endpoint)
{
    mk_replays_init(&endpoint->replays);
    endpoint->replays.asked = on_replay_asked;
    endpoint->replays.arg = endpoint;
    endpoint->turn.run = on_turn_end;
    mk_loop_add_hook(endpoint->loop, &endpoint->turn);
    endpoint->grace = mk_timer_new(endpoint->loop, on_grace_over, endpoint);
    endpoint->settling = mk_timer_new(endpoint->loop, on_settling, endpoint);
    return endpoint->grace && endpoint->settling ? mk_expiry_init(endpoint) : -ENOMEM;
}

void mk_run_fini(struct milky_endpoint *endpoint)
{
    mk_timer_free(endpoint->grace);
    mk_timer_free(endpoint->settling);
    mk_expiry_fini(endpoint);
    mk_loop_remove_hook(&endpoint->turn);
}

static void run(struct milky_endpoint *endpoint)
{
    endpoint->running = true;
    if (!endpoint->stopped)
        mk_loop_run(endpoint->loop);
    endpoint->running = false;
}

void milky_endpoint_run(struct milky_endpoint *endpoint)
{
    if (endpoint->ready)
        run(endpoint);
}

void mk_run_end(struct milky_endpoint *endpoint)
{
    mk_hosts_answer_all(endpoint, "milky is stopping");
    mk_hosts_stop(endpoint);
    begin_stop(endpoint);
    mk_loop_step(endpoint->loop); /* sends the answers */
    end_by_force(endpoint);
    run(endpoint);
}

/* --- on another loop --- */

int milky_endpoint_fd(const struct milky_endpoint *endpoint)
{
    return mk_loop_fd(endpoint->loop);
}

int milky_endpoint_timeout(struct milky_endpoint *endpoint)
{
    return mk_loop_timeout(endpoint->loop);
}

bool milky_endpoint_step(struct milky_endpoint *endpoint)
{
    mk_loop_step(endpoint->loop);
    return !endpoint->stopped;
}

struct uv_loop_s *milky_endpoint_loop(const struct milky_endpoint *endpoint)
{
    return endpoint->loop->uv;
}

/* --- starting --- */

static int start_bots(struct milky_endpoint *endpoint, struct milky_error *error)
{
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        const struct mk_transport *failed;
        int rc = mk_bot_start(endpoint->bots[i], &failed);
        if (rc < 0) {
            mk_error_set_transport(error, i, failed, rc);
            return rc;
        }
    }
    return 0;
}

static int start(struct milky_endpoint *endpoint, struct milky_error *error)
{
    endpoint->started_at = mk_clock_real_ms();
    int rc = mk_addresses_open_operations(endpoint, error);
    if (rc == 0)
        rc = mk_hosts_start(endpoint, error);
    if (rc == 0 && endpoint->stopping) {
        mk_error_set(error, "", "it was stopped by a backend while it started",
                     "启动期间被后端停止");
        rc = -ECANCELED;
    }
    endpoint->started = rc == 0;
    if (rc == 0)
        rc = mk_addresses_open_control(endpoint, error);
    if (rc == 0)
        rc = start_bots(endpoint, error);
    return rc == 0 ? mk_files_open(endpoint) : rc;
}

int milky_endpoint_start(struct milky_endpoint *endpoint, struct milky_error *error)
{
    mk_error_clear(error);
    int rc = endpoint->started_at || endpoint->stopping ? -EALREADY : start(endpoint, error);
    if (rc < 0) {
        mk_error_complete(error, MK_PHRASE("cannot start", "无法启动"), rc);
        return rc;
    }
    mk_expiry_run(endpoint);
    mk_loop_hold(endpoint->loop);
    endpoint->ready = true;
    return 0;
}
