/* http_pool: see the header. */
#include "web/http_pool.h"

#include <stdlib.h>

struct kept {
    struct mk_list node;
    struct mk_timeout idle;
    struct mk_http_pool *pool;
    struct mk_stream *stream;
    struct mk_http_origin origin; /* `host` is the text below; it owns the context */
    char host[];
};

/* Returns the stream, without an owner. */
static struct mk_stream *release(struct kept *kept)
{
    struct mk_stream *stream = kept->stream;
    mk_list_remove(&kept->node);
    mk_timeout_disarm(&kept->idle);
    kept->pool->count--;
    mk_tls_context_free(kept->origin.context);
    free(kept);
    return stream;
}

static void drop(struct kept *kept)
{
    struct mk_stream *stream = release(kept);
    mk_stream_adopt(stream, NULL, NULL);
    mk_stream_abort(stream, 0);
}

static void on_idle_over(struct mk_timeout *timeout)
{
    drop(MK_CONTAINER_OF(timeout, struct kept, idle));
}

/* A server may not send anything now, and the bytes are no answer to the next request. */
static size_t on_read(void *owner, char *data, size_t len)
{
    (void)data;
    drop(owner);
    return len;
}

static void on_end(void *owner)
{
    drop(owner);
}

static void on_closed(void *owner, int error)
{
    (void)error;
    release(owner);
}

static const struct mk_stream_events idle_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
};

int mk_http_pool_init(struct mk_http_pool *pool, struct mk_loop *loop)
{
    *pool = (struct mk_http_pool){ .count = 0 };
    mk_list_init(&pool->kept);
    return mk_timeouts_init(&pool->idle, loop, MK_HTTP_POOL_IDLE_MS, on_idle_over);
}

void mk_http_pool_clear(struct mk_http_pool *pool)
{
    MK_LIST_FOR_EACH (it, &pool->kept)
        drop(MK_CONTAINER_OF(it, struct kept, node));
}

void mk_http_pool_fini(struct mk_http_pool *pool)
{
    mk_http_pool_clear(pool);
    mk_timeouts_fini(&pool->idle);
}

static bool is_same(const struct mk_http_origin *a, const struct mk_http_origin *b)
{
    return a->port == b->port && a->tls == b->tls && a->context == b->context &&
           a->proxy == b->proxy && mk_slice_eq_nocase(a->host, b->host);
}

/* What has arrived since the loop polled last came before the request, and cannot answer it. */
struct mk_stream *mk_http_pool_take(struct mk_http_pool *pool, const struct mk_http_origin *origin)
{
    struct mk_list *older;
    for (struct mk_list *it = pool->kept.prev; it != &pool->kept; it = older) {
        struct kept *kept = MK_CONTAINER_OF(it, struct kept, node);
        older = it->prev;
        if (!is_same(&kept->origin, origin))
            continue;
        if (!mk_stream_has_input(kept->stream))
            return release(kept);
        drop(kept);
    }
    return NULL;
}

void mk_http_pool_put(struct mk_http_pool *pool, const struct mk_http_origin *origin,
                      struct mk_stream *stream)
{
    struct kept *kept = calloc(1, sizeof(*kept) + origin->host.len);
    if (!kept) {
        mk_stream_adopt(stream, NULL, NULL);
        mk_stream_abort(stream, 0);
        return;
    }
    if (pool->count == MK_HTTP_POOL_MAX)
        drop(MK_CONTAINER_OF(pool->kept.next, struct kept, node));
    memcpy(kept->host, origin->host.ptr, origin->host.len);
    kept->pool = pool;
    kept->stream = stream;
    kept->origin = *origin;
    kept->origin.host = mk_slice_of(kept->host, origin->host.len);
    if (origin->context)
        mk_tls_context_ref(origin->context);
    mk_timeout_init(&kept->idle);
    mk_timeout_arm(&pool->idle, &kept->idle);
    mk_list_push(&pool->kept, &kept->node);
    pool->count++;
    mk_stream_adopt(stream, &idle_events, kept);
}
