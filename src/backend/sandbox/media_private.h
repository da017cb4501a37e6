/*
 * media_private: what the files of media share and nobody else includes.
 *
 *   media.c        a call's URIs: found, fetched, handed to its handler, recorded
 *   media_fetch.c  one URI becomes a file with its hashes, beside the loop
 *   media_source.c where its bytes come from: files below the roots, base64
 *   media_store.c  the folder: contents come in, are kept with the turn that wanted them, or go
 *   media_url.c    the URLs under which the endpoint serves them
 */
#ifndef MK_SANDBOX_MEDIA_PRIVATE_H
#define MK_SANDBOX_MEDIA_PRIVATE_H

#include "backend/sandbox/media.h"
#include "base/list.h"

#include <stdatomic.h>
#include <uv.h>

struct mk_http_client;
struct mk_http_request;

enum {
    MK_MEDIA_KEY = 32,
    MK_MEDIA_PROBLEM = 512, /* bytes of the longest reason, in either language */
};

/* Why a content cannot be had. */
struct mk_media_problem {
    int retcode; /* 0: there is none */
    char chinese[MK_MEDIA_PROBLEM];
    char english[MK_MEDIA_PROBLEM];
};

void mk_media_problem(struct mk_media_problem *problem, int retcode, const char *chinese,
                      const char *english, ...) __attribute__((format(printf, 4, 5)));

/* What threads read: it stays as it is from start to end. */
struct mk_media_rules {
    uint64_t max_bytes; /* of one content */
    char **roots;       /* resolved, without a slash at the end ("" is the root of all) */
    size_t root_count;
    char *roots_text;          /* all of them, for people */
    char *database;            /* resolved, "" for one in memory */
    const char *const *closed; /* the database and these are not even read below a root */
    size_t closed_count;
    const char *closed_below; /* nor are databases in the folders of this one (NULL, "": none) */
    bool durable;             /* contents, and their names, are on disk before they are told of */
};

/* --- where bytes come from (any thread) --- */

/* Takes bytes; returns 0 or a negative errno. */
typedef int mk_media_taker(void *arg, const void *data, size_t len);

/* Both feed a whole content to `take`. `abandoned` ends them early. Return false with the problem.
 */
bool mk_media_read_file(const struct mk_media_rules *rules, struct mk_slice uri,
                        const atomic_bool *abandoned, mk_media_taker *take, void *arg,
                        struct mk_media_problem *problem);
bool mk_media_read_base64(const struct mk_media_rules *rules, struct mk_slice uri,
                          const atomic_bool *abandoned, mk_media_taker *take, void *arg,
                          struct mk_media_problem *problem);

/* Sets the problem for what `take` returned, or for a content that is too large. */
void mk_media_problem_of_disk(struct mk_media_problem *problem, int error);
void mk_media_problem_too_large(struct mk_media_problem *problem, uint64_t max);

/* --- fetching --- */

/* One URI on its way to a file in the folder of incoming contents. */
struct mk_media_fetch {
    uv_work_t work;
    struct mk_list node; /* in store->queued, or alone */
    struct mk_media_store *store;
    const struct mk_media_rules *rules;
    struct mk_slice uri;
    bool is_http;
    struct mk_http_request *download;
    atomic_bool abandoned;
    atomic_bool reads_uri; /* a thread does */
    int fd;                /* of the file at `path`, or -1 */
    char *path; /* NULL: there is none; when it has ended well, its name begins with its id */
    uint64_t size;
    struct mk_media media; /* when it has ended without a problem */
    struct mk_media_problem problem;
    void (*done)(struct mk_media_fetch *fetch); /* never from within mk_media_fetch_start */
};

/* Starts; `fetch` is zeroed but for `store`, `uri` (borrowed until `done`) and `done`. */
void mk_media_fetch_start(struct mk_media_fetch *fetch);
/* It will end soon, with a problem of no interest. */
void mk_media_fetch_abandon(struct mk_media_fetch *fetch);
/* The same, and the URI is not looked at any more when this returns. */
void mk_media_fetch_forget(struct mk_media_fetch *fetch);
/* After `done`: removes its file, if that was not taken, and frees what it holds. */
void mk_media_fetch_fini(struct mk_media_fetch *fetch);

/* --- the store --- */

/* A content in the folder of incoming ones, called by its id. */
struct mk_media_blob {
    struct mk_list node;
    char id[MK_MEDIA_ID];
    struct mk_media_info info;
    unsigned uses; /* calls that wait or run with it */
    bool recorded; /* in the transaction of this turn */
    bool kept;     /* committed, and moved out of there */
};

struct mk_media_store {
    struct mk_sandbox *sandbox;
    struct uv_loop_s *loop;
    struct mk_media_rules rules;
    struct mk_http_client *http; /* made with the first download */
    bool allow_private;
    uint32_t timeout_ms;
    char *folder;   /* NULL until it is needed, for a database in memory */
    char *incoming; /* a folder in it */
    bool is_temporary;
    struct mk_list blobs;
    struct mk_list calls;  /* that wait for their media */
    struct mk_list queued; /* fetches that wait for a thread */
    unsigned threads;      /* at work */
    unsigned downloads;
    uint8_t key[MK_MEDIA_KEY];
};

/* Makes the folders where they are not there (any more). Returns 0 or a negative errno, logged. */
int mk_media_store_make(struct mk_media_store *store);

/*
 * Takes a fetched content over: where the world does not have it yet, `*blob` is set and counts one
 * more use. Returns 0 or a negative errno.
 */
int mk_media_store_take(struct mk_media_store *store, struct mk_media_fetch *fetch,
                        struct mk_media_blob **blob);
/* One use less. NULL is allowed. */
void mk_media_store_release(struct mk_media_store *store, struct mk_media_blob *blob);

/* What a content is that may not have its row yet. Returns 1, 0 or -errno. */
int mk_media_store_info(struct mk_media_store *store, const char *id, struct mk_media_info *info);

/* Writes the row. Inside the transaction. `blob` may be NULL. Returns 0 or -errno. */
int mk_media_store_record(struct mk_media_store *store, const struct mk_media *media,
                          struct mk_media_blob *blob);

/* Waits until the disk has the names in a folder. Any thread. Returns 0 or a negative errno. */
int mk_media_sync_folder(const char *path);

/* The paths of a content, in the folder and among the incoming; NULL when memory is out. */
char *mk_media_store_path(const char *folder, const char *id);

/* Frees what is in it; nothing may be under way. */
void mk_media_store_free(struct mk_media_store *store);

/* A descriptor of the content, or a negative errno. */
int mk_media_open_content(struct mk_media_store *store, const char *id);

/* --- URLs --- */

/* Reads or makes the key that URLs are signed with, inside the transaction of the start. */
int mk_media_url_start(struct mk_media_store *store);

#endif
