/*
 * host: the endpoint as its backend sees it (milky/backend.h), and the backend as the endpoint sees
 * it. There is one host for each backend of an endpoint, and one account in it for each bot that
 * names this backend.
 *
 *   dispatch -> account (a mk_call_target) -> host: numbers the call -> backend->call
 *   backend -> milky_call_ok -> host: finds the call -> protocol/call -> caller
 *   backend -> milky_emit -> host: finds the account -> hub
 */
#ifndef MK_HOST_HOST_H
#define MK_HOST_HOST_H

#include "base/slice.h"
#include "host/calls.h"
#include "host/post.h"
#include "hub/hub.h"
#include "protocol/dispatch.h"

#include <milky/backend.h>

struct mk_cache;
struct mk_loop;
struct mk_impl; /* the result of get_impl_info (host/state.c) */

/* The abilities that a backend has declared for one bot or for all: actions, implementation. */
struct mk_capabilities {
    uint64_t *actions;    /* a bit for each, by number; NULL: all */
    struct mk_impl *impl; /* NULL: the backend answers get_impl_info */
};

/* One bot, as its host knows it. Embedded in the bot; the hub is the bot's. */
struct mk_account {
    struct mk_call_target target; /* of its dispatch */
    struct milky_host *host;
    struct mk_hub *hub;
    uint64_t self_id;
    enum milky_state state;
    char *reason;                        /* why it is offline, or NULL */
    uint64_t since;                      /* when it entered this state; milliseconds since 1970 */
    struct mk_capabilities capabilities; /* they override the host's */
};

void mk_account_init(struct mk_account *account, struct milky_host *host, struct mk_hub *hub,
                     uint64_t self_id);
void mk_account_fini(struct mk_account *account);

/* The bots of a host, in the order of the configuration. A zeroed roster is empty. */
struct mk_roster {
    struct mk_account **accounts;
    uint64_t *self_ids;
    size_t count, room;
};

/* Makes room for `most` bots. Returns 0 or -ENOMEM. */
int mk_roster_init(struct mk_roster *roster, size_t most);
void mk_roster_add(struct mk_roster *roster, struct mk_account *account);
void mk_roster_fini(struct mk_roster *roster);

/* The endpoint, as its hosts use it. */
struct mk_host_owner {
    struct mk_loop *loop;
    struct mk_journal *journal;   /* or NULL */
    struct mk_cache *cache;       /* or NULL */
    uint64_t call_ms;             /* the time limit of a backend's answer */
    enum milky_language language; /* of replies to bots */
    /* As milky_host_drop_connections and milky_host_resource_url; the account may be NULL there. */
    void (*drop)(struct mk_host_owner *owner, struct mk_account *account);
    int (*resource_url)(struct mk_host_owner *owner, const struct milky_host *host,
                        struct mk_account *account, const char *token, const char *name, char *url,
                        size_t size);
};

enum { MK_HOST_ERROR_MAX = 256 };

struct milky_host {
    struct milky_backend table; /* the backend's; missing functions are NULL */
    const struct milky_backend *backend;
    void *self;
    char *name;
    struct mk_host_owner *owner;
    struct mk_roster roster;
    struct mk_capabilities capabilities; /* of bots without their own */
    size_t impl_action;                  /* the number of get_impl_info */
    struct mk_calls calls;
    struct mk_timeouts deadlines; /* of calls that were not answered at once */
    uint64_t late;                /* calls that were not answered in time */
    uint64_t late_logged;         /* when that was logged last, in ms of the loop; 0: never */
    struct mk_posts posts;
    struct mk_call_target requests; /* of operators */
    struct mk_dispatch dispatch;    /* the requests' */
    struct mk_calls resources;      /* requests for files (host/resource.h) */
    uint64_t round;                 /* of its last turn_end; its endpoint's */
    char *last_error; /* the last error that the backend logged before it had started, or "" */
    bool started;
    bool closed;        /* the backend gets no new calls */
    bool stopped;       /* no call is open, and no posts are accepted */
    bool ended;         /* the backend has been freed */
    bool unstored;      /* it has emitted events since the journal was committed */
    bool misuse_logged; /* its misuse of calls was logged */
};

/*
 * Makes the host of a backend, and takes over the backend, also on failure (then it has been
 * freed). Returns 0; -EINVAL for a table that is too short, without `call` or without a name, with
 * the reason in `why`; -ENOMEM.
 */
int mk_host_new(struct mk_host_owner *owner, const char *name, const struct milky_backend *backend,
                void *self, struct milky_host **host, const char **why);
/* Returns whether the backend's table has `free`. */
bool mk_host_has_free(const struct milky_backend *backend);
/* Frees a backend for which no host is made. */
void mk_host_free_backend(const struct milky_backend *backend, void *self);

/*
 * Ends it in three steps, each of which includes those before. Stop answers all open calls and
 * accepts no more; end frees the backend; free, when libuv has closed the backend's handles and the
 * bots are gone, frees the host.
 */
void mk_host_stop(struct milky_host *host);
void mk_host_end(struct milky_host *host);
struct milky_host *mk_host_free(struct milky_host *host); /* NULL is allowed */

/* Starts the backend. Returns 0 or the backend's error. */
int mk_host_start(struct milky_host *host);

/*
 * Passes no new calls or requests for files to the backend; open requests of operators get a
 * deadline from now on, as other calls have.
 */
void mk_host_close(struct milky_host *host);

/* The number of open calls (with operators' requests) and requests for files. */
struct mk_host_load {
    size_t calls;
    size_t files;
};
struct mk_host_load mk_host_load(const struct milky_host *host);

/* Ends all open calls and requests for files with a failure, and notifies the backend. */
void mk_host_fail_all(struct milky_host *host, const char *message);

/* To be called at the end of a turn of the loop. */
void mk_host_turn_end(struct milky_host *host);

/*
 * To be called when the journal has committed all events: notifies the backend if some are its own.
 * Returns whether it has emitted more meanwhile.
 */
bool mk_host_notify_stored(struct milky_host *host);

/* Returns whether these are its bots, in this order. */
bool mk_host_has_bots(const struct milky_host *host, const struct mk_roster *roster);

/* Replaces the list of bots, and notifies the backend. `roster` receives the old list. */
void mk_host_set_bots(struct milky_host *host, struct mk_roster *roster);

/* Returns the account of this number, or NULL. */
struct mk_account *mk_host_find(const struct milky_host *host, uint64_t self_id);

/* --- calls --- */

/*
 * Answers calls that are not passed to the backend: of a bot that is offline, of an action that is
 * not supported, or of one that the host answers itself. Returns false for all others.
 */
bool mk_host_intercept(struct mk_account *account, struct mk_call *call);
void mk_capabilities_fini(struct mk_capabilities *capabilities);

/* Ends an open call without the backend's answer, and notifies the backend (`cancelled`). */
void mk_host_cancel(struct milky_host *host, struct mk_slot *slot, int retcode,
                    struct mk_slice message);

/* --- requests for files (resource.c) --- */

/* Ends all open requests for files with a failure. */
void mk_host_fail_resources(struct milky_host *host, const char *message);

#endif
