/* sandbox_saying: messages that may be refused, and the log of what is dropped. */
#ifndef MK_TESTS_SANDBOX_SAYING_H
#define MK_TESTS_SANDBOX_SAYING_H

#include "sandbox_world.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) "{\"type\":\"text\",\"data\":{\"text\":\"" text "\"}}"
#define REPLY(seq) "{\"type\":\"reply\",\"data\":{\"message_seq\":" seq "}}"
#define PNG "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAHCAYAAADAp4fuAAAAAA=="
#define ONE(segments) "{\"user_id\":10001,\"sender_name\":\"n\",\"segments\":[" segments "]}"
#define FORWARD(messages) "{\"type\":\"forward\",\"data\":{\"messages\":[" messages "]}}"
#define APP(more)                                                                                  \
    "{\"type\":\"light_app\",\"data\":{\"json_payload\":\"{\\\"app\\\":\\\"a\\\"" more "}\"}}"
#define SIGNED ",\\\"config\\\":{\\\"token\\\":\\\"t\\\"}"

enum { STRANGER = 10009000 };

static char logged[2048];

static inline void keep_log(const char *line, size_t len)
{
    size_t used = strlen(logged);
    snprintf(logged + used, sizeof(logged) - used, "%.*s", (int)len, line);
}

/* --- calls, which may be refused --- */

static inline char *format(const char *params, va_list args)
{
    char *text = NULL;
    assert_true(vasprintf(&text, params, args) > 0);
    return text;
}

__attribute__((format(printf, 4, 5))) static inline void
call(struct world *w, uint64_t bot, const char *action, const char *params, ...)
{
    va_list args;
    va_start(args, params);
    char *text = format(params, args);
    va_end(args);
    fake_reply_fini(&w->reply);
    fake_call(&w->host, &w->backend, bot, action, text, &w->reply);
    world_settle(w);
    free(text);
}

static inline void say(struct world *w, const char *segments)
{
    call(w, BOT, "send_group_message", "{\"group_id\":700000001,\"message\":[%s]}", segments);
}

static inline void whisper(struct world *w, const char *segments)
{
    call(w, BOT, "send_private_message", "{\"user_id\":10002000,\"message\":[%s]}", segments);
}

/* `first`, and so many times `unit` with `between`, and `last`. On the heap. */
static inline char *repeat(const char *first, size_t count, const char *unit, const char *between,
                           const char *last)
{
    size_t size = strlen(first) + count * (strlen(unit) + strlen(between)) + strlen(last) + 1;
    char *text = malloc(size), *end = text;
    assert_non_null(text);
    end = stpcpy(end, first);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, i ? between : "");
        end = stpcpy(end, unit);
    }
    stpcpy(end, last);
    return text;
}

static inline void say_repeated(struct world *w, const char *first, size_t count, const char *unit,
                                const char *between, const char *last)
{
    char *segments = repeat(first, count, unit, between, last);
    say(w, segments);
    free(segments);
}

static inline void mention_all(struct world *w, uint64_t bot, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        call(w, bot, "send_group_message", "{\"group_id\":700000001,\"message\":[%s,%s]}",
             "{\"type\":\"mention_all\",\"data\":{}}", "{\"type\":\"mention_all\",\"data\":{}}");
}

static inline void react(struct world *w, const char *reaction, const char *type)
{
    call(w, BOT2, "send_group_message_reaction",
         "{\"group_id\":700000001,\"message_seq\":1,\"reaction\":\"%s\",\"reaction_type\":\"%s\","
         "\"is_add\":true}",
         reaction, type);
}

static inline void make_stranger(struct world *w)
{
    control(w, "create_person", "{\"user_id\":10009000,\"nickname\":\"stranger\"}");
}

static inline void wait_seconds(struct world *w, uint64_t n)
{
    control(w, "clock", "{\"advance\":%llu}", (unsigned long long)n);
}

#endif
