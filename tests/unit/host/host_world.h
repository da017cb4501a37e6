/*
 * host_world: a host with two bots, a backend that records its calls, and a caller that records its
 * replies. No transport, and a journal only where a test wants one.
 */
#ifndef TEST_HOST_WORLD_H
#define TEST_HOST_WORLD_H

#include "net_testing.h"

#include "base/log.h"
#include "host/host.h"
#include "protocol/call.h"
#include "protocol/reply.h"

#include <milky/json.h>
#include <stdio.h>
#include <string.h>

enum { BOT = 10001000, BOT2 = 10002000, MOST = 64, CALL_MS = 30 };

struct bot {
    struct mk_account account;
    struct mk_hub hub;
    struct mk_dispatch dispatch;
};

struct world {
    struct milky_backend table; /* copied from the backend's, with changes of a test */
    struct mk_loop loop;
    struct mk_host_owner owner;
    struct milky_host *host;
    struct bot bots[2];

    /* options and records of the backend */
    void (*on_call)(struct world *world, uint64_t call);
    uint64_t calls[MOST]; /* in the order they came */
    size_t count;
    uint64_t cancelled[4 * MOST];
    size_t cancelled_count;
    const char *borrowed; /* a text of a call, read when it is cancelled */
    size_t turns, stored, frees;

    /* records of the caller */
    struct mk_caller caller;
    size_t replies;
    int retcode; /* of the last reply */
    char message[256];
    struct mk_buf body;

    size_t errors; /* lines of the log, and the last of them */
    char logged[512];
};

static struct world *this_world;

static inline void note_line(const char *line, size_t len)
{
    this_world->errors++;
    snprintf(this_world->logged, sizeof(this_world->logged), "%.*s", (int)len, line);
}

static inline void note_call(void *self, uint64_t call)
{
    struct world *world = self;
    assert_true(world->count < MOST);
    assert_true(milky_call_open(world->host, call));
    world->calls[world->count++] = call;
    if (world->on_call)
        world->on_call(world, call);
}

static inline void note_cancelled(void *self, uint64_t call)
{
    struct world *world = self;
    assert_true(world->cancelled_count < 4 * MOST);
    assert_false(milky_call_open(world->host, call));
    if (world->borrowed)
        assert_string_equal(world->borrowed, "{\"group_id\":700000001,\"no_cache\":false}");
    world->cancelled[world->cancelled_count++] = call;
}

static inline void note_turn(void *self)
{
    ((struct world *)self)->turns++;
}

static inline void note_stored(void *self)
{
    ((struct world *)self)->stored++;
}

static inline void note_free(void *self)
{
    ((struct world *)self)->frees++;
}

static inline uint64_t tell_time(void *self)
{
    (void)self;
    return 1700000000;
}

static inline void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct world *world = MK_CONTAINER_OF(caller, struct world, caller);
    world->replies++;
    world->retcode = mk_call_retcode(call);
    snprintf(world->message, sizeof(world->message), "%s", mk_call_message(call));
    world->body.len = 0;
    assert_int_equal(mk_reply_write(&world->body, call), 0);
    assert_int_equal(mk_buf_append_char(&world->body, '\0'), 0);
}

static inline void drop_nothing(struct mk_host_owner *owner, struct mk_account *account)
{
    (void)owner;
    (void)account;
}

/* Makes and starts the host of world->table, with the bots in it. */
static inline void start_host(struct world *world, const struct milky_backend *table)
{
    const char *why = NULL;
    struct mk_roster roster;
    world->owner.loop = &world->loop;
    world->owner.drop = drop_nothing;
    assert_int_equal(mk_host_new(&world->owner, "mine", table, world, &world->host, &why), 0);
    assert_int_equal(mk_roster_init(&roster, 2), 0);
    for (size_t i = 0; i < 2; i++) {
        struct bot *bot = &world->bots[i];
        uint64_t self_id = i == 0 ? BOT : BOT2;
        assert_int_equal(mk_hub_init(&bot->hub, self_id, world->owner.journal), 0);
        mk_account_init(&bot->account, world->host, &bot->hub, self_id);
        mk_dispatch_init(&bot->dispatch, &bot->account.target, self_id);
        mk_roster_add(&roster, &bot->account);
    }
    mk_host_set_bots(world->host, &roster);
    mk_roster_fini(&roster);
    assert_int_equal(mk_host_start(world->host), 0);
}

static inline void end_host(struct world *world)
{
    mk_host_end(world->host);
    for (size_t i = 0; i < 2; i++) {
        mk_account_fini(&world->bots[i].account);
        mk_hub_fini(&world->bots[i].hub);
        mk_dispatch_fini(&world->bots[i].dispatch);
    }
    world->host = mk_host_free(world->host);
}

static inline int setup_without_host(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    this_world = world;
    world->owner.call_ms = CALL_MS;
    world->table = (struct milky_backend){
        .size = sizeof(world->table),
        .name = "noting",
        .call = note_call,
        .cancelled = note_cancelled,
        .control = note_call,
        .turn_end = note_turn,
        .events_stored = note_stored,
        .now = tell_time,
        .free = note_free,
    };
    mk_caller_init(&world->caller, on_reply);
    mk_buf_init(&world->body, 1 << 20);
    assert_int_equal(mk_loop_init(&world->loop, NULL), 0);
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, note_line);
    *state = world;
    return 0;
}

static inline int setup(void **state)
{
    setup_without_host(state);
    start_host(*state, &this_world->table);
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    mk_caller_fini(&world->caller);
    if (world->host)
        end_host(world);
    mk_loop_fini(&world->loop);
    mk_buf_fini(&world->body);
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    free(world);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline void ask_in(struct world *world, enum mk_dialect dialect, size_t bot,
                          const char *action, const char *params)
{
    const struct mk_action *found = mk_action_find(dialect, mk_slice_str(action));
    assert_non_null(found);
    mk_dispatch_request(&world->bots[bot].dispatch, found, mk_slice_str(params), &world->caller);
}

/* Calls the first bot. Returns the number of the call. */
static inline uint64_t ask(struct world *world, const char *action, const char *params)
{
    size_t before = world->count;
    ask_in(world, MK_DIALECT_NEWEST, 0, action, params);
    return world->count > before ? world->calls[before] : 0;
}

#define GROUP "{\"group_id\":700000001}"

/* An open call with borrowed params. */
static inline uint64_t ask_group(struct world *world)
{
    return ask(world, "get_group_info", GROUP);
}

static inline void assert_logged(struct world *world, const char *part)
{
    if (!strstr(world->logged, part))
        fail_msg("logged \"%s\", expected \"%s\"", world->logged, part);
}

#endif
