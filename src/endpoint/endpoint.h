/*
 * endpoint: what the files of this room share: the endpoint's own struct. The outside knows it by
 * milky/milky.h alone.
 */
#ifndef MK_ENDPOINT_ENDPOINT_H
#define MK_ENDPOINT_ENDPOINT_H

#include "endpoint/bot.h"
#include "endpoint/requests.h"
#include "net/timer.h"
#include "transport/control.h"
#include "transport/operations.h"
#include "wire/deflate.h"

struct milky_host {
    struct mk_loop loop;
    const struct mk_transport_class *const *table; /* of transports */
    struct mk_http_client *http;                   /* made by the first of them that needs it */
    struct mk_journal *journal;                    /* or NULL */
    struct mk_guard *guard;
    struct mk_deflate deflate; /* of all WebSockets */
    struct milky_backend *backend;
    struct mk_dispatch dispatch;    /* of what belongs to no bot: control, and the server below */
    struct mk_transport *resources; /* for these alone, where no bot has a server on TCP; or NULL */
    char *resource_base;            /* what their URLs begin with, where it was configured */
    struct mk_bot **bots;
    struct mk_bot **gone; /* those that a reload has taken away: a call of theirs may be open */
    size_t gone_count;
    uint64_t *self_ids;
    size_t bot_count;
};

struct milky_endpoint {
    struct milky_host host;
    struct mk_turn_hook turn;
    struct mk_timer *grace;
    struct mk_requests requests; /* what operators ask of the endpoint itself */
    struct mk_control *control;
    struct mk_address control_address;
    char *control_token;
    bool has_control;
    struct mk_operations *operations;
    struct mk_address operations_address;
    char *operations_token;
    bool has_operations;
    uint64_t started_at;              /* milliseconds since 1970 */
    const char *(*reload)(void *arg); /* by an operator's request; or NULL */
    void *reload_arg;
    bool started; /* the backend was */
    bool ready;   /* everything was */
    bool stopping;
};

struct mk_bot_shared mk_host_shared(struct milky_host *host);

/* The bot of that number, or NULL. */
struct mk_bot *mk_host_find_bot(const struct milky_host *host, uint64_t self_id);

/* What URLs of files are to begin with, in a copy; NULL for no `url`. Returns 0 or -ENOMEM. */
int mk_host_resource_base(const char *url, char **base);
/* Listens for those who fetch files, where no bot does on TCP. Returns 0 or an errno, logged. */
int mk_host_open_resources(struct milky_host *host);

/* What a configuration asks of the parts that all bots share. */
size_t mk_host_compression_threshold(const struct milky_config *config);

#endif
