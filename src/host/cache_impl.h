/* cache_impl: internals of cache.c (resources), cache_upload.c (uploads) and cache_work.c
 * (threads). */
#ifndef MK_HOST_CACHE_IMPL_H
#define MK_HOST_CACHE_IMPL_H

#include "base/buf.h"
#include "base/table.h"
#include "host/cache.h"
#include "net/loop.h"
#include "net/timer.h"

#include <stdatomic.h>

struct mk_digest;

/* A bot that has resources or uploads. */
struct mk_cache_owner {
    struct mk_list node;
    struct mk_list resources;
    uint64_t self_id;
    uint64_t used; /* bytes, as announced */
    unsigned count, uploads;
};

struct mk_cache {
    struct mk_loop *loop;
    char *folder;
    uint64_t bytes, bytes_of_bot, used;
    struct mk_table by_id;
    struct mk_list owners;
    struct mk_list dead; /* destroyed resources that a thread works on, or that wait for one */
    struct mk_timeouts idle;
    struct mk_list ready; /* resources that wait for a thread */
    unsigned running;     /* threads at work */
};

enum mk_cache_job {
    MK_CACHE_WRITE,
    MK_CACHE_CHECK, /* reads it for its hash */
    MK_CACHE_REMOVE,
};

/* The work of a thread on a resource, one at a time, so that it never races with another. */
struct mk_cache_work {
    uv_work_t work;
    enum mk_cache_job job;
    struct mk_cache_upload *upload; /* of a write, or the one that has completed it, or NULL */
    uint64_t offset;
    bool hashes; /* the bytes continue those that `digest` has seen */
    int rc;
    uint8_t hash[MK_CACHE_SHA256];
    atomic_bool given_up; /* nothing needs the result */
};

struct mk_cached {
    struct mk_table_entry entry;
    struct mk_list node; /* in owner->resources, or in cache->dead */
    struct mk_list turn; /* in cache->ready */
    struct mk_cache *cache;
    struct mk_cache_owner *owner; /* NULL: it is destroyed */
    char id[MK_CACHE_ID];
    char *name;
    char *path;
    uint64_t size, chunks, present;
    uint8_t *bits;   /* of chunks that are there */
    uint64_t stream; /* the bytes from the beginning of its chunk to here are there as well */
    struct mk_timeout idle;
    struct mk_list uploads;
    struct mk_list claims;
    uint64_t claimant; /* of one for one use: the call that has it open; UINT64_MAX: none */
    struct mk_cache_work job;
    struct mk_digest *digest; /* of the first `hashed` bytes of the file */
    uint64_t hashed;
    bool once, has_sha256, has_file, is_complete;
    bool is_whole; /* all bytes are there; they are perhaps being checked */
    bool is_working;
    uint8_t sha256[MK_CACHE_SHA256];
};

struct mk_cache_upload {
    struct mk_list node; /* in resource->uploads */
    struct mk_cached *resource;
    struct mk_cache_owner *owner;
    struct mk_cache_listener *listener; /* NULL: it has left, or was notified of the end */
    uint64_t from, end, at, written;
    struct mk_buf filling, writing;
    struct mk_digest *digest;
    uint8_t sha256[MK_CACHE_SHA256];
    bool has_sha256, is_chunk, is_finished;
    bool is_over;    /* what it has written does not count */
    bool wants_room; /* its listener waits for room */
    bool is_working; /* a thread has its bytes */
};

static inline bool mk_cached_has(const struct mk_cached *resource, uint64_t chunk)
{
    return resource->bits[chunk / 8] >> chunk % 8 & 1;
}

static inline uint64_t mk_cached_chunk_end(const struct mk_cached *resource, uint64_t chunk)
{
    uint64_t end = (chunk + 1) * MK_CACHE_CHUNK;
    return end < resource->size ? end : resource->size;
}

/* Gives a thread what there is to do for the resource, now or when it is its turn. */
void mk_cached_schedule(struct mk_cached *resource);

/* Ends all its uploads but one, which may be NULL. */
void mk_cached_end_uploads(struct mk_cached *resource, const struct mk_cache_upload *except,
                           enum mk_cache_end end);

/* Does the job of a resource, on a thread (cache_work.c). */
void mk_cache_work(uv_work_t *request);

/* Frees an owner that has nothing any more. */
void mk_cache_owner_reap(struct mk_cache_owner *owner);

/* Frees a destroyed resource. */
void mk_cached_free(struct mk_cached *resource);

#endif
