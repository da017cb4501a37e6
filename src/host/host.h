/*
 * host: what a backend sees of its endpoint (milky/backend.h), and what the endpoint sees of a
 * backend. There is one host for each backend of an endpoint, and one account in it for each bot
 * that names this backend.
 *
 *   dispatch -> account (a mk_call_target) -> host: numbers the call -> backend->call
 *   backend -> milky_call_ok -> host: whose number is this? -> protocol/call -> caller
 *   backend -> milky_emit -> host: which account? -> hub
 */
#ifndef MK_HOST_HOST_H
#define MK_HOST_HOST_H

#include "base/slice.h"
#include "host/calls.h"
#include "host/post.h"
#include "hub/hub.h"
#include "protocol/dispatch.h"

#include <milky/backend.h>

struct mk_loop;
struct mk_impl; /* what get_impl_info answers (host/state.c) */

/* What a backend has said of one bot or of all: which actions it can do, and what is behind it. */
struct mk_capabilities {
    uint64_t *actions;    /* a bit for each, by number; NULL: all */
    struct mk_impl *impl; /* NULL: the backend answers itself */
};

/* One bot, as its host knows it. Embedded in the bot; the hub is the bot's. */
struct mk_account {
    struct mk_call_target target; /* of its dispatch */
    struct milky_host *host;
    struct mk_hub *hub;
    uint64_t self_id;
    enum milky_state state;
    char *reason;                        /* why it is offline; NULL: none was given */
    uint64_t since;                      /* it is in this state; milliseconds since 1970 */
    struct mk_capabilities capabilities; /* they win over the host's */
};

void mk_account_init(struct mk_account *account, struct milky_host *host, struct mk_hub *hub,
                     uint64_t self_id);
void mk_account_fini(struct mk_account *account);

/* The bots of a host, in the order of the configuration. Zeroed is none. */
struct mk_roster {
    struct mk_account **accounts;
    uint64_t *self_ids;
    size_t count, room;
};

/* Makes room for `most` bots. Returns 0 or -ENOMEM. */
int mk_roster_init(struct mk_roster *roster, size_t most);
void mk_roster_add(struct mk_roster *roster, struct mk_account *account);
void mk_roster_fini(struct mk_roster *roster);

/* What a host asks of the endpoint around it. */
struct mk_host_owner {
    struct mk_loop *loop;
    struct mk_journal *journal;   /* or NULL */
    uint64_t call_ms;             /* for a backend's answer */
    enum milky_language language; /* of replies to bots */
    /* As milky_host_drop_connections and milky_host_resource_url; the account may be NULL there. */
    void (*drop)(struct mk_host_owner *owner, struct mk_account *account);
    int (*resource_url)(struct mk_host_owner *owner, const struct milky_host *host,
                        struct mk_account *account, const char *token, const char *name, char *url,
                        size_t size);
};

enum { MK_HOST_ERROR_MAX = 256 };

struct milky_host {
    struct milky_backend table; /* the backend's; functions that it does not know are NULL */
    const struct milky_backend *backend;
    void *self;
    char *name;
    struct mk_host_owner *owner;
    struct mk_roster roster;
    struct mk_capabilities capabilities; /* of bots without their own */
    size_t impl_action;                  /* the number of get_impl_info */
    struct mk_calls calls;
    struct mk_timeouts deadlines; /* of calls that were not answered at once */
    uint64_t late;                /* calls that were not answered in time, */
    uint64_t late_logged;         /* and when that was logged last, in ms of the loop; 0: never */
    struct mk_posts posts;
    struct mk_call_target requests; /* of operators */
    struct mk_dispatch dispatch;    /* the requests' */
    struct mk_calls resources;      /* requests for files (host/resource.h) */
    uint64_t round;                 /* of its last turn_end; its endpoint's */
    char *last_error; /* the last error that the backend logged before it had started, or "" */
    bool started;
    bool closed;        /* no new call goes to the backend */
    bool stopped;       /* nothing is open any more, and there are no posts */
    bool ended;         /* the backend has been freed */
    bool unstored;      /* it has emitted events since the journal was committed */
    bool misuse_logged; /* its misuse of calls was logged */
};

/*
 * Makes the host of a backend, which belongs to it from here on, also when this fails (then it has
 * been freed). Returns 0; -EINVAL for a table that is too short, without `call` or without a name,
 * with what is wrong in `why`; -ENOMEM.
 */
int mk_host_new(struct mk_host_owner *owner, const char *name, const struct milky_backend *backend,
                void *self, struct milky_host **host, const char **why);
/* The backend frees its state. */
bool mk_host_frees(const struct milky_backend *backend);
/* Frees a backend of which no host comes. */
void mk_host_free_backend(const struct milky_backend *backend, void *self);

/*
 * Ends it in three steps, each of which does those before. Stopping answers all open calls and
 * takes no more; ending frees the backend; freeing, when libuv has closed the backend's handles and
 * the bots are gone, frees the host.
 */
void mk_host_stop(struct milky_host *host);
void mk_host_end(struct milky_host *host);
struct milky_host *mk_host_free(struct milky_host *host); /* NULL is allowed */

/* Starts the backend. Returns 0 or the backend's error. */
int mk_host_start(struct milky_host *host);

/* The backend gets no new calls, and no requests for files; those of operators that are open have a
 * deadline from here on, as others have. */
void mk_host_close(struct milky_host *host);

/* How many calls (operators' too) and requests for files are open. */
struct mk_host_load {
    size_t calls;
    size_t files;
};
struct mk_host_load mk_host_load(const struct milky_host *host);

/* Answers all that is open with a failure in the backend's place, which is notified. */
void mk_host_fail_all(struct milky_host *host, const char *message);

/* A turn of the loop ends. */
void mk_host_turn_end(struct milky_host *host);

/*
 * The journal has committed all events: the backend is notified where some are its own. Returns
 * whether it has emitted others meanwhile.
 */
bool mk_host_notify_stored(struct milky_host *host);

/* These are its bots, in this order. */
bool mk_host_has_bots(const struct milky_host *host, const struct mk_roster *roster);

/* Swaps in another list of bots; the backend is notified. `roster` gets the old one. */
void mk_host_set_bots(struct milky_host *host, struct mk_roster *roster);

/* The account of that number, or NULL. */
struct mk_account *mk_host_find(const struct milky_host *host, uint64_t self_id);

/* --- calls --- */

/*
 * Answers a call that the backend is not to see: of a bot that is offline, of an action that it
 * cannot do, or of one that the host answers itself. Returns false for all others.
 */
bool mk_host_intercept(struct mk_account *account, struct mk_call *call);
void mk_capabilities_fini(struct mk_capabilities *capabilities);

/* Ends an open call without an answer of the backend, which is notified (`cancelled`). */
void mk_host_cancel(struct milky_host *host, struct mk_slot *slot, int retcode,
                    struct mk_slice message);

/* --- requests for files (resource.c) --- */

/* Fails all requests that are open, in the backend's place. */
void mk_host_fail_resources(struct milky_host *host, const char *message);

#endif
