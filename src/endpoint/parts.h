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

/* An address that is no bot's, from the configuration. */
struct mk_own_address {
    bool is_set;
    struct mk_address address;
    char *token; /* "" where none is asked for */
};

/* A backend that a reload has taken out. */
struct mk_leaving {
    struct milky_host *host;
    bool has_ended;    /* it was freed; its host is not */
    uint64_t ended_in; /* the loop's turn */
};

struct milky_endpoint {
    struct mk_loop *loop; /* its own, or one that the embedder's other endpoints share */
    const struct mk_transport_class *const *table; /* of transports */
    struct mk_http_client *http;                   /* made by the first of them that needs it */
    struct mk_journal *journal;                    /* or NULL */
    struct mk_guard *guard;
    struct mk_session_limits limits; /* of sessions; the others are the guard's */
    struct mk_deflate deflate;       /* of all WebSockets */

    struct milky_host **hosts; /* one for each backend, in the order of the configuration */
    size_t host_count;
    struct mk_leaving *leaving; /* those that a reload has taken out (retired.c) */
    size_t leaving_count;
    struct mk_host_owner owner; /* what they ask of the endpoint (hosts.c) */

    struct mk_bot **bots;
    size_t bot_count;
    struct mk_bot **gone; /* those that a reload has taken out (retired.c) */
    size_t gone_count;

    struct mk_resource_source files;  /* of all backends (files.c) */
    struct mk_transport *file_server; /* for these alone, where no bot has one on TCP; or NULL */
    char *resource_base;              /* what their URLs begin with, where it was configured */
    char *plain_name; /* of the backend whose URLs have its tokens alone: the first, at first */

    struct mk_turn_hook turn;
    uint64_t rounds;  /* of ends of turns */
    uint64_t reloads; /* that have changed `hosts` */
    struct mk_timer *grace;
    struct mk_requests requests;
    struct mk_control *control;
    struct mk_own_address control_address;
    struct mk_operations *operations;
    struct mk_own_address operations_address;
    uint64_t started_at; /* milliseconds since 1970 */
    /* By an operator's request; or NULL. */
    const char *(*reload)(void *arg, const char **restart);
    void *reload_arg;
    bool started;   /* the backends were */
    bool ready;     /* everything was; and it keeps the loop running until it has stopped */
    bool running;   /* milky_endpoint_run is below on the stack */
    bool reloading; /* milky_endpoint_reload is */
    bool stopping;
    bool answered; /* while it stops: what was open for too long */
    bool stopped;
};

struct mk_bot_shared mk_endpoint_shared(struct milky_endpoint *endpoint);

/* The bot of that number, or NULL. */
struct mk_bot *mk_endpoint_find_bot(const struct milky_endpoint *endpoint, uint64_t self_id);

/* --- its life (run.c) --- */

/* What makes it turn, before anything else of it. Returns 0 or -ENOMEM; mk_run_fini in any case. */
int mk_run_init(struct milky_endpoint *endpoint);
/* Answers what is open, ends every connection, and returns when they have ended. */
void mk_run_end(struct milky_endpoint *endpoint);
void mk_run_fini(struct milky_endpoint *endpoint);

/* --- the addresses that are no bot's (addresses.c) --- */

/* What the configuration says of them. Returns 0, -EINVAL or -ENOMEM; fini in any case. */
int mk_addresses_init(struct milky_endpoint *endpoint, const struct milky_config *config);
void mk_addresses_fini(struct milky_endpoint *endpoint);

/* Listen there. Return 0 or a negative errno, logged, with the reason in `error`. */
int mk_addresses_open_operations(struct milky_endpoint *endpoint, struct milky_error *error);
int mk_addresses_open_control(struct milky_endpoint *endpoint, struct milky_error *error);

/* --- what is wrong (error.c) --- */

/*
 * Fills `error`, which may be NULL, in the language of the process. Its text is "PATH: REASON", or
 * the reason alone.
 */
void mk_error_set(struct milky_error *error, const char *path, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(3, 4, 5);

/* Nothing is wrong; to begin with. */
void mk_error_clear(struct milky_error *error);

/* Fills `error` with `what` and the text of the errno, unless it has a text already. */
void mk_error_complete(struct milky_error *error, const struct mk_phrase *what, int rc);

/* Says why a transport of bots[bot] did not start. */
void mk_error_set_transport(struct milky_error *error, size_t bot,
                            const struct mk_transport *transport, int rc);

#endif
