/*
 * cache_upload: uploads of a cache, and the threads that write their bytes.
 *
 *   mk_cache_upload_add: into `filling` -> a thread writes what was `filling` before -> `room`
 *
 * So an upload takes two buffers of memory, however long it is. A resource has one thread at a
 * time; all of them have MOST_RUNNING, and wait for one in order. What a thread reads and writes
 * belongs to it until it is done: the resource's file and digest, the upload's `writing` and
 * digest.
 */
#include "host/cache_impl.h"

#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MOST_RUNNING = 2,          /* threads of libuv's pool, which others need as well */
    FULL = 256 * 1024,         /* bytes of a buffer from which on there is no room */
    BUFFER = FULL + 64 * 1024, /* and the longest addition */
};

/* --- the end of an upload --- */

static void free_upload(struct mk_cache_upload *upload)
{
    uint8_t unused[MK_CACHE_SHA256];
    struct mk_cache_owner *owner = upload->owner;
    mk_list_remove(&upload->node);
    if (upload->digest)
        mk_digest_end(upload->digest, unused);
    mk_buf_fini(&upload->filling);
    mk_buf_fini(&upload->writing);
    free(upload);
    owner->uploads--;
    mk_cache_owner_reap(owner);
}

/* A thread may still write its bytes: then it is freed after that. */
static void end_upload(struct mk_cache_upload *upload, enum mk_cache_end end, int error)
{
    struct mk_cache_listener *listener = upload->listener;
    upload->listener = NULL;
    upload->is_over = true;
    mk_list_remove(&upload->node);
    if (!upload->is_working)
        free_upload(upload);
    if (listener)
        listener->ended(listener, end, error);
}

void mk_cached_end_uploads(struct mk_cached *resource, const struct mk_cache_upload *except,
                           enum mk_cache_end end)
{
    MK_LIST_FOR_EACH (node, &resource->uploads) {
        struct mk_cache_upload *upload = MK_CONTAINER_OF(node, struct mk_cache_upload, node);
        if (upload != except)
            end_upload(upload, end, 0);
    }
    struct mk_cache_upload *last = resource->is_whole ? resource->job.upload : NULL;
    if (!last || last == except)
        return;
    resource->job.upload = NULL; /* it waits for the check */
    end_upload(last, end, 0);
}

/* --- which bytes are there --- */

static void set_chunk(struct mk_cached *resource, uint64_t chunk, bool is_there)
{
    uint8_t bit = (uint8_t)(1u << chunk % 8);
    if (mk_cached_has(resource, chunk) == is_there)
        return;
    resource->bits[chunk / 8] ^= bit;
    resource->present += is_there ? 1 : UINT64_MAX;
}

/* These bytes are being written, or were wrong: their chunks are not there. */
static void forget(struct mk_cached *resource, uint64_t from, uint64_t end)
{
    for (uint64_t at = from / MK_CACHE_CHUNK; at * MK_CACHE_CHUNK < end; at++)
        set_chunk(resource, at, false);
}

/* A stream has come to `end`. It began in a chunk whose earlier bytes were there. */
static void note_stream(struct mk_cached *resource, uint64_t from, uint64_t end)
{
    uint64_t chunk = from / MK_CACHE_CHUNK;
    for (; chunk < resource->chunks && mk_cached_chunk_end(resource, chunk) <= end; chunk++)
        set_chunk(resource, chunk, true);
    resource->stream = end;
}

static void forget_all(struct mk_cached *resource)
{
    forget(resource, 0, resource->size);
    resource->stream = 0;
}

/* --- jobs --- */

static void start_next(struct mk_cache *cache);

/* The digest of the resource has seen the bytes before `offset`, or is begun anew at 0. */
static bool continues_hash(struct mk_cached *resource, uint64_t offset)
{
    uint8_t unused[MK_CACHE_SHA256];
    if (!resource->has_sha256)
        return false;
    if (resource->digest && offset < resource->hashed) {
        mk_digest_end(resource->digest, unused);
        resource->digest = NULL;
        resource->hashed = 0;
    }
    if (!resource->digest && offset == 0)
        resource->digest = mk_digest_sha256();
    return resource->digest && offset == resource->hashed;
}

static void prepare_write(struct mk_cached *resource, struct mk_cache_upload *upload)
{
    struct mk_cache_work *job = &resource->job;
    struct mk_buf empty = upload->writing;
    uint64_t end = upload->written + upload->filling.len;
    upload->writing = upload->filling;
    upload->filling = empty;
    upload->is_working = true;
    job->job = MK_CACHE_WRITE;
    job->upload = upload;
    job->offset = upload->written;
    job->hashes = continues_hash(resource, upload->written);
    if (upload->writing.len == 0)
        return;
    forget(resource, upload->written, end);
    if (!upload->is_chunk)
        resource->stream = upload->written;
    else if (resource->stream / MK_CACHE_CHUNK == upload->from / MK_CACHE_CHUNK)
        resource->stream = upload->from;
    resource->has_file = true;
}

static struct mk_cache_upload *next_upload(const struct mk_cached *resource)
{
    MK_LIST_FOR_EACH (node, &resource->uploads) {
        struct mk_cache_upload *upload = MK_CONTAINER_OF(node, struct mk_cache_upload, node);
        if (upload->filling.len > 0 || upload->is_finished)
            return upload;
    }
    return NULL;
}

/* Returns false when there is nothing to do for now. */
static bool has_work(const struct mk_cached *resource)
{
    if (!resource->owner)
        return true;
    return resource->is_complete ? false : resource->is_whole || next_upload(resource);
}

/* Returns false when it was freed, or has nothing to do. */
static bool prepare(struct mk_cached *resource)
{
    struct mk_cache_work *job = &resource->job;
    struct mk_cache_upload *upload;
    if (!resource->owner) {
        job->job = MK_CACHE_REMOVE;
        if (!resource->has_file)
            mk_cached_free(resource);
        else
            return true;
    } else if (resource->is_whole && !resource->is_complete) {
        job->job = MK_CACHE_CHECK;
        return true;
    } else if ((upload = next_upload(resource))) {
        mk_list_remove(&upload->node); /* the others are before it next time */
        mk_list_push(&resource->uploads, &upload->node);
        prepare_write(resource, upload);
        return true;
    }
    return false;
}

void mk_cached_schedule(struct mk_cached *resource)
{
    if (resource->is_working || !mk_list_empty(&resource->turn) || !has_work(resource))
        return;
    mk_list_push(&resource->cache->ready, &resource->turn);
    start_next(resource->cache);
}

/* `upload` brought the last bytes. */
static void complete(struct mk_cached *resource, struct mk_cache_upload *upload)
{
    resource->is_complete = true;
    mk_timeout_disarm(&resource->idle);
    end_upload(upload, MK_CACHE_STORED, 0);
}

/* All bytes are there. `upload` brought the last ones; its listener waits for the result. */
static void on_whole(struct mk_cached *resource, struct mk_cache_upload *upload)
{
    resource->is_whole = true;
    mk_cached_end_uploads(resource, upload, MK_CACHE_REPLACED);
    if (!resource->has_sha256) {
        complete(resource, upload);
        return;
    }
    mk_list_remove(&upload->node);
    resource->job.upload = upload;
}

/* The byte before `end` is to be sent again: with it the resource becomes whole once more. */
static void reopen(struct mk_cached *resource, uint64_t end)
{
    set_chunk(resource, (end - 1) / MK_CACHE_CHUNK, false);
    resource->stream = end - 1;
}

static void on_checked(struct mk_cached *resource)
{
    struct mk_cache_work *job = &resource->job;
    struct mk_cache_upload *upload = job->upload;
    job->upload = NULL;
    if (!resource->owner)
        return;
    if (job->rc == 0 && memcmp(job->hash, resource->sha256, sizeof(job->hash)) == 0) {
        complete(resource, upload);
        return;
    }
    resource->is_whole = false;
    if (job->rc == 0)
        forget_all(resource);
    else
        reopen(resource, resource->size);
    end_upload(upload, job->rc < 0 ? MK_CACHE_FAILED : MK_CACHE_WRONG_RESOURCE, job->rc);
}

/* All of its bytes are written. Returns whether they are what was announced. */
static bool is_right(struct mk_cache_upload *upload)
{
    uint8_t hash[MK_CACHE_SHA256];
    if (!upload->has_sha256)
        return true;
    int rc = mk_digest_end(upload->digest, hash);
    upload->digest = NULL;
    return rc == 0 && memcmp(hash, upload->sha256, sizeof(hash)) == 0;
}

static void conclude(struct mk_cached *resource, struct mk_cache_upload *upload)
{
    if (!is_right(upload)) {
        forget(resource, upload->from, upload->end);
        if (!upload->is_chunk)
            resource->stream = upload->from;
        end_upload(upload, MK_CACHE_WRONG_HASH, 0);
        return;
    }
    if (upload->is_chunk)
        set_chunk(resource, upload->from / MK_CACHE_CHUNK, true);
    if (resource->present == resource->chunks)
        on_whole(resource, upload);
    else
        end_upload(upload, MK_CACHE_STORED, 0);
}

/*
 * The connection has gone, or its body was wrong, and all that it had brought is written. Only the
 * end of a body completes a resource: without it the last byte is to be sent again.
 */
static void conclude_left(struct mk_cached *resource, struct mk_cache_upload *upload)
{
    if (!upload->is_chunk && resource->present == resource->chunks)
        reopen(resource, upload->end);
    end_upload(upload, MK_CACHE_REPLACED, 0);
}

static void on_written(struct mk_cached *resource)
{
    struct mk_cache_upload *upload = resource->job.upload;
    uint64_t len = upload->writing.len, from = upload->written;
    resource->job.upload = NULL;
    upload->is_working = false;
    mk_buf_reset(&upload->writing, upload->writing.cap);
    if (upload->is_over) {
        free_upload(upload);
        return;
    }
    if (resource->job.rc < 0) {
        end_upload(upload, MK_CACHE_FAILED, resource->job.rc);
        return;
    }
    upload->written += len;
    if (!upload->is_chunk && len > 0)
        note_stream(resource, from, upload->written);
    if (upload->is_finished && upload->written == upload->at)
        conclude(resource, upload);
    else if (!upload->listener && upload->filling.len == 0)
        conclude_left(resource, upload);
    else if (upload->listener && upload->wants_room && upload->filling.len < FULL) {
        upload->wants_room = false;
        upload->listener->room(upload->listener);
    }
}

static void on_worked(uv_work_t *request, int status)
{
    struct mk_cache_work *job = MK_CONTAINER_OF(request, struct mk_cache_work, work);
    struct mk_cached *resource = MK_CONTAINER_OF(job, struct mk_cached, job);
    struct mk_cache *cache = resource->cache;
    (void)status;
    cache->running--;
    resource->is_working = false;
    if (job->job == MK_CACHE_REMOVE) {
        mk_cached_free(resource);
        start_next(cache);
        return;
    }
    if (job->job == MK_CACHE_CHECK)
        on_checked(resource);
    else
        on_written(resource);
    if (resource->owner && !resource->is_complete)
        mk_timeout_arm(&cache->idle, &resource->idle);
    mk_cached_schedule(resource);
    start_next(cache);
}

static void start_next(struct mk_cache *cache)
{
    while (cache->running < MOST_RUNNING && !mk_list_empty(&cache->ready)) {
        struct mk_cached *resource = MK_CONTAINER_OF(cache->ready.next, struct mk_cached, turn);
        mk_list_remove(&resource->turn);
        if (!prepare(resource))
            continue;
        resource->is_working = true;
        cache->running++;
        uv_queue_work(cache->loop->uv, &resource->job.work, mk_cache_work,
                      on_worked); /* cannot fail */
    }
}

/* --- for connections --- */

/* Streams and chunks exclude each other, as do two of the same chunk. */
static void make_way(struct mk_cached *resource, const struct mk_cache_part *part)
{
    MK_LIST_FOR_EACH (node, &resource->uploads) {
        struct mk_cache_upload *upload = MK_CONTAINER_OF(node, struct mk_cache_upload, node);
        if (!part->is_chunk || !upload->is_chunk || upload->from == part->from)
            end_upload(upload, MK_CACHE_REPLACED, 0);
    }
}

static struct mk_cache_upload *make(struct mk_cached *resource, const struct mk_cache_part *part)
{
    struct mk_cache_upload *upload = calloc(1, sizeof(*upload));
    if (!upload)
        return NULL;
    upload->resource = resource;
    upload->owner = resource->owner;
    upload->from = upload->at = upload->written = part->from;
    upload->end = part->end;
    upload->is_chunk = part->is_chunk;
    upload->has_sha256 = part->sha256 != NULL;
    mk_list_init(&upload->node);
    mk_buf_init(&upload->filling, BUFFER);
    mk_buf_init(&upload->writing, BUFFER);
    if (!part->sha256)
        return upload;
    memcpy(upload->sha256, part->sha256, sizeof(upload->sha256));
    upload->digest = mk_digest_sha256();
    if (upload->digest)
        return upload;
    free(upload);
    return NULL;
}

int mk_cache_upload_begin(struct mk_cached *resource, const struct mk_cache_part *part,
                          struct mk_cache_listener *listener, struct mk_cache_upload **result)
{
    struct mk_cache_status status;
    if (resource->is_whole)
        return -EALREADY;
    mk_cached_status(resource, &status);
    if (!part->is_chunk && part->from > status.offset)
        return -ERANGE;
    make_way(resource, part);
    if (resource->owner->uploads >= MK_CACHE_UPLOADS)
        return -EBUSY;
    struct mk_cache_upload *upload = make(resource, part);
    if (!upload)
        return -ENOMEM;
    upload->listener = listener;
    upload->owner->uploads++;
    mk_list_push(&resource->uploads, &upload->node);
    mk_timeout_arm(&resource->cache->idle, &resource->idle);
    *result = upload;
    return 0;
}

uint64_t mk_cache_upload_left(const struct mk_cache_upload *upload)
{
    return upload->end - upload->at;
}

int mk_cache_upload_add(struct mk_cache_upload *upload, struct mk_slice bytes)
{
    int rc = upload->filling.cap < BUFFER ? mk_buf_reserve(&upload->filling, BUFFER) : 0;
    if (rc == 0)
        rc = mk_buf_append_slice(&upload->filling, bytes);
    if (rc < 0)
        return rc;
    upload->at += bytes.len;
    mk_cached_schedule(upload->resource);
    upload->wants_room = upload->filling.len >= FULL;
    return !upload->wants_room;
}

void mk_cache_upload_finish(struct mk_cache_upload *upload)
{
    upload->is_finished = true;
    mk_cached_schedule(upload->resource);
}

void mk_cache_upload_leave(struct mk_cache_upload *upload)
{
    upload->listener = NULL;
    upload->wants_room = false;
    if (upload->is_finished)
        return;
    if (upload->is_chunk || (!upload->is_working && upload->filling.len == 0))
        conclude_left(upload->resource, upload);
}
