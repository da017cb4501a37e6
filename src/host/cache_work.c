/*
 * cache_work: the work of threads for a cache: they write, hash and remove its files. What a thread
 * uses belongs to it until it is done: the resource's file and digest, the upload's `writing` and
 * digest. All else belongs to the loop (cache_upload.c).
 */
#include "host/cache_impl.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 }; /* that is read at a time to hash it */

static int write_at(int fd, struct mk_slice bytes, uint64_t offset)
{
    while (bytes.len > 0) {
        ssize_t count = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0) {
            bytes = mk_slice_from(bytes, (size_t)count);
            offset += (uint64_t)count;
        }
    }
    return 0;
}

static int write_bytes(struct mk_cached *resource, struct mk_slice bytes)
{
    int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(resource->path, flags, 0600);
    if (fd < 0)
        return -errno;
    int rc = write_at(fd, bytes, resource->job.offset);
    return close(fd) < 0 && rc == 0 ? -errno : rc;
}

static void write_upload(struct mk_cached *resource)
{
    struct mk_cache_upload *upload = resource->job.upload;
    struct mk_slice bytes = mk_buf_slice(&upload->writing);
    resource->job.rc = bytes.len > 0 ? write_bytes(resource, bytes) : 0;
    if (resource->job.rc < 0)
        return;
    if (upload->has_sha256)
        mk_digest_add(upload->digest, bytes);
    if (!resource->job.hashes)
        return;
    mk_digest_add(resource->digest, bytes);
    resource->hashed += bytes.len;
}

static int hash_rest(struct mk_cached *resource, int fd, char *piece)
{
    while (resource->hashed < resource->size && !atomic_load(&resource->job.given_up)) {
        ssize_t count = pread(fd, piece, PIECE, (off_t)resource->hashed);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? -errno : -EIO;
        mk_digest_add(resource->digest, mk_slice_of(piece, (size_t)count));
        resource->hashed += (uint64_t)count;
    }
    return 0;
}

/* Hashes what was not hashed while it was written. */
static void check(struct mk_cached *resource)
{
    struct mk_cache_work *job = &resource->job;
    char *piece = malloc(PIECE);
    int fd = piece ? open(resource->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (!resource->digest)
        resource->digest = mk_digest_sha256();
    job->rc = !piece ? -ENOMEM : fd < 0 ? -errno : hash_rest(resource, fd, piece);
    int ended = mk_digest_end(resource->digest, job->hash);
    resource->digest = NULL;
    resource->hashed = 0;
    if (job->rc == 0)
        job->rc = ended;
    if (fd >= 0)
        close(fd);
    free(piece);
}

void mk_cache_work(uv_work_t *request)
{
    struct mk_cache_work *job = MK_CONTAINER_OF(request, struct mk_cache_work, work);
    struct mk_cached *resource = MK_CONTAINER_OF(job, struct mk_cached, job);
    if (job->job == MK_CACHE_WRITE)
        write_upload(resource);
    else if (job->job == MK_CACHE_CHECK)
        check(resource);
    else
        unlink(resource->path);
}
