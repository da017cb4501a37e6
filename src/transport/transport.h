/*
 * transport: one class of transports. A transport is a way to bots: an address that they connect
 * to, or a client that connects to them. The endpoint starts, reloads and reports transports by
 * this header alone; transport/table.h lists the classes that there are.
 *
 * A transport embeds `struct mk_transport`, and lives like this:
 *
 *   add -> start -> stop or abort -> idle -> free
 *
 * A reload adds the transports of the new configuration beside those that run, and compares the two
 * lists: of two with one identity the one that runs adopts the other, which is freed unstarted.
 */
#ifndef MK_TRANSPORT_TRANSPORT_H
#define MK_TRANSPORT_TRANSPORT_H

#include "hub/reader.h"
#include "net/http_client.h"
#include "protocol/dispatch.h"
#include "transport/health.h"
#include "web/http_port.h"

#include <milky/milky.h>

struct mk_resource_source; /* transport/resource.h */
struct mk_session_limits;  /* transport/websocket_session.h */

/* What the transports of a bot are made with; all of it is borrowed and outlives them. */
struct mk_transport_context {
    struct mk_loop *loop;
    struct mk_guard *guard;
    const struct mk_session_limits *limits; /* of WebSockets and streams of events */
    struct mk_dispatch *dispatch;
    struct mk_hub *hub;
    uint64_t *unanswered_pings;       /* the bot's count, of its WebSockets; or NULL */
    struct mk_http_client **http;     /* the endpoint's: see mk_transport_http */
    struct mk_resource_source *files; /* that servers serve, too; NULL: none */
};

/* The endpoint's HTTP client, which is dear to start: the first that needs it makes it. Returns
 * NULL where that fails, logged unless out of memory. */
struct mk_http_client *mk_transport_http(const struct mk_transport_context *context);

struct mk_transport {
    const struct mk_transport_class *class;
    struct mk_list node; /* among those of its bot, in the order of the configuration */
    /* Of its configuration, on the heap or NULL. Two transports of a class with one identity are
     * the same to a reload: one adopts the other. Of several it is the one with the same details.
     */
    char *identity;
    char *details;
    /* Of those that listen: the address, as configured ("127.0.0.1:0"), and its port; else NULL. */
    const char *listen;
    struct mk_http_port *port;
    bool started;
    bool goes_on; /* the reload at hand has kept it */
};

/* --- reporting --- */

enum {
    MK_TRANSPORT_ROWS = 3,     /* that a transport reports at most */
    MK_TRANSPORT_COUNTERS = 6, /* that a class has at most */
};

/* A number that one class alone reports. */
struct mk_transport_counter {
    const char *status; /* its key in the status ("posts"); NULL: it is not there */
    const char *metric; /* its family in the metrics ("milky_webhook_posts_total") */
    const char *type;   /* of that family: "counter" or "gauge" */
    const char *help;
};

/* How a transport is doing, or one of the kinds that it serves. Texts are borrowed until the next
 * turn. */
struct mk_transport_stats {
    const char *transport; /* "http_server", "event_stream", "websocket_server", ... */
    const char *name;      /* the address that it listens on, or the URL without secrets */
    const char *state;     /* "listening", "connected", ... */
    bool has_connections;
    size_t connections; /* open ones */
    bool has_accepted;  /* in one entry per port */
    uint64_t accepted;  /* connections of the port, since it began to listen */
    bool has_events;
    struct mk_lag lag;                        /* of the slowest receiver of events */
    const struct mk_health *health;           /* of one that connects to others; else NULL */
    bool waits;                               /* for its next try, which is in `health` */
    uint64_t counters[MK_TRANSPORT_COUNTERS]; /* as the class names them */
};

/* --- posting again --- */

enum mk_repost_outcome {
    MK_REPOST_TAKEN,
    MK_REPOST_REFUSED, /* `status` says how */
    MK_REPOST_FAILED,  /* no response; `error` says why */
};
struct mk_repost_result {
    enum mk_repost_outcome outcome;
    unsigned status;
    const char *error;
};

/* Gets the result: once, never from within `repost`, borrowed for the time of the call. */
struct mk_repost_caller {
    void (*done)(void *arg, const struct mk_repost_result *result);
    void *arg;
};

/* --- the class --- */

struct mk_transport_class {
    const char *name;                            /* "webhook": for logs */
    const struct mk_transport_counter *counters; /* ends with a zeroed one; NULL: none */
    /* A reload that takes it out aborts it, instead of stopping it: its cursor may be another
     * one's next. */
    bool ends_at_once;

    /*
     * Makes the transports of this class that the bot's configuration asks for, with their
     * identities, and adds them to the list; on failure those that are made stay there. Returns 0
     * or a negative errno, logged unless it is -ENOMEM.
     */
    int (*add)(const struct mk_transport_context *context, const struct milky_bot *config,
               struct mk_list *transports);
    /* Listens, connects, delivers. Returns 0 or a negative errno, logged. */
    int (*start)(struct mk_transport *transport);
    /* Goes on as `fresh` is configured, which was never started, has the same identity, and is
     * freed next. Connections stay. */
    void (*adopt)(struct mk_transport *transport, struct mk_transport *fresh);
    /* Ends its connections at once, and goes on. NULL: it has none. */
    void (*drop)(struct mk_transport *transport);
    /* Completes what is under way and takes nothing more on; then it is idle. Started or not. */
    void (*stop)(struct mk_transport *transport);
    /* Ends everything at once; then it is idle soon. */
    void (*abort)(struct mk_transport *transport);
    bool (*idle)(const struct mk_transport *transport);
    /* Fills one entry or more; returns their number. */
    size_t (*report)(const struct mk_transport *transport,
                     struct mk_transport_stats stats[MK_TRANSPORT_ROWS]);
    /* It is idle, or was never started. */
    void (*free)(struct mk_transport *transport);

    /* --- of those that listen; NULL for others --- */

    /* Writes "http://HOST:PORT[PREFIX]", as a program on this machine reaches it. Returns 0,
     * -ENOENT where it is not on TCP, or the error of the buf. */
    int (*write_base)(const struct mk_transport *transport, struct mk_buf *out);
    /* The index-th of the configuration's entries that it serves, without a self_id; false when
     * there are no more. */
    bool (*get_port)(const struct mk_transport *transport, size_t index, struct milky_port *port);

    /* --- of those that set events aside; NULL for others --- */

    /*
     * Posts the event of this number once more, beside its deliveries. `sink` is the name under
     * which it was set aside. Returns 0; 1 when the event is not in the journal any more; -ENOENT
     * when the sink is another one's; -EBUSY when it does so already or is stopping; -ENOMEM.
     */
    int (*repost)(struct mk_transport *transport, struct mk_slice sink, uint64_t number,
                  const struct mk_repost_caller *caller);
};

/* --- for classes --- */

void mk_transport_init(struct mk_transport *transport, const struct mk_transport_class *class);
/* A text for `identity` or `details`, on the heap; NULL when out of memory. */
char *mk_transport_key(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As the configuration says it, and as the core does. */
enum mk_dialect mk_transport_dialect(enum milky_dialect dialect);
/* Logs what is wrong with an entry of the configuration, known by its address or file. Returns
 * -EINVAL. */
int mk_transport_refuse(const char *transport, const char *entry, const char *why);

/* --- for owners of transports --- */

static inline struct mk_transport *mk_transport_of(struct mk_list *node)
{
    return MK_CONTAINER_OF(node, struct mk_transport, node);
}

/* Adds all that the configuration asks for, of all classes of the table, which ends with NULL.
 * Returns what `add` does; on failure what is in the list is still to be freed. */
int mk_transports_add(const struct mk_transport_class *const *table,
                      const struct mk_transport_context *context, const struct milky_bot *config,
                      struct mk_list *transports);
/* All that are in the list, which must be idle or never have been started. */
void mk_transports_free(struct mk_list *transports);

/* Returns 0 or a negative errno, logged. */
int mk_transport_start(struct mk_transport *transport);
/* They have one class and identity; `closely`: the same details, too. */
bool mk_transport_is_same(const struct mk_transport *a, const struct mk_transport *b, bool closely);
/* Takes the place of `fresh` in its list, and goes on as that is configured; `fresh` is freed. */
void mk_transport_adopt(struct mk_transport *transport, struct mk_transport *fresh);
/* Takes it out of its list. It is idle, or was never started. NULL is allowed. */
struct mk_transport *mk_transport_free(struct mk_transport *transport);

bool mk_transport_listening(const struct mk_transport *transport);
/* Listens in the place of another one, which does not any more. */
void mk_transport_listen_for(struct mk_transport *transport, struct mk_transport *other);
/* It asks for a free port (":0"), which is another one each time. */
bool mk_transport_any_port(const char *listen);

#endif
