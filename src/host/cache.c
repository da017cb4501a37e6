/* cache: see the header. Here are the resources, and their use by calls. */
#include "host/cache_impl.h"

#include "base/digest.h"
#include "base/error_text.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_BYTES = (MK_CACHE_ID - 1) / 2 };
#define NO_CALL UINT64_MAX

/* --- the folder --- */

/* Removes the files of this or an earlier process, and the folder if it has no others. */
static void remove_folder(const char *folder)
{
    uint8_t id[ID_BYTES];
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)))
        if (mk_hex_read(mk_slice_str(entry->d_name), id, sizeof(id)))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

/* Returns 0 or a negative errno, logged. */
static int make_folder(const char *folder)
{
    struct stat status = { 0 };
    int rc = mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
    if (rc == 0)
        rc = lstat(folder, &status) < 0 ? -errno : !S_ISDIR(status.st_mode) ? -ENOTDIR : 0;
    if (rc == 0 && chmod(folder, 0700) < 0)
        rc = -errno;
    if (rc < 0)
        mk_log_error("cache", "cannot make the folder for uploads %s: %s",
                     "无法创建上传目录 %s：%s", folder, mk_error_text(-rc));
    return rc;
}

/* --- life --- */

static void on_idle(struct mk_timeout *timeout)
{
    struct mk_cached *resource = MK_CONTAINER_OF(timeout, struct mk_cached, idle);
    if (mk_list_empty(&resource->uploads))
        mk_cached_destroy(resource);
    else
        mk_timeout_arm(&resource->cache->idle, timeout);
}

int mk_cache_new(struct mk_loop *loop, const struct mk_cache_config *config,
                 struct mk_cache **result)
{
    int rc = make_folder(config->folder); /* where it cannot be, the start says so */
    if (rc < 0)
        return rc;
    struct mk_cache *cache = calloc(1, sizeof(*cache));
    char *folder = mk_slice_dup(mk_slice_str(config->folder));
    if (!cache || !folder || mk_timeouts_init(&cache->idle, loop, config->idle_ms, on_idle) < 0) {
        free(cache);
        free(folder);
        return -ENOMEM;
    }
    cache->loop = loop;
    cache->folder = folder;
    cache->bytes = config->bytes;
    cache->bytes_of_bot = config->bytes_of_bot;
    mk_table_init(&cache->by_id, 0); /* ids are random */
    mk_list_init(&cache->owners);
    mk_list_init(&cache->dead);
    mk_list_init(&cache->ready);
    remove_folder(folder);
    *result = cache;
    return 0;
}

struct mk_cache *mk_cache_free(struct mk_cache *cache)
{
    if (!cache)
        return NULL;
    MK_LIST_FOR_EACH (node, &cache->owners) {
        struct mk_cache_owner *owner = MK_CONTAINER_OF(node, struct mk_cache_owner, node);
        owner->uploads++; /* it stays until all of its resources are destroyed */
        MK_LIST_FOR_EACH (inner, &owner->resources)
            mk_cached_destroy(MK_CONTAINER_OF(inner, struct mk_cached, node));
        owner->uploads--;
        mk_cache_owner_reap(owner);
    }
    while (!mk_list_empty(&cache->dead)) /* threads still use their memory, or remove files */
        uv_run(cache->loop->uv, UV_RUN_ONCE);
    mk_timeouts_fini(&cache->idle);
    mk_table_fini(&cache->by_id);
    remove_folder(cache->folder);
    free(cache->folder);
    free(cache);
    return NULL;
}

/* --- owners --- */

static struct mk_cache_owner *find_owner(const struct mk_cache *cache, uint64_t self_id)
{
    MK_LIST_FOR_EACH (node, &cache->owners) {
        struct mk_cache_owner *owner = MK_CONTAINER_OF(node, struct mk_cache_owner, node);
        if (owner->self_id == self_id)
            return owner;
    }
    return NULL;
}

static struct mk_cache_owner *owner_of(struct mk_cache *cache, uint64_t self_id)
{
    struct mk_cache_owner *owner = find_owner(cache, self_id);
    if (owner || !(owner = calloc(1, sizeof(*owner))))
        return owner;
    owner->self_id = self_id;
    mk_list_init(&owner->resources);
    mk_list_push(&cache->owners, &owner->node);
    return owner;
}

void mk_cache_owner_reap(struct mk_cache_owner *owner)
{
    if (owner->count > 0 || owner->uploads > 0)
        return;
    mk_list_remove(&owner->node);
    free(owner);
}

/* --- announcing --- */

static int refusal_of(const struct mk_cache *cache, const struct mk_cache_owner *owner,
                      uint64_t size)
{
    if (size > cache->bytes_of_bot || size > cache->bytes)
        return MK_CACHE_TOO_LARGE;
    if (owner->count >= MK_CACHE_OF_BOT)
        return MK_CACHE_TOO_MANY;
    if (size > cache->bytes_of_bot - owner->used)
        return MK_CACHE_BOT_FULL;
    return size > cache->bytes - cache->used ? MK_CACHE_FULL : 0;
}

static uint64_t key_of(const uint8_t id[ID_BYTES])
{
    uint64_t key;
    memcpy(&key, id, sizeof(key));
    return key;
}

void mk_cached_free(struct mk_cached *resource)
{
    uint8_t unused[MK_CACHE_SHA256];
    mk_list_remove(&resource->node);
    if (resource->digest)
        mk_digest_end(resource->digest, unused);
    free(resource->name);
    free(resource->path);
    free(resource->bits);
    free(resource);
}

static struct mk_cached *make(struct mk_cache *cache, const struct mk_cache_order *order,
                              const uint8_t id[ID_BYTES])
{
    struct mk_cached *resource = calloc(1, sizeof(*resource));
    if (!resource)
        return NULL;
    mk_list_init(&resource->node);
    mk_list_init(&resource->turn);
    mk_list_init(&resource->uploads);
    mk_list_init(&resource->claims);
    mk_timeout_init(&resource->idle);
    resource->cache = cache;
    resource->size = order->size;
    resource->chunks = (order->size - 1) / MK_CACHE_CHUNK + 1;
    resource->claimant = NO_CALL;
    resource->once = order->once;
    resource->has_sha256 = order->sha256 != NULL;
    if (order->sha256)
        memcpy(resource->sha256, order->sha256, sizeof(resource->sha256));
    mk_hex_write(id, ID_BYTES, resource->id);
    resource->name = mk_slice_dup(order->name);
    resource->bits = calloc(1, resource->chunks / 8 + 1);
    if (asprintf(&resource->path, "%s/%s", cache->folder, resource->id) < 0)
        resource->path = NULL;
    if (resource->name && resource->bits && resource->path)
        return resource;
    mk_cached_free(resource);
    return NULL;
}

int mk_cache_announce(struct mk_cache *cache, const struct mk_cache_order *order,
                      struct mk_cached **result)
{
    uint8_t id[ID_BYTES];
    struct mk_cache_owner *owner = owner_of(cache, order->self_id);
    if (!owner)
        return -ENOMEM;
    int rc = refusal_of(cache, owner, order->size);
    if (rc == 0)
        rc = make_folder(cache->folder);
    mk_random_bytes(id, sizeof(id));
    struct mk_cached *resource = rc == 0 ? make(cache, order, id) : NULL;
    if (!resource) {
        mk_cache_owner_reap(owner);
        return rc == 0 ? -ENOMEM : rc;
    }
    resource->owner = owner;
    owner->count++;
    owner->used += order->size;
    cache->used += order->size;
    mk_list_push(&owner->resources, &resource->node);
    mk_table_add(&cache->by_id, &resource->entry, key_of(id));
    mk_timeout_arm(&cache->idle, &resource->idle);
    *result = resource;
    return 0;
}

struct mk_cached *mk_cache_find(struct mk_cache *cache, uint64_t self_id, struct mk_slice text)
{
    uint8_t id[ID_BYTES];
    struct mk_table_entry *entry = NULL;
    if (!mk_hex_read(text, id, sizeof(id)))
        return NULL;
    while ((entry = mk_table_find(&cache->by_id, key_of(id), entry))) {
        struct mk_cached *resource = MK_CONTAINER_OF(entry, struct mk_cached, entry);
        if (mk_slice_eq(mk_slice_str(resource->id), text))
            return resource->owner->self_id == self_id ? resource : NULL;
    }
    return NULL;
}

struct mk_cache_room mk_cache_room(struct mk_cache *cache, uint64_t self_id)
{
    const struct mk_cache_owner *owner = find_owner(cache, self_id);
    return (struct mk_cache_room){
        .most = cache->bytes < cache->bytes_of_bot ? cache->bytes : cache->bytes_of_bot,
        .used = owner ? owner->used : 0,
        .count = owner ? owner->count : 0,
    };
}

/* --- status --- */

uint64_t mk_cached_next_missing(const struct mk_cached *resource, uint64_t from)
{
    while (from < resource->chunks && mk_cached_has(resource, from))
        from++;
    return from;
}

void mk_cached_status(const struct mk_cached *resource, struct mk_cache_status *status)
{
    uint64_t partial = resource->stream % MK_CACHE_CHUNK;
    uint64_t chunk = resource->stream / MK_CACHE_CHUNK;
    uint64_t last = resource->chunks - 1, missing = mk_cached_next_missing(resource, 0);
    if (chunk >= resource->chunks || mk_cached_has(resource, chunk))
        partial = 0;
    *status = (struct mk_cache_status){
        .id = resource->id,
        .name = resource->name,
        .size = resource->size,
        .received = resource->present * MK_CACHE_CHUNK + partial,
        .offset = missing == resource->chunks ? resource->size : missing * MK_CACHE_CHUNK,
        .chunks = resource->chunks,
        .missing = resource->chunks - resource->present,
        .is_complete = resource->is_complete,
        .once = resource->once,
    };
    if (mk_cached_has(resource, last)) /* it is perhaps shorter than the others */
        status->received -= (last + 1) * MK_CACHE_CHUNK - resource->size;
    if (missing == chunk)
        status->offset += partial;
}

/* --- the end of a resource --- */

struct mk_cache_claim {
    struct mk_list node;        /* in resource->claims */
    struct mk_cached *resource; /* NULL: it was destroyed */
    struct mk_cache_claim *next;
};

void mk_cached_destroy(struct mk_cached *resource)
{
    struct mk_cache *cache = resource->cache;
    struct mk_cache_owner *owner = resource->owner;
    mk_cached_end_uploads(resource, NULL, MK_CACHE_DESTROYED);
    MK_LIST_FOR_EACH (node, &resource->claims) {
        MK_CONTAINER_OF(node, struct mk_cache_claim, node)->resource = NULL;
        mk_list_remove(node);
    }
    mk_timeout_disarm(&resource->idle);
    mk_table_remove(&cache->by_id, &resource->entry);
    mk_list_remove(&resource->node);
    mk_list_push(&cache->dead, &resource->node);
    resource->owner = NULL;
    atomic_store(&resource->job.given_up, true);
    owner->count--;
    owner->used -= resource->size;
    cache->used -= resource->size;
    mk_cache_owner_reap(owner);
    mk_cached_schedule(resource);
}

void mk_cache_forget_bot(struct mk_cache *cache, uint64_t self_id)
{
    struct mk_cache_owner *owner = cache ? find_owner(cache, self_id) : NULL;
    if (!owner)
        return;
    owner->uploads++;
    MK_LIST_FOR_EACH (node, &owner->resources)
        mk_cached_destroy(MK_CONTAINER_OF(node, struct mk_cached, node));
    owner->uploads--;
    mk_cache_owner_reap(owner);
}

/* --- use by calls --- */

/* Returns the ID of "cache://ID", or an empty slice. */
static struct mk_slice id_of(struct mk_slice uri)
{
    static const struct mk_slice scheme = { "cache://", sizeof("cache://") - 1 };
    if (uri.len < scheme.len || !mk_slice_eq_nocase(mk_slice_of(uri.ptr, scheme.len), scheme))
        return (struct mk_slice){ 0 };
    return mk_slice_from(uri, scheme.len);
}

int mk_cache_claim(struct mk_cache *cache, uint64_t self_id, uint64_t call, struct mk_slice uri,
                   struct mk_cache_claim **claims)
{
    struct mk_cached *resource = mk_cache_find(cache, self_id, id_of(uri));
    if (!resource)
        return -ENOENT;
    if (!resource->is_complete)
        return -EAGAIN;
    if (resource->claimant != NO_CALL && resource->claimant != call)
        return -EBUSY;
    struct mk_cache_claim *claim = malloc(sizeof(*claim));
    int fd = claim ? open(resource->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0) {
        int error = claim ? errno : ENOMEM;
        free(claim);
        return error == ENOENT ? -EIO : -error; /* its file was removed by hand */
    }
    *claim = (struct mk_cache_claim){ .resource = resource, .next = *claims };
    mk_list_push(&resource->claims, &claim->node);
    if (resource->once)
        resource->claimant = call;
    *claims = claim;
    return fd;
}

void mk_cache_settle(struct mk_cache_claim **claims, bool has_succeeded)
{
    while (*claims) {
        struct mk_cache_claim *claim = *claims;
        struct mk_cached *resource = claim->resource;
        *claims = claim->next;
        mk_list_remove(&claim->node);
        if (resource)
            resource->claimant = NO_CALL;
        if (resource && resource->once && has_succeeded)
            mk_cached_destroy(resource);
        free(claim);
    }
}
