/*
 * parts: the endpoint's struct, for the files of this room. All others use milky/milky.h.
 */
#ifndef MK_ENDPOINT_PARTS_H
#define MK_ENDPOINT_PARTS_H

#include "endpoint/bot.h"
#include "host/host.h"
#include "hub/replays.h"
#include "net/timer.h"
#include "transport/control.h"
#include "transport/operations.h"
#include "transport/resource.h"
#include "transport/websocket_session.h"
#include "wire/deflate.h"

/* Operators' requests to the endpoint itself (requests.c). */
struct mk_requests {
    struct mk_call_target target;
    struct mk_dispatch dispatch;
};

/* An address of the endpoint itself, from the configuration. */
struct mk_own_address {
    bool is_set;
    struct mk_address address;
    char *token;   /* "": no token is needed */
    char *origins; /* of pages (web/cors.h) */
};

/* A backend that a reload has removed. */
struct mk_leaving {
    struct milky_host *host;
    bool has_ended;    /* the backend was freed, its host was not */
    uint64_t ended_in; /* the turn of the loop */
};

struct milky_endpoint {
    struct mk_loop *loop; /* its own, or one that it shares with other endpoints */
    const struct mk_transport_class *const *table; /* of transports */
    struct mk_web_client *http;                    /* for posts */
    struct mk_journal *journal;                    /* or NULL */
    struct mk_guard *guard;
    struct mk_session_limits limits; /* of sessions; the guard has the other limits */
    struct mk_deflate deflate;       /* of all WebSockets */
    struct mk_replays replays;       /* of all bots */

    struct milky_host **hosts; /* one for each backend, in the order of the configuration */
    size_t host_count;
    struct mk_leaving *leaving; /* backends that a reload has removed (retired.c) */
    size_t leaving_count;
    struct mk_host_owner owner; /* the endpoint, for them (endpoint.c) */

    struct mk_bot **bots;
    size_t bot_count;
    struct mk_bot **gone; /* bots that a reload has removed (retired.c) */
    size_t gone_count;

    struct mk_resource_source files;  /* of all backends (files.c) */
    struct mk_transport *file_server; /* only for files, when no bot has a server on TCP; or NULL */
    char *resource_base;              /* the configured beginning of their URLs, or NULL */
    char *plain_name; /* the backend whose URLs have tokens without a name (files.h) */

    struct mk_turn_hook turn;
    uint64_t rounds;  /* number of ends of turns */
    uint64_t reloads; /* number of reloads that have changed `hosts` */
    struct mk_timer *grace;
    struct mk_timer *expiry;   /* see expiry.h */
    struct mk_timer *settling; /* runs while events wait in the journal for those of later turns */
    struct mk_requests requests;
    struct mk_control *control;
    struct mk_own_address control_address;
    struct mk_operations *operations;
    struct mk_own_address operations_address;
    uint64_t started_at; /* milliseconds since 1970 */
    /* Called for an operator's request; or NULL. */
    const char *(*reload)(void *arg, const char **restart);
    void *reload_arg;
    bool started;   /* the backends are started */
    bool ready;     /* all is started; it keeps the loop running until it has stopped */
    bool running;   /* inside of milky_endpoint_run */
    bool reloading; /* inside of milky_endpoint_reload */
    bool stopping;
    bool answered; /* while it stops: calls that were open for too long were answered */
    bool stopped;
};

struct mk_bot_shared mk_endpoint_shared(struct milky_endpoint *endpoint);

/* The bot of that number, or NULL. */
struct mk_bot *mk_endpoint_find_bot(const struct milky_endpoint *endpoint, uint64_t self_id);

/* --- running (run.c) --- */

/* Makes the hook and the timer that run it. Returns 0 or -ENOMEM; mk_run_fini in any case. */
int mk_run_init(struct milky_endpoint *endpoint);
/* Answers open calls, closes every connection, and returns when all are closed. */
void mk_run_end(struct milky_endpoint *endpoint);
void mk_run_fini(struct milky_endpoint *endpoint);

/* --- the addresses of the endpoint itself (addresses.c) --- */

/* Reads them from the configuration. Returns 0, -EINVAL or -ENOMEM; fini in any case. */
int mk_addresses_init(struct milky_endpoint *endpoint, const struct milky_config *config);
void mk_addresses_fini(struct milky_endpoint *endpoint);

/* Listen on them. Return 0 or a negative errno, logged, with the reason in `error`. */
int mk_addresses_open_operations(struct milky_endpoint *endpoint, struct milky_error *error);
int mk_addresses_open_control(struct milky_endpoint *endpoint, struct milky_error *error);

/* --- errors (error.c) --- */

/*
 * Fills `error`, which may be NULL, in the language of the process. Its text is "PATH: REASON", or
 * the reason alone.
 */
void mk_error_set(struct milky_error *error, const char *path, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(3, 4, 5);

/* Makes the texts empty. */
void mk_error_clear(struct milky_error *error);

/* Fills `error` with `what` and the text of the errno, unless it has a text already. */
void mk_error_complete(struct milky_error *error, const struct mk_phrase *what, int rc);

/* Fills `error` with the reason why a transport of bots[bot] did not start. */
void mk_error_set_transport(struct milky_error *error, size_t bot,
                            const struct mk_transport *transport, int rc);

#endif
