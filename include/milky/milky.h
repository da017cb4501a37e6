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
 * Structs begin with their size, as the embedder was compiled: a field that a later version of this
 * header adds at the end is zero for it. In an array of structs all have the size of the first. A
 * struct that others hold by value has a few `reserved` words for that. A field that is set and
 * that an older library does not know is refused.
 *
 * Threads: an endpoint belongs to the thread that runs it, and no function here may be called for
 * it from another one. Endpoints share nothing: several may run in threads of their own.
 */
#ifndef MILKY_MILKY_H
#define MILKY_MILKY_H

#include <milky/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

enum milky_dialect {
    MILKY_DIALECT_DRAFT, /* the names and shapes of spec/milky-draft.json */
    MILKY_DIALECT_1_2,   /* those of spec/milky-1.2.json */
};

/* PEM files; read when the endpoint is made, and again by milky_endpoint_reload. */
struct milky_server_tls {
    const char *certificate; /* and what leads to its root; NULL: no TLS */
    const char *key;         /* NULL where that is */
    const void *reserved[6]; /* NULL */
};

struct milky_remote_tls {
    const char *ca;            /* certificates to trust; NULL: the system's roots */
    const char *certificate;   /* to present; NULL: none */
    const char *key;           /* NULL where that is */
    bool insecure_skip_verify; /* any certificate is accepted */
    const void *reserved[4];   /* NULL */
};

/*
 * An http_server or a websocket_server. An http_server and a websocket_server of one bot may have
 * the same `listen`, and then share one port; their `prefix` and `tls` must be the same. Servers of
 * two bots never share a port. With port 0, they share one when their `prefix` and `tls` are the
 * same.
 */
struct milky_server {
    size_t size;        /* sizeof(struct milky_server) */
    const char *listen; /* "127.0.0.1:3000", "[::1]:3000", "unix:PATH"; port 0 takes a free one */
    const char *access_token; /* NULL: none is needed */
    bool allow_anonymous;     /* other machines may reach it although it has no token */
    const char *prefix;       /* the beginning of every path ("/milky"); NULL: none */
    struct milky_server_tls tls;
    enum milky_dialect dialect;
    bool no_compression; /* WebSockets (an http_server's are at /event) never agree to it */
};

/*
 * A websocket_client or a webhook: an address that the endpoint connects to. The journal keeps the
 * progress of a webhook, and of a websocket_client that replays, by its URL: two webhooks of a bot
 * must have different URLs, and so must two of its websocket_clients that replay.
 */
struct milky_remote {
    size_t size;              /* sizeof(struct milky_remote) */
    const char *url;          /* ws:// or wss://; a webhook's: http:// or https:// */
    const char *access_token; /* NULL: none is sent */
    enum milky_dialect dialect;
    /* A webhook's: signs each request (Standard Webhooks). "whsec_" and the key in base64, or any
     * other text, which is the key; of 512 bytes at most. NULL: not signed. */
    const char *secret;
    bool replay; /* a websocket_client's: go on behind the last event that it has received */
    bool no_compression; /* a websocket_client's: it is not offered */
    struct milky_remote_tls tls;
};

/* One account and its transports. */
struct milky_bot {
    size_t size;         /* sizeof(struct milky_bot) */
    uint64_t self_id;    /* 10001 to 4294967295; no two bots of an endpoint have the same */
    const char *backend; /* the name of the one that answers its calls; NULL: the first */
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
    const char *path;     /* of its database; NULL: none is kept */
    uint64_t max_events;  /* kept per bot; 0: 100,000 */
    uint64_t max_age;     /* seconds that an event is kept; 0: 7 days */
    bool no_flush;        /* a commit need not survive the loss of power */
    uint64_t reserved[4]; /* 0 */
};

/* Limits of what clients may use; 0 is the default, in brackets. */
struct milky_limits {
    uint64_t connections;             /* to all servers together (16,384) */
    uint64_t connections_per_address; /* (1,024, and of this machine any number) */
    uint64_t tls_handshakes;          /* under way; then the oldest ends (1,024) */
    uint64_t failed_credentials; /* of one address within a minute; then 429 for its rest (100) */
    uint64_t header_bytes;       /* of a request (32 KiB) */
    uint64_t body_bytes;         /* of a request (16 MiB) */
    uint64_t message_bytes;      /* of a WebSocket message (64 MiB) */
    uint64_t header_seconds;     /* for a TLS handshake, and for the head of a request (15) */
    uint64_t body_seconds;       /* for each 64 KiB of a body (30) */
    uint64_t idle_seconds;       /* between requests (75) */
    uint64_t calls_in_flight;    /* of a WebSocket; then it is not read (256) */
    uint64_t lag_bytes;          /* of events behind; then a client is closed (16 MiB) */
    uint64_t call_seconds;       /* for a backend's answer; then the call fails with -500 (60) */
    uint64_t reserved[19];       /* 0: for limits to come */
};

/*
 * A backend of an endpoint: its table, and the state that its functions get as `self`. It belongs
 * to the endpoint from milky_endpoint_new (or _reload) on, which frees it (milky_backend.free),
 * also when that fails.
 */
struct milky_config_backend {
    size_t size;      /* sizeof(struct milky_config_backend) */
    const char *name; /* letters, digits, '-' and '_'; no two backends of an endpoint share one, and
                         none is "endpoint" */
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
    const char *control_access_token; /* NULL: none is needed, and only this machine may ask */
    /* The address for GET /healthz, /readyz and /metrics ("127.0.0.1:3009"); NULL: none. */
    const char *operations;
    const char *operations_access_token; /* as control_access_token */
    /* The beginning of the URLs of files that the endpoint serves ("http://milky.example:3000"),
     * for clients that reach it at another address than it listens on; NULL: see
     * milky_host_resource_url. */
    const char *resource_url;
    /* Bytes from which on a message of a WebSocket is compressed, where both sides have agreed to
     * it (permessage-deflate, RFC 7692); 0: 1,024. */
    uint64_t compression_threshold;
    /* Microseconds to look for more input before going to sleep: more calls a second over few
     * connections, for a processor that is busy meanwhile. 0: none. */
    uint64_t busy_poll_us;
    /* Do not send to many connections with one system call, where the kernel has io_uring. */
    bool no_io_uring;
    /* The libuv loop to run on, which stays the embedder's and outlives the endpoint; NULL: one of
     * its own. Endpoints of one thread may share one, and busy_poll_us and no_io_uring then, of
     * which the last one counts. */
    struct uv_loop_s *loop;
    /* Of the messages of failed calls: the endpoint's own (-403, -501), and the backends'
     * (milky_host_language). */
    enum milky_language language;
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
    char text[768];     /* all of it in one line */
};

struct milky_endpoint;

/*
 * Makes an endpoint. The configuration is copied; the backends now belong to the endpoint, which
 * frees them, also when this fails. Returns 0; -EINVAL for a configuration that is not as it is
 * said above; or another negative errno. Then `error`, which may be NULL, says what is wrong.
 */
MILKY_API int milky_endpoint_new(const struct milky_config *config,
                                 struct milky_endpoint **endpoint, struct milky_error *error);

/*
 * Starts the backends, listens and connects; once. Returns 0, or a negative errno as above: then it
 * is to be freed.
 */
MILKY_API int milky_endpoint_start(struct milky_endpoint *endpoint, struct milky_error *error);

/*
 * Applies another configuration to a running endpoint, from a callback on the loop. Returns 0, or a
 * negative errno as above: then nothing has changed, and the new backends have been freed.
 *
 * Transports: a transport whose configuration is the same keeps its connections. New tokens apply
 * to the next requests, and a new `no_compression` to the next connections; certificates are read
 * again in any case. Bots may be added and removed. An address that moves from one server to
 * another stays open.
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
 * Serves until it has stopped (milky_endpoint_stop). Also on a loop that was handed in, which does
 * whatever else is on it meanwhile. Returns at once where it was not started.
 */
MILKY_API void milky_endpoint_run(struct milky_endpoint *endpoint);

/*
 * Instead of milky_endpoint_run: an embedder runs the loop that it has handed in as ever
 * (uv_run), or, with a loop of another kind, polls the descriptor for input, at most for the
 * timeout (milliseconds; -1: for ever), and takes a step, which does what is due and does not wait:
 *
 *   struct pollfd polled = { milky_endpoint_fd(endpoint), POLLIN, 0 };
 *   do
 *       poll(&polled, 1, milky_endpoint_timeout(endpoint));
 *   while (milky_endpoint_step(endpoint));
 *
 * The timeout is to be asked for anew before each poll: that sends what was written since the last
 * step. A step returns false when the endpoint has stopped. From its start until then it keeps the
 * loop running.
 */
MILKY_API int milky_endpoint_fd(const struct milky_endpoint *endpoint);
MILKY_API int milky_endpoint_timeout(struct milky_endpoint *endpoint);
MILKY_API bool milky_endpoint_step(struct milky_endpoint *endpoint);

/*
 * Begins to stop, from a callback on the loop or between two steps: listeners close, calls in
 * flight are answered, WebSockets are closed with 1001. Within five seconds it has stopped: a call
 * that its backend leaves open is answered with -500 before that.
 */
MILKY_API void milky_endpoint_stop(struct milky_endpoint *endpoint);

/* It was to stop, and nothing is left to do but to free it. */
MILKY_API bool milky_endpoint_stopped(const struct milky_endpoint *endpoint);

/*
 * Ends what has not stopped (calls in flight are answered with -500), frees the backends and the
 * endpoint. Not from a callback on the loop: it runs the loop until the endpoint's handles are
 * closed. NULL is allowed.
 *
 * A backend closes its libuv handles in milky_backend.free at the latest, and an embedder its own,
 * on the endpoint's loop, before this. What is left open on a loop of the endpoint's own is logged,
 * by its type ("left open: timer"), may be called back once more in here, and costs the memory of
 * the loop. On a loop that was handed in it is the embedder's business.
 */
MILKY_API void milky_endpoint_free(struct milky_endpoint *endpoint);

/* The loop, for the embedder's own timers, signals and connections. */
MILKY_API struct uv_loop_s *milky_endpoint_loop(const struct milky_endpoint *endpoint);

/* Something that is being served, for a banner or a status page. */
struct milky_port {
    size_t size;           /* set by the caller: sizeof(struct milky_port) */
    uint64_t self_id;      /* 0 for what is no bot's */
    const char *transport; /* "http_server", "websocket_server", "control", "operations" */
    const char *address;   /* as `listen`, with the real port; borrowed, until the next
                              milky_endpoint_reload or milky_endpoint_free */
    size_t entry; /* which http_server or websocket_server of the bot's configuration it is */
};

/* The index-th of them after milky_endpoint_start; false when there are no more. */
MILKY_API bool milky_endpoint_port(const struct milky_endpoint *endpoint, size_t index,
                                   struct milky_port *port);

/* The version of this library ("1.0.0"). */
MILKY_API const char *milky_version(void);

/*
 * The language of log lines, of struct milky_error, and of answers to operators, for all endpoints
 * of the process: English unless this is called. To be called before endpoints are made. Replies to
 * bots have a language of their own (milky_config.language).
 */
MILKY_API void milky_language_set(enum milky_language language);

/*
 * Where the log lines of all endpoints of the process go: `write` gets each line with its newline,
 * on the thread of the endpoint that logs it; NULL (the default) for nowhere. `level` is 0 for
 * errors, 1 warnings, 2 information, 3 debugging. To be called before endpoints are made.
 */
MILKY_API void milky_log_to(void (*write)(const char *line, size_t len), int level, bool json);

#ifdef __cplusplus
}
#endif
#endif
