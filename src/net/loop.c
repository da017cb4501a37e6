/*
 * loop: libuv's loop with an end to each turn. One poll's events, or the timers that came due, are
 * a turn; libuv calls a check handle after the former, and a prepare handle after the latter.
 */
#include "net/loop.h"
#include "net/ringless.h"
#include "net/stream_impl.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

/* So often a turn's end may begin anew before the next poll gets its chance. */
enum { ROUNDS_MOST = 16 };

static void run_hooks(struct mk_loop *loop)
{
    struct mk_list *it = loop->hooks.next;
    while (it != &loop->hooks) {
        struct mk_list place; /* stands in the list, for a hook may take out any hook */
        mk_list_push(it->next, &place);
        struct mk_turn_hook *hook = MK_CONTAINER_OF(it, struct mk_turn_hook, node);
        hook->run(hook);
        it = place.next;
        mk_list_remove(&place);
    }
}

static void do_nothing(uv_idle_t *idle)
{
    (void)idle;
}

static void end_turn(struct mk_loop *loop)
{
    loop->turns++;
    for (int round = 0; round < ROUNDS_MOST; round++) {
        run_hooks(loop);
        /* What they do with it is for the hooks to see before anything leaves. */
        if (mk_streams_deliver(loop))
            continue;
        mk_streams_flush(loop);
        if (mk_list_empty(&loop->dirty) && mk_list_empty(&loop->streams->resumed)) {
            uv_idle_stop(&loop->unfinished);
            return;
        }
    }
    uv_idle_start(&loop->unfinished, do_nothing);
}

/* Polls go on without waiting until there was no input for long enough. */
static void stay_awake(struct mk_loop *loop)
{
    if (!loop->had_input && loop->input_at == 0)
        return;
    uint64_t now = uv_hrtime();
    if (loop->had_input) {
        loop->had_input = false;
        loop->input_at = now;
        uv_idle_start(&loop->watchful, do_nothing);
    } else if (now - loop->input_at >= loop->busy_poll_ns) {
        loop->input_at = 0;
        uv_idle_stop(&loop->watchful);
    }
}

static void on_after_poll(uv_check_t *check)
{
    struct mk_loop *loop = MK_CONTAINER_OF(check, struct mk_loop, after_poll);
    end_turn(loop);
    if (loop->busy_poll_ns > 0)
        stay_awake(loop);
}

static void on_after_timers(uv_prepare_t *prepare)
{
    end_turn(MK_CONTAINER_OF(prepare, struct mk_loop, after_timers));
}

static void init_handles(struct mk_loop *loop)
{
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_check_start(&loop->after_poll, on_after_poll);
    uv_unref((uv_handle_t *)&loop->after_poll);
    uv_prepare_init(&loop->uv, &loop->after_timers);
    uv_prepare_start(&loop->after_timers, on_after_timers);
    uv_unref((uv_handle_t *)&loop->after_timers);
    uv_idle_init(&loop->uv, &loop->unfinished);
    uv_idle_init(&loop->uv, &loop->watchful);
    uv_unref((uv_handle_t *)&loop->watchful);
}

static void close_handles(struct mk_loop *loop)
{
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->after_timers, NULL);
    uv_close((uv_handle_t *)&loop->unfinished, NULL);
    uv_close((uv_handle_t *)&loop->watchful, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) < 0)
        mk_log_warn("loop", "something is still open: its memory is lost");
}

int mk_loop_init(struct mk_loop *loop)
{
    *loop = (struct mk_loop){ 0 };
    mk_list_init(&loop->hooks);
    mk_list_init(&loop->dirty);
    mk_list_init(&loop->blocked);
    int rc = mk_ringless_loop_init(&loop->uv);
    if (rc < 0)
        return rc;
    init_handles(loop);
    loop->read_buffer = malloc(MK_LOOP_READ_BUFFER);
    loop->streams = mk_streams_new(loop);
    if (loop->read_buffer && loop->streams)
        return 0;
    mk_streams_free(loop->streams);
    free(loop->read_buffer);
    close_handles(loop);
    return -ENOMEM;
}

void mk_loop_fini(struct mk_loop *loop)
{
    if (!loop)
        return;
    loop->stopped = false;
    mk_loop_run(loop);
    loop->streams = mk_streams_free(loop->streams);
    close_handles(loop);
    free(loop->read_buffer);
    loop->read_buffer = NULL;
}

void mk_loop_run(struct mk_loop *loop)
{
    while (!loop->stopped) {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        end_turn(loop);
        if (!uv_loop_alive(&loop->uv))
            break;
    }
    loop->stopped = false;
}

void mk_loop_stop(struct mk_loop *loop)
{
    loop->stopped = true;
    uv_stop(&loop->uv);
}

void mk_loop_busy_poll(struct mk_loop *loop, uint64_t us)
{
    loop->busy_poll_ns = us * 1000;
    if (us == 0) {
        loop->input_at = 0;
        uv_idle_stop(&loop->watchful);
    }
}

void mk_loop_use_io_uring(struct mk_loop *loop, bool may)
{
    mk_sender_use_ring(loop->streams->sender, may);
}

uint64_t mk_loop_now(const struct mk_loop *loop)
{
    return uv_now(&loop->uv);
}

void mk_loop_add_hook(struct mk_loop *loop, struct mk_turn_hook *hook)
{
    mk_list_push(&loop->hooks, &hook->node);
}

void mk_loop_remove_hook(struct mk_turn_hook *hook)
{
    mk_list_remove(&hook->node);
}
