/*
 * transport: one class of transports. A transport is a way to bots: an address that they connect
 * to, or a client that connects to them. The endpoint starts, reloads and reports transports
 * through this header only; transport/table.h lists the classes.
 *
 * A transport embeds `struct mk_transport`, and has this life cycle:
 *
 *   add -> start -> stop or abort -> idle -> free
 *
 * A reload makes the transports of the new configuration, and compares them with the running ones:
 * of two with the same identity the running one adopts the new one, which is freed unstarted.
 */
#ifndef MK_TRANSPORT_TRANSPORT_H
#define MK_TRANSPORT_TRANSPORT_H

#include "hub/reader.h"
#include "protocol/dispatch.h"
#include "transport/health.h"
#include "web/http_client.h"
#include "web/http_port.h"

#include <milky/milky.h>

struct mk_cache;           /* host/cache.h */
struct mk_resource_source; /* transport/resource.h */
struct mk_session_limits;  /* transport/websocket_session.h */

/* The environment of the transports of a bot; all of it is borrowed and outlives them. */
struct mk_transport_context {
    struct mk_loop *loop;
    struct mk_guard *guard;
    const struct mk_session_limits *limits; /* of WebSockets and streams of events */
    struct mk_dispatch *dispatch;
    struct mk_hub *hub;
    uint64_t *unanswered_pings;       /* the bot's count, of its WebSockets; or NULL */
    struct mk_web_client *http;       /* the endpoint's, for posts */
    struct mk_resource_source *files; /* served by all servers; NULL: none */
    struct mk_cache *cache;           /* for uploads at /cache; NULL: none */
    bool takes_cached;                /* the bot's backend can use what is in it */
};

struct mk_transport {
    const struct mk_transport_class *class;
    struct mk_list node; /* in its bot's list, in the order of the configuration */
    /*
     * Derived from its configuration, on the heap or NULL. A reload considers two transports of a
     * class with the same identity equal: one adopts the other. If there are several, details
     * decide.
     */
    char *identity;
    char *details;
    /*
     * The address as configured ("127.0.0.1:0") and the port of a transport that listens; else
     * NULL.
     */
    const char *listen;
    struct mk_http_port *port;
    const char *sink; /* the name of its cursor in the journal; NULL: it has none */
    bool started;
    bool goes_on;      /* the current reload keeps it */
    bool own_messages; /* it sends the bot's own messages too */
};

/* --- reporting --- */

enum {
    MK_TRANSPORT_ROWS = 3,     /* the most that a transport reports */
    MK_TRANSPORT_COUNTERS = 9, /* the most that a class has */
};

/* A number that only one class reports. */
struct mk_transport_counter {
    const char *status; /* its key in the status ("posts"); NULL: not in the status */
    const char *metric; /* its family in the metrics ("milky_webhook_posts_total") */
    const char *type;   /* of that family: "counter" or "gauge" */
    const char *help;
};

/*
 * Statistics of a transport, or of one of the kinds that it serves. Texts are borrowed until the
 * next turn.
 */
struct mk_transport_stats {
    const char *transport; /* "http_server", "event_stream", "websocket_server", ... */
    const char *name;      /* the address that it listens on, or the URL without secrets */
    const char *state;     /* "listening", "connected", ... */
    bool has_connections;
    size_t connections; /* open ones */
    bool has_accepted;  /* in one row per port */
    uint64_t accepted;  /* connections since the port began to listen */
    bool has_events;
    struct mk_lag lag;              /* of the slowest receiver of events */
    const struct mk_health *health; /* of a transport that connects to others; else NULL */
    bool waits;                     /* for the next try in `health` */
    uint64_t counters[MK_TRANSPORT_COUNTERS]; /* those of the class */
};

/* --- posting again --- */

enum mk_repost_outcome {
    MK_REPOST_TAKEN,
    MK_REPOST_REFUSED, /* `status` is the response's */
    MK_REPOST_FAILED,  /* no response, for the reason `error` */
};
struct mk_repost_result {
    enum mk_repost_outcome outcome;
    unsigned status;
    const char *error;
};

/* Receives the result, once, never from within `repost`, borrowed for the call. */
struct mk_repost_caller {
    void (*done)(void *arg, const struct mk_repost_result *result);
    void *arg;
};

/* The event that a transport is trying to deliver. */
struct mk_transport_trial {
    const char *sink; /* as that of a dead letter; borrowed, as is `name` */
    const char *name; /* without secrets */
    bool has_event;
    uint64_t number; /* of the event */
    bool is_failing; /* the last try has failed */
    bool is_paused;  /* it does not try */
};

/* --- the class --- */

struct mk_transport_class {
    const char *name;                            /* "webhook": for logs */
    const struct mk_transport_counter *counters; /* ends with a zeroed one; NULL: none */
    /* A reload aborts a removed transport instead of stopping it: a new one may use its cursor. */
    bool ends_at_once;

    /*
     * Makes the transports of this class in the bot's configuration, with their identities, and
     * adds them to the list; on failure those made so far stay there. Returns 0 or a negative
     * errno, logged unless it is -ENOMEM.
     */
    int (*add)(const struct mk_transport_context *context, const struct milky_bot *config,
               struct mk_list *transports);
    /* Starts to listen, connect or deliver. Returns 0 or a negative errno, logged. */
    int (*start)(struct mk_transport *transport);
    /*
     * Takes over the configuration of `fresh`, which was never started, has the same identity, and
     * is then freed. Connections stay.
     */
    void (*adopt)(struct mk_transport *transport, struct mk_transport *fresh);
    /* Ends its connections at once, and continues to run. NULL: it has none. */
    void (*drop)(struct mk_transport *transport);
    /*
     * Completes work that is under way and accepts no more; then it is idle. It may not have been
     * started.
     */
    void (*stop)(struct mk_transport *transport);
    /* Ends everything at once; it is idle soon. */
    void (*abort)(struct mk_transport *transport);
    bool (*idle)(const struct mk_transport *transport);
    /* Fills one row or more; returns their number. */
    size_t (*report)(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS]);
    /* It must be idle, or never started. */
    void (*free)(struct mk_transport *transport);

    /* --- of classes that listen; NULL for others --- */

    /*
     * Writes "http://HOST:PORT[PREFIX]", for a program on this machine. Returns 0, -ENOENT if it is
     * not on TCP, or the error of the buf.
     */
    int (*write_base)(const struct mk_transport *transport, struct mk_buf *out);
    /*
     * Gets the index-th of the configuration's entries that it serves, without a self_id; returns
     * false when there are no more.
     */
    bool (*get_port)(const struct mk_transport *transport, size_t index, struct milky_port *port);

    /* --- of classes with dead letters; NULL for others --- */

    /*
     * Posts the event of this number once more, in parallel to its deliveries. `sink` is that of
     * the dead letter. Returns 0; 1 when the event is not in the journal any more; -ENOENT when the
     * sink is another one's; -EBUSY while another repost is under way or it is stopping; -ENOMEM.
     */
    int (*repost)(struct mk_transport *transport, struct mk_slice sink, uint64_t number,
                  const struct mk_repost_caller *caller);
    /* Fills `trial`. Returns false while it cannot be skipped or resumed. */
    bool (*trial)(struct mk_transport *transport, struct mk_transport_trial *trial);
    /*
     * Sets the event of its trial aside, and continues with the next one. Returns 0, -ENOENT when
     * there is none, or a negative errno, logged.
     */
    int (*skip)(struct mk_transport *transport);
    /* Ends its pause. Returns whether it was paused. */
    bool (*resume)(struct mk_transport *transport);
};

/* --- for classes --- */

void mk_transport_init(struct mk_transport *transport, const struct mk_transport_class *class);
/* Formats `identity` or `details` on the heap; returns NULL when out of memory. */
char *mk_transport_key(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Converts the configuration's dialect to the core's. */
enum mk_dialect mk_transport_dialect(enum milky_dialect dialect);
/*
 * Logs the error of an entry of the configuration, which is named by its address or file. Returns
 * -EINVAL.
 */
int mk_transport_refuse(const char *transport, const char *entry, const char *why);

/* --- for owners of transports --- */

static inline struct mk_transport *mk_transport_of(struct mk_list *node)
{
    return MK_CONTAINER_OF(node, struct mk_transport, node);
}

/*
 * Makes all transports of the configuration, of all classes of the table, which ends with NULL.
 * Returns as `add`; on failure the caller still frees the list.
 */
int mk_transports_add(const struct mk_transport_class *const *table,
                      const struct mk_transport_context *context, const struct milky_bot *config,
                      struct mk_list *transports);
/* Frees all of the list, which must be idle or never started. */
void mk_transports_free(struct mk_list *transports);

/* Returns 0 or a negative errno, logged. */
int mk_transport_start(struct mk_transport *transport);
/* Returns whether they have the same class and identity; `closely`: and the same details. */
bool mk_transport_is_same(const struct mk_transport *a, const struct mk_transport *b, bool closely);
/* Replaces `fresh` in its list, and takes over its configuration; `fresh` is freed. */
void mk_transport_adopt(struct mk_transport *transport, struct mk_transport *fresh);
/* Removes it from its list. It must be idle, or never started. NULL is allowed. */
struct mk_transport *mk_transport_free(struct mk_transport *transport);

bool mk_transport_listening(const struct mk_transport *transport);
/* Takes over the listener of another one. */
void mk_transport_listen_for(struct mk_transport *transport, struct mk_transport *other);
/* Returns whether the address is any free port (":0"), which is another one each time. */
bool mk_transport_any_port(const char *listen);

#endif
