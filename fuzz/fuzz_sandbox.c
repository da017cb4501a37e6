/*
 * fuzz_sandbox: what bots and an operator ask of a world, line by line. Every call gets one reply,
 * which is JSON and never a failure of the sandbox itself; every event can be told in every form.
 * In the end the world is dumped, loaded and dumped again: the same.
 *
 * Making a sandbox takes much longer than asking it something: one serves many inputs, each of
 * which begins with the reset of its world.
 *
 * A line is "W ACTION JSON": W is a or b for one of the two bots in 1.2, A or B in the draft, o for
 * the operator. Nothing is downloaded, and no file is read.
 */
#include "backend/sandbox/sandbox.h"
#include "base/json.h"
#include "fuzz.h"
#include "net/loop.h"
#include "protocol/dispatch.h"
#include "protocol/event.h"
#include "protocol/reply.h"
#include "protocol/tables.h"
#include "sqlite_memory.h"

#include <errno.h>
#include <unistd.h>

enum { MOST_LINES = 24, MOST_WAITS = 400, WAIT_US = 50, EACH_SANDBOX = 500 };

#define LITERAL(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static const uint64_t bots[] = { 10001000, 10002000 };

struct milky_host {
    struct mk_loop loop;
    struct milky_backend *backend;
    struct mk_dispatch dispatches[3]; /* the operator's, and one for each bot */
    struct mk_caller caller;
    struct mk_buf reply; /* the last one */
    struct mk_arena arena;
    unsigned asked;
    unsigned replied;
    bool stopping;
};

/* --- the endpoint --- */

uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id)
{
    (void)host;
    (void)self_id;
    return 0;
}

int milky_host_flush(struct milky_host *host)
{
    (void)host;
    return 0;
}

const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count)
{
    (void)host;
    *count = 2;
    return bots;
}

int milky_host_drop_connections(struct milky_host *host, uint64_t self_id)
{
    (void)host;
    check(self_id == bots[0] || self_id == bots[1], "connections of nobody");
    return 0;
}

struct uv_loop_s *milky_host_loop(const struct milky_host *host)
{
    return host->loop.uv;
}

int milky_host_resource_url(const struct milky_host *host, uint64_t self_id, const char *token,
                            const char *name, char *url, size_t size)
{
    (void)host;
    int len = snprintf(url, size, "http://%llu.test/resource/%s/%s", (unsigned long long)self_id,
                       token, name ? name : "");
    return len >= 0 && (size_t)len < size ? 0 : -1;
}

static void check_told(struct milky_host *host, const struct mk_event *event)
{
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX / 2);
    for (int form = 0; form < 8; form++) {
        enum mk_dialect dialect = form & 1 ? MK_DIALECT_1_2 : MK_DIALECT_DRAFT;
        mk_buf_reset(&out, SIZE_MAX);
        check(mk_event_write(&out, event, dialect, (enum mk_envelope)(form >> 1), &host->arena) ==
                  0,
              "an event that cannot be told");
        yyjson_doc *doc = mk_json_read(mk_buf_slice(&out), NULL, NULL);
        check(yyjson_is_obj(yyjson_doc_get_root(doc)), "an event that is no JSON");
        yyjson_doc_free(doc);
    }
    mk_arena_reset(&host->arena);
    mk_buf_fini(&out);
}

int milky_emit(struct milky_host *host, uint64_t self_id, const char *type, uint64_t time,
               yyjson_mut_val *data)
{
    struct mk_event event = { .type = mk_event_type_find(mk_slice_str(type)),
                              .self_id = self_id,
                              .number = 1,
                              .time = time,
                              .data = data };
    check(event.type != NULL, "an unknown event");
    check_told(host, &event);
    return self_id == bots[0] || self_id == bots[1] ? 0 : -ENOENT;
}

static void on_reply(struct mk_caller *caller, const struct milky_call *call)
{
    struct milky_host *host = MK_CONTAINER_OF(caller, struct milky_host, caller);
    host->replied++;
    mk_buf_reset(&host->reply, SIZE_MAX);
    check(mk_reply_write(&host->reply, call) == 0 && mk_buf_append_char(&host->reply, '\0') == 0,
          "no reply");
    host->reply.len--;
    yyjson_doc *doc = mk_json_read(mk_buf_slice(&host->reply), NULL, NULL);
    check(yyjson_is_obj(yyjson_doc_get_root(doc)), "a reply that is no JSON");
    yyjson_doc_free(doc);
    bool failed = mk_call_retcode(call) == MILKY_INTERNAL && !host->stopping;
    check(!failed, host->reply.data);
}

/* --- asking --- */

/* The turn ends; contents are fetched beside the loop, so replies may be a while in coming. */
static void settle(struct milky_host *host, bool waits)
{
    host->backend->turn_end(host->backend);
    for (int i = 0; waits && i < MOST_WAITS && host->caller.in_flight > 0; i++) {
        uv_run(host->loop.uv, UV_RUN_NOWAIT);
        host->backend->turn_end(host->backend);
        usleep(WAIT_US);
    }
}

static void ask(struct milky_host *host, char who, struct mk_slice action, struct mk_slice params)
{
    enum mk_dialect dialect = who == 'A' || who == 'B' ? MK_DIALECT_DRAFT : MK_DIALECT_1_2;
    struct mk_dispatch *dispatch = &host->dispatches[(who | 0x20) == 'b' ? 2 : 1];
    const struct mk_action *known = mk_action_find(dialect, action);
    if (who == 'o')
        mk_dispatch_control(&host->dispatches[0], action, params, &host->caller);
    else if (known)
        mk_dispatch_request(dispatch, known, params, &host->caller);
    else
        return;
    host->asked++;
    settle(host, params.len > 0 && memmem(params.ptr, params.len, "://", 3));
}

static struct mk_buf dump(struct milky_host *host)
{
    struct mk_buf world;
    mk_buf_init(&world, SIZE_MAX / 2);
    check(mk_sandbox_dump(host->backend, &world) == 0, "no dump");
    return world;
}

/* A world that is dumped and loaded is the same, unless a call that is still being fetched for
 * comes between. */
static void check_world(struct milky_host *host)
{
    settle(host, true);
    if (host->caller.in_flight > 0)
        return;
    struct mk_buf first = dump(host), load;
    mk_buf_init(&load, SIZE_MAX / 2);
    check(mk_buf_append_slice(&load, MK_SLICE("{\"world\":")) == 0 &&
              mk_buf_append_slice(&load, mk_buf_slice(&first)) == 0 &&
              mk_buf_append_char(&load, '}') == 0,
          "memory");
    unsigned before = host->replied;
    ask(host, 'o', MK_SLICE("load"), mk_buf_slice(&load));
    if (host->replied > before) { /* else its contents are still being fetched */
        check(mk_slice_starts_with(mk_buf_slice(&host->reply), MK_SLICE("{\"status\":\"ok\"")),
              host->reply.data);
        struct mk_buf again = dump(host);
        check(mk_slice_eq(mk_buf_slice(&first), mk_buf_slice(&again)), "another world");
        mk_buf_fini(&again);
    }
    mk_buf_fini(&load);
    mk_buf_fini(&first);
}

static void start(struct milky_host *host)
{
    static const uint64_t seed = 1;
    static const char *const roots[] = { "/nonexistent" };
    struct mk_sandbox_config config = {
        .path = ":memory:", .media = { .roots = roots, .root_count = 1 }, .seed = &seed
    };
    *host = (struct milky_host){ 0 };
    check(mk_loop_init(&host->loop, NULL) == 0, "no loop");
    mk_buf_init(&host->reply, SIZE_MAX / 2);
    mk_arena_init(&host->arena);
    host->backend = mk_sandbox_new(&config);
    check(host->backend && host->backend->start(host->backend, host) == 0, "no sandbox");
    mk_caller_init(&host->caller, on_reply);
    for (size_t i = 0; i < 3; i++)
        mk_dispatch_init(&host->dispatches[i], host->backend, i > 0 ? bots[i - 1] : 0);
}

/* As it was at the start; the time stands still. */
static void reset(struct milky_host *host)
{
    static const struct mk_slice requests[][2] = {
        { LITERAL("clear_faults"), LITERAL("{}") },
        { LITERAL("online"), LITERAL("{\"bot\":10001000}") },
        { LITERAL("online"), LITERAL("{\"bot\":10002000}") },
        { LITERAL("reset"), LITERAL("{}") },
        { LITERAL("clock"), LITERAL("{\"set\":1700000000}") },
        { LITERAL("clock"), LITERAL("{\"stop\":true}") },
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        ask(host, 'o', requests[i][0], requests[i][1]);
    check(mk_slice_starts_with(mk_buf_slice(&host->reply), MK_SLICE("{\"status\":\"ok\"")),
          host->reply.data);
}

static void stop(struct milky_host *host)
{
    host->stopping = true;
    host->backend->free(host->backend);
    check(host->asked == host->replied && host->caller.in_flight == 0, "not one reply each");
    mk_caller_fini(&host->caller);
    for (size_t i = 0; i < 3; i++)
        mk_dispatch_fini(&host->dispatches[i]);
    mk_loop_fini(&host->loop);
    mk_arena_fini(&host->arena);
    mk_buf_fini(&host->reply);
}

/* Of another machine nothing is asked. */
static bool is_harmless(struct mk_slice input)
{
    for (size_t i = 0; i + 4 <= input.len; i++)
        if (mk_slice_eq_nocase(mk_slice_of(input.ptr + i, 4), MK_SLICE("http")) ||
            input.ptr[i] == '\\')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    static struct milky_host host;
    static unsigned inputs;
    if (!is_harmless(input))
        return 0;
    if (inputs++ % EACH_SANDBOX == 0) {
        if (host.backend)
            stop(&host);
        else
            sqlite_take_memory();
        start(&host);
    }
    reset(&host);
    for (int i = 0; i < MOST_LINES && input.len > 0; i++) {
        struct mk_slice line = take_until(&input, '\n');
        char who = (char)take_byte(&line);
        take_byte(&line);
        struct mk_slice action = take_until(&line, ' ');
        ask(&host, who, action, line);
    }
    if (size % 2 == 0) /* it takes as long as everything else */
        check_world(&host);
    return 0;
}
