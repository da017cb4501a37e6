/*
 * seal: a file that is complete gets its hashes, its info and its name. On a thread of libuv's
 * pool; an abandoned fetch ends after one piece.
 */
#include "backend/sandbox/media/private.h"
#include "base/digest.h"
#include "base/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

/* Adds a part of the file to a digest, a piece at a time. */
static int hash_part(struct sb_media_fetch *fetch, struct mk_digest *digest, uint64_t from,
                     uint64_t len)
{
    char *piece = malloc(PIECE);
    int rc = piece ? 0 : -ENOMEM;
    while (rc == 0 && len > 0 && !atomic_load(&fetch->reading.abandoned)) {
        ssize_t got = pread(fetch->fd, piece, len < PIECE ? (size_t)len : PIECE, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            rc = got < 0 ? -errno : -EIO;
            break;
        }
        mk_digest_add(digest, mk_slice_of(piece, (size_t)got));
        from += (uint64_t)got;
        len -= (uint64_t)got;
    }
    free(piece);
    return rc;
}

static int hash(struct sb_media_fetch *fetch)
{
    uint8_t out[MK_SHA256_LEN];
    struct mk_digest *digest = mk_digest_sha256();
    int rc = hash_part(fetch, digest, 0, fetch->size);
    int ended = mk_digest_end(digest, out);
    mk_hex_write(out, MK_SHA256_LEN, fetch->media.id);
    return rc < 0 ? rc : ended;
}

/* spec/README.md: the SHA-1 of a sample and the length. All of it up to 30 MiB, else three runs. */
static int tri_hash(struct sb_media_fetch *fetch)
{
    static const uint64_t run = 10 * 1024 * 1024;
    uint64_t size = fetch->size;
    uint8_t out[MK_SHA1_LEN];
    char length[8];
    struct mk_digest *digest = mk_digest_sha1();
    int rc;
    if (size <= 3 * run) {
        rc = hash_part(fetch, digest, 0, size);
    } else {
        rc = hash_part(fetch, digest, 0, run);
        if (rc == 0)
            rc = hash_part(fetch, digest, size / 2 - run / 2, run);
        if (rc == 0)
            rc = hash_part(fetch, digest, size - run, run);
    }
    for (unsigned i = 0; i < sizeof(length); i++)
        length[i] = (char)(size >> 8 * i);
    mk_digest_add(digest, mk_slice_of(length, sizeof(length)));
    int ended = mk_digest_end(digest, out);
    mk_hex_write(out, MK_SHA1_LEN, fetch->media.tri_sha1);
    return rc < 0 ? rc : ended;
}

static int look_at(struct sb_media_fetch *fetch)
{
    fetch->media.size = fetch->size;
    return sb_media_probe_file(fetch->fd, fetch->size, &fetch->media.info, &fetch->media.wrong);
}

/*
 * The name that mkostemp gave says nothing. The new one begins with the id, so that after a loss of
 * power a start finds the content even if the move was lost.
 */
static int give_name(struct sb_media_fetch *fetch)
{
    const char *incoming = fetch->store->incoming;
    char *path;
    if (asprintf(&path, "%s/%s.%s", incoming, fetch->media.id, strrchr(fetch->path, '/') + 1) < 0)
        return -ENOMEM;
    if (rename(fetch->path, path) < 0) {
        int error = errno;
        free(path);
        return -error;
    }
    free(fetch->path);
    fetch->path = path;
    return fetch->rules->durable ? sb_media_sync_folder(incoming) : 0;
}

void sb_media_seal(struct sb_media_fetch *fetch)
{
    if (fetch->size == 0) {
        sb_media_problem(&fetch->problem, SB_PROBLEM_EMPTY, "it is empty", "内容为空");
        return;
    }
    int rc = fetch->rules->durable && fsync(fetch->fd) < 0 ? -errno : 0;
    if (rc == 0)
        rc = hash(fetch);
    if (rc == 0)
        rc = tri_hash(fetch);
    if (rc == 0)
        rc = look_at(fetch);
    if (rc == 0)
        rc = give_name(fetch);
    if (rc < 0)
        sb_media_problem_of_disk(&fetch->problem, rc);
}
