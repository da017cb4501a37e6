/*
 * fuzz_sandbox: calls of bots and an operator, line by line. Every call gets one reply, which is
 * JSON and never a failure of the sandbox itself; every event can be encoded in every format. In
 * the end the world is dumped, loaded and dumped again: the same.
 *
 * Making a sandbox takes much longer than a call: one serves many inputs, each of which begins with
 * the reset of its world.
 *
 * A line is "W ACTION JSON": W is a or b for one of the two bots in 1.2, A or B in the draft, o for
 * the operator. Nothing is downloaded, and no file is read.
 */
#include "backend/sandbox/sandbox.h"
#include "base/json.h"
#include "base/log.h"
#include "fuzz.h"
#include "host/host.h"
#include "net/loop.h"
#include "protocol/reply.h"
#include "protocol/tables.h"
#include "sqlite_memory.h"

#include <errno.h>
#include <unistd.h>

enum { MOST_LINES = 24, MOST_MS = 20, EACH_SANDBOX = 500 };

#define LITERAL(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static const uint64_t bots[] = { 10001000, 10002000 };

enum { DIALECTS = 3, FORMS = DIALECTS * MK_ENVELOPES };

/* A sink of all events in one format. */
struct listener {
    struct mk_sink sink;
};

/* A bot of the endpoint below. */
struct bot {
    struct mk_account account;
    struct mk_hub hub;
    struct mk_dispatch dispatch;
    struct listener listeners[FORMS];
};

struct endpoint {
    struct mk_host_owner owner;
    struct mk_loop loop;
    struct milky_host *host;
    struct mk_journal *journal;
    struct sb_sandbox *sandbox;
    struct bot bots[2];
    struct mk_caller caller;
    struct mk_buf reply; /* the last one */
    unsigned asked;
    unsigned replied;
    bool stopping;
};

/* --- the endpoint --- */

static void drop(struct mk_host_owner *owner, struct mk_account *account)
{
    (void)owner;
    check(account->self_id == bots[0] || account->self_id == bots[1],
          "connections of an unknown bot");
}

static int resource_url(struct mk_host_owner *owner, const struct milky_host *host,
                        struct mk_account *account, const char *token, const char *name, char *url,
                        size_t size)
{
    (void)owner;
    (void)host;
    unsigned long long self_id = account ? account->self_id : 0;
    int len =
        snprintf(url, size, "http://%llu.test/resource/%s/%s", self_id, token, name ? name : "");
    return len >= 0 && (size_t)len < size ? 0 : -1;
}

static void on_log(const char *line, size_t len)
{
    check(!memmem(line, len, "was lost", 8), "an event that cannot be encoded");
}

/* "NUMBER JSON", once for each event. */
static void check_lines(struct mk_slice lines)
{
    while (lines.len > 0) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        const char *space = memchr(lines.ptr, ' ', lines.len);
        check(end && space && space < end, "no line");
        struct mk_slice json = mk_slice_of(space + 1, (size_t)(end - space - 1));
        yyjson_doc *doc = mk_json_read(json, NULL, NULL);
        check(yyjson_is_obj(yyjson_doc_get_root(doc)), "an event that is no JSON");
        yyjson_doc_free(doc);
        lines = mk_slice_from(lines, (size_t)(end - lines.ptr) + 1);
    }
}

static void listen_to(struct mk_sink *sink)
{
    struct mk_slice got;
    while ((got = mk_sink_peek(sink)).len > 0) {
        check_lines(got);
        mk_sink_advance(sink, got.len);
    }
    check(sink->lost == 0, "an event that was lost");
}

static void listen_all(struct endpoint *endpoint)
{
    for (size_t i = 0; i < 2 * FORMS; i++)
        listen_to(&endpoint->bots[i / FORMS].listeners[i % FORMS].sink);
}

static void on_ready(struct mk_sink *sink)
{
    (void)sink; /* it is read when the turn has ended */
}

static void make_bot(struct endpoint *endpoint, size_t i)
{
    struct bot *bot = &endpoint->bots[i];
    check(mk_hub_init(&bot->hub, bots[i], endpoint->journal) == 0, "no hub");
    mk_account_init(&bot->account, endpoint->host, &bot->hub, bots[i]);
    mk_dispatch_init(&bot->dispatch, &bot->account.target, bots[i]);
    for (int form = 0; form < FORMS; form++) {
        struct mk_sink *sink = &bot->listeners[form].sink;
        *sink = (struct mk_sink){ .max_lag = SIZE_MAX / 2, .ready = on_ready, .overrun = on_ready };
        mk_list_init(&sink->node);
        const struct mk_event_format wanted = { (enum mk_dialect)(form % DIALECTS),
                                                (enum mk_envelope)(form / DIALECTS),
                                                MK_FRAMING_LINE };
        check(mk_hub_join(&bot->hub, sink, &wanted) == 0, "no listener");
    }
}

static void free_bot(struct bot *bot)
{
    for (int form = 0; form < FORMS; form++)
        mk_sink_leave(&bot->listeners[form].sink);
    mk_hub_fini(&bot->hub);
    mk_dispatch_fini(&bot->dispatch);
}

static void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct endpoint *endpoint = MK_CONTAINER_OF(caller, struct endpoint, caller);
    endpoint->replied++;
    mk_buf_reset(&endpoint->reply, SIZE_MAX);
    check(mk_reply_write(&endpoint->reply, call) == 0 &&
              mk_buf_append_char(&endpoint->reply, '\0') == 0,
          "no reply");
    endpoint->reply.len--;
    yyjson_doc *doc = mk_json_read(mk_buf_slice(&endpoint->reply), NULL, NULL);
    check(yyjson_is_obj(yyjson_doc_get_root(doc)), "a reply that is no JSON");
    yyjson_doc_free(doc);
    bool failed = mk_call_retcode(call) == MILKY_INTERNAL && !endpoint->stopping;
    check(!failed, endpoint->reply.data);
}

/* --- asking --- */

static void on_late(void *late)
{
    *(bool *)late = true;
}

/* The turn ends. Contents are fetched in other threads: their replies are waited for, not for long.
 */
static void settle(struct endpoint *endpoint, bool waits)
{
    bool late = !waits;
    struct mk_timer *timer = mk_timer_new(&endpoint->loop, on_late, &late);
    check(timer, "timer");
    mk_timer_start(timer, MOST_MS);
    mk_host_turn_end(endpoint->host);
    while (!late && endpoint->caller.in_flight > 0) {
        uv_run(endpoint->loop.uv, UV_RUN_ONCE);
        mk_host_turn_end(endpoint->host);
    }
    mk_timer_free(timer);
    check(mk_journal_commit(endpoint->journal) == 0, "commit");
    listen_all(endpoint);
}

static void ask(struct endpoint *endpoint, char who, struct mk_slice action, struct mk_slice params)
{
    enum mk_dialect dialect = who == 'A' || who == 'B' ? MK_DIALECT_DRAFT : MK_DIALECT_NEWEST;
    struct mk_dispatch *dispatch = &endpoint->bots[(who | 0x20) == 'b'].dispatch;
    const struct mk_action *known = mk_action_find(dialect, action);
    if (who == 'o')
        mk_dispatch_control(&endpoint->host->dispatch, action, params, &endpoint->caller);
    else if (known)
        mk_dispatch_request(dispatch, known, params, &endpoint->caller);
    else
        return;
    endpoint->asked++;
    settle(endpoint, params.len > 0 && memmem(params.ptr, params.len, "://", 3));
}

static struct mk_buf dump(struct endpoint *endpoint)
{
    struct mk_buf world;
    mk_buf_init(&world, SIZE_MAX / 2);
    check(sb_sandbox_dump(endpoint->sandbox, &world) == 0, "no dump");
    return world;
}

/* A world that is dumped and loaded is the same, unless a call that is still being fetched for
 * comes between. */
static void check_world(struct endpoint *endpoint)
{
    settle(endpoint, true);
    if (endpoint->caller.in_flight > 0)
        return;
    struct mk_buf first = dump(endpoint), load;
    mk_buf_init(&load, SIZE_MAX / 2);
    check(mk_buf_append_slice(&load, MK_SLICE("{\"world\":")) == 0 &&
              mk_buf_append_slice(&load, mk_buf_slice(&first)) == 0 &&
              mk_buf_append_char(&load, '}') == 0,
          "memory");
    unsigned before = endpoint->replied;
    ask(endpoint, 'o', MK_SLICE("load"), mk_buf_slice(&load));
    if (endpoint->replied > before) { /* else its contents are still being fetched */
        check(mk_slice_starts_with(mk_buf_slice(&endpoint->reply), MK_SLICE("{\"status\":\"ok\"")),
              endpoint->reply.data);
        struct mk_buf again = dump(endpoint);
        check(mk_slice_eq(mk_buf_slice(&first), mk_buf_slice(&again)), "another world");
        mk_buf_fini(&again);
    }
    mk_buf_fini(&load);
    mk_buf_fini(&first);
}

static void start(struct endpoint *endpoint)
{
    static const uint64_t seed = 1;
    static const char *const roots[] = { "/nonexistent" };
    struct sb_sandbox_config config = {
        .path = ":memory:", .media = { .roots = roots, .root_count = 1 }, .seed = &seed
    };
    const char *why;
    struct mk_roster roster;
    *endpoint = (struct endpoint){ .sandbox = sb_sandbox_new(&config) };
    check(endpoint->sandbox && mk_loop_init(&endpoint->loop, NULL) == 0, "no sandbox or loop");
    mk_buf_init(&endpoint->reply, SIZE_MAX / 2);
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, on_log);
    const struct mk_journal_config journal = {
        .path = ":memory:", .max_events = 100, .max_age = 1000, .flush = true
    };
    check(mk_journal_open(&journal, &endpoint->journal) == 0, "no journal");
    endpoint->owner = (struct mk_host_owner){
        .loop = &endpoint->loop,
        .call_ms = 600 * 1000,
        .journal = endpoint->journal,
        .drop = drop,
        .resource_url = resource_url,
    };
    check(mk_host_new(&endpoint->owner, "sandbox", &sb_backend, endpoint->sandbox, &endpoint->host,
                      &why) == 0,
          "no host");
    check(mk_roster_init(&roster, 2) == 0, "memory");
    for (size_t i = 0; i < 2; i++) {
        make_bot(endpoint, i);
        mk_roster_add(&roster, &endpoint->bots[i].account);
    }
    mk_host_set_bots(endpoint->host, &roster);
    mk_roster_fini(&roster);
    check(mk_host_start(endpoint->host) == 0, "it does not start");
    mk_caller_init(&endpoint->caller, on_reply);
}

/* As it was at the start; the clock is stopped. */
static void reset(struct endpoint *endpoint)
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
        ask(endpoint, 'o', requests[i][0], requests[i][1]);
    check(mk_slice_starts_with(mk_buf_slice(&endpoint->reply), MK_SLICE("{\"status\":\"ok\"")),
          endpoint->reply.data);
}

static void stop(struct endpoint *endpoint)
{
    endpoint->stopping = true;
    mk_host_end(endpoint->host);
    check(endpoint->asked == endpoint->replied && endpoint->caller.in_flight == 0,
          "not one reply each");
    mk_caller_fini(&endpoint->caller);
    for (size_t i = 0; i < 2; i++)
        free_bot(&endpoint->bots[i]);
    mk_host_free(endpoint->host);
    mk_journal_close(endpoint->journal);
    mk_loop_fini(&endpoint->loop);
    mk_buf_fini(&endpoint->reply);
}

/* No request is sent to another machine. */
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
    static struct endpoint endpoint;
    static unsigned inputs;
    if (!is_harmless(input))
        return 0;
    if (inputs++ % EACH_SANDBOX == 0) {
        if (endpoint.host)
            stop(&endpoint);
        else
            sqlite_take_memory();
        start(&endpoint);
    }
    reset(&endpoint);
    for (int i = 0; i < MOST_LINES && input.len > 0; i++) {
        struct mk_slice line = take_until(&input, '\n');
        char who = (char)take_byte(&line);
        take_byte(&line);
        struct mk_slice action = take_until(&line, ' ');
        ask(&endpoint, who, action, line);
    }
    if (size % 2 == 0) /* it takes as long as everything else */
        check_world(&endpoint);
    return 0;
}
