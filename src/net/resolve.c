/*
 * resolve: see the header. The resolver belongs to the loop's thread. The desk is what it shares
 * with its threads: lookups that are queued, and those that have ended. The last of them frees it.
 */
#include "net/resolve.h"

#include "base/slice.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of a name. The resolver's while it is queued or has ended, otherwise its thread's. */
struct mk_lookup {
    struct desk *desk;
    struct mk_list node;    /* in the resolver's `lookups`; the loop's thread alone uses it */
    struct mk_list waiters; /* the same */
    struct mk_list turn;    /* in `queued` or `ended` of the desk */
    bool started;           /* under the desk's lock */
    int error;              /* libuv's, or 0 */
    struct addrinfo *found;
    char host[];
};

struct desk {
    pthread_mutex_t lock;
    unsigned threads;
    uv_async_t *async; /* tells the loop that lookups have ended; NULL: the loop has ended */
    int (*find)(const char *host, struct addrinfo **found);
    struct mk_list queued;
    struct mk_list ended;
};

struct resolver {
    struct mk_phase phase; /* it only ends the resolver with its loop */
    struct mk_list lookups;
    struct desk *desk;
    uv_async_t async;
};

/* --- addresses --- */

/* Takes `found` over. Returns NULL when out of memory. */
static struct mk_addresses *addresses_new(struct addrinfo *found)
{
    struct mk_addresses *addresses = malloc(sizeof(*addresses));
    if (addresses)
        *addresses = (struct mk_addresses){ .refs = 1, .first = found };
    else
        freeaddrinfo(found);
    return addresses;
}

struct mk_addresses *mk_addresses_ref(struct mk_addresses *addresses)
{
    addresses->refs++;
    return addresses;
}

struct mk_addresses *mk_addresses_unref(struct mk_addresses *addresses)
{
    if (addresses && --addresses->refs == 0) {
        freeaddrinfo(addresses->first);
        free(addresses);
    }
    return NULL;
}

static int find(const char *host, int flags, struct addrinfo **found)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV | flags };
    return getaddrinfo(host, "0", &hints, found);
}

struct mk_addresses *mk_resolve_at_once(const char *host)
{
    struct addrinfo *found;
    bool local = mk_slice_eq_nocase(mk_slice_str(host), MK_SLICE("localhost")); /* RFC 6761, 6.3 */
    return find(local ? NULL : host, AI_NUMERICHOST, &found) == 0 ? addresses_new(found) : NULL;
}

/* --- the threads --- */

static int find_name(const char *host, struct addrinfo **found)
{
    return find(host, 0, found);
}

/* Returns libuv's error for one of getaddrinfo, whose numbers differ between systems. */
static int error_of(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return UV_EAI_AGAIN;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
        return UV_EAI_NONAME;
    case EAI_SYSTEM:
        return errno > 0 ? -errno : UV_EAI_FAIL;
    default:
        return UV_EAI_FAIL;
    }
}

static void lookup_free(struct mk_lookup *lookup)
{
    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static void desk_free(struct desk *desk)
{
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}

/* Makes one lookup. Is called, and returns, with the lock. */
static void serve(struct desk *desk)
{
    struct mk_lookup *lookup = MK_CONTAINER_OF(desk->queued.next, struct mk_lookup, turn);
    int (*find_host)(const char *, struct addrinfo **) = desk->find;
    mk_list_remove(&lookup->turn);
    lookup->started = true;
    pthread_mutex_unlock(&desk->lock);
    struct addrinfo *found = NULL;
    int error = error_of(find_host(lookup->host, &found));
    pthread_mutex_lock(&desk->lock);
    lookup->error = error;
    lookup->found = error ? NULL : found;
    if (!desk->async) {
        lookup_free(lookup);
        return;
    }
    mk_list_push(&desk->ended, &lookup->turn);
    uv_async_send(desk->async);
}

static void *run_thread(void *arg)
{
    struct desk *desk = arg;
    pthread_mutex_lock(&desk->lock);
    while (!mk_list_empty(&desk->queued))
        serve(desk);
    bool is_last = --desk->threads == 0 && !desk->async;
    pthread_mutex_unlock(&desk->lock);
    if (is_last)
        desk_free(desk);
    return NULL;
}

/* Returns 0 or a negative errno. Is called with the lock. */
static int start_thread(struct desk *desk)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, run_thread, desk);
    if (rc != 0)
        return -rc;
    pthread_detach(thread);
    desk->threads++;
    return 0;
}

/* --- the end of a lookup --- */

static void finish(struct mk_lookup *lookup)
{
    struct mk_addresses *addresses = NULL;
    int error = lookup->error;
    mk_list_remove(&lookup->node);
    if (lookup->found) {
        addresses = addresses_new(lookup->found);
        error = addresses ? 0 : -ENOMEM;
        lookup->found = NULL;
    }
    while (!mk_list_empty(&lookup->waiters)) {
        struct mk_resolve *resolve = MK_CONTAINER_OF(lookup->waiters.next, struct mk_resolve, node);
        mk_list_remove(&resolve->node);
        resolve->lookup = NULL;
        resolve->done(resolve, error, addresses);
    }
    mk_addresses_unref(addresses);
    lookup_free(lookup);
}

static void on_ended(uv_async_t *async)
{
    struct desk *desk = MK_CONTAINER_OF(async, struct resolver, async)->desk;
    struct mk_list ended;
    pthread_mutex_lock(&desk->lock);
    mk_list_take(&ended, &desk->ended);
    pthread_mutex_unlock(&desk->lock);
    while (!mk_list_empty(&ended)) {
        struct mk_lookup *lookup = MK_CONTAINER_OF(ended.next, struct mk_lookup, turn);
        mk_list_remove(&lookup->turn);
        finish(lookup);
    }
}

/* --- the resolver of a loop --- */

static bool has_no_work(struct mk_phase *phase)
{
    (void)phase;
    return false;
}

static bool is_never_pending(const struct mk_phase *phase)
{
    (void)phase;
    return false;
}

static void on_async_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_async_t *)handle, struct resolver, async));
}

static void drop_lookups(struct mk_list *turns)
{
    MK_LIST_FOR_EACH (it, turns)
        lookup_free(MK_CONTAINER_OF(it, struct mk_lookup, turn));
    mk_list_init(turns);
}

static void on_loop_end(struct mk_phase *phase)
{
    struct resolver *resolver = MK_CONTAINER_OF(phase, struct resolver, phase);
    struct desk *desk = resolver->desk;
    while (!mk_list_empty(&resolver->lookups))
        mk_list_remove(resolver->lookups.next);
    pthread_mutex_lock(&desk->lock);
    drop_lookups(&desk->queued);
    drop_lookups(&desk->ended);
    desk->async = NULL;
    bool is_last = desk->threads == 0;
    pthread_mutex_unlock(&desk->lock);
    if (is_last)
        desk_free(desk);
    uv_close((uv_handle_t *)&resolver->async, on_async_closed);
}

static struct desk *desk_new(uv_async_t *async)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return NULL;
    pthread_mutex_init(&desk->lock, NULL);
    mk_list_init(&desk->queued);
    mk_list_init(&desk->ended);
    desk->async = async;
    desk->find = find_name;
    return desk;
}

static int resolver_new(struct mk_loop *loop, struct resolver **result)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    struct desk *desk = resolver ? desk_new(&resolver->async) : NULL;
    int rc = desk ? uv_async_init(loop->uv, &resolver->async, on_ended) : -ENOMEM;
    if (rc < 0) {
        if (desk)
            desk_free(desk);
        free(resolver);
        return rc;
    }
    uv_unref((uv_handle_t *)&resolver->async);
    mk_list_init(&resolver->lookups);
    resolver->desk = desk;
    resolver->phase = (struct mk_phase){
        .run = has_no_work,
        .pending = is_never_pending,
        .fini = on_loop_end,
    };
    mk_loop_add_phase(loop, &resolver->phase);
    *result = resolver;
    return 0;
}

static int resolver_of(struct mk_loop *loop, struct resolver **result)
{
    struct mk_phase *phase = mk_loop_find_phase(loop, has_no_work);
    if (!phase)
        return resolver_new(loop, result);
    *result = MK_CONTAINER_OF(phase, struct resolver, phase);
    return 0;
}

int mk_resolve_use(struct mk_loop *loop,
                   int (*find_host)(const char *host, struct addrinfo **found))
{
    struct resolver *resolver;
    int rc = resolver_of(loop, &resolver);
    if (rc == 0)
        resolver->desk->find = find_host;
    return rc;
}

/* --- waiting --- */

/* Returns the lookup of this name that is queued or under way, or NULL. */
static struct mk_lookup *find_lookup(struct resolver *resolver, const char *host)
{
    MK_LIST_FOR_EACH (it, &resolver->lookups) {
        struct mk_lookup *lookup = MK_CONTAINER_OF(it, struct mk_lookup, node);
        if (strcasecmp(lookup->host, host) == 0)
            return lookup;
    }
    return NULL;
}

/* Queues the lookup for a thread. Returns 0 or a negative errno. */
static int queue(struct desk *desk, struct mk_lookup *lookup)
{
    pthread_mutex_lock(&desk->lock);
    int rc = desk->threads < MK_RESOLVE_THREADS ? start_thread(desk) : 0;
    if (rc == 0 || desk->threads > 0) {
        rc = 0; /* another thread will serve it */
        mk_list_push(&desk->queued, &lookup->turn);
    }
    pthread_mutex_unlock(&desk->lock);
    return rc;
}

static int lookup_new(struct resolver *resolver, const char *host, struct mk_lookup **result)
{
    size_t size = strlen(host) + 1;
    struct mk_lookup *lookup = calloc(1, sizeof(*lookup) + size);
    if (!lookup)
        return -ENOMEM;
    lookup->desk = resolver->desk;
    mk_list_init(&lookup->waiters);
    mk_list_init(&lookup->turn);
    memcpy(lookup->host, host, size);
    int rc = queue(resolver->desk, lookup);
    if (rc < 0) {
        free(lookup);
        return rc;
    }
    mk_list_push(&resolver->lookups, &lookup->node);
    *result = lookup;
    return 0;
}

int mk_resolve_start(struct mk_loop *loop, struct mk_resolve *resolve, const char *host,
                     void (*done)(struct mk_resolve *resolve, int error,
                                  struct mk_addresses *addresses))
{
    struct resolver *resolver;
    int rc = resolver_of(loop, &resolver);
    if (rc < 0)
        return rc;
    struct mk_lookup *lookup = find_lookup(resolver, host);
    if (!lookup)
        rc = lookup_new(resolver, host, &lookup);
    if (rc < 0)
        return rc;
    resolve->done = done;
    resolve->lookup = lookup;
    mk_list_push(&lookup->waiters, &resolve->node);
    return 0;
}

/* A queued lookup that nothing waits for needs no thread. */
static void drop_queued(struct mk_lookup *lookup)
{
    struct desk *desk = lookup->desk;
    pthread_mutex_lock(&desk->lock);
    bool is_queued = !lookup->started;
    if (is_queued)
        mk_list_remove(&lookup->turn);
    pthread_mutex_unlock(&desk->lock);
    if (!is_queued)
        return;
    mk_list_remove(&lookup->node);
    lookup_free(lookup);
}

void mk_resolve_cancel(struct mk_resolve *resolve)
{
    struct mk_lookup *lookup = resolve->lookup;
    if (!lookup)
        return;
    resolve->lookup = NULL;
    mk_list_remove(&resolve->node);
    if (mk_list_empty(&lookup->waiters))
        drop_queued(lookup);
}

bool mk_resolve_is_queued(const struct mk_resolve *resolve)
{
    struct mk_lookup *lookup = resolve->lookup;
    if (!lookup)
        return false;
    pthread_mutex_lock(&lookup->desk->lock);
    bool is_queued = !lookup->started;
    pthread_mutex_unlock(&lookup->desk->lock);
    return is_queued;
}
