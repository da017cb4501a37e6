/*
 * sandbox_world: a sandbox with a fake endpoint, and short functions to call it. For the
 * test_sandbox programs. Bots 10001000 (owner of group 700000001) and 10002000.
 */
#ifndef TEST_SANDBOX_WORLD_H
#define TEST_SANDBOX_WORLD_H

#include "fake_host.h"

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/sandbox/sandbox.h"
#include "backend/sandbox/turn/request.h"
#include "net/loop.h"

enum { BOT = 10001000, BOT2 = 10002000, MING = 10003001, HONG = 10003002, GROUP = 700000001 };

struct world {
    struct milky_host host;
    struct mk_loop loop;
    struct sb_media_config media; /* for world_start */
    const char *root;             /* the folder of a world in a file */
    struct fake_backend backend;  /* the sandbox; `self` is NULL while it is stopped */
    struct fake_reply reply;      /* the last one of ask, refused, control */
    char dir[64];
    char path[96];
    bool asks_once; /* a refused call is not repeated in Chinese: faults are counted */
    uint64_t print; /* of world_print, in the making */
};

/* cmocka's setup and teardown: a new world in memory, or in a file of a new directory. */
int world_setup(void **state);
int world_setup_file(void **state);
int world_teardown(void **state);

/*
 * Makes the plain world of the tests out of the one that a first start makes: five people who are
 * friends, one group with all of them, whose owner is BOT. The fixtures do it.
 */
void world_make_plain(struct world *world);

/* Stops the sandbox and starts it again on the same file; -errno of start. */
void world_stop(struct world *world);
int world_start(struct world *world);

/* Ends the turn, and as many more as the last call needs until it has its reply. */
void world_settle(struct world *world);

/* The database behind it, to look into and to break. */
struct sb_db *world_db(struct world *world);

/* A hash of all tables: equal while nothing has changed. */
uint64_t world_print(struct world *world);

/* The limits of QQ only warn (turn/limits.h). */
void world_make_lenient(struct world *world);

/* Runs SQL that must work. */
void world_sql(struct world *world, const char *sql);

/* One call that must succeed, and its turn. `params` is printf's. The reply is in world->reply. */
void ask(struct world *world, uint64_t bot, const char *action, const char *params, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * One call that must be refused with `retcode` and a message that has `part` in it, leave the world
 * as it was and make no event.
 */
void refused(struct world *world, uint64_t bot, int retcode, const char *part, const char *action,
             const char *params, ...) __attribute__((format(printf, 6, 7)));

/* The same two for the operator. */
void control(struct world *world, const char *action, const char *params, ...)
    __attribute__((format(printf, 3, 4)));
void control_refused(struct world *world, int retcode, const char *part, const char *action,
                     const char *params, ...) __attribute__((format(printf, 5, 6)));

/*
 * Repeats a call with more and more memory, until it is enough: each time before, the call fails
 * and nothing has changed. Bot 0 is the operator.
 */
void ask_with_little_memory(struct world *world, uint64_t bot, const char *action,
                            const char *params);

/*
 * The same two for something that only persons do: `run` is called with `context` in a request of
 * its own, as control would. There is no reply but the code of a refusal, and its message.
 */
typedef int world_action(struct sb_request *request, const void *context);
void act(struct world *world, world_action *run, const void *context);
void act_refused(struct world *world, int retcode, const char *part, world_action *run,
                 const void *context);

/* The value at a JSON pointer in the last reply, or in the data of event `i`. */
uint64_t num(struct world *world, const char *pointer);
const char *str(struct world *world, const char *pointer);
yyjson_val *at(struct world *world, const char *pointer);
yyjson_val *event_at(struct world *world, size_t i, const char *pointer);
uint64_t event_num(struct world *world, size_t i, const char *pointer);
const char *event_str(struct world *world, size_t i, const char *pointer);

/* The value is exactly this JSON. */
void assert_json(yyjson_val *value, const char *json);

#endif
