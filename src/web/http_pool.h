/*
 * http_pool: idle connections of the HTTP client, kept for the next request to the same origin with
 * the same certificates and the same proxy. They are bounded in number and in time, and one that
 * the server ends, or sends something on, is dropped.
 */
#ifndef MK_WEB_HTTP_POOL_H
#define MK_WEB_HTTP_POOL_H

#include "net/stream.h"
#include "net/timer.h"
#include "net/tls_context.h"

enum {
    MK_HTTP_POOL_MAX = 256,           /* connections; for one more the oldest is closed */
    MK_HTTP_POOL_IDLE_MS = 60 * 1000, /* the longest time that one is kept */
};

/* Equal origins share connections. All of it is borrowed. */
struct mk_http_origin {
    struct mk_slice host;
    uint16_t port;
    bool tls;
    struct mk_tls_context *context; /* or NULL */
    const void *proxy;              /* the identity of a proxy; NULL: none */
};

struct mk_http_pool {
    struct mk_list kept; /* the oldest first */
    size_t count;
    struct mk_timeouts idle;
};

/* Returns 0 or -ENOMEM; then no fini is needed. */
int mk_http_pool_init(struct mk_http_pool *pool, struct mk_loop *loop);
void mk_http_pool_fini(struct mk_http_pool *pool);

/* Closes all of them. */
void mk_http_pool_clear(struct mk_http_pool *pool);

/* Takes the connection that was used last, or NULL. The caller adopts it. */
struct mk_stream *mk_http_pool_take(struct mk_http_pool *pool, const struct mk_http_origin *origin);

/* Becomes the owner of a connection without anything to send or to read. */
void mk_http_pool_put(struct mk_http_pool *pool, const struct mk_http_origin *origin,
                      struct mk_stream *stream);

#endif
