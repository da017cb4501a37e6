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
#include "hub/hub.h"
#include "protocol/dispatch.h"

#include <milky/backend.h>

/* One bot, as its host knows it. Embedded in the bot; what it points to is the bot's. */
struct mk_account {
    struct mk_call_target target; /* of its dispatch */
    struct milky_host *host;
    struct mk_hub *hub;
    uint64_t self_id;
};

void mk_account_init(struct mk_account *account, struct milky_host *host, struct mk_hub *hub,
                     uint64_t self_id);

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
    struct uv_loop_s *uv;
    struct mk_journal *journal; /* or NULL */
    /* As milky_host_drop_connections and milky_host_resource_url; the account may be NULL there. */
    void (*drop)(struct mk_host_owner *owner, struct mk_account *account);
    int (*resource_url)(struct mk_host_owner *owner, const struct milky_host *host,
                        struct mk_account *account, const char *token, const char *name, char *url,
                        size_t size);
};

struct mk_resource_answer;

struct milky_host {
    struct milky_backend table; /* the backend's; functions that it does not know are NULL */
    const struct milky_backend *backend;
    void *self;
    char *name;
    struct mk_host_owner *owner;
    struct mk_roster roster;
    struct mk_calls calls;
    struct mk_call_target requests;      /* of operators */
    struct mk_dispatch dispatch;         /* the requests' */
    uint64_t last_resource;              /* the number of the last request for a resource, */
    struct mk_resource_answer *resource; /* and where its answer goes; NULL: it is answered */
    bool started;
    bool ending;    /* no call goes to the backend any more */
    bool has_cried; /* its misuse of calls was logged */
};

/*
 * Makes the host of a backend, which belongs to it from here on, also when this fails (then it has
 * been freed). Returns 0; -EINVAL for a table that is too short, without `call` or without a name,
 * with what is wrong in `why`; -ENOMEM.
 */
int mk_host_new(struct mk_host_owner *owner, const char *name, const struct milky_backend *backend,
                void *self, struct milky_host **host, const char **why);
/* Frees a backend of which no host comes. */
void mk_host_discard(const struct milky_backend *backend, void *self);

/*
 * Ends it in two steps. The first answers all open calls and frees the backend; the second, when
 * libuv has closed the backend's handles, frees the host. NULL is allowed.
 */
void mk_host_end(struct milky_host *host);
struct milky_host *mk_host_free(struct milky_host *host);

/* Starts the backend. Returns 0 or the backend's error. */
int mk_host_start(struct milky_host *host);

/* A turn of the loop ends. */
void mk_host_turn_end(struct milky_host *host);

/* These are its bots, in this order. */
bool mk_host_has_bots(const struct milky_host *host, const struct mk_roster *roster);

/* Swaps in another list of bots; the backend is notified. `roster` gets the old one. */
void mk_host_change_bots(struct milky_host *host, struct mk_roster *roster);

/* The account of that number, or NULL. */
struct mk_account *mk_host_find(const struct milky_host *host, uint64_t self_id);

/* --- calls --- */

/* Notes that the backend has named a call that is not open. Returns -ENOENT. */
int mk_host_refuse_call(struct milky_host *host, uint64_t number);

/* Ends an open call without an answer of the backend, which is notified (`cancelled`). */
void mk_host_cancel(struct milky_host *host, struct mk_slot *slot, int retcode,
                    struct mk_slice message);

#endif
