/*
 * media: the images, voices, videos and files of the world. Each content is stored once, named by
 * its SHA-256, in the folder `media` beside the database; the table `media` has its size, its
 * TriSHA1 and the info of its headers. turn/call_media.h brings in the contents of a call.
 */
#ifndef SB_MEDIA_MEDIA_H
#define SB_MEDIA_MEDIA_H

#include "backend/sandbox/media/config.h"
#include "backend/sandbox/media/probe.h"
#include "backend/sandbox/store/db.h"
#include "base/language.h"
#include "base/slice.h"

#include <milky/backend.h>

enum {
    SB_MEDIA_ID = 65,    /* bytes of an id with its NUL */
    SB_MEDIA_URL = 1024, /* bytes of the longest URL, likewise */
};

/* One content of the store. */
struct sb_media {
    char id[SB_MEDIA_ID]; /* its SHA-256 in lower-case hexadecimal: `resource_id` of messages */
    char tri_sha1[41];    /* `file_hash` of files */
    uint64_t size;        /* bytes, at least 1 */
    uint64_t owner;       /* of one to add: the bot that brings it in, or 0 */
    struct sb_media_info info; /* SB_MEDIA_OTHER where no header was understood */
    /* After a fetch: why its header was not understood, or NULL. */
    const struct mk_phrase *wrong;
};

struct sb_media_store;

/*
 * Opens the store of the world `database`, inside the transaction of the start. `config`, `db` and
 * `host` outlive it. Returns 0 with `*store` set, or -errno, logged.
 */
int sb_media_start(struct sb_media_store **store, struct sb_db *db, struct milky_host *host,
                   const struct sb_media_config *config, const char *database);
/* The world is ready: contents that nothing refers to are removed from now on. Returns 0 or
 * -ENOMEM. */
int sb_media_sweeper_start(struct sb_media_store *store);
/* Frees it; no fetch may be running. NULL is allowed. */
void sb_media_stop(struct sb_media_store *store);

/* file:// does not read this file from now on. Returns 0 or -ENOMEM. */
int sb_media_close_file(struct sb_media_store *store, const char *path);

/* Looks a content up by its id. Returns 1, 0 where there is none, or -errno. */
int sb_media_find(struct sb_media_store *store, struct mk_slice id, struct sb_media *media);

/*
 * Makes a URL under which the endpoint serves the content `id` (not looked up) without further
 * authorization: it cannot be guessed, and expires SB_MEDIA_URL_SECONDS from now in the time of the
 * world. `self_id` is the bot that gets it. `name` is the name to save it under: that of a file, or
 * NULL for "image.png" and the like. The URL is "" when the endpoint has no HTTP server. Returns 0
 * or -errno.
 */
enum { SB_MEDIA_URL_SECONDS = 2 * 60 * 60 };
int sb_media_url(struct sb_media_store *store, uint64_t self_id, const char *id, const char *name,
                 char url[SB_MEDIA_URL]);

/*
 * Deletes the rows of contents that have lost their last reference in this turn or before: a few,
 * the rest in later turns. Inside the transaction, before its commit. Returns 0 or -errno.
 */
int sb_media_sweep(struct sb_media_store *store);
/* Has all contents looked at: of a world that was loaded. Inside the transaction. 0 or -errno. */
int sb_media_loosen_all(struct sb_media_store *store);
/* True while files are left to be removed, or looked for. For tests. */
bool sb_media_sweeping(const struct sb_media_store *store);

/* The turn was committed, or rolled back. */
void sb_media_committed(struct sb_media_store *store);
void sb_media_rolled_back(struct sb_media_store *store);

/* milky_backend.resource: answers the request. */
void sb_media_resource(struct sb_media_store *store, uint64_t request, const char *token);

/* Opens the content for reading. Returns a descriptor, -ENOENT, or another -errno. */
int sb_media_open(struct sb_media_store *store, const char *id);

/* The id of the avatar where none was set; it has no row. */
extern const char sb_media_plain_avatar[];

#endif
