/*
 * cache: files that bots upload before they use them in a call as "cache://ID", so that no content
 * has to be base64 in JSON. Each is one file in a folder of its own, which is emptied when the
 * endpoint starts and when it ends.
 *
 *   transport/cache (HTTP) -> mk_cache_announce: room is reserved for the whole size
 *                          -> mk_cache_upload_*: bytes, written by a thread (cache_upload.c)
 *   backend -> milky_call_cached: the file, while the call that names it is open
 *   the call has succeeded -> a file that is for one use goes
 *
 * The bytes of a file come in chunks, in any order and each with its SHA-256, or as a stream that
 * may be continued where it broke off. A complete file never changes.
 */
#ifndef MK_HOST_CACHE_H
#define MK_HOST_CACHE_H

#include "base/list.h"
#include "base/slice.h"

#include <stdint.h>

struct mk_cache;
struct mk_cached;       /* a resource */
struct mk_cache_upload; /* a request that brings bytes of one */
struct mk_loop;

enum {
    MK_CACHE_ID = 33,        /* bytes of an id's text, with its NUL */
    MK_CACHE_SHA256 = 32,    /* bytes of a hash */
    MK_CACHE_UPLOADS = 16,   /* of a bot at a time */
    MK_CACHE_OF_BOT = 1024,  /* resources */
    MK_CACHE_NAME_MAX = 255, /* bytes of a name */
};
#define MK_CACHE_CHUNK ((uint64_t)4 * 1024 * 1024)

struct mk_cache_config {
    const char *folder; /* made if it is missing; its parent must exist */
    uint64_t bytes;     /* of all resources, as announced */
    uint64_t bytes_of_bot;
    uint64_t idle_ms; /* after which a resource that is not complete, and gets nothing, goes */
};

/*
 * Removes what an earlier process has left in the folder. The first upload makes it; here it is
 * only tried. Returns 0 or a negative errno, logged.
 */
int mk_cache_new(struct mk_loop *loop, const struct mk_cache_config *config,
                 struct mk_cache **cache);
/* Removes all files, and waits for threads; no upload may have a listener. NULL is allowed. */
struct mk_cache *mk_cache_free(struct mk_cache *cache);

/* --- resources --- */

struct mk_cache_order {
    uint64_t self_id;
    uint64_t size; /* at least 1 */
    struct mk_slice name;
    const uint8_t *sha256; /* of all of it; NULL: not known */
    bool once;             /* it goes with the first call that has used it */
};

enum mk_cache_refusal {
    MK_CACHE_TOO_LARGE = 1, /* more than one bot may have */
    MK_CACHE_TOO_MANY,
    MK_CACHE_BOT_FULL,
    MK_CACHE_FULL,
};

/*
 * Returns 0, an enum mk_cache_refusal, -ENOMEM, or a negative errno (logged) where the folder
 * cannot be made.
 */
int mk_cache_announce(struct mk_cache *cache, const struct mk_cache_order *order,
                      struct mk_cached **resource);

/* Returns NULL for an unknown id, and for one of another bot. */
struct mk_cached *mk_cache_find(struct mk_cache *cache, uint64_t self_id, struct mk_slice id);

/* Removes it, and ends its uploads; what has its file open can still read that. */
void mk_cached_destroy(struct mk_cached *resource);

/* Destroys all that the bot has. */
void mk_cache_forget_bot(struct mk_cache *cache, uint64_t self_id);

/* The sizes that a bot may announce, and what it has. */
struct mk_cache_room {
    uint64_t most; /* bytes of all resources of the bot, and of one */
    uint64_t used; /* bytes */
    unsigned count;
};
struct mk_cache_room mk_cache_room(struct mk_cache *cache, uint64_t self_id);

struct mk_cache_status {
    const char *id, *name;
    uint64_t size, received;
    uint64_t offset; /* where a stream continues: all bytes before it are there */
    uint64_t chunks, missing;
    bool is_complete, once;
};
void mk_cached_status(const struct mk_cached *resource, struct mk_cache_status *status);
/* Returns the number of the first missing chunk from `from` on; the number of chunks for none. */
uint64_t mk_cached_next_missing(const struct mk_cached *resource, uint64_t from);

/* --- uploads --- */

/* How an upload has ended. */
enum mk_cache_end {
    MK_CACHE_STORED,
    MK_CACHE_WRONG_HASH,     /* of this upload's bytes, none of which count */
    MK_CACHE_WRONG_RESOURCE, /* of all bytes together, which do not count any more */
    MK_CACHE_REPLACED,       /* another upload brings the same bytes, or has completed it */
    MK_CACHE_DESTROYED,
    MK_CACHE_FAILED, /* `error` is a negative errno of the disk */
};

/* Embedded in the requester. Neither is called from within a function of the same upload. */
struct mk_cache_listener {
    /* There is room for more bytes, after mk_cache_upload_add has returned false. */
    void (*room)(struct mk_cache_listener *listener);
    /* The upload has ended and is freed. */
    void (*ended)(struct mk_cache_listener *listener, enum mk_cache_end end, int error);
};

struct mk_cache_part {
    uint64_t from, end;    /* of the bytes of the resource */
    const uint8_t *sha256; /* of these bytes; NULL: not known */
    bool is_chunk;         /* it is exactly one chunk; else a stream, from `offset` or before */
};

/*
 * Begins to take bytes of a resource. An earlier upload of the same chunk, or an earlier stream, is
 * ended: its connection may be dead without a sign. Returns 0; -EALREADY for a complete
 * resource; -ERANGE for a stream from behind the offset; -EBUSY when the bot has too many uploads;
 * -ENOMEM.
 */
int mk_cache_upload_begin(struct mk_cached *resource, const struct mk_cache_part *part,
                          struct mk_cache_listener *listener, struct mk_cache_upload **upload);

/* The bytes that are still to be added. */
uint64_t mk_cache_upload_left(const struct mk_cache_upload *upload);

/*
 * Adds bytes, at most those that are left, and not after false was returned until `room` is called.
 * Returns 1; 0 when that was all that fits for now; -ENOMEM.
 */
int mk_cache_upload_add(struct mk_cache_upload *upload, struct mk_slice bytes);

/* All bytes were added: `ended` follows. */
void mk_cache_upload_finish(struct mk_cache_upload *upload);

/*
 * The connection has ended: `listener` is not used any more. The bytes of a stream that were added
 * are still written.
 */
void mk_cache_upload_leave(struct mk_cache_upload *upload);

/* --- use by calls --- */

/* The resources that a call uses: a list, empty for most. */
struct mk_cache_claim;

/*
 * Opens the file of "cache://ID" for a call of bot `self_id`, and adds a claim. A resource for one
 * use has one claimant at a time. Returns a descriptor, -ENOENT, -EAGAIN (it is not complete),
 * -EBUSY (another call uses it), or another negative errno.
 */
int mk_cache_claim(struct mk_cache *cache, uint64_t self_id, uint64_t call, struct mk_slice uri,
                   struct mk_cache_claim **claims);
/* The call has ended: frees the claims, and destroys what it has used up. */
void mk_cache_settle(struct mk_cache_claim **claims, bool has_succeeded);

#endif
