/*
 * milky/milky.h: run a Milky endpoint.
 *
 * An endpoint serves the calls and events of one backend (milky/backend.h) to bots, over the four
 * communication methods of Milky (spec/communication-draft.md):
 *
 *   struct milky_config config = { .bots = bots, .bot_count = 1 };
 *   struct milky_endpoint *endpoint;
 *   int rc = milky_endpoint_new(&config, backend, &endpoint);
 *   if (rc == 0)
 *       rc = milky_endpoint_start(endpoint);
 *   if (rc == 0)
 *       milky_endpoint_run(endpoint);    // until milky_endpoint_stop
 *   milky_endpoint_free(endpoint);
 *
 * Everything runs on the thread that calls milky_endpoint_run. No function here is safe to call
 * from another one.
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
};

struct milky_remote_tls {
    const char *ca;            /* whom to trust; NULL: the system's roots */
    const char *certificate;   /* to present; NULL: none */
    const char *key;           /* NULL where that is */
    bool insecure_skip_verify; /* any certificate is taken */
};

/*
 * An http_server or a websocket_server. Entries of the two kinds with the same `listen` share one
 * port; two bots never do. Where the port is 0, those do whose prefix and TLS are the same.
 */
struct milky_server {
    const char *listen; /* "127.0.0.1:3000", "[::1]:3000", "unix:PATH"; port 0 takes a free one */
    const char *access_token; /* NULL: none is asked for */
    bool allow_anonymous;     /* without a token, listen beyond this machine all the same */
    const char *prefix;       /* what every path begins with ("/milky"); NULL: nothing. Entries that
                                 share a port share it */
    struct milky_server_tls tls; /* entries that share a port share it */
    enum milky_dialect dialect;
    bool no_compression; /* WebSockets (an http_server's are at /event) never agree to it */
};

/*
 * A websocket_client or a webhook: an address that the endpoint connects to. How far a webhook has
 * got, or a websocket_client that replays, is kept by its URL: no two webhooks of a bot have the
 * same, nor two websocket_clients of it that replay.
 */
struct milky_remote {
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
    uint64_t self_id; /* 10001 to 4294967295; no two bots of an endpoint have the same */
    const struct milky_server *http_server;
    size_t http_server_count;
    const struct milky_server *websocket_server;
    size_t websocket_server_count;
    const struct milky_remote *websocket_client;
    size_t websocket_client_count;
    const struct milky_remote *webhook;
    size_t webhook_count;
};

/* The log of events on disk, by which webhooks and clients that come back miss nothing. */
struct milky_journal {
    const char *path;    /* of its database; NULL: none is kept */
    uint64_t max_events; /* kept per bot; 0: 100,000 */
    uint64_t max_age;    /* seconds that an event is kept; 0: 7 days */
    bool no_flush;       /* a commit need not survive the loss of power */
};

/* What clients may use up; 0 is the default, in brackets. */
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
};

struct milky_config {
    struct milky_journal journal;
    struct milky_limits limits;
    const struct milky_bot *bots;
    size_t bot_count;
    /* Where operators' requests are taken ("unix:PATH", "127.0.0.1:3010"); NULL for nowhere. */
    const char *control;
    const char *control_access_token; /* NULL: none is asked for, and only this machine may ask */
    /* Where GET /healthz, /readyz and /metrics are answered ("127.0.0.1:3009"); NULL for nowhere.
     */
    const char *operations;
    const char *operations_access_token; /* as control_access_token */
    /* What the URLs of files begin with that the endpoint serves ("http://milky.example:3000"), for
     * who reaches it at another address than it listens on; NULL: milky_host_resource_url says. */
    const char *resource_url;
    /* Bytes from which on a message of a WebSocket is compressed, where both sides have agreed to
     * it (permessage-deflate, RFC 7692); 0: 1,024. */
    uint64_t compression_threshold;
    /* Microseconds to look for more input before going to sleep: more calls a second over few
     * connections, for a processor that is busy meanwhile. 0: none. */
    uint64_t busy_poll_us;
    /* Do not send to many connections with one system call, where the kernel has io_uring. */
    bool no_io_uring;
};

struct milky_endpoint;

/*
 * Makes an endpoint. The configuration is copied; the backend now belongs to the endpoint, which
 * frees it, also when this fails. Returns 0, -EINVAL for a configuration that is not as it is said
 * above, or another negative errno; what is wrong has been logged, and where.
 */
MILKY_API int milky_endpoint_new(const struct milky_config *config, struct milky_backend *backend,
                                 struct milky_endpoint **endpoint);

/* Starts the backend, listens and connects. Returns 0 or a negative errno, logged. */
MILKY_API int milky_endpoint_start(struct milky_endpoint *endpoint);

/*
 * Goes on with another configuration, from a callback on the loop. Only what has changed is
 * touched: a transport that is as it was keeps its connections; tokens count for requests from now
 * on, and whether WebSockets may compress for connections from now on; certificates are read again
 * in any case. Bots may come and go, and an address may go from one to another without being closed
 * meanwhile. Of the rest of the configuration resource_url, busy_poll_us, no_io_uring and
 * compression_threshold count, and nothing else is looked at. Returns 0, or a negative errno,
 * logged: then nothing has changed.
 */
MILKY_API int milky_endpoint_reload(struct milky_endpoint *endpoint,
                                    const struct milky_config *config);

/*
 * What an operator's request to reload (POST /endpoint/reload) does: `reload` returns NULL, or why
 * it was refused, for a person to read.
 */
MILKY_API void milky_endpoint_on_reload(struct milky_endpoint *endpoint,
                                        const char *(*reload)(void *arg), void *arg);

/*
 * Serves until it has stopped. Returns at once where nothing is to be served: no address is
 * listened on, there is no websocket_client, and no handle of the backend's or the embedder's on
 * the loop. A webhook holds it only while it has an event to post.
 */
MILKY_API void milky_endpoint_run(struct milky_endpoint *endpoint);

/*
 * Begins to stop, from a callback on the loop: listeners close, calls in flight are answered,
 * WebSockets are closed with 1001; run returns when that is done, within five seconds.
 */
MILKY_API void milky_endpoint_stop(struct milky_endpoint *endpoint);

/* NULL is allowed. */
MILKY_API void milky_endpoint_free(struct milky_endpoint *endpoint);

/* The loop, for the embedder's own timers, signals and connections. */
MILKY_API struct uv_loop_s *milky_endpoint_loop(const struct milky_endpoint *endpoint);

/* Something that is being served, for a banner or a status page. */
struct milky_port {
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
 * Where log lines go: `write` gets each line with its newline; NULL (the default) for nowhere.
 * `level` is 0 for errors, 1 warnings, 2 information, 3 debugging.
 */
MILKY_API void milky_log_to(void (*write)(const char *line, size_t len), int level, bool json);

#ifdef __cplusplus
}
#endif
#endif
