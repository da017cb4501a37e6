/*
 * sandbox_turns: calls of a world within one turn of the loop, or whose replies bring in the next
 * ones, and the last line of the log.
 */
#ifndef MK_TESTS_SANDBOX_TURNS_H
#define MK_TESTS_SANDBOX_TURNS_H

#include "sandbox_world.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO                                                                                      \
    "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}}]}"

/* The last line of the log. */
static char logged[1024];

static inline void keep_log(const char *line, size_t len)
{
    snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

static inline void assert_logged(const char *part)
{
    if (!strstr(logged, part))
        fail_msg("logged \"%s\", expected \"%s\"", logged, part);
}

static inline void call(struct world *w, uint64_t bot, const char *action, const char *params,
                        struct fake_reply *reply)
{
    fake_call(&w->host, &w->backend, bot, action, params, reply);
}

static inline void end_turn(struct world *w)
{
    w->backend.table->turn_end(w->backend.self);
}

struct pipeline {
    struct world *world;
    struct fake_reply replies[3];
    int count;
    int digits; /* of the text at least; the call's number otherwise */
};

/* The reply to one call brings the next one in, from within milky_call_ok. */
static inline void call_next(void *context)
{
    struct pipeline *line = context;
    if (line->count == 3)
        return;
    line->world->host.on_reply = call_next;
    line->world->host.context = line;
    char params[8192];
    snprintf(params, sizeof(params),
             "{\"group_id\":700000001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":"
             "\"%0*d\"}}]}",
             line->digits, line->count);
    call(line->world, BOT, "send_group_message", params, &line->replies[line->count++]);
}

static inline int setup_file_with_log(void **state)
{
    logged[0] = '\0';
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, keep_log);
    return world_setup_file(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_file_with_log, world_teardown)

#endif
