/* clang-format off */
/*
 * private: shared by the files of media, and by turn/call_media.c.
 *
 *   fetch.c    one URI becomes a file with its hashes, beside the loop
 *   queue.c    which fetch is next: fair between bots
 *   seal.c     the hashes, the info and the name of a file that is complete
 *   source.c   where its bytes come from: files below the roots, base64
 *   closed.c   files that are not for bots
 *   content.c  the folder: contents come in, are kept with the turn that recorded them, or removed
 *   table.c    the table of contents
 *   uses.c     what refers to contents, and which of them nothing refers to any more
 *   sweep.c    the files of those are removed
 *   url.c      the URLs under which the endpoint serves them
 *   quota.c    how many bytes each bot may have
 *   probe*.c   what a content is
 */
/* clang-format on */
#ifndef SB_MEDIA_PRIVATE_H
#define SB_MEDIA_PRIVATE_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/media/queue.h"
#include "backend/sandbox/store/secret.h"
#include "base/language.h"
#include "base/list.h"
#include "base/table.h"

#include <stdatomic.h>
#include <uv.h>

struct mk_download;
struct mk_downloads;
struct sb_media_closed;
struct stat;

enum {
    SB_MEDIA_PROBLEM = 512, /* bytes of the longest reason */
};

/* Why a URI cannot be fetched. turn/call_media.c makes a retcode of it. */
enum sb_media_problem_kind {
    SB_PROBLEM_NONE,
    SB_PROBLEM_URI,       /* the URI is malformed, or points outside of what may be read */
    SB_PROBLEM_CONTENT,   /* the file cannot be read, or the URL not be downloaded */
    SB_PROBLEM_TOO_LARGE, /* larger than the limit */
    SB_PROBLEM_EMPTY,     /* there is nothing in it */
    SB_PROBLEM_FULL,      /* the bot, or all bots, have as many bytes as they may */
    SB_PROBLEM_INTERNAL,  /* the sandbox cannot store it */
};

struct sb_media_problem {
    enum sb_media_problem_kind kind;
    enum mk_language language; /* of the text; set before the fetch starts */
    char *text;                /* NULL: there was no memory for it */
};

void sb_media_problem(struct sb_media_problem *problem, enum sb_media_problem_kind kind,
                      const char *en, const char *zh, ...) MK_FORMAT_PAIR(3, 4, 5);
const char *sb_media_problem_text(const struct sb_media_problem *problem);

/* Read by threads: from start to end it does not change, but for `closed`. */
struct sb_media_rules {
    uint64_t max_bytes; /* of one content */
    char **roots;       /* resolved, without a slash at the end ("" is the root of all) */
    size_t root_count;
    char *roots_text;                         /* all of them, for people */
    char *database;                           /* resolved, "" for one in memory */
    _Atomic(struct sb_media_closed *) closed; /* these and the database are not read, not even
                                                 below a root; it only grows */
    char *data_dir; /* resolved; nor are databases in this folder and in those in it ("": none) */
    bool durable;   /* contents and their names are on disk before they are used */
};

/* --- where bytes come from (any thread) --- */

/* Takes bytes. Returns 0 or a negative errno. */
typedef int sb_media_taker(void *arg, const void *data, size_t len);

/* Between a thread that reads and the loop. */
struct sb_media_reading {
    atomic_bool abandoned; /* set by the loop: ends the thread's work after the next piece */
    atomic_bool reads_uri; /* set by the thread: it reads the text of the URI */
};

/* Both pass a whole content to `take`, piece by piece. Return false with the problem. */
bool sb_media_read_file(const struct sb_media_rules *rules, struct mk_slice uri,
                        struct sb_media_reading *reading, sb_media_taker *take, void *arg,
                        struct sb_media_problem *problem);
bool sb_media_read_base64(const struct sb_media_rules *rules, struct mk_slice uri,
                          struct sb_media_reading *reading, sb_media_taker *take, void *arg,
                          struct sb_media_problem *problem);

/*
 * The content of a file that was uploaded: by another name for it where the file system allows
 * that, else as a copy that the kernel makes. Replaces the empty file at `path`, whose descriptor
 * is `*fd`. Returns 0 or a negative errno.
 */
int sb_media_adopt_file(int cached, const char *path, int *fd, struct sb_media_reading *reading);

/* Closes a file, under any name. Not on a thread. Returns 0 or -ENOMEM. */
int sb_media_rules_close(struct sb_media_rules *rules, const char *path);
/* Frees the list of closed files; no thread may be at work. */
void sb_media_rules_forget(struct sb_media_rules *rules);

/* Returns whether a file is closed, by its inode. */
bool sb_media_is_closed(const struct sb_media_rules *rules, const struct stat *status);

/*
 * Returns whether a resolved path is in data_dir, and not meant: below a root above data_dir, all
 * of it is private; below one in it, or that is it, the contents of worlds and uploads are.
 */
bool sb_media_is_private(const struct sb_media_rules *rules, const char *root, const char *path);

/* Set the problem: of an error that `take` returned, of a content that is too large. */
void sb_media_problem_of_disk(struct sb_media_problem *problem, int error);
void sb_media_problem_too_large(struct sb_media_problem *problem, uint64_t max);

/* --- fetching --- */

/* The bytes of one bot, or of all bots, of which threads read and change the atomic ones. */
struct sb_media_charge {
    struct mk_list node;
    uint64_t self_id; /* 0: all */
    uint64_t most;
    unsigned uses;               /* fetches */
    atomic_uint_fast64_t stored; /* in the world */
    atomic_uint_fast64_t incoming;
};

/* Bytes that count while they are on their way into the world. */
struct sb_media_amount {
    struct sb_media_charge *charge; /* of the bot; NULL: they are not counted */
    uint64_t bytes;
};

/*
 * The place of a download in its lane, which it keeps until the thread of downloads has ended it:
 * perhaps after its fetch. That thread counts the amount.
 */
struct sb_media_slot {
    struct mk_list node; /* in store->slots */
    struct sb_media_store *store;
    struct sb_media_lane *lane;
    struct sb_media_amount amount;
};

enum sb_media_fetch_stage {
    SB_FETCH_NEW,
    SB_FETCH_WAITS, /* for a place in the queue */
    SB_FETCH_DOWNLOADS,
    SB_FETCH_WORKS, /* on a thread */
    SB_FETCH_ENDED,
};

/* One URI on its way to a file in the folder of incoming contents. */
struct sb_media_fetch {
    uv_work_t work;
    struct sb_media_waiter waiter;
    enum sb_media_fetch_stage stage;
    struct sb_media_store *store;
    const struct sb_media_rules *rules;
    uint64_t self_id; /* whose it is; 0: an operator's */
    uint64_t call;    /* of which it is; 0: none */
    struct sb_media_amount amount;
    struct mk_slice uri;
    char *path_uri; /* the thread's copy of a file:// URI */
    int cached;     /* of a cache:// URI: the descriptor to read; else -1 */
    bool is_http;
    struct mk_download *download;
    struct sb_media_slot *slot; /* of the download */
    struct sb_media_reading reading;
    int fd;     /* of the file at `path`, or -1 */
    char *path; /* NULL: there is none; after success its name begins with the id */
    uint64_t size;
    struct sb_media media; /* set when it has ended without a problem */
    struct sb_media_problem problem;
    void (*done)(struct sb_media_fetch *fetch); /* not called from within sb_media_fetch_start */
};

/* Returns false with the problem set where the URI cannot be one of a content. */
bool sb_media_fetch_check(struct sb_media_fetch *fetch);
/*
 * Starts; `fetch` is zeroed but for `store`, `self_id`, `uri` (borrowed until `done`) and `done`,
 * and has been checked.
 */
void sb_media_fetch_start(struct sb_media_fetch *fetch);
/* Ends it, now or soon, with a problem that does not matter. May call `done`. */
void sb_media_fetch_abandon(struct sb_media_fetch *fetch);
/* The same; when this returns, the URI is not used any more. */
void sb_media_fetch_forget(struct sb_media_fetch *fetch);
/* After `done`, or before the start: removes its file, if it was not taken over, and frees its
 * memory. */
void sb_media_fetch_fini(struct sb_media_fetch *fetch);

/* Nothing is left of its download. */
void sb_media_slot_free(struct sb_media_slot *slot);

/* The file is complete: flushes, hashes, probes and names it. On a thread. */
void sb_media_seal(struct sb_media_fetch *fetch);

/* --- quotas: limits.media_bytes --- */

void sb_media_quota_init(struct sb_media_store *store);

/* Begins to count; sets the problem where there is no room for what is known of its length. */
void sb_media_quota_begin(struct sb_media_fetch *fetch);
/* Counts more bytes, on any thread. Returns 0, or -EDQUOT where there is no room for them. */
int sb_media_quota_add(struct sb_media_store *store, struct sb_media_amount *amount, uint64_t len);
/* Sets the problem: there is no room for more. */
void sb_media_quota_refuse(struct sb_media_fetch *fetch);
/* The bytes that there is room for. */
uint64_t sb_media_quota_room(const struct sb_media_fetch *fetch);
/* Returns false with the problem set where there is no room for `len` bytes. */
bool sb_media_quota_admit(struct sb_media_fetch *fetch, uint64_t len);
/* The content is in the world, or is not wanted: the amount is not counted as incoming any more. */
void sb_media_quota_end(struct sb_media_store *store, struct sb_media_amount *amount);

/* --- the store --- */

/* A content that calls use: in the folder of incoming ones, or one that the world has. */
struct sb_media_blob {
    struct mk_list node;         /* of all blobs */
    struct mk_list turn;         /* of those that are recorded */
    struct mk_table_entry entry; /* by id */
    char id[SB_MEDIA_ID];
    struct sb_media_info info;
    unsigned uses; /* calls that use it */
    bool recorded; /* in the transaction of this turn: in the list of them */
    bool kept;     /* it is in the folder of contents */
};

struct sb_media_store {
    struct sb_db *db;
    struct milky_host *host;
    const struct sb_media_config *config;
    struct uv_loop_s *loop;
    struct sb_media_rules rules;
    struct mk_downloads *downloads; /* made with the first download */
    bool allow_private;
    uint32_t timeout_ms;
    char *folder;   /* NULL until it is needed, for a database in memory */
    char *incoming; /* a folder in it */
    bool is_temporary;
    struct mk_list blobs;
    struct mk_list charges; /* of bots that are fetching something */
    struct sb_media_charge all;
    uint64_t bot_bytes;
    struct mk_list recorded; /* blobs, in the transaction of this turn */
    struct mk_table by_id;   /* blobs */
    struct sb_media_queue queue;
    struct mk_list slots;             /* of downloads that are not released */
    struct sb_media_sweeper *sweeper; /* NULL: not started */
    uint64_t swept;                   /* the loose contents up to here were looked at */
    bool has_more;                    /* loose contents are left for another turn */
    bool has_gone;                    /* contents were deleted in this turn */
    bool has_held;                    /* some were left alone, because a call holds them */
    uint8_t key[SB_SECRET_LEN];
};

/* Makes the folders that are missing. Returns 0 or a negative errno, logged. */
int sb_media_store_make(struct sb_media_store *store);

/*
 * Takes over a content that was fetched, unless the world has it already: `*blob` counts one more
 * use, and until its release the content is not swept. Returns 0 or a negative errno.
 */
int sb_media_store_take(struct sb_media_store *store, struct sb_media_fetch *fetch,
                        struct sb_media_blob **blob);
/* Counts one use less. NULL is allowed. */
void sb_media_store_release(struct sb_media_store *store, struct sb_media_blob *blob);

/* The info of a content that may have no row yet. Returns 1, 0 or -errno. */
int sb_media_store_info(struct sb_media_store *store, const char *id, struct sb_media_info *info);

/* Writes the row. Inside the transaction. `blob` may be NULL. Returns 0 or -errno. */
int sb_media_store_record(struct sb_media_store *store, const struct sb_media *media,
                          struct sb_media_blob *blob);

/* Flushes the names in a folder. Any thread. Returns 0 or a negative errno. */
int sb_media_sync_folder(const char *path);

/* The path of a content in one of the two folders; NULL when out of memory. */
char *sb_media_store_path(const char *folder, const char *id);

/* Returns a descriptor of the content, or a negative errno. */
int sb_media_open_content(struct sb_media_store *store, const char *id);

/* A call that has not ended has fetched it, or will record it with the end of this turn. */
bool sb_media_store_holds(struct sb_media_store *store, const char *id);

/* --- sweeping --- */

enum { SB_MEDIA_STEP = 64 }; /* contents that a turn looks at, or removes, at most */

/* Goes on in the next turn of the loop. */
void sb_media_sweep_later(struct sb_media_store *store);
void sb_media_sweeper_stop(struct sb_media_store *store);

/* --- the table --- */

/* Adds the row where there is none. Inside the transaction. Returns 0 or -errno. */
int sb_media_add(struct sb_db *db, const struct sb_media *media);

/* --- URLs --- */

/* Reads or makes the key that URLs are signed with, inside the transaction of the start. */
int sb_media_url_start(struct sb_media_store *store);

#endif
