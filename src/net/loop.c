/*
 * loop: libuv's loop with turns that have an end. A turn is the events of one poll, after which
 * libuv calls a check handle, or the timers that came due, after which it calls a prepare handle.
 */
#include "net/loop.h"
#include "net/ringless.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum {
    ROUNDS_MAX = 16,  /* of a turn's end before the next poll */
    ENDING_MAX = 256, /* runs without waiting, until libuv has released closed handles */
};

static const char module[] = "loop";

/* `data` of our prepare handle points to it, for mk_loop_of. */
static const char mark;

/* --- the end of a turn --- */

static void run_hooks(struct mk_loop *loop)
{
    struct mk_list *it = loop->hooks.next;
    while (it != &loop->hooks) {
        struct mk_list marker; /* marks the position, since a hook may remove any hook */
        mk_list_push(it->next, &marker);
        struct mk_turn_hook *hook = MK_CONTAINER_OF(it, struct mk_turn_hook, node);
        hook->run(hook);
        it = marker.next;
        mk_list_remove(&marker);
    }
}

/* Returns whether the turn's end must start over. */
static bool run_phases(struct mk_loop *loop)
{
    for (struct mk_list *it = loop->phases.next; it != &loop->phases; it = it->next) {
        struct mk_phase *phase = MK_CONTAINER_OF(it, struct mk_phase, node);
        if (phase->run(phase))
            return true;
    }
    return false;
}

static void do_nothing(uv_idle_t *idle)
{
    (void)idle;
}

static void end_turn(struct mk_loop *loop)
{
    loop->turns++;
    loop->goes_on = false;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        run_hooks(loop);
        if (!run_phases(loop)) {
            if (!loop->goes_on)
                uv_idle_stop(&loop->handles->unfinished);
            return;
        }
    }
    uv_idle_start(&loop->handles->unfinished, do_nothing);
}

void mk_loop_continue(struct mk_loop *loop)
{
    loop->goes_on = true;
    uv_idle_start(&loop->handles->unfinished, do_nothing);
}

/* Keeps polling without waiting until there was no input for busy_poll_ns. */
static void poll_busily(struct mk_loop *loop)
{
    if (!loop->had_input && loop->input_at == 0)
        return;
    uint64_t now = uv_hrtime();
    if (loop->had_input) {
        loop->had_input = false;
        loop->input_at = now;
        uv_idle_start(&loop->handles->watchful, do_nothing);
    } else if (now - loop->input_at >= loop->busy_poll_ns) {
        loop->input_at = 0;
        uv_idle_stop(&loop->handles->watchful);
    }
}

/* Notes until when no timer fires: now, if a handle is closing or something is pending. */
static void note_quiet(struct mk_loop *loop)
{
    int wait = uv_backend_timeout(loop->uv);
    loop->quiet_until = wait < 0 ? UINT64_MAX : uv_now(loop->uv) + (uint64_t)wait;
}

static bool is_pending(const struct mk_loop *loop)
{
    for (struct mk_list *it = loop->phases.next; it != &loop->phases; it = it->next) {
        const struct mk_phase *phase = MK_CONTAINER_OF(it, struct mk_phase, node);
        if (phase->pending(phase))
            return true;
    }
    return false;
}

/*
 * Returns whether nothing has run since the last turn ended: then there is no turn to end. On a
 * loop that is run in steps or by an embedder, other code may have run in between.
 */
static bool is_quiet(const struct mk_loop *loop)
{
    return loop->running && uv_now(loop->uv) < loop->quiet_until && !is_pending(loop);
}

static void on_after_poll(uv_check_t *check)
{
    struct mk_loop *loop = MK_CONTAINER_OF(check, struct mk_loop_handles, after_poll)->loop;
    loop->polls++;
    end_turn(loop);
    note_quiet(loop);
    if (loop->busy_poll_ns > 0)
        poll_busily(loop);
}

static void on_after_timers(uv_prepare_t *prepare)
{
    struct mk_loop *loop = MK_CONTAINER_OF(prepare, struct mk_loop_handles, after_timers)->loop;
    if (!is_quiet(loop))
        end_turn(loop);
}

/* --- handles --- */

static void open_handles(struct mk_loop *loop)
{
    struct mk_loop_handles *handles = loop->handles;
    handles->loop = loop;
    uv_check_init(loop->uv, &handles->after_poll);
    uv_check_start(&handles->after_poll, on_after_poll);
    uv_unref((uv_handle_t *)&handles->after_poll);
    uv_prepare_init(loop->uv, &handles->after_timers);
    uv_prepare_start(&handles->after_timers, on_after_timers);
    uv_unref((uv_handle_t *)&handles->after_timers);
    handles->after_timers.data = (void *)(uintptr_t)&mark;
    uv_idle_init(loop->uv, &handles->unfinished);
    uv_idle_init(loop->uv, &handles->watchful);
    uv_unref((uv_handle_t *)&handles->watchful);
}

static void close_handle(struct mk_loop_handles *handles, void *handle, uv_close_cb closed)
{
    handles->open++;
    uv_close(handle, closed);
}

static void release_handle(struct mk_loop_handles *handles)
{
    if (--handles->open == 0)
        free(handles);
}

static void on_check_closed(uv_handle_t *handle)
{
    release_handle(MK_CONTAINER_OF((uv_check_t *)handle, struct mk_loop_handles, after_poll));
}

static void on_prepare_closed(uv_handle_t *handle)
{
    release_handle(MK_CONTAINER_OF((uv_prepare_t *)handle, struct mk_loop_handles, after_timers));
}

static void on_unfinished_closed(uv_handle_t *handle)
{
    release_handle(MK_CONTAINER_OF((uv_idle_t *)handle, struct mk_loop_handles, unfinished));
}

static void on_watchful_closed(uv_handle_t *handle)
{
    release_handle(MK_CONTAINER_OF((uv_idle_t *)handle, struct mk_loop_handles, watchful));
}

static void close_handles(struct mk_loop *loop)
{
    struct mk_loop_handles *handles = loop->handles;
    loop->handles = NULL;
    handles->loop = NULL;
    close_handle(handles, &handles->after_poll, on_check_closed);
    close_handle(handles, &handles->after_timers, on_prepare_closed);
    close_handle(handles, &handles->unfinished, on_unfinished_closed);
    close_handle(handles, &handles->watchful, on_watchful_closed);
}

static void note_mark(uv_handle_t *handle, void *arg)
{
    struct mk_loop **loop = arg;
    if (handle->type != UV_PREPARE || handle->data != (void *)(uintptr_t)&mark ||
        uv_is_closing(handle))
        return;
    *loop = MK_CONTAINER_OF((uv_prepare_t *)handle, struct mk_loop_handles, after_timers)->loop;
}

struct mk_loop *mk_loop_of(uv_loop_t *uv)
{
    struct mk_loop *loop = NULL;
    uv_walk(uv, note_mark, &loop);
    return loop;
}

/* --- the beginning --- */

static int make_own(uv_loop_t **uv)
{
    *uv = calloc(1, sizeof(**uv));
    if (!*uv)
        return -ENOMEM;
    int rc = mk_ringless_loop_init(*uv);
    if (rc < 0)
        free(*uv);
    return rc;
}

int mk_loop_init(struct mk_loop *loop, uv_loop_t *given)
{
    if (given && mk_loop_of(given))
        return -EBUSY;
    struct mk_loop_handles *handles = calloc(1, sizeof(*handles));
    int rc = handles ? 0 : -ENOMEM;
    uv_loop_t *uv = given;
    if (rc == 0 && !given)
        rc = make_own(&uv);
    if (rc < 0) {
        free(handles);
        return rc;
    }
    *loop = (struct mk_loop){ .uv = uv, .own = !given, .handles = handles };
    mk_list_init(&loop->hooks);
    mk_list_init(&loop->phases);
    open_handles(loop);
    return 0;
}

int mk_loop_get(uv_loop_t *given, struct mk_loop **result)
{
    struct mk_loop *loop = given ? mk_loop_of(given) : NULL;
    if (!loop) {
        loop = calloc(1, sizeof(*loop));
        int rc = loop ? mk_loop_init(loop, given) : -ENOMEM;
        if (rc < 0) {
            free(loop);
            return rc;
        }
    } else if (loop->users == 0) {
        return -EBUSY; /* its owner does not share it */
    }
    loop->users++;
    *result = loop;
    return 0;
}

/* --- the end --- */

static void note_closing(uv_handle_t *handle, void *arg)
{
    bool *closing = arg;
    *closing = *closing || uv_is_closing(handle);
}

/* Runs without waiting until libuv has released closed handles. */
static void run_until_closed(uv_loop_t *uv)
{
    bool closing = true;
    for (int i = 0; i < ENDING_MAX && closing; i++) {
        uv_run(uv, UV_RUN_NOWAIT);
        closing = false;
        uv_walk(uv, note_closing, &closing);
    }
}

static void end_phases(struct mk_loop *loop)
{
    while (!mk_list_empty(&loop->phases)) {
        struct mk_phase *phase = MK_CONTAINER_OF(loop->phases.next, struct mk_phase, node);
        mk_list_remove(&phase->node);
        if (phase->fini)
            phase->fini(phase);
    }
}

static void report_open(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (uv_is_closing(handle))
        return;
    const char *type = uv_handle_type_name(handle->type);
    if (uv_is_active(handle))
        mk_log_warn(module, "left open: %s", "没有关闭：%s", type);
    else
        mk_log_warn(module, "left open: %s (not active)", "没有关闭：%s（未激活）", type);
    uv_unref(handle);
}

/*
 * Handles that others have left open point into the loop, whose memory then stays. Work in other
 * threads ends by itself, and is waited for.
 */
static void end_own(uv_loop_t *uv)
{
    uv_walk(uv, report_open, NULL);
    uv_run(uv, UV_RUN_DEFAULT);
    if (uv_loop_close(uv) == 0)
        free(uv);
}

void mk_loop_fini(struct mk_loop *loop)
{
    if (!loop || !loop->uv)
        return;
    uv_loop_t *uv = loop->uv;
    run_until_closed(uv);
    end_phases(loop);
    close_handles(loop);
    run_until_closed(uv);
    if (loop->own)
        end_own(uv);
    loop->uv = NULL;
}

struct mk_loop *mk_loop_put(struct mk_loop *loop)
{
    if (!loop)
        return NULL;
    if (--loop->users > 0) {
        run_until_closed(loop->uv);
        return NULL;
    }
    mk_loop_fini(loop);
    free(loop);
    return NULL;
}

void mk_loop_hold(struct mk_loop *loop)
{
    if (loop->holds++ == 0)
        uv_ref((uv_handle_t *)&loop->handles->after_poll);
}

void mk_loop_release(struct mk_loop *loop)
{
    if (--loop->holds == 0)
        uv_unref((uv_handle_t *)&loop->handles->after_poll);
}

/* --- running --- */

void mk_loop_run(struct mk_loop *loop)
{
    loop->running = true;
    while (!loop->stopped) {
        uv_run(loop->uv, UV_RUN_DEFAULT);
        end_turn(loop);
        if (!uv_loop_alive(loop->uv))
            break;
    }
    loop->running = false;
    loop->stopped = false;
}

void mk_loop_stop(struct mk_loop *loop)
{
    loop->stopped = true;
    if (loop->running)
        uv_stop(loop->uv);
}

int mk_loop_fd(const struct mk_loop *loop)
{
    return uv_backend_fd(loop->uv);
}

int mk_loop_timeout(struct mk_loop *loop)
{
    end_turn(loop);
    uv_update_time(loop->uv); /* time may have passed since the last step */
    return uv_backend_timeout(loop->uv);
}

bool mk_loop_step(struct mk_loop *loop)
{
    uv_run(loop->uv, UV_RUN_NOWAIT);
    end_turn(loop);
    return !loop->stopped && uv_loop_alive(loop->uv);
}

void mk_loop_busy_poll(struct mk_loop *loop, uint64_t us)
{
    loop->busy_poll_ns = us * 1000;
    if (us == 0) {
        loop->input_at = 0;
        uv_idle_stop(&loop->handles->watchful);
    }
}

uint64_t mk_loop_now(const struct mk_loop *loop)
{
    return uv_now(loop->uv);
}

/* --- hooks and phases --- */

void mk_loop_add_hook(struct mk_loop *loop, struct mk_turn_hook *hook)
{
    mk_list_push(&loop->hooks, &hook->node);
}

void mk_loop_remove_hook(struct mk_turn_hook *hook)
{
    mk_list_remove(&hook->node);
}

void mk_loop_add_phase(struct mk_loop *loop, struct mk_phase *phase)
{
    mk_list_push(&loop->phases, &phase->node);
}

struct mk_phase *mk_loop_find_phase(const struct mk_loop *loop, bool (*run)(struct mk_phase *))
{
    MK_LIST_FOR_EACH (it, &loop->phases) {
        struct mk_phase *phase = MK_CONTAINER_OF(it, struct mk_phase, node);
        if (phase->run == run)
            return phase;
    }
    return NULL;
}
