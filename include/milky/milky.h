/*
 * milky/milky.h: run a Milky endpoint.
 *
 * An endpoint serves the calls and events of its backends (milky/backend.h) to bots, over the four
 * communication methods of Milky (spec/communication-draft.md):
 *
 *   struct milky_server server = { sizeof(server), .listen = "127.0.0.1:3000" };
 *   struct milky_bot bot = { sizeof(bot), .self_id = 10001, .http_server = &server,
 *                            .http_server_count = 1 };
 *   struct milky_config_backend backend = { sizeof(backend), "mine", &table, state };
 *   struct milky_config config = { sizeof(config), .backends = &backend, .backend_count = 1,
 *                                  .bots = &bot, .bot_count = 1 };
 *   struct milky_error error = { sizeof(error) };
 *   struct milky_endpoint *endpoint = NULL;
 *   int rc = milky_endpoint_new(&config, &endpoint, &error);
 *   if (rc == 0)
 *       rc = milky_endpoint_start(endpoint, &error);
 *   if (rc == 0)
 *       milky_endpoint_run(endpoint);    // until milky_endpoint_stop
 *   else
 *       fprintf(stderr, "%s\n", error.text);
 *   milky_endpoint_free(endpoint);
 *
 * Structs begin with their size in the embedder's version of this header: fields that a later
 * version adds at the end are taken as zero. In an array of structs all have the size of the first.
 * Structs that are members of others have `reserved` words instead. If a field is set that an older
 * library does not have, the library refuses the struct.
 *
 * Threads: an endpoint belongs to the thread that runs it; no other thread may call a function here
 * for it. Endpoints share nothing: each may run in a thread of its own.
 */
#ifndef MILKY_MILKY_H
#define MILKY_MILKY_H

#include <milky/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milky 1.N has the number N - 1. */
enum milky_dialect {
    MILKY_DIALECT_DRAFT, /* spec/milky-draft.json */
    MILKY_DIALECT_1_2,   /* spec/milky-1.2.json */
    MILKY_DIALECT_1_3,   /* spec/milky-1.3.json, the newest */
};

/* PEM files; read when the endpoint is made, and again by milky_endpoint_reload. */
struct milky_server_tls {
    const char *certificate; /* with its chain; NULL: no TLS */
    const char *key;         /* NULL without a certificate */
    const void *reserved[6]; /* NULL */
};

struct milky_remote_tls {
    const char *ca;            /* certificates to trust; NULL: the system's roots */
    const char *certificate;   /* of the client; NULL: none */
    const char *key;           /* NULL without a certificate */
    bool insecure_skip_verify; /* any certificate is accepted */
    const void *reserved[4];   /* NULL */
};

/*
 * Which events a transport sends. Each member that is set restricts those events that have what it
 * names: a list of groups leaves messages of friends alone. An empty list and false restrict
 * nothing. Events that are left out keep their numbers, and are no gap.
 */
struct milky_events {
    const char *const *types; /* "message_receive", "group_nudge": names of 1.x or of the draft */
    size_t type_count;
    const char *const *scenes; /* "friend", "group", "temp" */
    size_t scene_count;
    const uint64_t *groups; /* their numbers */
    size_t group_count;
    const uint64_t *users; /* people who did it or whom it is about */
    size_t user_count;
    bool mentioned;       /* of messages in groups only those that mention the bot */
    uint64_t reserved[4]; /* 0 */
};

/*
 * An http_server or a websocket_server. An http_server and a websocket_server of one bot may have
 * the same `listen`, and then share one port; their `prefix` and `tls` must be the same. Servers of
 * two bots never share a port. With port 0, they share one when their `prefix` and `tls` are the
 * same.
 */
struct milky_server {
    size_t size;        /* sizeof(struct milky_server) */
    const char *listen; /* "127.0.0.1:3000", "[::1]:3000", "unix:PATH"; port 0 is any free one */
    const char *access_token; /* NULL: none is needed */
    bool allow_anonymous;     /* other machines may reach it although it has no token */
    const char *prefix;       /* the beginning of every path ("/milky"); NULL: none */
    struct milky_server_tls tls;
    enum milky_dialect dialect;
    bool no_compression; /* do not compress WebSocket messages (an http_server's are at /event) */
    /*
     * The origins of web pages that may use the server from a browser ("https://console.example"),
     * or "*", which is every origin and needs an access_token. NULL: pages of its own origin only.
     */
    const char *const *origins;
    size_t origin_count;
    /* Which events it sends (an http_server at /event). */
    struct milky_events events;
    bool own_messages; /* the bot's own messages too */
};

/* How a webhook continues with an event that its receiver fails to take. */
enum milky_on_give_up {
    MILKY_GIVE_UP_DEAD_LETTER, /* sets it aside (without a journal: drops it) */
    MILKY_GIVE_UP_WAIT,        /* posts it without end: order above all */
};

/*
 * A websocket_client or a webhook: an address that the endpoint connects to. The journal keeps the
 * progress of a webhook, and of a websocket_client that replays, by its URL: two webhooks of a bot
 * must have different URLs, and so must two of its websocket_clients that replay.
 */
struct milky_remote {
    size_t size;              /* sizeof(struct milky_remote) */
    const char *url;          /* ws:// or wss://; a webhook's: http:// or https:// */
    const char *access_token; /* NULL: none */
    enum milky_dialect dialect;
    /*
     * A webhook's: signs each request (Standard Webhooks). "whsec_" and the key in base64, or any
     * other text, which is the key; at most 512 bytes. NULL: not signed.
     */
    const char *secret;
    bool replay;         /* a websocket_client's: continue after the last event that was received */
    bool no_compression; /* a websocket_client's: do not compress messages */
    struct milky_remote_tls tls;
    /*
     * A webhook's, in seconds; 0 is the default, in brackets. An event that may itself be the cause
     * of failed posts (no answer in time, a 5xx, ...) is given up after so many tries, or after so
     * many seconds, whichever is first: it becomes a dead letter, and the next one is posted. While
     * the URL is down as a whole (nothing listens, no name, no TLS), its events wait.
     */
    uint64_t timeout;         /* of a post, from the connection to the end of the answer (15) */
    uint64_t give_up_tries;   /* (10) */
    uint64_t give_up_seconds; /* since the first of these posts began (180) */
    enum milky_on_give_up on_give_up;
    struct milky_events events; /* which events it sends */
    bool own_messages;          /* the bot's own messages too */
    const char *origin; /* a websocket_client's: sent as Origin (https://HOST); NULL: none */
};

/* One account and its transports. */
struct milky_bot {
    size_t size;         /* sizeof(struct milky_bot) */
    uint64_t self_id;    /* 10001 to 4294967295; no two bots of an endpoint have the same */
    const char *backend; /* the name of its backend; NULL: the first */
    const struct milky_server *http_server;
    size_t http_server_count;
    const struct milky_server *websocket_server;
    size_t websocket_server_count;
    const struct milky_remote *websocket_client;
    size_t websocket_client_count;
    const struct milky_remote *webhook;
    size_t webhook_count;
};

/* The log of events on disk, from which webhooks and clients that reconnect get missed events. */
struct milky_journal {
    const char *path;     /* of its database; NULL: no journal */
    uint64_t max_events;  /* kept per bot; 0: 100,000 */
    uint64_t max_age;     /* seconds that an event is kept; 0: 7 days */
    bool no_flush;        /* a commit need not survive a power failure */
    uint64_t reserved[4]; /* 0 */
};

/* Limits of what clients may use; 0 is the default, in brackets. */
struct milky_limits {
    uint64_t connections;             /* to all servers together (16,384) */
    uint64_t connections_per_address; /* (1,024; without limit for this machine) */
    uint64_t tls_handshakes;          /* under way; for one more the oldest ends (1,024) */
    uint64_t failed_credentials; /* of one address in a minute; then 429 for more of them (100) */
    uint64_t header_bytes;       /* of a request (32 KiB) */
    uint64_t body_bytes;         /* of a request (16 MiB) */
    uint64_t message_bytes;      /* of a WebSocket message (64 MiB) */
    uint64_t header_seconds;     /* for a TLS handshake, and for the head of a request (15) */
    uint64_t body_seconds;       /* for each 64 KiB of a body (30) */
    uint64_t idle_seconds;       /* between requests (75) */
    uint64_t calls_in_flight;    /* of a WebSocket; at the limit it is not read (256) */
    uint64_t lag_bytes;          /* that a client may be behind; then it is closed (16 MiB) */
    uint64_t call_seconds;       /* for a backend's answer; then -500 (60) */
    uint64_t media_bytes;        /* of all contents that a backend of this program keeps (16 GiB) */
    uint64_t media_bytes_per_bot;          /* of those that one bot has sent or uploaded (4 GiB) */
    uint64_t pending_bytes_per_connection; /* of calls in flight; then it is not read (16 MiB) */
    uint64_t pending_bytes_per_bot;        /* of calls in flight; for one more -503 (128 MiB) */
    uint64_t window_bytes;    /* of all WebSocket clients that compress with one (32 MiB) */
    uint64_t receiving_bytes; /* of all bodies and messages that arrive; then 503, 1013 (512 MiB) */
    uint64_t cache_bytes;     /* of all uploads, with what is announced of them (16 GiB) */
    uint64_t cache_bytes_per_bot; /* (4 GiB) */
    uint64_t cache_seconds;       /* that an upload which is not complete may get nothing (600) */
    uint64_t reserved[10];        /* 0: for future limits */
};

/*
 * A backend of an endpoint: its table, and the state that its functions get as `self`.
 * milky_endpoint_new (or _reload) takes it over, also when it fails; the endpoint frees it
 * (milky_backend.free).
 */
struct milky_config_backend {
    size_t size;      /* sizeof(struct milky_config_backend) */
    const char *name; /* letters, digits, '-' and '_'; unique in the endpoint, and not "endpoint" */
    const struct milky_backend *table;
    void *self;
};

struct milky_config {
    size_t size;                                 /* sizeof(struct milky_config) */
    const struct milky_config_backend *backends; /* at least one */
    size_t backend_count;
    const struct milky_bot *bots;
    size_t bot_count;
    struct milky_journal journal;
    struct milky_limits limits;
    /* The address for operators' requests ("unix:PATH", "127.0.0.1:3010"); NULL: none. */
    const char *control;
    const char *control_access_token; /* NULL: none is needed, and only this machine is allowed */
    /* The address for GET /healthz, /readyz and /metrics ("127.0.0.1:3009"); NULL: none. */
    const char *operations;
    const char *operations_access_token; /* as control_access_token */
    /* The beginning of the URLs of files that the endpoint serves ("http://milky.example:3000"),
     * for clients that reach it at another address than it listens on; NULL: see
     * milky_host_resource_url. */
    const char *resource_url;
    /*
     * The length in bytes from which WebSocket messages are compressed, if both sides have
     * negotiated it (permessage-deflate, RFC 7692); 0: 1,024.
     */
    uint64_t compression_threshold;
    /*
     * Microseconds to poll for more input before sleeping: allows more calls a second over few
     * connections, but keeps a processor busy meanwhile. 0: none.
     */
    uint64_t busy_poll_us;
    /* Do not use io_uring to send on many connections with one system call. */
    bool no_io_uring;
    /*
     * The libuv loop to run on, which belongs to the embedder and must outlive the endpoint; NULL:
     * a loop of its own. Endpoints of one thread may share a loop; then busy_poll_us and
     * no_io_uring apply to the loop, and the last endpoint sets them.
     */
    struct uv_loop_s *loop;
    /*
     * The language of messages of failed calls: the endpoint's (-403, -501) and the backends'
     * (milky_host_language).
     */
    enum milky_language language;
    /*
     * The proxies of webhooks, for http:// and for https:// URLs: "http://USER:PASSWORD@HOST:PORT",
     * where only HOST is needed (the port is 1080 then); NULL: none. A reload does not change them.
     * The library does not read the environment: the program takes these texts from http_proxy,
     * https_proxy, all_proxy and no_proxy.
     */
    const char *http_proxy;
    const char *https_proxy;
    /*
     * The hosts that webhooks reach without a proxy: names with all names below them, addresses and
     * networks ("10.0.0.0/8"), separated by commas; "*": all. NULL: none.
     */
    const char *no_proxy;
    /* The origins of web pages that may use `control` and `operations`; as in milky_server. */
    const char *const *control_origins;
    size_t control_origin_count;
    const char *const *operations_origins;
    size_t operations_origin_count;
    /*
     * A folder for files that bots upload at /cache of an http_server, to use them as "cache://ID".
     * It is made if it is missing, is emptied at the start and at the end, and belongs to this
     * endpoint alone. NULL: bots cannot upload files. A reload does not change it.
     */
    const char *cache;
};

/*
 * An error in words for a person: a mistake of the configuration with its JSON path, or another
 * failure (then `path` is ""). Texts are cut to fit. The caller sets `size`.
 */
struct milky_error {
    size_t size;        /* sizeof(struct milky_error) */
    char path[128];     /* "bots[0].webhook[1].url" */
    char expected[256]; /* "a QQ number from 10001 to 4294967295", or "" */
    char got[128];      /* "42", or ""; never a token or a URL */
    char text[768];     /* all of this in one line */
};

struct milky_endpoint;

/*
 * Makes an endpoint. The configuration is copied; the backends now belong to the endpoint, which
 * frees them, also when this fails. Returns 0; -EINVAL for an invalid configuration; or another
 * negative errno. Then `error`, which may be NULL, is filled.
 */
MILKY_API int milky_endpoint_new(const struct milky_config *config,
                                 struct milky_endpoint **endpoint, struct milky_error *error);

/*
 * Starts the backends, listens and connects. To be called once. Returns 0, or a negative errno as
 * above; then the endpoint must be freed.
 */
MILKY_API int milky_endpoint_start(struct milky_endpoint *endpoint, struct milky_error *error);

/*
 * Applies another configuration to a running endpoint, from a callback on the loop. Returns 0, or a
 * negative errno as above: then nothing has changed, and the new backends have been freed.
 *
 * Transports: a transport whose configuration is the same keeps its connections. New tokens and
 * origins apply to the next requests, and a new `no_compression` to the next connections;
 * certificates are read again in any case. Bots may be added and removed. An address that moves
 * from one server to another stays open.
 *
 * Backends: list a running backend again, with the same name, table and `self`, to keep it. Any
 * other backend is new, and is started; when one does not start, the reload is refused. A running
 * backend that is not listed gets no new calls, and is freed when its last call has been answered
 * (within call_seconds). Another backend may have its name at once, but its `self` only after that.
 * A bot must keep its backend: to change it, remove the bot, reload, and add it again.
 *
 * Other settings: resource_url, busy_poll_us, no_io_uring, compression_threshold and language are
 * applied; all others are ignored.
 */
MILKY_API int milky_endpoint_reload(struct milky_endpoint *endpoint,
                                    const struct milky_config *config, struct milky_error *error);

/*
 * Sets the function that an operator's request to reload (POST /endpoint/reload) calls. It returns
 * NULL, or the reason why the reload was refused, for a person to read. It may set `*restart`,
 * which is NULL before, to the names of changed settings that need a restart, one on each line
 * ("limits\njournal\n"), for the reply. Both texts must stay valid until the next call.
 */
MILKY_API void milky_endpoint_on_reload(struct milky_endpoint *endpoint,
                                        const char *(*reload)(void *arg, const char **restart),
                                        void *arg);

/*
 * Runs the loop until the endpoint has stopped (milky_endpoint_stop). On the embedder's loop this
 * also runs the embedder's handles. Returns at once if the endpoint was not started.
 */
MILKY_API void milky_endpoint_run(struct milky_endpoint *endpoint);

/*
 * Instead of milky_endpoint_run: an embedder runs its own libuv loop as usual (uv_run), or, with an
 * event loop of another kind, polls the descriptor for input, at most for the timeout
 * (milliseconds; -1: for ever), and calls milky_endpoint_step, which does the work that is due
 * without waiting:
 *
 *   struct pollfd polled = { milky_endpoint_fd(endpoint), POLLIN, 0 };
 *   do
 *       poll(&polled, 1, milky_endpoint_timeout(endpoint));
 *   while (milky_endpoint_step(endpoint));
 *
 * milky_endpoint_timeout must be called before each poll: it sends output that was written since
 * the last step. A step returns false when the endpoint has stopped. From its start until then the
 * endpoint keeps the loop running.
 */
MILKY_API int milky_endpoint_fd(const struct milky_endpoint *endpoint);
MILKY_API int milky_endpoint_timeout(struct milky_endpoint *endpoint);
MILKY_API bool milky_endpoint_step(struct milky_endpoint *endpoint);

/*
 * Begins to stop. May be called from a callback on the loop or between two steps. Listeners close,
 * calls in flight are answered, WebSockets are closed with 1001. The endpoint has stopped within
 * five seconds: calls that a backend leaves open are answered with -500 before that.
 */
MILKY_API void milky_endpoint_stop(struct milky_endpoint *endpoint);

/* Returns whether it has stopped after milky_endpoint_stop: it can be freed without waiting. */
MILKY_API bool milky_endpoint_stopped(const struct milky_endpoint *endpoint);

/*
 * Ends an endpoint that has not stopped (calls in flight are answered with -500), and frees the
 * backends and the endpoint. Must not be called from a callback on the loop, since it runs the loop
 * until the endpoint's handles are closed. NULL is allowed.
 *
 * A backend must close its libuv handles in milky_backend.free at the latest, and an embedder those
 * on the endpoint's own loop before this. A handle that is left open on the endpoint's own loop is
 * logged by its type ("left open: timer"); its callback may be called once more in here, and the
 * memory of the loop leaks. On the embedder's loop, open handles are not affected.
 */
MILKY_API void milky_endpoint_free(struct milky_endpoint *endpoint);

/* The loop, for the embedder's own timers, signals and connections. */
MILKY_API struct uv_loop_s *milky_endpoint_loop(const struct milky_endpoint *endpoint);

/* A port that the endpoint listens on, for a banner or a status page. */
struct milky_port {
    size_t size;           /* set by the caller: sizeof(struct milky_port) */
    uint64_t self_id;      /* 0: not a bot's */
    const char *transport; /* "http_server", "websocket_server", "control", "operations" */
    const char *address; /* as `listen`, with the actual port; borrowed until milky_endpoint_reload
                            or _free */
    size_t entry; /* the index of the http_server or websocket_server in the bot's configuration */
};

/* Gets the index-th of them, after milky_endpoint_start; returns false when there are no more. */
MILKY_API bool milky_endpoint_port(const struct milky_endpoint *endpoint, size_t index,
                                   struct milky_port *port);

/* The version of this library ("1.0.0"). */
MILKY_API const char *milky_version(void);

/*
 * Sets the language of log lines, of struct milky_error, and of answers to operators, for all
 * endpoints of the process; the default is English. To be called before endpoints are made.
 * milky_config.language is that of replies to bots.
 */
MILKY_API void milky_language_set(enum milky_language language);

/*
 * Sets the writer of the log lines of all endpoints of the process: `write` is called with each
 * line, newline included, on the thread that logs it, mostly an endpoint's, which waits for it: so
 * it must not block. NULL (the default): no log.
 * `level` is 0 for errors, 1 warnings, 2 information, 3 debugging. To be called before endpoints
 * are made.
 */
MILKY_API void milky_log_to(void (*write)(const char *line, size_t len), int level, bool json);

#ifdef __cplusplus
}
#endif
#endif
