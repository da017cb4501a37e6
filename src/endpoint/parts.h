/*
 * parts: what the files of this room share: the endpoint's own struct. The outside knows it by
 * milky/milky.h alone.
 */
#ifndef MK_ENDPOINT_PARTS_H
#define MK_ENDPOINT_PARTS_H

#include "endpoint/bot.h"
#include "host/host.h"
#include "net/timer.h"
#include "transport/control.h"
#include "transport/operations.h"
#include "transport/resource.h"
#include "transport/websocket_session.h"
#include "wire/deflate.h"

/* What operators ask of the endpoint itself (requests.c). */
struct mk_requests {
    struct mk_call_target target;
    struct mk_dispatch dispatch;
};

struct milky_endpoint {
    struct mk_loop loop;
    const struct mk_transport_class *const *table; /* of transports */
    struct mk_http_client *http;                   /* made by the first of them that needs it */
    struct mk_journal *journal;                    /* or NULL */
    struct mk_guard *guard;
    struct mk_session_limits limits; /* of sessions; the others are the guard's */
    struct mk_deflate deflate;       /* of all WebSockets */

    struct milky_host **hosts; /* one for each backend, in the order of the configuration */
    size_t host_count;
    struct mk_host_owner owner; /* what they ask of the endpoint (hosts.c) */

    struct mk_bot **bots;
    size_t bot_count;
    struct mk_bot **gone; /* those that a reload has taken away: a call of theirs may be open */
    size_t gone_count;

    struct mk_resource_source files;  /* of all backends (files.c) */
    struct mk_transport *file_server; /* for these alone, where no bot has one on TCP; or NULL */
    char *resource_base;              /* what their URLs begin with, where it was configured */

    struct mk_turn_hook turn;
    struct mk_timer *grace;
    struct mk_requests requests;
    struct mk_control *control;
    struct mk_address control_address;
    char *control_token;
    bool has_control;
    struct mk_operations *operations;
    struct mk_address operations_address;
    char *operations_token;
    bool has_operations;
    uint64_t started_at; /* milliseconds since 1970 */
    /* By an operator's request; or NULL. */
    const char *(*reload)(void *arg, const char **restart);
    void *reload_arg;
    bool started; /* the backends were */
    bool ready;   /* everything was */
    bool stopping;
};

struct mk_bot_shared mk_endpoint_shared(struct milky_endpoint *endpoint);

/* The bot of that number, or NULL. */
struct mk_bot *mk_endpoint_find_bot(const struct milky_endpoint *endpoint, uint64_t self_id);

/* Fills `error`, which may be NULL. The text is "PATH: what is wrong", or what is wrong alone. */
void mk_error_set(struct milky_error *error, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
